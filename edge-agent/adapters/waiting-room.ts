/**
 * Connections that are not upgraded yet, and who makes room when there are too many: first the one that has waited
 * longest for its charger's request, then the oldest of the address that holds the most places. So neither slow senders
 * nor one busy stranger, while the CSMS is slow to answer, keep a charger out.
 */
import type { Socket } from "node:net";

/** Of a connection, what counts here. */
export type Waiter = Pick<Socket, "remoteAddress" | "destroy">;

interface Place {
  readonly from: string;
  waitsFor: "charger" | "csms";
}

export class WaitingRoom<T extends Waiter = Socket> {
  /** Oldest first. */
  readonly #places = new Map<T, Place>();

  /** False: there is no room for it. Whoever makes room is destroyed, and leaves. */
  enter(one: T, most: number): boolean {
    const from = one.remoteAddress ?? "";
    if (this.#places.size >= most) {
      const out = this.#noRequestYet() ?? this.#oldestOfTheBusiest(from);
      if (out === undefined) return false;
      this.#places.delete(out);
      out.destroy();
    }
    this.#places.set(one, { from, waitsFor: "charger" });
    return true;
  }

  /** Its request is whole: from now on it waits for the CSMS. */
  requested(one: T): void {
    const place = this.#places.get(one);
    if (place !== undefined) place.waitsFor = "csms";
  }

  leave(one: T): void {
    this.#places.delete(one);
  }

  #noRequestYet(): T | undefined {
    return [...this.#places].find(([, { waitsFor }]) => waitsFor === "charger")?.[0];
  }

  /** Undefined where no address would still hold as many places as the new one. */
  #oldestOfTheBusiest(newcomer: string): T | undefined {
    const held = new Map<string, number>();
    for (const { from } of this.#places.values()) held.set(from, (held.get(from) ?? 0) + 1);
    const [busiest = newcomer, places = 0] = [...held].sort(([, a], [, b]) => b - a)[0] ?? [];
    if (places < (held.get(newcomer) ?? 0) + 2) return undefined;
    return [...this.#places].find(([, { from }]) => from === busiest)?.[0];
  }
}
