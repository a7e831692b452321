/**
 * Plain faults of a charger and its link, named as such: a broken thing is told to whoever mends it, and is no threat.
 * One fault is told when it begins, and again only after it had ended, or after a day. Pure; bounded state.
 */
import type { Fault, Observation } from "../../models/terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type MonotonicMs, type Now, SECOND_MS, type WallMs } from "../../models/units.ts";
import { createRate, learnRate, type LearnedRate, upperPerHour } from "../../models/detect/learned/rate.ts";
import { noteStood, plausible, type Stood, STUCK_WH } from "../../models/detect/energy/tracks.ts";
import type { Effect } from "../ports.ts";

export interface FaultNote {
  readonly fault: Fault;
  /** 0: the whole station. */
  readonly evseId: number;
  readonly at: WallMs;
  readonly says: string;
}

export interface FaultWatch {
  /** What lasts, by fault and EVSE. */
  readonly open: Map<string, FaultNote>;
  /** When each was told last. */
  readonly told: Map<string, MonotonicMs>;
  /** As the CSMS asked for it; a station that talks otherwise may keep them back (OCPP 1.6 6.21, 2.0.1 G02). */
  heartbeatEveryMs?: number;
  /** The longest time in which nothing was heard between two heartbeats, and how many such, where nobody asked. */
  usual: { everyMs: number; beats: number };
  lastFrameMs?: MonotonicMs;
  /** Whether that was a heartbeat: between two in a row is their rhythm, and among other messages is none. */
  beat?: boolean;
  /** Register of the running transaction by EVSE, as reported. */
  readonly running: Map<number, Running>;
  /** Boots of late without an order, and when one was last ordered. */
  bootsMs: readonly MonotonicMs[];
  orderedMs?: MonotonicMs;
  /** Losses of the link within the last day, how often it is usually lost, an hour, and until when that was learned. */
  lossesMs: readonly MonotonicMs[];
  readonly losses: LearnedRate;
  linkUp: boolean;
  linkMs?: MonotonicMs;
  /** Since when there is no link, however often it was tried. */
  downMs?: MonotonicMs;
}

interface Running extends Stood {
  readonly transactionId: string;
  readonly sinceMs: MonotonicMs;
  registerWh?: number;
  readings: number;
  /** When its register was reported last. */
  atMs: MonotonicMs;
  /** Kept until the next start, whose register may stand where this one's did. */
  ended: boolean;
}

const MOST_NOTES = 64;
const TELL_AGAIN_MS = DAY_MS;
const FLAPS_MS = HOUR_MS;
/** Clock-aligned readings come every quarter of an hour at most stations: one that sends none in two of them is odd. */
const READINGS_DUE_MS = 25 * MINUTE_MS;
/** Healthy stations keep still for three intervals (the reference trace of a normal session does). */
const HEARTBEATS_LATE = 3.5;
/** So many must have come before their rhythm is known, and each at most doubles it: an outage is no rhythm. */
const KNOWN_BEATS = 24;
/** Boots within an hour that nobody ordered; how long an order explains one; reasons of 2.0.1 that name an order. */
const MANY_RESTARTS = 3;
const ORDER_EXPLAINS_MS = 15 * MINUTE_MS;
const ORDERED = /^(RemoteReset|ScheduledReset|Triggered|FirmwareUpdate)$/;
/** Losses nearer to each other are attempts of one (denial-of-service.ts counts likewise); one in two days at first. */
const LOSSES_APART_MS = 15 * MINUTE_MS;
const USUAL_LOSS_HOURS = 48;
/** A CSMS that is maintained at night is back by then: a judgement. */
const DOWN_LONG_MS = 3 * HOUR_MS;
/** So many losses come by chance on one day in ten years (Chernoff's bound on a Poisson count), nats. */
const UNSTEADY_NATS = Math.log(10 * 365);
const STOPPED_BY_FAULT: ReadonlySet<string> = new Set([
  "EmergencyStop", "PowerLoss", "GroundFault", "OvercurrentFault", "PowerQuality", "Overheat",
]);

export function createFaultWatch(): FaultWatch {
  return { open: new Map(), told: new Map(), running: new Map(), bootsMs: [],
    linkUp: false, lossesMs: [], losses: createRate(1 / USUAL_LOSS_HOURS, USUAL_LOSS_HOURS, true),
    usual: { everyMs: SECOND_MS, beats: 0 } };
}

/** What stands open, oldest first: for `status`. */
export function openFaults(watch: FaultWatch): readonly FaultNote[] {
  return [...watch.open.values()];
}

/** Takes note of what was observed in one step. */
export function watchFaults(watch: FaultWatch, observations: readonly Observation[], now: Now): Effect[] {
  return observations.flatMap((seen) => {
    heard(watch, seen, now);
    const found = faultIn(watch, seen, now);
    return found === undefined ? [] : tell(watch, found, now);
  });
}

/** Anything that the station sent takes the place of a heartbeat. */
function heard(watch: FaultWatch, seen: Observation, now: Now): void {
  if (seen.kind === "heartbeat") noteBeat(watch, now);
  if (seen.frameNo !== undefined) watch.lastFrameMs = now.monoMs;
  // A heartbeat's result is a frame, too.
  if (seen.frameNo !== undefined && seen.kind !== "csms-time") watch.beat = seen.kind === "heartbeat";
  if (seen.kind === "link") delete watch.lastFrameMs;
  if (seen.kind === "boot" && seen.heartbeatS !== undefined) watch.heartbeatEveryMs = seen.heartbeatS * SECOND_MS;
}

function noteBeat({ usual, lastFrameMs, beat }: FaultWatch, now: Now): void {
  if (lastFrameMs === undefined || beat !== true) return;
  usual.beats += 1;
  const gapMs = now.monoMs - lastFrameMs;
  if (gapMs > usual.everyMs) usual.everyMs = Math.min(gapMs, 2 * usual.everyMs);
}

function faultIn(watch: FaultWatch, seen: Observation, now: Now): FaultNote | undefined {
  const note = (fault: Fault, evseId: number, says: string): FaultNote => ({ fault, evseId, at: seen.at, says });
  switch (seen.kind) {
    case "status": {
      if (seen.status !== "Faulted") return void watch.open.delete(`connector-fault ${seen.evseId}`);
      const code = seen.errorCode === undefined || seen.errorCode === "NoError" ? "" : `: ${seen.errorCode}`;
      return note("connector-fault", seen.evseId, `the station reports a fault${code}`);
    }
    case "command":
      if (seen.command.startsWith("reset") && seen.outcome === "accepted") watch.orderedMs = now.monoMs;
      return undefined;
    case "boot":
      return restart(watch, seen, now, note);
    case "upload-status":
      if (!/fail/i.test(seen.status)) return undefined;
      return note("upload-failed", 0, `an upload of logs ended in ${seen.status}`);
    case "slow-answer":
      return note("csms-slow", 0, seen.waitedMs === undefined ? `the CSMS did not answer ${seen.action}`
        : `the CSMS took ${Math.round(seen.waitedMs / SECOND_MS)} s to answer ${seen.action}`);
    case "meter-lost":
      return note("meter-lost", seen.evseId, `the agent's own meter does not answer: ${seen.why}`);
    case "meter-reading":
      return void watch.open.delete(`meter-lost ${seen.reading.evseId}`);
    case "link":
      return loss(watch, seen.state === "connect", now, note);
    case "tick":
      return lateHeartbeat(watch, now, note) ?? longDown(watch, now, note);
    default:
      return faultInTransaction(watch, seen, now, note);
  }
}

type Note = (fault: Fault, evseId: number, says: string) => FaultNote;

const wasOrdered = ({ orderedMs }: FaultWatch, now: Now): boolean =>
  orderedMs !== undefined && now.monoMs - orderedMs < ORDER_EXPLAINS_MS;

/** A link that is lost far more often than is its habit, each time but for a while. */
function loss(watch: FaultWatch, up: boolean, now: Now, note: Note): FaultNote | undefined {
  const { linkUp, linkMs = now.monoMs, losses, lossesMs } = watch;
  Object.assign(watch, { linkUp: up, linkMs: now.monoMs });
  if (!up) watch.downMs ??= now.monoMs;
  else {
    delete watch.downMs;
    watch.open.delete("link-down 0");
  }
  learnRate(losses, now.wallMs, (now.monoMs - linkMs) / HOUR_MS, 0);
  const again = now.monoMs - (lossesMs.at(-1) ?? -Infinity) < LOSSES_APART_MS;
  if (!linkUp || again || wasOrdered(watch, now)) return undefined;
  const usual = 24 * upperPerHour(losses, now.wallMs);
  losses.events += 1;
  const count = (watch.lossesMs = [...lossesMs.filter((ms) => now.monoMs - ms < DAY_MS), now.monoMs]).length;
  if (count <= usual || count * Math.log(count / usual) - count + usual < UNSTEADY_NATS) return undefined;
  return note("link-unsteady", 0, `the link was lost ${count} times within a day; ${usual.toFixed(1)} would be usual`);
}

/** A link that stays away. */
function longDown({ downMs }: FaultWatch, now: Now, note: Note): FaultNote | undefined {
  if (downMs === undefined || now.monoMs - downMs < DOWN_LONG_MS) return undefined;
  return note("link-down", 0, `no link to the CSMS for ${Math.round((now.monoMs - downMs) / HOUR_MS)} h`);
}

/** A charger that boots again and again by itself. */
function restart(watch: FaultWatch, { reason, outcome }: Observation & { kind: "boot" }, now: Now, note: Note) {
  const ordered = wasOrdered(watch, now);
  // One that is refused is repeated, and is no other one.
  if (ordered || outcome !== "accepted" || ORDERED.test(reason ?? "")) return undefined;
  watch.bootsMs = [...watch.bootsMs.filter((ms) => now.monoMs - ms < HOUR_MS), now.monoMs].slice(-MANY_RESTARTS);
  if (watch.bootsMs.length < MANY_RESTARTS) return undefined;
  return note("restarts", 0, `the station booted ${MANY_RESTARTS} times within an hour, and nobody ordered it to`
    + (reason === undefined ? "" : `; it says: ${reason.slice(0, 32)}`));
}

function lateHeartbeat({ open, heartbeatEveryMs: askedMs, usual, lastFrameMs }: FaultWatch, now: Now, note: Note) {
  const everyMs = askedMs ?? (usual.beats < KNOWN_BEATS ? 0 : usual.everyMs);
  if (everyMs <= 0 || lastFrameMs === undefined) return undefined;
  const silentMs = now.monoMs - lastFrameMs;
  if (silentMs <= HEARTBEATS_LATE * everyMs) return void open.delete("heartbeat-late 0");
  return note("heartbeat-late", 0, `nothing heard for ${Math.round(silentMs / SECOND_MS)} s; a heartbeat `
    + `${askedMs === undefined ? "usually came" : "was asked for"} every ${Math.round(everyMs / SECOND_MS)} s`);
}

function faultInTransaction(watch: FaultWatch, seen: Observation, now: Now, note: Note): FaultNote | undefined {
  const { running } = watch;
  if (seen.kind === "transaction-started") return void start(running, seen, now);
  if (seen.kind === "reported-reading") {
    const known = running.get(seen.reading.evseId);
    const registerWh = seen.reading.energyImportWh;
    if (known === undefined || seen.offline) return undefined;
    // Readings by the clock name no transaction (2.0.1, J01): they are of it, and maybe of another register.
    const isOwn = seen.transactionId === known.transactionId;
    if (isOwn || seen.transactionId === undefined) known.readings += 1;
    if (!isOwn) return undefined;
    const before = known.registerWh ?? registerWh;
    if (registerWh === undefined || before === undefined) return undefined;
    noteStood(known, registerWh !== known.registerWh, plausible(seen.reading.powerW), now.monoMs - known.atMs);
    Object.assign(known, { registerWh, atMs: now.monoMs });
    if (known.stoodWh > STUCK_WH) {
      return note("register-stuck", seen.reading.evseId, `the reported register stands at ${registerWh} Wh, and by its `
        + `own power the station delivered ${(known.stoodWh / 1_000).toFixed(1)} kWh meanwhile`);
    }
    if (registerWh >= before) return undefined;
    return note("register-stepped-back", seen.reading.evseId,
      `the reported register went from ${before} to ${registerWh} Wh within a transaction`);
  }
  if (seen.kind !== "transaction-ended") return undefined;
  const known = end(running, seen);
  if (seen.reason !== undefined && STOPPED_BY_FAULT.has(seen.reason)) {
    return note("stopped-by-fault", seen.evseId, `a transaction ended by ${seen.reason}`);
  }
  if (known === undefined || known.readings > 0 || seen.offline || now.monoMs - known.sinceMs < READINGS_DUE_MS) {
    return undefined;
  }
  return note("no-meter-values", seen.evseId, "a transaction of "
    + `${Math.round((now.monoMs - known.sinceMs) / MINUTE_MS)} minutes without one meter value`);
}

function start(running: Map<number, Running>, seen: Observation & { kind: "transaction-started" }, now: Now): void {
  if (seen.offline) return;
  const { transactionId, evseId, registerWh } = seen;
  const last = running.get(evseId);
  const stoodWh = last?.registerWh === registerWh ? last?.stoodWh ?? 0 : 0;
  if (running.size >= MOST_NOTES) running.clear();
  running.set(evseId, { transactionId, sinceMs: now.monoMs, readings: 0, atMs: now.monoMs, ended: false,
    stoodWh, ...(stoodWh > 0 && registerWh !== undefined && { registerWh }) });
}

/** The transaction that ends; what its register stood over is kept until the next start. */
function end(running: Map<number, Running>, { evseId, registerWh }: Observation & { kind: "transaction-ended" }) {
  const known = running.get(evseId);
  if (known?.ended === true) return undefined;
  if (known !== undefined && known.stoodWh > 0 && known.registerWh === registerWh) known.ended = true;
  else running.delete(evseId);
  return known;
}

/** Faults that last until something says otherwise; the others are moments. */
const LASTING: ReadonlySet<Fault> = new Set<Fault>(["connector-fault", "meter-lost", "heartbeat-late", "link-down"]);

/** What lasts is told when it begins, but one that flaps not each time; a moment once a day. */
function tell({ open, told }: FaultWatch, found: FaultNote, now: Now): Effect[] {
  const key = `${found.fault} ${found.evseId}`;
  const begins = LASTING.has(found.fault) && !open.has(key);
  if (begins && open.size < MOST_NOTES) open.set(key, found);
  const last = told.get(key);
  const pause = begins ? FLAPS_MS : TELL_AGAIN_MS;
  if (last !== undefined && now.monoMs - last < pause) return [];
  if (told.size >= MOST_NOTES) told.clear();
  told.set(key, now.monoMs);
  return [{ kind: "fault", ...found }];
}
