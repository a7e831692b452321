/** `kerbwatch ledger verify`: what the witnesses of a log say of it, held against the log and the street's roster. */
import { sameBytes } from "../../gossip/bytes.ts";
import type { Roster, TrustedUntil } from "../../gossip/roster.ts";
import type { Crypto } from "../../models/crypto.ts";
import { rfc3339, SECOND_MS, type StationId, type WallMs } from "../../models/units.ts";
import type { LogFound } from "../adapters/ledger-read.ts";
import { loadRoster } from "../adapters/roster-file.ts";
import { neededFor, signerOf, witnessesOf } from "../evidence/last-trusted.ts";
import { plainText, shown } from "../plain-text.ts";
import { type Checkpoint, originOf } from "../record/checkpoint.ts";
import { readCosigned, type Witness } from "../record/cosigned.ts";
import { type VerifierKey, verifierKeyOf } from "../record/note.ts";
import { UsageError } from "./command.ts";
import { must, readOperatorsOption } from "./roster/files.ts";

export interface Street {
  readonly file: string;
  readonly roster: Roster;
}

/** The witnesses of one log, as its roster has them. */
export interface Witnesses {
  readonly logKey: VerifierKey;
  readonly all: readonly Witness[];
  /** Of so many one at least is honest. */
  readonly needed: number;
}

/** Part of the JSON output. */
export interface CosignedReport {
  /** Entries that the newest cosigned checkpoint attests; 0 without one. */
  readonly size: number;
  /** Signatures beside the log's own. */
  readonly lines: number;
  /** What follows needs a roster: who cosigned, of how many neighbours, and how many are needed. */
  readonly by?: readonly StationId[];
  readonly neighbours?: number;
  readonly needed?: number;
  /** When the last of those needed had; absent when there are fewer. */
  readonly time?: string;
}

interface StreetOptions {
  readonly key: string | undefined;
  readonly roster: string | undefined;
  readonly operators: string | undefined;
}

/** Throws UsageError on a roster that cannot be believed. */
export function streetOf(crypto: Crypto, { key, roster: file, operators }: StreetOptions): Street | undefined {
  if (file === undefined && operators === undefined) return undefined;
  if (file === undefined) throw new UsageError("--roster: missing, and needed beside --operators");
  if (operators === undefined) throw new UsageError("--operators: missing, and needed beside --roster");
  if (key !== undefined) throw new UsageError("--key: found beside --roster, which has it; allowed: one of the two");
  return { file, roster: must(loadRoster(crypto, file, readOperatorsOption(crypto, operators)), "--roster").roster };
}

/** Throws UsageError when the log is of nobody in the roster. */
export function witnessesIn(crypto: Crypto, { file, roster }: Street, origin: string): Witnesses {
  const member = roster.members.find(({ station }) => originOf(station) === origin);
  if (member === undefined) throw new UsageError(`--roster ${file}: has no member with the log ${shown(origin)}`);
  return {
    all: witnessesOf(crypto, roster, member.station), logKey: verifierKeyOf(crypto, origin, member.keys.log),
    needed: neededFor(roster, member),
  };
}

/** A log whose key a roster revokes, and what of it is believed: without `until` nothing. */
export interface Revoked {
  readonly logKey: VerifierKey;
  readonly until?: TrustedUntil;
}

/** Undefined unless the log's checkpoint is signed with a key that the roster revokes. */
export function revokedIn(crypto: Crypto, { roster }: Street, origin: string, note: string): Revoked | undefined {
  const key = signerOf(crypto, note, origin, roster.revoked);
  if (key === undefined) return undefined;
  const until = roster.trustedUntil?.find(({ station, log }) => originOf(station) === origin && sameBytes(log, key));
  return { logKey: verifierKeyOf(crypto, origin, key), ...(until && { until }) };
}

/** Why a signed checkpoint and the log do not belong together; undefined when they do. */
export function contradiction(
  entries: number, { size, root }: Checkpoint, found: Uint8Array | undefined, done: "signed" | "cosigned" = "signed",
): string | undefined {
  if (size > entries) {
    const which = done === "signed" ? "checkpoint" : "cosigned checkpoint";
    return `${entries} entries, and the ${which} attests ${size}: some were lost or taken out`;
  }
  const same = found !== undefined && sameBytes(found, root);
  return same ? undefined : `the first ${size} entries are not those that were ${done}`;
}

/** Adds to `problems` what contradicts the log, or is forged. */
export function judgeCosigned(
  crypto: Crypto, { cosigned, cosignedRoot, frontier }: LogFound, key: VerifierKey, witnesses: Witnesses | undefined,
  problems: string[],
): CosignedReport | undefined {
  const none = { size: 0, lines: 0, ...(witnesses && { by: [], neighbours: witnesses.all.length }) };
  if (cosigned === undefined) return witnesses && { ...none, needed: witnesses.needed };
  const read = readCosigned(crypto, cosigned, key, witnesses?.all ?? []);
  if (!read.ok) {
    problems.push(`the cosigned checkpoint: ${plainText(read.problem)}`);
    return undefined;
  }
  const { size, signatures, lines, timesS, forged } = read.value;
  const wrong = contradiction(frontier.size, read.value, cosignedRoot, "cosigned");
  if (wrong !== undefined) problems.push(wrong);
  for (const station of forged) problems.push(`the cosigned checkpoint: the cosignature of ${station} is wrong`);
  const report = { size, lines: signatures.length - 1 };
  if (witnesses === undefined) return report;
  const lastS = timesS[witnesses.needed - 1];
  return {
    ...report, by: [...lines.keys()].sort(), neighbours: witnesses.all.length, needed: witnesses.needed,
    ...(lastS !== undefined && { time: rfc3339(lastS * SECOND_MS as WallMs) }),
  };
}

export function cosignedText({ size, lines, by, neighbours, needed = 0, time }: CosignedReport): string {
  if (by === undefined) return `up to entry ${size} by ${lines}, not checked: give --roster and --operators`;
  if (size === 0) return `by none of ${neighbours} neighbours yet`;
  const who = by.length === 0 ? "" : `: ${by.join(", ")}`;
  const when = time ?? `fewer than the ${needed} of whom one at least is honest`;
  return `by ${by.length} of ${neighbours} neighbours up to entry ${size}, ${when}${who}`;
}
