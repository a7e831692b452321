/**
 * reconnaissance: probing before an attack.
 *
 * Looks for: requests that this station never had before: variables by name, actions of no OCPP version, calls in the
 * wrong direction, DataTransfer that the station does not know, requests that it has not implemented; and reads of
 * everything for which neither a boot nor a new link is the reason.
 * Beside them: log-ins and handshakes at the station that failed, as it tells live and not of a time without a link.
 * Statistic: such requests within half an hour are a burst (learned/burst.ts), judged by how rare it is and by the
 * kinds of request that it shows. How many of a kind there are counts by levels. Runs that go beyond what any release
 * of a CSMS asks for are facts (learned/facts.ts).
 * Null: the station's own bursts; the shares are judgements. What was asked for once is known, and says nothing again.
 * Honest look-alikes: a CSMS that reads everything after each boot or link, a nightly report, the polling of the same
 * variables, a station or CSMS with a dialect of its own, commissioning, a new release of the CSMS with a few more
 * variables: each is one burst of few kinds.
 * A CSMS whose certificate has expired is refused again and again: its events come with the backlog after it.
 * Cannot see: reading what is read every day; probes that never reach the station, as log-ins at the CSMS; a handful
 * of reads, which a curious operator makes.
 * Joint feature `probes`: the same against a burst of them over many stations.
 */
import type { Observation } from "../terms.ts";
import { MINUTE_MS, type Now } from "../units.ts";
import { type Detector, framesOf } from "./detector.ts";
import {
  type Burst, type BurstLaw, createBurst, isOpen, levelOf, passBurst, seeBurst, trait,
} from "./learned/burst.ts";
import { createFacts, type FactLaw, type Facts, mixed, passFacts, showFact, type Step } from "./learned/facts.ts";

const KINDS = ["variables", "actions", "directions", "transfers", "refusals", "everything", "logins"] as const;
type Kind = (typeof KINDS)[number];

export interface Reconnaissance {
  burst: Burst;
  facts: Facts;
  /** New requests of the open burst; without a boot or link before them: new variables, reads of what is not there. */
  counts: Record<Kind, number>;
  swept: number;
  guesses: number;
  /** Hashes of what the open burst brought. */
  brought: number[];
  /** Hashes of requests that the station had before, `NAME` characters each; newest last. */
  known: string;
  /** Monotonic time of the last boot or link, -1: none seen. */
  freshMs: number;
}

/**
 * Each level as a share of the bursts that came to the one below it. A whole commissioning reads two hundred. What has
 * not come to so many yet says less than what has: no further variable may take evidence back.
 */
const variables = (n: number, honestShare: number, attackShare = 0.55) =>
  trait(`${n} variables never read before`, attackShare, honestShare);

export const LAW: BurstLaw = {
  keys: [
    { key: "reconnaissance", perHour: 0.5, leastPerHour: 1 / 72 },
    { key: "probes", perHour: 4, leastPerHour: 1 / (7 * 24) },
  ],
  term: "bursts of requests that are new here",
  gapMs: 30 * MINUTE_MS,
  priorPerHour: 1 / 72,
  byHour: false,
  shareWeight: 20,
  traits: {
    "variables 8": variables(8, 0.2, 0.4), "variables 24": variables(24, 0.15), "variables 64": variables(64, 0.15),
    "variables 160": variables(160, 0.25), "variables 400": variables(400, 0.1, 0.4),
    "variables 1000": variables(1_000, 0.1, 0.4),
    "actions 1": trait("an unknown action", 0.35, 0.05),
    "actions 3": trait("several unknown actions", 0.7, 0.1),
    "directions 1": trait("a call in the wrong direction", 0.2, 0.01),
    "transfers 1": trait("DataTransfer for an unknown vendor", 0.3, 0.05),
    "transfers 3": trait("DataTransfer for several unknown vendors", 0.7, 0.1),
    "refusals 3": trait("several requests that are not implemented", 0.4, 0.05),
    "everything 2": trait("everything read again and again", 0.3, 0.05),
    "logins 3": trait("failed log-ins at the station", 0.2, 0.05),
  },
};
/** Judgements all: an operator of a thousand stations sees each once a year. */
export const FACTS: FactLaw = {
  key: "reconnaissance", perHour: 0.5,
  facts: {
    "guesses": { term: "settings guessed one after the other", years: 1_000 },
    "odd": { term: "request after request that no version or vendor here knows", years: 1_000 },
    "sweep": { term: "all that is there read by name", years: 1_000 },
    "everything": { term: "everything read without end", years: 1_000 },
    "logins": { term: "log-ins tried one after the other", years: 1_000 },
  },
};
const MANY_GUESSES = 12;
const MANY_VARIABLES = 150;
const MANY_ODD = 8;
const MANY_READS = 12;
const MANY_LOGINS = 8;
/** By kind, how many make a trait; each is judged once the one before it shows. */
const LEVELS: Record<Kind, readonly number[]> = {
  variables: [8, 24, 64, 160, 400, 1_000],
  actions: [1, 3], directions: [1], transfers: [1, 3], refusals: [3], everything: [2], logins: [3],
};
const WORDS: Record<Kind, string> = {
  variables: "variables never read before", actions: "unknown actions", directions: "calls in the wrong direction",
  transfers: "unknown DataTransfers", refusals: "requests not implemented", everything: "reads of everything",
  logins: "failed log-ins",
};
const NOT_IMPLEMENTED = /Not(Implemented|Supported)$/;
/** What a station tells of a failed log-in or handshake (OCPP 1.6 security, table 6; 2.0.1 part 2, appendix 1). */
const FAILED_LOGIN = /FailedToAuthenticat|^Invalid(TLS|Csms|CentralSystem|ChargingStation|ChargePoint)/i;
/** An event is live when it is not older than this and the link not younger. */
const LIVE_MS = MINUTE_MS;
const FRESH_MS = 15 * MINUTE_MS;
/**
 * A report that reads more names than are kept finds each of them forgotten, every night anew: stations of OCPP 2.0.1
 * have some hundreds of variables.
 */
const MOST_KNOWN = 1_024;
/** In base 36: 1.7 million hashes, of which what is known hides one in a thousand at most. */
const NAME = 4;
const MOST_BROUGHT = 256;
/** Names in one request that count. */
const MOST_IN_ONE = 1_000;

export const reconnaissance: Detector<Reconnaissance> = {
  name: "reconnaissance",
  version: 3,
  create: () => ({
    burst: createBurst(LAW), facts: createFacts(), counts: none(), swept: 0, guesses: 0, brought: [],
    known: "", freshMs: -1,
  }),
  observe(state, observation, now) {
    if (observation.kind === "meter-reading" || observation.kind === "reported-reading") return [];
    return mixed("reconnaissance", () => [levelOf(state.burst, 0), state.facts.nats], now, () => {
      if (observation.kind === "tick") {
        passFacts(state.facts, FACTS, now);
        return { found: passBurst(state.burst, LAW, now) };
      }
      if (observation.kind === "boot" || observation.kind === "link") state.freshMs = now.monoMs;
      const [kind, texts] = requestIn(state, observation, now) ?? [];
      return kind === undefined || texts === undefined ? { found: [] } : asked(state, kind, texts, observation, now);
    });
  },
};

function none(): Record<Kind, number> {
  return { variables: 0, actions: 0, directions: 0, transfers: 0, refusals: 0, everything: 0, logins: 0 };
}

/** Whether a boot or a new link was within this time. */
function fresh(state: Reconnaissance, withinMs: number, now: Now): boolean {
  return state.freshMs >= 0 && now.monoMs - state.freshMs < withinMs;
}

/** What kind of request this is, and what it names; an empty text is new each time. */
function requestIn(state: Reconnaissance, seen: Observation, now: Now): [Kind, readonly string[]] | undefined {
  switch (seen.kind) {
    case "configuration-read":
      if (!seen.everything) return ["variables", seen.names ?? []];
      return fresh(state, FRESH_MS, now) ? undefined : ["everything", [""]];
    case "data-transfer":
      return seen.outcome === "refused" ? ["transfers", [seen.vendor]] : undefined;
    case "security-event": {
      const live = !fresh(state, LIVE_MS, now) && Math.abs(now.wallMs - (seen.saidAt ?? now.wallMs)) < LIVE_MS;
      return live && FAILED_LOGIN.test(seen.type) ? ["logins", [""]] : undefined;
    }
    case "oddity":
      if (seen.oddity === "unknown-action") return ["actions", [seen.detail]];
      if (seen.oddity === "wrong-direction") return ["directions", [seen.detail]];
      if (seen.oddity === "call-error" && NOT_IMPLEMENTED.test(seen.detail)) return ["refusals", [seen.detail]];
      return undefined;
    default:
      return undefined;
  }
}

function asked(state: Reconnaissance, kind: Kind, texts: readonly string[], seen: Observation, now: Now): Step {
  if (!isOpen(state.burst, LAW, now)) Object.assign(state, { counts: none(), swept: 0, guesses: 0, brought: [] });
  const hashes = texts.filter((text) => text !== "").map((text) => hash(`${kind} ${text}`));
  const news = hashes.filter((one) => isNew(state, one));
  state.brought = [...state.brought, ...news].slice(-MOST_BROUGHT);
  const named = news.length + texts.length - hashes.length;
  // Beyond the names that are told, a request is as new as those.
  const all = kind === "variables" && seen.kind === "configuration-read" ? Math.min(seen.variables, MOST_IN_ONE) : 0;
  const brings = named === 0 ? 0 : Math.round(named * Math.max(1, all / texts.length));
  state.counts[kind] += brings;
  // After a boot or on a new link a CSMS may ask for all.
  const unasked = seen.kind === "configuration-read" && !fresh(state, FRESH_MS, now);
  if (unasked && kind === "variables") state.swept += brings;
  // A name that is asked for again is a guess again, where this burst brought it.
  const missed = unasked && (seen.unknown ?? 0) > 0;
  if (missed && hashes.some((one) => state.brought.includes(one))) state.guesses += 1;
  else if (named === 0) return { found: [] };
  const facts = factsOf(state).map((name) => showFact(state.facts, FACTS, name, now));
  const counted = KINDS.filter((each) => state.counts[each] > 0).map((each) => `${state.counts[each]} ${WORDS[each]}`);
  const says = [...counted, ...(state.guesses > 1 ? [`${state.guesses} reads of what the station does not have`] : [])];
  const told = { says: says.join(", "), frames: framesOf(seen) };
  const found = named === 0 ? [] : seeBurst(state.burst, LAW, { ...traitsOf(state), ...told }, now);
  return { found, facts, ...told };
}

/** Which facts the open burst has come to. */
function factsOf({ counts, swept, guesses }: Reconnaissance): string[] {
  const many = {
    "guesses": guesses >= MANY_GUESSES, "sweep": swept >= MANY_VARIABLES,
    "odd": counts.actions + counts.directions + counts.transfers + counts.refusals >= MANY_ODD,
    "everything": counts.everything >= MANY_READS, "logins": counts.logins >= MANY_LOGINS,
  };
  return Object.keys(many).filter((name) => many[name as keyof typeof many]);
}

function traitsOf({ counts }: Reconnaissance): { judged: string[]; shown: string[] } {
  const [judged, shown]: [string[], string[]] = [[], []];
  for (const each of KINDS) {
    for (const level of LEVELS[each]) {
      judged.push(`${each} ${level}`);
      if (!(counts[each] >= level)) break;
      shown.push(`${each} ${level}`);
    }
  }
  return { judged, shown };
}

/** Notes a request; one that comes again stays. */
function isNew(state: Reconnaissance, request: number): boolean {
  const name = (request % 36 ** NAME).toString(36).padStart(NAME, "0");
  let at = state.known.indexOf(name);
  while (at % NAME > 0) at = state.known.indexOf(name, at + 1);
  const others = at < 0 ? state.known : state.known.slice(0, at) + state.known.slice(at + NAME);
  state.known = (others + name).slice(-NAME * MOST_KNOWN);
  return at < 0;
}

/** FNV-1a, 32 bits: to tell requests apart, and no secret. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
