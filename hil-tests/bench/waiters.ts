/** Waiting for an event by its name, so that a bench waits on what happens and never on time. */
export class Waiters<T> {
  private readonly waiting = new Map<string, ((value: T) => void)[]>();

  /** Settles at the next `tell` of this name. */
  next(name: string): Promise<T> {
    return new Promise((resolve) => {
      const list = this.waiting.get(name);
      if (list === undefined) this.waiting.set(name, [resolve]);
      else list.push(resolve);
    });
  }

  tell(name: string, value: T): void {
    const list = this.waiting.get(name) ?? [];
    this.waiting.delete(name);
    for (const resolve of list) resolve(value);
  }
}
