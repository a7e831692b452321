/** Files that a roster is made of and from: the roster itself, operators and member files. */
import { readFileSync, statSync } from "node:fs";
import { MAX_ROSTER_BYTES, type Operators } from "../../gossip/roster.ts";
import { verifyRosterFile, type VerifiedRoster } from "../../gossip/roster-file.ts";
import type { Crypto } from "../../models/crypto.ts";
import { ok, problem, type Result } from "../../models/result.ts";
import { errorCode, replaceFile } from "./durable-file.ts";

/** The bytes of a file; `problem` names it. Looks at the size first: nothing larger is read. Never throws. */
export function readSmallFile(path: string, mostBytes: number): Result<Uint8Array> {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return problem(`${path}: found no regular file`);
    if (stat.size > mostBytes) return problem(`${path}: found ${stat.size} bytes; allowed: at most ${mostBytes}`);
    return ok(new Uint8Array(readFileSync(path)));
  } catch (error) {
    return problem(errorCode(error) === "ENOENT" ? `${path}: no such file`
      : `${path}: cannot be read (${errorCode(error)})`);
  }
}

export function readSmallText(path: string, mostBytes: number): Result<string> {
  const bytes = readSmallFile(path, mostBytes);
  return bytes.ok ? ok(new TextDecoder().decode(bytes.value)) : bytes;
}

/** The bytes of a roster file, signed or not. */
export function readRosterFile(path: string): Result<Uint8Array> {
  return readSmallFile(path, MAX_ROSTER_BYTES);
}

/** Rosters and member files are public. Throws the system's error. */
export function writePublicFile(path: string, content: string | Uint8Array): void {
  replaceFile(path, content, 0o644);
}

export interface LoadedRoster extends VerifiedRoster {
  /** The whole file, as it is passed on to neighbours. */
  readonly file: Uint8Array;
}

/** What an agent believes of the file at `path`; `problem` names the file. Never throws. */
export function loadRoster(crypto: Crypto, path: string, operators: Operators): Result<LoadedRoster> {
  const read = readRosterFile(path);
  if (!read.ok) return read;
  const verified = verifyRosterFile(crypto, read.value, operators);
  return verified.ok ? ok({ ...verified.value, file: read.value }) : problem(`${path}: ${verified.problem}`);
}
