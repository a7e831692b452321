/**
 * The members of one roster with their real cores, in virtual time, over the links that the roster gives them: each
 * publishes to its neighbours, and passes on what it publishes for others to all but the one it has it from. Nothing
 * here decides anything.
 *
 * What agents of one process share, and boards do not: what the bytes of a message say, and whether its signature is
 * good, is found out once; directories and links of a roster are made once; signatures are a keyed hash.
 */
import { createCore } from "../../../edge-agent/core.ts";
import { type AgentState, step } from "../../../edge-agent/pipeline.ts";
import type { AgentEvent } from "../../../edge-agent/ports.ts";
import { createRecord, NEW_LOG } from "../../../edge-agent/record/record.ts";
import { leftOut, neighboursOfAll, type Reach, reachOf } from "../../../gossip/membership.ts";
import { type Kind, topicText } from "../../../gossip/message.ts";
import type { Outgoing } from "../../../gossip/protocol-state.ts";
import type { Roster } from "../../../gossip/roster.ts";
import type { EvidenceKey } from "../../../models/terms.ts";
import type { MonotonicMs, StationId, WallMs, ZoneId } from "../../../models/units.ts";
import { type Dice, dice } from "../dice.ts";
import { SharedReader } from "../shared-reader.ts";
import { addEvidence } from "../soak/evidence.ts";
import type { Keys } from "../soak/sim-crypto.ts";
import { CertificateWaits } from "./certificate-waits.ts";
import { EPOCH_S, LIARS_TOLERATED, ZONE_SIZE } from "./scale-plan.ts";

const EPOCH_MS = 1_000 * EPOCH_S;
const BEGIN = Date.UTC(2026, 2, 2) as WallMs;
/** A hop takes this long, ms: a street's Ethernet and its cellular routers. */
const HOP_MS = { low: 5, high: 400 };
const LOSS = 0.01;
/** Clocks are so far apart, ms. */
const CLOCKS_MS = 500;
/** Evidence that moves at honest stations, millinats an epoch; on the whole it speaks for honesty. */
const NOISE: readonly EvidenceKey[] = ["starts", "power-step", "energy-theft"];
const NOISE_MILLINATS = { low: -60, high: 40 };
/** One zone in so many is attacked, all its members at once. */
const ATTACKED_ZONE_IN = 10;
const ATTACK = { key: "refusals", from: 20, to: 26, millinats: 2_000 } as const;
/** MQTT: fixed header and two lengths; TLS 1.3: record header, type and tag; TCP and IPv4, with time stamps. */
const WIRE_OVERHEAD = { mqtt: 5, tls: 22, tcp: 52 };

interface Agent {
  readonly index: number;
  readonly station: StationId;
  readonly zone: ZoneId;
  readonly isAttacked: boolean;
  readonly state: AgentState;
  readonly tickMs: number;
  /** What the attack has added to its evidence, millinats. */
  attackedBy: number;
  neighbours: readonly Agent[];
  reach: Reach;
}

interface Delivery {
  readonly to: Agent;
  readonly from: StationId;
  readonly topic: string;
  readonly bytes: Uint8Array;
}

export interface Traffic {
  messages: number;
  /** Payload and topic. */
  payload: number;
  wire: number;
}

const noTraffic = (): Traffic => ({ messages: 0, payload: 0, wire: 0 });

export class ScaleRegion {
  /** What was delivered since the beginning, by kind. */
  readonly traffic = new Map<Kind, Traffic>();
  /** Statements made. */
  statements = 0;
  raised = 0;
  readonly waits = new CertificateWaits({ n: ZONE_SIZE, f: LIARS_TOLERATED }, ATTACK.key);
  readonly #agents: Agent[];
  readonly #dice: Dice;
  readonly #made = new WeakSet<Uint8Array>();
  readonly #topics = new Map<string, string>();
  /** What arrives in each of the next milliseconds, from `#nowMs` on. */
  readonly #arriving: Delivery[][] = Array.from({ length: HOP_MS.high + CLOCKS_MS }, () => []);
  #nowMs = 0;
  #epoch = 0;

  constructor(keys: Keys, roster: Roster, seed: number) {
    this.#dice = dice(seed, `scale ${roster.network}`);
    const reader = new SharedReader(keys.crypto);
    this.#agents = roster.members.map(({ station, zone }, index): Agent => ({
      index, station, zone, neighbours: [], reach: reachOf([]),
      isAttacked: roster.zones.findIndex(({ id }) => id === zone) % ATTACKED_ZONE_IN === 0,
      tickMs: this.#dice.int(CLOCKS_MS), attackedBy: 0,
      state: createCore({
        station, region: roster.network, zone, epochS: EPOCH_S, site: {}, crypto: keys.crypto, reader,
        tokenSecret: new Uint8Array(32), statementSigner: keys.signerOf(`${station} statement`),
        log: createRecord({ origin: `scale/${station}`, crypto: keys.crypto, recovered: NEW_LOG }),
        earliest: 0 as WallMs, membership: { roster, zone },
      }, { wallMs: BEGIN, monoMs: 0 as MonotonicMs }).state,
    }));
    this.#link(keys, roster);
  }

  get size(): number {
    return this.#agents.length;
  }

  /** Agents that hold a statement of each member of their zone from the epoch before the last or later. */
  heldOfAll(): number {
    const oldest = BEGIN / EPOCH_MS + this.#epoch - 2;
    return this.#agents.filter(({ state }) =>
      state.zone!.protocol.view.members.every(({ heard }) => heard >= oldest)).length;
  }

  #link({ crypto }: Keys, roster: Roster): void {
    const byStation = new Map(this.#agents.map((agent) => [agent.station, agent]));
    const links = neighboursOfAll(crypto, roster);
    for (const agent of this.#agents) {
      const neighbours = links.get(agent.station)!;
      agent.neighbours = neighbours.map(({ member }) => byStation.get(member.station)!);
      agent.reach = reachOf(neighbours);
    }
  }

  playEpoch(): void {
    const due: Agent[][] = Array.from({ length: CLOCKS_MS }, () => []);
    for (const agent of this.#agents) due[agent.tickMs]!.push(agent);
    for (const end = this.#nowMs + EPOCH_MS; this.#nowMs < end; this.#nowMs += 1) {
      for (const agent of due[this.#nowMs % EPOCH_MS] ?? []) this.#tick(agent);
      const slot = this.#nowMs % this.#arriving.length;
      const arrived = this.#arriving[slot]!;
      if (arrived.length === 0) continue;
      this.#arriving[slot] = [];
      for (const { to, from, topic, bytes } of arrived) this.#step(to, { kind: "message", topic, bytes, from });
    }
    this.#epoch += 1;
  }

  #tick(agent: Agent): void {
    const { opine } = agent.state;
    for (const key of NOISE) {
      addEvidence(opine, key, Math.round(this.#dice.uniform(NOISE_MILLINATS.low, NOISE_MILLINATS.high)));
    }
    const isOn = agent.isAttacked && this.#epoch >= ATTACK.from && this.#epoch < ATTACK.to;
    if (isOn) {
      addEvidence(opine, ATTACK.key, ATTACK.millinats);
      agent.attackedBy += ATTACK.millinats;
    }
    this.#step(agent, { kind: "tick" });
  }

  #step(agent: Agent, event: AgentEvent): void {
    const wallMs = (BEGIN + this.#nowMs) as WallMs;
    for (const effect of step(agent.state, event, { wallMs, monoMs: this.#nowMs as MonotonicMs })) {
      if (effect.kind === "alert" && effect.alert.state === "raised" && effect.alert.scope === "zone") this.raised += 1;
      if (effect.kind === "publish") for (const message of effect.messages) this.#publish(agent, message);
    }
  }

  #publish(agent: Agent, message: Outgoing): void {
    if (message.kind === "statement" && message.station === agent.station) this.#noteMade(agent, message.bytes);
    if (message.kind === "certificate") this.waits.certified(agent.zone, this.#nowMs);
    const topic = this.#topicOf(agent, message);
    const size = message.bytes.length + topic.length;
    const counted = this.traffic.get(message.kind) ?? noTraffic();
    this.traffic.set(message.kind, counted);
    const except = leftOut(message, agent.reach);
    for (const to of agent.neighbours) {
      if (except.has(to.station)) continue;
      counted.messages += 1;
      counted.payload += size;
      counted.wire += size + WIRE_OVERHEAD.mqtt + WIRE_OVERHEAD.tls + WIRE_OVERHEAD.tcp;
      this.#send(agent, to, topic, message.bytes);
    }
  }

  /** The author publishes it again for who lacks it. */
  #noteMade({ zone, station, attackedBy }: Agent, statement: Uint8Array): void {
    if (this.#made.has(statement)) return;
    this.#made.add(statement);
    this.statements += 1;
    if (attackedBy > 0) this.waits.stated(zone, station, attackedBy, this.#nowMs);
  }

  #send(agent: Agent, to: Agent, topic: string, bytes: Uint8Array): void {
    if (this.#dice.chance(LOSS)) return;
    const at = this.#nowMs + HOP_MS.low + this.#dice.int(HOP_MS.high - HOP_MS.low);
    this.#arriving[at % this.#arriving.length]!.push({ to, from: agent.station, topic, bytes });
  }

  #topicOf(agent: Agent, { kind, station, zone = agent.zone }: Outgoing): string {
    const name = `${kind} ${station}`;
    const { network } = agent.state.gossip;
    const topic = this.#topics.get(name) ?? topicText({ network, zone, kind, station });
    this.#topics.set(name, topic);
    return topic;
  }
}
