import { createHash } from "node:crypto";
import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import type { Crypto, Signer } from "../models/crypto.ts";
import { EVIDENCE_KEYS } from "../models/terms.ts";
import type { Epoch } from "../models/units.ts";
import { type CborValue, encodeCbor } from "./cbor.ts";
import {
  decodeBody, encodeBody, MOST_STATEMENT_BYTES, type StatementBody, signStatement, statementHash,
} from "./statement.ts";

const hash = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const BODY: StatementBody = {
  network: "example", zone: "feeder-7", station: "CP-001", epoch: 177_235_562 as Epoch, seq: 7, previous: hash(1),
  rosterVersion: 0, evidence: EVIDENCE_KEYS.map((_, index) => (index % 2 === 0 ? -1 : 1) * index * 1_000),
  checkpoint: hash(2),
};
const WIRE: CborValue[] = [
  1, BODY.network, BODY.zone, BODY.station, BODY.epoch, BODY.seq, BODY.previous, 0, BODY.evidence, BODY.checkpoint,
];

test("round trip, in one encoding", () => {
  const bodies: StatementBody[] = [
    BODY, { ...BODY, previous: new Uint8Array(0), checkpoint: new Uint8Array(0), seq: 0, evidence: [] },
    { ...BODY, epoch: (2 ** 32 - 1) as Epoch, network: "N-1", zone: "a".repeat(48), station: "Z-9_.:" },
  ];
  for (const body of bodies) {
    const bytes = encodeBody(body);
    assert.equal(decodeBody(bytes), body);
    assert.equal(encodeBody(decodeBody(bytes)!), bytes);
  }
  assert.equal(encodeBody(BODY), encodeCbor(WIRE));
});

test("at most 2 KB, with the longest names and the largest sums", () => {
  const most: StatementBody = {
    ...BODY, network: "n".repeat(48), zone: "z".repeat(48), station: "s".repeat(48), epoch: (2 ** 32 - 1) as Epoch,
    seq: 2 ** 32 - 1, evidence: EVIDENCE_KEYS.map(() => -1e15),
  };
  const bytes = encodeBody(most);
  assert.ok(bytes.length <= MOST_STATEMENT_BYTES / 4, `${bytes.length}`);
  assert.ok(decodeBody(bytes)!.evidence.every((value) => value === -2e9));
  const { body } = signStatement(most, { publicKey: hash(9), sign: () => new Uint8Array(64) });
  assert.equal(body, decodeBody(bytes), "its author holds what all others read");
});

const without = (index: number): CborValue[] => WIRE.filter((_, i) => i !== index);
const replaced = (index: number, value: CborValue): CborValue[] => WIRE.map((item, i) => (i === index ? value : item));

const NOT_STATEMENTS: Record<string, CborValue> = {
  "no array": 1, "a text": "statement", "an empty array": [], "another version": replaced(0, 2),
  "a version as text": replaced(0, "1"), "one item too many": [...WIRE, 0],
  "a network that is a number": replaced(1, 1), "a network with a space": replaced(1, "my net"),
  "a zone with a space": replaced(2, "feeder 7"),
  "an empty zone": replaced(2, ""), "a zone of 49 characters": replaced(2, "z".repeat(49)),
  "a station with a slash": replaced(3, "CP/001"), "a station with a newline": replaced(3, "CP-001\n"),
  "a station as bytes": replaced(3, hash(0)), "a negative epoch": replaced(4, -1), "an epoch as text": replaced(4, "1"),
  "a negative sequence number": replaced(5, -1), "a previous hash of 31 bytes": replaced(6, new Uint8Array(31)),
  "a previous hash as text": replaced(6, ""), "a negative roster version": replaced(7, -1),
  "evidence that is a number": replaced(8, 1), "evidence with a text in it": replaced(8, [1, "2"]),
  "evidence within evidence": replaced(8, [[1]]), "evidence beyond two billion": replaced(8, [2e9 + 1]),
  "65 kinds of evidence": replaced(8, new Array<number>(65).fill(0)),
  "a checkpoint hash of 33 bytes": replaced(9, new Uint8Array(33)), "a checkpoint that is a list": replaced(9, []),
};

test("what is not a statement, as a table", () => {
  for (const [name, value] of Object.entries(NOT_STATEMENTS)) assert.is(decodeBody(encodeCbor(value)), undefined, name);
  for (let index = 0; index < WIRE.length; index++) assert.is(decodeBody(encodeCbor(without(index))), undefined);
});

test("bytes after the end, bytes missing, and more than 2 KB are refused", () => {
  const bytes = encodeBody(BODY);
  assert.is(decodeBody(Uint8Array.from([...bytes, 0])), undefined);
  for (let length = 0; length < bytes.length; length++) assert.is(decodeBody(bytes.subarray(0, length)), undefined);
  assert.is(decodeBody(encodeCbor([...WIRE.slice(0, 8), new Array<number>(60).fill(-2e9), new Uint8Array(3_000)])),
    undefined);
});

test("fuzz: damaged bytes are refused or decode to something that encodes to the same bytes", () => {
  const random = seeded(1);
  const whole = encodeBody(BODY);
  for (let run = 0; run < 5_000; run++) {
    const bytes = random.int(4) === 0 ? random.bytes(random.int(200)) : whole.slice();
    for (let flips = bytes.length === 0 ? -1 : random.int(4); flips >= 0; flips--) {
      bytes[random.int(bytes.length)] = random.int(256);
    }
    const body = decodeBody(bytes);
    if (body !== undefined) assert.equal(encodeBody(body), bytes, `run ${run}`);
  }
});

test("the signature is over the exact bytes, and the hash names them", () => {
  const seen: Uint8Array[] = [];
  const signer: Signer = {
    publicKey: hash(9),
    sign: (message) => {
      seen.push(message);
      return new Uint8Array(64).fill(5);
    },
  };
  const statement = signStatement(BODY, signer);
  assert.equal([statement.bytes, statement.signature], [encodeBody(BODY), new Uint8Array(64).fill(5)]);
  // Under its kind, so that no signature of one kind of message serves for another.
  assert.equal(seen, [Uint8Array.from([...new TextEncoder().encode("kerbwatch 1 statement\n"), ...statement.bytes])]);
  const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
    const digest = createHash("sha256");
    for (const part of parts) digest.update(part);
    return new Uint8Array(digest.digest());
  };
  const crypto: Crypto = { sha256, hmacSha256: () => hash(0), verify: () => false };
  assert.equal(statementHash(crypto, statement.bytes), sha256(statement.bytes));
});
