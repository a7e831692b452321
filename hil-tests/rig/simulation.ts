/**
 * `npm run hil street-sim`: the acts of a scenario file in virtual time, as on the other rungs on hosts: the same zones
 * of six of which one may lie, the same stations, the same outcomes. What processes do in minutes takes seconds here,
 * repeats by its seed, and has all of the soak's checkers looking on. Evidence that only meters and clocks give on the
 * other rungs (acts b and d) is written in, cards are tried in real frames.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import type { Alert, Threat } from "../../models/terms.ts";
import { type Check, outcomeOf, type Outcome } from "../bench/acts/act.ts";
import { ACTS } from "../bench/acts/acts.ts";
import { CHECKERS } from "../sim/soak/checkers/checkers.ts";
import { runOne } from "../sim/soak/run-one.ts";
import type { Scenario as SimScenario } from "../sim/soak/scenario.ts";
import type { CreateChecker } from "../sim/soak/world.ts";
import { PER_ZONE } from "../bench/street-plan.ts";
import { PARTITION } from "./partition.ts";
import type { Recorder } from "./recorder.ts";
import { parseScenario, type Scenario } from "./scenario.ts";

const SEED = 1;
const EPOCHS = 80;
const BEGIN = 20;
const EACH = Array.from({ length: PER_ZONE }, (_, i) => i);
/** As `N-4` and `S-2` are called: by their number in the zone. */
const place = (number: number): number => number - 1;

const QUIET: SimScenario = {
  agents: PER_ZONE, spare: 0, zones: 1, liarsTolerated: 1, epochs: EPOCHS, witnesses: true, signatures: "simulated",
  topology: "mesh", passedOnTo: PER_ZONE, faults: [], liars: [], broken: [], attacks: [], guessing: [],
};
/** Wrong cards, one a charger and epoch: fewer than any charger minds. */
const SPRAYED = { guessing: [{ from: BEGIN, to: BEGIN + 4, agents: EACH, anEpoch: 1 }] } as const;
const SPLIT = { from: BEGIN, to: BEGIN + 12 };

interface SimAct {
  readonly scenario: SimScenario;
  /** What a zone's agents raise, certified; absent: nothing. */
  readonly raises?: Threat;
  /** Not before this epoch. */
  readonly notBefore?: number;
  /** Agents that hold it; absent: all. */
  readonly by?: readonly number[];
  /** Who is proved guilty. */
  readonly names?: number;
}

/** Of each act that scenario files may have, what it is in virtual time. */
const SIM_ACTS: Readonly<Record<string, SimAct>> = {
  a: { scenario: QUIET },
  b: { scenario: { ...QUIET, broken: [place(4)] } },
  c: { scenario: { ...QUIET, ...SPRAYED }, raises: "authorization-abuse" },
  d: {
    scenario: { ...QUIET,
      attacks: [{ key: "starts", from: BEGIN, to: BEGIN + 2, agents: [1, 2, 3, 4, 5].map(place), perEpoch: 5_000 }] },
    raises: "load-manipulation",
  },
  e: { scenario: { ...QUIET, liars: [{ agent: place(1), behaviour: "equivocate", from: BEGIN }] }, names: place(1) },
  f: {
    scenario: { ...QUIET, ...SPRAYED, faults: [
      { kind: "crash", agent: place(1), at: BEGIN - 8, effects: 1, downEpochs: 1 },
      { kind: "partition", from: BEGIN - 8, to: EPOCHS, shape: "one-way", side: [place(2)] },
    ] },
    raises: "authorization-abuse", by: [1, 3, 4, 5, 6].map(place),
  },
  g: { scenario: { ...QUIET, ...SPRAYED }, raises: "authorization-abuse" },
  partition: {
    scenario: { ...QUIET, ...SPRAYED, faults: [
      { kind: "partition", ...SPLIT, shape: "split", side: [1, 2, 3].map(place) },
      { kind: "loss", ...SPLIT, share: 0.05 },
      { kind: "slowness", ...SPLIT, agent: place(3), ms: 200 },
    ] },
    raises: "authorization-abuse", notBefore: SPLIT.to,
  },
};

interface Held {
  readonly alert: Alert;
  readonly agent: number;
  /** The epoch by whose end it was there. */
  readonly epoch: number;
}

/** Notes who raised what of the zone and when. */
function watching(held: Held[]): CreateChecker {
  return (world) => {
    const seen = new Map<number, number>();
    return { name: "what is raised", epoch(epoch) {
      for (const { index, alerts } of world.agents.filter((agent) => world.isHonest(agent))) {
        for (const alert of alerts.slice(seen.get(index) ?? 0)) held.push({ alert, agent: index, epoch });
        seen.set(index, alerts.length);
      }
    } };
  };
}

function raisedChecks({ raises, by = EACH, notBefore = 0 }: SimAct, held: readonly Held[]): Check[] {
  const zones = held.filter(({ alert: { scope, threat } }) => scope === "zone" && threat !== "agent-misbehaviour");
  const ours = zones.filter(({ alert }) => alert.threat === raises && alert.certificate !== undefined);
  const others = new Set(zones.filter(({ alert }) => alert.threat !== raises).map(({ alert }) => alert.threat));
  const nothingElse = { saw: others.size === 0 ? "nothing else raised" : `raised: ${[...others].join(", ")}`,
    ok: others.size === 0 };
  if (raises === undefined) return [nothingElse];
  const lacking = by.filter((one) => !ours.some(({ agent }) => agent === one));
  const early = ours.filter(({ epoch }) => epoch < notBefore).length;
  return [
    { saw: `certified at ${by.length - lacking.length} of ${by.length} agents`, ok: lacking.length === 0 },
    ...(notBefore === 0 ? []
      : [{ saw: early === 0 ? "by nobody while split" : `${early} times while split`, ok: early === 0 }]),
    nothingElse,
  ];
}

function playAct(act: SimAct): Outcome {
  const held: Held[] = [];
  const { failed, named } = runOne({ scenario: act.scenario, seed: SEED, checkers: [...CHECKERS, watching(held)] });
  const expected = act.names === undefined ? 0 : 1;
  return outcomeOf([
    { saw: failed === undefined ? `${CHECKERS.length} checkers content` : failed.text, ok: failed === undefined },
    { saw: `${named} named guilty`, ok: named === expected },
    ...raisedChecks(act, held),
  ]);
}

export const scenarioFile = (): Scenario =>
  parseScenario(readFileSync(join(repoRoot, "hil-tests/rig/scenarios/street.yaml"), "utf8"));

/** Plays the acts of the scenario file, or these of them. */
export async function playSimulation(
  { acts, quick }: { readonly acts?: readonly string[]; readonly quick: boolean }, recorder: Recorder,
): Promise<void> {
  const scenario = scenarioFile();
  for (const id of acts ?? (quick ? scenario.quick : scenario.acts)) {
    const act = SIM_ACTS[id];
    const { name, told } = ACTS.find((one) => one.id === id) ?? PARTITION;
    if (act === undefined) recorder.skip({ id, name, told }, "not in the simulation");
    else await recorder.play({ id, name, told }, async () => playAct(act));
  }
}
