/**
 * How far a log is believed whose key was revoked (SPEC.md, section 2): up to the checkpoint that a roster names, which
 * enough of its witnesses had cosigned while it was still its owner's.
 */
import { hex, sameBytes } from "../../gossip/bytes.ts";
import { neighboursOf } from "../../gossip/membership.ts";
import { type Member, type Roster, type TrustedUntil, zoneOf } from "../../gossip/roster.ts";
import type { Crypto } from "../../models/crypto.ts";
import { ok, problem, type Result } from "../../models/result.ts";
import type { StationId } from "../../models/units.ts";
import { keyName } from "../member-file.ts";
import { openCheckpoint, originOf, parseCheckpoint } from "../record/checkpoint.ts";
import { cosignerKeyOf } from "../record/cosignature.ts";
import { type Cosigned, readCosigned, type Witness } from "../record/cosigned.ts";
import { parseNote, verifierKeyOf } from "../record/note.ts";

/** The witnesses of a member's log. */
export function witnessesOf(crypto: Crypto, roster: Roster, station: StationId): Witness[] {
  return neighboursOf(crypto, roster, station).filter(({ link }) => link !== "bridge").map(({ member }) => ({
    station: member.station, witnessKey: cosignerKeyOf(crypto, keyName(member.station, "witness"), member.keys.witness),
  }));
}

/** Of so many witnesses of a log one at least is honest. */
export function neededFor(roster: Roster, member: Member | undefined): number {
  return (zoneOf(roster, member?.zone ?? "")?.f ?? 0) + 1;
}

/** Which of `keys` signed the note as that log. */
export function signerOf(
  crypto: Crypto, note: string, origin: string, keys: readonly Uint8Array[],
): Uint8Array | undefined {
  const parsed = parseNote(note);
  if (!parsed.ok) return undefined;
  // By its id first: a roster may hold thousands of keys.
  return keys.find((key) => {
    const verifier = verifierKeyOf(crypto, origin, key);
    return parsed.value.signatures.some(({ name, keyId }) => name === origin && sameBytes(keyId, verifier.keyId)) &&
      openCheckpoint(crypto, note, verifier).ok;
  });
}

/** What a roster says of a log key. */
export type Standing =
  | { readonly kind: "of-member" }
  | { readonly kind: "until"; readonly until: TrustedUntil }
  /** Revoked, or of nobody: nothing of its log is believed. */
  | { readonly kind: "nothing" };

export function standingOf({ members, trustedUntil = [] }: Roster, origin: string, key: Uint8Array): Standing {
  if (members.some(({ station, keys }) => originOf(station) === origin && sameBytes(keys.log, key))) {
    return { kind: "of-member" };
  }
  const until = trustedUntil.find(({ station, log }) => originOf(station) === origin && sameBytes(log, key));
  return until === undefined ? { kind: "nothing" } : { kind: "until", until };
}

interface Candidate {
  readonly gone: Member;
  readonly cosigned: Cosigned;
}

function candidateIn(crypto: Crypto, previous: Roster, gone: readonly Member[], note: string): Result<Candidate> {
  const parsed = parseNote(note);
  const claimed = parsed.ok ? parseCheckpoint(parsed.value.text) : parsed;
  if (!claimed.ok) return claimed;
  const { origin } = claimed.value;
  const member = gone.find(({ station }) => originOf(station) === origin);
  if (member === undefined) return problem(`of ${origin}, whose log key does not go with this version`);
  const key = verifierKeyOf(crypto, origin, member.keys.log);
  const cosigned = readCosigned(crypto, note, key, witnessesOf(crypto, previous, member.station));
  if (!cosigned.ok) return cosigned;
  const [forged] = cosigned.value.forged;
  return forged === undefined ? ok({ gone: member, cosigned: cosigned.value })
    : problem(`the cosignature of ${forged} is wrong`);
}

/**
 * The last checkpoints of members who go, from notes that their witnesses cosigned: the newest that f + 1 of them did,
 * lines of several notes together. `problem` begins with the note's number, or says what there is too little of.
 * @param gone of `previous`, whose log keys are revoked now
 */
export function lastTrusted(
  crypto: Crypto, previous: Roster, gone: readonly Member[], notes: readonly string[],
): Result<TrustedUntil[]> {
  const found = new Map<string, { readonly gone: Member; readonly cosigned: Cosigned; readonly by: Set<string> }>();
  for (const [i, note] of notes.entries()) {
    const candidate = candidateIn(crypto, previous, gone, note);
    if (!candidate.ok) return problem(`[${i}]: ${candidate.problem}`);
    const { cosigned } = candidate.value;
    const same = found.get(cosigned.text) ?? { ...candidate.value, by: new Set<string>() };
    for (const station of cosigned.lines.keys()) same.by.add(station);
    found.set(cosigned.text, same);
  }
  const trusted: TrustedUntil[] = [];
  for (const member of gone) {
    const own = [...found.values()].filter((one) => one.gone === member);
    const needed = Math.min(neededFor(previous, member), witnessesOf(crypto, previous, member.station).length);
    const [best] = own.filter(({ by }) => by.size >= needed).sort((a, b) => b.cosigned.size - a.cosigned.size);
    if (best === undefined && own.length > 0) {
      const most = Math.max(...own.map(({ by }) => by.size));
      return problem(`${member.station}: found ${most} witnesses of one checkpoint; allowed: at least ${needed}`);
    }
    if (best === undefined || best.cosigned.size === 0) continue;
    const { size, root } = best.cosigned;
    trusted.push({ station: member.station, log: member.keys.log, size, root });
  }
  return ok(trusted);
}

/** Members of a roster whose log keys another one does not have. */
export function goneFrom(previous: Roster, members: readonly Member[]): Member[] {
  const kept = new Set(members.map(({ keys }) => hex(keys.log)));
  return previous.members.filter(({ keys }) => !kept.has(hex(keys.log)));
}
