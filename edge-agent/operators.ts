/**
 * Operators' public keys as people write them: a C2SP verifier key (c2sp.org/signed-note) named `operator/<label>`, so
 * that a mistyped character is noticed and everyone sees whose key it is. The same text stands in the configuration
 * (`operators.keys`) and in an operators file.
 */
import type { Operators } from "../gossip/roster.ts";
import { MAX_OPERATORS } from "../gossip/roster.ts";
import { sameBytes } from "../gossip/bytes.ts";
import type { Role } from "../gossip/word.ts";
import type { Crypto } from "../models/crypto.ts";
import { ok, problem, type Result } from "../models/result.ts";
import { ID_RULE, isStationId } from "../models/units.ts";
import { shown } from "./plain-text.ts";
import { formatVerifierKey, parseVerifierKey, verifierKeyOf } from "./record/note.ts";

/** What an operator's key looks like, for messages. */
export const OPERATOR_KEY_RULE = "operator/<label>+<8 hex digits>+<base64>, as `keygen --operator` prints it";
const NAME = /^(operator|installer|auditor)\/(.+)$/;

export interface OperatorKey {
  /** Who: 1 to 48 of `A-Z a-z 0-9 - _ . :`. */
  readonly label: string;
  readonly publicKey: Uint8Array;
}

/** The operators that somebody trusts, with their names. */
export interface NamedOperators extends Operators {
  readonly named: readonly OperatorKey[];
}

/** A label has the same alphabet as a station id. */
export const isOperatorLabel = isStationId;
export const OPERATOR_LABEL_RULE = ID_RULE;

/** Throws RangeError on a label that isOperatorLabel refuses. */
export function formatOperatorKey(
  crypto: Crypto, { label, publicKey }: OperatorKey, role: Role = "operator",
): string {
  if (!isOperatorLabel(label)) throw new RangeError("not an operator's label");
  return formatVerifierKey(verifierKeyOf(crypto, `${role}/${label}`, publicKey));
}

export function parseOperatorKey(crypto: Crypto, text: string): Result<OperatorKey> {
  const parsed = parsePersonKey(crypto, text);
  return parsed.ok && parsed.value.role !== "operator" ? problem("the name is not operator/<label>") : parsed;
}

/** The key of somebody with a role: `<role>/<label>+...`, as keygen prints it. */
export function parsePersonKey(crypto: Crypto, text: string): Result<OperatorKey & { readonly role: Role }> {
  const parsed = parseVerifierKey(crypto, text);
  if (!parsed.ok) return parsed;
  const [, role, label] = NAME.exec(parsed.value.name) ?? [];
  if (label === undefined || !isOperatorLabel(label)) return problem("the name is not operator/<label>");
  return ok({ label, publicKey: parsed.value.publicKey, role: role as Role });
}

/** Keys and threshold from their texts; `problem` begins with the place: `keys[1]` or `threshold`. */
export function readOperators(crypto: Crypto, threshold: number, keys: readonly string[]): Result<NamedOperators> {
  const named: OperatorKey[] = [];
  for (const [i, text] of keys.entries()) {
    const parsed = parseOperatorKey(crypto, text);
    if (!parsed.ok) {
      return problem(`keys[${i}]: found ${shown(text)} (${parsed.problem}); allowed: ${OPERATOR_KEY_RULE}`);
    }
    const before = named.findIndex(({ publicKey }) => sameBytes(publicKey, parsed.value.publicKey));
    if (before >= 0) return problem(`keys[${i}]: found the key of keys[${before}] again; allowed: each key once`);
    named.push(parsed.value);
  }
  if (threshold > named.length) {
    return problem(`threshold: found ${threshold}; allowed: at most the number of keys, ${named.length}`);
  }
  return ok({ threshold, keys: named.map(({ publicKey }) => publicKey), named });
}

/** An operators file: JSON `{"threshold": 2, "keys": ["operator/alice+...", ...]}`, as in the configuration. */
export function parseOperatorsFile(crypto: Crypto, text: string): Result<NamedOperators> {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return problem('not JSON; allowed: {"threshold": 2, "keys": ["operator/...", ...]}');
  }
  if (typeof file !== "object" || file === null || Array.isArray(file)) {
    return problem(`found ${shown(file)}; allowed: {"threshold": 2, "keys": ["operator/...", ...]}`);
  }
  const unknown = Object.keys(file).find((name) => name !== "threshold" && name !== "keys");
  if (unknown !== undefined) return problem(`unknown key ${shown(unknown)}; allowed: threshold, keys`);
  const { threshold, keys } = file as Readonly<Record<string, unknown>>;
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > MAX_OPERATORS
    || !keys.every((key) => typeof key === "string")) {
    return problem(`keys: found ${shown(keys)}; allowed: a list of 1 to ${MAX_OPERATORS} public keys`);
  }
  if (!Number.isInteger(threshold) || (threshold as number) < 1) {
    return problem(`threshold: found ${shown(threshold)}; allowed: a whole number from 1 to ${keys.length}`);
  }
  return readOperators(crypto, threshold as number, keys as string[]);
}

/** `operator/<label>` of a key; undefined for a key of nobody among them. */
export function operatorName({ named }: NamedOperators, key: Uint8Array): string | undefined {
  const label = named.find(({ publicKey }) => sameBytes(publicKey, key))?.label;
  return label === undefined ? undefined : `operator/${label}`;
}
