/**
 * One real agent and what plays the rest of its street: two honest members, and one whose keys an attacker has. Every
 * attack is counted under its name, changes nothing, and is passed on to nobody.
 */
import { strict as check } from "node:assert";
import { type ConnectFields, RawClient, until } from "../../edge-agent/adapters/mesh.testing.ts";
import { tlsIdentity } from "../../edge-agent/adapters/tls-identity.ts";
import type { RunningAgent } from "../../edge-agent/agent.ts";
import { entriesOf } from "../../edge-agent/agent.testing.ts";
import { nodeCrypto } from "../../edge-agent/adapters/crypto.ts";
import { encodeCbor } from "../../gossip/cbor.ts";
import { neighboursOf } from "../../gossip/membership.ts";
import { encodeMessage, type Kind, KINDS, messageOfStatement, topicText } from "../../gossip/message.ts";
import type { Roster } from "../../gossip/roster.ts";
import { type Statement, signStatement, type StatementBody } from "../../gossip/statement.ts";
import { EVIDENCE_KEYS } from "../../models/terms.ts";
import type { Epoch, ZoneId } from "../../models/units.ts";
import { BenchCsms } from "../bench/csms.ts";
import { alertsOf, fourHouses, type Houses, type NewHouse, startAgentOf } from "../bench/four-houses.testing.ts";
import { BenchStation } from "../bench/station.ts";

export const GOOD_TOKEN = "04A1B2C3";
const NO_HASH = new Uint8Array(0);

/** The agent of the first house; the others are empty, and their keys are in the hands of whoever plays them. */
export interface Stage {
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
  /** Lines for the operator of the agent. */
  readonly notices: string[];
  /** Where the roster's file lies, and what it says. */
  readonly folder: string;
  readonly roster: Roster;
  /** Ends the agent and begins it anew; connections are gone. */
  restart(): Promise<void>;
}

export const portOf = ({ member }: NewHouse): number => Number(member.address.split(":")[1]);
export const topicOf = (station: string, kind: Kind = "statement", zone = "street"): string =>
  topicText({ network: "town", zone, kind, station });
export const epochNow = (): number => Math.floor(Date.now() / 1_000);

/** A member's connection; or what is left of one that was refused. */
export async function connected(
  { station, keys }: NewHouse, port: number, fields: ConnectFields = {},
): Promise<RawClient> {
  const client = await RawClient.secure(port, tlsIdentity(station, keys.tlsSeed));
  client.connect({ clientId: station, ...fields });
  await Promise.race([client.until("connack"), client.closed]);
  return client;
}

export function publish(client: RawClient, topic: string, bytes: Uint8Array): void {
  client.send({ cmd: "publish", topic, payload: Buffer.from(bytes), qos: 0, retain: false, dup: false });
}

/** Statements are passed on along long links alone: whoever is to hear them all has one to the agent. */
function rolesIn({ houses, roster }: Houses): Pick<Stage, "house" | "thief" | "friend" | "deaf"> {
  const [house, ...others] = houses as [NewHouse, ...NewHouse[]];
  const near = neighboursOf(nodeCrypto(), roster, house.station);
  const deaf = others.find(({ station }) =>
    near.some(({ member, link }) => member.station === station && link === "long"))!;
  const [thief, friend] = others.filter((one) => one !== deaf) as [NewHouse, NewHouse];
  return { house, thief, friend, deaf };
}

export async function withStage(use: (stage: Stage) => Promise<void>): Promise<void> {
  const street = await fourHouses();
  const csms = await BenchCsms.listen({ tokens: [GOOD_TOKEN] });
  const { house, thief, friend, deaf } = rolesIn(street);
  const port = portOf(house);
  const notices: string[] = [];
  const start = (): Promise<RunningAgent> => startAgentOf(house, csms.url, { notice: (text) => notices.push(text) });
  let agent = await start();
  const station = new BenchStation({ id: house.station, ocppVersion: "1.6",
    url: `ws://127.0.0.1:${agent.listening.port}` });
  const clients: RawClient[] = [];
  try {
    await station.connect();
    await station.boot();
    for (const one of [thief, friend, deaf]) clients.push(await connected(one, port));
    const [attacker, speaker, listener] = clients as [RawClient, RawClient, RawClient];
    const granted = await listener.subscribe(...KINDS.map((kind) => topicOf("+", kind)));
    check.ok(granted.every((code) => code === 0));
    await use({
      house, port, station, thief, attacker, friend, speaker, deaf, listener, notices, folder: street.folder,
      roster: street.roster,
      get agent() {
        return agent;
      },
      async restart() {
        await agent.stop();
        agent = await start();
      },
    });
  } finally {
    await Promise.all(clients.map((client) => client.end()));
    await station.close();
    await agent.stop();
    await csms.close();
    street.remove();
  }
}

/** A statement of a member, of this epoch and without fault unless `fields` say otherwise. */
export function statementOf({ station, keys }: NewHouse, fields: Partial<StatementBody> = {}): Statement {
  return signStatement({
    network: "town", zone: "street", station, epoch: epochNow() as Epoch, seq: 0, previous: NO_HASH, rosterVersion: 1,
    evidence: EVIDENCE_KEYS.map(() => 0), checkpoint: NO_HASH, ...fields,
  }, keys.signers.statement);
}

export const wholeOf = (statement: Statement): Uint8Array => messageOfStatement(statement).whole;
export const withSignature = ({ bytes }: Statement, signature: Uint8Array): Uint8Array =>
  encodeCbor([bytes, signature]);

/** What no attack may change: who was heard and when, what stands, and the log but for own statements. */
export function picture({ agent, house }: Stage) {
  const { members, incidents, provisional } = agent.status().mesh!;
  const others = members.filter(({ station }) => station !== house.station);
  return {
    heard: others.map(({ station, lastEpoch, guilty }) => ({ station, lastEpoch, guilty })), incidents, provisional,
    alerts: alertsOf(house), log: entriesOf(house.folder).filter(({ kind }) => kind !== "statement").length,
  };
}

export type Where = "broker" | "traffic" | "repeats";

export function counted({ agent }: Stage, where: Where, why: string): number {
  const { broker, traffic } = agent.status().mesh!;
  if (where === "repeats") return traffic.repeats;
  return (where === "broker" ? broker!.refused : traffic.refused)[why] ?? 0;
}

let fences = 0;

/** A message of an honest member comes through: whatever was published before it has come, too. */
export async function fence({ friend, speaker, listener }: Stage): Promise<void> {
  const content = { epoch: epochNow(), proposal: new Uint8Array(32).fill(++fences) };
  const head = { network: "town", zone: "street" as ZoneId, rosterVersion: 1, station: friend.station };
  const { whole } = encodeMessage("vote", content, head, friend.keys.signers.statement);
  publish(speaker, topicOf(friend.station, "vote"), whole);
  await until(() => heardAt(listener, whole), "an honest message is passed on");
}

export const memberAt = (agent: RunningAgent, { station }: NewHouse) =>
  agent.status().mesh!.members.find((member) => member.station === station);
export const heardAt = (listener: RawClient, bytes: Uint8Array): boolean => listener.of("publish")
  .some((packet) => Buffer.compare((packet as { payload: Buffer }).payload, bytes) === 0);

export interface Attack {
  readonly name: string;
  readonly where: Where;
  readonly why: string;
  /** Throws it; what it published, where it did. */
  throws(stage: Stage): Promise<Uint8Array | void> | Uint8Array | void;
}

const ownTopic = ({ thief }: Stage): string => topicOf(thief.station);

/** The attacker says this on its own statements' topic, unless another is named. */
export const says = (make: (stage: Stage) => Uint8Array, topic = ownTopic) =>
  (stage: Stage): Uint8Array => {
    const bytes = make(stage);
    publish(stage.attacker, topic(stage), bytes);
    return bytes;
  };

/** What is true of the agent after each of them. */
export async function unmoved(stage: Stage, { name, where, why, throws }: Attack): Promise<void> {
  const [before, countBefore] = [picture(stage), counted(stage, where, why)];
  const bytes = await throws(stage);
  await until(() => counted(stage, where, why) > countBefore, `${name}: counted as ${why}`);
  await fence(stage);
  check.equal(counted(stage, where, why), countBefore + 1, `${name}: counted once`);
  check.deepEqual(picture(stage), before, name);
  if (bytes !== undefined) check.equal(heardAt(stage.listener, bytes), false, `${name}: passed on`);
  check.equal(await stage.station.authorize(GOOD_TOKEN), "Accepted", `${name}: frames pass`);
}
