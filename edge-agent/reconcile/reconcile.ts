/**
 * The operator's records against the agent's own meter: by session, day and month, with what the meters' classes allow,
 * and as evidence of energy-theft (more delivered than billed) and billing-inflation (less). Pure.
 */
import {
  allowClass, createRecords, METER_CLASSES, type MeterClass, observeRecords, type Records,
} from "../../models/detect/energy/records.ts";
import { createStandby, standbyOf } from "../../models/detect/energy/standby.ts";
import { holdReading } from "../../models/detect/energy/tracks.ts";
import { createOpine, opine, type OpineState } from "../../models/opine/opine.ts";
import type { Belief, MeterSide, Observation, Reading } from "../../models/terms.ts";
import { HOUR_MS, MINUTE_MS, type MonotonicMs, type Now, type WallMs } from "../../models/units.ts";
import type { Bill } from "./bills.ts";
import { Periods, type PeriodRow } from "./periods.ts";
import { bestShiftMs, type Point } from "./shifted.ts";

/** The classes of the agent's meter and of the one that bills. */
export interface Classes {
  readonly own: MeterClass;
  readonly billing: MeterClass;
}

export type State = "agrees" | "theft" | "inflation" | "not-compared";

export interface Judged {
  /** Delivered less what stands by and what was billed, Wh. */
  readonly differenceWh: number;
  readonly allowedWh: number;
  readonly state: State;
}

export interface SessionRow extends Judged {
  readonly bill: Bill;
  /** Undefined: the meter was not read, or went back, around it. */
  readonly deliveredWh: number | undefined;
}

export type JudgedPeriod = PeriodRow & Judged;

export interface Reconciled {
  readonly sessions: readonly SessionRow[];
  readonly periods: readonly JudgedPeriod[];
  /** The highest that each threat came to, where anything spoke for it. */
  readonly beliefs: readonly Belief[];
  /** By how much all records seem moved against the meter's clock, ms; 0: they are not. Then beliefs say nothing. */
  readonly movedMs: number;
}

/** Between its last reading before a start, or its first one after an end, and the record. */
const READ_WITHIN_MS = 15 * MINUTE_MS;
/** The losses of a DC charger that is metered before it, beyond the classes (facts: 4 to 10 %). */
const MOST_LOSS = 0.12;
/** Registers move in steps: one at each end of what is compared. */
const STEP_WH = 10;
/** Standard deviations of standby that are doubt. */
const DOUBTS = 3;
const POINT_EVERY_MS = 5 * MINUTE_MS;
const MOST_POINTS = 200_000;

interface Meter {
  readonly side: MeterSide;
  readonly periods: Periods;
  readonly points: Point[];
  /** The last reading. */
  at: WallMs;
  wh: number;
  /** Bills that are going on. */
  open: number;
}

interface Edge {
  readonly at: WallMs;
  readonly isEnd: boolean;
  readonly no: number;
}

/** The reading before a start, and the register there; or why there is none. */
interface Begun {
  readonly wh: number | undefined;
}

export class Reconciler {
  readonly #bills: readonly Bill[];
  readonly #share: number;
  readonly #edges: readonly Edge[];
  readonly #records: Records = createRecords();
  readonly #opine: OpineState = createOpine();
  readonly #meters = new Map<number, Meter>();
  readonly #begun = new Map<number, Begun>();
  /** Bills that ended and wait for the meter's next reading, and when they did. */
  readonly #ended = new Set<number>();
  readonly #delivered = new Map<number, number>();
  readonly #beliefs = new Map<string, Belief>();
  /** Of all bills so far under a meter: registers that go on, as a station's do. */
  readonly #billedWh = new Map<number, number>();
  readonly #held: Record<string, number> = {};
  #next = 0;

  constructor(bills: readonly Bill[], { own, billing }: Classes) {
    this.#bills = bills;
    this.#share = METER_CLASSES[own] + METER_CLASSES[billing];
    this.#edges = bills.flatMap(({ startMs, endMs }, no) =>
      [{ at: startMs, isEnd: false, no }, { at: endMs, isEnd: true, no }])
      // Where one ends as the next begins, it ends first; a record without length begins first.
      .sort((a, b) => a.at - b.at || (a.no === b.no ? Number(a.isEnd) - Number(b.isEnd)
        : Number(b.isEnd) - Number(a.isEnd)));
  }

  /** Readings in order of time; one out of order is not taken. */
  reading(at: WallMs, told: Reading, side: MeterSide): void {
    const reading = holdReading(this.#held, told);
    const { evseId, energyImportWh: wh } = reading;
    const meter = this.#meters.get(evseId);
    if (wh === undefined || (meter !== undefined && at < meter.at)) return;
    this.#passEdges((edge) => edge.at < at || (edge.at === at && edge.isEnd));
    if (meter === undefined) allowClass(this.#records, evseId, side, this.#share);
    const known = meter ?? { side, periods: new Periods(evseId), points: [], at, wh, open: 0 };
    this.#meters.set(evseId, known);
    this.#settle(evseId, known, at, wh);
    const last = known.points.at(-1);
    if ((last === undefined || at - last.at >= POINT_EVERY_MS) && known.points.length < MOST_POINTS) {
      known.points.push({ at, wh });
    }
    Object.assign(known, { at, wh });
    this.#see({ kind: "meter-reading", at, reading, side }, at);
    known.periods.reading(at, wh, known.open > 0, this.#standbyW(evseId));
  }

  end(): Reconciled {
    this.#passEdges(() => true);
    for (const [evseId, { periods }] of this.#meters) periods.end(this.#standbyW(evseId));
    const movedMs = bestShiftMs(this.#bills, new Map([...this.#meters].map(([id, { points }]) => [id, points])));
    return {
      movedMs, sessions: this.#bills.map((bill, no) => this.#sessionRow(bill, this.#delivered.get(no))),
      periods: [...this.#meters.values()].flatMap(({ periods: { rows } }) => rows.map((row) => this.#periodRow(row))),
      beliefs: movedMs === 0 ? [...this.#beliefs.values()] : [],
    };
  }

  #passEdges(isDue: (edge: Edge) => boolean): void {
    for (let edge = this.#edges[this.#next]; edge !== undefined && isDue(edge); edge = this.#edges[this.#next]) {
      this.#next += 1;
      if (edge.isEnd) this.#endBill(edge.no, edge.at);
      else this.#startBill(edge.no, edge.at);
    }
  }

  #startBill(no: number, at: WallMs): void {
    const { meter: key, evseId } = this.#bills[no]!;
    const meter = this.#meters.get(key);
    // What one that just ended took cannot be told from this one's any more.
    for (const other of this.#ended) if (this.#bills[other]!.meter === key) this.#ended.delete(other);
    this.#begun.set(no, { wh: meter !== undefined && at - meter.at <= READ_WITHIN_MS ? meter.wh : undefined });
    if (meter !== undefined) meter.open += 1;
    this.#see({ kind: "transaction-started", at, transactionId: String(no), evseId,
      registerWh: this.#billedWh.get(key) ?? 0, offline: false }, at);
  }

  #endBill(no: number, at: WallMs): void {
    const { meter: key, evseId, energyWh } = this.#bills[no]!;
    const meter = this.#meters.get(key);
    const registerWh = (this.#billedWh.get(key) ?? 0) + energyWh;
    this.#billedWh.set(key, registerWh);
    if (meter !== undefined) meter.open = Math.max(0, meter.open - 1);
    meter?.periods.bill(energyWh);
    this.#ended.add(no);
    this.#see({ kind: "transaction-ended", at, transactionId: String(no), evseId, registerWh, offline: false }, at);
  }

  /** The first reading after an end tells what was delivered. */
  #settle(key: number, before: Meter, at: WallMs, wh: number): void {
    for (const no of this.#ended) {
      const bill = this.#bills[no]!;
      if (bill.meter !== key) continue;
      this.#ended.delete(no);
      const from = this.#begun.get(no)?.wh;
      if (from === undefined || at - bill.endMs > READ_WITHIN_MS || wh < before.wh || before.wh < from) continue;
      this.#delivered.set(no, wh - from);
    }
  }

  #see(seen: Observation, at: WallMs): void {
    const now: Now = { wallMs: at, monoMs: at as number as MonotonicMs };
    const findings = observeRecords(this.#records, seen, now)
      .filter(({ key }) => key === "energy-theft" || key === "billing-inflation");
    for (const belief of opine(this.#opine, findings, now)) {
      const before = this.#beliefs.get(belief.key);
      if (belief.sinceOnsetNats > (before?.sinceOnsetNats ?? 0)) this.#beliefs.set(belief.key, belief);
    }
  }

  #standbyW(key: number): number {
    return standbyOf(this.#records.balance.standby[String(key)] ?? createStandby()).meanW;
  }

  #judge(key: number, hours: number, delivered: number, billedWh: number, standbyWh: number): Judged {
    const { sdW } = standbyOf(this.#records.balance.standby[String(key)] ?? createStandby());
    const differenceWh = delivered - standbyWh - billedWh;
    const doubtWh = 2 * STEP_WH + DOUBTS * sdW * hours;
    const loss = differenceWh > 0 && this.#meters.get(key)?.side === "ac-input" ? MOST_LOSS : 0;
    const allowedWh = doubtWh + this.#share * Math.max(delivered, billedWh) + loss * billedWh;
    return { differenceWh, allowedWh, state: Math.abs(differenceWh) <= allowedWh ? "agrees"
      : differenceWh > 0 ? "theft" : "inflation" };
  }

  #sessionRow(bill: Bill, deliveredWh: number | undefined): SessionRow {
    if (deliveredWh === undefined) {
      return { bill, deliveredWh, differenceWh: 0, allowedWh: 0, state: "not-compared" };
    }
    const hours = (bill.endMs - bill.startMs) / HOUR_MS;
    const standbyWh = this.#standbyW(bill.meter) * hours;
    return { bill, deliveredWh, ...this.#judge(bill.meter, hours, deliveredWh, bill.energyWh, standbyWh) };
  }

  #periodRow(row: PeriodRow): JudgedPeriod {
    const judged = this.#judge(row.meter, row.hours, row.deliveredWh, row.billedWh, row.standbyWh);
    return { ...row, ...judged, ...(row.broken && { state: "not-compared" as const }) };
  }
}
