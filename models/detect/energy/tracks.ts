/** What is known of each meter and each open transaction, as plain data. */
import type { MeterSide, Reading } from "../../terms.ts";
import { HOUR_MS } from "../../units.ts";
import { hasRoom } from "../detector.ts";
import { RESOLUTION_WH } from "./agreement.ts";

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

export interface TransactionTrack extends Stood {
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
  booted?: boolean | undefined;
  /** Whether its register began anew since the start. */
  anew?: boolean | undefined;
  /** What its stamps were behind the agent's clock at its start, s, and as a later block began. */
  startLateS: number | undefined;
  lateS?: number | undefined;
}

/** What a station's own reports of power came to while its register stood, Wh, and the last of them, W. */
export interface Stood {
  stoodWh: number;
  toldW?: number;
}

/**
 * A register that stands while this much flows by the station's own word is stuck: two steps of the coarsest, 1 kWh.
 * One that does not move with the stop either needs less.
 */
export const STUCK_WH = 2_500;
export const STUCK_AT_END_WH = 500;
/** The most that one pause between two reports counts, ms. */
const MOST_PAUSE_MS = HOUR_MS;

/**
 * What a station says that flowed while its register stood, with one more report: power on the line between both ends
 * of the pause, and no more than at its beginning. Some tell of power when it begins and of none when it has ended.
 */
export function noteStood(stood: Stood, moved: boolean, toldW: number | undefined, pauseMs: number): void {
  if (moved) stood.stoodWh = 0;
  if (toldW === undefined) return;
  const powerW = Math.max(0, toldW);
  const beforeW = stood.toldW ?? powerW;
  const meanW = Math.min(beforeW, (beforeW + powerW) / 2);
  stood.toldW = powerW;
  if (!moved) stood.stoodWh += (meanW * Math.min(MOST_PAUSE_MS, Math.max(0, pauseMs))) / HOUR_MS;
}

/** Beyond any register, Wh, and any power, W: a broken reading. */
const MOST_READING = 1e12;

/** The figure, unless no meter can mean it. */
export function plausible(figure: number | undefined): number | undefined {
  return figure !== undefined && Math.abs(figure) <= MOST_READING ? figure : undefined;
}

/** Registers that move in steps are found out by their figures: whole kWh as displays show, 100 Wh (EM340), finer. */
export const COARSEST_WH = 1_000;

/** The coarsest step, of 1000, 100, 10 and 1 Wh, that a register may still have after it showed this figure. */
export function stepOf(stepWh: number, registerWh: number): number {
  const fits = (step: number): boolean => Math.abs(registerWh - step * Math.round(registerWh / step)) < 0.01;
  return stepWh > 1 && !fits(stepWh) ? stepOf(stepWh / 10, registerWh) : stepWh;
}

/**
 * A meter's reading as it is to be taken: a register that wavers within its resolution stands. It was neither replaced
 * nor read out of order, and whoever can make it waver must not silence by it whatever watches the register.
 * @param held by metered EVSE, the register that it is held at, Wh
 */
export function holdReading(held: Record<string, number>, reading: Reading): Reading {
  const { evseId, energyImportWh } = reading;
  const toldWh = plausible(energyImportWh);
  if (toldWh === undefined || !hasRoom(held, evseId)) return reading;
  const heldWh = held[evseId] ?? toldWh;
  const wavers = toldWh < heldWh && heldWh - toldWh <= RESOLUTION_WH;
  held[evseId] = wavers ? heldWh : toldWh;
  return wavers ? { ...reading, energyImportWh: heldWh } : reading;
}
