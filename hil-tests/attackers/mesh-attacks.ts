/** What is thrown at an agent's mesh over the wire, at the door and over a member's own link, one refusal each. */
import { strict as check } from "node:assert";
import { randomBytes } from "node:crypto";
import { RawClient, throwAt } from "../../edge-agent/adapters/mesh.testing.ts";
import { tlsIdentity } from "../../edge-agent/adapters/tls-identity.ts";
import { encodeCbor } from "../../gossip/cbor.ts";
import { signAs } from "../../gossip/domain.ts";
import type { Epoch, ZoneId } from "../../models/units.ts";
import {
  type Attack, connected, epochNow, says, type Stage, statementOf, topicOf, wholeOf, withSignature,
} from "./mesh-stage.ts";

const MEGABYTE = 1_048_576;
const NO_HASH = new Uint8Array(0);

/** The twin that a lax verifier takes: S + L (RFC 8032, 5.1.7, is strict). */
function plusL(signature: Uint8Array): Uint8Array {
  const order = Buffer.from("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", "hex");
  let carry = 0;
  return signature.map((byte, i) => {
    if (i < 32) return byte;
    const sum = byte + order[i - 32]! + carry;
    carry = sum >> 8;
    return sum & 0xff;
  });
}

/** R is the identity, S is 0: with a key of small order it would verify anything. */
const SMALL_ORDER = Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? 1 : 0));

/** Few bytes that a careless decoder makes much of (RFC 8949): each well signed. */
const BOMBS: readonly (readonly [string, Uint8Array])[] = [
  ["a list in a list in a list, two thousand deep", new Uint8Array(1_900).fill(0x81)],
  ["a list that says it has 2^32 - 1 items", Uint8Array.of(0x9a, 0xff, 0xff, 0xff, 0xff, 0)],
  ["a bignum of 1,900 bytes", Uint8Array.of(0xc2, 0x59, 0x07, 0x6c, ...new Uint8Array(1_900).fill(0xff))],
  ["a list without an end", Uint8Array.of(0x9f, 0, 0)],
  ["a text that says it has 4 GB", Uint8Array.of(0x7a, 0xff, 0xff, 0xff, 0xff, 0x61)],
];

/** The same list, its length in two bytes where one is enough (RFC 8949, 4.2.1). */
function longHead(list: Uint8Array): Uint8Array {
  check.equal(list[0]! >> 5, 4, "an array");
  return Uint8Array.from([0x98, list[0]! & 0x1f, ...list.subarray(1)]);
}

/** MQTT 3.1.1, 2.2.3: the head of a packet of 150 MB, and as much of the rest as is taken. */
async function hugeFrame({ port, thief }: Stage, firstByte: number): Promise<void> {
  const client = await RawClient.secure(port, tlsIdentity(thief.station, thief.keys.tlsSeed));
  client.socket.write(Uint8Array.of(firstByte, 0x80, 0x80, 0x80, 0x4b));
  let sent = 0;
  const chunk = new Uint8Array(64 * 1_024);
  while (!client.socket.destroyed && sent < 150 * MEGABYTE) {
    sent += chunk.length;
    const more = client.socket.write(chunk);
    if (!more) await Promise.race([new Promise((resolve) => client.socket.once("drain", resolve)), client.closed]);
  }
  await client.closed;
  check.ok(sent < 32 * MEGABYTE, `${sent} bytes were taken`);
}

export const CONNECTIONS: readonly Attack[] = [
  { name: "garbage on the broker's port", where: "broker", why: "tls",
    throws: async ({ port }) => await throwAt(port, randomBytes(4_096)) },
  { name: "plain MQTT without TLS", where: "broker", why: "tls",
    throws: async ({ port }) => await throwAt(port, Uint8Array.of(0x10, 12, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 0)) },
  { name: "no certificate", where: "broker", why: "no-certificate",
    throws: async ({ port }) => await (await RawClient.secure(port)).closed },
  { name: "a key that is no member's", where: "broker", why: "stranger", throws: async ({ port, friend }) => {
    await (await RawClient.secure(port, tlsIdentity(friend.station, randomBytes(32)))).closed;
  } },
  { name: "a CONNECT of 150 MB", where: "broker", why: "packet-size", throws: async (stage) => hugeFrame(stage, 0x10) },
  { name: "a PUBLISH of 150 MB before CONNECT", where: "broker", why: "not-mqtt",
    throws: async (stage) => hugeFrame(stage, 0x30) },
  { name: "a stolen client id", where: "broker", why: "client-id", throws: async ({ port, thief, friend }) => {
    await (await connected(thief, port, { clientId: friend.station })).closed;
  } },
  { name: "a will, to be said later", where: "broker", why: "will", throws: async ({ port, thief, friend }) => {
    const will = { topic: topicOf(friend.station), payload: Buffer.from("stale"), qos: 0, retain: true } as const;
    await (await connected(thief, port, { will })).closed;
  } },
  { name: "a session to be kept", where: "broker", why: "session", throws: async ({ port, thief }) => {
    await (await connected(thief, port, { clean: false })).closed;
  } },
  { name: "a subscription to everything", where: "broker", why: "wildcard", throws: async ({ attacker }) => {
    check.deepEqual(await attacker.subscribe("#"), [0x80]);
  } },
];

export const STATEMENTS: readonly Attack[] = [
  { name: "from the future", where: "traffic", why: "future",
    throws: says(({ thief }) => wholeOf(statementOf(thief, { epoch: epochNow() + 60 as Epoch }))) },
  { name: "from the past", where: "traffic", why: "past",
    throws: says(({ thief }) => wholeOf(statementOf(thief, { epoch: epochNow() - 60 as Epoch }))) },
  { name: "a week old", where: "traffic", why: "past",
    throws: says(({ thief }) => wholeOf(statementOf(thief, { epoch: epochNow() - 7 * 86_400 as Epoch }))) },
  { name: "by a clock an hour ahead", where: "traffic", why: "future",
    throws: says(({ thief }) => wholeOf(statementOf(thief, { epoch: epochNow() + 3_600 as Epoch }))) },
  { name: "by a clock an hour behind", where: "traffic", why: "past",
    throws: says(({ thief }) => wholeOf(statementOf(thief, { epoch: epochNow() - 3_600 as Epoch }))) },
  { name: "unsigned", where: "traffic", why: "bad-signature",
    throws: says(({ thief }) => withSignature(statementOf(thief), new Uint8Array(64))) },
  { name: "without a signature at all", where: "traffic", why: "bad-shape",
    throws: says(({ thief }) => withSignature(statementOf(thief), NO_HASH)) },
  { name: "signed with another member's key", where: "traffic", why: "bad-signature",
    throws: says(({ thief, friend }) => wholeOf(statementOf({ ...thief, keys: friend.keys }))) },
  { name: "its signature's twin, S + L", where: "traffic", why: "bad-signature", throws: says(({ thief }) => {
    const statement = statementOf(thief);
    return withSignature(statement, plusL(statement.signature));
  }) },
  { name: "a signature of small order", where: "traffic", why: "bad-signature",
    throws: says(({ thief }) => withSignature(statementOf(thief), SMALL_ORDER)) },
  { name: "signed as something else", where: "traffic", why: "bad-signature", throws: says(({ thief }) => {
    const statement = statementOf(thief);
    return withSignature(statement, signAs("note", statement.bytes, thief.keys.signers.statement));
  }) },
  { name: "in another's name, on the other's topic", where: "traffic", why: "bad-signature",
    throws: says(({ thief, friend }) => wholeOf(statementOf({ ...friend, keys: thief.keys })),
      ({ friend }) => topicOf(friend.station)) },
  { name: "its own, on another's topic", where: "traffic", why: "wrong-author",
    throws: says(({ thief }) => wholeOf(statementOf(thief)), ({ friend }) => topicOf(friend.station)) },
  { name: "under another roster", where: "traffic", why: "wrong-roster",
    throws: says(({ thief }) => wholeOf(statementOf(thief, { rosterVersion: 2 }))) },
  { name: "for another street", where: "traffic", why: "foreign-network",
    throws: says(({ thief }) => wholeOf(statementOf(thief, { network: "city" }))) },
  { name: "of another zone", where: "traffic", why: "foreign-zone",
    throws: says(({ thief }) => wholeOf(statementOf(thief, { zone: "hill" as ZoneId }))) },
  { name: "on a topic of another street", where: "broker", why: "unknown-topic",
    throws: says(({ thief }) => wholeOf(statementOf(thief)),
      ({ thief }) => topicOf(thief.station, "statement", "hill")) },
  { name: "over-long", where: "traffic", why: "too-long",
    throws: says(() => encodeCbor([randomBytes(3_000), randomBytes(64)])) },
  { name: "in non-canonical CBOR outside", where: "traffic", why: "not-cbor",
    throws: says(({ thief }) => longHead(wholeOf(statementOf(thief)))) },
  { name: "in non-canonical CBOR inside, well signed", where: "traffic", why: "not-cbor", throws: says(({ thief }) => {
    const bytes = longHead(statementOf(thief).bytes);
    return encodeCbor([bytes, signAs("statement", bytes, thief.keys.signers.statement)]);
  }) },
  ...BOMBS.map(([name, bytes]): Attack => ({ name, where: "traffic", why: "not-cbor", throws: says(({ thief }) =>
    encodeCbor([bytes, signAs("statement", bytes, thief.keys.signers.statement)])) })),
  { name: "no statement", where: "traffic", why: "not-cbor", throws: says(() => randomBytes(500)) },
];
