/**
 * channel-tampering: interception, replay, displacement of the station's identity.
 *
 * Looks for: (1) a second connection while the first one still speaks, the more so from an address that was never
 * seen; (2) other certificates of the CSMS, one soon after the other; (3) copies of calls that were answered on this
 * connection, and ids that two different calls share; (4) results that answer nothing; (5) times that contradict: a
 * message from a time in which the link was up, or from the future, and a CSMS whose clock leaps.
 * Statistic: spells.ts; for the address of a displacing connection a habit. Each stream's evidence is kept apart.
 * Null: the station's own past; the rates before that are judgements, no public base rates exist.
 * Honest look-alikes: a cellular link whose old socket dies after the new one was made, from an address that changes
 * each time; renewed certificates, every year or every 90 days, and a CSMS of eight machines with one each; retries
 * under the same id (the same text while it waits, or on the next connection); constant or restarting ids; late and
 * double results; a backlog; a clock that is wrong, or set. One new certificate alone never is an alert here: whether
 * neighbours see it too is for people to compare.
 */
import type { Finding, Observation, Oddity, Term } from "../terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type Now, SECOND_MS } from "../units.ts";
import { type Detector, framesOf, MOST_NATS, weigh } from "./detector.ts";
import { createHabit, type Habit, habitTerm, learnHabit, type TraitLaw } from "./learned/habit.ts";
import { knowHost } from "./learned/hosts.ts";
import { createSpells, happened, LONGEST_QUIET_MS, passed, type SpellLaws, type Spells } from "./learned/spells.ts";
import { contradicts, createSteady, type Steady } from "./learned/steady.ts";

type Stream = "displaced" | "certificates" | "copies" | "unmatched" | "times";

export interface ChannelTampering {
  spells: Spells<Stream>;
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
const STRANGER: TraitLaw = {
  term: "from an address never seen", absent: "from an address seen before",
  attackShare: 0.8, honestShare: 0.3, weight: 4, mostShare: 0.8,
};
/** A socket that was heard so shortly before is no dead one. */
const SPEAKS_MS = 15 * SECOND_MS;
/** After a connection a backlog may be flushed for so long, from any time before it. */
const FLUSH_MS = HOUR_MS;
const STATION_WITHIN_MS = 10 * MINUTE_MS;
const CSMS_WITHIN_MS = 2 * MINUTE_MS;
const ODD: Partial<Record<Oddity, Stream>> = {
  "replayed-call": "copies", "repeated-id": "copies", "unmatched-result": "unmatched",
};

export const channelTampering: Detector<ChannelTampering> = {
  name: "channel-tampering",
  version: 2,
  create: () => ({
    spells: createSpells(LAWS), linkUp: false, upMs: -1, heardMs: -1, addresses: [], stranger: createHabit(STRANGER),
    station: createSteady(), csms: createSteady(),
  }),
  observe(state, seen, now) {
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
  },
};

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
