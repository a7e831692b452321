/** What is known of each meter and each open transaction, as plain data. */
import type { MeterSide } from "../../terms.ts";

export interface MeterTrack {
  registerWh: number;
  powerW: number;
  atMs: number;
  /** Time between its last readings, ms: between two of them its register is only guessed. */
  everyMs: number;
  /** Coarsest step that fits all that its register showed, Wh. */
  stepWh: number;
  /** When it last counted, and when it last counted or had nothing to count. */
  countedMs: number;
  movedMs: number;
  /** When its register went back last; -1: never. */
  backMs: number;
  side: MeterSide;
}

export interface TransactionTrack {
  evseId: number;
  startedMs: number;
  /** Register that the station reported at the start, Wh. */
  startWh: number | undefined;
  /** Last register that the station reported, Wh, and when. */
  reportedWh: number | undefined;
  reportedAtMs: number;
  /** The register before it stepped back, until the next report shows that it stays back, Wh. */
  steppedFromWh: number | undefined;
  /** Whether the station booted since its last report. */
  booted: boolean;
  /** Whether its register began anew since the start. */
  anew: boolean;
}

/** Beyond any register, Wh, and any power, W: a broken reading. */
const MOST_READING = 1e12;

/** The figure, unless no meter can mean it. */
export function plausible(figure: number | undefined): number | undefined {
  return figure !== undefined && Math.abs(figure) <= MOST_READING ? figure : undefined;
}

/** The coarsest step, of 100, 10 and 1 Wh, that a register may still have after it showed this figure. */
export function stepOf(stepWh: number, registerWh: number): number {
  const fits = (step: number): boolean => Math.abs(registerWh - step * Math.round(registerWh / step)) < 0.01;
  return stepWh > 1 && !fits(stepWh) ? stepOf(stepWh / 10, registerWh) : stepWh;
}
