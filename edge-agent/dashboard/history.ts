/**
 * The last hour or so for the page's plots: what the meter measures, what the charger reports, and the highest opinion.
 * One point in a while, so that its memory is bounded and small. No clock: whoever notes says when.
 */

export interface Point {
  /** Wall clock, ms. */
  readonly at: number;
  /** Of all EVSEs, W; absent where nobody said so. */
  readonly meterW?: number;
  /** Energy since the page's history began, by the own meter and by what the charger reports, Wh. */
  readonly meterWh?: number;
  readonly reportedWh?: number;
  /** The highest opinion on a threat, in [0, 1]; 1 as well while the zone has certified anything. */
  readonly opinion?: number;
  /** The strongest opinions of its own, by key. */
  readonly opinions?: Readonly<Record<string, number>>;
  /** Incidents that the zone has certified and that stand. */
  readonly certified?: number;
}

/** Two hours of a point every 20 s. */
export const MOST_POINTS = 360;
export const POINT_EVERY_MS = 20_000;

export class History {
  readonly #points: Point[] = [];

  /** Left out when the last one was too short a time ago; a clock that was set back begins anew. */
  note(point: Point): void {
    const last = this.#points.at(-1);
    if (last !== undefined && point.at < last.at) this.#points.length = 0;
    else if (last !== undefined && point.at - last.at < POINT_EVERY_MS) return;
    this.#points.push(point);
    if (this.#points.length > MOST_POINTS) this.#points.shift();
  }

  points(): readonly Point[] {
    return this.#points;
  }
}

