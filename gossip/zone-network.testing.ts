/**
 * A zone of agents in memory, for tests: lost, late, doubled messages by seed, and liars among the members. Time is
 * counted in ticks, ten an epoch; each agent's epochs begin at a tick of its own.
 */
import type { Crypto, Signer } from "../models/crypto.ts";
import { EVIDENCE_KEYS } from "../models/terms.ts";
import type { Epoch, MonotonicMs, StationId, WallMs, ZoneId } from "../models/units.ts";
import { createZoneProtocol, onEpoch, onMessage } from "./agreement-protocol.ts";
import type { Directory } from "./directory.ts";
import { createGossip, gossip, type GossipState, type Heard } from "./gossip.ts";
import type { Incoming } from "./intake.ts";
import { topicText } from "./message.ts";
import type { News, Outgoing, Output, ProtocolState } from "./protocol-state.ts";
import { type Statement, signStatement, statementHash } from "./statement.ts";
import type { Decide, Onset, ZoneHistory, ZoneLaw } from "./zone-law.ts";
import type { Held } from "./zone-view.ts";

export const TICKS = 10;
export const EPOCH_MS = 10_000;
export const FIRST_EPOCH = 1_000;

const CHECKPOINT = new Uint8Array(32);
const CLIP = 12_000;
const SUPPORT = 1_000;
const THRESHOLD = 15_000;

/** The rule of SPEC.md, section 6, in its plainest form, with numbers of its own. */
const decide: Decide = ({ n, f, growths }) => {
  const clipped = Array.from({ length: n }, (_, i) => Math.max(-CLIP, Math.min(CLIP, growths[i] ?? -CLIP)));
  const kept = [...clipped].sort((a, b) => a - b).slice(f, n - f);
  const sum = kept.reduce((a, b) => a + b, 0);
  const supporters = clipped.filter((growth) => growth > SUPPORT).length;
  return { sum, margin: sum - THRESHOLD, supporters, raises: sum >= THRESHOLD && supporters >= f + 1 };
};

function search({ n, f, epoch, members }: ZoneHistory<Held>): Onset<Held>[] {
  const counted = members.map(({ statements, guilty }) => {
    const held = statements.filter((one) => one.epoch > epoch - 180 && one.epoch <= epoch + 1);
    return guilty === true || held.length === 0 || held.at(-1)!.epoch < epoch - 6 ? [] : held;
  });
  const onsets = [...new Set(counted.flat().map((held) => held.epoch))].filter((onset) => onset <= epoch);
  return EVIDENCE_KEYS.flatMap((key, keyIndex) => {
    // Most keys of a test are never stated.
    if (counted.every((held) => held.every(({ evidence }) => evidence[keyIndex] === 0))) return [];
    const tried = onsets.map((onset): Onset<Held> => {
      const pairs = counted.map((held) => held.length === 0 ? undefined
        : { newer: held.at(-1)!, older: held.findLast((one) => one.epoch <= onset) ?? held[0]! });
      const growths = pairs.flatMap((pair) =>
        pair === undefined ? [] : [pair.newer.evidence[keyIndex]! - pair.older.evidence[keyIndex]!]);
      return { key, onset, pairs, decision: decide({ n, f, key, growths }) };
    }).filter(({ decision }) => decision.raises);
    return tried.length === 0 ? [] : [tried.reduce((a, b) => (b.decision.sum >= a.decision.sum ? b : a))];
  });
}

export const PLAIN_LAW: ZoneLaw<Held> = { decide, search };

export function madeDirectory(signers: readonly Signer[], f: number, version = 1): Directory {
  const members = signers.map(({ publicKey }, i) => ({ station: `CP-${i}` as StationId, statementKey: publicKey }));
  return {
    network: "example", version, epochS: EPOCH_MS / 1_000, zone: { id: "feeder-7" as ZoneId, f }, members,
    indexOf: (station) => members.findIndex((member) => member.station === station),
  };
}

/** Signs by hash, with what is public: fast, and good where nobody forges. Real keys are tested elsewhere. */
export function hashedCrypto(sha256: Crypto["sha256"]): { crypto: Crypto; signerOf(index: number): Signer } {
  const sign = (key: Uint8Array, message: Uint8Array): Uint8Array => {
    const hash = sha256(key, message);
    return Uint8Array.from([...hash, ...hash]);
  };
  const verify: Crypto["verify"] = (key, message, signature) =>
    sign(key, message).every((byte, i) => byte === signature[i]);
  return {
    crypto: { sha256, hmacSha256: sha256, verify },
    signerOf: (index) => {
      const publicKey = new Uint8Array(32).fill(index + 1);
      return { publicKey, sign: (message) => sign(publicKey, message) };
    },
  };
}

/** Cumulative evidence of one key, millinats, by member and epoch since the start. */
export type Story = (member: number, epoch: number) => number;

export interface Agent {
  readonly index: number;
  readonly state: ProtocolState;
  /** The whole step, which judges its clock: for members of a zone whose clocks are told. */
  readonly gossip: GossipState;
  readonly signer: Signer;
  readonly news: News[];
  seq: number;
  previous: Uint8Array;
}

/** What a liar does in place of, or after, the honest step. It sends as it likes. */
export interface Liar {
  /** Messages of the honest step that it really sends, and to whom; absent: all to all. */
  sends?(outgoing: Outgoing, to: number): boolean;
  /** Evidence that it states in place of the story's. */
  says?(epoch: number): number;
  atEpoch?(agent: Agent, network: Network, epoch: number): void;
  hears?(incoming: Incoming, agent: Agent, network: Network): void;
}

export interface NetworkOptions {
  readonly crypto: Crypto;
  readonly signerOf: (index: number) => Signer;
  readonly int: (n: number) => number;
  readonly n: number;
  readonly f: number;
  /** Share of deliveries that are lost, of 100. */
  readonly lossPercent: number;
  readonly keyIndex: number;
  readonly story: Story;
  readonly liars?: ReadonlyMap<number, Liar>;
  /** Absent: the plain one. */
  readonly law?: ZoneLaw<Held>;
  /** Epochs that a member's clock is ahead at a tick; absent: all are right, and nobody judges its own. */
  readonly clockOff?: (member: number, tick: number) => number;
  /** Who hears whom; absent: all. */
  readonly linked?: (a: number, b: number) => boolean;
}

export interface Network {
  readonly options: NetworkOptions;
  directory: Directory;
  readonly agents: Agent[];
  /** Deliveries by tick. */
  readonly queue: Map<number, { to: number; from: number; incoming: Incoming }[]>;
  tick: number;
  /** Messages handed to agents so far. */
  delivered: number;
}

export function createNetwork(options: NetworkOptions): Network {
  const signers = Array.from({ length: options.n }, (_, index) => options.signerOf(index));
  const directory = madeDirectory(signers, options.f);
  const agents = signers.map((_, index) => createAgent(options, directory, index));
  return { options, directory, agents, queue: new Map(), tick: 0, delivered: 0 };
}

function createAgent(options: NetworkOptions, directory: Directory, index: number): Agent {
  const { crypto, signerOf, law = PLAIN_LAW } = options;
  const { network, zone: { id: zone }, epochS, version: rosterVersion } = directory;
  const { station } = directory.members[index]!;
  const signer = signerOf(index);
  const state = createZoneProtocol({ directory, station, signer, crypto, law });
  return {
    index, signer, news: [], seq: 0, previous: new Uint8Array(0), state, gossip: createGossip({
      crypto, signer, network, zone, station, epochS, earliest: 0 as WallMs, rosterVersion, statedEveryMs: 0,
      protocol: state,
    }),
  };
}

/** An agent that remembers nothing, in the place of one from whom nothing was heard. */
export function restart(network: Network, index: number): Agent {
  const agent = createAgent(network.options, network.directory, index);
  network.agents[index] = agent;
  return agent;
}

/** The agents that do not lie. */
export function honest({ agents, options }: Network): Agent[] {
  return agents.filter(({ index }) => options.liars?.has(index) !== true);
}

export function incomingOf(directory: Directory, { kind, station, bytes }: Outgoing): Incoming {
  return { topic: topicText({ network: directory.network, zone: directory.zone.id, kind, station }), bytes };
}

/** Puts a message on its way: lost, doubled or late as it happens. */
export function send(network: Network, from: number, to: number, incoming: Incoming): void {
  const { int, lossPercent, linked } = network.options;
  if (to === from || linked?.(from, to) === false) return;
  for (let copies = int(10) === 0 ? 2 : 1; copies > 0; copies--) {
    if (int(100) < lossPercent) continue;
    const at = network.tick + 1 + int(4);
    const deliveries = network.queue.get(at) ?? [];
    deliveries.splice(int(deliveries.length + 1), 0, { to, from, incoming });
    network.queue.set(at, deliveries);
  }
}

export function sendAll(network: Network, from: number, incoming: Incoming): void {
  for (const { index } of network.agents) send(network, from, index, incoming);
}

/** Lets so many epochs pass; `each` is called after every epoch. */
export function run(network: Network, epochs: number, each: (epoch: number) => void = () => undefined): void {
  for (const end = network.tick + epochs * TICKS; network.tick < end; network.tick++) {
    for (const agent of network.agents) if (network.tick % TICKS === agent.index % 3) beginEpoch(network, agent);
    const due = network.queue.get(network.tick) ?? [];
    network.queue.delete(network.tick);
    for (const { to, from, incoming } of due) deliver(network, network.agents[to]!, from, incoming);
    if (network.tick % TICKS === TICKS - 1) each(epochAt(network));
  }
}

export function epochAt({ tick }: Network): Epoch {
  return (FIRST_EPOCH + Math.floor(tick / TICKS)) as Epoch;
}

function nowOf(network: Network): { epoch: Epoch; monoMs: MonotonicMs } {
  return { epoch: epochAt(network), monoMs: (network.tick * (EPOCH_MS / TICKS)) as MonotonicMs };
}

/** Lets the whole step run, in the agent's own time; undefined where only the zone's protocol is played. */
function wholeStep({ options, tick }: Network, { index, gossip: state }: Agent, heard?: Heard): Output | undefined {
  if (options.clockOff === undefined || options.liars?.has(index) === true) return undefined;
  const monoMs = tick * (EPOCH_MS / TICKS) as MonotonicMs;
  const wallMs = FIRST_EPOCH * EPOCH_MS + monoMs + options.clockOff(index, tick) * EPOCH_MS as WallMs;
  const story = options.story(index, Math.floor(wallMs / EPOCH_MS) - FIRST_EPOCH);
  const evidence = EVIDENCE_KEYS.map((_, keyIndex) => (keyIndex === options.keyIndex ? story : 0));
  const { outgoing, news } = gossip(state, heard, () => evidence, CHECKPOINT, { wallMs, monoMs });
  return { outgoing: [...outgoing], news: [...news] };
}

function beginEpoch(network: Network, agent: Agent): void {
  const whole = wholeStep(network, agent);
  if (whole !== undefined) return carryOut(network, agent, whole);
  const { epoch } = nowOf(network);
  const liar = network.options.liars?.get(agent.index);
  const story = network.options.story(agent.index, epoch - FIRST_EPOCH);
  const statement = nextStatement(network, agent, liar?.says?.(epoch - FIRST_EPOCH) ?? story);
  agent.seq += 1;
  agent.previous = statementHash(network.options.crypto, statement.bytes);
  carryOut(network, agent, onEpoch(agent.state, { statement, maySign: true }, nowOf(network)));
  liar?.atEpoch?.(agent, network, epoch);
}

/** What the agent would state now; states nothing by itself. */
export function nextStatement(network: Network, agent: Agent, evidence: number): Statement {
  const { directory, options } = network;
  return signStatement({
    network: directory.network, zone: directory.zone.id, station: agent.state.station,
    epoch: epochAt(network), seq: agent.seq, previous: agent.previous, rosterVersion: directory.version,
    evidence: EVIDENCE_KEYS.map((_, keyIndex) => (keyIndex === options.keyIndex ? evidence : 0)),
    checkpoint: new Uint8Array(0),
  }, agent.signer);
}

function deliver(network: Network, agent: Agent, from: number, incoming: Incoming): void {
  network.delivered += 1;
  network.options.liars?.get(agent.index)?.hears?.(incoming, agent, network);
  const sender = `CP-${from}`;
  carryOut(network, agent, wholeStep(network, agent, { ...incoming, from: sender }) ??
    onMessage(agent.state, incoming, sender, nowOf(network)));
}

function carryOut(network: Network, agent: Agent, { outgoing, news }: Output): void {
  const liar = network.options.liars?.get(agent.index);
  agent.news.push(...news.filter(({ kind }) => kind !== "problem" && kind !== "statement"));
  for (const one of outgoing) {
    for (const { index } of network.agents) {
      if (liar?.sends?.(one, index) !== false) send(network, agent.index, index, incomingOf(network.directory, one));
    }
  }
}
