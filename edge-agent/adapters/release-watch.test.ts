import { assert, test } from "../../build/testing.ts";
import type { Status } from "../status.ts";
import { LEAST_MS, TRIAL_MS } from "../update/health.ts";
import { kept, nextStart, NO_RELEASES, type Pointer, rolledBack, withTrial } from "../update/pointer.ts";
import { decide, isCharging } from "./release-watch.ts";

const HASH = "a".repeat(64);
const OWN = { hash: HASH, onTrial: true };
const TRIAL: Pointer =
  nextStart(withTrial(NO_RELEASES, { hash: HASH, sequence: 2, name: "0.2.0" }, ["operator/a"]), () => true).pointer;

interface Facts {
  readonly log?: string;
  readonly frames?: number;
  readonly open?: number;
  readonly powerW?: number;
  readonly links?: readonly boolean[];
}

function status({ log = "good", frames = 9, open = 0, powerW = 0, links }: Facts = {}): Status {
  return {
    log: { state: log }, meters: [{ powerW }],
    link: { framesFromStation: frames, framesFromCsms: frames, openTransactions: open },
    ...(links !== undefined && { mesh: { links: links.map((up) => ({ up })) } }),
  } as unknown as Status;
}

const decision = (facts: Facts | undefined, upMs: number): string =>
  decide(OWN, TRIAL, facts && status(facts), upMs).decision;

test("a trial is kept when log, neighbours and frames are well, and no sooner than after a minute", () => {
  assert.is(decision({}, LEAST_MS - 1), "wait");
  assert.is(decision({}, LEAST_MS), "keep");
  assert.is(decision({ links: [false, true] }, LEAST_MS), "keep");
});

for (const [what, facts] of [
  ["a log that takes nothing", { log: "read-only" }], ["no frames", { frames: 0 }],
  ["no neighbour", { links: [false, false] }], ["an agent that does not answer", undefined],
] as const) {
  test(`a trial with ${what} is waited for, and taken back after its time`, () => {
    assert.is(decision(facts, LEAST_MS), "wait");
    assert.is(decision(facts, TRIAL_MS - 1), "wait");
    assert.is(decision(facts, TRIAL_MS), "take-back");
  });
}

test("never while charging: an installed release is waited for while a transaction is open, or power flows", () => {
  const now = (facts: Facts | undefined): string => decide(undefined, TRIAL, facts && status(facts), 1).decision;
  assert.is(now({}), "restart");
  assert.is(now({ open: 1 }), "wait");
  assert.is(now({ powerW: 7_000 }), "wait");
  assert.is(now({ powerW: -7_000 }), "wait");
  assert.is(now(undefined), "wait");
  // A relay reads nothing, and so cannot say.
  assert.ok(isCharging({ link: {}, meters: [] } as unknown as Status));
});

test("what was taken back by hand makes room for the one before; what runs as it should is left alone", () => {
  assert.is(decide(OWN, rolledBack(TRIAL), status(), LEAST_MS).decision, "restart");
  assert.is(decide({ hash: HASH, onTrial: false }, kept(TRIAL, "well"), status(), 1).decision, "wait");
  assert.is(decide(undefined, NO_RELEASES, status(), 1).decision, "wait");
});
