import { createHash } from "node:crypto";
import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { type Belief, SEVERITIES, type Term, type Threat, THREATS } from "../../models/terms.ts";
import type { ContentHash, Epoch, MonotonicMs, StationId, WallMs, ZoneId } from "../../models/units.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { alert, createAlert, explain } from "./alert.ts";
import { CATALOGUE } from "./catalogue.ts";

const START = Date.UTC(2026, 2, 1, 9) as WallMs;

function belief(terms: readonly Term[], key: Threat = "energy-theft"): Belief {
  const sum = terms.reduce((total, { nats }) => total + nats, 0);
  return {
    key, cumulativeMillinats: 0, sinceOnsetNats: sum, onset: START, thresholdNats: 12, opinion: 1, terms, frames: [],
    says: "so",
  };
}

test("explanations, as a table", () => {
  const cases: [Term[], [string, number, number][]][] = [
    [[], []],
    [[{ term: "a", nats: 4 }], [["a", 4, 1]]],
    [[{ term: "a", nats: 3 }, { term: "b", nats: 1 }], [["a", 3, 0.75], ["b", 1, 0.25]]],
    [[{ term: "a", nats: 3 }, { term: "b", nats: -1 }], [["a", 3, 1.5], ["b", -1, -0.5]]],
    [[1, 2, 3].map((n) => ({ term: `${n}`, nats: 1 })), [["1", 1, 0.333334], ["2", 1, 0.333333], ["3", 1, 0.333333]]],
  ];
  for (const [terms, expected] of cases) {
    assert.equal(explain(belief(terms)).map(({ term, value, share }) => [term, value, share]), expected);
  }
});

test("property: at most eight terms, shares that add up to 1, values that add up to the evidence", () => {
  const random = seeded(1);
  for (let run = 0; run < 2_000; run++) {
    const terms = Array.from({ length: 1 + random.int(14) }, (_, n) =>
      ({ term: `t${n}`, nats: (random.next() - 0.2) * 10 ** random.int(3) })).sort((a, b) => b.nats - a.nats);
    const one = belief(terms);
    if (one.sinceOnsetNats <= 1e-3) continue;
    const told = explain(one);
    assert.ok(told.length <= 8, `run ${run}`);
    const add = (figure: "share" | "value") => told.reduce((sum, entry) => sum + entry[figure], 0);
    assert.ok(Math.abs(add("share") - 1) < 1e-9, `run ${run}: ${add("share")}`);
    assert.ok(Math.abs(add("value") - one.sinceOnsetNats) < 0.005, `run ${run}`);
  }
});

test("an incident's id is the hash of zone, station, threat and the epoch of its raise, whatever follows", () => {
  const [zone, station] = ["feeder-7" as ZoneId, "CP-001" as StationId];
  const state = createAlert({ crypto: nodeCrypto(), region: "example", zone, station });
  const raise = (s: number, epoch: number, nats: number) => alert(state, [{
    threat: "energy-theft", scope: "station", zone, stations: [station], epoch: epoch as Epoch, onset: START,
    confidence: 0.987_654, belief: belief([{ term: "a", nats }]),
  }], [], new Map(), { wallMs: (START + s * 1_000) as WallMs, monoMs: s * 1_000 as MonotonicMs });
  const expected = createHash("sha256").update("feeder-7\nCP-001\nenergy-theft\n77").digest("hex");
  const ids = [raise(0, 77, 13), raise(100, 87, 19), raise(200, 97, 25)].flat()
    .map(({ incidentId, state: change, confidence }) => [incidentId, change, confidence]);
  assert.equal(ids, [[expected, "raised", 0.988], [expected, "updated", 0.988], [expected, "updated", 0.988]]);
});

test("evidence is bounded however long an incident lasts, and holds each frame once", () => {
  const [zone, station] = ["feeder-7" as ZoneId, "CP-001" as StationId];
  const state = createAlert({ crypto: nodeCrypto(), region: "example", zone, station });
  for (let n = 0; n < 100; n++) {
    const hashes = [n, n, n + 1].map((one) => `sha256:${one}` as ContentHash);
    const told = alert(state, [{
      threat: "energy-theft", scope: "station", zone, stations: [station], epoch: 1 as Epoch, onset: START,
      confidence: 1, belief: belief([{ term: "a", nats: 13 + 4 * n }]),
    }], [], new Map([["energy-theft", hashes]]),
    { wallMs: (START + n * 70_000) as WallMs, monoMs: n * 70_000 as MonotonicMs });
    assert.is(told.length, 1);
    assert.ok(told[0]!.evidence.length <= 16);
    if (n > 0) assert.is(new Set(told[0]!.evidence).size, told[0]!.evidence.length);
  }
});

test("every threat has a headline, a severity and a next step", () => {
  assert.equal(Object.keys(CATALOGUE).sort(), [...THREATS].sort());
  for (const { headline, severity, nextStep } of Object.values(CATALOGUE)) {
    assert.ok(headline.length > 10 && !headline.endsWith(".") && SEVERITIES.includes(severity));
    assert.match(nextStep, /\.$/);
  }
});
