/** How much goes one way: in all, and of late. */
import { MINUTE_MS, SECOND_MS } from "../../models/units.ts";

export interface FlowStats {
  readonly messages: number;
  readonly bytes: number;
  /** Over the last one to two minutes, or since the start. */
  readonly messagesPerS: number;
  readonly bytesPerS: number;
}

interface Mark {
  readonly at: number;
  readonly messages: number;
  readonly bytes: number;
}

/** Costs an addition for each message; two marks, a minute apart, tell the rate. */
export class FlowMeter {
  readonly #monoMs: () => number;
  #messages = 0;
  #bytes = 0;
  #before: Mark;
  #mark: Mark;

  constructor(monoMs: () => number) {
    this.#monoMs = monoMs;
    this.#before = this.#mark = { at: monoMs(), messages: 0, bytes: 0 };
  }

  add(bytes: number): void {
    this.#roll();
    this.#messages += 1;
    this.#bytes += bytes;
  }

  stats(): FlowStats {
    const now = this.#roll();
    const [messages, bytes, before] = [this.#messages, this.#bytes, this.#before];
    const seconds = Math.max(1, (now - before.at) / SECOND_MS);
    const perS = (from: number, to: number): number => (to - from) / seconds;
    return {
      messages, bytes, messagesPerS: perS(before.messages, messages), bytesPerS: perS(before.bytes, bytes),
    };
  }

  #roll(): number {
    const now = this.#monoMs();
    if (now - this.#mark.at >= MINUTE_MS) {
      this.#before = this.#mark;
      this.#mark = { at: now, messages: this.#messages, bytes: this.#bytes };
    }
    return now;
  }
}
