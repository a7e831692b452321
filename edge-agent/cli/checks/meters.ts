/** Does each meter answer with a reading? */
import { readMeter } from "../../adapters/sources.ts";
import { meterName } from "../../config-meters.ts";
import type { Config, Environment, MeterConfig } from "../../config.ts";
import { plainText } from "../../plain-text.ts";
import type { MeterStatus, Status } from "../../status.ts";
import type { Reading } from "../../../models/terms.ts";
import { failed, passed, warned } from "./check.ts";
import type { Check } from "./check.ts";

const values = ({ powerW, energyImportWh }: Pick<Reading, "powerW" | "energyImportWh">): string => [
  ...(powerW === undefined ? [] : [`${Math.round(powerW)} W`]),
  ...(energyImportWh === undefined ? [] : [`${(energyImportWh / 1000).toFixed(2)} kWh`]),
].join(", ");

async function checkMeter(
  key: string, meter: MeterConfig, seen: MeterStatus | undefined, env: Environment, timeOutMs: number,
): Promise<Check> {
  const { model, address } = meterName(meter);
  const what = `EVSE ${meter.evse}, ${model} at ${address}`;
  // Many meters take one connection at a time, and the running agent holds it.
  if (seen?.state === "reading") return passed("meter", `${what}: the running agent reads ${values(seen)}`);
  try {
    return passed("meter", `${what}: ${values(await readMeter(key, meter, env, timeOutMs))}`);
  } catch (error) {
    return failed("meter", `${what}: ${plainText((error as Error).message, 200)}`,
      "model" in meter ? "check its address, unit and model, and that no other program holds its only connection"
        : "check its broker, and what it says there, with mosquitto_sub");
  }
}

export async function checkMeters(
  { meters }: Config, env: Environment, running: Status | undefined, timeOutMs: number,
): Promise<Check[]> {
  if (meters.length === 0) {
    return [warned("meter", "none configured: what is delivered is known from the charger's own word alone",
      "give meters, if the station has one that can be read")];
  }
  return Promise.all(meters.map((meter, index) => {
    const at = meterName(meter).address;
    const seen = running?.meters.find(({ evse, address }) => evse === meter.evse && address === at);
    return checkMeter(`meters[${index}]`, meter, seen, env, timeOutMs);
  }));
}
