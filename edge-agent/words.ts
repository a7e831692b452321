/**
 * Words of people (gossip/word.ts) as an agent takes them: brought by a file on its console or on its page, believed by
 * its roster (a lone agent: by the operators of its configuration), kept in its log, and found there at a start. Pure.
 */
import { hex } from "../gossip/bytes.ts";
import type { Roster } from "../gossip/roster.ts";
import { verifyWord, type Word } from "../gossip/word.ts";
import type { Crypto } from "../models/crypto.ts";
import { ok, problem, type Result } from "../models/result.ts";
import { type Now, rfc3339, type WallMs } from "../models/units.ts";
import { type Declared, declare, declaredOf, type DeclaredState, withdraw } from "./alert/declared.ts";
import { readOperators } from "./operators.ts";
import { shown } from "./plain-text.ts";
import type { Effect } from "./ports.ts";
import { type JournalState, recordOne } from "./record/journal.ts";

/** Whose words count. */
export interface Believed {
  /** Absent: nobody's. */
  roster: Pick<Roster, "network" | "version" | "people"> | undefined;
}

interface Configured {
  readonly threshold: number;
  readonly keys: readonly string[];
}

/** A lone agent has no roster: the operators of its configuration may say a word, each alone. */
export function believedAlone(
  crypto: Crypto, network: string, operators: Configured | undefined,
): Believed["roster"] {
  const read = operators && readOperators(crypto, operators.threshold, operators.keys);
  if (read?.ok !== true) return undefined;
  const people = read.value.named
    .map(({ label: name, publicKey: key }) => ({ name, role: "operator", key, zones: [] }));
  return { network, version: 0, people };
}

interface Parts {
  readonly alert: { readonly crypto: Crypto };
  readonly gossip: { readonly zone: string };
  readonly believed: Believed;
  readonly declared: DeclaredState;
  readonly journal: JournalState;
}

export interface Taken {
  /** What became of it, on one line. */
  readonly says: string;
  readonly effects: readonly Effect[];
}

/** Takes a word's file over, or says why not. Never throws. */
export function takeWord(parts: Parts, file: Uint8Array, now: Now): Result<Taken> {
  const word = wordIn(parts, file);
  if (!word.ok) return word;
  const isKnown = parts.declared.windows.has(hex(word.value.hash));
  const done = act(parts.declared, word.value, now);
  if (!done.ok) return done;
  if (isKnown) return ok({ says: `known already: ${done.value}`, effects: [] });
  const text = `word: ${done.value}`;
  const kept = recordOne(parts.journal, { kind: "word", at: now.wallMs, message: file });
  return ok({ says: done.value, effects: [...kept, { kind: "notice", text }] });
}

/** At a start, from the log: what is no longer believed, or over, is left out. */
export function recallWord(parts: Parts, file: Uint8Array, now: Now): void {
  const word = wordIn(parts, file);
  if (word.ok) act(parts.declared, word.value, now);
}

function wordIn({ alert, gossip, believed: { roster } }: Parts, file: Uint8Array): Result<Word> {
  if (roster === undefined) return problem("word: nobody's counts here: no roster and no operators are configured");
  return verifyWord(alert.crypto, roster as Roster, gossip.zone, file);
}

function act(state: DeclaredState, { kind, by, body, hash }: Word, now: Now): Result<string> {
  if (kind === "withdraw") return withdrawn(state, by.name, body);
  if (kind !== "declare") return problem(`word: found ${kind}; allowed: declare, withdraw`);
  const read = declaredOf({ by: by.name, word: hex(hash), body });
  const taken = read.ok ? declare(state, read.value, now) : read;
  return taken.ok ? ok(declaredText(taken.value)) : problem(`declare: ${taken.problem}`);
}

function withdrawn(state: DeclaredState, by: string, { word }: Word["body"]): Result<string> {
  if (typeof word !== "string" || !/^[0-9a-f]{64}$/.test(word)) {
    return problem(`withdraw: word: found ${shown(word)}; allowed: the name of a declaration, 64 hexadecimal digits`);
  }
  const was = withdraw(state, word);
  return ok(`${by} withdrew declaration ${word.slice(0, 12)}${was ? "" : ", which was not known here"}`);
}

/** `firmware, reboot at CP-001 from ... to ..., declared by alice: quarterly update`. */
export function declaredText({ changes, stations, fromMs, toMs, by, reason }: Declared): string {
  const where = stations.length === 0 ? "everywhere here" : `at ${stations.join(", ")}`;
  return `${changes.join(", ")} ${where} from ${rfc3339(fromMs as WallMs)} to ${rfc3339(toMs as WallMs)}, `
    + `declared by ${by}: ${reason}`;
}
