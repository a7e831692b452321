/** Vectors of releases, as gossip/vectors has them: files that are valid, more that are not, and whose turn it is. */
import { nodeCrypto, signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { isItsTurn, placeOf, refusal, type Stage, verifyRelease } from "../../edge-agent/update/manifest.ts";
import { hex } from "../../gossip/bytes.ts";
import { type CborValue, encodeCbor } from "../../gossip/cbor.ts";
import { encodeSignedFile, signFile } from "../../gossip/signed-file.ts";

export interface ReleaseVector {
  readonly name: string;
  readonly file: string;
  /** Of the signed bytes; null: not valid. */
  readonly hash: string | null;
}

export interface TurnVector {
  /** Hash. */
  readonly release: string;
  readonly station: string;
  /** The highest sequence that was on this board. */
  readonly newest: number;
  readonly nowS: number;
  readonly place: number;
  readonly mayInstall: boolean;
}

const crypto = nodeCrypto();
const signers = [41, 42, 43].map((fill) => signerFromSeed(new Uint8Array(32).fill(fill)));
const stranger = signerFromSeed(new Uint8Array(32).fill(44));
export const OPERATORS = { threshold: 2, keys: signers.map(({ publicKey }) => publicKey) };
const HASH = new Uint8Array(32).fill(7);
const ISSUED = 1_780_000_000;
const EXPIRES = ISSUED + 90 * 86_400;
const PROGRAM: CborValue = ["kerbwatch.cjs", 354_000, HASH];
const STAGES: readonly Stage[] =
  [{ afterS: 0, percent: 5 }, { afterS: 86_400, percent: 25 }, { afterS: 259_200, percent: 100 }];

function value(changes: Readonly<Record<number, CborValue>> = {}): CborValue[] {
  const whole: CborValue[] = [1, 7, "0.2.0", ISSUED, EXPIRES, [], [PROGRAM]];
  return whole.map((item, place) => changes[place] ?? item);
}

const signed = (bytes: Uint8Array, by = signers.slice(0, 2), kind: "release" | "roster" = "release"): Uint8Array =>
  encodeSignedFile({ bytes, signatures: by.map((signer) => signFile(kind, bytes, signer)) });
const bytesOf = (...changes: Parameters<typeof value>): Uint8Array => encodeCbor(value(...changes));
const staged = bytesOf({ 5: STAGES.map(({ afterS, percent }) => [afterS, percent]) });

const GOOD: readonly (readonly [string, Uint8Array])[] = [
  ["all at once", signed(bytesOf())],
  ["in stages", signed(staged)],
  ["signed by a stranger besides", signed(bytesOf({ 1: 8 }), [...signers, stranger])],
  ["at its limits", signed(bytesOf({
    1: 2 ** 32 - 1, 2: "9".repeat(64), 4: 2 ** 32 - 1, 5: Array.from({ length: 16 }, (_, i) => [i, 100]),
    6: [PROGRAM, ...Array.from({ length: 63 }, (_, i): CborValue => [`a${i}`.padEnd(128, "~"), 2 ** 32 - 1, HASH])],
  }))],
];

const MISSHAPEN: readonly (readonly [string, Readonly<Record<number, CborValue>>])[] = [
  ["another version", { 0: 2 }], ["sequence 0", { 1: 0 }], ["a sequence as text", { 1: "7" }], ["no name", { 2: "" }],
  ["a name that begins with a dot", { 2: ".2" }], ["a name of 65", { 2: "1".repeat(65) }], ["a name with a line feed",
    { 2: "0.2.0\n" }], ["an end before its issue", { 4: ISSUED - 1 }], ["17 stages",
    { 5: Array.from({ length: 17 }, (_, i) => [i, 100]) }], ["a stage of 101 percent", { 5: [[0, 101]] }],
  ["stages at one time", { 5: [[0, 5], [0, 9]] }], ["stages that fall", { 5: [[0, 9], [5, 5]] }],
  ["a stage of three", { 5: [[0, 5, 5]] }], ["no program", { 6: [["other.cjs", 5, HASH]] }], ["no files", { 6: [] }],
  ["a file twice", { 6: [PROGRAM, PROGRAM] }], ["a program of no bytes", { 6: [["kerbwatch.cjs", 0, HASH]] }],
  ["a program of more than 16 MB", { 6: [["kerbwatch.cjs", 16_777_217, HASH]] }],
  ["a file with a slash", { 6: [PROGRAM, ["../x", 5, HASH]] }], ["a hash of 31", { 6: [["kerbwatch.cjs", 5,
    HASH.slice(1)]] }], ["65 files", { 6: [PROGRAM, ...Array.from({ length: 64 }, (_, i) => [`a${i}`, 5, HASH])] }],
];

const BAD: readonly (readonly [string, Uint8Array])[] = [
  ...MISSHAPEN.map(([name, changes]) => [name, signed(bytesOf(changes))] as const),
  ["one item more", signed(encodeCbor([...value(), 0]))],
  ["one signature", signed(bytesOf(), signers.slice(0, 1))],
  ["a stranger's in the place of the second", signed(bytesOf(), [signers[0]!, stranger])],
  ["signed as a roster", signed(bytesOf(), signers, "roster")],
  ["changed after it was signed", encodeSignedFile({ bytes: bytesOf({ 1: 9 }),
    signatures: signers.map((signer) => signFile("release", bytesOf(), signer)) })],
  ["nothing", new Uint8Array(0)],
];

function turns(): TurnVector[] {
  const verified = verifyRelease(crypto, signed(staged), OPERATORS);
  if (!verified.ok) throw new Error(verified.problem);
  const { release, hash } = verified.value;
  const turn = (station: string, nowS: number, newest = 6): TurnVector => ({
    release: hex(hash), station, newest, nowS, place: placeOf(crypto, hash, station),
    mayInstall: refusal(release, newest, nowS) === undefined && isItsTurn(crypto, verified.value, station, nowS),
  });
  const stations = Array.from({ length: 24 }, (_, i) => `CP-${i + 1}`);
  return [
    ...stations.flatMap((station) => [0, 86_400, 259_200].map((after) => turn(station, ISSUED + after))),
    ...[ISSUED - 1, ISSUED - 86_401, EXPIRES - 1, EXPIRES].map((nowS) => turn("CP-1", nowS)),
    turn("CP-1", EXPIRES - 1, 7),
  ];
}

export function releaseVectors(): object {
  const told = ([name, file]: readonly [string, Uint8Array]): ReleaseVector => {
    const verified = verifyRelease(crypto, file, OPERATORS);
    return { name, file: hex(file), hash: verified.ok ? hex(verified.value.hash) : null };
  };
  return {
    about: "SPEC.md, section 13. Files of releases with the hash of those that are valid, and who may have one when.",
    threshold: OPERATORS.threshold, operators: OPERATORS.keys.map(hex), files: [...GOOD, ...BAD].map(told),
    turns: turns(),
  };
}

/** How many of the files above are meant to be valid: the first ones. */
export const VALID = GOOD.length;
