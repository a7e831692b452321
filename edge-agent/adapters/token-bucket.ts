/** A rate with bursts: `perS` on average, `burst` at once. */
import type { MonotonicMs } from "../../models/units.ts";

export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: MonotonicMs | undefined;

  constructor(perS: number, burst: number) {
    this.#perMs = perS / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Whether one more is within the rate; counts it if so. */
  take(now: MonotonicMs): boolean {
    const passed = now - (this.#at ?? now);
    this.#at = now;
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, passed) * this.#perMs);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
