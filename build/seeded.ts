/** A seeded generator for property tests, fuzzers and benches: the same seed gives the same run on every engine. */
export interface Seeded {
  /** Uniform in [0, 1), with 32 bits of resolution. */
  next(): number;
  /** Uniform integer in [0, n); n from 1 to 2^32. */
  int(n: number): number;
  /** One element of a list that is not empty. */
  pick<T>(from: readonly T[]): T;
  bytes(length: number): Uint8Array;
}

/** Mulberry32 (public domain, Tommy Ettinger): small and even enough for tests, of no use in cryptography. */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (n: number): number => Math.floor(next() * n);
  return {
    next,
    int,
    pick<T>(from: readonly T[]): T {
      if (from.length === 0) throw new RangeError("pick from an empty list");
      return from[int(from.length)] as T;
    },
    bytes: (length) => Uint8Array.from({ length }, () => int(256)),
  };
}

/** Standard normal (Box and Muller). */
export function normal(random: Pick<Seeded, "next">): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** Student's t with so many degrees of freedom. */
export function student(random: Pick<Seeded, "next">, freedom: number): number {
  let chi2 = 0;
  for (let n = 0; n < freedom; n++) chi2 += normal(random) ** 2;
  return normal(random) / Math.sqrt(chi2 / freedom);
}
