/** The control itself is controlled: it sees a raise where there is one, and a fault at the station that has it. */
import { assert, test } from "../../../build/testing.ts";
import { EVIDENCE_KEYS } from "../../../models/terms.ts";
import { DAY_MS, epochOf, type WallMs } from "../../../models/units.ts";
import { FROM, judge, live, type Lived, type Plan, singleFaults } from "./single-fault.ts";

const PLAN: Plan = { days: 0.1, faultAt: 0.05, seed: 1 };
const KEY = EVIDENCE_KEYS.indexOf("refusals");
const FAULT_EPOCH = epochOf((FROM + PLAN.faultAt * DAY_MS) as WallMs, 10);

/** States nothing until an epoch, and so much of one key from then on. */
const rising = (at: number, millinats: number): Lived => ({
  stated: [{ epoch: FAULT_EPOCH - 10, evidence: EVIDENCE_KEYS.map(() => 0) },
    { epoch: at, evidence: EVIDENCE_KEYS.map((_, key) => (key === KEY ? millinats : 0)) }],
  raised: new Set(),
});

test("one member however high is not enough, four are; before the fault nothing counts", () => {
  const of = (...sums: number[]) => sums.map((sum) => rising(FAULT_EPOCH + 30, sum));
  assert.equal([...judge(PLAN, of(200_000, 0, 0, 0, 0, 0), 1).raises], []);
  assert.equal([...judge(PLAN, of(9_000, 9_000, 9_000, 9_000, 9_000, 0), 1).raises], [["refusals", 1]]);
  assert.equal([...judge(PLAN, of(200_000, 0, 0), 0).raises], []);
  assert.equal([...judge(PLAN, of(9_000, 9_000, 9_000), 0).raises], [["refusals", 1]]);
  const early = [0, 1, 2, 3, 4, 5].map(() => rising(FAULT_EPOCH - 5, 9_000));
  assert.equal([...judge(PLAN, early, 1).raises], []);
});

test("every fault and attack of station scope is among them, and comes to the station that it is given to", () => {
  const faults = singleFaults();
  assert.ok(faults.some(({ name }) => name === "meter-drift") && faults.some(({ kind }) => kind === "attack"));
  const honest = live(PLAN, 0, { kind: "honest", name: "nothing" });
  assert.equal(live(PLAN, 0, { kind: "honest", name: "nothing" }), honest);
  const guessed = live(PLAN, 0, { kind: "attack", name: "login-probes" });
  assert.ok(guessed.raised.size > 0 && JSON.stringify(guessed.stated) !== JSON.stringify(honest.stated));
});
