/**
 * denial-of-service: floods, reconnect storms, lost links.
 *
 * Looks for: (1) the link lost again and again (a disconnect, a connect without one, a boot out of nothing), (2)
 * minutes with far more messages than this station's fullest ones, net of the backlog that an outage leaves, (3) a link
 * that is up while the station is silent for longer than it ever is, (4) minutes in which nobody answers any call.
 * Statistic: spells.ts: when such spells begin, and whether they go on. A minute with ten messages a second that no
 * outage owes, and a silence of six times the longest usual one and of three quarters of an hour in which the station
 * had something to say, are facts (learned/facts.ts): the former no station sends, and in the latter current came or
 * went by the agent's own meter, the CSMS asked and got no answer, or readings that kept time, by the clock or within
 * a transaction, end together with the heartbeats: no fault of one clock stops the other. Silence alone says no more
 * than that such a fault began: heartbeats that have ended stay away as long as an attack lasts.
 * Cannot see: a link that swallows what little there is in idle hours: a station whose heartbeats end is as silent
 * (the fault `heartbeat-late`). Losses after which the station boots by itself are restarts of a broken charger (the
 * fault `restarts`), also where somebody brings it down from outside; unless it boots with every connection.
 * Null: the station's own past; the rates before that are judgements, no public base rates exist.
 * Honest look-alikes: a cellular link that drops every hour, each time with a few attempts; a CSMS that restarts; a
 * reset or new firmware (the first loss after it is explained); a backlog, told by its messages' times or, where the
 * station has no clock, by what it may owe after so long an outage; MeterValues every second; heartbeats every ten
 * seconds or once a day (what the CSMS asked for, and the longest silences of late); an order to report more often.
 * Joint feature `link-losses`: quarters of an hour with a loss, against their coming together; one alone, as when a
 * CSMS restarts or a feeder fails, is less than a zone asks of each station.
 */
import type { Finding, Observation, Reading, Term, Traffic } from "../terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type Now, SECOND_MS } from "../units.ts";
import { type Detector, framesOf, hasRoom, MOST_NATS, weigh } from "./detector.ts";
import { createFacts, type FactLaw, type Facts, mixed, passFacts, showFact, type Step } from "./learned/facts.ts";
import { eventNats, quietNats } from "./learned/rate.ts";
import { upperShare } from "./learned/share.ts";
import {
  createSpells, endSpell, happened, honestPerHour, LONGEST_QUIET_MS, passed, type SpellLaws, type Spells, suspicionOf,
} from "./learned/spells.ts";

type Stream = "losses" | "floods" | "silence" | "unanswered";

/** So many readings of an EVSE came in time, at most so long after each other, the last one then: monotonic ms. */
type Run = readonly [evseId: number, count: number, everyMs: number, atMs: number];

export interface DenialOfService {
  spells: Spells<Stream>;
  facts: Facts;
  linkUp: boolean;
  /** Monotonic times: last change of the link (-1: none seen), last loss of a spell of its own, explained until. */
  linkMs: number;
  lossMs: number;
  explainedMs: number;
  bootRefused: boolean;
  /** When the station was last heard; its longest usual silence, ms; how many of those were missed by now. */
  heardMs: number;
  silenceMs: number;
  missed: number;
  /** Whether it ever told of its meter. */
  tells: boolean;
  /** Readings that keep time, of one EVSE each: those between transactions, and those of a transaction. */
  between: Run;
  within: Run;
  /** Last heartbeat, monotonic ms. */
  beatMs: number;
  /** Since `minuteMs`. */
  minuteMs: number;
  minute: Record<Exclude<keyof Traffic, "heard">, number>;
  /** The last loss that is not judged yet, since a boot may explain it, monotonic ms; -1: none. */
  pendingMs: number;
  /** Of one connection a day: how many, how many began with a boot, and when, monotonic ms; old ones count less. */
  back: { connections: number; boots: number; atMs: number };
  /** How often the CSMS wants to hear of the station, ms; -1: not known. */
  askedMs: number;
  /** Whether the station had something to say since it was heard last. */
  owesWord: boolean;
  /** Charging by the agent's own meter, by EVSE. */
  charges: Record<string, boolean>;
  /** The fullest minute of late, messages; what the station may owe after an outage, messages. */
  fullest: number;
  owed: number;
}

/** Judgements all. Attacks: losses in eight spells an hour or one that does not end, and so on. */
const LAWS: SpellLaws<Stream> = {
  losses: { term: "lost links", priorHours: 48, mostPerHour: 3, attackPerHour: 8, again: [0.6, 0.9, 0.97],
    gapMs: 5 * MINUTE_MS },
  floods: { term: "flood of messages", priorHours: 720, mostPerHour: 0.25, attackPerHour: 6, again: [0.5, 0.8, 0.95],
    gapMs: 150 * SECOND_MS },
  silence: { term: "silent with the link up", priorHours: 720, mostPerHour: 0.1, attackPerHour: 2,
    again: [0.5, 0.8, 0.9], gapMs: 0, mostNats: Math.log(2 * 365 * 24) },
  unanswered: { term: "nobody answers", priorHours: 168, mostPerHour: 0.5, attackPerHour: 6, again: [0.8, 0.9, 0.95],
    gapMs: 10 * MINUTE_MS },
};
/** Judgements both: among four hundred stations, each is seen once a year. */
export const FACTS: FactLaw = {
  key: "denial-of-service", perHour: 0.5,
  facts: {
    flood: { term: "a flood of ten messages a second and more", years: 400 },
    silence: { term: "silent with the link up for most of an hour, with something to say", years: 400 },
  },
};
const FLOOD_A_MINUTE = 600;
const SILENT_LONG_TIMES = 6;
const SILENT_LONG_MS = 45 * MINUTE_MS;
/** So many readings in time make a rhythm: one late without a cause has a chance of 1/25 then (rule of succession). */
const KNOWN_READINGS = 24;
/** The zone's alternative, and how far apart losses are to count as two there. */
const TOGETHER_PER_HOUR = 6;
const TOGETHER_APART_MS = 15 * MINUTE_MS;
const EXPLAINED_MS = 15 * MINUTE_MS;
/** A connect and its boot are one thing. */
const BOOT_AFTER_LINK_MS = 5 * MINUTE_MS;
/** A station that booted says so soon after it connected; one that stays away is lost. */
const BOOTS_WITHIN_MS = MINUTE_MS;
const AWAY_MS = 5 * MINUTE_MS;
/** Restarts that the station does by itself (2.0.1 BootReasonEnumType); what is ordered from afar is none. */
const BY_ITSELF = /^(Watchdog|LocalReset|ApplicationReset|Unknown)$/;
const FROM_AFAR = /^(RemoteReset|ScheduledReset|Triggered|FirmwareUpdate)$/;
/** A station boots with each connection where no more of them come without a boot; a few may all be its restarts. */
const WITHOUT_BOOT = 0.2;
const JEFFREYS = { honestShare: 0.5, weight: 1 };
const KEEP_CONNECTIONS = 0.95;
/** What was said shortly before current came or went may have told of it. */
const SAID_MS = 5 * MINUTE_MS;
const CHARGING_W = 1_000;
const RESTING_W = 100;
/**
 * A flood has so many times the messages of the fullest minute of late. Five EVSEs that report each second are always
 * honest (6 x 50 a minute), and ten a second never are (6 x 100), however slowly it was taught.
 */
const FLOOD_TIMES = 6;
const FULLEST = { least: 50, most: 100, first: 100, halfLifeMs: 4 * DAY_MS };
/** A station's memory for messages that wait is finite, too; what it does not send at once it does not owe. */
const MOST_OWED = 5_000;
const STILL_OWED = 0.8;
const OWED_AFTER_CONNECT = 200;
/** Silence counts from three times the longest one of late. Two days: a station without heartbeats on a weekend. */
const SILENT_TIMES = 3;
const SILENCE = { least: 3 * MINUTE_MS, most: 2 * DAY_MS, first: DAY_MS, halfLifeMs: 2 * DAY_MS };

const SAYS: Record<Stream, string> = {
  losses: "the link to the CSMS was lost again and again",
  floods: "far more messages than in this station's fullest minutes",
  silence: "the link is up and the station silent for longer than usual",
  unanswered: "calls are not answered any more",
};

export const denialOfService: Detector<DenialOfService> = {
  name: "denial-of-service",
  version: 5,
  create: () => ({
    spells: createSpells(LAWS), facts: createFacts(), pendingMs: -1, askedMs: -1, owesWord: false, charges: {},
    back: { connections: 0, boots: 0, atMs: -1 },
    linkUp: false, linkMs: -1, lossMs: -1, explainedMs: -1, bootRefused: false,
    heardMs: -1, silenceMs: SILENCE.first, missed: 0, beatMs: -1,
    tells: false, between: noReadings(), within: noReadings(),
    minuteMs: -1, minute: nothing(), fullest: FULLEST.first, owed: MOST_OWED,
  }),
  observe(state, seen, now) {
    if (seen.kind === "reported-reading") {
      tellsOfMeter(state, seen, now);
      return [];
    }
    if (seen.kind === "meter-reading") {
      metered(state, seen.reading, now);
      return [];
    }
    return mixed("denial-of-service", () => [suspicionOf(state.spells), state.facts.nats], now, () => {
      if (seen.kind !== "tick") return { found: spellsIn(state, seen, now) };
      passFacts(state.facts, FACTS, now);
      return tick(state, seen.traffic, now);
    });
  },
};

/** What an observation says to the streams. */
function spellsIn(state: DenialOfService, seen: Observation, now: Now): Finding[] {
  switch (seen.kind) {
    case "link":
      return link(state, seen, now);
    case "boot":
      return boot(state, seen, now);
    case "command":
      if (/^reset|^make-/.test(seen.command) && seen.outcome === "accepted") explain(state, now);
      return [];
    case "heartbeat":
      state.beatMs = now.monoMs;
      return [];
    case "transaction-started":
    case "transaction-ended":
      if (seen.evseId === state.within[0]) state.within = noReadings();
      return [];
    case "firmware-status":
      if (seen.status.startsWith("Install")) explain(state, now);
      return [];
    case "configuration-change":
      if (seen.outcome === "accepted" && /interval/i.test(seen.variable)) reportsOtherwise(state, seen);
      return [];
    default:
      return [];
  }
}

const noReadings = (): Run => [0, 0, 0, -1];
const nothing = (): DenialOfService["minute"] => ({ asked: 0, late: 0, answered: 0, unanswered: 0 });

/** A count as a finite one. */
const countOf = (value = 0): number => (value > 0 ? Math.min(value, 1e9) : 0);

function explain(state: DenialOfService, now: Now): void {
  state.explainedMs = now.monoMs + EXPLAINED_MS;
}

/** The station was told to report more often, or less: its rhythm is learned anew, but for what is said of it. */
function reportsOtherwise(state: DenialOfService, seen: Observation & { kind: "configuration-change" }): void {
  state.fullest = Math.max(state.fullest, FULLEST.first);
  Object.assign(state, { between: noReadings(), within: noReadings() });
  const ms = Number(seen.value) * SECOND_MS;
  if (/heartbeat/i.test(seen.variable)) state.askedMs = ms > 0 ? ms : -1;
  const most = state.askedMs < 0 ? SILENCE.first : Math.min(SILENCE.first, state.askedMs);
  state.silenceMs = Math.max(state.silenceMs, most);
}

/** A transaction's readings end with it. Of several EVSEs one is followed while it goes on; an outage is no gap. */
function tellsOfMeter(state: DenialOfService, seen: Observation & { kind: "reported-reading" }, now: Now): void {
  if (seen.offline) return;
  state.tells = true;
  const { evseId } = seen.reading;
  const run = seen.transactionId === undefined ? "between" : "within";
  state[run] = goesOn(state[run], evseId, state.linkMs, now);
  // While a vehicle charges the clock's readings come with its own.
  const [followed, count, everyMs] = state.between;
  if (followed === evseId) state.between = [evseId, count, everyMs, now.monoMs];
}

function goesOn(run: Run, evseId: number, linkMs: number, { monoMs }: Now): Run {
  const [followed, count, everyMs, atMs] = run;
  const gapMs = monoMs - Math.max(atMs, linkMs);
  const breaks = gapMs > SILENT_TIMES * everyMs;
  if (followed !== evseId) return breaks ? [evseId, 1, 0, monoMs] : run;
  if (gapMs > HOUR_MS) return [evseId, 1, 0, monoMs];
  return breaks ? [evseId, 1, gapMs, monoMs] : [evseId, count + 1, Math.max(everyMs, gapMs), monoMs];
}

/** Whether readings in time and heartbeats ended together: neither was late when the station was heard last. */
function endedTogether({ between, within, heardMs, beatMs, silenceMs }: DenialOfService, now: Now): boolean {
  return heardMs - beatMs <= SILENT_TIMES * silenceMs && [between, within].some(([, count, everyMs, atMs]) =>
    count >= KNOWN_READINGS && now.monoMs - atMs >= SILENT_TIMES * everyMs && heardMs - atMs < SILENT_TIMES * everyMs);
}

/**
 * Current that comes is something to say; so is that it goes, where the station tells of its meter. Without readings a
 * battery fills up unsaid.
 */
function metered(state: DenialOfService, { evseId, powerW = NaN }: Reading, now: Now): void {
  const key = String(evseId);
  const before = Object.hasOwn(state.charges, key) ? state.charges[key] : undefined;
  if (!hasRoom(state.charges, key)) return;
  const charges = powerW > CHARGING_W ? true : powerW < RESTING_W ? false : before;
  if (charges === undefined) return;
  const says = before !== undefined && charges !== before && (charges || state.tells);
  if (says && now.monoMs - state.heardMs > SAID_MS) state.owesWord = true;
  state.charges[key] = charges;
}

function link(state: DenialOfService, seen: Observation & { kind: "link" }, now: Now): Finding[] {
  const [wasUp, sinceMs] = [state.linkUp, state.linkMs];
  state.linkUp = seen.state === "connect";
  state.linkMs = now.monoMs;
  state.heardMs = now.monoMs;
  Object.assign(state, { missed: 0, owesWord: false });
  if (state.linkUp && sinceMs >= 0) connectsAgain(state, now);
  if (state.linkUp && !wasUp && sinceMs >= 0) {
    const owed = OWED_AFTER_CONNECT + (state.fullest * (now.monoMs - sinceMs)) / MINUTE_MS;
    state.owed = Math.min(MOST_OWED, state.owed + owed);
  }
  const over = endSpell(state.spells, LAWS, "silence");
  return wasUp ? loss(state, seen, over, now) : finding(over, "", now);
}

/** A station without link events shows its losses by its boots alone. */
function boot(state: DenialOfService, seen: Observation & { kind: "boot" }, now: Now): Finding[] {
  const retried = state.bootRefused;
  state.bootRefused = seen.outcome !== "accepted";
  state.within = noReadings();
  const askedMs = (seen.heartbeatS ?? 0) * SECOND_MS;
  if (askedMs > state.silenceMs) state.silenceMs = Math.min(SILENCE.most, askedMs);
  if (askedMs > 0) state.askedMs = askedMs;
  const known = state.linkMs < 0 || now.monoMs - state.linkMs < BOOT_AFTER_LINK_MS;
  const itself = isByItself(state, seen);
  if (known && !retried && itself) state.pendingMs = -1;
  if (state.back.atMs >= 0 && state.back.atMs === state.linkMs) state.back.boots += 1;
  state.linkMs = now.monoMs;
  return retried || known || BY_ITSELF.test(seen.reason ?? "") ? [] : loss(state, seen, [], now);
}

/**
 * Of the connections of a day one counts: a charger that restarts all day is not known by that. Nor is it by those
 * after a reset or new firmware, with which all boot.
 */
function connectsAgain({ back, explainedMs }: DenialOfService, now: Now): void {
  if ((back.atMs >= 0 && now.monoMs - back.atMs < DAY_MS) || now.monoMs < explainedMs) return;
  const { connections, boots } = back;
  Object.assign(back, { connections: connections * KEEP_CONNECTIONS + 1, boots: boots * KEEP_CONNECTIONS,
    atMs: now.monoMs });
}

/** Whether a boot tells of a restart by the station itself: it says so, or boots seldom follow its connections. */
function isByItself({ back }: DenialOfService, { reason = "" }: { readonly reason?: string }): boolean {
  if (FROM_AFAR.test(reason)) return false;
  const { connections, boots } = back;
  return BY_ITSELF.test(reason) || upperShare(connections - boots, connections, JEFFREYS) > WITHOUT_BOOT;
}

/** A loss that no boot explained. */
function unexplained(state: DenialOfService, now: Now): Term[] {
  if (state.pendingMs < 0) return [];
  state.pendingMs = -1;
  return [happened(state.spells, LAWS, "losses", now)];
}

/** Whether the time for a boot is over. */
function isOverdue({ pendingMs, linkUp, linkMs }: DenialOfService, now: Now): boolean {
  return pendingMs >= 0 && (linkUp ? now.monoMs - linkMs >= BOOTS_WITHIN_MS : now.monoMs - pendingMs >= AWAY_MS);
}

function loss(state: DenialOfService, seen: Observation, terms: Term[], now: Now): Finding[] {
  const explained = now.monoMs < state.explainedMs;
  state.explainedMs = -1;
  if (explained) {
    state.back.atMs = now.monoMs;
    return finding(terms, "", now);
  }
  const honest = honestPerHour(state.spells.of.losses, LAWS.losses, now);
  const found = finding([...terms, ...unexplained(state, now)], SAYS.losses, now, framesOf(seen));
  state.pendingMs = now.monoMs;
  if (state.lossMs >= 0 && now.monoMs - state.lossMs < TOGETHER_APART_MS) return found;
  state.lossMs = now.monoMs;
  const term = { term: "lost links", nats: eventNats(honest, TOGETHER_PER_HOUR) };
  return [...found, { key: "link-losses", at: now.wallMs, nats: term.nats, terms: [term], frames: framesOf(seen),
    says: `the link was lost; ${(24 * honest).toFixed(1)} times a day would be usual` }];
}

function tick(state: DenialOfService, traffic: Traffic | undefined, now: Now): Step {
  const last = state.spells.lastTickMs;
  const terms = passed(state.spells, LAWS, now);
  if (last < 0 ? state.linkMs < 0 : now.monoMs - last > LONGEST_QUIET_MS) forgetPresent(state, now);
  else terms.push(...hear(state, traffic, now));
  const { minute } = state;
  const facts: (Term | undefined)[] = [];
  for (const key of ["asked", "late", "answered", "unanswered"] as const) minute[key] += countOf(traffic?.[key]);
  let says = terms.some(({ term }) => term === LAWS.silence.term) ? SAYS.silence : "";
  if (isOverdue(state, now)) {
    terms.push(...unexplained(state, now));
    says = SAYS.losses;
  }
  if (now.monoMs - state.minuteMs >= MINUTE_MS) {
    const { shown, flood } = endMinute(state, now);
    if (flood) facts.push(showFact(state.facts, FACTS, "flood", now));
    for (const stream of shown) {
      terms.push(happened(state.spells, LAWS, stream, now));
      says = SAYS[stream];
    }
  }
  const silentMs = now.monoMs - state.heardMs;
  if (silentMs > 0 && (countOf(traffic?.unanswered) > 0 || endedTogether(state, now))) state.owesWord = true;
  const long = silentMs >= Math.max(SILENT_LONG_MS, SILENT_LONG_TIMES * state.silenceMs);
  if (state.linkUp && long && state.owesWord) {
    facts.push(showFact(state.facts, FACTS, "silence", now));
    says = SAYS.silence;
  }
  return { found: [...finding(terms, says, now), ...together(state, now.monoMs - last, now)], facts, says };
}

/** The agent slept or was not there: what it missed may be anything. */
function forgetPresent(state: DenialOfService, now: Now): void {
  Object.assign(state, { linkUp: false, linkMs: now.monoMs, heardMs: now.monoMs, missed: 0, owed: MOST_OWED,
    between: noReadings(), within: noReadings(), minuteMs: now.monoMs, minute: nothing(), pendingMs: -1,
    owesWord: false, charges: {} });
}

function hear(state: DenialOfService, traffic: Traffic | undefined, now: Now): Term[] {
  const silentMs = now.monoMs - state.heardMs;
  if ((traffic?.heard ?? 0) > 0) {
    state.silenceMs = peakOf(state.silenceMs, silentMs, silentMs, SILENCE);
    state.heardMs = now.monoMs;
    Object.assign(state, { missed: 0, owesWord: false });
    return endSpell(state.spells, LAWS, "silence");
  }
  if (!state.linkUp || silentMs < state.silenceMs * (SILENT_TIMES + state.missed)) return [];
  state.missed += 1;
  return [happened(state.spells, LAWS, "silence", now)];
}

/** The highest value of late: it fades with a half-life, and no value more than doubles it. */
function peakOf(peak: number, value: number, elapsedMs: number, law: typeof SILENCE): number {
  const faded = peak * Math.pow(0.5, elapsedMs / law.halfLifeMs);
  return Math.min(law.most, Math.max(law.least, faded, Math.min(value, 2 * peak)));
}

/** Which streams the minute that ends shows, and whether it is a flood beyond doubt. */
function endMinute(state: DenialOfService, now: Now): { shown: Stream[]; flood: boolean } {
  const { asked, late, answered, unanswered } = state.minute;
  const minutes = Math.max(1, (now.monoMs - state.minuteMs) / MINUTE_MS);
  state.minute = nothing();
  state.minuteMs = now.monoMs;
  const most = FLOOD_TIMES * state.fullest * minutes;
  const net = Math.max(0, asked - late);
  const owed = Math.min(state.owed, Math.max(0, net - most));
  state.owed = owed > 0 ? state.owed - owed : Math.floor(state.owed * STILL_OWED);
  const flood = net - owed > most;
  if (!flood) state.fullest = peakOf(state.fullest, net / minutes, minutes * MINUTE_MS, FULLEST);
  const dead: Stream[] = unanswered > 0 && answered === 0 ? ["unanswered"] : [];
  const certain = flood && net - owed > FLOOD_A_MINUTE * minutes;
  return { shown: flood ? ["floods", ...dead] : dead, flood: certain };
}

/** Time without a loss speaks against a zone that loses its links together. */
function together(state: DenialOfService, sinceMs: number, now: Now): Finding[] {
  const counted = state.lossMs >= 0 && now.monoMs - state.lossMs < TOGETHER_APART_MS;
  if (counted || sinceMs <= 0) return [];
  const honest = honestPerHour(state.spells.of.losses, LAWS.losses, now);
  const nats = quietNats(honest, TOGETHER_PER_HOUR, Math.min(sinceMs, LONGEST_QUIET_MS) / HOUR_MS);
  const terms = [{ term: "time without a loss", nats }];
  return [{ key: "link-losses", at: now.wallMs, nats, terms, frames: [], says: "" }];
}

function finding(terms: readonly Term[], says: string, now: Now, frames: readonly number[] = []): Finding[] {
  if (terms.length === 0) return [];
  return [{ key: "denial-of-service", at: now.wallMs, ...weigh(terms, -MOST_NATS, MOST_NATS), frames, says }];
}
