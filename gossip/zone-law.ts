/** The port through which the protocol is handed the zone's decision (models/agree/zone-decision.ts): integers only. */
import type { EvidenceKey } from "../models/terms.ts";

export interface Decision {
  /** Millinats. */
  readonly sum: number;
  /** How far the sum is above what raises, millinats. */
  readonly margin: number;
  /** Members whose own growth speaks for it. */
  readonly supporters: number;
  readonly raises: boolean;
}

/**
 * @param asked `growths`: newer less older evidence of the members that are listed, millinats; those that are not
 *   count as the lowest value
 */
export type Decide = (asked: {
  readonly n: number; readonly f: number; readonly key: EvidenceKey; readonly growths: readonly number[];
}) => Decision;

/** What an agent holds of its zone; members in the roster's order, statements in the order of epochs. */
export interface ZoneHistory<S> {
  readonly n: number;
  readonly f: number;
  readonly epoch: number;
  readonly members: readonly {
    readonly statements: readonly S[];
    readonly guilty?: boolean;
    /** In the order of EVIDENCE_KEYS, values that no statement is below. */
    readonly floor?: ArrayLike<number>;
  }[];
}

/** The best onset for one key, and the statements that each member's growth rests on. */
export interface Onset<S> {
  readonly key: EvidenceKey;
  readonly onset: number;
  readonly decision: Decision;
  readonly pairs: readonly ({ readonly newer: S; readonly older: S } | undefined)[];
}

export interface ZoneLaw<S> {
  readonly decide: Decide;
  /** The best onset of every key that has one; those that do not raise, or were not asked for, may be among them. */
  readonly search: (zone: ZoneHistory<S>, keys: readonly EvidenceKey[]) => readonly Onset<S>[];
}
