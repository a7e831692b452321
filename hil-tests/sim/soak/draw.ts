/** A scenario from a seed: at least three kinds of fault, up to f liars and broken chargers, attacks, and a healing. */
import { borne } from "../../../gossip/metered.ts";
import { clipOf, zoneThreshold } from "../../../models/agree/zone-laws.ts";
import { type EvidenceKey, EVIDENCE_KEYS, threatOf } from "../../../models/terms.ts";
import { type Dice, dice } from "../dice.ts";
import { BROKEN_KEY } from "./evidence.ts";
import {
  type Attack, BEHAVIOURS, type Fault, type FaultKind, FAULTS, type Guessing, type Liar, type Scenario,
} from "./scenario.ts";

const EPOCHS = { least: 200, more: 20 };
const AGENTS = { least: 8, more: 6 };
/** Larger zones cost three to five times what one of eight does, and show what eight do not in few runs. */
const MORE_AGENTS_SHARE = 0.15;
/** What others said is passed on to all neighbours in few runs: that is most of the traffic, and copies. */
const EVERYBODY_SHARE = 0.1;
const MOST_PEERS = 64;
/** In a larger zone not all are linked: what is passed on to one or two may come to nobody who needs it. */
const FULL_MESH = 9;
const MESH_SHARE = 0.65;
const PASSED_ON_TO = 2;
/** Agents listen first. */
const FIRST_FAULT = 8;
/** Before the end. */
const HEALED = 60;
const LAST_ATTACK = 34;
const LAST_ATTACK_LASTS = 8;
/** That of agents is never stated by anybody; a broken meter moves the other. */
const NEVER_ATTACKED: ReadonlySet<EvidenceKey> = new Set<EvidenceKey>(["agent-misbehaviour", BROKEN_KEY]);
/** Share of attacks that move all keys of their threat: they are one incident. */
const SEVERAL_KEYS_SHARE = 0.5;
const KINDS = { least: 4, more: 4 };
const FORK_LASTS = 50;
const SIDE_LEAST = 1;
/** In some runs the agents are dealt out to several zones of one roster. */
const SEVERAL_ZONES = [{ share: 0.03, zones: 4, each: 4 }, { share: 0.06, zones: 2, each: 7 }] as const;
/** Real frames, too. */
const GUESSING_SHARE = 0.2;
/** One in so many runs signs with Ed25519. */
const REAL_SIGNATURES_IN = 50;
/** Some members on metered links, and as often one of these with a clock that is off. */
const METERED_SHARE = 0.25;
const METERED_SKEW_SHARE = 0.5;

export function drawScenario(seed: number): Scenario {
  return withMetered(drawVoters(seed), dice(seed, "metered"));
}

function drawVoters(seed: number): Scenario {
  const chance = dice(seed, "scenario");
  const several = SEVERAL_ZONES.find(({ share }) => chance.chance(share));
  const { zones = 1 } = several ?? {};
  const alone = AGENTS.least + (chance.chance(MORE_AGENTS_SHARE) ? chance.int(AGENTS.more) : 0);
  const agents = several === undefined ? alone : several.zones * several.each;
  const spare = 1;
  const liarsTolerated = Math.floor((agents / zones - 1) / 3);
  const epochs = EPOCHS.least + chance.int(EPOCHS.more);
  const healedAt = epochs - HEALED;
  const bad = range(zones).flatMap((zone) =>
    shuffled(chance, range(agents).filter((agent) => agent % zones === zone))
      .slice(0, chance.int(liarsTolerated + 1)));
  const liarCount = chance.chance(0.8) ? bad.length : chance.int(bad.length + 1);
  const liars = drawLiars(chance, bad.slice(0, liarCount), healedAt);
  const plan = { agents, spare, zones, healedAt, liars: new Set(bad) };
  return {
    agents, spare, zones, liarsTolerated, epochs, healedAt, liars, broken: bad.slice(liarCount),
    witnesses: chance.chance(0.7), signatures: seed % REAL_SIGNATURES_IN === 0 ? "ed25519" : "simulated",
    topology: chance.chance(MESH_SHARE) || zones > 1 ? "mesh" : "site",
    // Those of several zones have more agents than a fully meshed one.
    passedOnTo: chance.chance(EVERYBODY_SHARE) || agents > FULL_MESH ? MOST_PEERS : 1 + chance.int(PASSED_ON_TO),
    faults: drawFaults(chance, plan), attacks: drawAttacks(chance, { ...plan, liarsTolerated, epochs }),
    guessing: chance.chance(GUESSING_SHARE) ? [drawGuessing(chance, agents, healedAt)] : [],
  };
}

/** Who is metered is drawn by dice of its own (`withMetered`). */
type DrawnKind = Exclude<FaultKind, "metered">;

interface Plan {
  readonly agents: number;
  readonly spare: number;
  readonly zones: number;
  readonly healedAt: number;
  readonly liars: ReadonlySet<number>;
}

function drawLiars(chance: Dice, who: readonly number[], healedAt: number): Liar[] {
  // Half of the time all of them lie alike, as who colludes does.
  const shared = chance.chance(0.5) ? chance.pick(BEHAVIOURS) : undefined;
  return who.map((agent) => {
    const behaviour = shared ?? chance.pick(BEHAVIOURS);
    const isPatient = chance.chance(0.3) || behaviour === "rolled-back";
    const from = isPatient ? round(chance.uniform(healedAt * 0.4, healedAt * 0.9)) : 0;
    return { agent, behaviour, from };
  });
}

function drawFaults(chance: Dice, plan: Plan): Fault[] {
  const every = shuffled(chance, Object.keys(FAULTS).filter((kind): kind is DrawnKind => kind !== "metered"));
  const drawn = every.slice(0, KINDS.least + chance.int(KINDS.more));
  // Who must hear of the end of a fork has no file of later versions.
  const kinds = drawn.includes("fork") ? drawn.filter((kind) => kind !== "roster") : drawn;
  return kinds.flatMap((kind) => {
    const times = kind === "crash" || kind === "skew" || kind === "slowness" ? 1 + chance.int(4) : 1 + chance.int(2);
    return range(kind === "roster" || kind === "fork" ? 1 : times).map(() => drawFault(chance, kind, plan));
  });
}

function drawFault(chance: Dice, kind: DrawnKind, plan: Plan): Fault {
  const { agents, spare, zones, healedAt } = plan;
  const start = round(chance.uniform(FIRST_FAULT, healedAt - 10));
  const during = { from: start, to: round(Math.min(healedAt, start + chance.exponential(25) + 2)) };
  const agent = chance.int(agents);
  switch (kind) {
    case "loss":
      return { kind, ...during, share: round(chance.uniform(0.02, 0.7)) };
    case "delay":
      return { kind, ...during, mostMs: Math.min(60_000, Math.round(chance.logNormal(4_000, 1))) };
    case "reordering":
    case "duplication":
      return { kind, ...during, share: round(chance.uniform(0.05, 0.6)) };
    case "partition": {
      const side = shuffled(chance, range(agents)).slice(0, SIDE_LEAST + chance.int(Math.floor(agents / 2) + 1));
      return { kind, ...during, shape: chance.pick(["split", "bridge", "one-way"] as const), side };
    }
    case "crash":
      return { kind, agent, at: start, effects: chance.int(12), downEpochs: round(Math.min(healedAt - start,
        chance.exponential(8))) };
    case "churn":
      return { kind, ...during, everyEpochs: 1 + chance.int(6) };
    case "skew":
      return { kind, ...during, agent, seconds: round(Math.max(-200, Math.min(200, chance.normal(0, 40)))) };
    case "drift":
      return { kind, ...during, agent, secondsAnEpoch: round(chance.uniform(-1, 1)) };
    case "slowness":
      return { kind, ...during, agent, ms: Math.round(chance.uniform(500, 15_000)) };
    case "full-disk":
      return { kind, ...during, agent };
    case "roster": {
      // Out of the zone that the spare one joins: a zone that only shrinks may carry f no more, and no roster says so.
      const leave = chance.chance(0.5) ? [agent - (agent % zones) + (agents % zones)] : [];
      return { kind, at: start, leave, join: range(spare).map((i) => agents + i), spreadEpochs: chance.int(10) };
    }
    case "fork": {
      const side = shuffled(chance, range(agents)).slice(0, 1 + chance.int(Math.floor(agents / 2)));
      return { kind, at: start, side, epochs: Math.min(1 + chance.int(FORK_LASTS), Math.floor(healedAt - start)) };
    }
  }
}

/**
 * The same with some members on metered links, as many as the zone bears. One that tolerates the most liars that it may
 * bears hardly any: it tolerates one less here.
 */
function withMetered(scenario: Scenario, chance: Dice): Scenario {
  const { agents, zones, liarsTolerated, liars, broken, attacks, healedAt } = scenario;
  const size = { n: agents / zones, f: liarsTolerated - 1 };
  const most = borne({ members: { length: size.n }, zone: size });
  const isDrawn = chance.chance(METERED_SHARE) && most > 0 && isCertifiable(attacks.at(-1)!.key, size);
  if (!isDrawn) return scenario;
  const bad = new Set(range(zones).flatMap((zone) => [...liars.map(({ agent }) => agent), ...broken]
    .filter((agent) => agent % zones === zone).slice(0, size.f)));
  const metered = range(zones).flatMap((zone) =>
    shuffled(chance, range(agents).filter((agent) => agent % zones === zone && !bad.has(agent)))
      .slice(0, 1 + chance.int(most)));
  const from = round(chance.uniform(FIRST_FAULT, healedAt! - 10));
  const skew: Fault = { kind: "skew", from, to: round(Math.min(healedAt!, from + chance.exponential(40) + 2)),
    agent: chance.pick(metered), seconds: round(Math.max(-200, Math.min(200, chance.normal(0, 60)))) };
  const isSkewed = chance.chance(METERED_SKEW_SHARE);
  return {
    ...scenario, liarsTolerated: size.f, liars: liars.filter(({ agent }) => bad.has(agent)),
    broken: broken.filter((agent) => bad.has(agent)),
    faults: [...scenario.faults, { kind: "metered", agents: metered }, ...(isSkewed ? [skew] : [])],
  };
}

/**
 * One or two before the healing, at some stations or all, and now and then on several keys of a threat at once; one
 * after it, at all, for a threat that was left alone and that a zone certifies.
 */
function drawAttacks(
  chance: Dice, { agents, zones, liarsTolerated, healedAt, epochs }: Plan & Pick<Scenario, "liarsTolerated" | "epochs">,
): Attack[] {
  const keys = shuffled(chance, EVIDENCE_KEYS.filter((key) => !NEVER_ATTACKED.has(key)));
  const early = range(1 + chance.int(2)).flatMap((i): Attack[] => {
    const from = Math.floor(chance.uniform(FIRST_FAULT + 6, healedAt - 30));
    const attack = {
      key: keys[i]!, from, to: from + 4 + chance.int(30), perEpoch: 500 + chance.int(6_000),
      agents: shuffled(chance, range(agents)).slice(0, 2 + chance.int(agents - 1)).sort((a, b) => a - b),
    };
    const related = chance.chance(SEVERAL_KEYS_SHARE) ? keys.filter((key) => threatOf(key) === threatOf(keys[i]!)) : [];
    return [attack, ...related.filter((key) => key !== attack.key).map((key) =>
      ({ ...attack, key, from: from + chance.int(3), perEpoch: 500 + chance.int(6_000) }))];
  });
  const from = epochs - LAST_ATTACK;
  const taken = new Set(early.map(({ key }) => threatOf(key)));
  const size = { n: agents / zones, f: liarsTolerated };
  const key = keys.find((one) => !taken.has(threatOf(one)) && isCertifiable(one, size))!;
  return [...early, { key, from, to: from + LAST_ATTACK_LASTS, agents: range(agents + 1), perEpoch: 6_000 }];
}

/** Whether a zone raises when all who are honest have all that one may count for: of some keys no sum is enough. */
export function isCertifiable(key: EvidenceKey, size: { readonly n: number; readonly f: number }): boolean {
  return (size.n - 2 * size.f) * clipOf(key, size) >= zoneThreshold(key, size);
}

function drawGuessing(chance: Dice, agents: number, healedAt: number): Guessing {
  const from = Math.floor(chance.uniform(FIRST_FAULT + 6, healedAt - 30));
  const who = shuffled(chance, range(agents)).slice(0, 1 + chance.int(agents)).sort((a, b) => a - b);
  return { from, to: from + 2 + chance.int(20), agents: who, anEpoch: 1 + chance.int(4) };
}

function shuffled<T>(chance: Dice, list: readonly T[]): T[] {
  const left = [...list];
  return Array.from({ length: left.length }, () => left.splice(chance.int(left.length), 1)[0]!);
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index);
}

const round = (value: number): number => Math.round(value * 100) / 100;
