/**
 * A member file: the public half of a station's enrolment, carried by hand from the device to the operator. JSON of
 * version 1: the station, where its broker is reached, and its public keys as C2SP verifier keys, whose names and
 * checks tie each key to the station and to its purpose. The signature of its certificate, which a site's broker needs,
 * is the one part of it that only the device can make.
 */
import { SIGNATURE_BYTES } from "../gossip/ed25519.ts";
import { parseHostPort } from "../gossip/host-port.ts";
import type { MemberKeys } from "../gossip/roster.ts";
import type { Crypto } from "../models/crypto.ts";
import { ok, problem, type Result } from "../models/result.ts";
import { ID_RULE, isStationId, type StationId } from "../models/units.ts";
import { shown } from "./plain-text.ts";
import { fromBase64, toBase64 } from "./record/base64.ts";
import { originOf } from "./record/checkpoint.ts";
import { formatVerifierKey, parseVerifierKey, verifierKeyOf } from "./record/note.ts";

const VERSION = 1;
/** Far more than four keys take. */
export const MAX_MEMBER_FILE_CHARS = 4_096;
const FIELDS = ["version", "station", "address", "keys", "certificateSignature"];

/** What a key of a member signs, in the order of the roster. */
export const MEMBER_KEYS = ["statement", "log", "witness", "tls"] as const satisfies (keyof MemberKeys)[];
type MemberKey = (typeof MEMBER_KEYS)[number];

export interface Enrolment {
  readonly station: StationId;
  /** `host:port` of the embedded broker; empty: it has none. */
  readonly address: string;
  readonly keys: MemberKeys;
  /** 64 bytes; absent in files of early versions. Not checked here. */
  readonly certificateSignature?: Uint8Array;
}

/** The name of a station's key: the log's is the log's origin. */
export function keyName(station: StationId, purpose: MemberKey): string {
  return purpose === "log" ? originOf(station) : `${originOf(station)}/${purpose}`;
}

/** The name of the file that `roster create` looks for. */
export function memberFileName(station: StationId): string {
  return `${station}.member.json`;
}

export function formatMemberFile(crypto: Crypto, enrolment: Enrolment): string {
  const { station, address, keys, certificateSignature: signature } = enrolment;
  const texts = MEMBER_KEYS.map((purpose) =>
    [purpose, formatVerifierKey(verifierKeyOf(crypto, keyName(station, purpose), keys[purpose]))]);
  return `${JSON.stringify({
    version: VERSION, station, address, keys: Object.fromEntries(texts),
    ...(signature !== undefined && { certificateSignature: toBase64(signature) }),
  }, null, 2)}\n`;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Record<string, unknown>
    : undefined;
}

function keyOf(crypto: Crypto, station: StationId, purpose: MemberKey, value: unknown): Result<Uint8Array> {
  const allowed = `the key ${keyName(station, purpose)}, as \`keygen --member\` writes it`;
  const wrong = (why: string) => problem(`keys.${purpose}: found ${shown(value)} (${why}); allowed: ${allowed}`);
  if (typeof value !== "string") return wrong("no text");
  const parsed = parseVerifierKey(crypto, value);
  if (!parsed.ok) return wrong(parsed.problem);
  return parsed.value.name === keyName(station, purpose) ? ok(parsed.value.publicKey)
    : wrong("the key of another station, or for another purpose");
}

function addressOf(value: unknown): string | undefined {
  if (value === "") return value;
  return typeof value === "string" && (parseHostPort(value)?.port ?? 0) > 0 ? value : undefined;
}

/** Reads a member file. Never throws; `problem` says place, found and allowed. */
export function parseMemberFile(crypto: Crypto, text: string): Result<Enrolment> {
  let file: unknown;
  try {
    file = text.length <= MAX_MEMBER_FILE_CHARS ? JSON.parse(text) : undefined;
  } catch {
    file = undefined;
  }
  const fields = fieldsOf(file);
  if (fields === undefined) return problem("not a member file; allowed: what `keygen --member` writes");
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) return problem(`unknown key ${shown(unknown)}; allowed: ${FIELDS.join(", ")}`);
  const { version, station } = fields;
  if (version !== VERSION) return problem(`version: found ${shown(version)}; allowed: ${VERSION}`);
  if (typeof station !== "string" || !isStationId(station)) {
    return problem(`station: found ${shown(station)}; allowed: ${ID_RULE}`);
  }
  const address = addressOf(fields["address"]);
  if (address === undefined) {
    return problem(`address: found ${shown(fields["address"])}; allowed: host:port, or "" without a broker`);
  }
  const keys: Partial<Record<MemberKey, Uint8Array>> = {};
  for (const purpose of MEMBER_KEYS) {
    const key = keyOf(crypto, station, purpose, fieldsOf(fields["keys"])?.[purpose]);
    if (!key.ok) return key;
    keys[purpose] = key.value;
  }
  const signature = fields["certificateSignature"];
  const certificateSignature = typeof signature === "string" ? fromBase64(signature) : undefined;
  if (signature !== undefined && certificateSignature?.length !== SIGNATURE_BYTES) {
    return problem(`certificateSignature: found ${shown(signature)}; allowed: ${SIGNATURE_BYTES} bytes in base64`);
  }
  return ok({ station, address, keys: keys as MemberKeys, ...(certificateSignature && { certificateSignature }) });
}
