/**
 * How long attacked zones take from the statement with which they raise, as somebody would see who heard each at once,
 * to the first certificate that one of them makes: deliveries, the wait for a proposer's turn, votes.
 */
import { decide, type ZoneSize } from "../../../models/agree/zone-decision.ts";
import type { EvidenceKey } from "../../../models/terms.ts";
import type { StationId, ZoneId } from "../../../models/units.ts";

interface Waiting {
  /** By station: what it has stated since the attack began, millinats. */
  readonly growths: Map<StationId, number>;
  raisesMs?: number;
  certifiedMs?: number;
}

export class CertificateWaits {
  readonly #size: ZoneSize;
  readonly #key: EvidenceKey;
  readonly #zones = new Map<ZoneId, Waiting>();

  constructor(size: ZoneSize, key: EvidenceKey) {
    this.#size = size;
    this.#key = key;
  }

  stated(zone: ZoneId, station: StationId, growth: number, nowMs: number): void {
    const waiting: Waiting = this.#zones.get(zone) ?? { growths: new Map() };
    this.#zones.set(zone, waiting);
    waiting.growths.set(station, growth);
    if (waiting.raisesMs !== undefined) return;
    const { raises } = decide({ ...this.#size, key: this.#key, growths: [...waiting.growths.values()] });
    if (raises) waiting.raisesMs = nowMs;
  }

  certified(zone: ZoneId, nowMs: number): void {
    const waiting = this.#zones.get(zone);
    if (waiting !== undefined) waiting.certifiedMs ??= nowMs;
  }

  /** Of the zones that raised, ms; Infinity: not certified yet. */
  waitsMs(): number[] {
    return [...this.#zones.values()].flatMap(({ raisesMs, certifiedMs = Infinity }) =>
      (raisesMs === undefined ? [] : [certifiedMs - raisesMs]));
  }
}
