/**
 * remote-command-abuse: hostile remote start, stop, unlock, reset or availability change.
 *
 * Looks for: runs of commands where few are usual, at hours at which they are not; long runs; start and stop of one
 * EVSE over and over; a session that draws power stopped though nobody began it remotely, or cut by a reset, an unlock
 * or a change of availability; kinds of command that this station was never given.
 * Statistic: a run of commands without ten minutes' pause is a burst (learned/burst.ts); its size counts by levels,
 * since honest runs have a long tail. Beside it, each session that draws power is a trial (learned/acts.ts): stopped
 * though nobody began it remotely, or cut; what befalls several sessions in one run counts once. The evidence is the
 * even mixture of the runs and of the two acts' own even mixture.
 * Null: the station's own runs by hour of the week and its own sessions; the shares are judgements.
 * Honest look-alikes: an operator who resets a stuck charger and tries again (a run of a few), apps that start and
 * stop, resets each night while nobody charges, the same refused command sent again (no command of its own).
 * Cannot see: one stop or reset that a station is given every day anyway; what is refused again and again unchanged.
 * Joint feature `commands`: the same runs against a burst of them: a whole street stopped or reset within minutes.
 */
import type { Finding, Observation } from "../terms.ts";
import { MINUTE_MS, type Now } from "../units.ts";
import { type Detector, framesOf, unlessAccepted, weigh } from "./detector.ts";
import { type Act, type ActLaw, createAct, mixtureOf, tryAct } from "./learned/acts.ts";
import {
  type Burst, type BurstLaw, createBurst, isOpen, levelOf, passBurst, seeBurst, usualADay,
} from "./learned/burst.ts";
import { createSessions, draws, noteSession, type Session, type Sessions } from "./sessions.ts";

type Command = Extract<Observation, { kind: "command" }>;
type ActName = "stops" | "cuts";

export interface RemoteCommandAbuse {
  sessions: Sessions;
  burst: Burst;
  acts: Record<ActName, Act>;
  /** Open sessions whose trial is over, by act. */
  tried: Record<ActName, string[]>;
  /** Of the open burst: commands, how many of them took back what one before them did, and acts that it showed. */
  commands: number;
  undone: number;
  acted: ActName[];
  /** The last command as text, empty when it was accepted: sent again it is no other one. */
  refused: string;
  /** By EVSE, what was last commanded of those that have an opposite. */
  last: Record<string, string>;
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
};
const ACT_NAMES = ["stops", "cuts"] as const;
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
const MOST_EVSES = 32;

export const remoteCommandAbuse: Detector<RemoteCommandAbuse> = {
  name: "remote-command-abuse",
  version: 2,
  create: () => ({
    sessions: createSessions(), burst: createBurst(LAW), acts: { stops: createAct(), cuts: createAct() },
    tried: { stops: [], cuts: [] }, commands: 0, undone: 0, acted: [], refused: "", last: {}, known: [],
  }),
  observe(state, observation, now) {
    if (observation.kind === "tick") return mixed(state, () => passBurst(state.burst, LAW, now));
    const found = observation.kind === "command" && COMMANDS.has(observation.command)
      ? command(state, observation, now) : [];
    for (const session of noteSession(state.sessions, observation, now)) found.push(...ended(state, session, now));
    return found;
  },
};

/** The evidence of the runs and of both acts, nats. */
function suspicionOf({ burst, acts }: RemoteCommandAbuse): number {
  return mixtureOf([levelOf(burst, 0), mixtureOf([acts.stops.nats, acts.cuts.nats])]);
}

/** A burst's findings, as far as they moved the mixture; the joint feature is the burst's alone. */
function mixed(state: RemoteCommandAbuse, step: () => Finding[]): Finding[] {
  const before = suspicionOf(state);
  return step().map((found) => {
    if (found.key !== LAW.keys[0]!.key) return found;
    const growth = suspicionOf(state) - before;
    return { ...found, ...weigh(found.terms, growth, growth) };
  });
}

/** The trial of one session, unless it is over. */
function trial(
  state: RemoteCommandAbuse, name: ActName, session: Session, befell: boolean, { says, frames }: Told, now: Now,
): Finding[] {
  if (!session.drew || (name === "stops" && session.remote) || state.tried[name].includes(session.id)) return [];
  const before = suspicionOf(state);
  tryAct(state.acts[name], ACTS[name], befell);
  const nats = suspicionOf(state) - before;
  if (nats === 0) return [];
  const terms = [{ term: befell ? ACTS[name].term : "sessions that were let be", nats }];
  return [{ key: "remote-command-abuse", at: now.wallMs, nats, terms, says, frames }];
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
  const text = `${seen.command} ${seen.evseId ?? ""} ${seen.transactionId ?? ""}`;
  if (text === state.refused) return [];
  if (!isOpen(state.burst, LAW, now)) Object.assign(state, { commands: 0, undone: 0, acted: [] });
  state.refused = seen.outcome === "accepted" ? "" : text;
  state.commands += 1;
  if (undoes(state, seen)) state.undone += 1;
  const victims = aimedAt(state, seen).filter((session) => draws(state.sessions, session, now));
  const stopped = seen.command === "remote-stop" ? victims.filter(({ remote }) => !remote) : [];
  const cut = CUTS.has(seen.command) ? victims : [];
  const usual = usualADay(state.burst, now);
  const drawing = victims.length > 0 && seen.command !== "remote-start" ? " while a session draws power" : "";
  const says = `${seen.command}${drawing}${unlessAccepted(seen.outcome)}, ${state.commands} in this run of remote ` +
    `commands; ${usual} runs a day would be usual`;
  const told = { says, frames: framesOf(seen) };
  const shows = { ...traitsOf(state, seen, stopped.length > 0, cut.length > 0), ...told };
  const found = mixed(state, () => seeBurst(state.burst, LAW, shows, now));
  return [...found, ...acted(state, "stops", stopped, told, now), ...acted(state, "cuts", cut, told, now)];
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
function undoes(state: RemoteCommandAbuse, { command: name, evseId }: Command): boolean {
  const opposite = OPPOSITES[name];
  if (opposite === undefined) return false;
  const key = String(evseId ?? 0);
  const before = Object.hasOwn(state.last, key) ? state.last[key] : undefined;
  if (before !== undefined || Object.keys(state.last).length < MOST_EVSES) state.last[key] = name;
  return before === opposite;
}
