import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { nodeCrypto, signerFromSeed } from "../edge-agent/adapters/crypto.ts";
import type { Signer } from "../models/crypto.ts";
import type { Epoch } from "../models/units.ts";
import { encodeRoster, type Operators, type Roster } from "./roster.ts";
import { createRosterChain, type KnownRoster, offerRoster, type RosterChain, takeForce } from "./roster-chain.ts";
import { encodeRosterFile, rosterHash, signRoster } from "./roster-file.ts";
import { madeRoster } from "./roster.testing.ts";

const crypto = nodeCrypto();
const signerOf = (fill: number): Signer => signerFromSeed(new Uint8Array(32).fill(fill));
const [alice, bob, carol, dave, eve] = [1, 2, 3, 4, 5].map(signerOf) as [Signer, Signer, Signer, Signer, Signer];
const keysOf = (...signers: Signer[]): Uint8Array[] => signers.map(({ publicKey }) => publicKey);
const given: Operators = { threshold: 2, keys: keysOf(alice, bob, carol) };
const first = madeRoster({ zones: [{ id: "a", n: 4, f: 1 }], operators: given.keys });

function fileOf(roster: Roster, ...signers: Signer[]): Uint8Array {
  const bytes = encodeRoster(roster);
  return encodeRosterFile({ bytes, signatures: signers.map((signer) => signRoster(bytes, signer)) });
}

const known = (roster: Roster): KnownRoster =>
  ({ roster, hash: rosterHash(crypto, encodeRoster(roster)), file: fileOf(roster, alice, bob) });
const after = (last: Roster, more: Partial<Roster> = {}): Roster =>
  ({ ...last, version: last.version + 1, previous: known(last).hash, ...more });
const begin = (): RosterChain => createRosterChain(given, known(first));
const second = after(first);

/** What a refused offer must leave as it was. */
const snapshot = ({ inForce, coming, isForked }: RosterChain): unknown =>
  [inForce.roster.version, coming.map(({ roster: { version } }) => version), isForked];

test("the next version comes into force with its epoch, and not before", () => {
  const chain = begin();
  const next = after(first, { fromEpoch: 100 as Epoch });
  const file = fileOf(next, alice, carol);
  const offered = offerRoster(chain, crypto, file);
  assert.is(offered.kind === "accepted" && offered.roster.fromEpoch, 100);
  assert.is(takeForce(chain, 99), undefined);
  assert.is(chain.inForce.roster.version, 1);
  const taken = takeForce(chain, 100);
  assert.equal([taken?.roster.version, taken?.file, chain.coming.length], [2, file, 0]);
  assert.is(chain.inForce, taken);
  assert.is(takeForce(chain, 101), undefined);
});

test("the same file again is known, whether in force or to come", () => {
  const chain = begin();
  assert.is(offerRoster(chain, crypto, fileOf(first, bob, carol)).kind, "known", "signed by others of them");
  offerRoster(chain, crypto, fileOf(second, alice, bob));
  const before = snapshot(chain);
  assert.is(offerRoster(chain, crypto, fileOf(second, alice, bob)).kind, "known");
  assert.is(offerRoster(chain, crypto, fileOf(first, alice, bob)).kind, "known");
  assert.equal(snapshot(chain), before);
});

const REFUSED: readonly (readonly [string, RegExp, Uint8Array])[] = [
  ["garbage", /^roster file: /, new Uint8Array(50)],
  ["nothing", /^roster file: /, new Uint8Array(0)],
  ["unsigned", /^signatures: found 0 good/, fileOf(second)],
  ["one operator of two", /^signatures: found 1 good/, fileOf(second, alice)],
  ["strangers", /2 of keys that are not trusted/, fileOf(second, dave, eve)],
  ["one stranger", /found 1 good.*1 of keys that are not trusted/, fileOf(second, alice, eve)],
  ["a version left out", /^version: found 3; allowed: 2, the next one/, fileOf(after(second), alice, bob)],
  ["another past", /^previous: found/, fileOf(after({ ...first, epochS: 10, revoked: [] }), alice, bob)],
  ["another network", /^network: found other/, fileOf({ ...second, network: "other" }, alice, bob)],
  ["another network's first", /^network: found other/, fileOf({ ...first, network: "other" }, alice, bob)],
  ["another epoch length", /^epochS: found 5/, fileOf({ ...second, epochS: 5 }, alice, bob)],
  ["a broken rule", /^threshold: /, fileOf({ ...second, threshold: 9 }, alice, bob)],
];

test("what does not follow is refused, with the place, and changes nothing", () => {
  for (const [says, problem, file] of REFUSED) {
    const chain = begin();
    const before = snapshot(chain);
    const offered = offerRoster(chain, crypto, file);
    assert.is(offered.kind, "refused", says);
    assert.match(offered.kind === "refused" ? offered.problem : "", problem, says);
    assert.equal(snapshot(chain), before, says);
    assert.is(offerRoster(chain, crypto, fileOf(second, alice, bob)).kind, "accepted", says);
  }
});

test("an older one, or one that would count earlier, is refused", () => {
  const chain = begin();
  const next = after(first, { fromEpoch: 50 as Epoch });
  offerRoster(chain, crypto, fileOf(next, alice, bob));
  takeForce(chain, 50);
  const old = offerRoster(chain, crypto, fileOf(first, alice, bob));
  assert.match(old.kind === "refused" ? old.problem : "", /^version: found 1; allowed: 3, the next one/);
  const early = offerRoster(chain, crypto, fileOf(after(next, { fromEpoch: 49 as Epoch }), alice, bob));
  assert.match(early.kind === "refused" ? early.problem : "", /^fromEpoch: found 49; allowed: 50 or later/);
});

test("the operators that a version names sign the next one, and those before no longer do", () => {
  const chain = begin();
  const handed = after(first, { operators: keysOf(dave, eve), threshold: 2 });
  assert.is(offerRoster(chain, crypto, fileOf(handed, dave, eve)).kind, "refused", "not yet");
  assert.is(offerRoster(chain, crypto, fileOf(handed, alice, bob)).kind, "accepted");
  const third = after(handed);
  assert.is(offerRoster(chain, crypto, fileOf(third, alice, bob, carol)).kind, "refused");
  assert.is(offerRoster(chain, crypto, fileOf(third, dave, eve)).kind, "accepted");
  assert.is(takeForce(chain, 0)?.roster.version, 3, "two that are due: the later one");
});

test("two rosters of one version are a fork, until a later version is in force", () => {
  for (const isComing of [false, true]) {
    const chain = begin();
    if (isComing) offerRoster(chain, crypto, fileOf(after(first, { fromEpoch: 9 as Epoch }), alice, bob));
    const { roster } = chain.coming[0] ?? chain.inForce;
    const other = fileOf({ ...roster, revoked: [] }, bob, carol);
    const offered = offerRoster(chain, crypto, other);
    assert.match(offered.kind === "fork" ? offered.problem : "", /^two rosters of version [12]: [0-9a-f]{12} and/);
    assert.ok(chain.isForked);
    assert.is(offerRoster(chain, crypto, chain.inForce.file).kind, "known");
    assert.ok(chain.isForked, "taking it away does not make it unsigned");
    offerRoster(chain, crypto, fileOf(after(roster, { fromEpoch: 10 as Epoch }), alice, bob));
    assert.ok(chain.isForked);
    takeForce(chain, 10);
    assert.not(chain.isForked);
  }
  // Without enough signatures it is no fork: nobody can freeze a zone by editing a file.
  const chain = begin();
  assert.is(offerRoster(chain, crypto, fileOf({ ...first, revoked: [] }, alice, eve)).kind, "refused");
  assert.not(chain.isForked);
});

test("a few may wait, and no more", () => {
  const chain = begin();
  let roster = first;
  const kinds = Array.from({ length: 6 }, () => {
    roster = after(roster, { fromEpoch: 1_000 as Epoch });
    return offerRoster(chain, crypto, fileOf(roster, alice, bob)).kind;
  });
  assert.equal(kinds, ["accepted", "accepted", "accepted", "accepted", "refused", "refused"]);
  assert.is(chain.coming.length, 4);
});

test("a mutilated file is never accepted as something else", () => {
  const random = seeded(3);
  const whole = fileOf(second, alice, bob);
  for (let round = 0; round < 200; round++) {
    const chain = begin();
    const mutant = Uint8Array.from(whole);
    mutant[random.int(mutant.length)]! ^= 1 << random.int(8);
    const offered = offerRoster(chain, crypto, mutant);
    if (offered.kind === "accepted") assert.equal(chain.coming[0]!.hash, known(second).hash);
    else assert.is(offered.kind, "refused");
  }
});
