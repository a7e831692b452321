/** The vectors of gossip/vectors that another implementation is held to, as this one judges them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import { nodeCrypto } from "../../edge-agent/adapters/crypto.ts";
import { verifyRelease } from "../../edge-agent/update/manifest.ts";
import { verifyCertificate } from "../../gossip/certificate.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../gossip/cbor.ts";
import { directoryOf } from "../../gossip/directory.ts";
import { checkProof } from "../../gossip/equivocation.ts";
import { decodeMessage, readTopic, verifyMessage } from "../../gossip/message.ts";
import { encodeRoster, nextOperators, type Roster } from "../../gossip/roster.ts";
import { summaryProblem } from "../../gossip/region.ts";
import { chainProblem, rosterHash, verifyRosterFile } from "../../gossip/roster-file.ts";
import { decodeRoster } from "../../gossip/roster-rules.ts";
import { verifyWord } from "../../gossip/word.ts";
import { decide } from "../../models/agree/zone-decision.ts";
import type { ZoneId } from "../../models/units.ts";
import type { CertificateVector, ProofVector } from "./made-agreement.ts";
import type { MessageVector, Verdict } from "./made-messages.ts";
import type { SummaryVector } from "./made-region.ts";
import { OPERATORS, type ReleaseVector, type TurnVector, VALID } from "./made-releases.ts";
import type { WordVector } from "./made-words.ts";
import { vectorFiles } from "./vector-files.ts";

const crypto = nodeCrypto();
const files = vectorFiles();
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

function vectors<T>(name: string): T {
  return JSON.parse(files[name] ?? "") as T;
}

function rosterIn(text: string): Roster {
  const roster = decodeRoster(bytesOf(text));
  if (!roster.ok) throw new Error(roster.problem);
  return roster.value;
}

test("the files are what this program makes: whoever changes the wire format changes them, and sees it here", () => {
  for (const [name, text] of Object.entries(files)) {
    assert.ok(readFileSync(join(repoRoot, "gossip/vectors", name), "utf8") === text, `${name}: see write-vectors.ts`);
  }
});

const valueOf = (value: unknown): CborValue => {
  if (Array.isArray(value)) return value.map(valueOf);
  return typeof value === "string" && value.startsWith("hex:") ? bytesOf(value.slice(4)) : value as CborValue;
};

test("SPEC.md, 1: one value has one encoding, and everything else is refused", () => {
  const { good, bad } = vectors<Record<"good" | "bad", { name: string; hex: string; value: unknown }[]>>("cbor.json");
  for (const { hex, value } of good) {
    assert.equal(encodeCbor(valueOf(value)), bytesOf(hex));
    assert.equal(decodeCbor(bytesOf(hex)), { ok: true, value: valueOf(value) });
  }
  for (const { name, hex } of bad) assert.not(decodeCbor(bytesOf(hex)).ok, name);
});

function verdictOn({ topic: text, message: whole }: MessageVector, key: Uint8Array): Verdict {
  const topic = readTopic(text);
  if (topic === undefined) return "bad-topic";
  const decoded = decodeMessage(topic.kind, bytesOf(whole));
  if (!decoded.ok) return decoded.problem;
  const { message } = decoded;
  if (message.network !== topic.network || message.zone !== topic.zone) return "wrong-place";
  if (message.station !== topic.station) return "wrong-author";
  return verifyMessage(message, key, crypto) ? "good" : "bad-signature";
}

test("SPEC.md, 3 and 4: each message is taken, or refused for its reason", () => {
  const { key, messages } = vectors<{ key: string; messages: MessageVector[] }>("messages.json");
  for (const one of messages) assert.is(verdictOn(one, bytesOf(key)), one.expect, one.name);
  assert.is(new Set(messages.map(({ expect }) => expect)).size, 8, "each verdict has vectors");
  assert.ok(messages.filter(({ expect }) => expect !== "good").length > 60);
});

interface Successions {
  readonly first: string;
  readonly operators: readonly string[];
  readonly threshold: number;
  readonly next: readonly { readonly name: string; readonly follows: boolean; readonly roster: string }[];
  readonly files: readonly { readonly name: string; readonly believed: boolean; readonly file: string }[];
}

test("SPEC.md, 2: which roster follows, and which file is believed", () => {
  const { first, operators, threshold, next, files: ofFirst } = vectors<Successions>("successions.json");
  const roster = rosterIn(first);
  const last = { roster, hash: rosterHash(crypto, bytesOf(first)) };
  assert.equal(nextOperators(roster), { threshold, keys: operators.map(bytesOf) });
  for (const one of next) assert.is(chainProblem(last, rosterIn(one.roster)) === undefined, one.follows, one.name);
  for (const { name, believed, file } of ofFirst) {
    assert.is(verifyRosterFile(crypto, bytesOf(file), nextOperators(roster)).ok, believed, name);
  }
});

interface Words {
  readonly rosters: readonly { readonly name: string; readonly good: boolean; readonly roster: string }[];
  readonly roster: string;
  readonly words: readonly WordVector[];
}

test("SPEC.md, 2 and 2b: whose words count, and how far logs of revoked keys are believed", () => {
  const { rosters, roster, words } = vectors<Words>("words.json");
  for (const one of rosters) {
    const decoded = decodeRoster(bytesOf(one.roster));
    assert.is(decoded.ok, one.good, one.name);
    if (decoded.ok) assert.equal(encodeRoster(decoded.value), bytesOf(one.roster), one.name);
  }
  const held = rosterIn(roster);
  for (const { name, zone, file, by } of words) {
    const word = verifyWord(crypto, held, zone, bytesOf(file));
    assert.is(word.ok ? word.value.by.name : null, by, name);
    if (!word.ok) assert.match(word.problem, /^word: [^\n]{10,200}$/, name);
  }
});

interface Agreement {
  readonly roster: string;
  readonly zone: ZoneId;
  readonly certificates: readonly CertificateVector[];
  readonly proofs: readonly ProofVector[];
}

test("SPEC.md, 6: certificates by their signatures, and by what they list", () => {
  const { roster, zone, certificates } = vectors<Agreement>("agreement.json");
  const directory = directoryOf(rosterIn(roster), zone);
  for (const { name, message, statements, expect } of certificates) {
    const beside = { decide, statements: statements.map(bytesOf) };
    const [signed, whole] = [undefined, beside].map((more) =>
      verifyCertificate(bytesOf(message), directory, crypto, more).ok);
    assert.is(whole ? "good" : signed ? "signed-only" : "bad", expect, name);
  }
});

test("SPEC.md, 5: two statements name an agent only when they contradict each other", () => {
  const { roster, zone, proofs } = vectors<Agreement>("agreement.json");
  const directory = directoryOf(rosterIn(roster), zone);
  for (const { name, first, second, guilty } of proofs) {
    const index = checkProof({ first: bytesOf(first), second: bytesOf(second) }, directory, crypto);
    assert.is(index === undefined ? null : directory.members[index]!.station, guilty, name);
  }
});

test("SPEC.md, 12: a summary is one when a quorum of its zone attests its level", () => {
  const { roster, zone, summaries } =
    vectors<{ roster: string; zone: ZoneId; summaries: SummaryVector[] }>("region.json");
  const directory = directoryOf(rosterIn(roster), zone);
  for (const { name, message, expect } of summaries) {
    const decoded = decodeMessage("summary", bytesOf(message));
    if (!decoded.ok || decoded.message.kind !== "summary") throw new Error(name);
    assert.is(summaryProblem(decoded.message.content, directory, crypto) === undefined ? "good" : "bad", expect, name);
  }
});

test("SPEC.md, 13: which file is a release, and that turns differ", () => {
  const { files: all, turns } = vectors<{ files: ReleaseVector[]; turns: TurnVector[] }>("releases.json");
  for (const [at, { name, file, hash }] of all.entries()) {
    assert.is(hash !== null, at < VALID, name);
    const verified = verifyRelease(crypto, bytesOf(file), OPERATORS);
    assert.is(verified.ok ? Buffer.from(verified.value.hash).toString("hex") : null, hash, name);
  }
  assert.ok(all.length > 5 * VALID);
  const may = turns.filter(({ mayInstall }) => mayInstall).length;
  assert.ok(may > 20 && may < turns.length - 20, `${may} of ${turns.length}`);
});
