import { assert, test } from "../../build/testing.ts";
import { beliefOf, createOpine, forget, opine, type OpineState } from "../opine/opine.ts";
import { thresholdOf } from "../opine/threshold.ts";
import type { EvidenceKey, Finding } from "../terms.ts";
import { type Epoch, epochOf, type MonotonicMs, type Now, type StationId, type WallMs, type ZoneId } from "../units.ts";
import { agree, type Agreement, type AgreeState, createAgree, HOLD_MS, SESSIONS_HOLD_MS } from "./agree.ts";

const START = Date.UTC(2026, 2, 2);
const KEY = "energy-theft";
const THRESHOLD = thresholdOf(KEY);
const HOLD_S = HOLD_MS / 1_000;
const at = (s: number): Now => ({ wallMs: (START + s * 1_000) as WallMs, monoMs: (s * 1_000) as MonotonicMs });

interface Lone {
  state: AgreeState;
  readonly opine: OpineState;
}
const create = (): Lone =>
  ({ state: createAgree("CP-1" as StationId, "zone-1" as ZoneId), opine: createOpine() });

function step(lone: Lone, s: number, nats: readonly number[], key: EvidenceKey = KEY): Agreement {
  const now = at(s);
  const findings: Finding[] = nats.map((one) =>
    ({ key, at: now.wallMs, nats: one, terms: [{ term: "one", nats: one }], frames: [], says: "so" }));
  return agree(lone.state, opine(lone.opine, findings, now), epochOf(now.wallMs, 10), now);
}

test("a verdict at the threshold and not below, with what it rests on", () => {
  const lone = create();
  assert.equal(step(lone, 0, [THRESHOLD - 0.001]), { verdicts: [], lapsed: [] });
  const { verdicts, lapsed } = step(lone, 10, [0.002]);
  assert.equal(lapsed, []);
  assert.is(verdicts.length, 1);
  const [verdict] = verdicts;
  assert.equal([verdict!.threat, verdict!.scope, verdict!.zone, verdict!.stations, verdict!.onset, verdict!.epoch],
    [KEY, "station", "zone-1", ["CP-1"], START, Math.floor((START + 10_000) / 10_000) as Epoch]);
  assert.ok(verdict!.confidence > 0.9 && verdict!.confidence < 1);
  assert.is(verdict!.belief.sinceOnsetNats, beliefOf(lone.opine, KEY, at(10)).sinceOnsetNats);
});

test("while it stands, a verdict comes only with more evidence than ever", () => {
  const lone = create();
  const told = [[THRESHOLD + 1], [0.5], [-2], [1], [1.1], [], [-0.1]].map((nats, n) =>
    step(lone, n, nats).verdicts.length);
  assert.equal(told, [1, 1, 0, 0, 1, 0, 0]);
});

test("it lapses below half the threshold, and not before", () => {
  const lone = create();
  step(lone, 0, [THRESHOLD]);
  assert.equal(step(lone, 1, [-THRESHOLD / 2 + 0.01]).lapsed, []);
  assert.equal(step(lone, 2, [-0.02]).lapsed, [KEY]);
  assert.equal(step(lone, 3, [-0.02]).lapsed, []);
  assert.equal(lone.state.raised, {});
});

test("it lapses when nothing was added for the hold time, also when nothing at all is heard", () => {
  const lone = create();
  step(lone, 0, [THRESHOLD + 5]);
  assert.equal(step(lone, HOLD_S - 1, []).lapsed, []);
  assert.equal(step(lone, HOLD_S, []).lapsed, [KEY]);
});

test("what befalls sessions night after night is one incident, which ends a day and a half after the last one", () => {
  const key = "session-spoofing";
  const lone = create();
  for (let night = 0; night < 5; night++) {
    const { verdicts, lapsed } = step(lone, night * 24 * 3_600, [night === 0 ? thresholdOf(key) + 5 : 3], key);
    assert.equal([verdicts.length, lapsed], [night < 3 ? 1 : 0, []], `night ${night}`);
    for (let hour = 1; hour < 24; hour++) {
      assert.equal(step(lone, (24 * night + hour) * 3_600, hour === 12 ? [-0.5] : [], key).lapsed, []);
    }
  }
  assert.equal(step(lone, 4 * 24 * 3_600 + SESSIONS_HOLD_MS / 1_000, [], key).lapsed, [key]);
});

test("an attack that goes on holds its verdict: at the cap, below the highest evidence, for a day", () => {
  const lone = create();
  const raises: number[] = [];
  for (let s = 0; s < 24 * 3_600; s += 600) {
    const { verdicts, lapsed } = step(lone, s, [s % 1_200 === 0 ? 9 : -0.5]);
    if (verdicts.length > 0) raises.push(s);
    assert.equal(lapsed, [], `after ${s} s`);
  }
  assert.ok(raises.length < 6, "and does not repeat itself");
  const end = 24 * 3_600 - 1_200;
  assert.equal(step(lone, end + HOLD_S, []).lapsed, [KEY]);
});

test("after it lapsed, it takes the whole threshold again", () => {
  const lone = create();
  step(lone, 0, [THRESHOLD + 5]);
  step(lone, HOLD_S, []);
  forget(lone.opine, KEY, at(HOLD_S));
  assert.is(step(lone, HOLD_S + 1, [THRESHOLD - 1]).verdicts.length, 0);
  assert.is(step(lone, HOLD_S + 2, [1.5]).verdicts.length, 1);
});

test("joint features are never a verdict of one station", () => {
  const lone = create();
  for (let s = 0; s < 50; s++) assert.equal(step(lone, s, [12], "refusals"), { verdicts: [], lapsed: [] });
});

test("what stands raised is plain JSON and goes on over a restart", () => {
  const lone = create();
  step(lone, 0, [THRESHOLD + 5]);
  const raised = JSON.parse(JSON.stringify(lone.state.raised)) as AgreeState["raised"];
  lone.state = { ...createAgree("CP-1" as StationId, "zone-1" as ZoneId), raised };
  assert.equal(step(lone, 10, [1]).verdicts.length, 1);
  assert.equal(step(lone, 10 + HOLD_S, []).lapsed, [KEY]);
});
