/**
 * What a meter model is: a conversation in register reads that ends in a measurement. Pure: the reader in
 * `adapters` carries the conversation out, so that every model can be tested without a socket.
 */
import type { Reading } from "../../../models/terms.ts";

export type MeterProblemKind =
  /** The link could not be opened, or was dropped. */
  | "connection"
  | "time-out"
  /** Bytes that are not a Modbus answer to what was asked, or no JSON. */
  | "protocol"
  /** The meter refused, with a Modbus exception code. */
  | "exception"
  /** The register map that the configuration names is not there. */
  | "wrong-model"
  /** A number that no meter of a charging station can mean. */
  | "bad-value";

/** Why there is no measurement; `says` is one plain clause of bounded length. */
export interface MeterProblem {
  readonly kind: MeterProblemKind;
  readonly says: string;
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: MeterProblem };

/** Registers to read: function 3 (holding) or 4 (input), 0-based address, 1 to 125 registers. */
export interface RegisterRead {
  readonly functionCode: 3 | 4;
  readonly address: number;
  readonly count: number;
}

/** The meter's answer to one RegisterRead; `registers` holds exactly `count` values of 16 bits. */
export type RegisterAnswer =
  | { readonly kind: "registers"; readonly registers: readonly number[] }
  | { readonly kind: "exception"; readonly code: number; readonly says: string };

/** Yields what to read next, is resumed with the answer, returns the result. */
export type Conversation<T> = Generator<RegisterRead, Result<T>, RegisterAnswer>;

/** A reading before it is known whose it is. */
export type Measurement = Omit<Reading, "evseId">;

/** What a meter's reader counts. */
export interface MeterStats {
  readonly readings: number;
  readonly failures: number;
  /** Times that a meter which gave readings, or was new, stopped giving them. */
  readonly losses: number;
  readonly lost: boolean;
  readonly lastReading?: Reading;
  /** Absent before the first failure; kept after recovery. */
  readonly lastProblem?: MeterProblem;
}

export interface MeterModel {
  /** Finds where the map begins; asked once a connection. */
  find(): Conversation<number>;
  /** Takes one measurement from the map that begins at `base`. */
  measure(base: number): Conversation<Measurement>;
}

/**
 * Bounds of what a meter at a charging station can mean. They stop a garbled or hostile register from being taken
 * for energy, and are far outside anything real: the largest plugs (MCS) carry 3.75 MW at 1250 V and 3000 A, and the
 * largest register of the supported meters holds 10 GWh.
 */
const BOUNDS: Record<keyof Measurement, { min: number; max: number; name: string }> = {
  powerW: { min: -1e7, max: 1e7, name: "power (W)" },
  energyImportWh: { min: 0, max: 1e12, name: "imported energy (Wh)" },
  energyExportWh: { min: 0, max: 1e12, name: "exported energy (Wh)" },
  currentA: { min: -2e4, max: 2e4, name: "current (A)" },
  voltageV: { min: -1, max: 5e3, name: "voltage (V)" },
};

export function problem(kind: MeterProblemKind, says: string): { readonly ok: false; readonly problem: MeterProblem } {
  return { ok: false, problem: { kind, says } };
}

/** The measurement itself, or `bad-value` for the first quantity that is not finite or out of bounds. */
export function checked(measured: Measurement): Result<Measurement> {
  for (const key of Object.keys(BOUNDS) as (keyof Measurement)[]) {
    const value = measured[key];
    const { min, max, name } = BOUNDS[key];
    if (value === undefined) continue;
    if (!Number.isFinite(value)) return problem("bad-value", `the meter gave no number for its ${name}`);
    if (value < min || value > max) return problem("bad-value", `the meter gave an absurd ${name}: ${value}`);
  }
  return { ok: true, value: measured };
}
