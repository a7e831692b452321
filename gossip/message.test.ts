import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { nodeCrypto, signerFromSeed } from "../edge-agent/adapters/crypto.ts";
import type { Epoch, StationId, ZoneId } from "../models/units.ts";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { type ComposedKind, decodeMessage, encodeMessage, epochOfMessage, type Head, type Kind, KINDS, type Message,
  messageOfStatement, MOST_BYTES, readTopic, signedBytes, topicText, verifyMessage } from "./message.ts";
import type { Contents } from "./message-content.ts";
import { signStatement } from "./statement.ts";

const crypto = nodeCrypto();
const signer = signerFromSeed(new Uint8Array(32).fill(1));
const HEAD: Head = {
  network: "example", zone: "feeder-7" as ZoneId, rosterVersion: 3, station: "CP-001" as StationId,
};
const hash = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

const CONTENTS: { [K in ComposedKind]: Contents[K] } = {
  note: { epoch: 9, seq: 2, sightings: [{ pseudonym: new Uint8Array(8).fill(7), fromS: 100, toS: 0 }] },
  proposal: { epoch: 9, keyIndex: 17, onset: 4, items: [{ index: 0, newer: hash(1), older: hash(2) },
    { index: 3, newer: hash(3), older: hash(4) }] },
  vote: { epoch: 9, proposal: hash(5) },
  certificate: { epoch: 9, proposal: new Uint8Array(300), votes: [{ index: 1, signature: new Uint8Array(64) },
    { index: 2, signature: new Uint8Array(64).fill(1) }] },
  digest: { epoch: 9, newest: [{ index: 0, epoch: 8, hash: hash(1) }, { index: 5, epoch: 9, hash: hash(2) }],
    certificates: [hash(3)], guilty: [1, 4] },
  request: { epoch: 9, hashes: [hash(1), hash(2)] },
  proof: { first: new Uint8Array(200), second: new Uint8Array(201) },
  checkpoint: { epoch: 9, note: "CP-001\n5\nroot\n\n\u2014 CP-001 sig\n", proof: [hash(1)], oldSize: 4 },
  cosignature: { epoch: 9, log: "CP-002" as StationId, note: "" },
  attestation: { epoch: 9, keyIndex: 3, level: 12 },
  summary: { epoch: 9, keyIndex: 3, level: 12, attested: [
    { index: 1, epoch: 8, level: 12, signature: new Uint8Array(64) },
    { index: 2, epoch: 9, level: 14, signature: new Uint8Array(64).fill(1) }] },
  roster: { epoch: 9, held: [{ version: 3, hash: hash(1) }, { version: 4, hash: hash(2) }],
    asked: { of: "CP-002" as StationId, hash: hash(4), place: 2 } },
  part: { epoch: 9, hash: hash(4), place: 2, of: 3, bytes: new Uint8Array(40).fill(3) },
  release: { epoch: 9, offered: { sequence: 7, hash: hash(1) }, ill: [hash(2), hash(3)] },
  fetch: { epoch: 9, asked: { of: "CP-002" as StationId, hash: hash(4), place: 2 } },
  piece: { epoch: 9, place: 2, of: 3, hash: hash(4), bytes: new Uint8Array(40).fill(3) },
};
const composed = Object.keys(CONTENTS) as ComposedKind[];

const statement = messageOfStatement(signStatement({
  network: HEAD.network, zone: HEAD.zone, station: HEAD.station, epoch: 9 as Epoch, seq: 4, previous: hash(1),
  rosterVersion: 3, evidence: [1, -2], checkpoint: hash(2),
}, signer));
const all: Message[] = [statement,
  ...composed.map((kind) => encodeMessage(kind, CONTENTS[kind], HEAD, signer) as Message)];

test("every kind makes the round trip, keeps its exact bytes, and is signed under its kind only", () => {
  assert.equal(all.map(({ kind }) => kind).sort(), [...KINDS].sort());
  for (const message of all) {
    const decoded = decodeMessage(message.kind, message.whole);
    assert.ok(decoded.ok, message.kind);
    assert.equal(decoded.ok && decoded.message, message);
    assert.ok(verifyMessage(message, signer.publicKey, crypto), message.kind);
    for (const kind of KINDS) {
      if (kind === message.kind) continue;
      const posing = { ...message, kind } as Message;
      assert.not(verifyMessage(posing, signer.publicKey, crypto), `${message.kind} as ${kind}`);
    }
    assert.is(epochOfMessage(message), message.kind === "proof" ? undefined : 9);
  }
});

test("no kind is read as another", () => {
  for (const { kind, whole } of all) {
    for (const other of KINDS) if (other !== kind) assert.not(decodeMessage(other, whole).ok, `${kind} as ${other}`);
  }
});

test("the largest honest messages fit: a zone of 64 members, names of 48 characters", () => {
  const long = "z".repeat(48);
  const head = { network: long, zone: long as ZoneId, rosterVersion: 2 ** 32 - 1, station: long as StationId };
  const epoch = 2 ** 32 - 1;
  const members = Array.from({ length: 64 }, (_, index) => index);
  const proposal = encodeMessage("proposal", {
    epoch, keyIndex: 23, onset: epoch, items: members.map((index) => ({ index, newer: hash(1), older: hash(2) })),
  }, head, signer);
  encodeMessage("certificate", {
    epoch, proposal: proposal.whole, votes: members.map((index) => ({ index, signature: new Uint8Array(64) })),
  }, head, signer);
  encodeMessage("digest", {
    epoch, newest: members.map((index) => ({ index, epoch, hash: hash(1) })), guilty: members,
    certificates: Array.from({ length: 32 }, () => hash(1)),
  }, head, signer);
  encodeMessage("request", { epoch, hashes: Array.from({ length: 64 }, () => hash(1)) }, head, signer);
  const sightings = Array.from({ length: 16 }, () => ({ pseudonym: new Uint8Array(8), fromS: epoch, toS: epoch }));
  encodeMessage("note", { epoch, seq: epoch, sightings }, head, signer);
  assert.throws(() => encodeMessage("cosignature", { epoch, log: head.station, note: "x".repeat(900) }, head, signer),
    /a cosignature of/);
});

test("a message longer than its kind allows is not looked at", () => {
  for (const kind of KINDS) {
    const bytes = encodeCbor([new Uint8Array(MOST_BYTES[kind]), new Uint8Array(64)]);
    assert.equal(decodeMessage(kind, bytes), { ok: false, problem: "too-long" });
  }
});

/** The signed bytes of a kind with one item put in place of another, wrapped again. */
function altered(kind: ComposedKind, place: number, value: CborValue): Uint8Array {
  const decoded = decodeCbor(signedBytes(kind, CONTENTS[kind], HEAD));
  const items = decoded.ok ? [...decoded.value as CborValue[]] : [];
  items[place] = value;
  return encodeCbor([encodeCbor(items), new Uint8Array(64)]);
}

const BAD_SHAPE = { ok: false, problem: "bad-shape" };
const NOT_CBOR = { ok: false, problem: "not-cbor" };
const H = hash(1);
const BAD: readonly (readonly [ComposedKind, string, number, CborValue])[] = [
  ["vote", "another version", 0, 2], ["vote", "a network with a slash", 1, "a/b"],
  ["vote", "a network as number", 1, 1],
  ["vote", "an empty zone", 2, ""], ["vote", "a negative roster version", 3, -1], ["vote", "a station with #", 4, "#"],
  ["vote", "a negative epoch", 5, -1], ["vote", "a hash of 31 bytes", 6, new Uint8Array(31)],
  ["vote", "one item too many", 7, 0],
  ["note", "17 sightings", 7, Array.from({ length: 17 }, () => [new Uint8Array(8), 1, 1])],
  ["note", "a long pseudonym", 7, [[new Uint8Array(9), 1, 1]]],
  ["note", "a sighting of two", 7, [[new Uint8Array(8), 1]]],
  ["proposal", "members out of order", 8, [[1, H, H], [0, H, H]]],
  ["proposal", "a member twice", 8, [[1, H, H], [1, H, H]]],
  ["proposal", "member 64", 8, [[64, H, H]]], ["proposal", "an item of four", 8, [[1, H, H, H]]],
  ["proposal", "a text for a list", 8, "x"],
  ["certificate", "a vote twice", 7, [[1, new Uint8Array(64)], [1, new Uint8Array(64)]]],
  ["certificate", "a short signature", 7, [[1, new Uint8Array(63)]]], ["certificate", "a text for a proposal", 6, "x"],
  ["digest", "a member twice", 6, [[1, 2, H], [1, 2, H]]],
  ["digest", "33 certificates", 7, new Array<Uint8Array>(33).fill(H)],
  ["digest", "the guilty out of order", 8, [2, 1]], ["digest", "the guilty twice", 8, [1, 1]],
  ["request", "65 hashes", 6, new Array<Uint8Array>(65).fill(H)], ["request", "a short hash", 6, [new Uint8Array(3)]],
  ["proof", "a text", 5, "x"], ["proof", "three", 7, new Uint8Array(1)],
  ["checkpoint", "bytes for a note", 6, H], ["checkpoint", "65 hashes", 7, new Array<Uint8Array>(65).fill(H)],
  ["checkpoint", "a negative size", 8, -1],
  ["cosignature", "a log with a space", 6, "CP 2"], ["cosignature", "bytes for a note", 7, H],
];

test("what is not a message, as a table", () => {
  for (const [kind, says, place, value] of BAD) {
    assert.equal(decodeMessage(kind, altered(kind, place, value)), BAD_SHAPE, `${kind}: ${says}`);
  }
  const outer: CborValue[] = [
    [], [1, 2], [statement.bytes], [statement.bytes, new Uint8Array(63)], "x",
    [statement.bytes, statement.signature, 1],
  ];
  for (const value of outer) {
    assert.equal(decodeMessage("statement", encodeCbor(value)), BAD_SHAPE);
  }
});

test("CBOR that is not canonical is refused, inside and outside the signature", () => {
  const { bytes, signature, whole } = all.find(({ kind }) => kind === "vote")!;
  // The array head 0x82 as 0x9802, and the version 1 as 0x1801.
  const outer = Uint8Array.from([0x98, 0x02, ...whole.slice(1)]);
  assert.equal(decodeMessage("vote", outer), NOT_CBOR);
  const inner = Uint8Array.from([bytes[0]!, 0x18, 0x01, ...bytes.slice(2)]);
  assert.equal(decodeMessage("vote", encodeCbor([inner, signature])), NOT_CBOR);
  assert.equal(decodeMessage("vote", Uint8Array.from([...whole, 0])), NOT_CBOR);
  const long = Uint8Array.from([statement.bytes[0]!, 0x18, 0x01, ...statement.bytes.slice(2)]);
  assert.equal(decodeMessage("statement", encodeCbor([long, signature])), NOT_CBOR);
});

test("fuzz: damaged messages are refused, or are what their bytes say; nothing is thrown", () => {
  const random = seeded(7);
  let read = 0;
  for (let run = 0; run < 6_000; run++) {
    const from = random.pick(all);
    const kind: Kind = random.int(8) === 0 ? random.pick(KINDS) : from.kind;
    const whole = random.int(6) === 0 ? random.bytes(random.int(300)) : from.whole.slice();
    for (let flips = whole.length === 0 ? -1 : random.int(3); flips >= 0; flips--) {
      whole[random.int(whole.length)] = random.int(256);
    }
    const decoded = decodeMessage(kind, whole);
    if (!decoded.ok) continue;
    const { message } = decoded;
    read += 1;
    assert.equal(encodeCbor([message.bytes, message.signature]), whole, `run ${run}`);
    if (message.kind === "statement") continue;
    assert.equal(signedBytes(message.kind, message.content as never, message), message.bytes, `run ${run}`);
  }
  assert.ok(read > 100, `${read}`);
});

test("topics: both ways, and what is none", () => {
  for (const kind of KINDS) {
    const topic = { network: "example", zone: "feeder-7", kind, station: "CP-001" };
    assert.equal(readTopic(topicText(topic)), topic);
  }
  const bad = ["", "kw1", "kw2/a/b/vote/c", "kw1/a/b/vote", "kw1/a/b/vote/c/d", "kw1/a/b/voting/c", "kw1//b/vote/c",
    "kw1/a/b/vote/#", "kw1/+/b/vote/c", "/kw1/a/b/vote/c", "kw1/a/b/vote/c\n", `kw1/a/b/vote/${"c".repeat(49)}`,
    `kw1/a/b/vote/${"/".repeat(10_000)}`, "kw1/a/b/constructor/c"];
  for (const text of bad) assert.is(readTopic(text), undefined, text.slice(0, 40));
});
