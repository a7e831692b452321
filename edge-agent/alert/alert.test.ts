import { assert, test } from "../../build/testing.ts";
import type { Alert, Verdict } from "../../models/terms.ts";
import type { ContentHash, Epoch, MonotonicMs, Now, StationId, WallMs, ZoneId } from "../../models/units.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { alert, type AlertState, createAlert } from "./alert.ts";

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
  assert.equal(tell(state, 91, 11, "anew").map((one) => one.state), ["raised"]);
});
