/** What is going on at the EVSEs: open transactions, whether somebody began them remotely, and the power they draw. */
import type { Observation } from "../terms.ts";
import { HOUR_MS, MINUTE_MS, type Now } from "../units.ts";

export interface Session {
  readonly id: string;
  readonly evseId: number;
  remote: boolean;
}

export interface Sessions {
  open: Session[];
  /** By EVSE (0: the whole station): last power, W; last import register, Wh, -1: none; and when, monotonic ms. */
  flow: Record<string, { powerW: number; registerWh: number; atMs: number }>;
  remoteStartMs: number;
}

const MOST_OPEN = 32;
const MOST_EVSES = 32;
/** IEC 61851-1 lets no EV charge below 6 A: 1,380 W on one phase. */
export const CHARGING_W = 1_000;
/** A reading that is older says nothing of now. */
const FRESH_MS = 20 * MINUTE_MS;
/** A remote start waits this long for its driver (ConnectionTimeOut is a minute or two). */
const REMOTE_START_MS = 5 * MINUTE_MS;

export function createSessions(): Sessions {
  return { open: [], flow: {}, remoteStartMs: -1 };
}

/** Takes in what an observation tells of sessions. */
export function noteSession(sessions: Sessions, seen: Observation, now: Now): void {
  switch (seen.kind) {
    case "transaction-started": {
      const began = sessions.remoteStartMs >= 0 && now.monoMs - sessions.remoteStartMs < REMOTE_START_MS;
      // On one EVSE a new transaction ends one whose stop was lost.
      const others = sessions.open.filter(({ id, evseId }) => id !== seen.transactionId && evseId !== seen.evseId);
      sessions.open = [...others, { id: seen.transactionId, evseId: seen.evseId, remote: began }].slice(-MOST_OPEN);
      return;
    }
    case "transaction-ended":
      sessions.open = sessions.open.filter(({ id }) => id !== seen.transactionId);
      return;
    case "command":
      if (seen.command !== "remote-start" || seen.outcome !== "accepted") return;
      sessions.remoteStartMs = now.monoMs;
      // 2.0.1 may have begun the transaction with the cable already, and then names it in the result (F02).
      for (const one of sessions.open) if (one.id === seen.transactionId) one.remote = true;
      return;
    case "meter-reading":
      return noteFlow(sessions, seen.reading, now);
    case "reported-reading":
      return seen.offline ? undefined : noteFlow(sessions, seen.reading, now);
  }
}

/** Power as it is read, or else as the register grows. */
function noteFlow(
  sessions: Sessions, { evseId, powerW, energyImportWh }: { evseId: number; powerW?: number; energyImportWh?: number },
  now: Now,
): void {
  const key = String(evseId);
  const before = Object.hasOwn(sessions.flow, key) ? sessions.flow[key] : undefined;
  if (before === undefined && Object.keys(sessions.flow).length >= MOST_EVSES) return;
  const has = energyImportWh !== undefined && Number.isFinite(energyImportWh);
  if (powerW !== undefined && Number.isFinite(powerW)) {
    sessions.flow[key] = { powerW, registerWh: has ? energyImportWh : before?.registerWh ?? -1, atMs: now.monoMs };
  } else if (has) {
    const elapsed = now.monoMs - (before?.atMs ?? now.monoMs);
    const grownW = before === undefined || before.registerWh < 0 || elapsed <= 0 ? 0
      : ((energyImportWh - before.registerWh) * HOUR_MS) / elapsed;
    sessions.flow[key] = { powerW: Number.isFinite(grownW) ? grownW : 0, registerWh: energyImportWh, atMs: now.monoMs };
  }
}

/** Whether an open session draws power now, by a meter of its EVSE or of the whole station. */
export function draws(sessions: Sessions, { evseId }: { readonly evseId: number }, now: Now): boolean {
  return [evseId, 0].some((id) => {
    const flow = Object.hasOwn(sessions.flow, id) ? sessions.flow[id] : undefined;
    return flow !== undefined && now.monoMs - flow.atMs < FRESH_MS && flow.powerW > CHARGING_W;
  });
}
