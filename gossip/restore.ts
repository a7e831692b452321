/** What a restarted agent takes over from its own log: all of it is checked again against the roster in force. */
import { readMessage, verifyCertificate } from "./certificate.ts";
import { checkProof } from "./equivocation.ts";
import { type Chain, type Incidents, REMEMBERED_EPOCHS } from "./incidents.ts";
import { messageOfStatement, verifyMessage } from "./message.ts";
import type { ProtocolState } from "./protocol-state.ts";
import { namesOf } from "./reading.ts";
import type { Statement } from "./statement.ts";
import { addStatement, setGuilty } from "./zone-view.ts";

/**
 * Incidents that are still remembered, as their certificates tell; certificates of another roster or zone are left
 * aside. Leases that ended meanwhile lapse at the next epoch's start.
 * @param logged as their certificates were read, no signature looked at
 */
export function restoreIncidents(state: ProtocolState, logged: Incidents, epoch: number): void {
  for (const [threat, incident] of logged) {
    if (incident.newest.epoch + REMEMBERED_EPOCHS < epoch) continue;
    const chain = goodOf(state, incident);
    const before = incident.before && goodOf(state, incident.before);
    if (chain !== undefined) state.incidents.set(threat, { ...chain, lapsed: false, ...(before && { before }) });
  }
}

function goodOf({ directory, crypto }: ProtocolState, { first, newest, between }: Chain): Chain | undefined {
  const good = [first, ...between, newest].filter(({ whole }) => verifyCertificate(whole, directory, crypto).ok);
  const [oldest, last] = [good[0], good.at(-1)];
  return oldest && last && { first: oldest, newest: last, between: good.slice(1, -1) };
}

/** The own ones of the last epochs: others ask for them by hash, and at a site's broker nobody else may answer. */
export function restoreStatements(state: ProtocolState, logged: readonly Statement[]): void {
  const { directory: { network, zone }, self, station, signer, crypto, view } = state;
  for (const statement of logged) {
    const { body, bytes } = statement;
    const isOwn = self >= 0 && body.network === network && body.zone === zone.id && body.station === station;
    const message = messageOfStatement(statement);
    if (!isOwn || !verifyMessage(message, signer.publicKey, crypto)) continue;
    addStatement(view, self, message, namesOf(bytes, crypto));
  }
}

/** The guilt that a whole proof message proves of a member; any other message is left aside. */
export function restoreGuilt(state: ProtocolState, whole: Uint8Array): void {
  const proof = readMessage("proof", whole);
  const culprit = proof && checkProof(proof.content, state.directory, state.crypto);
  if (culprit !== undefined) setGuilty(state.view, culprit, proof!);
}
