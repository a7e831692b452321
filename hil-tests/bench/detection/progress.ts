/** A word now and then on standard error: how far a long run is, and about how long it still takes. */
export class Progress {
  readonly #name: string;
  readonly #total: number;
  readonly #began = performance.now();
  #saidAt = performance.now();

  constructor(name: string, total: number) {
    this.#name = name;
    this.#total = total;
  }

  at(done: number): void {
    const now = performance.now();
    if (now - this.#saidAt < 10_000 || done === 0) return;
    this.#saidAt = now;
    const leftS = (((now - this.#began) / done) * (this.#total - done)) / 1_000;
    console.error(`${this.#name}: ${done} of ${this.#total} done, about ${timeLeft(leftS)} left`);
  }
}

export function timeLeft(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
