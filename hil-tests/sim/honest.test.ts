import { createHash } from "node:crypto";
import { join } from "node:path";
import standardValidators from "ocpp-rpc/lib/standard-validators.js";
import { assert, test } from "../../build/testing.ts";
import { sharedDir } from "../../build/paths.ts";
import { DAY_MS, HOUR_MS, type WallMs } from "../../models/units.ts";
import { collect, type Capture, type SimVersion } from "./capture.ts";
import { csvFields, sessionsFromCsv } from "./csv-sessions.ts";
import { honestCapture, type HonestSpec } from "./honest.ts";
import { billedTransactions, meterReading, traceLine, type MeterLine } from "./inspect.ts";
import { PROFILES } from "./profile.ts";

const FROM = Date.UTC(2026, 2, 2) as WallMs;
const DAYS = 25;
const VERSIONS: readonly SimVersion[] = ["1.6", "2.0.1"];

function spec(ocppVersion: SimVersion, more: Partial<HonestSpec> = {}): HonestSpec {
  return { station: "CP-001", ocppVersion, seed: 11, from: FROM, days: 4, profile: PROFILES["public-rapid"], evses: 2,
    timezone: "Europe/Madrid", meterEveryS: 30, ...more };
}

function capture(ocppVersion: SimVersion, more: Partial<HonestSpec> = {}): Capture {
  return collect({ station: "CP-001", ocppVersion }, honestCapture(spec(ocppVersion, more)).items);
}

function digest({ ocpp, meter }: Capture): string {
  const hash = createHash("sha256");
  for (const { line } of [...ocpp, ...meter]) hash.update(`${line}\n`);
  return hash.digest("hex");
}

for (const version of VERSIONS) {
  const example = capture(version, { days: DAYS, outageEveryDays: 1, rebootEveryDays: 3, clockAlignedS: 3600,
    meterEveryS: 60 });
  const lines = example.ocpp.map(traceLine);
  const readings = [1, 2].map((id) => example.meter.map(meterReading).filter(({ evseId }) => evseId === id));

  test(`${version}: the same spec gives the same bytes, another seed others`, () => {
    const [one, again, other] = [11, 11, 12].map((seed) => digest(capture(version, { days: 2, seed })));
    assert.is(one, again);
    assert.is.not(one, other);
  });

  test(`${version}: every frame keeps the official schema`, () => {
    const validator = standardValidators.find(({ subprotocol }) => subprotocol === `ocpp${version}`);
    assert.ok(validator);
    const actions = new Map<string, string>();
    const seen = new Set<string>();
    for (const { messageType, messageId = "", action, payload } of lines) {
      if (messageType === undefined) continue;
      if (action !== undefined) actions.set(messageId, action);
      const name = action ?? actions.get(messageId);
      seen.add(`${name} ${messageType}`);
      validator.validate(`urn:${name}.${messageType === "CALL" ? "req" : "conf"}`, payload);
    }
    const usual = version === "1.6"
      ? ["StartTransaction", "StopTransaction", "ChangeConfiguration", "SignedUpdateFirmware", "GetConfiguration"]
      : ["TransactionEvent", "SetVariables", "UpdateFirmware", "GetVariables"];
    for (const action of [...usual, "BootNotification", "Heartbeat", "StatusNotification", "Authorize", "MeterValues",
      "SetChargingProfile", "ClearChargingProfile", "TriggerMessage", "SecurityEventNotification"]) {
      assert.ok(seen.has(`${action} CALL`) && seen.has(`${action} CALLRESULT`), action);
    }
  });

  test(`${version}: lines are in order of time, and raw is what the fields are derived from`, () => {
    for (const stream of [example.ocpp, example.meter]) {
      stream.forEach(({ at }, i) => assert.ok(i === 0 || at >= (stream[i - 1]?.at ?? 0)));
    }
    for (const [i, { raw, messageType, messageId, action, payload }] of lines.entries()) {
      if (raw === undefined || i % 7 !== 0) continue; // a seventh of them is plenty
      assert.equal(JSON.parse(raw), messageType === "CALL" ? [2, messageId, action, payload] : [3, messageId, payload]);
    }
  });

  test(`${version}: one call outstanding a direction, each answered once, nothing while the link is down`, () => {
    const waiting = new Map<string, string>();
    let up = false;
    let events = 0;
    for (const { event, direction = "", messageType, messageId = "" } of lines) {
      if (event !== undefined) {
        assert.is(up, event === "disconnect");
        up = event === "connect";
        events += 1;
        assert.is(waiting.size, 0);
        continue;
      }
      assert.ok(up, messageId);
      if (messageType === "CALL") {
        assert.not.ok(waiting.has(direction));
        waiting.set(direction, messageId);
      } else {
        const asker = direction === "cp-to-csms" ? "csms-to-cp" : "cp-to-csms";
        assert.is(waiting.get(asker), messageId);
        waiting.delete(asker);
      }
    }
    assert.ok(events > 10);
  });

  test(`${version}: a backlog is flushed with its own older times`, () => {
    const late = lines.filter(({ at, action, payload }) => {
      const said = (payload?.["timestamp"] ?? "") as string;
      const transaction = /^(StartTransaction|StopTransaction|TransactionEvent)$/.test(action ?? "");
      return transaction && at - Date.parse(said) > 60_000;
    });
    assert.ok(late.length > 0);
    if (version === "2.0.1") assert.ok(late.every(({ payload }) => payload?.["offline"] !== false));
  });

  test(`${version}: registers never fall, and grow by the integral of power`, () => {
    for (const ofEvse of readings) {
      let wh = 0;
      for (let i = 1; i < ofEvse.length; i++) {
        const [before, now] = [ofEvse[i - 1]!, ofEvse[i]!];
        assert.ok(now.energyImportWh >= before.energyImportWh);
        wh += ((before.powerW + now.powerW) / 2) * ((now.at - before.at) / HOUR_MS);
      }
      const grown = growth(ofEvse);
      assert.ok(grown > 50_000 && Math.abs(wh / grown - 1) < 0.02, `${wh} against ${grown}`);
    }
  });

  test(`${version}: billed and delivered agree within class 1`, () => {
    const billed = billedTransactions(example.ocpp);
    assert.ok(billed.length > 200);
    const totalWh = billed.reduce((sum, { startWh, stopWh }) => sum + stopWh - startWh, 0);
    const standbyWh = 2 * 12 * 24 * DAYS;
    const deliveredWh = sum(readings.map(growth));
    assert.ok(deliveredWh / totalWh > 0.985 && (deliveredWh - standbyWh) / totalWh < 1.02);
  });

  test(`${version}: ordinary users are refused now and then, and return`, () => {
    const refused = lines.filter(({ messageType, payload }) =>
      messageType === "CALLRESULT" && /"status":"(Invalid|Expired|Blocked)"/.test(JSON.stringify(payload)));
    assert.ok(refused.length > 0 && refused.length < 60, String(refused.length));
    const tokens = billedTransactions(example.ocpp).map(({ token }) => token);
    assert.ok(new Set(tokens).size < 0.6 * tokens.length);
  });

  test(`${version}: a signed release comes from the usual host and is installed at a boot`, () => {
    const orders = lines.filter(({ action }) => action === "SignedUpdateFirmware" || action === "UpdateFirmware");
    assert.ok(orders.length >= 1);
    for (const { raw } of orders) assert.match(raw ?? "", /https:\/\/firmware.operator.example\/.*"signature":"/);
    assert.match(lines.filter(({ action }) => action === "BootNotification").map(({ raw }) => raw).join(), /"2\.1\.0"/);
  });

  test(`${version}: quirks show`, () => {
    const text = (more: Partial<HonestSpec>): string => capture(version, { days: 1, ...more }).ocpp
      .map(({ line }) => line).join("\n");
    assert.match(text({ quirks: { energyInKwh: true } }), /"unit":"kWh"/);
    const silent = text({ quirks: { noMeterValues: true } });
    assert.not.match(silent, /Sample.Clock|MeterValuePeriodic|"action":"MeterValues"/);
    assert.match(text({ quirks: { localTimestamps: true } }), /"timestamp":"2026-03-02T\d\d:\d\d:\d\d"/);
    const fast = capture(version, { days: 1, quirks: { clockOffsetMs: 300_000 } }).ocpp.map(traceLine);
    const status = fast.find(({ action }) => action === "StatusNotification")!;
    assert.ok(Date.parse(status.payload!["timestamp"] as string) - status.at > 290_000);
    const resets = billedTransactions(capture(version, { days: 2, quirks: { registerResets: "session" } }).ocpp);
    assert.ok(resets.length > 5 && resets.every(({ startWh }) => startWh < 10));
    const coarse = capture(version, { days: 1, quirks: { meterStepWh: 100 } }).meter.map(meterReading);
    assert.ok(coarse.every(({ energyImportWh }) => energyImportWh % 100 === 0));
  });
}

function growth(readings: readonly MeterLine[]): number {
  return readings.at(-1)!.energyImportWh - readings[0]!.energyImportWh;
}

function sum(list: readonly number[]): number {
  return list.reduce((total, x) => total + x, 0);
}

test("a meter before the rectifier shows the losses", () => {
  const measured = capture("1.6", { evses: 1, meterSide: "ac-input" });
  const billed = sum(billedTransactions(measured.ocpp).map(({ startWh, stopWh }) => stopWh - startWh));
  const delivered = growth(measured.meter.map(meterReading).filter(({ evseId }) => evseId === 1));
  assert.ok(delivered / billed > 1.03 && delivered / billed < 1.2, String(delivered / billed));
});

test("CSV fields: quotes, doubled quotes, empty ends", () => {
  assert.equal(csvFields('a,"b, c",,"d""e",'), ["a", "b, c", "", 'd"e', ""]);
  assert.equal(csvFields(""), [""]);
});

const shared = sharedDir();
const CSV_TEST = "real sessions drive frames and meter: times and energies are theirs";
if (shared === undefined) test.skip(CSV_TEST, "no ../shared");
else {
  test(CSV_TEST, () => {
    const stations = sessionsFromCsv(join(shared, "data", "sessions", "acn_jpl_2019.csv.xz"));
    assert.is(stations.size, 52);
    const [station, sessions] = [...stations][0]!;
    const from = (Math.floor(sessions[0]!.plugInAt / DAY_MS) * DAY_MS) as WallMs;
    const days = 60;
    const real = sessions.filter(({ plugOutAt }) => plugOutAt < from + days * DAY_MS);
    const honest = honestCapture(spec("1.6", { station, from, days, sessions, evses: 1, profile: PROFILES.workplace,
      meterEveryS: 600, clockAlignedS: 0, outageEveryDays: 0, rebootEveryDays: 0, operator: false }));
    const billed = billedTransactions(collect({ station, ocppVersion: "1.6" }, honest.items).ocpp);
    assert.ok(billed.length >= 0.9 * real.length, `${billed.length} of ${real.length}`);
    const billedWh = sum(billed.map(({ startWh, stopWh }) => stopWh - startWh));
    const ratio = billedWh / sum(real.map(({ energyWh }) => energyWh));
    assert.ok(ratio > 0.9 && ratio < 1.05, String(ratio));
    assert.ok(billed.every(({ from: at }) => real.some(({ plugInAt }) => Math.abs(plugInAt - at) < 5 * 60_000)));
  });
}
