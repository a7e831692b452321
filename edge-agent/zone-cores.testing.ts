/** A zone of real cores in one process, each with its log in memory: agents are killed, and begun again from it. */
import { topicText } from "../gossip/message.ts";
import { neighboursOf } from "../gossip/membership.ts";
import type { Outgoing } from "../gossip/protocol-state.ts";
import { byText, encodeRoster, type Roster } from "../gossip/roster.ts";
import { createRosterChain, type RosterChain } from "../gossip/roster-chain.ts";
import { encodeRosterFile, rosterHash, signRoster } from "../gossip/roster-file.ts";
import type { Crypto } from "../models/crypto.ts";
import type { Alert, EvidenceKey } from "../models/terms.ts";
import {
  type Epoch, epochOf, type MonotonicMs, type Now, SECOND_MS, type StationId, type WallMs, type ZoneId,
} from "../models/units.ts";
import { type MeteredFilters, meteredFilters } from "./adapters/broker-rules.ts";
import { nodeCrypto, signerFromSeed } from "./adapters/crypto.ts";
import { type Core, createCore } from "./core.ts";
import { noteEntry, nothingLogged } from "./logged.ts";
import { type Memory, memoryOf } from "./memory.ts";
import { step } from "./pipeline.ts";
import type { AgentEvent, Effect } from "./ports.ts";
import { originOf } from "./record/checkpoint.ts";
import { decodeEntry, type Entry } from "./record/entry.ts";
import { createGrowth, grow } from "./record/growth.ts";
import { appendLeaf, EMPTY_FRONTIER, leafHash, rootOf } from "./record/merkle.ts";
import { createRecord, refuse } from "./record/record.ts";

export const crypto = memoised(nodeCrypto());
export const EPOCH_S = 10;
export const ZONE = "feeder-7" as ZoneId;
const BEGIN = Date.UTC(2026, 2, 2, 8) as WallMs;

export const stationAt = (index: number): StationId => `CP-${index}` as StationId;
export const statementSigner = (index: number) => signerFromSeed(new Uint8Array(32).fill(index + 1));

export function rosterOf(n: number, f: number, version = 1): Roster {
  const key = (index: number, purpose: number): Uint8Array =>
    signerFromSeed(new Uint8Array(32).fill(64 * purpose + index)).publicKey;
  return {
    network: "example", version, previous: new Uint8Array(version === 1 ? 0 : 32), fromEpoch: 0 as Epoch,
    epochS: EPOCH_S, threshold: 1, operators: [key(63, 3)], zones: [{ id: ZONE, ratingW: 0, f }],
    members: Array.from({ length: n }, (_, index) => ({
      station: stationAt(index), zone: ZONE, address: "", latE6: 56_000_000 + 500 * index, lonE6: 0, ratedW: 22_000,
      keys: {
        statement: statementSigner(index).publicKey, log: key(index, 1), witness: key(index, 2), tls: key(index, 3),
      },
    })).sort((a, b) => byText(a.station, b.station)), revoked: [], events: [],
  };
}

function chainOf(roster: Roster): RosterChain {
  const bytes = encodeRoster(roster);
  const signatures = [signRoster(bytes, signerFromSeed(new Uint8Array(32).fill(255)))];
  const file = encodeRosterFile({ bytes, signatures });
  return createRosterChain({ threshold: 1, keys: roster.operators }, { roster, hash: rosterHash(crypto, bytes), file });
}

export interface House {
  readonly index: number;
  /** Undefined while it is down. */
  core: Core | undefined;
  /** What is on its disk. */
  readonly log: Uint8Array[];
  readonly alerts: Alert[];
  /** The notes beside its log, and what it remembers; kept only of agents that witness. */
  checkpoint: string | undefined;
  cosigned: string | undefined;
  memory: Memory | undefined;
  /** Lines for its operator, and why it signs nothing more. */
  readonly notices: string[];
  /** Its own messages, with the epoch in which it published them. */
  readonly published: { readonly epoch: number; readonly message: Outgoing }[];
}

export interface ZoneOptions {
  /** Agents witness each other's logs. */
  readonly witnesses?: boolean;
  /** Agents tell each other where idTokens are in use. */
  readonly sharesTokens?: boolean;
  /** Who is on a metered link: it hears what it subscribes to at a site's broker, and that at first hand. */
  readonly metered?: readonly number[];
  /** Agents tell each other which rosters they know. */
  readonly rosters?: boolean;
}

/** What a metered member hears. */
interface Subscribed extends MeteredFilters {
  /** Until when answers are heard, epochs, by the kind that asks for them. */
  readonly until: Map<string, number>;
}
const ANSWERS_EPOCHS = 3;

export class ZoneCores {
  readonly houses: House[];
  /** Says which messages do not arrive. */
  loses: (from: StationId, to: StationId, message: Outgoing) => boolean = () => false;
  /** Sees what arrives. */
  arrives: (to: House, topic: string, bytes: Uint8Array) => void = () => undefined;
  /** Sees what each step comes to. */
  watch: (house: House, effects: readonly Effect[]) => void = () => undefined;
  readonly #options: ZoneOptions;
  roster: Roster;
  #nowMs: number = BEGIN;
  readonly #subscribed = new Map<number, Subscribed>();
  readonly #queue: { readonly from: StationId; readonly message: Outgoing }[] = [];

  constructor(n: number, f: number, options: ZoneOptions = {}) {
    this.#options = options;
    this.roster = rosterOf(n, f);
    this.houses = Array.from({ length: n }, (_, index) => ({
      index, core: undefined, log: [], alerts: [], published: [], notices: [],
      checkpoint: undefined, cosigned: undefined, memory: undefined,
    }));
    for (const index of options.metered ?? []) this.#subscribed.set(index, this.#subscribe(index));
    for (const { index } of this.houses) this.start(index);
  }

  #subscribe(index: number): Subscribed {
    const neighbours = neighboursOf(crypto, this.roster, stationAt(index)).map(({ member }) => member.station);
    return { ...meteredFilters(this.roster.network, ZONE, neighbours), until: new Map() };
  }

  #hears(index: number, from: StationId, { kind, station }: Outgoing): boolean {
    const subscribed = this.#subscribed.get(index);
    if (subscribed === undefined) return true;
    const { always, after, until } = subscribed;
    const topics = [station, "+" as StationId].map((of) => topicText({ network: this.roster.network, zone: ZONE, kind,
      station: of }));
    const answers = Object.entries(after).flatMap(([asks, all]) => ((until.get(asks) ?? -1) > this.epoch ? all : []));
    return from === station && topics.some((topic) => always.includes(topic) || answers.includes(topic));
  }

  get epoch(): Epoch {
    return epochOf(this.#nowMs as WallMs, EPOCH_S);
  }

  house(index: number): House {
    return this.houses[index]!;
  }

  /** As after SIGKILL: what is on the disk is all there is. */
  kill(index: number): void {
    this.house(index).core = undefined;
  }

  /** Begins an agent from its log. */
  start(index: number): Core {
    const house = this.house(index);
    const logged = nothingLogged(crypto);
    for (const entry of entriesOf(house)) noteEntry(logged, entry);
    const { witnesses = false, sharesTokens = false } = this.#options;
    const { memory, cosigned, checkpoint } = house;
    const signedSize = Number(checkpoint?.split("\n")[1]);
    const growth = createGrowth(EMPTY_FRONTIER, Object.values(memory?.witnesses ?? {}));
    const frontier = house.log.map((bytes) => leafHash(crypto, bytes)).reduce((before, leaf) => {
      grow(crypto, growth, before, leaf);
      return appendLeaf(crypto, before, leaf);
    }, EMPTY_FRONTIER);
    const station = stationAt(index);
    const log = createRecord({
      origin: originOf(station), crypto, signer: signerFromSeed(new Uint8Array(32).fill(64 + index)),
      recovered: {
        frontier, tornBytes: 0, ...(cosigned !== undefined && { cosigned }),
        ...(checkpoint !== undefined && { checkpoint, checkpointRoot: rootOfFirst(house.log, signedSize) }),
      }, growth,
    });
    house.core = createCore({
      station, region: this.roster.network, zone: ZONE, epochS: EPOCH_S, site: {}, crypto, log, logged,
      tokenSecret: new Uint8Array(32), sharesTokens, statementSigner: statementSigner(index), earliest: 0 as WallMs,
      membership: { roster: this.roster, zone: ZONE, metered: this.#subscribed.has(index) },
      ...(this.#options.rosters === true && { chain: chainOf(this.roster) }), ...(memory !== undefined && { memory }),
      ...(witnesses && { witnessSigner: signerFromSeed(new Uint8Array(32).fill(128 + index)) }),
    }, this.#now());
    return house.core;
  }

  /** Adds to the evidence of members, millinats: to be stated in the next epoch. */
  suspect(key: EvidenceKey, millinats: number, members?: readonly number[]): void {
    for (const index of members ?? this.houses.keys()) {
      const opine = this.house(index).core?.state.opine;
      if (opine === undefined) continue;
      const { cumulativeMillinats } = opine[key] ??= {
        cumulativeMillinats: 0, sinceOnsetNats: 0, onset: this.#nowMs, terms: {}, frames: [], says: "",
      };
      opine[key].cumulativeMillinats = cumulativeMillinats + millinats;
    }
  }

  /** So many epochs; `each` before every one of them. */
  pass(epochs: number, each: () => void = () => undefined): void {
    for (let left = epochs; left > 0; left--) {
      each();
      this.#nowMs += EPOCH_S * SECOND_MS;
      for (const { index } of this.houses) {
        this.#step(index, { kind: "tick" });
        this.#deliver();
      }
    }
  }

  /** One member observes something. */
  see(index: number, event: AgentEvent): void {
    this.#step(index, event);
    this.#deliver();
  }

  /** Hands one message to everybody else. */
  say(from: number, message: Outgoing): void {
    this.#queue.push({ from: stationAt(from), message });
    this.#deliver();
  }

  #deliver(): void {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { from, message: { kind, station, bytes } } = next;
      const topic = topicText({ network: this.roster.network, zone: ZONE, kind, station });
      for (const { index } of this.houses) {
        const to = stationAt(index);
        if (to !== from && this.#hears(index, from, next.message) && !this.loses(from, to, next.message)) {
          this.arrives(this.house(index), topic, bytes);
          this.#step(index, { kind: "message", topic, bytes, from });
        }
      }
    }
  }

  #step(index: number, event: AgentEvent): void {
    const house = this.house(index);
    if (house.core === undefined) return;
    const effects = step(house.core.state, event, this.#now());
    this.watch(house, effects);
    for (const effect of effects) this.#carryOut(house, effect);
  }

  #carryOut(house: House, effect: Effect): void {
    if (effect.kind === "append") house.log.push(...effect.entries);
    if (effect.kind === "checkpoint" && this.#options.witnesses === true) house.checkpoint = effect.note;
    if (effect.kind === "cosigned") house.cosigned = effect.note;
    if (effect.kind === "notice") house.notices.push(effect.text);
    if (effect.kind === "refuse") refuse(house.core!.state.journal.log, effect.why);
    if (effect.kind === "remember" && this.#options.witnesses === true) {
      house.memory = structuredClone(memoryOf(house.core!.state, this.#now()));
    }
    if (effect.kind === "alert") house.alerts.push(effect.alert);
    if (effect.kind !== "publish") return;
    for (const message of effect.messages) {
      const subscribed = this.#subscribed.get(house.index);
      subscribed?.until.set(message.kind, this.epoch + ANSWERS_EPOCHS);
      if (message.relayed !== true) house.published.push({ epoch: this.epoch, message });
      this.#queue.push({ from: stationAt(house.index), message });
    }
  }

  #now(): Now {
    return { wallMs: this.#nowMs as WallMs, monoMs: (this.#nowMs - BEGIN) as MonotonicMs };
  }
}

export const rootOfFirst = (log: readonly Uint8Array[], size: number): Uint8Array => rootOf(crypto,
  log.slice(0, size).reduce((tree, bytes) => appendLeaf(crypto, tree, leafHash(crypto, bytes)), EMPTY_FRONTIER));

/** What one agent of this process has verified is verified. */
function memoised(engine: Crypto): Crypto {
  const known = new Map<string, boolean>();
  return {
    ...engine,
    verify(publicKey, message, signature) {
      const name = Buffer.concat([publicKey, signature, message]).toString("latin1");
      const good = known.get(name) ?? engine.verify(publicKey, message, signature);
      known.set(name, good);
      return good;
    },
  };
}

/** Everything in the house's log. */
export function entriesOf({ log }: House): Entry[] {
  return log.map((bytes) => {
    const entry = decodeEntry(bytes);
    if (!entry.ok) throw new Error(entry.problem);
    return entry.value;
  });
}
