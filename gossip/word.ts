/**
 * A word of a person: what somebody whom the roster lists says to agents, signed on any machine and brought by file or
 * page (SPEC.md, section 2b). It is good wherever the roster gives that person the role for it, and nowhere else.
 */
import type { Crypto, Signer } from "../models/crypto.ts";
import { ok, problem, type Result } from "../models/result.ts";
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { signAs, verifyAs } from "./domain.ts";
import type { Person, Roster } from "./roster.ts";

const OPERATOR = ["operator"] as const;
/** Which roles may say what; the list only grows. An auditor reads, and changes nothing. */
export const SAID_BY = {
  /** An incident is known of; what is told of it goes on. */
  acknowledge: OPERATOR,
  /** An incident is over, with a reason. */
  close: OPERATOR,
  /** A change that is foreseen: when, at which stations, and of which kinds. */
  declare: OPERATOR,
  /** A declared change is not to be: its word's hash. */
  withdraw: OPERATOR,
} as const satisfies Readonly<Record<string, readonly Role[]>>;
export type Role = "operator" | "installer" | "auditor";
export type WordKind = keyof typeof SAID_BY;
/** In the order in which people read them. */
export const ROLES: readonly Role[] = ["operator", "installer", "auditor"];

/** Longest file, and longest body in UTF-16 units: bounds what an agent keeps of each. */
export const MAX_WORD_BYTES = 4_096;
export const MAX_WORD_CHARS = 1_024;

const FORMAT = 1;
const DOMAIN = "word";
const SIGNATURE_BYTES = 64;

/** What is said, before it is signed. */
export interface Saying {
  readonly kind: WordKind;
  /** When it was signed, whole unix seconds: tells two equal sayings apart. */
  readonly atS: number;
  /** What it is about; its form belongs to its kind. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Word extends Saying {
  readonly by: Person;
  /** SHA-256 of the signed bytes: its name. */
  readonly hash: Uint8Array;
}

/**
 * The file of a word. Throws RangeError on what cannot be one.
 * @param name of the person, as the roster has it
 */
export function signWord(network: string, name: string, { kind, atS, body }: Saying, signer: Signer): Uint8Array {
  const text = JSON.stringify(body);
  if (text.length > MAX_WORD_CHARS) throw new RangeError(`a body of ${text.length} characters`);
  const bytes = encodeCbor([FORMAT, network, name, atS, kind, text]);
  return encodeCbor([bytes, signAs(DOMAIN, bytes, signer)]);
}

/** Whether people of this role may say it. */
export function maySay({ role }: Person, kind: WordKind): boolean {
  return (SAID_BY[kind] as readonly string[]).includes(role);
}

/** Whether a person's word counts in that zone. */
export function countsIn({ zones }: Person, zone: string): boolean {
  return zones.length === 0 || (zones as readonly string[]).includes(zone);
}

/** By shape alone: the signed bytes, the signature, and what the bytes say. */
function takenApart(file: Uint8Array): readonly [Uint8Array, Uint8Array, readonly unknown[]] | undefined {
  const outer = file.length > MAX_WORD_BYTES ? undefined : decodeCbor(file);
  if (outer?.ok !== true || !Array.isArray(outer.value) || outer.value.length !== 2) return undefined;
  const [bytes, signature] = outer.value as unknown[];
  if (!(bytes instanceof Uint8Array) || !(signature instanceof Uint8Array)) return undefined;
  const inner = decodeCbor(bytes);
  if (!inner.ok || !Array.isArray(inner.value) || inner.value.length !== 6) return undefined;
  return signature.length === SIGNATURE_BYTES ? [bytes, signature, inner.value as unknown[]] : undefined;
}

function bodyOf(text: unknown): Saying["body"] | undefined {
  if (typeof text !== "string" || text.length > MAX_WORD_CHARS) return undefined;
  try {
    const body = JSON.parse(text) as unknown;
    return typeof body === "object" && body !== null && !Array.isArray(body) ? body as Saying["body"] : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A word, believed: said in this network by somebody whom the roster lists, for that zone, with a role that may say it,
 * and signed with the key that the roster has. Never throws; `problem` says place, found and allowed. Whether it is
 * timely is for whoever acts on it.
 */
export function verifyWord(crypto: Crypto, roster: Roster, zone: string, file: Uint8Array): Result<Word> {
  const no = (why: string): Result<Word> => problem(`word: ${why}`);
  const taken = takenApart(file);
  const [bytes, signature, [format, network, name, atS, kind, text] = []] = taken ?? [];
  if (bytes === undefined || signature === undefined || format !== FORMAT) {
    return no(`allowed: a signed word of format ${FORMAT}, at most ${MAX_WORD_BYTES} bytes`);
  }
  if (network !== roster.network) return no(`of another network; allowed: ${roster.network}`);
  const by = roster.people?.find((one) => one.name === name);
  if (by === undefined) return no(`by nobody whom version ${roster.version} of the roster lists`);
  if (typeof kind !== "string" || !Object.hasOwn(SAID_BY, kind)) {
    return no(`of a kind that is not known; allowed: ${Object.keys(SAID_BY).join(", ")}`);
  }
  const said = kind as WordKind;
  if (!maySay(by, said)) {
    return no(`${said} by ${by.name}, found role ${by.role}; allowed: ${SAID_BY[said].join(", ")}`);
  }
  if (!countsIn(by, zone)) return no(`by ${by.name}, whose zones are ${by.zones.join(", ")}; found ${zone}`);
  if (!verifyAs(DOMAIN, bytes, signature, by.key, crypto)) return no(`not signed by the key of ${by.name}`);
  const body = bodyOf(text);
  if (typeof atS !== "number" || atS < 0 || body === undefined) {
    return no(`allowed: a time, and a JSON object of at most ${MAX_WORD_CHARS} characters`);
  }
  return ok({ by, kind: said, atS, body, hash: crypto.sha256(bytes) });
}
