import standardValidators from "ocpp-rpc/lib/standard-validators.js";
import { assert, test } from "../../build/testing.ts";
import { THREATS } from "../../models/terms.ts";
import { DAY_MS, type WallMs } from "../../models/units.ts";
import { collect, type Capture, type SimVersion, type TimedLine } from "../sim/capture.ts";
import { dice } from "../sim/dice.ts";
import { honestCapture } from "../sim/honest.ts";
import { traceLine } from "../sim/inspect.ts";
import { PROFILES } from "../sim/profile.ts";
import type { AttackTruth, Window } from "./attack.ts";
import { ATTACKS, attacked } from "./catalogue.ts";
import { graded, gradedCount, STRENGTHS, STRENGTH_NAMES, strengthOf } from "./strength.ts";

const FROM = Date.UTC(2026, 2, 2) as WallMs;
const DAYS = 6.5;

function honest(station: string, ocppVersion: SimVersion, seed: number): Capture {
  const spec = { station, ocppVersion, seed, from: FROM, days: DAYS, profile: PROFILES["public-rapid"], evses: 2,
    meterEveryS: 240, clockAlignedS: 3600, outageEveryDays: 3, rebootEveryDays: 4 };
  return collect({ station, ocppVersion }, honestCapture(spec).items);
}

const STREET = [honest("CP-1", "1.6", 1), honest("CP-2", "2.0.1", 2), honest("CP-3", "1.6", 3),
  honest("CP-4", "2.0.1", 4)];

function same(some: readonly TimedLine[], others: readonly TimedLine[]): boolean {
  return some.length === others.length && some.every(({ line }, i) => line === others[i]?.line);
}

function sameStreet(some: readonly Capture[], others: readonly Capture[]): boolean {
  return some.every((one, i) => same(one.ocpp, others[i]!.ocpp) && same(one.meter, others[i]!.meter));
}

function checkOrder({ ocpp, meter }: Capture): void {
  for (const stream of [ocpp, meter]) {
    stream.forEach(({ at }, i) => assert.ok(i === 0 || at >= stream[i - 1]!.at, `line ${i} is out of order`));
  }
}

/** What is new says its time, keeps the official schema, and `raw` is what the fields are derived from. */
function checkNew(after: Capture, before: Capture, lax: boolean): void {
  const old = new Set([...before.ocpp, ...before.meter].map(({ line }) => line));
  const validator = standardValidators.find(({ subprotocol }) => subprotocol === `ocpp${after.ocppVersion}`);
  let checked = 0;
  for (const timed of [...after.ocpp, ...after.meter]) {
    if (old.has(timed.line) || (checked += 1) % (checked > 200 ? 50 : 1) !== 0) continue;
    const { timestamp } = JSON.parse(timed.line) as { timestamp: string };
    assert.is(Date.parse(timestamp), timed.at, timed.line);
    const { action, payload, messageType, messageId, raw } = traceLine(timed);
    if (messageType === "CALL") assert.equal(JSON.parse(raw ?? ""), [2, messageId, action, payload]);
    if (messageType === "CALL" && !lax) validator?.validate(`urn:${action}.req`, payload);
  }
}

function checkPast(after: Capture, before: Capture, truth: readonly AttackTruth[]): void {
  // Two seconds: a remote start is ordered before the transaction that it brings about.
  const first = Math.min(...truth.filter(({ station }) => station === before.station).map(({ from }) => from)) - 2_001;
  const past = (lines: readonly TimedLine[]): readonly TimedLine[] => lines.filter(({ at }) => at < first);
  assert.ok(same(past(after.ocpp), past(before.ocpp)) && same(past(after.meter), past(before.meter)), "an older line");
}

/** Unknown actions, and sessions as the honest station would have them, with a status that 2.0.1 names otherwise. */
const LAX: ReadonlySet<string> = new Set(["odd-requests"]);

for (const [name, attack] of Object.entries(ATTACKS)) {
  test(`${name}: sound lines in both versions, an untouched past, truth within the span, the same from a seed`, () => {
    const before = attack.scope === "zone" ? STREET : STREET.slice(0, 2);
    const runs = ([["strong", 5], ["weak", 5], ["weak", 5]] as const).map(([strength, seed]) =>
      attacked(name, before, dice(seed, name), strength));
    assert.ok(sameStreet(runs[1]!.captures, runs[2]!.captures));
    assert.equal(runs[1]!.truth, runs[2]!.truth);
    for (const { captures, truth } of runs.slice(0, 2)) {
      assert.not.ok(sameStreet(captures, before));
      const stations = new Set(truth.map(({ station }) => station));
      assert.ok(stations.size >= Math.min(2, before.length), "whom it struck");
      for (const one of truth) {
        assert.is(one.attack, name);
        assert.is(one.threat, attack.threat);
        assert.ok(one.from >= FROM + 0.74 * DAYS * DAY_MS && one.to >= one.from);
        assert.ok(one.to <= FROM + DAYS * DAY_MS);
      }
      captures.forEach((capture, i) => {
        if (!stations.has(capture.station)) return assert.ok(sameStreet([capture], [before[i]!]), capture.station);
        checkOrder(capture);
        checkPast(capture, before[i]!, truth);
        checkNew(capture, before[i]!, LAX.has(name));
      });
    }
    const said = STRENGTH_NAMES.map((strength) => attack.amount(STRENGTHS[strength]));
    assert.ok(said.every((text) => text.length > 0 && !/NaN|undefined/.test(text)) && said[0] !== said[2], said.join());
  });
}

test("a window moves an attack: at once from its beginning, and never before", () => {
  const from = (FROM + 2 * DAY_MS) as WallMs;
  const window: Window = { from, to: (FROM + DAYS * DAY_MS) as WallMs, soon: true };
  for (const name of ["guess-burst", "log-upload", "links-cut", "charge-without-transaction"]) {
    const { truth } = attacked(name, STREET, dice(1, name), "weak", window);
    for (const one of truth) assert.ok(one.from >= from && one.from < from + DAY_MS / 2, name);
  }
});

test("every threat that traffic shows has an attack at a station and one over a zone", () => {
  const seen = (scope: string): string[] =>
    Object.values(ATTACKS).filter((attack) => attack.scope === scope).map(({ threat }) => threat);
  for (const threat of THREATS) {
    if (threat === "agent-misbehaviour") continue; // liars: hil-tests/sim/liars.ts
    if (threat !== "credential-cloning") assert.ok(seen("station").includes(threat), `${threat} at a station`);
    assert.ok(seen("zone").includes(threat), `${threat} over a zone`);
  }
});

test("an unknown attack, and a station without an opportunity, are named", () => {
  assert.throws(() => attacked("guess-bursts", STREET, dice(1, "x"), 1), /guess-bursts: no attack of that name/);
  assert.throws(() => attacked("toString", STREET, dice(1, "x"), 1), /no attack of that name/);
  const idle = { ...STREET[0]!, ocpp: [] };
  assert.throws(() => attacked("starve", [idle], dice(1, "x"), 1), /starve at CP-1: no opportunity/);
});

test("graded: its value at each name, nothing at nothing, straight between", () => {
  const amount = graded(10, 30, 100);
  for (const [strength, expected] of [[0, 0], [0.125, 5], [0.25, 10], [0.375, 20], [0.5, 30], [0.75, 65], [1, 100]]) {
    assert.is(amount(strength!), expected);
  }
  assert.is(graded(0.6, 0.3, 0, 1)(0.125), 0.8);
  assert.is(gradedCount(1, 2, 5)(0.01), 1);
  assert.equal(STRENGTH_NAMES.map(strengthOf), [0.25, 0.5, 1]);
  assert.is(strengthOf(0.3), 0.3);
});
