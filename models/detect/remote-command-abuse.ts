/**
 * remote-command-abuse: hostile remote start, stop, unlock, reset or availability change.
 *
 * Looks for: runs of commands where few are usual, at hours at which they are not; long runs; start and stop of one
 * EVSE over and over; a session that draws power stopped though nobody began it remotely, or cut by a reset, an unlock
 * or a change of availability; kinds of command that this station was never given.
 * Statistic: a run of commands without ten minutes' pause is a burst (learned/burst.ts); its size counts by levels,
 * since honest runs have a long tail. Beside it, each session that draws power is a trial (learned/acts.ts): stopped
 * though nobody began it remotely, cut, or unlocked; what befalls several sessions in one run counts once. The evidence
 * is the even mixture of the runs and of the acts' own even mixture, and of facts (learned/facts.ts): commands beyond
 * what sessions explain (with triggers, as far as they come with others), resets again and again, starts and stops by
 * turns within minutes, stops of one transaction after the other that this station refuses and never had, and acts that
 * befell more of a week's sessions than chance makes of the honest share (learned/week.ts).
 * Null: the station's own runs by hour of the week and its own sessions; the shares are judgements.
 * Honest look-alikes: an operator who resets a stuck charger and tries again (a run of a few), apps that start and
 * stop, resets each night while nobody charges, the same refused command sent again (no command of its own), a
 * local list in a hundred parts, a site of many EVSEs with a start and a stop for each of its sessions, a CSMS that
 * resets what is out of order, stuck or in use every quarter of an hour.
 * Cannot see: one stop or reset that a station is given every day anyway; a reset for each driver who comes. A station
 * that is taken out of service, for however long, while nobody charges: maintenance, works in the street and a closed
 * car park are the same two frames, mostly without a fault that the station could tell of. Even where uptime is law 3 %
 * of a year may be lost (23 CFR 680.116(b)), eleven days; a fact must be rarer than one in 1,050 years (one in 400 for
 * denial-of-service). Two or three sessions that are stopped, or cables that are unlocked, in a week: the app that
 * stops a session which a card began, and the help desk that does, send the same frames; nor as many more as the week
 * has sessions. Remote stops of sessions that began remotely: the app that began them ends them likewise. The same acts
 * at a station of one or two sessions a week.
 * Joint feature `commands`: the same runs against a burst of them: a whole street stopped or reset within minutes.
 */
import type { Finding, Observation } from "../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now } from "../units.ts";
import { type Detector, framesOf, hasRoom, unlessAccepted } from "./detector.ts";
import { type Act, type ActLaw, createAct, mixtureOf, tryAct } from "./learned/acts.ts";
import {
  type Burst, type BurstLaw, createBurst, isOpen, levelOf, passBurst, seeBurst, usualADay,
} from "./learned/burst.ts";
import { createFacts, type FactLaw, type Facts, mixed, passFacts, showFact, type Step } from "./learned/facts.ts";
import { createHour, countIn, type Hour, noteIn } from "./learned/hour.ts";
import { upperPerHour } from "./learned/rate.ts";
import { upperShare } from "./learned/share.ts";
import { createWeek, noteSessionOf, ofWeek, type Week, yearsOfWeek } from "./learned/week.ts";
import { createSessions, draws, noteSession, type Session, type Sessions } from "./sessions.ts";

type Command = Extract<Observation, { kind: "command" }>;
type ActName = "stops" | "cuts" | "unlocks";
const COUNTED = ["commands", "repeats", "sessions", "resets", "turns", "guesses", "triggers", "reasonless"] as const;
type Counted = (typeof COUNTED)[number];

export interface RemoteCommandAbuse {
  sessions: Sessions;
  burst: Burst;
  facts: Facts;
  /** Of the last hour: commands that move something, what sessions explain of them, resets, quick turns, guesses. */
  hour: Hour<Counted>;
  /** Ids of transactions that were here or were guessed, newest last. */
  ids: string[];
  /** Signs that somebody, or a fault, may be the reason for a reset that comes next: EVSE (0: all), monotonic ms. */
  reasons: (readonly [evseId: number, atMs: number])[];
  /** Whether every EVSE is free, as told since the last reset; and the last such times when one came nonetheless. */
  idle: boolean;
  idleMs: number[];
  /** When the station was reset last, monotonic ms, -1: never; and by EVSE, what it said of itself last. */
  resetMs: number;
  status: Record<string, string>;
  acts: Record<ActName, Act>;
  weeks: Record<ActName, Week>;
  /** Open sessions whose trial is over, by act. */
  tried: Record<ActName, string[]>;
  /** Of the open burst: commands, how many of them took back what one before them did, and acts that it showed. */
  commands: number;
  undone: number;
  acted: ActName[];
  /** The last command as text, empty when it was accepted: sent again it is no other one. */
  refused: string;
  /** By EVSE, what was last commanded of those that have an opposite, and when, monotonic ms. */
  last: Record<string, { name: string; atMs: number }>;
  /** Kinds of command that this station was given before. */
  known: string[];
}

/** A run reaches a level with this many commands; each level is judged once the one below it was reached. */
const LEVELS: readonly (readonly [string, number])[] = [
  ["6", 6], ["12", 12], ["30", 30], ["80", 80], ["200", 200],
];
/** What a run has not come to yet says less than what it came to: no further command may take evidence back. */
const level = (n: string) => ({ term: `a run of ${n} commands`, attackShare: 0.6, honestShare: 0.05, weight: 60 });

export const LAW: BurstLaw = {
  keys: [
    { key: "remote-command-abuse", perHour: 0.5, leastPerHour: 1 / 6 },
    { key: "commands", perHour: 6, leastPerHour: 1 / (7 * 24) },
  ],
  term: "runs of remote commands",
  gapMs: 10 * MINUTE_MS,
  priorPerHour: 2 / 24,
  byHour: true,
  shareWeight: 20,
  traits: {
    "cuts": { term: "cuts a session that draws power", attackShare: 0.35, honestShare: 0.02 },
    "stops": { term: "stops a session that nobody began remotely", attackShare: 0.6, honestShare: 0.1 },
    "new": { term: "a kind of command never given here", attackShare: 0.35, honestShare: 0.15 },
    "undoes": { term: "takes back its own commands over and over", attackShare: 0.3, honestShare: 0.03 },
    "6": { term: "a run of 6 commands", attackShare: 0.35, honestShare: 0.1 },
    "12": level("12"), "30": level("30"), "80": level("80"), "200": level("200"),
  },
};
/** Judgements: the help desk stops a session for its driver, an operator resets a station in use. */
export const ACTS: Readonly<Record<ActName, ActLaw>> = {
  stops: { term: "sessions stopped that nobody began remotely", attackShare: 0.6, honestShare: 0.03, weight: 10 },
  cuts: { term: "sessions cut by a command", attackShare: 0.6, honestShare: 0.02, weight: 10 },
  unlocks: { term: "cables unlocked while power flows", attackShare: 0.6, honestShare: 0.004, weight: 50 },
};
const ACT_NAMES = ["stops", "cuts", "unlocks"] as const;
/** Judgements, but for acts: an operator of a thousand and fifty stations sees each once a year. */
export const FACTS: FactLaw = {
  key: "remote-command-abuse", perHour: 0.5,
  facts: {
    "storm": { term: "a storm of commands that no session explains", years: 1_050 },
    "resets": { term: "reset again and again within an hour", years: 1_050 },
    "reasonless": { term: "reset again and again, with nobody there and no fault", years: 1_050 },
    "turns": { term: "starts and stops by turns within minutes", years: 1_050 },
    "guesses": { term: "stops of one transaction after the other that never was here", years: 1_050 },
    "acts": { term: "more of a week's sessions stopped, cut or unlocked than chance explains", years: 1_050 },
  },
};
/** In an hour. A person at a stuck charger sends a dozen; a self-healing CSMS resets every ten or fifteen minutes. */
const MANY_COMMANDS = 20;
/** Where there are more EVSEs than one, so many more for each. */
const COMMANDS_AN_EVSE = 4;
/** What is refused and sent again unchanged, as programs do that wait for a yes. */
const MANY_REPEATS = 150;
const MANY_RESETS = 10;
const MANY_REASONLESS = 5;
/** Of five one may be for a driver who came amid them, where the station said that it is free before the others. */
const MANY_IDLE = MANY_REASONLESS - 1;
/**
 * Or so many, more slowly, where few runs of commands are usual: a Poisson process of two a day (Gamma's upper end)
 * makes five more within two hours of one once in 1,200 years (P = 1e-6, 730 a year).
 */
const MANY_SLOW = 6;
const SLOW_MS = 2 * HOUR_MS;
const SLOW_BELOW_PER_HOUR = 2 / 24;
const MOST_REASONS = 16;
const MANY_TURNS = 5;
/** A CSMS that lost count tries to end a transaction or two that are over; a site of many EVSEs has more of them. */
const MANY_GUESSES = 8;
/** So many sessions before the week, or as many as the judgement is worth, must tell what is usual here. */
const KNOWN_SESSIONS = 20;
const MOST_IDS = 64;
const QUICK_MS = 3 * MINUTE_MS;
const REASON_MS = 30 * MINUTE_MS;
/** A session explains its start and its stop, and that each was sent twice. */
const A_SESSION = 4;
/** Sent in many parts, or by programs that keep a state as it is. */
const UNCOUNTED = new Set(["send-local-list", "reserve", "cancel-reservation"]);
/** What a station may say of a connector while it starts. */
const STARTING = "Unavailable";
/** A fault, or somebody at the connector (1.6 and 2.0.1). */
const A_REASON = /^(Faulted|Preparing|Occupied)$/;
const CUTS = new Set(["reset", "unlock", "make-inoperative"]);
const COMMANDS = new Set([
  ...CUTS, "remote-start", "remote-stop", "reset-when-idle", "make-operative", "reserve", "cancel-reservation",
  "clear-cache", "send-local-list",
]);
const OPPOSITES: Readonly<Record<string, string>> = {
  "remote-start": "remote-stop", "remote-stop": "remote-start",
  "make-operative": "make-inoperative", "make-inoperative": "make-operative",
};
const UNDONE_OFTEN = 3;

export const remoteCommandAbuse: Detector<RemoteCommandAbuse> = {
  name: "remote-command-abuse",
  version: 7,
  create: () => ({
    sessions: createSessions(), burst: createBurst(LAW), facts: createFacts(), reasons: [], idle: false,
    idleMs: [], resetMs: -1, status: {},
    hour: createHour(COUNTED), ids: [],
    acts: { stops: createAct(), cuts: createAct(), unlocks: createAct() },
    weeks: { stops: createWeek(), cuts: createWeek(), unlocks: createWeek() },
    tried: { stops: [], cuts: [], unlocks: [] }, commands: 0, undone: 0, acted: [], refused: "", last: {}, known: [],
  }),
  observe(state, observation, now) {
    noteReason(state, observation, now);
    if (observation.kind === "tick") {
      return moved(state, now, () => {
        passFacts(state.facts, FACTS, now);
        return { found: passBurst(state.burst, LAW, now) };
      });
    }
    if (observation.kind === "command" && observation.command === "trigger") noteIn(state.hour, "triggers", now);
    const found = observation.kind === "command" && COMMANDS.has(observation.command)
      ? command(state, observation, now) : [];
    for (const session of noteSession(state.sessions, observation, now)) found.push(...ended(state, session, now));
    return found;
  },
};

/**
 * What may be the reason for a command, or explains commands: a fault, somebody at the station, a session. A vehicle
 * that is told of once more, and a session that a reset ended, are none.
 */
function noteReason(state: RemoteCommandAbuse, seen: Observation, now: Now): void {
  const began = seen.kind === "transaction-started" || seen.kind === "transaction-ended";
  if (began) {
    noteIn(state.hour, "sessions", now);
    isNewId(state, seen.transactionId);
  }
  const byReset = seen.kind === "transaction-ended" && state.resetMs >= 0 && now.monoMs - state.resetMs < QUICK_MS;
  const reason = (began && !byReset) || seen.kind === "authorization" || seen.kind === "firmware-order" ||
    seen.kind === "configuration-change" || (seen.kind === "status" && tellsOfSomebody(state, seen));
  const { evseId = 0 } = seen as { readonly evseId?: number };
  if (reason) state.reasons = [...state.reasons, [evseId, now.monoMs] as const].slice(-MOST_REASONS);
}

/** Whether a reset has a reason where it reaches. What was the reason for one is none for the next; a fault stands. */
function hasReason(state: RemoteCommandAbuse, evseId: number, now: Now): boolean {
  const fresh = state.reasons.filter(([, atMs]) => now.monoMs - atMs < REASON_MS);
  state.reasons = fresh.filter(([of]) => evseId * of !== 0 && of !== evseId);
  return state.reasons.length < fresh.length || Object.values(state.status).some((one) => one.endsWith("Faulted"));
}

/** Whether a status says that something is broken, or that somebody came: after a boot all is told once more. */
function tellsOfSomebody(state: RemoteCommandAbuse, seen: Observation & { kind: "status" }): boolean {
  const { status } = state;
  const key = String(seen.evseId);
  const before = Object.hasOwn(status, key) ? status[key]!.replace(STARTING, "") : "";
  if (hasRoom(status, key)) status[key] = (seen.status === STARTING ? STARTING + before : seen.status).slice(0, 32);
  state.idle = Object.values(status).every((one) => one === "Available");
  return A_REASON.test(seen.status) && seen.status !== before;
}

/** Notes the id of a transaction, and says whether it is none of those that were known. */
function isNewId(state: RemoteCommandAbuse, id: string): boolean {
  const short = id.slice(0, 64);
  const known = state.ids.includes(short);
  if (!known) state.ids = [...state.ids, short].slice(-MOST_IDS);
  return !known;
}

/** The evidence of the runs and of the acts, nats. */
function runsAndActs({ burst, acts }: RemoteCommandAbuse): number {
  return mixtureOf([levelOf(burst, 0), mixtureOf(ACT_NAMES.map((name) => acts[name].nats))]);
}

/** The evidence as a whole, nats. */
function suspicionOf(state: RemoteCommandAbuse): number {
  return mixtureOf([runsAndActs(state), state.facts.nats]);
}

/** A step's findings, as far as they moved the mixture; the joint feature is the burst's alone. */
function moved(state: RemoteCommandAbuse, now: Now, step: () => Step): Finding[] {
  return mixed("remote-command-abuse", () => [runsAndActs(state), state.facts.nats], now, step);
}

/** The trial of one session, unless it is over. */
function trial(
  state: RemoteCommandAbuse, name: ActName, session: Session, befell: boolean, { says, frames }: Told, now: Now,
): Finding[] {
  if (!session.drew || (name === "stops" && session.remote) || state.tried[name].includes(session.id)) return [];
  const before = suspicionOf(state);
  tryAct(state.acts[name], ACTS[name], befell, now);
  const nats = suspicionOf(state) - before;
  const found = inWeek(state, name, befell, { says, frames }, now);
  if (nats === 0) return found;
  const terms = [{ term: befell ? ACTS[name].term : "sessions that were let be", nats }];
  return [{ key: "remote-command-abuse", at: now.wallMs, nats, terms, says, frames }, ...found];
}

/** Whether acts of the week are more than chance makes of the share before it. */
function inWeek(state: RemoteCommandAbuse, name: ActName, befell: boolean, { frames }: Told, now: Now): Finding[] {
  const week = state.weeks[name];
  noteSessionOf(week, befell, now);
  const [acts, sessions] = week.past;
  const law = ACTS[name];
  if (!befell || sessions < Math.min(KNOWN_SESSIONS, law.weight)) return [];
  const seen = ofWeek(week);
  // Where the act is a habit, a judgement that is worth many sessions would keep the share far below what they show.
  const own = upperShare(acts, sessions, { honestShare: 0, weight: 0 });
  const share = Math.max(law.honestShare, upperShare(acts, sessions, law), own);
  if (yearsOfWeek(seen, share) < ACT_NAMES.length * FACTS.facts["acts"]!.years) return [];
  const says = `${seen.befell} of ${seen.sessions} sessions of a week: ${ACTS[name].term}; ` +
    `${(share * seen.sessions).toFixed(1)} would be usual at most`;
  return moved(state, now, () => ({ found: [], facts: [showFact(state.facts, FACTS, "acts", now)], says, frames }));
}
type Told = Pick<Finding, "says" | "frames">;

/** What befell a session of this run; its further victims are neither that nor let be. */
function acted(state: RemoteCommandAbuse, name: ActName, victims: readonly Session[], told: Told, now: Now): Finding[] {
  const found = victims.slice(0, state.acted.includes(name) ? 0 : 1)
    .flatMap((session) => trial(state, name, session, true, told, now));
  if (found.length > 0) state.acted.push(name);
  const open = state.tried[name].filter((id) => state.sessions.open.some((session) => session.id === id));
  state.tried[name] = [...new Set([...open, ...victims.map(({ id }) => id)])];
  return found;
}

function ended(state: RemoteCommandAbuse, session: Session, now: Now): Finding[] {
  return ACT_NAMES.flatMap((name) => {
    const found = trial(state, name, session, false, { says: "", frames: [] }, now);
    if (state.tried[name].length > 0) state.tried[name] = state.tried[name].filter((id) => id !== session.id);
    return found;
  });
}

function command(state: RemoteCommandAbuse, seen: Command, now: Now): Finding[] {
  const text = `${seen.command} ${seen.evseId ?? ""} ${seen.transactionId ?? seen.token ?? ""}`;
  const unchanged = text === state.refused;
  const found = unchanged ? [] : run(state, seen, text, now);
  // A refused command that is sent again is no other one, but a storm of them is one.
  return [...found, ...facts(state, seen, unchanged, now)];
}

/** A command as part of its run. */
function run(state: RemoteCommandAbuse, seen: Command, text: string, now: Now): Finding[] {
  if (!isOpen(state.burst, LAW, now)) Object.assign(state, { commands: 0, undone: 0, acted: [] });
  state.refused = seen.outcome === "accepted" ? "" : text;
  state.commands += 1;
  if (undoes(state, seen, now)) state.undone += 1;
  const victims = aimedAt(state, seen).filter((session) => draws(state.sessions, session, now));
  const stopped = seen.command === "remote-stop" ? victims.filter(({ remote }) => !remote) : [];
  const cut = CUTS.has(seen.command) ? victims : [];
  const usual = usualADay(state.burst, now);
  const drawing = victims.length > 0 && seen.command !== "remote-start" ? " while a session draws power" : "";
  const says = `${seen.command}${drawing}${unlessAccepted(seen.outcome)}, ${state.commands} in this run of remote ` +
    `commands; ${usual} runs a day would be usual`;
  const told = { says, frames: framesOf(seen) };
  const shows = { ...traitsOf(state, seen, stopped.length > 0, cut.length > 0), ...told };
  const unlocked = seen.command === "unlock" && seen.outcome === "accepted" ? victims : [];
  const found = moved(state, now, () => ({ found: seeBurst(state.burst, LAW, shows, now) }));
  return [
    ...found, ...acted(state, "stops", stopped, told, now), ...acted(state, "cuts", cut, told, now),
    ...acted(state, "unlocks", unlocked, told, now),
  ];
}

/** What the last hour comes to with this command, as facts. */
function facts(state: RemoteCommandAbuse, seen: Command, unchanged: boolean, now: Now): Finding[] {
  const { command: name, outcome } = seen;
  const { hour } = state;
  if (!UNCOUNTED.has(name)) noteIn(hour, unchanged ? "repeats" : "commands", now);
  const reset = name.startsWith("reset") && outcome === "accepted";
  if (reset) {
    noteIn(hour, "resets", now);
    state.resetMs = now.monoMs;
    if (!hasReason(state, seen.evseId ?? 0, now)) {
      noteIn(hour, "reasonless", now);
      if (state.idle) state.idleMs = [...state.idleMs, now.monoMs].slice(-MANY_SLOW);
    }
    state.idle = false;
  }
  const unknown = name === "remote-stop" && outcome !== "accepted" && seen.transactionId !== undefined;
  if (unknown && isNewId(state, seen.transactionId)) noteIn(hour, "guesses", now);
  const count = (counted: Counted): number => countIn(hour, counted, now);
  const commands = count("commands");
  const repeats = count("repeats");
  const sessions = count("sessions");
  const resets = count("resets");
  const guesses = count("guesses");
  const usual = COMMANDS_AN_EVSE * (Math.max(1, Object.keys(state.sessions.flow).length) - 1);
  // Triggers alone are a CSMS that polls.
  const all = commands + Math.min(commands, count("triggers"));
  const storm = all - usual - (A_SESSION / 2) * sessions >= MANY_COMMANDS || repeats >= MANY_REPEATS;
  const names = [
    ...(storm ? ["storm"] : []),
    ...(reset && resets >= MANY_RESETS ? ["resets"] : []),
    ...(reset && (count("reasonless") >= MANY_REASONLESS || isLoop(state, resets, now)) ? ["reasonless"] : []),
    ...(count("turns") >= MANY_TURNS ? ["turns"] : []),
    ...(guesses >= MANY_GUESSES ? ["guesses"] : []),
  ];
  if (names.length === 0) return [];
  const says = `${all + repeats} remote commands within an hour, ${resets} of them resets; ${sessions} starts ` +
    `and ends of sessions${guesses > 1 ? `; ${guesses} transactions were to be stopped that never were here` : ""}`;
  return moved(state, now, () => ({
    found: [], facts: names.map((fact) => showFact(state.facts, FACTS, fact, now)), says,
    frames: framesOf(seen),
  }));
}

/** Whether resets of a free station come on and on: within an hour, or more slowly, each a run of its own. */
function isLoop({ idleMs, burst }: RemoteCommandAbuse, resets: number, now: Now): boolean {
  // Where there were fewer, the time since is no number, and so not below any.
  return (resets >= MANY_REASONLESS && now.monoMs - idleMs.at(-MANY_IDLE)! < HOUR_MS) ||
    (now.monoMs - idleMs.at(-MANY_SLOW)! < SLOW_MS && upperPerHour(burst.rate, now.wallMs) < SLOW_BELOW_PER_HOUR);
}

/** What this command shows of its run. */
function traitsOf(
  state: RemoteCommandAbuse, { command: name }: Command, stops: boolean, cuts: boolean,
): { judged: string[]; shown: string[] } {
  const [judged, shown]: [string[], string[]] = [[], []];
  const judge = (trait: string, shows: boolean): void => {
    judged.push(trait);
    if (shows) shown.push(trait);
  };
  judge("new", !state.known.includes(name));
  if (!state.known.includes(name)) state.known.push(name);
  if (name === "remote-stop") judge("stops", stops);
  if (CUTS.has(name)) judge("cuts", cuts);
  judge("undoes", state.undone >= UNDONE_OFTEN);
  LEVELS.forEach(([trait, size], index) => {
    if (index === 0 || state.commands >= LEVELS[index - 1]![1]) judge(trait, state.commands >= size);
  });
  return { judged, shown };
}

/** The open sessions that a command reaches: the one that it names, those of its EVSE, or all. */
function aimedAt({ sessions }: RemoteCommandAbuse, { transactionId, evseId }: Command): Session[] {
  return sessions.open.filter((one) => (transactionId !== undefined ? one.id === transactionId
    : evseId === undefined || evseId === 0 || one.evseId === evseId));
}

/** Whether it takes back what was last commanded of its EVSE. */
function undoes(state: RemoteCommandAbuse, { command: name, evseId }: Command, now: Now): boolean {
  const opposite = OPPOSITES[name];
  if (opposite === undefined) return false;
  const key = String(evseId ?? 0);
  const before = Object.hasOwn(state.last, key) ? state.last[key] : undefined;
  if (hasRoom(state.last, key)) state.last[key] = { name, atMs: now.monoMs };
  if (before?.name !== opposite) return false;
  // The next driver's start after the last one's stop takes back nothing.
  const back = name === "remote-stop" || name === "make-operative";
  if (back && now.monoMs - before.atMs < QUICK_MS) noteIn(state.hour, "turns", now);
  return true;
}
