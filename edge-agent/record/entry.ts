/**
 * What an entry of the log says. On disk: a CBOR array of fixed order, `[1, kind, time, ...body]`. No entry carries an
 * idToken, a pseudonym of one, a password or a key: frames are redacted before they come here.
 */
import { decodeCbor, encodeCbor } from "../../gossip/cbor.ts";
import type { CborValue } from "../../gossip/cbor.ts";
import { rfc3339 } from "../../models/units.ts";
import type { WallMs } from "../../models/units.ts";
import { ok, problem } from "../../models/result.ts";
import type { Result } from "../../models/result.ts";

/** First item of every entry. */
export const ENTRY_VERSION = 1;
/** Largest entry, encoded. Bounds the memory and the work of whoever reads a log. */
export const MAX_ENTRY_BYTES = 65_536;
/** Longest text in an entry, in UTF-16 units (three bytes each at most); a longer one is cut and ends in U+2026. */
export const MAX_TEXT_CHARS = 16_384;

/** The body of each kind in wire order. Kinds are only ever added; a body never changes. */
const BODIES = {
  /** The agent began: its version, and SHA-256 of the configuration in force. */
  start: { software: "text", configHash: "text" },
  /** A statement of this agent: exactly the bytes that were signed, and the signature. */
  statement: { signedBytes: "bytes", signature: "bytes" },
  /** A frame that an alert rests on, redacted. */
  frame: { direction: "text", text: "text" },
  /** An outcome of agreement. `onset` is a time like the entry's own; confidence in millionths. */
  verdict: {
    threat: "text", scope: "text", zone: "text", epoch: "uint", onset: "text", confidencePpm: "uint", stations: "texts",
  },
  /** One state change of an incident: the alert's JSON as it went to the outlets. */
  alert: { json: "text" },
  /** What the zone agreed on: the certificate's message and the statements that it lists, as they travelled. */
  certificate: { message: "bytes", statements: "blobs" },
  /** Two statements of one author that contradict each other, as the message that proves it. */
  proof: { message: "bytes" },
  /** What a quorum of another zone attested, as the message that this agent took into a region's decision. */
  summary: { message: "bytes" },
  /** A checkpoint of a neighbour's log that this agent cosigned: the note as the log signed it, and the line. */
  witness: { note: "text", cosignature: "text" },
  /** Two checkpoints of one neighbour's log, both signed by it, that cannot both be true. */
  fork: { first: "text", second: "text" },
  /** What a person said of an incident: `acknowledge` or `close`, who, and why. */
  handled: { incidentId: "text", action: "text", by: "text", reason: "text" },
  /** What a person said by a signed file (gossip/word.ts), as it came: a declared change, or that it is withdrawn. */
  word: { message: "bytes" },
  /** Something about the agent itself that an auditor needs: a torn tail was cut, a clock was set. */
  notice: { text: "text" },
} as const;

interface FieldTypes {
  text: string;
  bytes: Uint8Array;
  uint: number;
  texts: readonly string[];
  blobs: readonly Uint8Array[];
}
type FieldType = keyof FieldTypes;
type Body<B> = { readonly [K in keyof B]: B[K] extends FieldType ? FieldTypes[B[K]] : never };

export type EntryKind = keyof typeof BODIES;
/** One entry; `at` is when the agent made it. */
export type Entry = {
  [K in EntryKind]: { readonly kind: K; readonly at: WallMs } & Body<(typeof BODIES)[K]>;
}[EntryKind];

const bodyOf = (kind: EntryKind): [string, FieldType][] => Object.entries(BODIES[kind]);

function cut(value: CborValue): CborValue {
  if (typeof value !== "string" || value.length <= MAX_TEXT_CHARS) return value;
  return `${value.slice(0, MAX_TEXT_CHARS - 1)}\u2026`;
}

/** Throws RangeError on what cannot be an entry (a number out of range, 64 KB exceeded): this program made it. */
export function encodeEntry(entry: Entry): Uint8Array {
  const fields = entry as unknown as Readonly<Record<string, CborValue>>;
  const body = bodyOf(entry.kind).map(([name]) => cut(fields[name]!));
  const bytes = encodeCbor([ENTRY_VERSION, entry.kind, rfc3339(entry.at), ...body]);
  if (bytes.length > MAX_ENTRY_BYTES) throw new RangeError(`an entry of ${bytes.length} bytes`);
  return bytes;
}

const isText = (value: unknown): value is string => typeof value === "string";

function isOfType(value: CborValue | undefined, type: FieldType): boolean {
  switch (type) {
    case "text": return isText(value);
    case "bytes": return value instanceof Uint8Array;
    case "uint": return typeof value === "number" && value >= 0;
    case "texts": return Array.isArray(value) && value.every(isText);
    case "blobs": return Array.isArray(value) && value.every((item) => item instanceof Uint8Array);
  }
}

/** The form that `rfc3339` writes, and nothing else that Date would take. */
function parseTime(text: string): WallMs | undefined {
  const at = Date.parse(text);
  return Number.isNaN(at) || new Date(at).toISOString() !== text ? undefined : (at as WallMs);
}

/** Strict: exactly the items of a known kind, each of its type. Never throws. */
export function decodeEntry(bytes: Uint8Array): Result<Entry> {
  if (bytes.length > MAX_ENTRY_BYTES) return problem(`longer than ${MAX_ENTRY_BYTES} bytes`);
  const decoded = decodeCbor(bytes);
  if (!decoded.ok) return decoded;
  if (!Array.isArray(decoded.value)) return problem("not an array");
  const [version, kind, time, ...items] = decoded.value as readonly CborValue[];
  if (version !== ENTRY_VERSION) return problem("not version 1");
  if (!isText(kind) || !Object.hasOwn(BODIES, kind)) return problem("an unknown kind");
  const at = isText(time) ? parseTime(time) : undefined;
  if (at === undefined) return problem("a malformed time");
  const body = bodyOf(kind as EntryKind);
  if (items.length !== body.length) return problem(`${items.length} items where ${kind} has ${body.length}`);
  const wrong = body.find(([, type], i) => !isOfType(items[i], type));
  if (wrong !== undefined) return problem(`${kind}.${wrong[0]} is not ${wrong[1]}`);
  return ok({ kind, at, ...Object.fromEntries(body.map(([name], i) => [name, items[i]])) } as unknown as Entry);
}
