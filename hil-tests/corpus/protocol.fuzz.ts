/**
 * What the mesh and the ledger read: CBOR, messages, rosters, notes, entries, segments, files of evidence, MQTT's
 * framing, and a member's whole intake. What is accepted must be what it would be written as; the work for an input is
 * counted in signatures verified, bytes hashed and things kept, and bounded by the input's length.
 */
import { strict as check } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import type { Seeded } from "../../build/seeded.ts";
import { nodeCrypto, signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { MqttFraming } from "../../edge-agent/adapters/mqtt-framing.ts";
import { formatMemberFile, parseMemberFile } from "../../edge-agent/member-file.ts";
import { parseCheckpoint } from "../../edge-agent/record/checkpoint.ts";
import { decodeEntry, encodeEntry, MAX_ENTRY_BYTES } from "../../edge-agent/record/entry.ts";
import { MAX_SIGNATURES, parseNote } from "../../edge-agent/record/note.ts";
import { encodeBatch, encodeHeader, recover } from "../../edge-agent/record/segment.ts";
import { fromHex } from "../../gossip/bytes.ts";
import { type CborValue, decodeCbor, encodeCbor, MAX_CBOR_DEPTH } from "../../gossip/cbor.ts";
import { type ComposedKind, decodeMessage, type Kind, KINDS, readTopic, signedBytes,
  topicText } from "../../gossip/message.ts";
import type { Contents } from "../../gossip/message-content.ts";
import { encodeRoster } from "../../gossip/roster.ts";
import { encodeRosterFile, MAX_ROSTER_SIGNATURES, signRoster, verifyRosterFile } from "../../gossip/roster-file.ts";
import { decodeRoster } from "../../gossip/roster-rules.ts";
import { madeRoster } from "../../gossip/roster.testing.ts";
import type { Crypto } from "../../models/crypto.ts";
import type { StationId, WallMs } from "../../models/units.ts";
import { cutAnywhere, mutateBytes, mutateJson, mutateText } from "./mutate.fuzz.ts";

/** What an input cost. */
export interface Cost {
  readonly bytes: number;
  readonly verifies: number;
  readonly hashed: number;
  /** Values, entries or characters that were made of it and are held. */
  readonly kept: number;
}

/** Counts what it is asked to do. */
export class CountingCrypto implements Crypto {
  verifies = 0;
  hashed = 0;
  readonly #engine = nodeCrypto();

  sha256(...parts: readonly Uint8Array[]): Uint8Array {
    for (const { length } of parts) this.hashed += length;
    return this.#engine.sha256(...parts);
  }

  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
    this.hashed += data.length;
    return this.#engine.hmacSha256(key, data);
  }

  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    this.verifies += 1;
    return this.#engine.verify(publicKey, message, signature);
  }

  cost(bytes: number, kept: number): Cost {
    return { bytes, verifies: this.verifies, hashed: this.hashed, kept };
  }
}

interface VectorFile {
  readonly messages: readonly { readonly topic: string; readonly message: string }[];
}
const { messages: MESSAGES } =
  JSON.parse(readFileSync(join(repoRoot, "gossip/vectors/messages.json"), "utf8")) as VectorFile;
const WHOLES = MESSAGES.map(({ topic, message }) => ({ topic, bytes: fromHex(message) }));
/** The largest ones are as cheap to refuse, and dear to damage. */
const SMALL = WHOLES.filter(({ bytes }) => bytes.length < 400);
const plain = new CountingCrypto();

const spoiled = (random: Seeded, bytes: Uint8Array): Uint8Array =>
  random.int(10) === 0 ? bytes : mutateBytes(random, bytes);
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

function countOf(value: CborValue, depth = MAX_CBOR_DEPTH): number {
  if (!Array.isArray(value)) return 1;
  check.ok(depth > 0, "nested deeper than allowed");
  return (value as CborValue[]).reduce<number>((sum, item) => sum + countOf(item, depth - 1), 1);
}

/** One value has one encoding, and makes no more values than it has bytes. */
export function cbor(random: Seeded): Cost {
  const bytes = random.int(4) === 0 ? random.bytes(random.int(40)) : spoiled(random, random.pick(SMALL).bytes);
  const decoded = decodeCbor(bytes);
  if (!decoded.ok) {
    check.ok(decoded.problem.length < 100);
    return { bytes: bytes.length, verifies: 0, hashed: 0, kept: 0 };
  }
  const kept = countOf(decoded.value);
  check.ok(kept <= bytes.length, `${kept} values of ${bytes.length} bytes`);
  check.ok(same(encodeCbor(decoded.value), bytes), "accepted in a second encoding");
  return { bytes: bytes.length, verifies: 0, hashed: 0, kept };
}

/** A message that is read says what its bytes say, of its kind and no other. */
export function message(random: Seeded): Cost {
  const { topic, bytes: whole } = random.pick(random.int(8) === 0 ? WHOLES : SMALL);
  const bytes = spoiled(random, whole);
  const kind: Kind = random.int(4) === 0 ? random.pick(KINDS) : readTopic(topic)?.kind ?? "vote";
  const decoded = decodeMessage(kind, bytes);
  if (!decoded.ok) return { bytes: bytes.length, verifies: 0, hashed: 0, kept: 0 };
  const { message: read } = decoded;
  check.ok(same(encodeCbor([read.bytes, read.signature]), bytes));
  if (read.kind !== "statement") {
    const again = signedBytes(read.kind as ComposedKind, read.content as Contents[ComposedKind], read);
    check.ok(same(again, read.bytes), `${kind}: says something else than its bytes`);
  }
  return { bytes: bytes.length, verifies: 0, hashed: 0, kept: bytes.length };
}

export function topic(random: Seeded): Cost {
  const text = mutateText(random, random.pick(MESSAGES).topic);
  const read = readTopic(text);
  if (read !== undefined) check.equal(topicText(read), text);
  return { bytes: text.length, verifies: 0, hashed: 0, kept: read === undefined ? 0 : 1 };
}

const operator = signerFromSeed(new Uint8Array(32).fill(3));
const roster = encodeRoster({
  ...madeRoster({ zones: [{ id: "a", n: 4, f: 1 }, { id: "b", n: 2, f: 0 }], operators: [operator.publicKey] }),
  threshold: 1,
});
const rosterFile = encodeRosterFile({ bytes: roster, signatures: [signRoster(roster, operator)] });

/** Whatever happens to a file, what is believed is what was signed; what is read is written the same. */
export function rosters(random: Seeded): Cost {
  if (random.int(2) === 0) {
    const bytes = spoiled(random, roster);
    const read = decodeRoster(bytes);
    if (read.ok) check.ok(same(encodeRoster(read.value), bytes));
    else check.ok(read.problem.length < 600, `a problem of ${read.problem.length} characters`);
    return { bytes: bytes.length, verifies: 0, hashed: 0, kept: read.ok ? bytes.length : read.problem.length };
  }
  const bytes = spoiled(random, rosterFile);
  const crypto = new CountingCrypto();
  const believed = verifyRosterFile(crypto, bytes, { threshold: 1, keys: [operator.publicKey] });
  if (believed.ok) check.ok(same(encodeRoster(believed.value.roster), roster), "another roster is believed");
  check.ok(crypto.verifies <= MAX_ROSTER_SIGNATURES && crypto.hashed <= 2 * bytes.length);
  return crypto.cost(bytes.length, believed.ok ? bytes.length : believed.problem.length);
}

const NOTE = "kerbwatch/CP-1\n12\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"
  + `\u2014 kerbwatch/CP-1 ${"A".repeat(90)}==\n\u2014 kerbwatch/CP-2/witness ${"B".repeat(100)}==\n`;

export function note(random: Seeded): Cost {
  const text = mutateText(random, random.int(20) === 0 ? NOTE.repeat(1 + random.int(60)) : NOTE);
  const parsed = parseNote(text);
  if (!parsed.ok) {
    check.ok(parsed.problem.length < 200);
    return { bytes: text.length, verifies: 0, hashed: 0, kept: 0 };
  }
  check.ok(text.startsWith(parsed.value.text) && parsed.value.signatures.length <= MAX_SIGNATURES);
  const checkpoint = parseCheckpoint(parsed.value.text);
  if (checkpoint.ok) check.ok(Number.isSafeInteger(checkpoint.value.size) && checkpoint.value.root.length === 32);
  return { bytes: text.length, verifies: 0, hashed: 0, kept: parsed.value.signatures.length };
}

const AT = Date.UTC(2026, 2, 2, 9) as WallMs;
const ENTRIES = [
  encodeEntry({ kind: "start", at: AT, software: "0.1.0", configHash: "sha256:00" }),
  encodeEntry({ kind: "statement", at: AT, signedBytes: WHOLES[0]!.bytes, signature: new Uint8Array(64) }),
  encodeEntry({ kind: "verdict", at: AT, threat: "energy-theft", scope: "zone", zone: "feeder-7", epoch: 9,
    onset: "2026-03-02T09:00:00.000Z", confidencePpm: 1, stations: ["CP-1", "CP-2"] }),
  encodeEntry({ kind: "certificate", at: AT, message: WHOLES[1]!.bytes, statements: [WHOLES[2]!.bytes] }),
  encodeEntry({ kind: "witness", at: AT, note: NOTE, cosignature: "\u2014 a b" }),
];

export function entry(random: Seeded): Cost {
  const bytes = spoiled(random, random.pick(ENTRIES));
  const decoded = decodeEntry(bytes);
  if (decoded.ok) check.ok(same(encodeEntry(decoded.value), bytes), "accepted in a second encoding");
  else check.ok(decoded.problem.length < 200);
  return { bytes: bytes.length, verifies: 0, hashed: 0, kept: decoded.ok ? bytes.length : 0 };
}

/** The bound of segment.ts on its search, and each byte twice: as an entry and as part of a later batch. */
const MOST_SEARCHED = 33 * 1_024 * 1_024;

/** Whatever happens to a segment, no entry comes out of it that did not go in, and none that is whole is lost. */
export function segment(random: Seeded): Cost {
  const crypto = new CountingCrypto();
  const batches = Array.from({ length: 1 + random.int(4) }, () =>
    Array.from({ length: 1 + random.int(2) }, () => random.pick(ENTRIES)));
  const whole = Buffer.concat([encodeHeader(plain, 7), ...batches.map((one) => encodeBatch(plain, one))]);
  const bytes = spoiled(random, new Uint8Array(whole));
  const found = recover(crypto, bytes);
  for (const { entry: one } of found.entries) {
    check.ok(ENTRIES.some((known) => same(known, one)), "an entry of nobody's");
  }
  check.equal(found.goodBytes + (found.damage === undefined ? found.tornBytes : 0) <= bytes.length, true);
  check.ok(crypto.hashed <= MOST_SEARCHED, `${crypto.hashed} bytes hashed`);
  check.ok(found.entries.every(({ entry: one }) => one.length <= MAX_ENTRY_BYTES));
  return crypto.cost(bytes.length, found.entries.length);
}

const [first, second, third, fourth] = [11, 12, 13, 14].map((fill) =>
  signerFromSeed(new Uint8Array(32).fill(fill)).publicKey) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
const MEMBER = formatMemberFile(plain, {
  station: "CP-1" as StationId, address: "10.0.0.5:8883", certificateSignature: new Uint8Array(64),
  keys: { statement: first, log: second, witness: third, tls: fourth },
});

export function memberFile(random: Seeded): Cost {
  const text = random.int(2) === 0 ? mutateText(random, MEMBER) : mutateJson(random, MEMBER);
  const crypto = new CountingCrypto();
  const read = parseMemberFile(crypto, text);
  if (read.ok) {
    const again = parseMemberFile(plain, formatMemberFile(plain, read.value));
    check.deepEqual(again, read);
  } else {
    check.ok(read.problem.length < 400, read.problem);
  }
  check.ok(crypto.hashed <= 8 * text.length + 1_024);
  return crypto.cost(text.length, read.ok ? 1 : 0);
}

/** MQTT's framing passes on what came, holds five bytes at most, and says the same however the bytes are cut. */
export function mqttFraming(random: Seeded): Cost {
  const packets = Array.from({ length: 1 + random.int(4) }, () => {
    const body = random.bytes(random.pick([0, 2, 30, 200]));
    const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7];
    return [random.pick([0x10, 0x30, 0x82, 0xc0, 0xe0, 0x00, 0xf0]), ...length, ...body];
  });
  const bytes = spoiled(random, Uint8Array.from(packets.flat()));
  const passes = (pieces: readonly Uint8Array[]): { text: string; refused: string | undefined } => {
    const framing = new MqttFraming(({ length }) => (length > 150 ? { refused: "long" } : "pass"));
    const out: Uint8Array[] = [];
    for (const piece of pieces) {
      const { forward, refused } = framing.take(piece);
      out.push(...forward);
      if (refused !== undefined) return { text: Buffer.concat(out).toString("hex"), refused };
    }
    return { text: Buffer.concat(out).toString("hex"), refused: undefined };
  };
  const whole = passes([bytes]);
  check.deepEqual(passes(cutAnywhere(random, bytes)), whole);
  const begins = Buffer.from(bytes).toString("hex");
  check.ok(begins.startsWith(whole.text), "other bytes than came");
  if (whole.refused === undefined) check.ok(begins.length - whole.text.length <= 10, "more than a head is held");
  return { bytes: bytes.length, verifies: 0, hashed: 0, kept: bytes.length - whole.text.length / 2 };
}
