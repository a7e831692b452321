/**
 * Which of a region's brokers a zone uses, when the list is shared by many zones: those with the highest hash of zone
 * and address (rendezvous hashing, Thaler and Ravishankar 1998). All members of a zone choose the same ones without a
 * word, zones are spread evenly, and a broker that is added or taken away moves only its own share of the zones.
 */
import type { Crypto } from "../models/crypto.ts";

const text = new TextEncoder();

/** @param urlOf the address as all members have it in their configuration */
export function brokersOf<T>(
  crypto: Crypto, zone: string, brokers: readonly T[], atOnce: number, urlOf: (broker: T) => string,
): readonly T[] {
  if (atOnce >= brokers.length) return brokers;
  const ranked = brokers.map((broker) => ({ broker, rank: crypto.sha256(text.encode(`${zone}\n${urlOf(broker)}`)) }));
  return ranked.sort((a, b) => compare(b.rank, a.rank)).slice(0, atOnce).map(({ broker }) => broker);
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}
