/** Can alerts leave this machine? Each receiver is reached as an alert would be, and given one only when asked. */
import { createHash } from "node:crypto";
import { systemClock, systemTimers } from "../../adapters/clock.ts";
import { systemRandom } from "../../adapters/crypto.ts";
import { explainFailure } from "../../adapters/csms-probe.ts";
import type { Carrier } from "../../adapters/outlets/courier.ts";
import { createCarriers } from "../../adapters/outlets/outlets.ts";
import type { Config, Environment } from "../../config.ts";
import { effectiveOutlets } from "../../config-outlets.ts";
import { plainText } from "../../plain-text.ts";
import type { Alert } from "../../../models/terms.ts";
import { rfc3339, type WallMs } from "../../../models/units.ts";
import { failed, passed, warned } from "./check.ts";
import type { Check } from "./check.ts";

/** What it means that the receiver was reached and would not have us. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/HTTP 401|user name and password/, "does not take the user and password"],
  [/HTTP 403|not authori[sz]ed/, "knows the user, who may not do this there"],
  [/HTTP 404/, "has nothing at this path"],
  [/^HTTP 3\d\d/, "sends alerts on to another address, which is not followed"],
];

/** Where an outlet leads, as the configuration in force prints it, without secrets. */
function placeOf(config: Config, name: string): string {
  const outlet = effectiveOutlets(config.alerts)[name] as Readonly<Record<string, unknown>> | undefined;
  const { broker, url, address } = outlet ?? {};
  const at = typeof broker === "object" && broker !== null ? (broker as { url?: unknown }).url : url ?? address;
  return `${name} ${plainText(String(at), 200)}`;
}

function failure(where: string, name: string, why: string): Check {
  const known = REFUSED.find(([pattern]) => pattern.test(why))?.[1];
  const says = known === undefined ? explainFailure(why).says : `${known} (${plainText(why, 80)})`;
  return failed("outlet", `${where} ${says}`, `see alerts.${name} in the configuration, and the receiver`);
}

/** What `--test-alert` sends: it says what it is, and is over at once. */
export function testAlerts({ station, region, zone }: Config, now: WallMs): Alert[] {
  const time = rfc3339(now);
  const raised: Alert = {
    schemaVersion: "1.0", time, state: "raised", scope: "station", threat: "reconnaissance", severity: "info",
    incidentId: createHash("sha256").update(`test alert of ${station} at ${time}`).digest("hex"),
    region, zone, stations: [station], onset: time, confidence: 0, explanation: [], evidence: [], agent: station,
    summary: "TEST: somebody asked for this alert with kerbwatch doctor --test-alert. Nothing was found.",
    nextStep: "Nothing: it arrived.",
  };
  return [raised, { ...raised, state: "cleared" }];
}

async function reach(carrier: Carrier, alerts: readonly Alert[], timeOutMs: number): Promise<string> {
  const signal = AbortSignal.timeout(timeOutMs);
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error(`no connection within ${timeOutMs / 1_000} s`)));
  });
  const tried = async (): Promise<string> => {
    if (alerts.length === 0) return carrier.probe(signal);
    for (const alert of alerts) {
      await carrier.carry({ id: `${alert.incidentId}.${alert.state}`, alerts: [alert] }, signal);
    }
    return "took the test alert";
  };
  return Promise.race([tried(), late]).finally(() => carrier.close?.());
}

/** @param test whether each receiver is to be sent a test alert */
export async function checkOutlets(
  config: Config, env: Environment, timeOutMs: number, test: boolean,
): Promise<Check[]> {
  const ports = { clock: systemClock, timers: systemTimers, random: systemRandom, notice: () => undefined };
  let carriers: ReturnType<typeof createCarriers>;
  try {
    carriers = createCarriers(config, env, ports);
  } catch (error) {
    return [failed("outlet", plainText((error as Error).message, 300), "see alerts in the configuration")];
  }
  if (carriers.length === 0) {
    return [test ? warned("outlet", "none beyond this machine: there is nobody to send a test alert to", "see alerts")
      : passed("outlet", `none beyond this machine; alerts go to ${config.alerts.jsonl}`)];
  }
  const alerts = test ? testAlerts(config, systemClock.wallMs()) : [];
  return Promise.all(carriers.map(async ({ name, carrier }) => {
    const where = placeOf(config, name);
    try {
      return passed("outlet", `${where}: ${await reach(carrier, alerts, timeOutMs)}`);
    } catch (error) {
      return failure(where, name, (error as Error).message);
    }
  }));
}
