/** The register maps of the meters that an agent can read over Modbus. */
import { ABB_B23 } from "./abb-b23.ts";
import { EM340 } from "./em340.ts";
import type { MeterModel } from "./meter.ts";
import type { MeterModelName } from "./model-names.ts";
import { SDM630, SDM72 } from "./sdm630.ts";
import { sunspecMeter } from "./sunspec.ts";

export const METER_MODELS: Readonly<Record<MeterModelName, MeterModel>> = {
  sdm630: SDM630,
  sdm72: SDM72,
  em330: EM340,
  em340: EM340,
  "abb-b23": ABB_B23,
  "abb-b24": ABB_B23,
  sunspec201: sunspecMeter(201),
  sunspec202: sunspecMeter(202),
  sunspec203: sunspecMeter(203),
  sunspec204: sunspecMeter(204),
};
