import { seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { HOUR_MS, MINUTE_MS } from "../../units.ts";
import { createStandby, endIdle, noteRest, passIdle, type Standby, standbyOf } from "./standby.ts";

/** Idle time of a meter that counts `powerW(hour)`, read every minute. */
function pass(standby: Standby, hours: number, powerW: (hour: number) => number, fromMs = 0, fromWh = 1_000): number {
  let wh = fromWh;
  for (let at = 0; at <= hours * 60; at++) {
    passIdle(standby, Math.floor(wh), "evse-output", fromMs + at * MINUTE_MS);
    wh += powerW(at / 60) / 60;
  }
  return wh;
}

test("what is learned comes to what flows, and its doubt shrinks", () => {
  for (const powerW of [0, 3, 12, 25]) {
    const standby = createStandby();
    const before = standbyOf(standby);
    pass(standby, 30 * 24, () => powerW);
    const { meanW, sdW } = standbyOf(standby);
    assert.ok(Math.abs(meanW - powerW) < 0.6, `${powerW}: ${meanW}`);
    assert.ok(sdW < before.sdW && sdW >= 3 && Math.abs(meanW - powerW) < sdW);
  }
});

test("the mean is that of the spans, as a naive sum has it", () => {
  const random = seeded(2);
  const standby = createStandby();
  let [wh, hours, register] = [100, 10, 0];
  for (let n = 0; n < 300; n++) {
    const grown = 5 + random.int(15);
    passIdle(standby, register, "evse-output", n * HOUR_MS);
    register += grown;
    if (n === 299) break;
    wh += grown;
    hours += 1;
  }
  assert.ok(Math.abs(standbyOf(standby).meanW - wh / hours) < 1e-9);
});

test("what is stolen while idle teaches little, and never more than electronics take", () => {
  const standby = createStandby();
  pass(standby, 60 * 24, () => 3_700);
  assert.ok(standbyOf(standby).meanW <= 40, `${standbyOf(standby).meanW}`);
  const once = createStandby();
  const wh = pass(once, 14 * 24, () => 8);
  pass(once, 2, () => 3_700, 14 * 24 * HOUR_MS, wh);
  assert.ok(standbyOf(once).meanW < 9, `${standbyOf(once).meanW}`);
});

test("what never stopped since the agent came is the station's own, up to what a vehicle takes, until it stops", () => {
  const standby = createStandby();
  for (const [powerW, meanW] of [[2_500, 2_500], [2_600, 2_500], [9_000, 2_500], [8, 10], [2_500, 10]] as const) {
    noteRest(standby, powerW);
    assert.is(standbyOf(standby).meanW, meanW, `${powerW} W`);
  }
  const vehicle = createStandby();
  noteRest(vehicle, 7_200);
  assert.is(standbyOf(vehicle).meanW, 3_000);
});

test("gaps, sessions and registers that step back teach nothing", () => {
  const standby = createStandby();
  passIdle(standby, 1_000, "ac-input", 0);
  passIdle(standby, 90_000, "ac-input", 9 * HOUR_MS);
  endIdle(standby);
  passIdle(standby, 140_000, "ac-input", 10 * HOUR_MS);
  passIdle(standby, 12, "ac-input", 11.5 * HOUR_MS);
  assert.equal(standbyOf(standby), standbyOf(createStandby()));
});
