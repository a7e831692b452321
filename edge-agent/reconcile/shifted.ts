/**
 * Whether records keep another time than the meter: an operator whose records are in local time, or whose clock was
 * wrong, is told so, and neither thief nor fraud is seen in it. Pure.
 */
import { HOUR_MS, MINUTE_MS, type WallMs } from "../../models/units.ts";
import type { Bill } from "./bills.ts";

export interface Point {
  readonly at: WallMs;
  readonly wh: number;
}

/** Zones of this world are whole quarters of an hour from UTC, from 12 behind to 14 ahead; most are whole hours. */
const STEP_MS = 30 * MINUTE_MS;
const MOST_MS = 14 * HOUR_MS;
/** Fewer bills than this fit somewhere by chance. */
const LEAST_BILLS = 5;
/** Moved, they must leave less than this share of what does not fit unmoved, and that must be much. */
const FITS_BETTER = 0.25;
const FITS_BADLY = 0.25;

/** The register at a time, between two points; undefined outside of all. */
function registerAt(points: readonly Point[], at: number): number | undefined {
  let [low, high] = [0, points.length - 1];
  if (high < 1 || at < points[0]!.at || at > points[high]!.at) return undefined;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle]!.at <= at) low = middle;
    else high = middle;
  }
  const [a, b] = [points[low]!, points[high]!];
  return a.wh + ((b.wh - a.wh) * (at - a.at)) / Math.max(1, b.at - a.at);
}

/** Energy that does not fit when all bills are moved so, Wh, and how many could be looked at. */
function misfit(
  bills: readonly Bill[], points: ReadonlyMap<number, readonly Point[]>, byMs: number,
): { readonly wh: number; readonly bills: number; readonly billedWh: number } {
  let [wh, count, billedWh] = [0, 0, 0];
  for (const { meter, startMs, endMs, energyWh } of bills) {
    const of = points.get(meter) ?? [];
    const [from, to] = [registerAt(of, startMs + byMs), registerAt(of, endMs + byMs)];
    if (from === undefined || to === undefined) continue;
    wh += Math.abs(to - from - energyWh);
    billedWh += energyWh;
    count += 1;
  }
  return { wh: count === 0 ? Infinity : wh / count, bills: count, billedWh: count === 0 ? 0 : billedWh / count };
}

/** By how much the bills must be moved to fit the meter, ms; 0 where they fit, or fit nowhere much better. */
export function bestShiftMs(bills: readonly Bill[], points: ReadonlyMap<number, readonly Point[]>): number {
  const unmoved = misfit(bills, points, 0);
  if (unmoved.bills < LEAST_BILLS || unmoved.wh < FITS_BADLY * unmoved.billedWh) return 0;
  let best = { byMs: 0, wh: unmoved.wh * FITS_BETTER };
  for (let byMs = -MOST_MS; byMs <= MOST_MS; byMs += STEP_MS) {
    const { wh, bills: count } = misfit(bills, points, byMs);
    if (count >= LEAST_BILLS && wh < best.wh) best = { byMs, wh };
  }
  return best.byMs;
}
