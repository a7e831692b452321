import { assert, test } from "../../build/testing.ts";
import { DAY_MS, type WallMs } from "../../models/units.ts";
import { collect, type Capture, type SimVersion, type TimedLine } from "../sim/capture.ts";
import { dice } from "../sim/dice.ts";
import { honestCapture } from "../sim/honest.ts";
import { billedTransactions, meterReading, traceLine } from "../sim/inspect.ts";
import { PROFILES } from "../sim/profile.ts";
import type { Attack } from "./attack.ts";
import { clonedToken } from "./cloned-token.ts";
import { chargeWithoutTransaction, rollRegisterBack, underBillAlways, underBillOnce } from "./energy-theft.ts";
import { guessBurst, guessSpray } from "./guessed-tokens.ts";
import { replacePassword, repointCsms, runOfChanges, weakenSecurityProfile } from "./hostile-configuration.ts";
import { downgradeFirmware, orderUnsignedFirmware } from "./hostile-firmware.ts";
import { powerSwings } from "./manipulated-load.ts";
import { synchronisedStarts } from "./synchronised-starts.ts";

const FROM = Date.UTC(2026, 2, 2) as WallMs;
const DAYS = 8;

function honest(station: string, ocppVersion: SimVersion, seed: number): Capture {
  const spec = { station, ocppVersion, seed, from: FROM, days: DAYS, profile: PROFILES["public-rapid"], evses: 2,
    meterEveryS: 60, clockAlignedS: 3600, outageEveryDays: 2, rebootEveryDays: 3 };
  return collect({ station, ocppVersion }, honestCapture(spec).items);
}

const STREET = [honest("CP-1", "1.6", 1), honest("CP-2", "2.0.1", 2), honest("CP-3", "1.6", 3)];
const [CP1, CP2] = STREET as [Capture, Capture];

function text(lines: readonly TimedLine[]): string {
  return lines.map(({ line }) => line).join("\n");
}

function same(some: readonly TimedLine[], others: readonly TimedLine[]): boolean {
  return some.length === others.length && some.every(({ line }, i) => line === others[i]?.line);
}

function added({ ocpp }: Capture, before: Capture): TimedLine[] {
  const old = new Set(before.ocpp.map(({ line }) => line));
  return ocpp.filter(({ line }) => !old.has(line));
}

test("guessing: more strength, more refusals; a burst is dense and a spray is not", () => {
  const refusals = (attack: Attack, strength: number): number[] =>
    added(attack(CP1, dice(4, "guess"), strength).capture, CP1).filter(({ line }) => line.includes("Invalid"))
      .map(({ at }) => at);
  assert.is(refusals(guessBurst, 0.1).length, 19);
  assert.is(refusals(guessBurst, 1).length, 100);
  const spray = refusals(guessSpray, 0.5);
  assert.ok(spray.length > 50 && spray.length < 150);
  const gaps = spray.slice(1).map((at, i) => at - spray[i]!).sort((a, b) => a - b);
  assert.ok(gaps[Math.floor(gaps.length / 2)]! > 10 * 60_000);
});

function deliveredWh({ meter }: Capture, evseId: number, from: number, to: number): number {
  const readings = meter.map(meterReading).filter((reading) => reading.evseId === evseId);
  const at = (time: number): number => readings.filter((reading) => reading.at <= time).at(-1)!.energyImportWh;
  return at(to) - at(from);
}

test("energy theft: the meter runs ahead by the strength in the transactions named, and only there", () => {
  for (const attack of [underBillOnce, underBillAlways]) {
    const { capture, truth } = attack(CP1, dice(1, "theft"), 0.3);
    const billed = billedTransactions(capture.ocpp);
    for (const { from, to } of truth) {
      const { evseId, startWh, stopWh } = billed.find((one) => one.from === from && one.to === to)!;
      if (stopWh - startWh < 8_000) continue;
      const ratio = deliveredWh(capture, evseId, from, to) / (stopWh - startWh);
      assert.ok(ratio > 1.22 && ratio < 1.38, String(ratio));
    }
    const named = (one: { from: number }): boolean => truth.some(({ from }) => from === one.from);
    const quiet = billed.filter((one) => one.from > FROM + 0.75 * DAYS * DAY_MS && !named(one));
    for (const { evseId, from, to, startWh, stopWh } of quiet) {
      if (stopWh - startWh < 8_000) continue;
      assert.ok(Math.abs(deliveredWh(capture, evseId, from, to) / (stopWh - startWh) - 1) < 0.08);
    }
  }
});

test("charging without a transaction: the meter runs and nobody is told", () => {
  const { capture, truth } = chargeWithoutTransaction(CP1, dice(1, "theft"), 1);
  const { from, to } = truth[0]!;
  assert.ok(same(capture.ocpp, CP1.ocpp));
  const gainedWh = [1, 2].map((id) => deliveredWh(capture, id, from, to) - deliveredWh(CP1, id, from, to));
  assert.ok(Math.abs(Math.max(...gainedWh) - 7_400) < 150 && Math.min(...gainedWh) === 0);
  for (let i = 1; i < capture.meter.length; i++) {
    const [before, now] = [meterReading(CP1.meter[i]!), meterReading(capture.meter[i]!)];
    assert.ok(now.energyImportWh >= before.energyImportWh && now.powerW >= before.powerW);
  }
});

for (const before of [CP1, CP2]) {
  test(`${before.ocppVersion}: a register rolled back shrinks the bill and stays behind`, () => {
    const { capture, truth } = rollRegisterBack(before, dice(1, "roll"), 0.5);
    const { from, to } = truth[0]!;
    const target = (ocpp: readonly TimedLine[]) => billedTransactions(ocpp).find((one) => one.to === to)!;
    const [old, now] = [target(before.ocpp), target(capture.ocpp)];
    assert.is(now.startWh, old.startWh);
    const shrunk = (now.stopWh - now.startWh) / (old.stopWh - old.startWh);
    assert.ok(shrunk > 0.5 && shrunk < 0.6, String(shrunk));
    const next = (ocpp: readonly TimedLine[]) =>
      billedTransactions(ocpp).find((one) => one.evseId === old.evseId && one.from > from);
    assert.is((next(before.ocpp)?.startWh ?? 0) - (next(capture.ocpp)?.startWh ?? 0), old.stopWh - now.stopWh);
    assert.ok(same(capture.meter, before.meter));
  });
}

test("hostile orders: what the station is told, by version", () => {
  const said = (attack: Attack, before: Capture): string =>
    text(added(attack(before, dice(3, "x"), 1).capture, before));
  for (const before of [CP1, CP2]) {
    assert.match(said(orderUnsignedFirmware, before), /"UpdateFirmware".*http:\/\/203/);
    assert.not.match(said(orderUnsignedFirmware, before), /signature/);
    assert.match(said(downgradeFirmware, before), /"event":"connect"[^]*"firmwareVersion":"1.0.0"/);
    assert.match(said(replacePassword, before), before === CP1 ? /"AuthorizationKey"/ : /"BasicAuthPassword"/);
    assert.match(said(repointCsms, before), before === CP1 ? /"CentralSystemURL"/ : /SetNetworkProfile.*203\.0/);
    assert.match(said(weakenSecurityProfile, before), before === CP1 ? /"SecurityProfile"/ : /"securityProfile":0/);
    const changes = added(runOfChanges(before, dice(3, "x"), 1).capture, before).map(traceLine);
    assert.is(changes.filter(({ messageType }) => messageType === "CALL").length, 40);
  }
});

test("synchronised starts: each named station starts once more, all within eight seconds, and charges", () => {
  const { captures, truth } = synchronisedStarts(STREET, dice(2, "sync"), 1);
  assert.is(truth.length, 3);
  const starts = captures.map((capture, i) => {
    const more = billedTransactions(capture.ocpp).filter(({ token }) =>
      !billedTransactions(STREET[i]!.ocpp).some((one) => one.token === token));
    assert.is(more.length, 1);
    const { evseId, from, to, startWh, stopWh } = more[0]!;
    assert.ok(Math.abs(deliveredWh(capture, evseId, from, to) / (stopWh - startWh) - 1) < 0.05);
    return from;
  });
  assert.ok(Math.max(...starts) - Math.min(...starts) <= 8_000);
});

test("cloned token: one token charges at two stations at once", () => {
  const { captures, truth } = clonedToken(STREET, dice(2, "clone"), 0.5);
  assert.is(truth.length, 6);
  const [mine = [], theirs = []] = captures.map(({ ocpp }) => billedTransactions(ocpp));
  const overlaps = mine.filter((a) => theirs.some((b) => a.token === b.token && a.from < b.to && b.from < a.to));
  assert.is(overlaps.length, 3);
});

test("power swings: a register that is read once a minute counted half of what it would have", () => {
  const { capture, truth } = powerSwings(CP1, dice(3, "swings"), 0.3);
  const { from, to } = truth[0]!;
  const evseId = [1, 2].find((evse) => deliveredWh(capture, evse, from, to) !== deliveredWh(CP1, evse, from, to))!;
  const within = { from: from + 60_000, to: to - 60_000 };
  const share = deliveredWh(capture, evseId, within.from, within.to) / deliveredWh(CP1, evseId, within.from, within.to);
  assert.ok(share > 0.4 && share < 0.6, String(share));
});

test("a capture without a past, or without an opportunity, is refused", () => {
  const short = { ...CP1, meter: CP1.meter.slice(0, 1_000) };
  assert.throws(() => guessBurst(short, dice(1, "x"), 1), /less than a week/);
  assert.throws(() => guessBurst({ ...CP1, meter: [] }, dice(1, "x"), 1), /without meter/);
  assert.throws(() => guessBurst({ ...CP1, ocpp: [] }, dice(1, "x"), 1), /never up/);
  assert.throws(() => underBillOnce({ ...CP1, ocpp: [] }, dice(1, "x"), 1), /no transaction/);
  assert.throws(() => clonedToken([CP1], dice(1, "x"), 1), /two captures/);
  assert.throws(() => synchronisedStarts([], dice(1, "x"), 1), /no captures/);
});
