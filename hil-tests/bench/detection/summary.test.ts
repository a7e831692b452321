import { assert, test } from "../../../build/testing.ts";
import { HOUR_MS, type WallMs } from "../../../models/units.ts";
import type { Observation } from "../../../models/terms.ts";
import type { MonotonicMs } from "../../../models/units.ts";
import { ATTACKS } from "../../attackers/catalogue.ts";
import { STRENGTH_NAMES } from "../../attackers/strength.ts";
import { LOOK_ALIKES } from "../../sim/look-alikes/catalogue.ts";
import type { AttackOutcome } from "./attack-run.ts";
import { createFeatures, feedFeatures, HOUR_FEATURES, SESSION_FEATURES } from "./features.ts";
import { isVisible, NO_PROOF, SAME_AS_ATTACK } from "./no-proof.ts";
import { reliabilityPicture } from "./picture.ts";
import { timeLeft } from "./progress.ts";
import { attackRows, lookAlikeRows, poissonAtMost, visibleRow } from "./summary.ts";
import { duration, figure, table, visibleText } from "./text.ts";

test("upper limits of a Poisson mean: the tabled ones (Garwood 1936)", () => {
  const limits = [0, 1, 5, 10].map((count) => Math.round(1_000 * poissonAtMost(count)) / 1_000);
  assert.equal(limits, [2.996, 4.744, 10.513, 16.962]);
});

type WithoutTime<T> = T extends Observation ? Omit<T, "at"> : never;

function feed(story: readonly (readonly [hours: number, seen: WithoutTime<Observation>])[]) {
  const state = createFeatures();
  for (const [hours, seen] of story) {
    const wallMs = (hours * HOUR_MS) as WallMs;
    feedFeatures(state, [{ ...seen, at: wallMs } as Observation], { wallMs, monoMs: wallMs as number as MonotonicMs });
  }
  return state;
}

function metered(energyImportWh: number, powerW: number): WithoutTime<Observation> {
  return { kind: "meter-reading", reading: { evseId: 1, energyImportWh, powerW }, side: "evse-output" };
}

test("features of a session and of its hours", () => {
  const state = feed([
    [10, metered(1_000, 0)],
    [10.1, { kind: "transaction-started", transactionId: "7", evseId: 1, registerWh: 50, offline: false }],
    [10.4, metered(3_000, 8_000)], [10.8, metered(5_000, 8_000)], [11.05, metered(6_000, 2_000)],
    [11.1, { kind: "transaction-ended", transactionId: "7", evseId: 1, registerWh: 4_050, offline: false }],
    [11.5, metered(6_000, 3_700)], [12.5, { kind: "tick" }],
  ]);
  const named = (names: readonly string[], values: readonly number[]): Record<string, number> =>
    Object.fromEntries(names.flatMap((name, i) =>
      (values[i] === 0 ? [] : [[name, Math.round(100 * values[i]!) / 100]])));
  assert.equal(state.hours.map(({ at, values }) => [at / HOUR_MS, named(HOUR_FEATURES, values)]), [
    [11, { "starts": 1, "metered kWh": 4, "metered less reported kWh": 4 }],
    [12, { "stops": 1, "metered kWh": 1, "reported kWh": 4, "metered less reported kWh": -3,
      "W while inactive": 3_700 }],
  ]);
  assert.equal(state.sessions.map(({ values }) => named(SESSION_FEATURES, values)), [{
    "ln Wh": 8.29, "ln mean W": 8.29, "ln metered / reported": 0.22, "late power": 0.25, "early power": 1,
    "peak W": 8_000,
  }]);
});

test("a table is aligned, and cut at 120 columns", () => {
  assert.is(table(["a", "n"], [["x", "1.5"], ["long", "20"]]), "a       n\nx     1.5\nlong   20");
  assert.ok(table(["a"], [["y".repeat(200)]]).split("\n").every((line) => line.length <= 120));
  assert.equal([0, 0.001, 0.5, 12, 1234, Number.NaN].map(figure), ["0", "1e-3", "0.50", "12", "1234", "-"]);
  assert.equal([5, 600, 10_000, 400_000, Number.NaN].map(duration), ["5 s", "10 min", "2.8 h", "4.6 d", "-"]);
  assert.equal([12.2, 600].map(timeLeft), ["13 s", "10 min"]);
});

test("a picture holds its names escaped, and points within the frame", () => {
  const svg = reliabilityPicture("<t>", "n", [{ name: "a & b", points: [[1e-9, 1e-9], [0.5, 40]] },
    { name: "nobody", points: [] }]);
  assert.match(svg, /&lt;t>/);
  assert.match(svg, /a &amp; b/);
  assert.not.match(svg, /nobody/);
  assert.not.match(svg, /NaN|Infinity/);
  assert.match(svg, /M80\.0 540\.0L[\d.]+ 60\.0/);
});

test("what leaves no proof at one station is an attack of the catalogue there, with a reason", () => {
  for (const [name, { strengths, reason }] of Object.entries(NO_PROOF)) {
    assert.is(ATTACKS[name]?.scope, "station", name);
    assert.ok(reason.length > 10 && strengths.length > 0, name);
  }
  assert.equal(STRENGTH_NAMES.map((strength) => isVisible("starve", strength)), [false, true, true]);
  for (const [name, reason] of Object.entries(SAME_AS_ATTACK)) {
    assert.ok(Object.hasOwn(LOOK_ALIKES, name) && reason.length > 10, name);
  }
  assert.ok(isVisible("guess-burst", "weak") && isVisible("toString", "strong"));
});

const outcome = (attack: string, strength: string, delayS?: number): AttackOutcome =>
  ({ attack, strength, threat: "profile-tampering", city: "c", station: "s", amount: "", terms: [], says: "",
    opinion: 0, others: [], ...(delayS !== undefined && { delayS }) }) as unknown as AttackOutcome;

test("the aim counts medium and strong attacks that are visible, and names what is missed", () => {
  const outcomes = STRENGTH_NAMES.flatMap((strength) => [outcome("starve", strength),
    outcome("limit-thrash", strength, 5), outcome("limit-thrash", strength), outcome("limit-ignored", strength, 9)]);
  const row = visibleRow(attackRows(outcomes));
  assert.equal(row, { made: 8, found: 4, never: ["starve medium", "starve strong"],
    sometimes: ["limit-thrash medium", "limit-thrash strong"] });
  const text = visibleText({ ...row, never: Array.from({ length: 20 }, (_, i) => `attack-${i} strong`) });
  assert.ok(text.split("\n").every((line) => line.length <= 120) && text.includes("attack-19 strong"));
});

test("look-alikes: alerts of medium severity count as false, faults are named", () => {
  const alert = (threat: string, severity: string) => ({ threat, severity });
  const of = (lookAlike: string, alerts: object[], faults: string[]) => ({ lookAlike, alerts, faults });
  const results = [{ outcomes: [of("power-cut", [alert("energy-theft", "high")], []), of("heat", [], ["meter-lost"])] },
    { outcomes: [of("power-cut", [alert("reverse-power", "low")], []), of("heat", [], [])] }];
  assert.equal(lookAlikeRows(results as unknown as Parameters<typeof lookAlikeRows>[0]), [
    { lookAlike: "power-cut", made: 2, serious: 1, threats: ["energy-theft", "reverse-power"], faults: [] },
    { lookAlike: "heat", made: 2, serious: 0, threats: [], faults: ["meter-lost"] },
  ]);
});
