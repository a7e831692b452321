/**
 * channel-tampering: interception, replay, displacement of the station's identity.
 *
 * Looks for: (1) a second connection while the first one still speaks, the more so from an address that was never
 * seen; (2) other certificates of the CSMS, one soon after the other; (3) copies of calls that were answered on this
 * connection, and ids that two different calls share; (4) results that answer nothing; (5) times that contradict: a
 * message from a time in which the link was up, or from the future, and a CSMS whose clock leaps.
 * And facts (learned/facts.ts): a call that was answered long ago comes once more to the letter, and not as part of a
 * backlog; a second result decides otherwise than the first; a connection from elsewhere and the station's own take
 * each other's place by turns; two makes do; a certificate comes and goes again; starts of days ago are told after
 * newer ones, on a link that stands.
 * Statistic: spells.ts; for the address of a displacing connection a habit. Each stream's evidence is kept apart.
 * Null: the station's own past; the rates before that are judgements, no public base rates exist.
 * Honest look-alikes: a cellular link whose old socket dies after the new one was made, from an address that changes
 * each time; renewed certificates, every year or every 90 days, and a CSMS of eight machines with one each; retries
 * under the same id (the same text while it waits, or on the next connection); constant or restarting ids; late and
 * double results; two results for a call that was sent twice; a backlog, also one that a station sends anew after a
 * boot since it forgot that it was answered; a clock that is wrong, or set; a second uplink, whose address comes back.
 * One new certificate alone never is an alert here, however long it stays: renewal looks the same on the wire, and
 * whether neighbours see it too is for people to compare. A single displacing connection is a socket that died.
 */
import type { Finding, Observation, Oddity, Term } from "../terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type Now, SECOND_MS } from "../units.ts";
import { type Detector, framesOf, MOST_NATS, weigh } from "./detector.ts";
import { createHabit, type Habit, habitTerm, learnHabit, type TraitLaw } from "./learned/habit.ts";
import { createFacts, type FactLaw, type Facts, mixed, passFacts, showFact, type Step } from "./learned/facts.ts";
import { knowHost } from "./learned/hosts.ts";
import {
  createSpells, happened, LONGEST_QUIET_MS, passed, type SpellLaws, type Spells, suspicionOf,
} from "./learned/spells.ts";
import { contradicts, createSteady, type Steady } from "./learned/steady.ts";

type Stream = "displaced" | "certificates" | "copies" | "unmatched" | "times";

/** What is usual here (a certificate, a make), and what has taken its place, if anything. Wall clock, ms. */
interface Usual {
  usual: string;
  sinceMs: number;
  other: string;
  otherMs: number;
  /** Whether the other one came from an address that was never seen. */
  strange: boolean;
}

export interface ChannelTampering {
  spells: Spells<Stream>;
  facts: Facts;
  certificate: Usual;
  make: Usual;
  /** Addresses of the last connection and of the one before, whether the last came beside that; when; returns. */
  turns: { last: string; before: string; beside: boolean; atMs: number; returnsMs: number[] };
  /** Monotonic ms of the last contradiction, -1: none. */
  contradictedMs: number;
  /** The newest start that was told in time, as it says; how late the last old one was, ms; when such came. */
  starts: { newest: number; lateMs: number; oldMs: number[] };
  linkUp: boolean;
  /** Monotonic times: when the link came up, when the station was last heard; -1: not known. */
  upMs: number;
  heardMs: number;
  addresses: string[];
  stranger: Habit;
  /**
   * What the station's clock is behind the agent's monotonic one, and the CSMS's ahead of it, ms: the agent's own wall
   * clock may be set, and that is held against nobody.
   */
  station: Steady;
  csms: Steady;
}

/** Judgements all. */
const LAWS: SpellLaws<Stream> = {
  displaced: { term: "a second connection beside the first", priorHours: 168, mostPerHour: 2, attackPerHour: 12,
    again: [0.3, 0.7, 0.95], gapMs: 5 * MINUTE_MS },
  certificates: { term: "another certificate of the CSMS", priorHours: 90 * 24, mostPerHour: 1 / 168,
    attackPerHour: 1 / 24, again: [0.5, 0.8, 0.9], gapMs: 7 * DAY_MS },
  copies: { term: "copies of messages that were answered", priorHours: 168, mostPerHour: 2, attackPerHour: 12,
    again: [0.5, 0.9, 0.95], gapMs: 10 * MINUTE_MS },
  unmatched: { term: "results that answer nothing", priorHours: 48, mostPerHour: 4, attackPerHour: 12,
    again: [0.6, 0.9, 0.95], gapMs: 10 * MINUTE_MS },
  times: { term: "times that contradict", priorHours: 720, mostPerHour: 0.2, attackPerHour: 4, again: [0.5, 0.8, 0.9],
    gapMs: 30 * MINUTE_MS },
};
/** Judgements all: among twelve hundred stations each is seen once a year; a certificate that returns, four times. */
export const FACTS: FactLaw = {
  key: "channel-tampering", perHour: 0.5,
  facts: {
    copies: { term: "sent once more to the letter, long after it was answered", years: 1_200 },
    contradicted: { term: "results that decide otherwise than the first ones", years: 1_200 },
    turns: { term: "two connections take each other's place by turns", years: 1_200 },
    makes: { term: "two makes by turns behind one identity", years: 1_200 },
    "strange certificate": { term: "a certificate came with another address, and went with it", years: 1_200 },
    certificate: { term: "a certificate of the CSMS came and went", years: 300 },
    old: { term: "starts of days ago, told after newer ones on a link that stands", years: 1_200 },
  },
};
const MANY_RETURNS = 3;
/** Transactions are told in the order in which they came (OCPP 1.6, 4.10; 2.0.1, E12); a wrong clock is off evenly. */
const MANY_OLD = 3;
const OLD_MS = DAY_MS;
/** Where more than so many are known, another one says nothing. */
const FEW_ADDRESSES = 3;
const TURN_MS = 15 * MINUTE_MS;
/** Whatever was the only one for so long is usual; what came instead and went within so long was none. */
const USUAL_MS = 3 * DAY_MS;
const PASSING_MS = 2 * DAY_MS;
const STRANGER: TraitLaw = {
  term: "from an address never seen", absent: "from an address seen before",
  attackShare: 0.8, honestShare: 0.3, weight: 4, mostShare: 0.8,
};
/** A socket that was heard so shortly before is no dead one. */
const SPEAKS_MS = 15 * SECOND_MS;
/** After a connection a backlog may be flushed for so long, from any time before it. */
const FLUSH_MS = HOUR_MS;
/** A station that forgot that its backlog was answered sends it anew for so long. */
const COPIED_MS = 10 * MINUTE_MS;
const STATION_WITHIN_MS = 10 * MINUTE_MS;
const CSMS_WITHIN_MS = 2 * MINUTE_MS;
const ODD: Partial<Record<Oddity, Stream>> = {
  "replayed-call": "copies", "repeated-id": "copies", "late-copy": "copies",
  "unmatched-result": "unmatched", "contradicting-result": "unmatched",
};
const nothingUsual = (): Usual => ({ usual: "", sinceMs: 0, other: "", otherMs: 0, strange: false });

export const channelTampering: Detector<ChannelTampering> = {
  name: "channel-tampering",
  version: 3,
  create: () => ({
    starts: { newest: 0, lateMs: 0, oldMs: [] },
    spells: createSpells(LAWS), facts: createFacts(), certificate: nothingUsual(), make: nothingUsual(),
    turns: { last: "", before: "", beside: false, atMs: -1, returnsMs: [] }, contradictedMs: -1,
    linkUp: false, upMs: -1, heardMs: -1, addresses: [], stranger: createHabit(STRANGER),
    station: createSteady(), csms: createSteady(),
  }),
  observe(state, seen, now) {
    if (seen.kind === "meter-reading" || seen.kind === "reported-reading") return [];
    return mixed("channel-tampering", () => [suspicionOf(state.spells), state.facts.nats], now, () => {
      if (seen.kind === "tick") passFacts(state.facts, FACTS, now);
      // Before the link's change is noted: whether the connection comes beside another one counts.
      const [name, says] = factIn(state, seen, now) ?? [];
      const facts = name === undefined ? [] : [showFact(state.facts, FACTS, name, now)];
      return { found: spellsIn(state, seen, now), facts, frames: framesOf(seen), says: says ?? "" } satisfies Step;
    });
  },
};

/** What an observation says to the streams. */
function spellsIn(state: ChannelTampering, seen: Observation, now: Now): Finding[] {
  switch (seen.kind) {
    case "tick":
      return tick(state, seen, now);
    case "link":
      return link(state, seen, now);
    case "csms-certificate":
      return told(state, "certificates", seen, now);
    case "oddity": {
      const stream = ODD[seen.oddity];
      return stream === undefined ? [] : told(state, stream, seen, now);
    }
    case "csms-time":
      return contradicts(state.csms, seen.csmsTime - now.monoMs, CSMS_WITHIN_MS)
        ? told(state, "times", seen, now) : [];
    case "heartbeat":
      state.heardMs = now.monoMs;
      return [];
    case "status":
    case "transaction-started":
    case "transaction-ended":
      state.heardMs = now.monoMs;
      return stamp(state, seen, now);
    default:
      return [];
  }
}

/** Which fact an observation shows, and what to say of it. */
function factIn(state: ChannelTampering, seen: Observation, now: Now): [string, string] | undefined {
  switch (seen.kind) {
    case "link":
      return seen.state === "connect" ? connected(state, seen, now) : undefined;
    case "transaction-started":
      return tellsOfOld(state, seen, now) ? ["old", FACTS.facts["old"]!.term] : undefined;
    case "boot": {
      // A capture without connections tells of one by the boot that follows it.
      if (state.upMs < 0) state.upMs = now.monoMs;
      const back = returned(state.make, `${seen.vendor} ${seen.model}`.slice(0, 96), now, false);
      return back ? ["makes", "the station boots as another make, and as the former one again"] : undefined;
    }
    case "oddity": {
      if (seen.oddity === "late-copy") {
        // After a connection a backlog may come once more.
        const flushes = state.upMs >= 0 && now.monoMs - state.upMs < COPIED_MS;
        return flushes ? undefined : ["copies", `${seen.detail.slice(0, 64)}: ${FACTS.facts["copies"]!.term}`];
      }
      if (seen.oddity !== "contradicting-result") return undefined;
      const again = state.contradictedMs >= 0 && now.monoMs - state.contradictedMs < HOUR_MS;
      state.contradictedMs = now.monoMs;
      return again ? ["contradicted", "second results that decide otherwise than the first ones"] : undefined;
    }
    default:
      return undefined;
  }
}

/** Whether this is the third start within an hour that belongs to days ago, where newer ones were told already. */
function tellsOfOld({ starts, station, upMs }: ChannelTampering, seen: Observation & { kind: "transaction-started" },
  now: Now): boolean {
  if (seen.saidAt === undefined || station.base === undefined) return false;
  const lateMs = now.monoMs - seen.saidAt - station.base;
  if (Math.abs(lateMs) <= STATION_WITHIN_MS) starts.newest = Math.max(starts.newest, seen.saidAt);
  const stands = upMs >= 0 && now.monoMs - upMs >= FLUSH_MS;
  if (lateMs < OLD_MS || seen.saidAt >= starts.newest || !stands) return false;
  const evenly = Math.abs(lateMs - starts.lateMs) <= STATION_WITHIN_MS;
  starts.lateMs = lateMs;
  if (evenly) return false;
  const lately = starts.oldMs.filter((ms) => now.monoMs - ms < HOUR_MS && ms <= now.monoMs);
  starts.oldMs = [...lately, now.monoMs].slice(-MANY_OLD);
  return starts.oldMs.length >= MANY_OLD;
}

function connected(
  state: ChannelTampering, seen: Observation & { kind: "link" }, now: Now,
): [string, string] | undefined {
  const address = (seen.remoteAddress ?? "").slice(0, 64);
  const few = state.addresses.length > 0 && state.addresses.length <= FEW_ADDRESSES;
  const stranger = address !== "" && few && !state.addresses.includes(address);
  const turns = tookTurns(state, address, now);
  const { certificate } = state;
  const strange = certificate.strange;
  const certificateBack = seen.tlsPeerSha256 !== undefined &&
    returned(certificate, seen.tlsPeerSha256.slice(0, 16), now, stranger);
  const often = `${turns} times within an hour a connection from elsewhere came and went`;
  if (turns >= MANY_RETURNS) return ["turns", often];
  if (!certificateBack) return undefined;
  return strange ? ["strange certificate", "another certificate came with another address, and both went again"]
    : ["certificate", "the CSMS showed another certificate for a while, and then the former one again"];
}

/** How often within an hour the station's own address came back after a stranger beside it. */
function tookTurns(state: ChannelTampering, address: string, now: Now): number {
  const { turns } = state;
  const soon = turns.atMs >= 0 && now.monoMs - turns.atMs < TURN_MS;
  const foreign = turns.beside && !state.addresses.includes(turns.last);
  const back = address !== "" && address === turns.before && address !== turns.last;
  turns.returnsMs = turns.returnsMs.filter((ms) => now.monoMs - ms < HOUR_MS && ms <= now.monoMs);
  const counts = soon && foreign && back;
  if (counts) turns.returnsMs = [...turns.returnsMs, now.monoMs].slice(-2 * MANY_RETURNS);
  Object.assign(turns, { before: turns.last, last: address, beside: state.linkUp, atMs: now.monoMs });
  return counts ? turns.returnsMs.length : 0;
}

/** Whether what was usual is back, after another one had its place for a while; learns from it. */
function returned(known: Usual, shown: string, now: Now, stranger: boolean): boolean {
  if (shown === "" || known.usual === "") {
    if (shown !== "") Object.assign(known, { usual: shown, sinceMs: now.wallMs });
    return false;
  }
  if (shown === known.usual) {
    const passing = known.other !== "" && now.wallMs - known.otherMs < PASSING_MS;
    // What comes and goes by turns is a habit of this CSMS, and no longer usual alone.
    const alone = known.otherMs - known.sinceMs >= USUAL_MS;
    if (passing) known.sinceMs = now.wallMs;
    Object.assign(known, { other: "", strange: false });
    return passing && alone;
  }
  if (shown !== known.other) Object.assign(known, { other: shown, otherMs: now.wallMs, strange: stranger });
  else if (now.wallMs - known.otherMs >= PASSING_MS) Object.assign(known, { ...nothingUsual(), usual: shown,
    sinceMs: known.otherMs });
  return false;
}

function tick(state: ChannelTampering, seen: Observation & { kind: "tick" }, now: Now): Finding[] {
  const last = state.spells.lastTickMs;
  // An agent that slept, or began, knows of no connection; its own monotonic clock may have stood still meanwhile.
  if (last >= 0 && now.monoMs - last > LONGEST_QUIET_MS) {
    const [station, csms] = [createSteady(), createSteady()];
    Object.assign(state, { linkUp: false, upMs: -1, heardMs: -1, station, csms });
  }
  if ((seen.traffic?.heard ?? 0) > 0) state.heardMs = now.monoMs;
  return finding(passed(state.spells, LAWS, now), "", now);
}

function link(state: ChannelTampering, seen: Observation & { kind: "link" }, now: Now): Finding[] {
  const connects = seen.state === "connect";
  const speaks = state.heardMs >= 0 && now.monoMs - state.heardMs < SPEAKS_MS;
  const wasUp = state.linkUp;
  state.linkUp = connects;
  state.upMs = connects ? now.monoMs : -1;
  if (!connects) return [];
  state.heardMs = -1;
  const address = (seen.remoteAddress ?? "").slice(0, 64);
  const stranger = address !== "" && state.addresses.length > 0 && !state.addresses.includes(address);
  const { nats } = habitTerm(state.stranger, STRANGER, stranger);
  if (!wasUp || !speaks) {
    // Whoever comes beside another connection teaches no address.
    if (address !== "" && !wasUp) {
      if (state.addresses.length > 0) learnHabit(state.stranger, stranger);
      knowHost(state.addresses, address);
    }
    return [];
  }
  return told(state, "displaced", seen, now, stranger ? nats : 0, stranger ? `, ${STRANGER.term}` : "");
}

/** A message's own time against the agent's: sent when the link was down, or dated by a clock that is wrong always. */
function stamp(state: ChannelTampering, seen: Observation, now: Now): Finding[] {
  if (seen.saidAt === undefined) return [];
  const behindMs = now.monoMs - seen.saidAt;
  const { base } = state.station;
  const lateMs = base === undefined ? now.wallMs - seen.saidAt : behindMs - base;
  const connectedMs = state.upMs < 0 ? Infinity : now.monoMs - state.upMs;
  // A backlog is older than the connection that it comes by, and comes soon after it.
  if (lateMs > STATION_WITHIN_MS && connectedMs < Math.min(FLUSH_MS, lateMs)) return [];
  if (!contradicts(state.station, behindMs, STATION_WITHIN_MS)) return [];
  return told(state, "times", seen, now);
}

function told(
  state: ChannelTampering, stream: Stream, seen: Observation, now: Now, more = 0, detail = "",
): Finding[] {
  const term = happened(state.spells, LAWS, stream, now, more);
  return finding([term], `${LAWS[stream].term}${detail}`, now, framesOf(seen));
}

function finding(terms: readonly Term[], says: string, now: Now, frames: readonly number[] = []): Finding[] {
  if (terms.length === 0) return [];
  return [{ key: "channel-tampering", at: now.wallMs, ...weigh(terms, -MOST_NATS, MOST_NATS), frames, says }];
}
