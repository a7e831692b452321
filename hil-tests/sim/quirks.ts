/** Harmless ways in which real stations break the rules (facts: seen on honest chargers). All off by default. */
export interface Quirks {
  /** The register that the station reports starts again from zero. */
  readonly registerResets?: "session" | "boot";
  readonly energyInKwh?: boolean;
  readonly noMeterValues?: boolean;
  /** The station's clock is this far ahead of UTC, ms. */
  readonly clockOffsetMs?: number;
  /** Time stamps in local time without a zone. */
  readonly localTimestamps?: boolean;
  /** One more reading comes after the end of the transaction, above its last register. */
  readonly readingAfterStop?: boolean;
  /** Step of the independent meter's register, Wh: 100 on a Carlo Gavazzi EM340. */
  readonly meterStepWh?: number;
}
