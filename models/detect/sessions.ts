/** What is going on at the EVSEs: open transactions, whether somebody began them remotely, and the power they draw. */
import type { Observation } from "../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now } from "../units.ts";
import { hasRoom } from "./detector.ts";

export interface Session {
  readonly id: string;
  readonly evseId: number;
  remote: boolean;
  /** Whether it ever drew power. */
  drew: boolean;
}

export interface Sessions {
  open: Session[];
  /** By EVSE (0: the whole station): last power, W; last import register, Wh, -1: none; and when, monotonic ms. */
  flow: Record<string, { powerW: number; registerWh: number; atMs: number }>;
  remoteStartMs: number;
}

const NONE: readonly Session[] = [];
const MOST_OPEN = 32;
/** The least that a vehicle takes: 6 A (IEC 61851-1), and what they are on one phase at 207 V (EN 50160). */
export const LEAST_CHARGE_A = 6;
export const LEAST_CHARGE_W = LEAST_CHARGE_A * 207;
/** Less than that is standby, or heats a cabinet. */
export const CHARGING_W = 1_000;
/** A reading that is older says nothing of now. */
const FRESH_MS = 20 * MINUTE_MS;
/** A remote start waits this long for its driver (ConnectionTimeOut is a minute or two). */
const REMOTE_START_MS = 5 * MINUTE_MS;

export function createSessions(): Sessions {
  return { open: [], flow: {}, remoteStartMs: -1 };
}

/**
 * Takes in what an observation tells of sessions.
 * @returns the sessions that it ended
 */
export function noteSession(sessions: Sessions, seen: Observation, now: Now): readonly Session[] {
  switch (seen.kind) {
    case "transaction-started": {
      const began = sessions.remoteStartMs >= 0 && now.monoMs - sessions.remoteStartMs < REMOTE_START_MS;
      // On one EVSE a new transaction ends one whose stop was lost.
      const over = end(sessions, ({ id, evseId }) => id === seen.transactionId || evseId === seen.evseId);
      sessions.open.push({ id: seen.transactionId, evseId: seen.evseId, remote: began, drew: false });
      if (sessions.open.length > MOST_OPEN) sessions.open.shift();
      return over;
    }
    case "transaction-ended":
      return end(sessions, ({ id }) => id === seen.transactionId);
    case "command":
      if (seen.command !== "remote-start" || seen.outcome !== "accepted") return NONE;
      sessions.remoteStartMs = now.monoMs;
      // 2.0.1 may have begun the transaction with the cable already, and then names it in the result (F02).
      for (const one of sessions.open) if (one.id === seen.transactionId) one.remote = true;
      return NONE;
    case "meter-reading":
      noteFlow(sessions, seen.reading, now);
      return NONE;
    case "reported-reading":
      if (!seen.offline) noteFlow(sessions, seen.reading, now);
      return NONE;
    default:
      return NONE;
  }
}

function end(sessions: Sessions, ends: (session: Session) => boolean): readonly Session[] {
  const over = sessions.open.filter(ends);
  if (over.length > 0) sessions.open = sessions.open.filter((session) => !over.includes(session));
  return over;
}

/** Power as it is read, or else as the register grows. */
function noteFlow(
  sessions: Sessions, { evseId, powerW, energyImportWh }: { evseId: number; powerW?: number; energyImportWh?: number },
  now: Now,
): void {
  const key = String(evseId);
  const before = Object.hasOwn(sessions.flow, key) ? sessions.flow[key] : undefined;
  if (!hasRoom(sessions.flow, key)) return;
  const has = energyImportWh !== undefined && Number.isFinite(energyImportWh);
  if (powerW !== undefined && Number.isFinite(powerW)) {
    sessions.flow[key] = { powerW, registerWh: has ? energyImportWh : before?.registerWh ?? -1, atMs: now.monoMs };
  } else if (has) {
    const elapsed = now.monoMs - (before?.atMs ?? now.monoMs);
    const grownW = before === undefined || before.registerWh < 0 || elapsed <= 0 ? 0
      : ((energyImportWh - before.registerWh) * HOUR_MS) / elapsed;
    sessions.flow[key] = { powerW: Number.isFinite(grownW) ? grownW : 0, registerWh: energyImportWh, atMs: now.monoMs };
  }
  if ((sessions.flow[key]?.powerW ?? 0) <= CHARGING_W) return;
  for (const one of sessions.open) if (evseId === 0 || one.evseId === evseId) one.drew = true;
}

/** Whether an open session draws power now, by a meter of its EVSE or of the whole station. */
export function draws(sessions: Sessions, { evseId }: { readonly evseId: number }, now: Now): boolean {
  return [evseId, 0].some((id) => {
    const flow = Object.hasOwn(sessions.flow, id) ? sessions.flow[id] : undefined;
    return flow !== undefined && now.monoMs - flow.atMs < FRESH_MS && flow.powerW > CHARGING_W;
  });
}
