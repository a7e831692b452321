import { assert, test } from "../../build/testing.ts";
import { encodeCbor } from "../../gossip/cbor.ts";
import { encodeSignedFile, signFile } from "../../gossip/signed-file.ts";
import { signRoster } from "../../gossip/roster-file.ts";
import { seeded } from "../../build/seeded.ts";
import {
  decodeRelease, encodeRelease, isItsTurn, placeOf, PROGRAM_FILE, refusal, type Release, verifyRelease,
} from "./manifest.ts";
import { crypto, ISSUED_S, OPERATORS, releaseOf, SIGNERS, signedRelease } from "./update.testing.ts";

const problemOf = (file: Uint8Array): string => {
  const verified = verifyRelease(crypto, file, OPERATORS);
  return verified.ok ? "" : verified.problem;
};

test("a release that a threshold of operators signed is believed, and says who signed", () => {
  const verified = verifyRelease(crypto, signedRelease(releaseOf(7)), OPERATORS);
  assert.ok(verified.ok);
  assert.equal(verified.ok && verified.value.release, releaseOf(7));
  assert.is(verified.ok && verified.value.signedBy.length, 2);
});

test("TUF 5.3.4: too few signatures, one given twice, and one that is of a roster are refused", () => {
  const bytes = encodeRelease(releaseOf(7));
  const [a, b] = SIGNERS;
  assert.match(problemOf(signedRelease(releaseOf(7), [a!])), /found 1 good signature /);
  assert.match(problemOf(signedRelease(releaseOf(7), [])), /found 0 good/);
  const twice = signFile("release", bytes, a!);
  assert.match(problemOf(encodeSignedFile({ bytes, signatures: [twice, twice] })), /found a key again/);
  const ofRoster = { bytes, signatures: [signFile("release", bytes, a!), signRoster(bytes, b!)] };
  assert.match(problemOf(encodeSignedFile(ofRoster)), /1 good signature .*1 wrong/);
});

test("one changed bit anywhere in a signed release is refused", () => {
  const file = signedRelease(releaseOf(7));
  const random = seeded(8);
  for (let round = 0; round < 300; round++) {
    const changed = file.slice();
    changed[random.int(file.length)]! ^= 1 << random.int(8);
    assert.ok(problemOf(changed) !== "");
  }
});

const WRONG: readonly (readonly [string, Partial<Release>, RegExp])[] = [
  ["no sequence", { sequence: 0 }, /^sequence: found 0/],
  ["a name with a slash", { name: "../0.2" }, /^name: found/],
  ["an end before its issue", { expiresS: ISSUED_S - 1 }, /^issued, expires/],
  ["no files", { files: [] }, /found no kerbwatch.cjs/],
  ["a file's name that leads elsewhere", { files: [{ name: "../x", bytes: 1, sha256: new Uint8Array(32) }] }, /^files/],
  ["a short hash", { files: [{ name: PROGRAM_FILE, bytes: 1, sha256: new Uint8Array(31) }] }, /^files/],
  ["a program too large", { files: [{ name: PROGRAM_FILE, bytes: 2 ** 31, sha256: new Uint8Array(32) }] }, /at most/],
  ["stages that go back", { stages: [{ afterS: 9, percent: 5 }, { afterS: 9, percent: 9 }] }, /^stages\[1\]/],
  ["stages that shrink", { stages: [{ afterS: 0, percent: 50 }, { afterS: 9, percent: 9 }] }, /^stages\[1\]/],
  ["more than all", { stages: [{ afterS: 0, percent: 101 }] }, /^stages/],
];

for (const [what, change, says] of WRONG) {
  test(`a release with ${what} is refused, whoever signed it`, () => {
    assert.match(problemOf(signedRelease(releaseOf(7, change))), says);
  });
}

test("two files of one name, another format, and what is no list are refused", () => {
  const { files } = releaseOf(7);
  assert.match(problemOf(signedRelease(releaseOf(7, { files: [...files, ...files] }))), /again/);
  for (const value of [[2, 1, "a", 0, 0, [], []], ["x"], "x", [1, 1, "a", 0, 0, [[]], []]]) {
    assert.not.ok(decodeRelease(encodeCbor(value)).ok);
  }
});

test("TUF 5.4.4.1 and 5.4.5: neither an older release, nor the same again, nor one whose time is over", () => {
  assert.is(refusal(releaseOf(7), 6, ISSUED_S), undefined);
  assert.match(refusal(releaseOf(7), 7, ISSUED_S) ?? "", /allowed: more than 7/);
  assert.match(refusal(releaseOf(7), 8, ISSUED_S) ?? "", /allowed: more than 8/);
  assert.match(refusal(releaseOf(7), 6, releaseOf(7).expiresS) ?? "", /^expires/);
  assert.match(refusal(releaseOf(7), 6, ISSUED_S - 90_000) ?? "", /clock/);
});

test("stages: each station has its place, and who may have it once may have it ever after", () => {
  const release = releaseOf(7, { stages: [{ afterS: 60, percent: 10 }, { afterS: 600, percent: 50 }] });
  const of = { release, hash: crypto.sha256(encodeRelease(release)) };
  const stations = Array.from({ length: 1_000 }, (_, i) => `CP-${i}`);
  const having = (afterS: number): string[] =>
    stations.filter((station) => isItsTurn(crypto, of, station, ISSUED_S + afterS));
  assert.is(having(59).length, 0);
  // Binomial of 1000 and a tenth, and a half: five standard deviations.
  assert.ok(Math.abs(having(60).length - 100) < 48, `${having(60).length}`);
  assert.ok(Math.abs(having(600).length - 500) < 80, `${having(600).length}`);
  assert.ok(having(60).every((station) => having(600).includes(station)));
  assert.ok(stations.every((station) => isItsTurn(crypto, { ...of, release: releaseOf(7) }, station, 0)));
  const other = crypto.sha256(of.hash);
  assert.ok(stations.some((station) => placeOf(crypto, of.hash, station) !== placeOf(crypto, other, station)));
});
