/** Virtual time: things to do and lines to emit, both in order of time and, within a moment, of asking. */
import type { WallMs } from "../../models/units.ts";

interface Entry<T> {
  readonly at: WallMs;
  readonly order: number;
  readonly value: T;
}

/** A binary heap; equal times come out in the order in which they went in. */
export class Queue<T> {
  private readonly entries: Entry<T>[] = [];
  private order = 0;

  get first(): Entry<T> | undefined {
    return this.entries[0];
  }

  push(at: WallMs, value: T): void {
    const { entries } = this;
    const entry = { at, order: this.order++, value };
    let hole = entries.push(entry) - 1;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = entries[parent] as Entry<T>;
      if (!before(entry, above)) break;
      entries[hole] = above;
      hole = parent;
    }
    entries[hole] = entry;
  }

  pop(): Entry<T> | undefined {
    const { entries } = this;
    const top = entries[0];
    const last = entries.pop();
    if (top === undefined || last === undefined || entries.length === 0) return top;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= entries.length) break;
      const right = entries[child + 1];
      if (right !== undefined && before(right, entries[child] as Entry<T>)) child += 1;
      if (!before(entries[child] as Entry<T>, last)) break;
      entries[hole] = entries[child] as Entry<T>;
      hole = child;
    }
    entries[hole] = last;
    return top;
  }
}

function before(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

export class Timeline<T> {
  now: WallMs;
  private readonly tasks = new Queue<() => void>();
  private readonly output = new Queue<T>();

  constructor(from: WallMs) {
    this.now = from;
  }

  /** Runs `task` at `at`, or at once in order when that has passed. */
  schedule(at: WallMs, task: () => void): void {
    this.tasks.push(Math.max(at, this.now) as WallMs, task);
  }

  /** Hands `item` to the reader when its time has come; `at` is never before now. */
  emit(at: WallMs, item: T): void {
    this.output.push(Math.max(at, this.now) as WallMs, item);
  }

  /** Plays until `until`, yielding items in order of time. Holds no more than what lies in the near future. */
  *run(until: WallMs): Generator<T> {
    for (;;) {
      const task = this.tasks.first;
      const at = task !== undefined && task.at < until ? task.at : until;
      for (let item = this.output.first; item !== undefined && item.at < at; item = this.output.first) {
        this.output.pop();
        yield item.value;
      }
      if (task === undefined || task.at >= until) return;
      this.tasks.pop();
      this.now = task.at;
      task.value();
    }
  }
}
