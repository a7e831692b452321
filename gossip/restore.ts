/** What a restarted agent takes over from its own log: all of it is checked again against the roster in force. */
import { verifyCertificate, readMessage, type Certificate } from "./certificate.ts";
import { checkProof } from "./equivocation.ts";
import { type Incidents, REMEMBERED_EPOCHS } from "./incidents.ts";
import type { ProtocolState } from "./protocol-state.ts";
import { setGuilty } from "./zone-view.ts";

/**
 * Incidents that are still remembered, as their certificates tell; certificates of another roster or zone are left
 * aside. Leases that ended meanwhile lapse at the next epoch's start.
 * @param logged as their certificates were read, no signature looked at
 */
export function restoreIncidents(state: ProtocolState, logged: Incidents, epoch: number): void {
  const isGood = ({ whole }: Certificate): boolean => verifyCertificate(whole, state.directory, state.crypto).ok;
  for (const [keyIndex, { first, newest, between, before }] of logged) {
    if (newest.epoch + REMEMBERED_EPOCHS < epoch) continue;
    const good = [first, ...between, newest].filter(isGood);
    const [oldest, last] = [good[0], good.at(-1)];
    if (oldest === undefined || last === undefined) continue;
    state.incidents.set(keyIndex, {
      first: oldest, newest: last, between: good.slice(1, -1), lapsed: false,
      ...(before !== undefined && isGood(before.first) && { before }),
    });
  }
}

/** The guilt that a whole proof message proves of a member; any other message is left aside. */
export function restoreGuilt(state: ProtocolState, whole: Uint8Array): void {
  const proof = readMessage("proof", whole);
  const culprit = proof && checkProof(proof.content, state.directory, state.crypto);
  if (culprit !== undefined) setGuilty(state.view, culprit, proof!);
}
