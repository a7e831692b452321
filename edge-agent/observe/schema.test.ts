/** Verdicts by schema: against ajv with ocpp-rpc's schemas, against vectors, and within bounds whatever comes. */
import { assert, test } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import { SCHEMA_VERSIONS } from "../../build/schemas.ts";
import { mutateTree } from "../../hil-tests/corpus/mutate.fuzz.ts";
import { compareWithAjv } from "../../hil-tests/corpus/schema.fuzz.ts";
import { CANARY, sample, schemaOf, SUBJECTS } from "../../hil-tests/corpus/schemas.testing.ts";
import type { OcppVersion } from "../../models/terms.ts";
import { breachOf, type MessageKind, MOST_VISITS } from "./schema.ts";
import { tableOf } from "./versions.ts";

const SOUND_EACH = 6;
const DAMAGED_EACH = 20;

test("every message of every version has a schema, and the agent knows every message that has one", () => {
  assert.is(SUBJECTS.length, 387);
  for (const version of SCHEMA_VERSIONS) {
    const actions = new Set(SUBJECTS.filter((one) => one.version === version).map(({ action }) => action));
    assert.equal([...tableOf(version).keys()].filter((action) => !actions.has(action)), [], version);
    assert.equal([...actions].filter((action) => !tableOf(version).has(action)), [], version);
  }
  assert.is(schemaOf("1.6", "Authorise", "call"), undefined);
});

for (const version of SCHEMA_VERSIONS) {
  const subjects = SUBJECTS.filter((one) => one.version === version);

  test(`${version}: what keeps to a schema is found sound, as ajv finds it`, () => {
    const random = seeded(20_260_401);
    for (const subject of subjects) {
      for (let n = 0; n < SOUND_EACH; n += 1) {
        assert.not(compareWithAjv(subject, sample(random, subject.original, Infinity)));
      }
    }
  });

  test(`${version}: what is damaged is judged as ajv judges it, at a place that ajv names`, () => {
    const random = seeded(20_260_402);
    let breaches = 0;
    for (const subject of subjects) {
      for (let n = 0; n < DAMAGED_EACH; n += 1) {
        const nearly = sample(random, subject.original, 3 + random.int(30));
        breaches += Number(compareWithAjv(subject, n % 3 === 0 ? mutateTree(random, nearly, 12) : nearly));
      }
    }
    const share = breaches / (subjects.length * DAMAGED_EACH);
    assert.ok(share > 0.3 && share < 0.95, `${share} of them broke their schema`);
  });
}

const judged = (version: OcppVersion, action: string, payload: unknown, kind: MessageKind = "call"): unknown => {
  const breach = breachOf(schemaOf(version, action, kind)!, payload);
  return typeof breach === "object" ? `${breach.place}: ${breach.found}: ${breach.allowed}` : breach;
};
const status = (members: object): object => ({ connectorId: 1, errorCode: "NoError", status: "Available", ...members });

test("a breach names place, found and allowed, and no value", () => {
  const said = (payload: unknown): unknown => judged("1.6", "StatusNotification", payload);
  assert.is(said(status({})), undefined);
  assert.is(said(status({ connectorId: "1" })), "connectorId: a text: a whole number");
  assert.is(said(status({ connectorId: 1.5 })), "connectorId: a number that is not whole: a whole number");
  assert.is(said({ connectorId: 1, status: "Available" }),
    "errorCode: nothing: ConnectorLockFailure, EVCommunicationError, GroundFailure, HighTemperature and 12 more");
  assert.is(said(status({ idTag: "ABC" })),
    "payload: a member of another name: connectorId, errorCode, info, status, timestamp, vendorId, vendorErrorCode");
  assert.is(said(status({ info: "x".repeat(51) })), "info: 51 characters: at most 50");
  assert.is(said(status({ info: "\u{1f50c}".repeat(50) })), undefined, "code points, not halves of them");
  assert.is(said(status({ timestamp: "yesterday" })), "timestamp: another text: a date and time (RFC 3339)");
  assert.is(said(status({ timestamp: "2026-03-02T08:00:00" })), undefined, "a time without a zone is ajv's to allow");
  assert.is(said(status({ timestamp: null })), "timestamp: null: a date and time (RFC 3339)");
  assert.is(said([]), "payload: a list: an object");
  assert.is(judged("1.6", "MeterValues", { connectorId: 1, meterValue: [{ timestamp: "2026-03-02T08:00:00Z",
    sampledValue: [{ value: "1" }, { value: "1", unit: "kilowatt" }] }] }),
  "meterValue[0].sampledValue[1].unit: another word: Wh, kWh, varh, kvarh, W, kW, VA, kVA, var, kvar, A, V, K, "
    + "Celcius, Celsius and 2 more");
  assert.is(judged("2.0.1", "Authorize", { idToken: { idToken: "A", type: "Central" }, certificate: "" }), undefined);
  assert.is(judged("2.0.1", "Authorize", { status: "Accepted" }, "result"), "idTokenInfo: nothing: an object");
  assert.is(judged("2.0.1", "MeterValues", { evseId: 1, meterValue: [] }), "meterValue: 0 items: at least 1");
  assert.is(judged("2.1", "NotifyPeriodicEventStream", {}), "id: nothing: a whole number");
});

test("numbers: what JSON can say beyond them, limits, multiples of a tenth", () => {
  const profile = (limit: unknown): unknown => judged("1.6", "SetChargingProfile", { connectorId: 1,
    csChargingProfiles: { chargingProfileId: 1, stackLevel: 0, chargingProfilePurpose: "TxProfile",
      chargingProfileKind: "Absolute", chargingSchedule: { chargingRateUnit: "A",
        chargingSchedulePeriod: [{ startPeriod: 0, limit }] } } });
  const place = "csChargingProfiles.chargingSchedule.chargingSchedulePeriod[0].limit";
  assert.is(profile(16.1), undefined);
  assert.is(profile(JSON.parse("1e400")), `${place}: a number that is not whole: a number`);
  assert.is(profile(16.05), `${place}: a number between them: multiples of 0.1`);
  const needs = (fullSoC: number): unknown => judged("2.0.1", "NotifyEVChargingNeeds", { evseId: 1, chargingNeeds: {
    requestedEnergyTransfer: "DC", dcChargingParameters: { evMaxCurrent: 1, evMaxVoltage: 1, fullSoC } } });
  assert.equal([needs(0), needs(100)], [undefined, undefined]);
  const full = "chargingNeeds.dcChargingParameters.fullSoC";
  assert.equal([needs(101), needs(-1)],
    [`${full}: a higher number: at most 100`, `${full}: a lower number: at least 0`]);
});

test("work is bounded: long lists and many members are given up, or judged by their first fault", () => {
  const entry = { idTag: "A", idTagInfo: { status: "Accepted" } };
  const list = (count: number): object =>
    ({ listVersion: 1, updateType: "Full", localAuthorizationList: Array.from({ length: count }, () => entry) });
  const most = Math.floor((MOST_VISITS - 4) / 4);
  assert.is(judged("1.6", "SendLocalList", list(most)), undefined);
  assert.is(judged("1.6", "SendLocalList", list(most + 1)), "too-much");
  assert.is(judged("1.6", "SendLocalList", list(200_000)), "too-much");
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`${CANARY}${n}`, n]));
  let looked = 0;
  const counting = new Proxy(many, {
    get: (target, name) => (looked += 1, Reflect.get(target, name)),
    getOwnPropertyDescriptor: (target, name) => (looked += 1, Reflect.getOwnPropertyDescriptor(target, name)),
  });
  assert.match(String(judged("1.6", "Heartbeat", counting)), /^payload: a member of another name: no members$/);
  assert.ok(looked < 10, `${looked} looks`);
  assert.is(judged("2.0.1", "Heartbeat", { customData: { vendorId: "V", ...many } }), undefined, "open is left");
  let deep: unknown = 1;
  for (let n = 0; n < 5_000; n += 1) deep = { customData: deep, data: [deep] };
  assert.is(judged("2.0.1", "DataTransfer", { vendorId: "V", data: deep }), undefined, "nor what may be anything");
});
