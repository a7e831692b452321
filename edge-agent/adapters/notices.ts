/** Lines for the operator of this machine, each kind now and then only: a charger may retry every second for days. */

/** A kind is repeated after this time at the earliest. */
const REPEAT_MS = 600_000;

export class RateLimitedNotices {
  readonly #notice: (text: string) => void;
  readonly #monoMs: () => number;
  readonly #said = new Map<string, { at: number; held: number; over: boolean }>();

  constructor(notice: (text: string) => void, monoMs: () => number) {
    this.#notice = notice;
    this.#monoMs = monoMs;
  }

  /** `kind`: from a small fixed set. Never throws. */
  say(kind: string, text: string): void {
    const now = this.#monoMs();
    const last = this.#said.get(kind);
    if (last !== undefined && now - last.at < REPEAT_MS) {
      last.held += 1;
      last.over = false;
      return;
    }
    const held = last === undefined || last.held === 0 ? "" : ` (and ${last.held} times since the last such line)`;
    this.#said.set(kind, { at: now, held: 0, over: false });
    try {
      this.#notice(text + held);
    } catch {
      // Whoever prints it is in trouble; the traffic is not.
    }
  }

  /** The trouble of this kind is over. True when there had been one since the last call. */
  over(kind: string): boolean {
    const last = this.#said.get(kind);
    if (last === undefined || last.over) return false;
    last.over = true;
    return true;
  }
}
