/** What a meter counted and what was billed under it, by day and by month (UTC). Pure. */
import type { WallMs } from "../../models/units.ts";

export type Span = "day" | "month";

/** What is compared: one bill, a day or a month. */
export interface Compared {
  readonly deliveredWh: number;
  readonly billedWh: number;
  /** What the meter counts at rest, over this time. */
  readonly standbyWh: number;
}

export interface PeriodRow extends Compared {
  readonly span: Span;
  /** `2026-03-01`, `2026-03`. */
  readonly period: string;
  readonly meter: number;
  readonly hours: number;
  /** The register went back in it: what it counted is not known. */
  readonly broken: boolean;
}

interface Open {
  name: string;
  fromWh: number;
  fromMs: number;
  billedWh: number;
  broken: boolean;
}

const SPANS: readonly Span[] = ["day", "month"];
const nameOf = (span: Span, at: WallMs): string => new Date(at).toISOString().slice(0, span === "day" ? 10 : 7);

/**
 * One meter's periods. One ends with the first reading after midnight at which nothing is being billed, so that no
 * session is cut in two: its energy is of the day on which it began.
 */
export class Periods {
  readonly rows: PeriodRow[] = [];
  readonly #meter: number;
  readonly #open = new Map<Span, Open>();
  #lastWh: number | undefined;
  #lastMs = 0;

  constructor(meter: number) {
    this.#meter = meter;
  }

  /** @param standbyW what the meter is thought to count at rest */
  reading(at: WallMs, registerWh: number, isBilling: boolean, standbyW: number): void {
    const back = this.#lastWh !== undefined && registerWh < this.#lastWh;
    for (const span of SPANS) {
      const open = this.#open.get(span);
      if (open !== undefined && back) open.broken = true;
      if (open !== undefined && (open.name === nameOf(span, at) || isBilling)) continue;
      if (open !== undefined) this.#close(span, open, at, registerWh, standbyW);
      this.#open.set(span, { name: nameOf(span, at), fromWh: registerWh, fromMs: at, billedWh: 0, broken: false });
    }
    this.#lastWh = registerWh;
    this.#lastMs = at;
  }

  bill(energyWh: number): void {
    for (const open of this.#open.values()) open.billedWh += energyWh;
  }

  /** What is open ends with the last reading. */
  end(standbyW: number): void {
    for (const [span, open] of this.#open) this.#close(span, open, this.#lastMs, this.#lastWh ?? open.fromWh, standbyW);
    this.#open.clear();
  }

  #close(span: Span, { name, fromWh, fromMs, billedWh, broken }: Open, at: number, wh: number, standbyW: number): void {
    const hours = (at - fromMs) / 3_600_000;
    this.rows.push({ span, period: name, meter: this.#meter, hours, broken, billedWh, deliveredWh: wh - fromWh,
      standbyWh: standbyW * hours });
  }
}
