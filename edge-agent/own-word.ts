/**
 * What an agent may still send when its log takes no more. Its word rests on the log: an entry holds what it said, and
 * its statement of the epoch reserves that epoch's votes. What was said and is not on the disk could be said otherwise
 * after a restart, above all when the clock was set back meanwhile, and that would be guilt or a second vote.
 */
import type { Kind } from "../gossip/message.ts";
import type { Outgoing } from "../gossip/protocol-state.ts";

const RESTS_ON_LOG: ReadonlySet<Kind> = new Set<Kind>([
  "statement", "checkpoint", "cosignature", "proposal", "vote", "certificate", "attestation",
]);

/** What others said, and what binds nobody. */
export function withoutOwnWord(messages: readonly Outgoing[]): Outgoing[] {
  return messages.filter(({ kind, relayed }) => relayed === true || !RESTS_ON_LOG.has(kind));
}
