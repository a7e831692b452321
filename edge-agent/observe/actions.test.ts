/** The action tables against the schemas of the OCPP editions, name by name, and against who may call what. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import type { Direction, Observation, OcppVersion } from "../../models/terms.ts";
import type { MonotonicMs, StationId, WallMs } from "../../models/units.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import type { Action } from "./mapping.ts";
import { createObserve, observe } from "./observe.ts";
import { tableOf, versionShown } from "./versions.ts";

const SCHEMAS: Readonly<Record<OcppVersion, string>> =
  { "1.6": "ocpp1_6", "2.0.1": "ocpp2_0_1", "2.1": "ocpp2_1" };
const VERSIONS = Object.keys(SCHEMAS) as OcppVersion[];
const COUNTS: Readonly<Record<OcppVersion, number>> = { "1.6": 39, "2.0.1": 64, "2.1": 91 };

/** The names in the schemas of a version: `urn:Reset.req`, `urn:ResetRequest`, and `urn:NotifyPeriodicEventStream`. */
function schemaNames(version: OcppVersion): Set<string> {
  const path = join(repoRoot, "node_modules/ocpp-rpc/lib/schemas", `${SCHEMAS[version]}.json`);
  const schemas = createRequire(join(repoRoot, "package.json"))(path) as readonly { readonly $id: string }[];
  return new Set(schemas.map(({ $id }) => $id.replace(/^urn:/, "").replace(/(\.req|\.conf|Request|Response)$/, "")));
}

/** What the station calls, by the editions' message lists; DataTransfer goes both ways, and all else is the CSMS's. */
const BY_STATION = new Set(`Authorize BatterySwap BootNotification ClearedChargingLimit ClosePeriodicEventStream
  DiagnosticsStatusNotification FirmwareStatusNotification Get15118EVCertificate GetCertificateChainStatus
  GetCertificateStatus Heartbeat LogStatusNotification MeterValues NotifyChargingLimit NotifyCustomerInformation
  NotifyDERAlarm NotifyDERStartStop NotifyDisplayMessages NotifyEVChargingNeeds NotifyEVChargingSchedule NotifyEvent
  NotifyMonitoringReport NotifyPeriodicEventStream NotifyPriorityCharging NotifyReport NotifySettlement
  OpenPeriodicEventStream PublishFirmwareStatusNotification PullDynamicScheduleUpdate ReportChargingProfiles
  ReportDERControl ReservationStatusUpdate SecurityEventNotification SignCertificate SignedFirmwareStatusNotification
  StartTransaction StatusNotification StopTransaction TransactionEvent VatNumberValidation`.split(/\s+/));

function callerOf(action: string): Action["from"] {
  if (action === "DataTransfer") return "both";
  return BY_STATION.has(action) ? "station" : "csms";
}

/** What one call of `action` comes to on a connection that agreed on `version`. */
function seenOf(version: OcppVersion, direction: Direction, action: string): Observation[] {
  const state = createObserve({ station: "CP-1" as StationId, crypto: nodeCrypto(), tokenSecret: new Uint8Array(32) });
  const now = { wallMs: Date.UTC(2026, 2, 2) as WallMs, monoMs: 0 as MonotonicMs };
  const text = JSON.stringify([2, "1", action, {}]);
  return observe(state, { kind: "frame", direction, text, ocppVersion: version }, now);
}

const oddities = (seen: readonly Observation[]): string[] =>
  seen.flatMap((one) => (one.kind === "oddity" && one.oddity !== "bad-payload" ? [`${one.oddity} ${one.detail}`] : []));

for (const version of VERSIONS) {
  const names = [...schemaNames(version)].sort();

  test(`${version}: the table has the ${COUNTS[version]} actions of the schemas and no other`, () => {
    assert.is(names.length, COUNTS[version]);
    assert.equal([...tableOf(version).keys()].sort(), names);
  });

  test(`${version}: each action is taken from the side that may call it, and is an oddity from the other`, () => {
    for (const name of names) {
      const from = callerOf(name);
      assert.is(tableOf(version).get(name)?.from, from, name);
      const [station, csms] = [seenOf(version, "cp-to-csms", name), seenOf(version, "csms-to-cp", name)];
      assert.equal(oddities(station), from === "csms" ? [`wrong-direction ${name} from the station`] : [], name);
      assert.equal(oddities(csms), from === "station" ? [`wrong-direction ${name} from the csms`] : [], name);
    }
  });

  test(`${version}: each action that only other versions have is an oddity, and nothing more`, () => {
    const foreign = VERSIONS.flatMap((other) => [...schemaNames(other)]).filter((name) => !names.includes(name));
    assert.ok(foreign.length >= 11);
    for (const name of foreign) {
      const seen = seenOf(version, callerOf(name) === "station" ? "cp-to-csms" : "csms-to-cp", name);
      assert.equal(oddities(seen), [`unknown-action ${name}`]);
      assert.is(seen.length, 1);
    }
  });
}

test("an action that one edition alone has shows it, and one that all have shows nothing", () => {
  const [in16, in201, in21] = VERSIONS.map(schemaNames) as [Set<string>, Set<string>, Set<string>];
  for (const name of in21) {
    const expected = in16.has(name) ? undefined : in201.has(name) ? "2.0.1" : "2.1";
    assert.is(versionShown(name, {}), expected, name);
  }
  for (const name of in16) assert.is(versionShown(name, {}), in201.has(name) ? undefined : "1.6", name);
});
