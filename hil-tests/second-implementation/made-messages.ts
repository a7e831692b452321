/** Vectors of messages and of the CBOR below them, as gossip/vectors has them: good ones, and more that are not. */
import { signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { hex } from "../../gossip/bytes.ts";
import { type CborValue, encodeCbor } from "../../gossip/cbor.ts";
import { signAs } from "../../gossip/domain.ts";
import type { Signer } from "../../models/crypto.ts";

/** What a reader makes of bytes on a topic, in the order of its checks; a message that passes all is good. */
export type Verdict =
  | "good" | "bad-topic" | "too-long" | "not-cbor" | "bad-shape" | "wrong-place" | "wrong-author" | "bad-signature";

export interface MessageVector {
  readonly name: string;
  readonly topic: string;
  /** The whole message, hexadecimal. */
  readonly message: string;
  readonly expect: Verdict;
}

const NETWORK = "example";
const ZONE = "feeder-7";
export const STATION = "CP-1";
export const author = signerFromSeed(new Uint8Array(32).fill(21));
const other = signerFromSeed(new Uint8Array(32).fill(22));
const bytes = (length: number, fill = 7): Uint8Array => new Uint8Array(length).fill(fill);
const HEAD: readonly CborValue[] = [1, NETWORK, ZONE, 3, STATION];
const HASH = bytes(32);
const none = new Uint8Array(0);
const times = (count: number, item: (index: number) => CborValue): CborValue[] =>
  Array.from({ length: count }, (_, index) => item(index));
const L = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

const statement = (epoch: number, seq: number, evidence: readonly CborValue[] = []): CborValue[] =>
  [1, NETWORK, ZONE, STATION, epoch, seq, seq === 0 ? none : HASH, 3, evidence, seq === 0 ? none : HASH];
const whole = (kind: string, value: CborValue, signer: Signer = author): Uint8Array => {
  const signed = encodeCbor(value);
  return encodeCbor([signed, signAs(kind, signed, signer)]);
};
const PROPOSAL: CborValue[] = [...HEAD, 1_000, 19, 990, [[0, HASH, bytes(32, 8)], [3, HASH, HASH]]];

/** One or more signed values of each kind that are as they should be, at their limits where there are any. */
const GOOD: readonly (readonly [string, string, CborValue])[] = [
  ["statement", "the first of an author", statement(1_000, 0)],
  ["statement", "evidence at its limits, of a newer agent", statement(2 ** 32 - 1, 2 ** 32 - 1,
    times(64, (i) => (i % 2 === 0 ? 2_000_000_000 : -2_000_000_000)))],
  ["note", "without sightings", [...HEAD, 1_000, 5, []]],
  ["note", "sixteen sightings", [...HEAD, 1_000, 5, times(16, (i) => [bytes(8, i), 1_700_000_000 + i, 0])]],
  ["proposal", "two members", PROPOSAL],
  ["proposal", "a key that is not known yet", [...HEAD, 1_000, 4_000, 990, []]],
  ["vote", "a vote", [...HEAD, 1_000, HASH]],
  ["certificate", "two votes", [...HEAD, 1_000, whole("proposal", PROPOSAL), [[0, bytes(64)], [63, bytes(64)]]]],
  ["digest", "of everything one", [...HEAD, 1_000, [[0, 999, HASH]], [HASH], [2]]],
  ["digest", "of nothing", [...HEAD, 1_000, [], [], []]],
  ["request", "sixty-four hashes", [...HEAD, 1_000, times(64, (i) => bytes(32, i))]],
  ["proof", "any bytes: what they prove is another question", [...HEAD, bytes(3), none]],
  ["checkpoint", "any text: a witness reads it", [...HEAD, 1_000, "note\n", [HASH], 12]],
  ["cosignature", "that nothing is held", [...HEAD, 1_000, "CP-2", ""]],
  ["attestation", "of a key that is not known yet", [...HEAD, 1_000, 4_000, 0]],
  ["summary", "two members", [...HEAD, 1_000, 19, 90, [[0, 999, 90, bytes(64)], [63, 1_000, 95, bytes(64)]]]],
  ["summary", "of nobody: whether that suffices is another question", [...HEAD, 1_000, 19, 90, []]],
  ["roster", "six that are known, and the last part of a seventh is asked for",
    [...HEAD, 1_000, times(6, (i) => [3 + i, bytes(32, i)]), ["CP-2", HASH, 21]]],
  ["roster", "nothing is known, nothing asked for", [...HEAD, 1_000, [], []]],
  ["part", "the only one", [...HEAD, 1_000, HASH, 0, 1, bytes(1)]],
  ["part", "one of twenty-two, whole", [...HEAD, 1_000, HASH, 20, 22, bytes(12_288)]],
  ["release", "one that is offered, and four that were taken back",
    [...HEAD, 1_000, 7, HASH, times(4, (i) => bytes(32, i))]],
  ["release", "nothing to say any more", [...HEAD, 1_000, 0, none, []]],
  ["fetch", "the last piece that there may be", [...HEAD, 1_000, "CP-2", HASH, 340]],
  ["piece", "the only one", [...HEAD, 1_000, 0, 1, HASH, bytes(1)]],
  ["piece", "one of 341, whole", [...HEAD, 1_000, 300, 341, HASH, bytes(12_288)]],
];

const changed = (value: readonly CborValue[], at: number, put: CborValue): CborValue[] =>
  value.map((item, index) => (index === at ? put : item));
const first = statement(1_000, 1, [5, -6]);

/** Signed, and not of their kind's shape. */
const MISSHAPEN: readonly (readonly [string, string, CborValue])[] = [
  ["statement", "another version", changed(first, 0, 2)],
  ["statement", "a network with a slash", changed(first, 1, "a/b")],
  ["statement", "an empty zone", changed(first, 2, "")],
  ["statement", "a station of 49", changed(first, 3, "a".repeat(49))],
  ["statement", "a station with a line feed at its end", changed(first, 3, "CP-1\n")],
  ["statement", "a negative epoch", changed(first, 4, -1)],
  ["statement", "seq as text", changed(first, 5, "1")],
  ["statement", "a previous of 31", changed(first, 6, bytes(31))],
  ["statement", "a negative roster version", changed(first, 7, -1)],
  ["statement", "65 pieces of evidence", changed(first, 8, times(65, () => 0))],
  ["statement", "evidence beyond its limit", changed(first, 8, [2_000_000_001])],
  ["statement", "evidence beyond its limit below", changed(first, 8, [-2_000_000_001])],
  ["statement", "evidence as bytes", changed(first, 8, none)],
  ["statement", "a checkpoint hash of 33", changed(first, 9, bytes(33))],
  ["statement", "one item more", [...first, 0]],
  ["statement", "one item less", first.slice(0, -1)],
  ["statement", "no array", 7],
  ["note", "seventeen sightings", [...HEAD, 1, 5, times(17, (i) => [bytes(8, i), 1, 0])]],
  ["note", "a pseudonym of nine", [...HEAD, 1, 5, [[bytes(9), 1, 0]]]],
  ["note", "a time before 1970", [...HEAD, 1, 5, [[bytes(8), -1, 0]]]],
  ["proposal", "members that do not rise", [...HEAD, 1, 2, 0, [[1, HASH, HASH], [1, HASH, HASH]]]],
  ["proposal", "a member of 64", [...HEAD, 1, 2, 0, [[64, HASH, HASH]]]],
  ["proposal", "a negative key", [...HEAD, 1, -1, 0, []]],
  ["proposal", "a pair of three", [...HEAD, 1, 2, 0, [[1, HASH, HASH, HASH]]]],
  ["proposal", "65 members", [...HEAD, 1, 2, 0, times(65, (i) => [i, HASH, HASH])]],
  ["vote", "a hash of 20", [...HEAD, 1, bytes(20)]],
  ["vote", "one item more", [...HEAD, 1, HASH, 0]],
  ["certificate", "a vote of 63 bytes", [...HEAD, 1, none, [[0, bytes(63)]]]],
  ["certificate", "votes that fall", [...HEAD, 1, none, [[2, bytes(64)], [1, bytes(64)]]]],
  ["certificate", "a proposal that is an array", [...HEAD, 1, [], []]],
  ["digest", "33 certificates", [...HEAD, 1, [], times(33, (i) => bytes(32, i)), []]],
  ["digest", "the guilty out of order", [...HEAD, 1, [], [], [3, 2]]],
  ["digest", "without the guilty", [...HEAD, 1, [], []]],
  ["request", "65 hashes", [...HEAD, 1, times(65, (i) => bytes(32, i))]],
  ["proof", "one statement", [...HEAD, none]],
  ["checkpoint", "65 hashes", [...HEAD, 1, "", times(65, () => HASH), 0]],
  ["checkpoint", "a note as bytes", [...HEAD, 1, none, [], 0]],
  ["cosignature", "a log with a space", [...HEAD, 1, "CP 2", ""]],
  ["attestation", "a negative level", [...HEAD, 1, 19, -1]],
  ["attestation", "one item more", [...HEAD, 1, 19, 90, 0]],
  ["summary", "members that do not rise", [...HEAD, 1, 19, 90, [[1, 1, 90, bytes(64)], [1, 1, 90, bytes(64)]]]],
  ["summary", "a member of 64", [...HEAD, 1, 19, 90, [[64, 1, 90, bytes(64)]]]],
  ["summary", "an attestation of 63 bytes", [...HEAD, 1, 19, 90, [[1, 1, 90, bytes(63)]]]],
  ["summary", "without attestations", [...HEAD, 1, 19, 90]],
  ["roster", "seven that are known", [...HEAD, 1, times(7, (i) => [i, HASH]), []]],
  ["roster", "a roster of one value", [...HEAD, 1, [[1]], []]],
  ["roster", "a hash of 31", [...HEAD, 1, [[1, bytes(31)]], []]],
  ["roster", "part 22 asked for", [...HEAD, 1, [], ["CP-2", HASH, 22]]],
  ["roster", "nobody in particular is asked", [...HEAD, 1, [], ["", HASH, 0]]],
  ["roster", "nothing where nobody is asked", [...HEAD, 1, []]],
  ["part", "no bytes", [...HEAD, 1, HASH, 0, 1, none]],
  ["part", "the first of two, a byte short", [...HEAD, 1, HASH, 0, 2, bytes(12_287)]],
  ["part", "the last, a byte long", [...HEAD, 1, HASH, 1, 2, bytes(12_289)]],
  ["part", "beyond its number", [...HEAD, 1, HASH, 2, 2, bytes(5)]],
  ["part", "one of 23", [...HEAD, 1, HASH, 22, 23, bytes(5)]],
  ["part", "of none", [...HEAD, 1, HASH, 0, 0, bytes(5)]],
  ["release", "five that were taken back", [...HEAD, 1, 0, none, times(5, (i) => bytes(32, i))]],
  ["release", "a sequence without a hash", [...HEAD, 1, 7, none, []]],
  ["release", "a hash without a sequence", [...HEAD, 1, 0, HASH, []]],
  ["release", "a negative sequence", [...HEAD, 1, -1, HASH, []]],
  ["release", "a hash of 31", [...HEAD, 1, 7, bytes(31), []]],
  ["release", "a hash of 31 that was taken back", [...HEAD, 1, 0, none, [bytes(31)]]],
  ["release", "without those that were taken back", [...HEAD, 1, 7, HASH]],
  ["fetch", "piece 341", [...HEAD, 1, "CP-2", HASH, 341]],
  ["fetch", "of nobody in particular", [...HEAD, 1, "", HASH, 0]],
  ["fetch", "an array", [...HEAD, 1, ["CP-2", HASH, 0]]],
  ["fetch", "one item more", [...HEAD, 1, "CP-2", HASH, 0, 0]],
  ["piece", "no bytes", [...HEAD, 1, 0, 1, HASH, none]],
  ["piece", "the first of two, a byte short", [...HEAD, 1, 0, 2, HASH, bytes(12_287)]],
  ["piece", "the last, a byte long", [...HEAD, 1, 1, 2, HASH, bytes(12_289)]],
  ["piece", "one of 342", [...HEAD, 1, 341, 342, HASH, bytes(5)]],
  ["piece", "beyond its number", [...HEAD, 1, 2, 2, HASH, bytes(5)]],
  ["vote", "another version", changed([...HEAD, 1, HASH], 0, 0)],
  ["vote", "a roster version as text", changed([...HEAD, 1, HASH], 3, "3")],
  ["vote", "a head alone", HEAD.slice(0, 4)],
  ["vote", "no array", "vote"],
];

const topicOf = (kind: string, station = STATION, zone = ZONE): string => `kw1/${NETWORK}/${zone}/${kind}/${station}`;
const vector = (name: string, topic: string, message: Uint8Array, expect: Verdict): MessageVector =>
  ({ name, topic, message: hex(message), expect });

/** Good statements that are written, signed or placed otherwise than they may be. */
function* misplaced(): Generator<MessageVector> {
  const signed = encodeCbor(first);
  const signature = signAs("statement", signed, author);
  const good = encodeCbor([signed, signature]);
  const topic = topicOf("statement");
  for (const bad of [
    "", "kw1", `${topic}/`, topic.slice(0, -5), topicOf("gossip"), topicOf("statement", "CP 1"),
    topic.replace("kw1", "kw2"), `/${topic}`, topicOf("statement", ""), topicOf("statement", "+"), `${topic}\n`,
  ]) yield vector(`on the topic ${JSON.stringify(bad)}`, bad, good, "bad-topic");
  yield vector("another zone's topic", topicOf("statement", STATION, "depot"), good, "wrong-place");
  yield vector("another network's topic", topic.replace(NETWORK, "town"), good, "wrong-place");
  yield vector("another station's topic", topicOf("statement", "CP-2"), good, "wrong-author");
  yield vector("on a vote's topic", topicOf("vote"), good, "bad-shape");
  yield vector("by another key", topic, whole("statement", first, other), "bad-signature");
  yield vector("signed as a vote", topic, whole("vote", first), "bad-signature");
  yield vector("signed without its kind", topic, encodeCbor([signed, author.sign(signed)]), "bad-signature");
  yield vector("a signature of zeros", topic, encodeCbor([signed, bytes(64, 0)]), "bad-signature");
  yield vector("a signature with L added to S", topic, encodeCbor([signed, plusL(signature)]), "bad-signature");
  yield vector("a bit of the signature", topic, encodeCbor([signed, flipped(signature, 9)]), "bad-signature");
  yield vector("a bit of the evidence", topic, encodeCbor([flipped(signed, signed.length - 36), signature]),
    "bad-signature");
}

const flipped = (from: Uint8Array, at: number): Uint8Array => from.map((byte, i) => (i === at ? byte ^ 1 : byte));

/** The twin that a lax verifier takes: S + L (RFC 8032, 5.1.7, is strict). */
function plusL(signature: Uint8Array): Uint8Array {
  const order = Buffer.from(L, "hex");
  let carry = 0;
  return signature.map((byte, i) => {
    if (i < 32) return byte;
    const sum = byte + order[i - 32]! + carry;
    carry = sum >> 8;
    return sum & 0xff;
  });
}

/** What is no message at all, or no message in the one way to write it. */
function* unreadable(): Generator<MessageVector> {
  const signed = encodeCbor(first);
  const signature = signAs("statement", signed, author);
  const topic = topicOf("statement");
  const outer = (...items: CborValue[]): Uint8Array => encodeCbor(items);
  const good = outer(signed, signature);
  const odd = Uint8Array.of(...signed, 0);
  yield vector("nothing", topic, none, "not-cbor");
  yield vector("a byte more", topic, Uint8Array.of(...good, 0), "not-cbor");
  yield vector("a byte less", topic, good.slice(0, -1), "not-cbor");
  yield vector("a length in two bytes that fits one", topic,
    Uint8Array.of(0x82, 0x59, 0, signed.length, ...signed, 0x58, 64, ...signature), "not-cbor");
  yield vector("signed bytes with one more", topic, outer(odd, signAs("statement", odd, author)), "not-cbor");
  yield vector("signed bytes that are empty", topic, outer(none, signAs("statement", none, author)), "not-cbor");
  yield vector("a signature of 63", topic, outer(signed, signature.subarray(1)), "bad-shape");
  yield vector("three items", topic, outer(signed, signature, 0), "bad-shape");
  yield vector("no bytes", topic, outer("signed", signature), "bad-shape");
  yield vector("2,049 bytes", topic, bytes(2_049, 0), "too-long");
  yield vector("a vote of 513 bytes", topicOf("vote"), bytes(513, 0), "too-long");
  yield vector("a certificate of 16,385 bytes", topicOf("certificate"), bytes(16_385, 0), "too-long");
}

export function messageVectors(): readonly MessageVector[] {
  const made = (list: typeof GOOD, expect: Verdict): MessageVector[] =>
    list.map(([kind, name, value]) => vector(`${kind}: ${name}`, topicOf(kind), whole(kind, value), expect));
  return [...made(GOOD, "good"), ...made(MISSHAPEN, "bad-shape"), ...misplaced(), ...unreadable()];
}

/** Values with their one encoding; bytes as `hex:`. */
const VALUES: readonly CborValue[] = [
  0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, -1, -24, -25, -256, -257, -65_536, -65_537, -(2 ** 32), "", "CP-1",
  "ä\u0000\ufeff€😀", "x".repeat(24), none, bytes(23), bytes(256), [], [1, "a", bytes(1)], [[[[]]]],
  times(24, (i) => i),
];
const BAD_CBOR: readonly (readonly [string, string])[] = [
  ["nothing", ""], ["24 in its own byte, and less", "1817"], ["255 in two bytes", "1900ff"],
  ["65,535 in four bytes", "1a0000ffff"], ["eight bytes", "1b0000000100000000"], ["-25 in two bytes", "390018"],
  ["a reserved head", "1c"], ["a bignum", "c249010000000000000000"], ["a float", "f93c00"], ["false", "f4"],
  ["null", "f6"], ["undefined", "f7"], ["a map", "a0"], ["a map of one", "a10102"], ["a tag", "c000"],
  ["an array without an end", "9fff"], ["bytes without an end", "5f41ffff"], ["text without an end", "7f6161ff"],
  ["a break alone", "ff"], ["text that ends early", "626e"], ["bytes that end early", "42ff"],
  ["an array that ends early", "8201"], ["an array of 2^32 - 1", "9affffffff"], ["bytes of 2^32 - 1", "5affffffff"],
  ["text with half a character", "61c3"], ["text with a surrogate", "63eda080"], ["text in more bytes", "62c080"],
  ["five deep", "8181818180"], ["a byte after the end", "0000"], ["a length with idle bytes", "580161"],
];

export function cborVectors(): object {
  return {
    about: "SPEC.md, section 1. Values with their one encoding (`hex:` marks bytes), and bytes that are refused.",
    good: VALUES.map((value) => ({ hex: hex(encodeCbor(value)), value: told(value) })),
    bad: BAD_CBOR.map(([name, text]) => ({ name, hex: text })),
  };
}

export function told(value: CborValue): unknown {
  if (value instanceof Uint8Array) return `hex:${hex(value)}`;
  return Array.isArray(value) ? value.map((item) => told(item as CborValue)) : value;
}
