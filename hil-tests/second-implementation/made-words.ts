/** Vectors of what rosters say beyond members: whose words count, how far logs of revoked keys are believed. */
import { hex } from "../../gossip/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "../../gossip/cbor.ts";
import { signAs } from "../../gossip/domain.ts";
import { signWord } from "../../gossip/word.ts";
import type { Signer } from "../../models/crypto.ts";
import { rosterBytes, signerOf, ZONE } from "./made-agreement.ts";

const [alice, bob, carol, stranger] = [120, 121, 122, 123].map(signerOf) as [Signer, Signer, Signer, Signer];
const [REVOKED, LATER] = [124, 125].map((fill) => signerOf(fill).publicKey) as [Uint8Array, Uint8Array];
const ROOT = new Uint8Array(32).fill(9);
const PEOPLE: CborValue = [
  ["alice", "operator", alice.publicKey, []], ["bob", "installer", bob.publicKey, []],
  ["carol", "operator", carol.publicKey, [ZONE]],
];
const TRUSTED: CborValue = [["CP-9", REVOKED, 1_234, ROOT]];

/** The roster of the agreement's vectors, with one revoked key and what is given behind its events. */
function rosterWith(...more: readonly CborValue[]): CborValue {
  const decoded = decodeCbor(rosterBytes);
  if (!decoded.ok) throw new Error(decoded.problem);
  const fields = decoded.value as readonly CborValue[];
  return [...fields.slice(0, 10), [REVOKED], ...fields.slice(11), ...more];
}

const person = (...of: readonly CborValue[]): CborValue => rosterWith([of], TRUSTED);
const trusted = (...of: readonly CborValue[]): CborValue => rosterWith(PEOPLE, [of]);
const memberKey = signerOf(0).publicKey;

const ROSTERS: readonly (readonly [string, boolean, CborValue])[] = [
  ["people and a last checkpoint", true, rosterWith(PEOPLE, TRUSTED)],
  ["people alone", true, rosterWith(PEOPLE, [])],
  ["a last checkpoint alone", true, rosterWith([], TRUSTED)],
  ["a role that is not known yet", true, person("alice", "viewer", alice.publicKey, [])],
  ["two fields of a later release", true, rosterWith(PEOPLE, TRUSTED, [1, "x"], 7)],
  ["a field of a later release alone", true, rosterWith([], [], 0)],
  ["three fields more", false, rosterWith(PEOPLE, TRUSTED, 1, 2, 3)],
  ["thirteen fields", false, rosterWith(PEOPLE)],
  ["two empty lists", false, rosterWith([], [])],
  ["people as a number", false, rosterWith(0, TRUSTED)],
  ["a person without zones", false, person("alice", "operator", alice.publicKey)],
  ["a name with a space", false, person("a b", "operator", alice.publicKey, [])],
  ["a role as a number", false, person("alice", 1, alice.publicKey, [])],
  ["a key of 31", false, person("alice", "operator", alice.publicKey.subarray(1), [])],
  ["a key of small order", false, person("alice", "operator", new Uint8Array(32), [])],
  ["a member's key", false, person("alice", "operator", memberKey, [])],
  ["a revoked key", false, person("alice", "operator", REVOKED, [])],
  ["a zone of another roster", false, person("alice", "operator", alice.publicKey, ["depot"])],
  ["a zone twice", false, person("alice", "operator", alice.publicKey, [ZONE, ZONE])],
  ["names that fall", false, rosterWith([
    ["bob", "operator", bob.publicKey, []], ["alice", "operator", alice.publicKey, []]], TRUSTED)],
  ["a key twice", false, rosterWith([
    ["alice", "operator", bob.publicKey, []], ["bob", "operator", bob.publicKey, []]], TRUSTED)],
  ["65 people", false, rosterWith(Array.from({ length: 65 }, (_, i) =>
    [`p-${String(i + 100)}`, "auditor", signerOf(130 + i).publicKey, []]), TRUSTED)],
  ["a checkpoint of a key that is not revoked", false, trusted("CP-9", LATER, 1, ROOT)],
  ["a checkpoint of no entries", false, trusted("CP-9", REVOKED, 0, ROOT)],
  ["a checkpoint before 0", false, trusted("CP-9", REVOKED, -1, ROOT)],
  ["a root of 31", false, trusted("CP-9", REVOKED, 1, ROOT.subarray(1))],
  ["a station with a slash", false, trusted("CP/9", REVOKED, 1, ROOT)],
  ["a checkpoint without a root", false, trusted("CP-9", REVOKED, 1)],
  ["a log twice", false, rosterWith(PEOPLE, [["CP-9", REVOKED, 1, ROOT], ["CP-9", REVOKED, 2, ROOT]])],
];

/** The roster that words are held against. */
const wordRosterBytes = encodeCbor(rosterWith(PEOPLE, TRUSTED));

const wordOf = (signer: Signer, ...value: readonly CborValue[]): Uint8Array => {
  const bytes = encodeCbor(value);
  return encodeCbor([bytes, signAs("word", bytes, signer)]);
};

/** Name, zone, file, and who is believed. */
function* words(): Generator<readonly [string, string, Uint8Array, string | null]> {
  const said = { kind: "declare", atS: 1_700_000_000, body: { why: "new firmware" } } as const;
  const good = signWord("example", "alice", said, alice);
  const text = JSON.stringify(said.body);
  yield ["by an operator", ZONE, good, "alice"];
  yield ["in a zone of hers", ZONE, signWord("example", "carol", said, carol), "carol"];
  yield ["of 1,024 characters", ZONE, wordOf(alice, 1, "example", "alice", 0, "close",
    JSON.stringify({ why: "x".repeat(1_014) })), "alice"];
  yield ["in a zone that is not hers", "depot", signWord("example", "carol", said, carol), null];
  yield ["by an installer", ZONE, signWord("example", "bob", said, bob), null];
  yield ["by nobody", ZONE, signWord("example", "dave", said, stranger), null];
  yield ["in another's name", ZONE, signWord("example", "alice", said, bob), null];
  yield ["of another network", ZONE, signWord("town", "alice", said, alice), null];
  yield ["of another kind", ZONE, wordOf(alice, 1, "example", "alice", 1, "toString", text), null];
  yield ["of another format", ZONE, wordOf(alice, 2, "example", "alice", 1, "declare", text), null];
  yield ["before 1970", ZONE, wordOf(alice, 1, "example", "alice", -1, "declare", text), null];
  yield ["a time as text", ZONE, wordOf(alice, 1, "example", "alice", "1", "declare", text), null];
  yield ["one item more", ZONE, wordOf(alice, 1, "example", "alice", 1, "declare", text, 0), null];
  yield ["no JSON", ZONE, wordOf(alice, 1, "example", "alice", 1, "declare", "{"), null];
  yield ["JSON that is no object", ZONE, wordOf(alice, 1, "example", "alice", 1, "declare", "[]"), null];
  yield ["of 1,025 characters", ZONE, wordOf(alice, 1, "example", "alice", 0, "close",
    JSON.stringify({ why: "x".repeat(1_015) })), null];
  yield ["a byte more", ZONE, Uint8Array.of(...good, 0), null];
  yield ["a byte changed", ZONE, good.map((byte, i) => (i === 40 ? byte ^ 1 : byte)), null];
  yield ["a signature of 63", ZONE, cut(good), null];
  const bytes = encodeCbor([1, "example", "alice", 1, "declare", text]);
  yield ["signed as a roster", ZONE, encodeCbor([bytes, signAs("roster", bytes, alice)]), null];
  yield ["of 4,097 bytes", ZONE, new Uint8Array(4_097), null];
}

function cut(file: Uint8Array): Uint8Array {
  const decoded = decodeCbor(file);
  if (!decoded.ok) throw new Error(decoded.problem);
  const [bytes, signature] = decoded.value as [Uint8Array, Uint8Array];
  return encodeCbor([bytes, signature.subarray(1)]);
}

export interface WordVector {
  readonly name: string;
  readonly zone: string;
  readonly file: string;
  readonly by: string | null;
}

export function wordVectors(): object {
  return {
    about: "SPEC.md, sections 2 and 2b. Signed bytes of rosters with people and last checkpoints, good and bad; and " +
      "files of words, with who is believed (null: nobody) in a zone under `roster`.",
    rosters: ROSTERS.map(([name, good, value]) => ({ name, good, roster: hex(encodeCbor(value)) })),
    roster: hex(wordRosterBytes),
    words: [...words()].map(([name, zone, file, by]): WordVector => ({ name, zone, file: hex(file), by })),
  };
}
