/**
 * Every station of a region with the real agent core, in one process and in virtual time: captures go in, messages
 * travel over a simulated network, alerts come out. One seed; equal inputs give equal output to the byte.
 */
import { nodeCrypto, signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { createCore } from "../../edge-agent/core.ts";
import type { CaptureLine } from "../../edge-agent/observe/trace.ts";
import { type AgentState, step } from "../../edge-agent/pipeline.ts";
import type { AgentEvent, Effect } from "../../edge-agent/ports.ts";
import { createRecord, NEW_LOG } from "../../edge-agent/record/record.ts";
import { eventTexts, type Region } from "../../edge-agent/region.ts";
import { neighboursOf } from "../../gossip/membership.ts";
import { topicText } from "../../gossip/message.ts";
import type { Outgoing } from "../../gossip/protocol-state.ts";
import { byText, type Member, type Roster } from "../../gossip/roster.ts";
import { type Alert, threatOf } from "../../models/terms.ts";
import { type Epoch, type MonotonicMs, type Now, SECOND_MS, type StationId, type WallMs } from "../../models/units.ts";
import { type Dice, dice, purposeSeed } from "./dice.ts";
import { Lies } from "./lies.ts";
import type { Liar } from "./liars.ts";
import { SharedReader } from "./shared-reader.ts";
import { Signatures } from "./signatures.ts";
import { Queue } from "./timeline.ts";

export interface RegionRunOptions {
  readonly region: Region;
  readonly seed: number;
  readonly epochS: number;
  /** Share of deliveries that are lost, in [0, 1). */
  readonly loss: number;
  readonly liars: readonly Liar[];
}

interface SimAgent {
  readonly member: Member;
  readonly state: AgentState;
  readonly lies: Lies;
  /** Others of its zone. */
  readonly peers: StationId[];
  /** Its neighbours in other zones. */
  readonly bridges: StationId[];
  lastMs: number;
}

interface Delivery {
  readonly to: StationId;
  readonly from: StationId;
  readonly topic: string;
  readonly bytes: Uint8Array;
}

/**
 * Every member hears every other at first hand, as through a site's broker. What is passed on or repaired goes to
 * this many others, drawn anew each time: one finds out who tells each a different lie, two mend losses.
 */
const PASSED_ON_TO = { lossless: 1, lossy: 2 };
/** Deliveries take this long, ms: a street's Ethernet and its cellular routers. */
const DELAY_MS = { low: 5, high: 400 };
const MICRO = 1_000_000;

export class RegionRun {
  readonly counts = {
    frames: 0, meterReadings: 0, strangers: 0, late: 0, messages: 0, messageBytes: 0, lost: 0, epochs: 0, statements: 0,
  };
  readonly #options: RegionRunOptions;
  readonly #tell: (alert: Alert) => void;
  readonly #agents = new Map<StationId, SimAgent>();
  readonly #network = new Queue<Delivery>();
  readonly #dice: Dice;
  readonly #told = new Set<string>();
  readonly #signatures = new Signatures(nodeCrypto());
  /** What agents of one process read is read once for all of them. */
  readonly #reader = new SharedReader(this.#signatures.crypto);
  #firstMs = Number.NaN;
  #nextEpochMs = 0;

  /** @param tell takes each alert once: a zone's from the first agent that tells it */
  constructor(options: RegionRunOptions, tell: (alert: Alert) => void) {
    this.#options = options;
    this.#tell = tell;
    this.#dice = dice(options.seed, "network");
  }

  /** Takes the next line of the captures; lines come in order of time. */
  take(line: CaptureLine): void {
    if (Number.isNaN(this.#firstMs)) this.#begin(line.at);
    this.runUntil(line.at);
    const agent = this.#agents.get(line.station);
    if (agent === undefined) {
      this.counts.strangers += 1;
      return;
    }
    if (line.at < agent.lastMs) this.counts.late += 1;
    if (line.event.kind === "frame") this.counts.frames += 1;
    if (line.event.kind === "meter") this.counts.meterReadings += 1;
    this.#step(agent, line.event, Math.max(line.at, agent.lastMs));
  }

  /** Plays epochs and deliveries until `at`. */
  runUntil(at: number): void {
    for (;;) {
      const delivery = this.#network.first;
      const deliveryAt = delivery?.at ?? Infinity;
      if (Math.min(deliveryAt, this.#nextEpochMs) > at) return;
      if (deliveryAt <= this.#nextEpochMs) this.#deliver();
      else this.#tickAll();
    }
  }

  /** Whether all honest agents of each zone hold the same open incidents; says where they do not. */
  disagreements(): string[] {
    const lying = new Set(this.#options.liars.map(({ station }) => station));
    return this.#options.region.zones.flatMap(({ id, stations }) => {
      const held = stations.filter((station) => !lying.has(station.id)).map((station) => {
        const incidents = this.#agents.get(station.id)?.state.zone?.protocol.incidents;
        return [...incidents?.values() ?? []].map(({ first: { key, epoch } }) => `${threatOf(key)}@${epoch}`).sort()
          .join(" ");
      });
      return new Set(held).size <= 1 ? [] : [`${id}: ${[...new Set(held)].map((one) => one || "nothing").join(" | ")}`];
    });
  }

  #begin(at: WallMs): void {
    const { epochS, seed } = this.#options;
    this.#firstMs = at;
    this.#nextEpochMs = (Math.floor(at / (epochS * SECOND_MS)) + 1) * epochS * SECOND_MS;
    const roster = rosterOf(this.#options, at);
    for (const member of roster.members) this.#agents.set(member.station, this.#agent(roster, member, at, seed));
  }

  #agent(roster: Roster, member: Member, at: WallMs, seed: number): SimAgent {
    const { crypto } = this.#signatures;
    const { station, zone } = member;
    const signer = this.#signatures.remembered(signerOf(seed, station, "statement"));
    const { state } = createCore({
      station, region: roster.network, zone, epochS: roster.epochS, site: {}, crypto,
      tokenSecret: crypto.sha256(new TextEncoder().encode(`${seed} tokens`)), sharesTokens: true,
      statementSigner: signer,
      log: createRecord({ origin: `replay/${station}`, crypto, recovered: NEW_LOG }), earliest: 0 as WallMs,
      membership: { roster, zone }, reader: this.#reader,
    }, { wallMs: at, monoMs: 0 as MonotonicMs });
    const peers = roster.members.filter((other) => other.zone === zone && other !== member);
    const liars = this.#options.liars.filter((liar) => liar.station === station);
    const lies = new Lies(liars, signer, dice(seed, `lies ${station}`));
    const bridges = roster.zones.length < 2 ? [] : neighboursOf(crypto, roster, station)
      .filter(({ link }) => link === "bridge").map((neighbour) => neighbour.member.station);
    return { member, state, lies, peers: peers.map((peer) => peer.station), bridges, lastMs: at };
  }

  #deliver(): void {
    const delivery = this.#network.pop();
    const agent = delivery === undefined ? undefined : this.#agents.get(delivery.value.to);
    if (delivery === undefined || agent === undefined) return;
    const { topic, bytes, from } = delivery.value;
    this.#step(agent, { kind: "message", topic, bytes, from }, Math.max(delivery.at, agent.lastMs));
  }

  #tickAll(): void {
    const at = this.#nextEpochMs;
    this.#nextEpochMs += this.#options.epochS * SECOND_MS;
    this.counts.epochs += 1;
    for (const agent of this.#agents.values()) this.#step(agent, { kind: "tick" }, at);
  }

  #step(agent: SimAgent, event: AgentEvent, at: number): void {
    agent.lastMs = at;
    const now: Now = { wallMs: at as WallMs, monoMs: (at - this.#firstMs) as MonotonicMs };
    for (const effect of step(agent.state, event, now)) this.#carryOut(agent, effect, now);
  }

  #carryOut(agent: SimAgent, effect: Effect, now: Now): void {
    if (effect.kind === "alert") this.#alert(effect.alert);
    if (effect.kind !== "publish") return;
    for (const message of effect.messages) {
      if (message.kind === "statement" && message.relayed !== true) this.counts.statements += 1;
      this.#publish(agent, message, now);
    }
  }

  #publish(agent: SimAgent, message: Outgoing, now: Now): void {
    const { network, zone } = agent.state.gossip;
    // Nobody is told its own words: a liar would hear two of itself.
    const others = agent.peers.filter((to) => to !== message.station);
    // What goes from zone to zone is rare, and is told to all neighbours.
    const peers = message.kind === "summary" ? [...others, ...agent.bridges]
      : message.relayed === true ? this.#some(others) : others;
    peers.forEach((to, place) => {
      for (const said of agent.lies.instead(message, now, place)) {
        this.counts.messages += 1;
        this.counts.messageBytes += said.bytes.length;
        if (this.#dice.chance(this.#options.loss)) {
          this.counts.lost += 1;
          continue;
        }
        const delay = Math.round(this.#dice.uniform(DELAY_MS.low, DELAY_MS.high));
        const topic = topicText({ network, zone: said.zone ?? zone, kind: said.kind, station: said.station });
        const arrival = (now.wallMs + delay) as WallMs;
        this.#network.push(arrival, { to, from: agent.member.station, topic, bytes: said.bytes });
      }
    });
  }

  #some(peers: readonly StationId[]): StationId[] {
    const left = [...peers];
    const most = this.#options.loss === 0 ? PASSED_ON_TO.lossless : PASSED_ON_TO.lossy;
    return Array.from({ length: Math.min(most, left.length) }, () =>
      left.splice(this.#dice.int(left.length), 1)[0]!);
  }

  /** A zone's alert is told once, not once per agent. */
  #alert(alert: Alert): void {
    const name = `${alert.incidentId} ${alert.state} ${alert.stations.join(" ")}`;
    if (alert.scope !== "station") {
      if (this.#told.has(name)) return;
      this.#told.add(name);
    }
    this.#tell(alert);
  }
}

/** Keys of simulated devices come from the seed: the same region has the same keys in every run. */
function signerOf(seed: number, station: StationId, purpose: string) {
  const chance = dice(purposeSeed(seed, `${purpose} key`), station);
  return signerFromSeed(Uint8Array.from({ length: 32 }, () => chance.int(256)));
}

function rosterOf({ region, seed, epochS }: RegionRunOptions, at: WallMs): Roster {
  const zones = region.zones.map(({ id, ratingW = 0, liarsTolerated }) => ({ id, ratingW, f: liarsTolerated }));
  const members = region.zones.flatMap((zone) => zone.stations.map((station): Member => {
    const key = (purpose: string) => signerOf(seed, station.id, purpose).publicKey;
    return {
      station: station.id, zone: zone.id, address: "", ratedW: Math.round(station.ratedW),
      keys: { statement: key("statement"), log: key("log"), witness: key("witness"), tls: key("tls") },
      latE6: Math.round((station.lat ?? 0) * MICRO), lonE6: Math.round((station.lon ?? 0) * MICRO),
    };
  }));
  return {
    network: region.region, version: 1, previous: new Uint8Array(0),
    fromEpoch: Math.floor(at / (epochS * SECOND_MS)) as Epoch, epochS, threshold: 1,
    operators: [signerOf(seed, "operator" as StationId, "operator").publicKey],
    zones: zones.sort((a, b) => byText(a.id, b.id)), members: members.sort((a, b) => byText(a.station, b.station)),
    revoked: [], events: eventTexts(region),
  };
}
