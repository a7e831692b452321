/**
 * What went out on a connection and is not known to have arrived. MQTT's QoS 0 tells nothing, but TCP keeps the order:
 * whoever answers a PINGREQ has received all that went out before it. So this costs no byte on the wire.
 */
import type { MonotonicMs } from "../../models/units.ts";

export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
}

export class Unconfirmed {
  readonly #most: number;
  readonly #mostBytes: number;
  readonly #forMs: number;
  #bytes = 0;
  #messages: (Message & { readonly at: MonotonicMs })[] = [];
  /** How many of them went out before the ping that is not answered yet. */
  #beforePing = 0;

  /** The newest are kept, so many and so many bytes at most, and none for longer: what is older is news to nobody. */
  constructor(most: number, mostBytes: number, forMs: number) {
    this.#most = most;
    this.#mostBytes = mostBytes;
    this.#forMs = forMs;
  }

  add(message: Message, at: MonotonicMs): void {
    this.#messages.push({ ...message, at });
    this.#bytes += message.payload.length;
    this.#forget(at);
  }

  pinged(): void {
    this.#beforePing = this.#messages.length;
  }

  answered(): void {
    this.#drop(this.#beforePing);
  }

  /** Oldest first. They stay; `clear` when the connection is over. */
  all(now: MonotonicMs): readonly Message[] {
    this.#forget(now);
    return this.#messages.map(({ topic, payload }) => ({ topic, payload }));
  }

  clear(): void {
    this.#drop(this.#messages.length);
  }

  #forget(now: MonotonicMs): void {
    let [gone, bytes] = [0, this.#bytes];
    for (const { payload, at } of this.#messages) {
      const isKept = this.#messages.length - gone <= this.#most && bytes <= this.#mostBytes && now - at <= this.#forMs;
      if (isKept) break;
      gone += 1;
      bytes -= payload.length;
    }
    this.#drop(gone);
  }

  #drop(oldest: number): void {
    for (const { payload } of this.#messages.splice(0, oldest)) this.#bytes -= payload.length;
    this.#beforePing = Math.max(0, this.#beforePing - oldest);
  }
}
