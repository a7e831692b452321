import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { Alert, Verdict } from "../../models/terms.ts";
import type { ContentHash, Epoch, MonotonicMs, Now, StationId, WallMs, ZoneId } from "../../models/units.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { alert, type AlertState, createAlert, explain, HOLD_DOWN_MS } from "./alert.ts";

const START = Date.UTC(2026, 2, 1, 9);
const station = "CP-001" as StationId;
const zone = "feeder-7" as ZoneId;

const at = (s: number): Now => ({ wallMs: (START + s * 1_000) as WallMs, monoMs: (s * 1_000) as MonotonicMs });
const create = (): AlertState => createAlert({ crypto: nodeCrypto(), region: "example", zone, station });

function verdict(nats: number, says: string): Verdict {
  const onset = START as WallMs;
  return {
    threat: "configuration-tampering", scope: "station", zone, stations: [station], epoch: 1 as Epoch, onset,
    confidence: 0.99, belief: {
      key: "configuration-tampering", cumulativeMillinats: nats * 1_000, sinceOnsetNats: nats, onset, thresholdNats: 9,
      opinion: 1, terms: [{ term: "pointed at another CSMS", nats }], frames: [], says,
    },
  };
}

function tell(state: AlertState, s: number, nats: number, says: string, hash = `sha256:${says}`): Alert[] {
  return alert(state, [verdict(nats, says)], [], new Map([["configuration-tampering", [hash as ContentHash]]]), at(s));
}
const pass = (state: AlertState, s: number): Alert[] => alert(state, [], [], new Map(), at(s));
const brief = (alerts: readonly Alert[]): string[][] => alerts.map(({ state, time, summary, evidence }) =>
  [state, time.slice(14, 19), summary.split(": ")[1]!, evidence.join(" ")]);

test("an incident is raised once; what follows within the minute is told when it is over, the newest of it", () => {
  const state = create();
  assert.equal(brief(tell(state, 0, 11, "first")), [["raised", "00:00", "first.", "sha256:first"]]);
  assert.equal(tell(state, 2, 15, "second"), []);
  assert.equal(tell(state, 3, 19, "third"), []);
  assert.equal(pass(state, 59.999), []);
  assert.equal(brief(pass(state, 60)), [["updated", "01:00", "third.", "sha256:first sha256:third"]]);
  assert.equal(pass(state, 600), []);
});

test("an update that waits outlives a restart: what is open is plain JSON", () => {
  const state = create();
  tell(state, 0, 11, "first");
  tell(state, 2, 19, "second");
  const again = create();
  again.open = JSON.parse(JSON.stringify(state.open)) as AlertState["open"];
  assert.equal(brief(pass(again, 61)), [["updated", "01:01", "second.", "sha256:first sha256:second"]]);
});

test("an update after a minute is told at once, and evidence that adds nothing is not told at all", () => {
  const state = create();
  tell(state, 0, 11, "first");
  assert.equal(tell(state, 61, 13.9, "a little"), []);
  assert.equal(pass(state, 200), []);
  assert.equal(brief(tell(state, 201, 14, "more")), [["updated", "03:21", "more.", "sha256:first sha256:more"]]);
});

test("a lapsed threat clears its incident, and nothing waits any more", () => {
  const state = create();
  tell(state, 0, 11, "first");
  tell(state, 2, 19, "second");
  const cleared = alert(state, [], ["configuration-tampering"], new Map(), at(30));
  assert.equal(cleared.map((one) => one.state), ["cleared"]);
  assert.equal(pass(state, 90), []);
  const later = 31 + HOLD_DOWN_MS / 1_000;
  assert.equal(tell(state, later, 11, "anew").map((one) => one.state), ["raised"]);
});

test("an alert names the newest 16 frames at most, and begins no later than it is told", () => {
  const state = create();
  tell(state, 0, 11, "0");
  for (let n = 1; n <= 30; n++) tell(state, n * 61, 11 + 4 * n, String(n));
  const { lastAlert } = state.open["configuration-tampering"]!;
  assert.equal(lastAlert.evidence, Array.from({ length: 16 }, (_, i) => `sha256:${i + 15}`));
  const [early] = alert(create(), [verdict(11, "clock was set back")], [], new Map(), at(-500));
  assert.is(early?.onset, early?.time);
});

test("an incident's id is that of its zone, station, threat and first epoch: no two incidents share one", () => {
  const idOf = (more: Partial<AlertState>, epoch: number): string => alert({ ...create(), ...more, open: {} },
    [{ ...verdict(11, "x"), epoch: epoch as Epoch }], [], new Map(), at(0))[0]!.incidentId;
  const ids = [idOf({}, 1), idOf({}, 2), idOf({ station: "CP-002" as StationId }, 1), idOf({ zone: "z" as ZoneId }, 1)];
  assert.is(new Set(ids).size, 4);
  assert.is(idOf({}, 1), ids[0]);
  for (const id of ids) assert.match(id, /^[0-9a-f]{64}$/);
});

test("property: the terms of an explanation are at most eight, add up to the evidence, and their shares to 1", () => {
  const random = seeded(3);
  for (let round = 0; round < 500; round++) {
    const terms = Array.from({ length: 1 + random.int(14) }, (_, i) => ({ term: `t${i}`, nats: random.next() * 9 - 1 }))
      .sort((a, b) => b.nats - a.nats);
    const sum = terms.reduce((total, { nats }) => total + nats, 0);
    if (sum < 1) continue;
    const told = explain({ ...verdict(sum, "").belief, terms });
    const added = (of: (one: (typeof told)[number]) => number): number =>
      told.reduce((total, one) => total + of(one), 0);
    assert.ok(told.length <= 8);
    assert.ok(Math.abs(added(({ value }) => value) - sum) < 0.005, `values of round ${round}`);
    assert.ok(Math.abs(added(({ share }) => share) - 1) < 1e-9, `shares of round ${round}`);
    for (const { value, share } of told) assert.ok(Math.abs(share - value / sum) < 0.001);
  }
  assert.equal(explain({ ...verdict(0, "").belief, terms: [] }), []);
});
