/**
 * A zone of simulated agents in virtual time: who does what when, under one seed. Checkers look on; the first that
 * fails ends the run.
 */
import type { AgentEvent } from "../../../edge-agent/ports.ts";
import { SIGNATURE_BYTES } from "../../../gossip/ed25519.ts";
import { type Kind, type MessageOf, topicText } from "../../../gossip/message.ts";
import { leftOut, type Neighbour, neighboursOf, type Reach, reachOf } from "../../../gossip/membership.ts";
import type { Outgoing } from "../../../gossip/protocol-state.ts";
import type { Read, Reader } from "../../../gossip/reading.ts";
import { memberOf, type Roster } from "../../../gossip/roster.ts";
import type { Directory } from "../../../gossip/directory.ts";
import type { WallMs, ZoneId } from "../../../models/units.ts";
import { type Dice, dice } from "../dice.ts";
import { SharedReader } from "../shared-reader.ts";
import { Queue } from "../timeline.ts";
import { Board, ByzantineAgent, type Sent } from "./byzantine.ts";
import { Clocks } from "./clocks.ts";
import { rollBack } from "./disk.ts";
import { Evidence } from "./evidence.ts";
import { guesses } from "./frames.ts";
import { dialledBy, MeteredLink } from "./metered-link.ts";
import { Network } from "./network.ts";
import { EPOCH_MS, type Fault, type FaultOf, meteredIn, type Scenario } from "./scenario.ts";
import { ed25519Keys, simulatedKeys } from "./sim-crypto.ts";
import { SimAgent } from "./sim-agent.ts";
import { NETWORK, rosterOf, type SignedRoster, type Street, streetOf } from "./street.ts";

/** Looks on, from outside: what is said, and what agents hold. Throws a CheckFailure. */
export interface Checker {
  readonly name: string;
  /** One message as an agent, honest or not, let it go out; the same for all of its peers but for liars'. */
  said?(by: SimAgent, message: Outgoing): void;
  /** An epoch of the world is over. */
  epoch?(epoch: number): void;
  end?(): void;
}

export type CreateChecker = (world: World) => Checker;

export class CheckFailure extends Error {
  readonly checker: string;

  constructor(checker: string, text: string) {
    super(`${checker}: ${text}`);
    this.checker = checker;
  }
}

export interface WorldOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly checkers: readonly CreateChecker[];
  /** Called with each core that begins: where tests plant faults. */
  readonly bend?: (agent: SimAgent, world: World) => void;
}

/** Who is linked with whom, as an agent's own roster has it. */
interface Links {
  readonly roster: Roster;
  readonly peers: readonly SimAgent[];
  readonly all: ReadonlySet<SimAgent>;
  readonly reach: Reach;
  /** Whom one on a metered link dials; at a site's broker, whose checkpoints and rosters it takes. */
  readonly heard: ReadonlySet<SimAgent>;
}

interface Delivery {
  readonly to: SimAgent;
  readonly from: SimAgent;
  readonly message: Outgoing;
}

/** At a site's broker everybody is heard at first hand. */
const SITE = "mqtts://site:8883";
/** Who was stopped in good order is back after so many epochs. */
const CHURN_EPOCHS = 2;
const ROLLED_BACK_ENTRIES = { low: 1, high: 40 };

export class World {
  readonly scenario: Scenario;
  readonly street: Street;
  readonly agents: readonly SimAgent[];
  readonly evidence: Evidence;
  readonly #reader: Reader;
  readonly liars: ReadonlyMap<number, ByzantineAgent>;
  /** By version. */
  readonly rosters: SignedRoster[];
  readonly counts = { agentEpochs: 0, messages: 0, bytes: 0, lost: 0, starts: 0 };
  /** Two hashes of all that was said, in order. */
  #trace: [number, number] = [0x811c9dc5, 0x9dc5811c];
  #aliveMs = 0;
  readonly #queue = new Queue<Delivery | (() => void)>();
  readonly #network: Network;
  readonly #clocks: Clocks;
  readonly #dice: Dice;
  readonly #checkers: readonly Checker[];
  readonly #links: Links[] = [];
  readonly #metered: ReadonlyMap<number, MeteredLink>;
  readonly #topics = new Map<string, Map<Kind, string>>();
  readonly #byStation: ReadonlyMap<string, SimAgent>;
  /** Who is to be up; others are down for longer than a crash lasts. */
  readonly #joined = new Set<number>();

  constructor(options: WorldOptions) {
    const { scenario, seed } = options;
    this.scenario = scenario;
    const all = scenario.agents + scenario.spare;
    this.#dice = dice(seed, "world");
    const keys = scenario.signatures === "ed25519" ? ed25519Keys() : simulatedKeys();
    this.street = streetOf(keys, all, scenario.zones);
    this.#reader = new SharedReader(this.street.keys.crypto);
    const first = rosterOf(this.street, { agents: range(scenario.agents), f: scenario.liarsTolerated, fromEpoch: 0 });
    this.rosters = [first];
    const late = scenario.liars.filter(({ behaviour }) => behaviour === "adaptive").map(({ agent }) => agent);
    this.#clocks = new Clocks(all, scenario.faults, new Set(late), dice(seed, "clocks"));
    this.#network = new Network(scenario.faults, dice(seed, "network"));
    this.evidence = new Evidence(scenario, dice(seed, "evidence"));
    const board = new Board(dice(seed, "board"));
    this.liars = new Map(scenario.liars.map((liar) =>
      [liar.agent, new ByzantineAgent(liar, board, dice(seed, `liar ${liar.agent}`))]));
    this.#metered = new Map([...meteredIn(scenario)].map((index) => [index, new MeteredLink()]));
    const bend = options.bend && ((agent: SimAgent) => options.bend!(agent, this));
    this.agents = range(all).map((index) => new SimAgent({
      index, street: this.street, roster: first, witnesses: scenario.witnesses, metered: this.#metered.has(index), bend,
      reader: this.#reader,
      publish: (agent, message) => this.#published(agent, message),
    }));
    this.#byStation = new Map(this.agents.map((agent) => [agent.station, agent]));
    this.#checkers = options.checkers.map((create) => create(this));
    this.#plan();
  }

  /** Epochs since the run began, with fractions. */
  get at(): number {
    return this.#aliveMs / EPOCH_MS;
  }

  /** What was said, in order, as a number in hexadecimal: equal for equal runs. */
  get trace(): string {
    return this.#trace.map((one) => (one >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** Whether it never lies in this run, and its disk is what it was. */
  isHonest({ index }: SimAgent): boolean {
    return !this.liars.has(index);
  }

  agentOf(station: string): SimAgent | undefined {
    return this.#byStation.get(station);
  }

  /** Those that never lie and that the newest roster lists. */
  honestMembers(): SimAgent[] {
    const { roster } = this.rosters.at(-1)!;
    return this.agents.filter((agent) => this.isHonest(agent) && memberOf(roster, agent.station) !== undefined);
  }

  /** A zone as a version of the roster has it; of a fork both have the same members. */
  directoryOf(version: number, zone: ZoneId): Directory | undefined {
    const found = this.rosters.find(({ roster }) => roster.version === version);
    return found?.directories.find((one) => one.zone.id === zone);
  }

  /** Plays it to its end. @throws CheckFailure */
  run(): void {
    const { epochs } = this.scenario;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      this.#playUntil(epoch * EPOCH_MS);
      for (const checker of this.#checkers) checker.epoch?.(epoch - 1);
    }
    for (const checker of this.#checkers) checker.end?.();
  }

  #playUntil(ms: number): void {
    for (let next = this.#queue.first; next !== undefined && next.at <= ms; next = this.#queue.first) {
      this.#queue.pop();
      this.#aliveMs = next.at;
      if (typeof next.value === "function") next.value();
      else this.#deliver(next.value);
    }
    this.#aliveMs = ms;
  }

  #in(ms: number, what: Delivery | (() => void)): void {
    this.#queue.push((this.#aliveMs + Math.max(0, Math.round(ms))) as WallMs, what);
  }

  #atEpoch(epoch: number, run: () => void): void {
    this.#in(epoch * EPOCH_MS - this.#aliveMs, run);
  }

  /** Puts everything that is known from the start into its place. */
  #plan(): void {
    const { scenario } = this;
    for (const agent of this.agents.slice(0, scenario.agents)) {
      this.#in(this.#dice.uniform(0, EPOCH_MS), () => this.#join(agent));
    }
    for (const fault of scenario.faults) {
      if (fault.kind === "crash") this.#atEpoch(fault.at, () => this.#crash(fault));
      if (fault.kind === "churn") this.#atEpoch(fault.from, () => this.#churn(fault));
      if (fault.kind === "full-disk") this.#fillDisk(fault);
    }
    for (const fault of scenario.faults.filter(changesRoster).sort((a, b) => a.at - b.at)) {
      if (fault.kind === "roster") this.#changeRoster(fault);
      else this.#forkRoster(fault);
    }
    for (const { agent, behaviour, from } of scenario.liars) {
      if (behaviour === "rolled-back") this.#atEpoch(from, () => this.#rollBack(this.agents[agent]!));
    }
    if (scenario.healedAt !== undefined) this.#atEpoch(scenario.healedAt, () => this.#heal());
  }

  #join(agent: SimAgent): void {
    this.#joined.add(agent.index);
    this.#start(agent);
  }

  #start(agent: SimAgent): void {
    if (agent.core !== undefined) return;
    this.counts.starts += 1;
    agent.start(this.#clocks.wallMs(agent.index, this.#aliveMs), this.#aliveMs);
    this.#tickLater(agent, agent.life);
  }

  /** As agent.ts: on the boundaries of epochs by its own clock. */
  #tickLater(agent: SimAgent, life: number): void {
    const wallMs = this.#clocks.wallMs(agent.index, this.#aliveMs);
    this.#in(EPOCH_MS - (wallMs % EPOCH_MS) + this.#slowMs(agent), () => {
      if (agent.core === undefined || agent.life !== life) return;
      this.#tick(agent);
      this.#tickLater(agent, life);
    });
  }

  #tick(agent: SimAgent): void {
    const epoch = Math.floor(this.at);
    this.counts.agentEpochs += 1;
    const liar = this.liars.get(agent.index);
    this.evidence.happen(agent, epoch);
    const frames = guesses(this.scenario.guessing, agent.index, epoch, this.#dice);
    if (frames.length > 0) this.evidence.pass(agent, () => frames.forEach((one) => this.#step(agent, one)));
    liar?.beforeTick(agent, epoch);
    this.#step(agent, { kind: "tick" });
    if (agent.isMember && agent.core !== undefined) this.#sayAll(agent, liar?.more(agent, epoch) ?? []);
  }

  #slowMs({ index }: SimAgent): number {
    let ms = 0;
    for (const fault of this.scenario.faults) {
      const isIts = fault.kind === "slowness" && fault.agent === index;
      if (isIts && this.at >= fault.from && this.at < fault.to) ms += fault.ms;
    }
    return ms;
  }

  #step(agent: SimAgent, event: AgentEvent): void {
    agent.step(event, this.#clocks.wallMs(agent.index, this.#aliveMs), this.#aliveMs);
  }

  #crash({ agent: index, effects, downEpochs }: FaultOf<"crash">): void {
    const agent = this.agents[index]!;
    if (agent.core === undefined) return;
    const { life } = agent;
    agent.effectsLeft = effects;
    // Down it goes within the epoch in any case.
    this.#in(EPOCH_MS, () => {
      if (agent.life === life) this.#kill(agent);
    });
    this.#in((1 + downEpochs) * EPOCH_MS + this.#dice.uniform(0, EPOCH_MS), () => this.#start(agent));
  }

  #kill(agent: SimAgent): void {
    agent.core = undefined;
  }

  #churn(fault: FaultOf<"churn">): void {
    if (this.at >= fault.to) return;
    const agent = this.#dice.pick(this.agents.filter(({ index }) => this.#joined.has(index)));
    agent.stop(this.#clocks.wallMs(agent.index, this.#aliveMs), this.#aliveMs);
    this.#in(CHURN_EPOCHS * EPOCH_MS, () => this.#start(agent));
    this.#in(fault.everyEpochs * EPOCH_MS, () => this.#churn(fault));
  }

  #fillDisk({ agent: index, from, to }: FaultOf<"full-disk">): void {
    const agent = this.agents[index]!;
    this.#atEpoch(from, () => {
      agent.disk.full = true;
    });
    this.#atEpoch(to, () => {
      agent.disk.full = false;
      this.#kill(agent);
      this.#start(agent);
    });
  }

  #rollBack(agent: SimAgent): void {
    this.#kill(agent);
    const { low, high } = ROLLED_BACK_ENTRIES;
    rollBack(agent.disk, Math.max(0, agent.disk.log.length - Math.round(this.#dice.uniform(low, high))));
    this.#start(agent);
  }

  /** The next version, which counts from the next epoch on. */
  #nextRoster(at: number, agents: readonly number[], before: SignedRoster, ratingW?: number): SignedRoster {
    const fromEpoch = Math.floor(this.#clocks.wallMs(-1, (at + 1) * EPOCH_MS) / EPOCH_MS);
    const next = rosterOf(this.street, { agents, f: this.scenario.liarsTolerated, fromEpoch, before,
      ...(ratingW !== undefined && { ratingW }) });
    this.rosters.push(next);
    return next;
  }

  #listed({ roster }: SignedRoster): number[] {
    return this.agents.filter(({ station }) => memberOf(roster, station) !== undefined).map(({ index }) => index);
  }

  #forkRoster({ at, side, epochs }: FaultOf<"fork">): void {
    const before = this.rosters.at(-1)!;
    const agents = this.#listed(before);
    const [one, other] = [1, 2].map((ratingW) => this.#nextRoster(at, agents, before, ratingW));
    const third = this.#nextRoster(at + epochs, agents, one!);
    const fourth = this.#nextRoster(at + epochs + 1, agents, third);
    for (const agent of this.agents) {
      const isOther = side.includes(agent.index);
      this.#atEpoch(at, () => agent.place((isOther ? other : one)!.file));
      if (isOther) continue;
      this.#atEpoch(at + epochs, () => {
        agent.place(third.file);
        agent.place(fourth.file);
      });
    }
  }

  #changeRoster({ at, leave, join, spreadEpochs }: FaultOf<"roster">): void {
    const before = this.rosters.at(-1)!;
    const listed = this.#listed(before).filter((index) => !leave.includes(index));
    const next = this.#nextRoster(at, [...new Set([...listed, ...join])].sort((a, b) => a - b), before);
    for (const agent of this.agents) {
      const placed = Math.max(0, at + this.#dice.uniform(-spreadEpochs, spreadEpochs));
      this.#atEpoch(placed, () => agent.place(next.file));
      if (join.includes(agent.index)) this.#atEpoch(Math.max(at + 2, placed), () => this.#join(agent));
    }
  }

  /** Whoever should be up and is not is started, and whoever signs nothing more is started anew. */
  #heal(): void {
    for (const agent of this.agents) {
      agent.effectsLeft = Infinity;
      const isStuck = agent.core !== undefined && agent.core.state.journal.log.refused !== undefined;
      if (isStuck) this.#kill(agent);
      if (this.#joined.has(agent.index)) this.#start(agent);
    }
  }

  #published(agent: SimAgent, message: Outgoing): void {
    this.#metered.get(agent.index)?.says(message.kind, this.at);
    const liar = this.liars.get(agent.index);
    if (liar === undefined) this.#note(agent, message);
    const { peers: neighbours, reach } = this.#linksOf(agent);
    const except = leftOut(message, reach);
    const all = neighbours.filter(({ station }) => !except.has(station));
    const peers = message.relayed === true ? this.#some(all) : all;
    const isSite = this.scenario.topology === "site";
    // A site's broker takes from each only what is its own.
    if (isSite && message.station !== agent.station) return;
    const epoch = Math.floor(this.at);
    // Nor can it tell each something else there.
    if (liar !== undefined && isSite) return this.#sayAll(agent, liar.instead(agent, message, epoch, epoch));
    peers.forEach((to, place) => {
      for (const { message: one, delayMs } of liar?.instead(agent, message, place, epoch) ?? [{ message }]) {
        if (liar !== undefined) this.#note(agent, one);
        this.#send(agent, to, one, delayMs);
      }
    });
  }

  /** Whom something is passed on to; of those on metered links, who ask so rarely, nobody is left out. */
  #some(peers: readonly SimAgent[]): readonly SimAgent[] {
    const { passedOnTo } = this.scenario;
    const left = peers.filter(({ isMetered }) => !isMetered);
    if (left.length <= passedOnTo) return peers;
    const drawn = Array.from({ length: passedOnTo }, () => left.splice(this.#dice.int(left.length), 1)[0]!);
    return [...drawn, ...peers.filter(({ isMetered }) => isMetered)];
  }

  #sayAll(agent: SimAgent, sent: readonly Sent[]): void {
    for (const { message, delayMs } of sent) {
      this.#note(agent, message);
      for (const to of this.#peersOf(agent)) this.#send(agent, to, message, delayMs);
    }
  }

  #send(from: SimAgent, to: SimAgent, message: Outgoing, delayMs = 0): void {
    this.counts.messages += 1;
    this.counts.bytes += message.bytes.length;
    const copies = this.#network.copies(from.index, to.index, this.at);
    if (copies.length === 0) this.counts.lost += 1;
    for (const ms of copies) this.#in(delayMs + ms + this.#slowMs(to), { from, to, message });
  }

  #deliver({ from, to, message }: Delivery): void {
    // Whom the receiver's own roster does not list has no connection to it.
    if (to.core === undefined || !to.isMember || !this.#linksOf(to).all.has(from)) return;
    if (!this.#isTaken(to, from, message)) return;
    const liar = this.liars.get(to.index);
    const epoch = Math.floor(this.at);
    if (liar?.isLying(epoch) === true) {
      if (liar.isDeafTo(message, to)) return;
      this.#sayAll(to, liar.hears(to, message, epoch));
    }
    const topic = this.#topicOf(message);
    const { bytes } = message;
    const isSite = this.scenario.topology === "site";
    this.#step(to, { kind: "message", topic, bytes, from: isSite ? SITE : from.station });
  }

  /** Whether it reaches the one whom it was sent to, who may be on a metered link. */
  #isTaken(to: SimAgent, from: SimAgent, { kind }: Outgoing): boolean {
    const link = this.#metered.get(to.index);
    if (link === undefined) return true;
    const isNeighbour = this.#linksOf(to).heard.has(from);
    return (isNeighbour || this.scenario.topology === "site") && link.hears(kind, isNeighbour, this.at);
  }

  #topicOf({ kind, station }: Outgoing): string {
    const topics = this.#topics.get(station) ?? new Map<Kind, string>();
    this.#topics.set(station, topics);
    const topic = topics.get(kind) ?? topicText({ network: NETWORK, zone: this.agentOf(station)!.zone, kind, station });
    topics.set(kind, topic);
    return topic;
  }

  #peersOf(agent: SimAgent): readonly SimAgent[] {
    return this.#linksOf(agent).peers;
  }

  #linksOf(agent: SimAgent): Links {
    const { roster } = agent;
    const known = this.#links[agent.index];
    if (known?.roster === roster) return known;
    const isSite = this.scenario.topology === "site";
    const own = isSite && !agent.isMetered ? [] : neighboursOf(this.street.keys.crypto, roster, agent.station);
    const neighbours = isSite ? [] : own;
    const stations = isSite
      ? roster.members.map(({ station }) => station).filter((station) => station !== agent.station)
      : neighbours.map(({ member }) => member.station);
    const peers = stations.map((station) => this.#byStation.get(station)!);
    const dialled = !agent.isMetered || isSite ? own : dialledBy(own, this.scenario.liarsTolerated);
    const heard = new Set(dialled.map(({ member }: Neighbour) => this.#byStation.get(member.station)!));
    return this.#links[agent.index] = { roster, peers, all: new Set(peers), reach: reachOf(neighbours), heard };
  }

  /** A message as it is written, whoever signed it; undefined for junk. */
  read<K extends Kind>(kind: K, whole: Uint8Array): (Read & { readonly message: MessageOf<K> }) | undefined {
    const found = this.#reader.read(kind, whole);
    return typeof found === "string" ? undefined : found as Read & { readonly message: MessageOf<K> };
  }

  /** Once for each message that goes out, whoever says it. */
  #note(agent: SimAgent, message: Outgoing): void {
    this.#mix(agent.index);
    this.#mix(Math.round(this.#aliveMs));
    const { bytes } = message;
    // The signature stands for all before it; a keyed hash fills its first half alone.
    const signature = Math.max(0, bytes.length - SIGNATURE_BYTES);
    for (let i = signature; i < Math.min(bytes.length, signature + 16); i++) this.#mix(bytes[i]!);
    for (const checker of this.#checkers) checker.said?.(agent, message);
  }

  /** FNV-1a, twice. */
  #mix(value: number): void {
    this.#trace[0] = Math.imul(this.#trace[0] ^ value, 0x01000193);
    this.#trace[1] = Math.imul(this.#trace[1] ^ (value + 1), 0x85ebca6b) ^ (this.#trace[0] >>> 15);
  }
}

function changesRoster(fault: Fault): fault is FaultOf<"roster" | "fork"> {
  return fault.kind === "roster" || fault.kind === "fork";
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index);
}
