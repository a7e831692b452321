/**
 * One real agent, and everything that can be thrown at its mesh over the wire: each is counted under its name, changes
 * nothing, is passed on to nobody, and the agent answers and forwards frames all the while.
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { askStatus } from "../../edge-agent/adapters/agent-client.ts";
import { signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { RawClient, throwAt, until } from "../../edge-agent/adapters/mesh.testing.ts";
import { tlsIdentity } from "../../edge-agent/adapters/tls-identity.ts";
import { type RunningAgent, startAgent } from "../../edge-agent/agent.ts";
import { entriesOf } from "../../edge-agent/agent.testing.ts";
import { encodeCbor } from "../../gossip/cbor.ts";
import { signAs } from "../../gossip/domain.ts";
import { encodeMessage, type Kind, KINDS, messageOfStatement, topicText } from "../../gossip/message.ts";
import { encodeRoster, type Roster } from "../../gossip/roster.ts";
import { encodeRosterFile, signRoster } from "../../gossip/roster-file.ts";
import { type Statement, signStatement, type StatementBody } from "../../gossip/statement.ts";
import { EVIDENCE_KEYS } from "../../models/terms.ts";
import type { Epoch, StationId, ZoneId } from "../../models/units.ts";
import { BenchCsms } from "../bench/csms.ts";
import { alertsOf, configOf, fourHouses, type NewHouse, signed, startAgentOf } from "../bench/four-houses.testing.ts";
import { BenchStation } from "../bench/station.ts";

const GOOD_TOKEN = "04A1B2C3";
const MEGABYTE = 1_048_576;
const NO_HASH = new Uint8Array(0);

/** The agent of the first house; the others are empty, and their keys are in the hands of whoever plays them. */
interface Stage {
  readonly house: NewHouse;
  readonly agent: RunningAgent;
  readonly port: number;
  readonly station: BenchStation;
  /** The second member's keys are the attacker's. */
  readonly thief: NewHouse;
  readonly attacker: RawClient;
  /** Two honest members: one speaks, one listens to all that the agent publishes. */
  readonly friend: NewHouse;
  readonly speaker: RawClient;
  readonly deaf: NewHouse;
  readonly listener: RawClient;
}

const portOf = ({ member }: NewHouse): number => Number(member.address.split(":")[1]);
const topicOf = (station: string, kind: Kind = "statement", zone = "street"): string =>
  topicText({ network: "town", zone, kind, station });
const epochNow = (): number => Math.floor(Date.now() / 1_000);

async function connected({ station, keys }: NewHouse, port: number, clientId: string = station): Promise<RawClient> {
  const client = await RawClient.secure(port, tlsIdentity(station, keys.tlsSeed));
  client.connect({ clientId });
  await Promise.race([client.until("connack"), client.closed]);
  return client;
}

function publish(client: RawClient, topic: string, bytes: Uint8Array): void {
  client.send({ cmd: "publish", topic, payload: Buffer.from(bytes), qos: 0, retain: false, dup: false });
}

async function withStage(use: (stage: Stage) => Promise<void>): Promise<void> {
  const street = await fourHouses();
  const csms = await BenchCsms.listen({ tokens: [GOOD_TOKEN] });
  const [house, thief, friend, deaf] = street.houses as [NewHouse, NewHouse, NewHouse, NewHouse];
  const port = portOf(house);
  const agent = await startAgentOf(house, csms.url);
  const station = new BenchStation({ id: house.station, ocppVersion: "1.6",
    url: `ws://127.0.0.1:${agent.listening.port}` });
  const clients: RawClient[] = [];
  try {
    await station.connect();
    await station.boot();
    for (const one of [thief, friend, deaf]) clients.push(await connected(one, port));
    const [attacker, speaker, listener] = clients as [RawClient, RawClient, RawClient];
    const granted = await listener.subscribe(...KINDS.map((kind) => topicOf("+", kind)));
    assert.ok(granted.every((code) => code === 0));
    await use({ house, agent, port, station, thief, attacker, friend, speaker, deaf, listener });
  } finally {
    await Promise.all(clients.map((client) => client.end()));
    await station.close();
    await agent.stop();
    await csms.close();
    street.remove();
  }
}

/** A statement of a member, of this epoch and without fault unless `fields` say otherwise. */
function statementOf({ station, keys }: NewHouse, fields: Partial<StatementBody> = {}): Statement {
  return signStatement({
    network: "town", zone: "street", station, epoch: epochNow() as Epoch, seq: 0, previous: NO_HASH, rosterVersion: 1,
    evidence: EVIDENCE_KEYS.map(() => 0), checkpoint: NO_HASH, ...fields,
  }, keys.signers.statement);
}

const wholeOf = (statement: Statement): Uint8Array => messageOfStatement(statement).whole;
const withSignature = ({ bytes }: Statement, signature: Uint8Array): Uint8Array => encodeCbor([bytes, signature]);

/** The same list, its length in two bytes where one is enough (RFC 8949, 4.2.1). */
function longHead(list: Uint8Array): Uint8Array {
  assert.is(list[0]! >> 5, 4, "an array");
  return Uint8Array.from([0x98, list[0]! & 0x1f, ...list.subarray(1)]);
}

/** What no attack may change: who was heard and when, what stands, and the log but for own statements. */
function picture({ agent, house }: Stage) {
  const { members, incidents, provisional } = agent.status().mesh!;
  const others = members.filter(({ station }) => station !== house.station);
  return {
    heard: others.map(({ station, lastEpoch, guilty }) => ({ station, lastEpoch, guilty })), incidents, provisional,
    alerts: alertsOf(house), log: entriesOf(house.folder).filter(({ kind }) => kind !== "statement").length,
  };
}

type Where = "broker" | "traffic" | "repeats";

function counted({ agent }: Stage, where: Where, why: string): number {
  const { broker, traffic } = agent.status().mesh!;
  if (where === "repeats") return traffic.repeats;
  return (where === "broker" ? broker!.refused : traffic.refused)[why] ?? 0;
}

let fences = 0;

/** A message of an honest member comes through: whatever was published before it has come, too. */
async function fence({ friend, speaker, listener }: Stage): Promise<void> {
  const content = { epoch: epochNow(), proposal: new Uint8Array(32).fill(++fences) };
  const head = { network: "town", zone: "street" as ZoneId, rosterVersion: 1, station: friend.station };
  const { whole } = encodeMessage("vote", content, head, friend.keys.signers.statement);
  publish(speaker, topicOf(friend.station, "vote"), whole);
  await until(() => heardAt(listener, whole), "an honest message is passed on");
}

const memberAt = (agent: RunningAgent, { station }: NewHouse) =>
  agent.status().mesh!.members.find((member) => member.station === station);
const heardAt = (listener: RawClient, bytes: Uint8Array): boolean => listener.of("publish")
  .some((packet) => Buffer.compare((packet as { payload: Buffer }).payload, bytes) === 0);

interface Attack {
  readonly name: string;
  readonly where: Where;
  readonly why: string;
  /** Throws it; what it published, where it did. */
  throws(stage: Stage): Promise<Uint8Array | void> | Uint8Array | void;
}

/** The attacker says this on its own statements' topic, unless another is named. */
const says = (make: (stage: Stage) => Uint8Array, topic = (stage: Stage): string => topicOf(stage.thief.station)) =>
  (stage: Stage): Uint8Array => {
    const bytes = make(stage);
    publish(stage.attacker, topic(stage), bytes);
    return bytes;
  };

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
  assert.ok(sent < 32 * MEGABYTE, `${sent} bytes were taken`);
}

const CONNECTIONS: readonly Attack[] = [
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
    await (await connected(thief, port, friend.station)).closed;
  } },
  { name: "a subscription to everything", where: "broker", why: "wildcard", throws: async ({ attacker }) => {
    assert.equal(await attacker.subscribe("#"), [0x80]);
  } },
];

const STATEMENTS: readonly Attack[] = [
  { name: "from the future", where: "traffic", why: "future",
    throws: says(({ thief }) => wholeOf(statementOf(thief, { epoch: epochNow() + 60 as Epoch }))) },
  { name: "from the past", where: "traffic", why: "past",
    throws: says(({ thief }) => wholeOf(statementOf(thief, { epoch: epochNow() - 60 as Epoch }))) },
  { name: "unsigned", where: "traffic", why: "bad-signature",
    throws: says(({ thief }) => withSignature(statementOf(thief), new Uint8Array(64))) },
  { name: "without a signature at all", where: "traffic", why: "bad-shape",
    throws: says(({ thief }) => withSignature(statementOf(thief), NO_HASH)) },
  { name: "signed with another member's key", where: "traffic", why: "bad-signature",
    throws: says(({ thief, friend }) => wholeOf(statementOf({ ...thief, keys: friend.keys }))) },
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
  { name: "no statement", where: "traffic", why: "not-cbor", throws: says(() => randomBytes(500)) },
];

/** What is true of the agent after each of them. */
async function unmoved(stage: Stage, { name, where, why, throws }: Attack): Promise<void> {
  const [before, countBefore] = [picture(stage), counted(stage, where, why)];
  const bytes = await throws(stage);
  await until(() => counted(stage, where, why) > countBefore, `${name}: counted as ${why}`);
  await fence(stage);
  assert.is(counted(stage, where, why), countBefore + 1, `${name}: counted once`);
  assert.equal(picture(stage), before, name);
  if (bytes !== undefined) assert.is(heardAt(stage.listener, bytes), false, `${name}: passed on`);
  assert.is(await stage.station.authorize(GOOD_TOKEN), "Accepted", `${name}: frames pass`);
}

test("at the door: each of them is refused and counted once, and changes nothing", () => withStage(async (stage) => {
  for (const attack of CONNECTIONS) await unmoved(stage, attack);
  assert.equal(stage.agent.status().mesh?.broker?.connected, ["CP-2", "CP-3", "CP-4"], "nobody was pushed out");
}));

test("statements over a member's own link: each of them is refused and counted once, and changes nothing", () =>
  withStage(async (stage) => {
    for (const attack of STATEMENTS) await unmoved(stage, attack);
    const { agent, thief, listener, house } = stage;
    const good = says(() => wholeOf(statementOf(thief)))(stage);
    await until(() => heardAt(listener, good), "what is without fault is taken, and passed on");
    await until(() => memberAt(agent, thief)?.lastEpoch !== undefined, "it is in the view");
    assert.ok(agent.status().mesh!.traffic.refusedFrom.every(({ from }) => from === thief.station), "it is to blame");
    assert.is((await askStatus(house.folder, 20_000)).kind, "status", "the agent answers");
  }));

test("replayed: a repeat, from somebody else a duplicate; twice different: named, with proof, and no more", () =>
  withStage(async (stage) => {
    const { thief, attacker, friend, speaker, deaf, listener, house, agent } = stage;
    const statement = statementOf(thief);
    const whole = wholeOf(statement);
    for (const _ of [1, 2]) publish(attacker, topicOf(thief.station), whole);
    await until(() => heardAt(listener, whole), "it is taken");
    await until(() => counted(stage, "repeats", "") === 1, "and its copy is counted");
    await fence(stage);
    assert.is(listener.texts().filter((text) => text === String(Buffer.from(whole))).length, 1, "passed on once");
    // Three others that agree on the time: the agent knows that its clock is right, and may sign.
    publish(speaker, topicOf(friend.station), wholeOf(statementOf(friend)));
    publish(listener, topicOf(deaf.station), wholeOf(statementOf(deaf)));
    await until(() => memberAt(agent, house)?.lastEpoch !== undefined, "the agent states");
    await unmoved(stage, { name: "replayed by another", where: "traffic", why: "duplicate",
      throws: () => publish(speaker, topicOf(thief.station), whole) });
    const { epoch, seq } = statement.body;
    const other = wholeOf(statementOf(thief, { epoch, seq, evidence: EVIDENCE_KEYS.map(() => 1) }));
    publish(attacker, topicOf(thief.station), other);
    await until(() => alertsOf(house).length > 0, "the author is named");
    await fence(stage);
    assert.equal(alertsOf(house).map(({ threat, stations }) => ({ threat, stations })),
      [{ threat: "agent-misbehaviour", stations: [thief.station] }]);
    assert.is(entriesOf(house.folder).filter(({ kind }) => kind === "proof").length, 1);
    assert.is(heardAt(listener, other), false, "the second is not passed on: the proof is");
    await unmoved(stage, { name: "after that", where: "traffic", why: "guilty-author",
      throws: says(() => wholeOf(statementOf(thief, { epoch: epoch + 1 as Epoch, seq: 1 }))) });
    assert.equal(agent.status().mesh?.incidents, []);
  }));

test("a flood of one member is swallowed at its link: the others are heard, and frames pass", () =>
  withStage(async (stage) => {
    const { thief, attacker, agent, station } = stage;
    const before = picture(stage);
    for (let i = 0; i < 2_000; i++) publish(attacker, topicOf(thief.station), randomBytes(300));
    await until(() => counted(stage, "broker", "rate") > 1_500, "what is too much is counted");
    await fence(stage);
    assert.equal(picture(stage), before);
    assert.ok(agent.status().mesh!.broker!.connected.includes(thief.station), "it stays connected");
    assert.is(await station.authorize(GOOD_TOKEN), "Accepted");
  }));

const WRONG_ROSTERS: readonly { name: string; says: RegExp; file(roster: Roster): Uint8Array }[] = [
  { name: "unreadable", says: /^mesh\.roster: \S+: roster file: CBOR: /,
    file: () => randomBytes(300).fill(0xff, 0, 1) },
  { name: "cut off", says: /^mesh\.roster: \S+: roster file: CBOR: ends too early/,
    file: (roster) => signed(roster).subarray(0, 400) },
  { name: "foreign", says: /^mesh\.roster: \S+: signatures: /, file: (roster) => {
    const bytes = encodeRoster(roster);
    return encodeRosterFile({ bytes, signatures: [signRoster(bytes, signerFromSeed(new Uint8Array(32).fill(9)))] });
  } },
  { name: "without this station", says: /^mesh\.roster: \S+ has no member CP-1; have it enrolled$/,
    file: (roster) => signed({ ...roster, members: roster.members.map((member) =>
      (member.station === "CP-1" ? { ...member, station: "CP-0" as StationId } : member)) }) },
  { name: "with another key", says: /^mesh\.roster: the tls key of CP-1 is not this device's; put back /,
    file: (roster) => {
      const tls = signerFromSeed(new Uint8Array(32).fill(5)).publicKey;
      return signed({ ...roster, members: roster.members.map((member) =>
        (member.station === "CP-1" ? { ...member, keys: { ...member.keys, tls } } : member)) });
    } },
];

test("a roster that is not to be believed: one line at start that says so, and nothing is left running", async () => {
  const street = await fourHouses();
  try {
    const house = street.houses[0]!;
    const config = configOf(house, "ws://127.0.0.1:1");
    const output = { notice: () => undefined, out: () => undefined, colour: false, env: {} };
    for (const { name, says: expected, file } of WRONG_ROSTERS) {
      const roster = join(street.folder, "wrong.kw");
      writeFileSync(roster, file(street.roster));
      const failed = await startAgent({ ...config, mesh: { ...config.mesh!, roster } }, output).then(
        async (agent) => await agent.stop(), (error: Error) => error);
      assert.instance(failed, Error, `${name}: it started`);
      assert.match((failed as Error).message, expected, name);
      assert.not.match((failed as Error).message, /\n/, name);
    }
    const agent = await startAgent(config, output);
    await agent.stop();
  } finally {
    street.remove();
  }
});
