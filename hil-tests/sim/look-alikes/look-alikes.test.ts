import standardValidators from "ocpp-rpc/lib/standard-validators.js";
import { assert, test } from "../../../build/testing.ts";
import { DAY_MS, HOUR_MS, type WallMs } from "../../../models/units.ts";
import { collect, type Capture, type SimVersion, type TimedLine } from "../capture.ts";
import { honestCapture } from "../honest.ts";
import { billedTransactions, meterReading, traceLine } from "../inspect.ts";
import { PROFILES } from "../profile.ts";
import { changeAt, LOOK_ALIKES, type Occasion } from "./catalogue.ts";

const FROM = Date.UTC(2026, 2, 2) as WallMs;
const DAYS = 4;
const WHEN = (FROM + 1.5 * DAY_MS) as WallMs;
const VERSIONS: readonly SimVersion[] = ["1.6", "2.0.1"];

function captured(ocppVersion: SimVersion, occasion?: Occasion, station = "CP-1"): Capture {
  const { items } = honestCapture({
    station, ocppVersion, seed: 8, from: FROM, days: DAYS, profile: PROFILES["public-rapid"], evses: 2,
    timezone: "Europe/Madrid", meterEveryS: 240, clockAlignedS: 3600, outageEveryDays: 0, rebootEveryDays: 0,
    ...(occasion === undefined ? {} : { changes: [changeAt(station, occasion)] }),
  });
  return collect({ station, ocppVersion }, items);
}

function occasionOf(name: string, seed = 3): Occasion {
  const to = Math.min(FROM + DAYS * DAY_MS, WHEN + LOOK_ALIKES[name]!.lengthMs) as WallMs;
  return { name, seed, from: WHEN, to };
}

const same = (some: readonly TimedLine[], others: readonly TimedLine[]): boolean =>
  some.length === others.length && some.every(({ line }, i) => line === others[i]?.line);
const past = (lines: readonly TimedLine[]): readonly TimedLine[] => lines.filter(({ at }) => at < WHEN - 60_000);

const HONEST = new Map(VERSIONS.map((version) => [version, captured(version)]));

for (const name of Object.keys(LOOK_ALIKES)) {
  test(`${name}: sound frames in both versions, an untouched past, something that shows, the same from a seed`, () => {
    for (const version of VERSIONS) {
      const honest = HONEST.get(version)!;
      const after = captured(version, occasionOf(name));
      assert.not.ok(same(after.ocpp, honest.ocpp) && same(after.meter, honest.meter));
      assert.ok(same(past(after.ocpp), past(honest.ocpp)) && same(past(after.meter), past(honest.meter)), "the past");
      for (const stream of [after.ocpp, after.meter]) {
        stream.forEach(({ at }, i) => assert.ok(i === 0 || at >= stream[i - 1]!.at));
      }
      const validator = standardValidators.find(({ subprotocol }) => subprotocol === `ocpp${version}`);
      const late = after.ocpp.filter(({ at }) => at >= WHEN).map(traceLine);
      late.forEach(({ action, messageType, payload }, i) => {
        if (messageType === "CALL" && i % 5 === 0) validator?.validate(`urn:${action}.req`, payload);
      });
    }
    const [one, again] = [captured("1.6", occasionOf(name)), captured("1.6", occasionOf(name))];
    assert.ok(same(one.ocpp, again.ocpp) && same(one.meter, again.meter));
  });
}

const late = (capture: Capture, hours: number): ReturnType<typeof traceLine>[] =>
  capture.ocpp.filter(({ at }) => at >= WHEN && at < WHEN + hours * HOUR_MS).map(traceLine);

test("a power cut silences meter and link, and ends in a boot; another station's is at the same time", () => {
  const [one, other] = ["CP-1", "CP-2"].map((id) => captured("1.6", occasionOf("power-cut"), id));
  const gap = ({ meter }: Capture): number =>
    Math.max(...meter.slice(1).map(({ at }, i) => (at >= WHEN && at < WHEN + 2 * HOUR_MS ? at - meter[i]!.at : 0)));
  assert.ok(gap(one!) >= 8 * 60_000 && gap(one!) <= 58 * 60_000, String(gap(one!)));
  assert.ok(Math.abs(gap(one!) - gap(other!)) <= 480_000);
  assert.ok(late(one!, 2).some(({ action }) => action === "BootNotification"));
  assert.ok(late(one!, 0.01).some(({ event }) => event === "disconnect"));
});

test("the usual CSMS limits at 17 local time, and clears", () => {
  const lines = late(captured("2.0.1", occasionOf("smart-charging")), 24);
  const limits = lines.filter(({ action }) => action === "SetChargingProfile");
  assert.ok(limits.length >= 2);
  const at17 = limits.filter(({ at }) => new Date(at).toISOString().slice(11, 14) === "16:");
  assert.ok(at17.length >= 2, "Madrid is an hour ahead in winter");
  assert.ok(lines.some(({ action }) => action === "ClearChargingProfile"));
});

test("more come on a holiday; at a tariff's start they come within ten minutes", () => {
  const starts = (name?: string): number[] =>
    billedTransactions(captured("1.6", name === undefined ? undefined : occasionOf(name)).ocpp)
      .map(({ from }) => from).filter((at) => at >= WHEN);
  const [usual, holiday, tariff] = [starts(), starts("holiday-surge"), starts("tariff-start")];
  assert.ok(holiday.length > usual.length, `${holiday.length} against ${usual.length}`);
  const early = (times: readonly number[]): number => times.filter((at) => {
    const minutes = ((at - FROM) / 60_000 + 60) % 1_440;
    return minutes >= 29 && minutes < 45;
  }).length;
  assert.ok(early(tariff) > early(usual), `${early(tariff)} against ${early(usual)}`);
});

test("a drifting meter bills less and less than flows; a stuck one bills nothing at its EVSE", () => {
  const billed = billedTransactions(captured("1.6", occasionOf("stuck-register")).ocpp)
    .filter(({ from, evseId }) => from > WHEN && evseId === 1);
  assert.ok(billed.length > 3 && billed.every(({ startWh, stopWh }) => startWh === stopWh));
  const wh = (capture: Capture): number => billedTransactions(capture.ocpp).filter(({ from }) => from > WHEN)
    .reduce((sum, { startWh, stopWh }) => sum + stopWh - startWh, 0);
  const ratio = wh(captured("1.6", occasionOf("meter-drift"))) / wh(HONEST.get("1.6")!);
  assert.ok(ratio < 0.995 && ratio > 0.97, String(ratio));
});

test("lost heartbeats, a lost meter, a wrong clock, a worn reader, heat: each shows where it should, and ends", () => {
  const beats = (capture: Capture): number => late(capture, 12).filter(({ action }) => action === "Heartbeat").length;
  assert.is(beats(captured("1.6", occasionOf("heartbeat-lost"))), 0);
  assert.ok(beats(HONEST.get("1.6")!) > 100);
  const silent = captured("1.6", occasionOf("meter-link-lost")).meter;
  assert.not.ok(silent.some(({ at }) => at > WHEN && at < WHEN + 8 * HOUR_MS));
  assert.ok(silent.some(({ at }) => at > WHEN + 8 * HOUR_MS));
  const behind = late(captured("1.6", occasionOf("clock-wrong")), 23).find(({ action }) => action === "MeterValues");
  const [{ timestamp }] = behind!.payload!["meterValue"] as [{ timestamp: string }];
  assert.ok(Math.abs(behind!.at - Date.parse(timestamp) - HOUR_MS) < 60_000);
  const refused = (capture: Capture): number => late(capture, 48)
    .filter(({ raw = "" }) => /"status":"(Invalid|Expired|Blocked)"/.test(raw)).length;
  const [often, seldom] = [refused(captured("1.6", occasionOf("card-reader"))), refused(HONEST.get("1.6")!)];
  assert.ok(often > 2 * seldom + 3, `${often} against ${seldom}`);
  // Half of the time the limit of 20 kW holds: vehicles that would take more are seen less often.
  const strong = ({ meter }: Capture): number => meter.map(meterReading)
    .filter(({ at, powerW }) => at >= WHEN && at < WHEN + 5 * HOUR_MS && powerW > 20_500).length;
  const [hot, cool] = [strong(captured("1.6", occasionOf("overheating"))), strong(HONEST.get("1.6")!)];
  assert.ok(hot < cool, `${hot} against ${cool}`);
});

test("a station that gives 6 A where it is told less: three phases of it under a limit of a kilowatt or two", () => {
  const { ocpp, meter } = captured("1.6", occasionOf("least-current"));
  const orders = ocpp.filter(({ at, line }) => at >= WHEN && line.includes("SetChargingProfile"));
  assert.ok(orders.some(({ line }) => /"limit":[12]000\b/.test(line)));
  // From 9 to 17 in Madrid, a day later; at the first EVSE the operator sets another limit and clears it.
  const from = FROM + 2 * DAY_MS + 8.1 * HOUR_MS;
  const drawn = meter.map(meterReading)
    .filter(({ evseId, at, powerW }) => evseId === 2 && at > from && at < from + 7 * HOUR_MS && powerW > 100);
  assert.ok(drawn.length > 3 && drawn.every(({ powerW }) => powerW > 4_000 && powerW < 4_600), `${drawn.length}`);
});

test("an unknown look-alike is named", () => {
  assert.throws(() => changeAt("CP-1", { ...occasionOf("power-cut"), name: "toString" }), /toString: no look-alike/);
});
