/**
 * remote-command-abuse: hostile remote start, stop, unlock, reset or availability change.
 *
 * Looks for: runs of commands where few are usual, at hours at which they are not; long runs; start and stop of one
 * EVSE over and over; a session that draws power stopped though nobody began it remotely, or cut by a reset, an unlock
 * or a change of availability; kinds of command that this station was never given.
 * Statistic: a run of commands without ten minutes' pause is a burst (learned/burst.ts); its size counts by levels,
 * since honest runs have a long tail.
 * Null: the station's own runs by hour of the week; the shares of traits are judgements.
 * Honest look-alikes: an operator who resets a stuck charger and tries again (a run of a few), apps that start and
 * stop, resets each night while nobody charges, the same refused command sent again (no command of its own).
 * Cannot see: one stop or reset that a station is given every day anyway; what is refused again and again unchanged.
 * Joint feature `commands`: the same runs against a burst of them: a whole street stopped or reset within minutes.
 */
import type { Finding, Observation } from "../terms.ts";
import { MINUTE_MS, type Now } from "../units.ts";
import { type Detector, framesOf, unlessAccepted } from "./detector.ts";
import {
  type Burst, type BurstLaw, createBurst, isOpen, passBurst, seeBurst, usualADay,
} from "./learned/burst.ts";
import { createSessions, draws, noteSession, type Session, type Sessions } from "./sessions.ts";

type Command = Extract<Observation, { kind: "command" }>;

export interface RemoteCommandAbuse {
  sessions: Sessions;
  burst: Burst;
  /** Of the open burst: commands, and how many of them took back what one before them did. */
  commands: number;
  undone: number;
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
const level = (n: string) => ({ term: `a run of ${n} commands`, attackShare: 0.8, honestShare: 0.05 });

export const LAW: BurstLaw = {
  keys: [
    { key: "remote-command-abuse", perHour: 0.5, leastPerHour: 1 / 6 },
    { key: "commands", perHour: 6, leastPerHour: 1 / (7 * 24) },
  ],
  term: "runs of remote commands",
  gapMs: 10 * MINUTE_MS,
  priorPerHour: 2 / 24,
  byHour: true,
  traits: {
    "cuts": { term: "cuts a session that draws power", attackShare: 0.35, honestShare: 0.02 },
    "stops": { term: "stops a session that nobody began remotely", attackShare: 0.6, honestShare: 0.1 },
    "new": { term: "a kind of command never given here", attackShare: 0.35, honestShare: 0.15 },
    "undoes": { term: "takes back its own commands over and over", attackShare: 0.8, honestShare: 0.2 },
    "6": { term: "a run of 6 commands", attackShare: 0.35, honestShare: 0.1 },
    "12": level("12"), "30": level("30"), "80": level("80"), "200": level("200"),
  },
};
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
  version: 1,
  create: () => ({
    sessions: createSessions(), burst: createBurst(LAW), commands: 0, undone: 0, refused: "", last: {}, known: [],
  }),
  observe(state, observation, now) {
    if (observation.kind === "tick") return passBurst(state.burst, LAW, now);
    const found = observation.kind === "command" && COMMANDS.has(observation.command)
      ? command(state, observation, now) : [];
    noteSession(state.sessions, observation, now);
    return found;
  },
};

function command(state: RemoteCommandAbuse, seen: Command, now: Now): Finding[] {
  const text = `${seen.command} ${seen.evseId ?? ""} ${seen.transactionId ?? ""}`;
  if (text === state.refused) return [];
  if (!isOpen(state.burst, LAW, now)) Object.assign(state, { commands: 0, undone: 0 });
  state.refused = seen.outcome === "accepted" ? "" : text;
  state.commands += 1;
  const [judged, shown] = [["new", "6"], [] as string[]];
  const judge = (name: string, shows: boolean): void => {
    judged.push(name);
    if (shows) shown.push(name);
  };
  judge("new", !state.known.includes(seen.command));
  if (!state.known.includes(seen.command)) state.known.push(seen.command);
  const victims = aimedAt(state, seen).filter((session) => draws(state.sessions, session, now));
  if (seen.command === "remote-stop") judge("stops", victims.some(({ remote }) => !remote));
  if (CUTS.has(seen.command)) judge("cuts", victims.length > 0);
  if (undoes(state, seen)) state.undone += 1;
  if (state.undone >= UNDONE_OFTEN - 1) judge("undoes", state.undone >= UNDONE_OFTEN);
  LEVELS.forEach(([name, size], index) => {
    if (index === 0 || state.commands >= LEVELS[index - 1]![1]) judge(name, state.commands >= size);
  });
  const usual = usualADay(state.burst, now);
  const cut = victims.length > 0 && seen.command !== "remote-start" ? " while a session draws power" : "";
  const says = `${seen.command}${cut}${unlessAccepted(seen.outcome)}, ${state.commands} in this run of remote ` +
    `commands; ${usual} runs a day would be usual`;
  return seeBurst(state.burst, LAW, { judged, shown, says, frames: framesOf(seen) }, now);
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
