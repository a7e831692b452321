/**
 * What happens to a simulated zone: its size, faults, liars and attacks. A scenario is plain data; together with a seed
 * it says everything about a run. Times are epochs since the run began, and may have fractions; agents are numbers from
 * 0, and those from `agents` on are spare ones who join later.
 */
import type { EvidenceKey } from "../../../models/terms.ts";

/** What a field of a fault may hold. */
export type Field =
  | { readonly from: number; readonly to: number; readonly whole?: true }
  | { readonly agent: true }
  | { readonly agents: true }
  | { readonly of: readonly string[] };

const EPOCH = { from: 0, to: 100_000 } as const;
const SHARE = { from: 0, to: 1 } as const;
const DURING = { from: EPOCH, to: EPOCH } as const;
const AGENT = { agent: true } as const;

/** Every kind of fault and its fields, `from` and `to` included where it lasts. */
export const FAULTS = {
  /** That share of deliveries is lost. */
  "loss": { ...DURING, share: SHARE },
  /** Every delivery takes up to so much longer: what is sent later may come first. */
  "delay": { ...DURING, mostMs: { from: 0, to: 120_000 } },
  /** That share of deliveries waits up to an epoch and a half, and so comes in another order. */
  "reordering": { ...DURING, share: SHARE },
  /** That share of deliveries comes twice, the second time up to three epochs later. */
  "duplication": { ...DURING, share: SHARE },
  /**
   * `split`: nothing passes between `side` and the rest. `bridge`: but for the first of `side`, whom both sides hear.
   * `one-way`: what `side` says is not heard by the rest.
   */
  "partition": { ...DURING, shape: { of: ["split", "bridge", "one-way"] }, side: { agents: true } },
  /** Killed after `effects` of what its next steps ask for: entries and messages beyond that are lost. */
  "crash": { agent: AGENT, at: EPOCH, effects: { from: 0, to: 40, whole: true }, downEpochs: { from: 0, to: 1_000 } },
  /** Somebody is stopped in good order every so many epochs, and started again two epochs later. */
  "churn": { ...DURING, everyEpochs: { from: 1, to: 1_000 } },
  /** The wall clock is off, and set right at the end. */
  "skew": { ...DURING, agent: AGENT, seconds: { from: -3_600, to: 3_600 } },
  /** The wall clock runs wrong by so much an epoch, and is set right at the end. */
  "drift": { ...DURING, agent: AGENT, secondsAnEpoch: { from: -5, to: 5 } },
  /** Whatever it hears, and its ticks, wait so long. */
  "slowness": { ...DURING, agent: AGENT, ms: { from: 0, to: 30_000 } },
  /** The log takes no entry; the agent is started anew when there is room again. */
  "full-disk": { ...DURING, agent: AGENT },
  /** The next roster counts from the next epoch on, and reaches each agent up to `spreadEpochs` before or after. */
  "roster": { at: EPOCH, leave: { agents: true }, join: { agents: true }, spreadEpochs: { from: 0, to: 100 } },
  /**
   * Two rosters of the next version are signed: `side` is given the other one. So many epochs later two further
   * versions follow the first, and are given to the rest alone: `side` has to hear of them.
   */
  "fork": { at: EPOCH, side: { agents: true }, epochs: { from: 1, to: 1_000 } },
  /** These are on metered links, from beginning to end. */
  "metered": { agents: { agents: true } },
} as const satisfies Record<string, Readonly<Record<string, Field>>>;

type Value<F> =
  F extends { readonly of: readonly (infer T)[] } ? T :
  F extends { readonly agents: true } ? readonly number[] : number;

export type FaultKind = keyof typeof FAULTS;
export type Fault = {
  readonly [K in FaultKind]:
    { readonly kind: K } & { readonly [F in keyof (typeof FAULTS)[K]]: Value<(typeof FAULTS)[K][F]> };
}[FaultKind];
export type FaultOf<K extends FaultKind> = Extract<Fault, { readonly kind: K }>;

/**
 * `silent`: publishes nothing. `selective`: tells some and not others, and late. `frame`: claims everything at the
 * maximum, proposes and votes for anything. `hide`: claims nothing, votes for nothing. `equivocate`: tells each half
 * something else, statements, proposals and votes. `replay`: sends again what it heard. `flood`: as much as it can,
 * well formed and not. `collude`: all who do claim one key at one time, propose and certify it among themselves.
 * `adaptive`: states after it has seen the others' statements of the epoch, and claims what makes the most of them.
 * `rolled-back`: honest, on a disk that was put back to an older copy.
 */
export const BEHAVIOURS = [
  "silent", "selective", "frame", "hide", "equivocate", "replay", "flood", "collude", "adaptive", "rolled-back",
] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

export interface Liar {
  readonly agent: number;
  readonly behaviour: Behaviour;
  /** Honest before: a patient one. */
  readonly from: number;
}

/** Evidence at several stations at once. */
export interface Attack {
  readonly key: EvidenceKey;
  readonly from: number;
  readonly to: number;
  readonly agents: readonly number[];
  /** Millinats. */
  readonly perEpoch: number;
}

/** Unknown cards are tried, in real frames: what becomes of it is up to the detectors. */
export interface Guessing {
  readonly from: number;
  readonly to: number;
  readonly agents: readonly number[];
  readonly anEpoch: number;
}

export interface Scenario {
  readonly agents: number;
  /** Who may join later. */
  readonly spare: number;
  /** Agents are dealt out to so many zones of one roster, in turn; zones that follow one another are bridged. */
  readonly zones: number;
  /** f of each zone. */
  readonly liarsTolerated: number;
  readonly epochs: number;
  /** Whether agents witness each other's logs. */
  readonly witnesses: boolean;
  /** `simulated`: a keyed hash in the place of Ed25519, which nobody in the run can forge. */
  readonly signatures: "simulated" | "ed25519";
  /** `site`: all hear all over one honest broker, each at first hand, and a liar tells all the same. */
  readonly topology: "mesh" | "site";
  /**
   * In a mesh, to how many of its neighbours an agent passes on what others said, drawn anew each time: all, as it is
   * on boards, or fewer, which is cheaper and harder on repair.
   */
  readonly passedOnTo: number;
  readonly faults: readonly Fault[];
  readonly liars: readonly Liar[];
  /** Chargers whose evidence for one key rises all the time: broken ones, which count among f as liars do. */
  readonly broken: readonly number[];
  readonly attacks: readonly Attack[];
  readonly guessing: readonly Guessing[];
  /**
   * From this epoch on nothing fails but liars and broken chargers, and agents must come to agree; absent: that is not
   * asked for.
   */
  readonly healedAt?: number;
}

/** Who is on a metered link. */
export function meteredIn({ faults }: Scenario): ReadonlySet<number> {
  return new Set(faults.flatMap((fault) => (fault.kind === "metered" ? fault.agents : [])));
}

export const EPOCH_S = 10;
export const EPOCH_MS = 1_000 * EPOCH_S;

/**
 * The first roster of the scenario that no agent would believe, a zone of it having no more than three times the liars
 * tolerated, and that zone's members, as "faults[2]: zone 3 would have 3 members"; undefined when all are good.
 */
export function unbelievedRoster({ agents, zones, liarsTolerated, faults }: Scenario): string | undefined {
  let listed = Array.from({ length: agents }, (_, index) => index);
  const changes = faults.flatMap((fault, place) => (fault.kind === "roster" ? [{ fault, place }] : []));
  for (const { fault, place } of changes.sort((a, b) => a.fault.at - b.fault.at)) {
    listed = [...new Set([...listed.filter((index) => !fault.leave.includes(index)), ...fault.join])];
    for (let zone = 0; zone < zones; zone++) {
      const members = listed.filter((index) => index % zones === zone).length;
      if (members <= 3 * liarsTolerated) return `faults[${place}]: zone ${zone} would have ${members} members`;
    }
  }
  return undefined;
}
