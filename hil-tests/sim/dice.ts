/** Seeded chance for simulated stations: distributions on top of the one generator of the repository. */
import { seeded, type Seeded } from "../../build/seeded.ts";

export interface Dice extends Seeded {
  uniform(low: number, high: number): number;
  normal(mean: number, deviation: number): number;
  /** `sigma` is the deviation of the natural logarithm. */
  logNormal(median: number, sigma: number): number;
  exponential(mean: number): number;
  chance(probability: number): boolean;
  /** Upper-case hexadecimal digits, as card readers print a UID. */
  hex(digits: number): string;
  uuid(): string;
}

/** FNV-1a, 32 bits: gives each purpose of one seed a generator of its own, so that one more draw shifts no other. */
export function purposeSeed(seed: number, purpose: string): number {
  let hash = 0x811c9dc5;
  for (const char of `${seed}/${purpose}`) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

/** The generator of one purpose (`"sessions"`, `"meter"`) under a seed. */
export function dice(seed: number, purpose: string): Dice {
  const base = seeded(purposeSeed(seed, purpose));
  const uniform = (low: number, high: number): number => low + (high - low) * base.next();
  // Box and Muller 1958; 1 - u keeps zero away from the logarithm.
  const standard = (): number => Math.sqrt(-2 * Math.log(1 - base.next())) * Math.cos(2 * Math.PI * base.next());
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => base.int(16).toString(16)).join("").toUpperCase();
  return {
    ...base,
    uniform,
    normal: (mean, deviation) => mean + deviation * standard(),
    logNormal: (median, sigma) => median * Math.exp(sigma * standard()),
    exponential: (mean) => -mean * Math.log(1 - base.next()),
    chance: (probability) => base.next() < probability,
    hex,
    uuid() {
      const h = hex(32).toLowerCase();
      return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20)}`;
    },
  };
}
