/** The operator as its fleet sees it: hosts, card policy, software releases. The same for every station of a seed. */
import { DAY_MS, HOUR_MS, type WallMs } from "../../models/units.ts";
import { dice } from "./dice.ts";
import type { Setting } from "./dialect.ts";

export const FIRMWARE_HOST = "https://firmware.operator.example";
export const UPLOAD_HOST = "https://logs.operator.example";
export const CSMS_ADDRESS = "198.51.100.10";
/** SHA-256 of the certificate that it shows. */
export const CSMS_CERTIFICATE = "c5".repeat(32);

export interface Release {
  readonly at: WallMs;
  readonly version: string;
}

/** Releases reach a fleet every two to five weeks, in the morning. */
export function releases(fleetSeed: number, from: WallMs, until: WallMs): Release[] {
  const chance = dice(fleetSeed, "releases");
  const list: Release[] = [];
  let day = chance.uniform(3, 21);
  for (let minor = 1; from + day * DAY_MS < until; minor += 1, day += chance.uniform(14, 35)) {
    const at = from + Math.floor(day) * DAY_MS + chance.uniform(8, 11) * HOUR_MS;
    list.push({ at: Math.round(at) as WallMs, version: `2.${minor}.0` });
  }
  return list;
}

interface Harmless {
  readonly name16: string;
  readonly name201: string;
  readonly values: readonly string[];
}

/** What an operator changes on a working day; stations obey the first two. */
export const HARMLESS: readonly Harmless[] = [
  { name16: "HeartbeatInterval", name201: "OCPPCommCtrlr.HeartbeatInterval", values: ["240", "300", "600"] },
  { name16: "MeterValueSampleInterval", name201: "SampledDataCtrlr.TxUpdatedInterval", values: ["30", "60", "120"] },
  { name16: "ConnectionTimeOut", name201: "TxCtrlr.EVConnectionTimeOut", values: ["60", "90", "120"] },
  { name16: "LightIntensity", name201: "ChargingStation.LightIntensity", values: ["40", "70", "100"] },
];

export function settingOf({ name16, name201 }: Harmless, value: string): Setting {
  return { name16, name201, value };
}
