/** What the roster's commands are given: whatever cannot be used is wrong usage, and says which option it was. */
import { hex } from "../../../gossip/bytes.ts";
import { decodeRosterFile, rosterHash, type RosterFile } from "../../../gossip/roster-file.ts";
import type { Roster } from "../../../gossip/roster.ts";
import { decodeRoster } from "../../../gossip/roster-rules.ts";
import type { Crypto } from "../../../models/crypto.ts";
import type { Result } from "../../../models/result.ts";
import { errorCode } from "../../adapters/durable-file.ts";
import { readRosterFile, readSmallText, writePublicFile } from "../../adapters/roster-file.ts";
import { type NamedOperators, operatorName, parseOperatorsFile } from "../../operators.ts";
import { UsageError } from "../command.ts";

/** Sixteen keys of under 200 characters. */
const MAX_OPERATORS_BYTES = 8_192;

export interface RosterRead {
  readonly file: RosterFile;
  readonly roster: Roster;
  readonly hash: Uint8Array;
}

/** The value, or a UsageError that begins with `what`. */
export function must<T>(result: Result<T>, what: string): T {
  if (result.ok) return result.value;
  throw new UsageError(`${what}: ${result.problem}`);
}

export function readOperatorsOption(crypto: Crypto, path: string): NamedOperators {
  const text = must(readSmallText(path, MAX_OPERATORS_BYTES), "--operators");
  return must(parseOperatorsFile(crypto, text), `--operators ${path}`);
}

/** A roster file that can be read and keeps every rule; its signatures are not judged. */
export function readRoster(crypto: Crypto, path: string, what: string): RosterRead {
  const file = must(decodeRosterFile(must(readRosterFile(path), what)), `${what} ${path}`);
  return { file, roster: must(decodeRoster(file.bytes), `${what} ${path}`), hash: rosterHash(crypto, file.bytes) };
}

/** Writes for everyone to read; false, with the reason on one line, when it cannot. */
export function written(path: string, content: string | Uint8Array, say: (text: string) => void): boolean {
  try {
    writePublicFile(path, content);
    return true;
  } catch (error) {
    say(`kerbwatch: ${path}: cannot be written (${errorCode(error)})\n`);
    return false;
  }
}

/** `operator/alice`, or the first digits of a key of nobody known. */
export function nameOf(operators: NamedOperators | undefined, key: Uint8Array): string {
  return (operators && operatorName(operators, key)) ?? `key ${hex(key).slice(0, 16)}…`;
}
