/** Certificates in the log: in entries that fit, and checked as an auditor does, from the roster's bytes alone. */
import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { assemble } from "../../gossip/certificate.ts";
import { encodeMessage, type Head, messageOfStatement, MOST_BYTES } from "../../gossip/message.ts";
import type { ProposalItem } from "../../gossip/message-content.ts";
import { encodeRoster, type Roster } from "../../gossip/roster.ts";
import { signStatement } from "../../gossip/statement.ts";
import { EVIDENCE_KEYS } from "../../models/terms.ts";
import type { Epoch, StationId, WallMs, ZoneId } from "../../models/units.ts";
import { crypto, rosterOf, statementSigner, stationAt, ZONE } from "../zone-cores.testing.ts";
import {
  certificateEntries, checkRecorded, type RecordedCertificate, recordedCertificates,
} from "./certificate-entry.ts";
import { decodeEntry, encodeEntry, MAX_ENTRY_BYTES } from "./entry.ts";

const AT = Date.UTC(2026, 2, 2) as WallMs;
const KEY = EVIDENCE_KEYS.indexOf("refusals");
const [ONSET, EPOCH] = [1_000, 1_010];
const N = 6;
const ROSTER = rosterOf(N, 1);
const BYTES = encodeRoster(ROSTER);

interface Made {
  readonly zone?: ZoneId;
  readonly version?: number;
  /** What each member's evidence rose by, millinats; 3,000 unless said. */
  readonly growths?: readonly number[];
  /** Members who vote; the quorum of 4 unless said. */
  readonly voters?: readonly number[];
}

const headAt = (index: number, { zone = ZONE, version = 1 }: Made): Head =>
  ({ network: "example", zone, rosterVersion: version, station: stationAt(index) });

function statement(index: number, epoch: number, millinats: number, made: Made = {}): Uint8Array {
  const { zone = ZONE, version = 1 } = made;
  return messageOfStatement(signStatement({
    network: "example", zone, station: stationAt(index), epoch: epoch as Epoch, seq: epoch, rosterVersion: version,
    previous: new Uint8Array(32), checkpoint: new Uint8Array(32),
    evidence: EVIDENCE_KEYS.map((_, keyIndex) => (keyIndex === KEY ? millinats : 0)),
  }, statementSigner(index))).whole;
}

function hashOf(whole: Uint8Array): Uint8Array {
  // `[signed bytes, signature]`: the signature is the last 66 bytes, the signed bytes begin after two heads.
  const from = whole[1] === 0x58 ? 3 : 4;
  return crypto.sha256(whole.subarray(from, whole.length - 66));
}

/** The proposal of member 0, voted for, put together by member 1. */
function made(options: Made = {}): RecordedCertificate {
  const { growths = new Array<number>(N).fill(3_000), voters = [0, 2, 3, 5] } = options;
  const pairs = growths.map((growth, index) =>
    [statement(index, EPOCH, growth, options), statement(index, ONSET, 0, options)] as const);
  const items = pairs.map(([newer, older], index): ProposalItem =>
    ({ index, newer: hashOf(newer), older: hashOf(older) }));
  const proposal = encodeMessage("proposal", { epoch: EPOCH, keyIndex: KEY, onset: ONSET, items }, headAt(0, options),
    statementSigner(0));
  const hash = crypto.sha256(proposal.bytes);
  const votes = new Map(voters.map((index) => [index, encodeMessage("vote", { epoch: EPOCH, proposal: hash },
    headAt(index, options), statementSigner(index)).signature]));
  return put(assemble(proposal, votes, headAt(1, options), statementSigner(1)).whole, pairs.flat());
}

/** As it comes out of a log. */
function put(message: Uint8Array, statements: readonly Uint8Array[]): RecordedCertificate {
  const entries = certificateEntries(message, statements, AT).map(encodeEntry).map((bytes) => {
    const decoded = decodeEntry(bytes);
    if (!decoded.ok) throw new Error(decoded.problem);
    return decoded.value;
  });
  return [...recordedCertificates(entries, crypto).values()][0]!;
}

const GOOD = made();
const check = (recorded: RecordedCertificate, roster = BYTES) => checkRecorded(recorded, roster, crypto);

function problemOf(recorded: RecordedCertificate, roster = BYTES): string {
  const checked = check(recorded, roster);
  return checked.ok ? "" : checked.problem;
}

test("a good one: who signed, the quorum, the decision recomputed", () => {
  const checked = check(GOOD);
  if (!checked.ok) throw new Error(checked.problem);
  const { signers, quorum, decision, missing, certificate } = checked.value;
  assert.equal([signers, quorum, missing], [["CP-0", "CP-2", "CP-3", "CP-5"], 4, 0]);
  assert.equal({ ...decision, margin: 0 }, { sum: 12_000, margin: 0, supporters: 6, raises: true });
  assert.equal([certificate.zone, certificate.key, certificate.epoch], [ZONE, "refusals", EPOCH]);
});

/** The message with one of its votes' signatures replaced. */
function withVote({ certificate: { whole }, statements }: RecordedCertificate, place: number, signature: Uint8Array) {
  const message = whole.slice();
  // Each vote is `[index, signature of 64 bytes]`: 68 bytes; after the last come the author's signature and its head.
  message.set(signature, whole.length - 66 - 68 * (4 - place) + 4);
  return put(message, statements);
}

const vote = (index: number, options: Made, hash: Uint8Array, epoch = EPOCH): Uint8Array =>
  encodeMessage("vote", { epoch, proposal: hash }, headAt(index, options), statementSigner(index)).signature;
const OTHER = made({ growths: [3_000, 3_000, 3_000, 3_000, 3_000, 4_000] });
const STRANGERS = new Uint8Array(BYTES);
STRANGERS.set(statementSigner(40).publicKey, indexOf(BYTES, statementSigner(3).publicKey));

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  return Buffer.from(bytes).indexOf(part);
}

function roster(change: Partial<Roster>): Uint8Array {
  return encodeRoster({ ...ROSTER, ...change });
}

const without = (...places: number[]): RecordedCertificate =>
  put(GOOD.certificate.whole, GOOD.statements.filter((_, place) => !places.includes(place)));
const replaced = (place: number, by: Uint8Array): RecordedCertificate =>
  put(GOOD.certificate.whole, GOOD.statements.map((one, i) => (i === place ? by : one)));
const WEST = "feeder-8" as ZoneId;

/** In each only one thing is wrong: all else is signed anew. */
const WRONG: [string, () => RecordedCertificate, RegExp, Uint8Array?][] = [
  ["quorum less one", () => made({ voters: [0, 2, 3] }), /^3 votes; the quorum is 4$/],
  ["no vote at all", () => made({ voters: [] }), /^0 votes/],
  ["a vote for another proposal", () => withVote(GOOD, 1, vote(2, {}, OTHER.certificate.hash)), /signature/],
  ["below the threshold, signed by all", () => made({ growths: [1_000, 1_000, 1_000, 1_000, 1_000, 1_000],
    voters: [0, 1, 2, 3, 4, 5] }), /^the statements do not raise$/],
  ["one member alone, signed by all", () => made({ growths: [24_000, 0, 0, 0, 0, 0], voters: [0, 1, 2, 3, 4, 5] }),
    /^the statements do not raise$/],
  ["a statement replaced by a later one of its author", () => replaced(0, statement(0, EPOCH + 1, 9_000)),
    /^a statement of CP-0 is none that it lists$/],
  ["a statement replaced by the other certificate's", () => replaced(10, OTHER.statements[10]!), /CP-5 is none that/],
  ["one statement too many", () => put(GOOD.certificate.whole, [...GOOD.statements, statement(0, 1_005, 0)]),
    /^a statement of CP-0 is none that it lists$/],
  ["a statement of a stranger", () => replaced(0, statement(40, EPOCH, 3_000)), /CP-40, author of the statement, is/],
  ["statements of three members missing", () => without(0, 2, 4), /do not raise; those of 3 members are missing$/],
  ["no statements at all", () => put(GOOD.certificate.whole, []), /those of 6 members are missing$/],
  ["of another zone, that the roster has too", () => made({ zone: WEST }), /is no member of the zone$/,
    roster({
      zones: [...ROSTER.zones, { id: WEST, ratingW: 0, f: 0 }],
      members: [...ROSTER.members, { ...rosterOf(9, 1).members[8]!, zone: WEST }],
    })],
  ["of a zone that the roster has not", () => made({ zone: WEST }), /^the roster has no zone feeder-8$/],
  ["of another network", () => GOOD, /belongs to example, feeder-7$/, roster({ network: "elsewhere" })],
  ["of an older roster", () => GOOD, /^the certificate was made under roster 1$/, encodeRoster(rosterOf(N, 1, 2))],
  ["of a newer roster", () => made({ version: 2 }), /^the certificate was made under roster 2$/],
  ["where more of the zone may lie", () => GOOD, /^4 votes; the quorum is 6$/, encodeRoster(rosterOf(9, 2))],
  ["a roster in which a voter has another key", () => GOOD, /^the vote of CP-3 is wrong$/, STRANGERS],
  ["a roster that was cut", () => GOOD, /./, BYTES.subarray(0, -1)],
];
for (const [name, recorded, says, bytes] of WRONG) {
  test(`refused: ${name}`, () => assert.match(problemOf(recorded(), bytes), says));
}

test("a vote under another's name, or two votes exchanged, are none, whoever put it together", () => {
  const { hash, items } = GOOD.certificate;
  const good = new Map([0, 2, 3, 5].map((index) => [index, vote(index, {}, hash)]));
  const again = (votes: ReadonlyMap<number, Uint8Array>): string => {
    const proposal = encodeMessage("proposal", { epoch: EPOCH, keyIndex: KEY, onset: ONSET, items }, headAt(0, {}),
      statementSigner(0));
    assert.equal(crypto.sha256(proposal.bytes), hash);
    return problemOf(put(assemble(proposal, votes, headAt(1, {}), statementSigner(1)).whole, GOOD.statements));
  };
  assert.is(again(good), "");
  assert.is(again(new Map([...good, [2, good.get(3)!], [3, good.get(2)!]])), "the vote of CP-2 is wrong");
  assert.is(again(new Map([...good, [5, vote(5, {}, OTHER.certificate.hash)]])), "the vote of CP-5 is wrong");
  assert.is(again(new Map([...good, [5, vote(5, {}, hash, EPOCH + 1)]])), "the vote of CP-5 is wrong");
  assert.is(again(new Map([...good, [5, vote(5, { version: 2 }, hash)]])), "the vote of CP-5 is wrong");
  assert.is(again(new Map([...good, [6, vote(6, {}, hash)]])), "voter 6 is no member of the zone");
});

test("what is missing counts as the lowest value: it is good while the rest raises, and says so", () => {
  const checked = check(without(1));
  assert.ok(checked.ok && checked.value.missing === 1 && checked.value.decision.sum === 12_000);
  assert.not(check(without(1, 3, 5)).ok);
});

test("no bit of the message or of a statement can be turned", () => {
  const random = seeded(6);
  for (let i = 0; i < 300; i++) {
    const turned = (bytes: Uint8Array): Uint8Array => {
      const copy = bytes.slice();
      copy[random.int(copy.length)]! ^= 1 << random.int(8);
      return copy;
    };
    const place = random.int(GOOD.statements.length);
    const { certificate, statements } = i % 2 === 0 ? GOOD : replaced(place, turned(GOOD.statements[place]!));
    const whole = i % 2 === 0 ? turned(certificate.whole) : certificate.whole;
    const checked = check({ certificate: { ...certificate, whole }, statements });
    assert.not(checked.ok, `run ${i}`);
  }
});

test("the largest zone and the longest messages that the wire carries: in parts that fit, put together again", () => {
  const random = seeded(7);
  const message = GOOD.certificate.whole;
  const padded = random.bytes(MOST_BYTES.certificate);
  const statements = Array.from({ length: 128 }, () => random.bytes(MOST_BYTES.statement));
  const sizes = (whole: Uint8Array): number[] =>
    certificateEntries(whole, statements, AT).map((entry) => encodeEntry(entry).length);
  assert.is(sizes(padded).length, 6);
  for (const size of [...sizes(padded), ...sizes(message)]) assert.ok(size <= MAX_ENTRY_BYTES, `${size}`);
  assert.ok(sizes(padded).slice(0, -1).every((size) => size > MAX_ENTRY_BYTES - 2_200), "parts are filled");
  assert.equal(put(message, statements).statements, statements);
});

test("any sizes at all: every part fits, and nothing is lost or moved", () => {
  const random = seeded(8);
  for (let run = 0; run < 60; run++) {
    const statements = Array.from({ length: random.int(129) }, () => random.bytes(1 + random.int(2_048)));
    const message = random.bytes(1 + random.int(16_384));
    const parts = certificateEntries(message, statements, AT);
    assert.ok(parts.every((part) => encodeEntry(part).length <= MAX_ENTRY_BYTES), `run ${run}`);
    assert.equal(parts.flatMap((part) => part.statements), statements);
    assert.ok(parts.length === 1 || parts.every((part) => part.statements.length > 0), `run ${run}`);
  }
});

test("a part is filled to the last byte that surely fits, and never beyond", () => {
  const random = seeded(9);
  const message = random.bytes(1_000);
  const statements = Array.from({ length: 31 }, () => random.bytes(2_048));
  const sizes: number[] = [];
  for (let length = 300; length < 1_200; length += 8) {
    const [first] = certificateEntries(message, [...statements, random.bytes(length)], AT);
    sizes.push(encodeEntry(first!).length);
  }
  assert.ok(Math.max(...sizes) > MAX_ENTRY_BYTES - 32, `${Math.max(...sizes)}`);
});

test("the largest honest zone, 64 members with the longest names and sums, fits two entries, whole", () => {
  const long = (text: string): string => text.padEnd(48, "x");
  const longest = messageOfStatement(signStatement({
    network: long("n"), zone: long("z"), station: long("s"), epoch: 177_000_000 as Epoch, seq: 4_000_000_000,
    previous: new Uint8Array(32), rosterVersion: 4_000_000, evidence: EVIDENCE_KEYS.map(() => -2e9),
    checkpoint: new Uint8Array(32),
  }, statementSigner(0))).whole;
  const items = Array.from({ length: 64 }, (_, index) =>
    ({ index, newer: new Uint8Array(32), older: new Uint8Array(32) }));
  const head = { network: long("n"), zone: long("z") as ZoneId, rosterVersion: 4_000_000,
    station: long("s") as StationId };
  const proposal = encodeMessage("proposal", { epoch: 177_000_000, keyIndex: KEY, onset: 176_999_999, items }, head,
    statementSigner(0));
  const votes = new Map(items.map(({ index }) => [index, new Uint8Array(64)]));
  const { whole } = assemble(proposal, votes, head, statementSigner(0));
  const parts = certificateEntries(whole, new Array<Uint8Array>(128).fill(longest), AT);
  const sizes = parts.map((part) => encodeEntry(part).length);
  assert.ok(sizes.length <= 2 && sizes.every((size) => size <= MAX_ENTRY_BYTES), sizes.join());
  assert.is(parts.flatMap((part) => part.statements).length, 128);
});
