/** Reads a checkpoint with the cosignatures of witnesses: who vouches for it, and when each did. */
import { sameBytes } from "../../gossip/bytes.ts";
import type { Crypto } from "../../models/crypto.ts";
import { ok, type Result } from "../../models/result.ts";
import type { StationId } from "../../models/units.ts";
import { openCheckpoint, type SignedCheckpoint } from "./checkpoint.ts";
import { cosignedAt } from "./cosignature.ts";
import { lineOf, type VerifierKey } from "./note.ts";

export interface Witness {
  readonly station: StationId;
  readonly witnessKey: VerifierKey;
}

export interface Cosigned extends SignedCheckpoint {
  /** The line of each witness that cosigned it. */
  readonly lines: Map<StationId, string>;
  /** When they did, unix seconds, the first first. */
  readonly timesS: readonly number[];
  /** Witnesses in whose names something else stands there. */
  readonly forged: readonly StationId[];
}

/** Each witness counts once; `problem` when the log itself did not sign it. */
export function readCosigned(
  crypto: Crypto, note: string, logKey: VerifierKey, witnesses: readonly Witness[],
): Result<Cosigned> {
  const opened = openCheckpoint(crypto, note, logKey);
  if (!opened.ok) return opened;
  const lines = new Map<StationId, string>();
  const timesS: number[] = [];
  const forged: StationId[] = [];
  for (const signature of opened.value.signatures) {
    const { name, keyId } = signature;
    const witness = witnesses.find(({ witnessKey: key }) => key.name === name && sameBytes(key.keyId, keyId));
    if (witness === undefined || lines.has(witness.station)) continue;
    const timeS = cosignedAt(crypto, opened.value.text, signature, witness.witnessKey);
    if (timeS === undefined) forged.push(witness.station);
    else timesS.push(timeS);
    if (timeS !== undefined) lines.set(witness.station, lineOf(signature));
  }
  return ok({ ...opened.value, lines, timesS: timesS.sort((a, b) => a - b), forged });
}
