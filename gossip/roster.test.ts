import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../build/paths.ts";
import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { nodeCrypto, signerFromSeed } from "../edge-agent/adapters/crypto.ts";
import type { Signer } from "../models/crypto.ts";
import { hex } from "./bytes.ts";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { MOST_MEMBERS } from "./directory.ts";
import {
  encodeRoster, MAX_ROSTER_BYTES, memberByTlsKey, memberOf, nextOperators, quorumOf, type Roster, zoneMembers, zoneOf,
} from "./roster.ts";
import {
  chainProblem, decodeRosterFile, encodeRosterFile, isRosterFork, rosterHash, signRoster, type VerifiedRoster,
  verifyRosterFile,
} from "./roster-file.ts";
import { decodeRoster } from "./roster-rules.ts";
import { madeRoster } from "./roster.testing.ts";

const crypto = nodeCrypto();
const operators: readonly Signer[] = [1, 2, 3, 4].map((n) => signerFromSeed(new Uint8Array(32).fill(n)));
const [alice, bob, carol, mallory] = operators as [Signer, Signer, Signer, Signer];
const trusted = { threshold: 2, keys: [alice, bob, carol].map(({ publicKey }) => publicKey) };
const ZONES = [{ id: "a", n: 4, f: 1 }, { id: "b", n: 2, f: 0 }];
const roster = madeRoster({ zones: ZONES, operators: trusted.keys });
const bytes = encodeRoster(roster);
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(join(repoRoot, "gossip/vectors", name), "utf8")) as T;
}

function why(result: { readonly ok: boolean; readonly problem?: string }): string {
  return result.ok ? "accepted" : result.problem ?? "";
}

/** Decoded, so that a test may change it. */
type Loose = (number | string | Uint8Array | Loose)[];

function loose(): Loose {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok) throw new Error(decoded.problem);
  return decoded.value as Loose;
}

interface Bad {
  readonly name: string;
  readonly at: readonly number[];
  readonly put?: unknown;
  readonly drop?: true;
  readonly repeat?: number;
  readonly problem: string;
}

function valueOf(put: unknown, whole: Loose): CborValue {
  if (Array.isArray(put)) return put.map((item) => valueOf(item, whole));
  if (typeof put !== "string") return put as number;
  if (put.startsWith("hex:")) return bytesOf(put.slice(4));
  if (!put.startsWith("$")) return put;
  return put.slice(1).split(".").reduce<unknown>((at, step) => (at as Loose)[Number(step)], whole) as CborValue;
}

function changed({ at, put, drop, repeat }: Bad): Uint8Array {
  const whole = loose();
  const list = at.slice(0, -1).reduce<Loose>((inner, step) => inner[step] as Loose, whole);
  const place = at.at(-1)!;
  const value = valueOf(put, whole);
  if (drop === true) list.splice(place, 1);
  else list[place] = (repeat === undefined ? value : Array.from({ length: repeat }, () => value)) as Loose;
  return encodeCbor(whole as CborValue);
}

test("the good roster of the vectors is these bytes, and says what it was made of", () => {
  const good = vectors<{ roster: string; hash: string; file: string }>("rosters.json");
  assert.is(hex(bytes), good.roster);
  assert.is(hex(rosterHash(crypto, bytes)), good.hash);
  const file = encodeRosterFile({ bytes, signatures: [signRoster(bytes, alice), signRoster(bytes, bob)] });
  assert.is(hex(file), good.file);
  const decoded = decodeRoster(bytesOf(good.roster));
  assert.ok(decoded.ok);
  assert.equal(decoded.value, roster);
});

for (const bad of vectors<{ bad: Bad[] }>("bad-rosters.json").bad) {
  test(`refused: ${bad.name}`, () => assert.is(why(decodeRoster(changed(bad))), bad.problem));
}

test("bytes that are no CBOR of the subset are refused before anything else", () => {
  for (const [text, problem] of [
    ["", "ends too early"], ["a0", "major type 5"], ["f6", "major type 7"], ["00", "found 0; allowed: a list of 12"],
    [`${hex(bytes)}00`, "bytes after the end"], [hex(bytes).slice(0, -2), "ends too early"],
    ["8181818181", "nested too deeply"], [hex(bytes).replace(/^8c01/, "8c1801"), "shortest form"],
    [hex(bytes).replace(/^8c/, "980c"), "shortest form"],
  ] as const) assert.match(why(decodeRoster(bytesOf(text))), problem);
});

test("more than 256 KB is not even looked at", () => {
  const problem = `found ${MAX_ROSTER_BYTES + 1} bytes; allowed: at most ${MAX_ROSTER_BYTES}`;
  assert.is(why(decodeRoster(new Uint8Array(MAX_ROSTER_BYTES + 1))), `roster: ${problem}`);
  assert.is(why(decodeRosterFile(new Uint8Array(MAX_ROSTER_BYTES + 1))), `roster file: ${problem}`);
});

test("a zone may have 64 members and no more; twenty such zones fit", () => {
  const zones = Array.from({ length: 20 }, (_, i) => ({ id: `z-${i + 10}`, n: MOST_MEMBERS, f: 21 }));
  const large = encodeRoster(madeRoster({ zones }));
  assert.is(why(decodeRoster(large)), "accepted");
  assert.ok(large.length < MAX_ROSTER_BYTES);
  const over = encodeRoster(madeRoster({ zones: [{ id: "a", n: MOST_MEMBERS + 1, f: 0 }] }));
  assert.is(why(decodeRoster(over)), 'zones[0]: found "a with 65 members"; allowed: at most 64 members a zone');
});

test("a mutilated roster is refused in one line or is well formed: never an accident, never a second encoding", () => {
  const random = seeded(7);
  let accepted = 0;
  for (let i = 0; i < 4_000; i++) {
    const mutant = Uint8Array.from(bytes);
    for (let n = 0; n <= random.int(3); n++) mutant[random.int(i % 2 ? 60 : mutant.length)] = random.int(256);
    const cut = random.int(4) === 0 ? mutant.slice(0, random.int(mutant.length)) : mutant;
    const decoded = decodeRoster(cut);
    if (decoded.ok) {
      accepted += 1;
      assert.equal(encodeRoster(decoded.value), cut);
    } else {
      assert.ok(decoded.problem.length > 0 && decoded.problem.length < 300);
    }
  }
  assert.ok(accepted > 10); // a changed bit of a key or a rating is a roster too
});

const file = (...signers: readonly Signer[]): Uint8Array =>
  encodeRosterFile({ bytes, signatures: signers.map((signer) => signRoster(bytes, signer)) });
const verified = (input: Uint8Array): string => why(verifyRosterFile(crypto, input, trusted));

test("as many different trusted operators as the threshold says make a roster", () => {
  const result = verifyRosterFile(crypto, file(carol, mallory, alice), trusted);
  assert.ok(result.ok);
  assert.equal(result.value.roster, roster);
  assert.equal(result.value.signedBy, [carol.publicKey, alice.publicKey]);
  assert.equal(result.value.hash, rosterHash(crypto, bytes));
});

const NEEDED = "; allowed: at least 2 good ones of different trusted operators";

test("too few, foreign, forged and moved signatures make none", () => {
  assert.is(verified(file()), `signatures: found 0 good signatures of trusted operators${NEEDED}`);
  assert.is(verified(file(alice)), `signatures: found 1 good signature of trusted operators${NEEDED}`);
  assert.match(verified(file(alice, mallory)),
    "1 good signature of trusted operators, 1 of keys that are not trusted;");
  const good = signRoster(bytes, alice);
  const forged = { key: bob.publicKey, signature: good.signature };
  assert.match(verified(encodeRosterFile({ bytes, signatures: [good, forged] })),
    "1 good signature of trusted operators, 1 wrong;");
  const other = encodeRoster({ ...roster, network: "other" });
  const moved = { bytes: other, signatures: [alice, bob].map((signer) => signRoster(bytes, signer)) };
  assert.match(verified(encodeRosterFile(moved)), "0 good signatures of trusted operators, 2 wrong;");
});

test("a signature over the bare bytes, or of another kind, is not one over a roster", () => {
  const bare = [alice, bob].map((signer) => ({ key: signer.publicKey, signature: signer.sign(bytes) }));
  assert.match(verified(encodeRosterFile({ bytes, signatures: bare })), "2 wrong;");
  const message = Buffer.concat([Buffer.from("kerbwatch 1 statement\n"), bytes]);
  const kind = [alice, bob].map((signer) => ({ key: signer.publicKey, signature: signer.sign(message) }));
  assert.match(verified(encodeRosterFile({ bytes, signatures: kind })), "2 wrong;");
});

test("one operator counts once, in the file and among the trusted", () => {
  const twice = [signRoster(bytes, alice), signRoster(bytes, alice)];
  assert.is(verified(encodeRosterFile({ bytes, signatures: twice })),
    "signatures[1]: found a key again; allowed: each key once");
  const doubled = { threshold: 2, keys: [alice.publicKey, alice.publicKey] };
  assert.not.ok(verifyRosterFile(crypto, file(alice), doubled).ok);
  assert.not.ok(verifyRosterFile(crypto, file(), { threshold: 0, keys: [] }).ok);
});

test("what is signed and breaks a rule is refused all the same", () => {
  const bad = encodeRoster({ ...roster, epochS: 0 });
  const signatures = [signRoster(bad, alice), signRoster(bad, bob)];
  assert.match(verified(encodeRosterFile({ bytes: bad, signatures })), /^epochS: found 0; allowed/);
});

test("a file of another shape is refused", () => {
  const one = signRoster(bytes, alice);
  const wrong: readonly CborValue[] = [
    [], [bytes], [bytes, [], []], [bytes, bytes], ["text", []], 7, [bytes, [[one.key]]], [bytes, [[one.key, one.key]]],
    [bytes, [[one.signature, one.signature]]], [bytes, [one.key]], [bytes, [[new Uint8Array(32), one.signature]]],
    [bytes, Array.from({ length: 33 }, () => [one.key, one.signature])],
  ];
  for (const value of wrong) {
    assert.match(why(decodeRosterFile(encodeCbor(value))), /^(roster file|signatures(\[0\])?): found /);
    assert.not.ok(verifyRosterFile(crypto, encodeCbor(value), trusted).ok);
  }
});

test("a mutilated file is never believed unless the roster in it is the one that was signed", () => {
  const random = seeded(11);
  const whole = file(alice, bob, carol);
  for (let i = 0; i < 300; i++) {
    const mutant = Uint8Array.from(whole);
    mutant[random.int(mutant.length)]! ^= 1 << random.int(8);
    const result = verifyRosterFile(crypto, mutant, trusted);
    if (result.ok) assert.equal(result.value.hash, rosterHash(crypto, bytes));
  }
});

const as = (one: Roster): VerifiedRoster =>
  ({ roster: one, hash: rosterHash(crypto, encodeRoster(one)), signedBy: [] });

test("the next version chains by hash; everything else that must stay, stays", () => {
  const last = as(roster);
  const next: Roster = { ...roster, version: 2, previous: last.hash };
  assert.is(chainProblem(last, next), undefined);
  const wrong: readonly [Partial<Roster>, RegExp][] = [
    [{ network: "other" }, /^network: found other; allowed: example, as before$/],
    [{ version: 3 }, /^version: found 3; allowed: 2, the next one$/],
    [{ version: 1 }, /^version: found 1; allowed: 2/],
    [{ previous: rosterHash(crypto, new Uint8Array(1)) }, /^previous: found [0-9a-f]{64}; allowed: [0-9a-f]{64}, /],
    [{ epochS: 5 }, /^epochS: found 5; allowed: 10, as before$/],
  ];
  for (const [change, problem] of wrong) assert.match(chainProblem(last, { ...next, ...change }) ?? "", problem);
  const later = { roster: { ...roster, fromEpoch: 100 as Roster["fromEpoch"] }, hash: last.hash };
  assert.match(chainProblem(later, next) ?? "", /^fromEpoch: found 0; allowed: 100 or later$/);
  assert.equal(nextOperators(roster), trusted);
});

test("two different rosters of one version are a fork; the same one twice is not", () => {
  const other = as({ ...roster, epochS: 5 });
  assert.ok(isRosterFork(as(roster), other));
  assert.not(isRosterFork(as(roster), as(roster)));
  assert.not(isRosterFork(as(roster), as({ ...other.roster, version: 2, previous: new Uint8Array(32) })));
  assert.not(isRosterFork(as(roster), as({ ...roster, network: "other" })));
});

test("lookups agree with a search by hand", () => {
  const large = madeRoster({ zones: [{ id: "a", n: 37, f: 3 }, { id: "b", n: 1, f: 0 }, { id: "c", n: 12, f: 0 }] });
  for (const member of large.members) {
    assert.is(memberOf(large, member.station), member);
    assert.is(memberByTlsKey(large, Uint8Array.from(member.keys.tls)), member);
    assert.is(memberByTlsKey(large, member.keys.log), undefined);
  }
  for (const absent of ["", "a", "a-0000x", "zz", "A"]) assert.is(memberOf(large, absent), undefined);
  assert.equal(zoneMembers(large, "c").map(({ station }) => station),
    Array.from({ length: 12 }, (_, i) => `c-${String(i).padStart(4, "0")}`));
  assert.equal(zoneMembers(large, "x"), []);
  assert.is(zoneOf(large, "b")?.f, 0);
  assert.is(zoneOf(large, "x"), undefined);
});

test("any two quorums share an honest member", () => {
  for (let n = 1; n <= 64; n++) {
    for (let f = 0; 3 * f < n; f++) {
      const quorum = quorumOf(n, f);
      assert.ok(2 * quorum - n > f, "overlap above f");
      assert.ok(quorum <= n - f, "reached without the f");
    }
  }
  assert.is(quorumOf(20, 3), 12); // the example of the contract
});
