/**
 * What was asked for in vain: files that neighbours offer (rosters, SPEC.md, section 2a; releases, section 13), and
 * since which epoch they are left alone. An offer is refused by its file and whose it is: a liar's silence is its own.
 */
import type { StationId } from "../models/units.ts";

/** The epoch by name, in the order in which they came. */
export type Refused = Map<string, number>;

/** What was refused is not looked at again before so many epochs. */
const REFUSED_FOR = 64;
const MOST_REFUSED = 64;

/** @param hash of the file, hexadecimal */
export const offerName = (hash: string, from: StationId): string => `${hash} ${from}`;

export function refuse(refused: Refused, name: string, epoch: number): void {
  if (refused.size >= MOST_REFUSED) refused.delete(refused.keys().next().value!);
  refused.set(name, epoch);
}

/** At an epoch's start: what was refused long ago is looked at again. */
export function forgetRefused(refused: Refused, epoch: number): void {
  for (const [name, since] of refused) if (Math.abs(epoch - since) > REFUSED_FOR) refused.delete(name);
}
