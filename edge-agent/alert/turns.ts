/**
 * Whose turn it is to tell a receiver that all members of a zone share: each computes the same order from the
 * incident's
 * id, the first tells, and the next takes over when those before it fall silent (contracts, section 4). Pure.
 */
import type { Crypto } from "../../models/crypto.ts";
import type { Alert } from "../../models/terms.ts";

/** A member, and the epoch of its newest statement that is known; below 0: none. */
export interface Teller {
  readonly station: string;
  readonly heard: number;
}

interface Held {
  readonly alert: Alert;
  readonly epoch: number;
}

/** Whoever made no statement for so many epochs is taken to be gone. */
export const SILENT_EPOCHS = 3;
const MOST_HELD = 64;

export interface Turns {
  readonly crypto: Crypto;
  /** Alerts that another tells, in case it does not. */
  held: readonly Held[];
}

export const createTurns = (crypto: Crypto): Turns => ({ crypto, held: [] });

/** Those before `own` in the order of an incident: by SHA-256 of its id and their names, another order each time. */
export function before(
  crypto: Crypto, incidentId: string, members: readonly Teller[], own: string,
): readonly Teller[] {
  const rank = (station: string): string => [...crypto.sha256(new TextEncoder().encode(`${incidentId}\n${station}`))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const mine = rank(own);
  return members.filter(({ station }) => station !== own && rank(station) < mine);
}

/** Whether to tell it now. What waits is told by `due`, or forgotten. */
export function isTurn(
  turns: Turns, alert: Alert, members: readonly Teller[], own: string, epoch: number,
): boolean {
  const earlier = before(turns.crypto, alert.incidentId, members, own);
  if (earlier.every(({ heard }) => epoch - heard >= SILENT_EPOCHS)) return true;
  turns.held = [...turns.held, { alert, epoch }].slice(-MOST_HELD);
  return false;
}

/** Alerts of which those whose turn it was have said nothing at all since. */
export function due(turns: Turns, members: readonly Teller[], own: string, epoch: number): Alert[] {
  const ripe = turns.held.filter((one) => epoch - one.epoch > SILENT_EPOCHS);
  turns.held = turns.held.filter((one) => epoch - one.epoch <= SILENT_EPOCHS);
  return ripe.filter((one) => before(turns.crypto, one.alert.incidentId, members, own)
    .every(({ heard }) => heard <= one.epoch)).map(({ alert }) => alert);
}
