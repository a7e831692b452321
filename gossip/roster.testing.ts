/** Rosters for tests: well formed, of any size, the same for the same seed. */
import type { Epoch, StationId, ZoneId } from "../models/units.ts";
import type { Member, Roster } from "./roster.ts";

export interface MadeOf {
  readonly zones: readonly { readonly id: string; readonly n: number; readonly f: number }[];
  readonly seed?: number;
  /** All members at one place. */
  readonly onePlace?: boolean;
  readonly version?: number;
  /** Absent: keys that belong to nobody. */
  readonly operators?: readonly Uint8Array[];
}

/** Mulberry32, as in build/seeded.ts, which gossip may not import. */
function generator(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n;
  };
}

/** Member keys look like keys and belong to nobody: 32 random bytes below p. */
export function madeRoster({ zones, seed = 1, onePlace = false, version = 1, operators }: MadeOf): Roster {
  const int = generator(seed);
  const bytes32 = (): Uint8Array => Uint8Array.from({ length: 32 }, () => int(256));
  const key = (): Uint8Array => {
    const bytes = bytes32();
    bytes[31]! &= 0x3f;
    return bytes;
  };
  const member = (zone: string, i: number): Member => ({
    station: `${zone}-${String(i).padStart(4, "0")}` as StationId, zone: zone as ZoneId,
    keys: { statement: key(), log: key(), witness: key(), tls: key() },
    address: i % 5 === 4 ? "" : `10.0.${i >> 8}.${i & 255}:8883`,
    latE6: onePlace ? 56_460_000 : 56_000_000 + int(20_000), lonE6: onePlace ? -2_970_000 : -int(40_000),
    ratedW: 22_000,
  });
  return {
    network: "example", version, previous: version === 1 ? new Uint8Array(0) : bytes32(),
    fromEpoch: 0 as Epoch, epochS: 10, threshold: 2, operators: operators ?? [key(), key(), key()],
    zones: zones.map(({ id, f }) => ({ id: id as ZoneId, ratingW: 400_000, f })),
    members: zones.flatMap(({ id, n }) => Array.from({ length: n }, (_, i) => member(id, i))),
    revoked: [key()], events: ['{"kind":"tariff","zone":"a","daily":"00:30","spreadS":600}'],
  };
}
