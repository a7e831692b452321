import { assert, test } from "../build/testing.ts";
import { nodeCrypto, signerFromSeed } from "../edge-agent/adapters/crypto.ts";
import type { ZoneId } from "../models/units.ts";
import { encodeRoster, type Person, type Roster } from "./roster.ts";
import { decodeRoster } from "./roster-rules.ts";
import { madeRoster } from "./roster.testing.ts";
import { countsIn, MAX_WORD_CHARS, maySay, ROLES, SAID_BY, signWord, verifyWord, type WordKind } from "./word.ts";

// Files as others may have made them, good and bad: vectors/words.json.
const crypto = nodeCrypto();
const key = signerFromSeed(new Uint8Array(32).fill(120));
const made = madeRoster({ zones: [{ id: "a", n: 4, f: 1 }, { id: "b", n: 2, f: 0 }] });
const alice: Person = { name: "alice", role: "operator", key: key.publicKey, zones: [] };
const KINDS = Object.keys(SAID_BY) as WordKind[];
const said = { kind: "declare", atS: 1_700_000_000, body: { why: "new firmware" } } as const;

const withPeople = (...people: Person[]): Roster => {
  const decoded = decodeRoster(encodeRoster({ ...made, people }));
  if (!decoded.ok) throw new Error(decoded.problem);
  return decoded.value;
};

test("a word is what was said, by whom, under its own name", () => {
  const file = signWord("example", "alice", said, key);
  const word = verifyWord(crypto, withPeople(alice), "a", file);
  assert.ok(word.ok);
  assert.equal([word.value.kind, word.value.atS, word.value.body], [said.kind, said.atS, said.body]);
  assert.equal(word.value.by, alice);
  const later = verifyWord(crypto, withPeople(alice), "a", signWord("example", "alice", { ...said, atS: 1 }, key));
  assert.ok(later.ok && word.value.hash.some((byte, i) => byte !== later.value.hash[i]));
  const long = { ...said, body: { x: "y".repeat(MAX_WORD_CHARS) } };
  assert.throws(() => signWord("example", "alice", long, key), RangeError);
});

test("only an operator says anything that changes what an agent does", () => {
  for (const role of [...ROLES, "viewer", "toString"]) {
    for (const kind of KINDS) assert.is(maySay({ ...alice, role }, kind), role === "operator", `${role} ${kind}`);
  }
  const roster = withPeople({ ...alice, role: "installer" });
  const word = verifyWord(crypto, roster, "a", signWord("example", "alice", said, key));
  assert.equal(word, { ok: false, problem: "word: declare by alice, found role installer; allowed: operator" });
});

test("a person of some zones says nothing in others; a roster without people lets nobody say anything", () => {
  const some = { ...alice, zones: ["b" as ZoneId] };
  assert.equal([countsIn(alice, "a"), countsIn(some, "a"), countsIn(some, "b")], [true, false, true]);
  const file = signWord("example", "alice", said, key);
  assert.equal(verifyWord(crypto, withPeople(some), "a", file),
    { ok: false, problem: "word: by alice, whose zones are b; found a" });
  assert.ok(verifyWord(crypto, withPeople(some), "b", file).ok);
  assert.equal(verifyWord(crypto, made, "a", file),
    { ok: false, problem: "word: by nobody whom version 1 of the roster lists" });
});

test("no byte of a word can be changed", () => {
  const file = signWord("example", "alice", said, key);
  const roster = withPeople(alice);
  for (let i = 0; i < file.length; i++) {
    for (const bit of [1, 128]) {
      const changed = file.map((byte, at) => (at === i ? byte ^ bit : byte));
      assert.not(verifyWord(crypto, roster, "a", changed).ok, `byte ${i}`);
    }
    assert.not(verifyWord(crypto, roster, "a", file.subarray(0, i)).ok);
  }
});
