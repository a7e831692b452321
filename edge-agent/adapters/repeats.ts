/** Whether the same was just heard from the same: a link that comes or goes brings over the other what it may have. */
import { createHash } from "node:crypto";
import type { MonotonicMs } from "../../models/units.ts";

const WITHIN_MS = 1_000;
/** A second of the largest rate; the oldest are forgotten beyond it. */
const MOST_KEPT = 4_096;

export class Repeats {
  readonly #heard = new Map<string, MonotonicMs>();

  /** True when this very message came from this sender within the last second. */
  isRepeat(from: string, topic: string, payload: Uint8Array, now: MonotonicMs): boolean {
    const name = createHash("sha256").update(`${from}\n${topic}\n`).update(payload).digest("base64");
    const at = this.#heard.get(name);
    if (at !== undefined && now - at <= WITHIN_MS) return true;
    this.#heard.delete(name);
    this.#heard.set(name, now);
    for (const [oldest, heardAt] of this.#heard) {
      if (now - heardAt <= WITHIN_MS && this.#heard.size <= MOST_KEPT) break;
      this.#heard.delete(oldest);
    }
    return false;
  }
}
