/**
 * One simulated agent: the real core, started, stepped, killed and begun again as agent.ts does it, on a disk in
 * memory. What it publishes goes to whoever made it.
 */
import { adoptRoster } from "../../../edge-agent/adopt-roster.ts";
import { type Core, createCore } from "../../../edge-agent/core.ts";
import { memoryOf, resumedMono } from "../../../edge-agent/memory.ts";
import { withoutOwnWord } from "../../../edge-agent/own-word.ts";
import { step } from "../../../edge-agent/pipeline.ts";
import type { AgentEvent, Effect } from "../../../edge-agent/ports.ts";
import { originOf } from "../../../edge-agent/record/checkpoint.ts";
import { recordOne, signCheckpoint } from "../../../edge-agent/record/journal.ts";
import { createRecord, refuse } from "../../../edge-agent/record/record.ts";
import type { Outgoing } from "../../../gossip/protocol-state.ts";
import type { Reader } from "../../../gossip/reading.ts";
import { createRosterChain, offerRoster, type RosterChain, takeForce } from "../../../gossip/roster-chain.ts";
import { memberOf, nextOperators, type Roster } from "../../../gossip/roster.ts";
import type { Alert } from "../../../models/terms.ts";
import {
  epochOf, type MonotonicMs, type Now, type StationId, type WallMs, type ZoneId,
} from "../../../models/units.ts";
import { type Disk, readDisk } from "./disk.ts";
import { EPOCH_S } from "./scenario.ts";
import { type MemberKeys, NETWORK, type SignedRoster, type Street } from "./street.ts";

export interface SimAgentOptions {
  readonly index: number;
  readonly street: Street;
  readonly roster: SignedRoster;
  readonly witnesses: boolean;
  readonly metered: boolean;
  readonly reader: Reader;
  readonly publish: (agent: SimAgent, message: Outgoing) => void;
  /** Called with each core that begins: where tests plant faults. */
  readonly bend: ((agent: SimAgent) => void) | undefined;
}

export class SimAgent {
  readonly index: number;
  readonly station: StationId;
  readonly disk: Disk;
  readonly alerts: Alert[] = [];
  /** Why it signed nothing more, each time. */
  readonly refusals: string[] = [];
  core: Core | undefined;
  chain: RosterChain;
  /** Counts starts: what was meant for a run before is not for this one. */
  life = 0;
  /** Effects that are still carried out before it is killed. */
  effectsLeft = Infinity;
  /** Roster files that the operator put in its place. */
  readonly #files: Uint8Array[] = [];
  readonly #options: SimAgentOptions;
  readonly #keys: MemberKeys;
  #ahead = 0;

  constructor(options: SimAgentOptions) {
    const { index, street, roster } = options;
    this.#options = options;
    this.index = index;
    this.#keys = street.members[index]!;
    this.station = this.#keys.station;
    this.disk = { log: [], checkpoints: [], cosigned: undefined, memory: undefined, roster, full: false };
    this.chain = createRosterChain(nextOperators(roster.roster), roster);
  }

  get zone(): ZoneId {
    return this.#keys.zone;
  }

  /** On a metered link. */
  get isMetered(): boolean {
    return this.#options.metered;
  }

  get roster(): Roster {
    return this.chain.inForce.roster;
  }

  get isMember(): boolean {
    return memberOf(this.roster, this.station) !== undefined;
  }

  /** Of the zone's protocol, while it runs as a member. */
  get protocol() {
    return this.core?.state.zone?.protocol;
  }

  /** @param wallMs by its own clock @param aliveMs since the world began: nobody's clock */
  start(wallMs: WallMs, aliveMs: number): void {
    const { street, witnesses, reader, bend } = this.#options;
    const { crypto } = street.keys;
    const { disk, station } = this;
    this.life += 1;
    this.effectsLeft = Infinity;
    this.chain = createRosterChain(nextOperators(disk.roster.roster), disk.roster);
    for (const file of this.#files) offerRoster(this.chain, crypto, file);
    this.#keepTaken(takeForce(this.chain, epochOf(wallMs, EPOCH_S)));
    const { recovered, logged, growth, memory } = readDisk(disk, crypto);
    this.#ahead = (memory === undefined ? 0 : resumedMono(memory, wallMs)) - aliveMs;
    const now = this.#now(wallMs, aliveMs);
    const log = createRecord({ origin: originOf(station), crypto, signer: this.#keys.log, recovered, growth });
    if (log.refused !== undefined) this.refusals.push(log.refused);
    this.core = createCore({
      station, region: NETWORK, zone: this.zone, epochS: EPOCH_S, site: {}, crypto, log, logged, reader,
      tokenSecret: new Uint8Array(32), statementSigner: this.#keys.statement, earliest: 0 as WallMs,
      ...(this.isMember && { membership: { roster: this.roster, zone: this.zone, metered: this.isMetered } }),
      chain: this.chain,
      ...(memory !== undefined && { memory }),
      ...(witnesses && { witnessSigner: this.#keys.witness }),
    }, now);
    bend?.(this);
    const { journal } = this.core.state;
    const started = recordOne(journal, { kind: "start", at: wallMs, software: "soak", configHash: "" });
    this.#carryOut([...started, ...signCheckpoint(journal)], now);
  }

  /** In good order. */
  stop(wallMs: WallMs, aliveMs: number): void {
    if (this.core === undefined) return;
    const effects: Effect[] = [...signCheckpoint(this.core.state.journal), { kind: "remember" }];
    this.#carryOut(effects, this.#now(wallMs, aliveMs));
    this.core = undefined;
  }

  /** Puts a roster file where the agent looks for one. */
  place(file: Uint8Array): void {
    this.#files.push(file);
    if (this.core !== undefined) offerRoster(this.chain, this.#options.street.keys.crypto, file);
  }

  step(event: AgentEvent, wallMs: WallMs, aliveMs: number): void {
    if (this.core === undefined) return;
    const now = this.#now(wallMs, aliveMs);
    this.#followRoster(wallMs);
    this.#carryOut(step(this.core.state, event, now), now);
  }

  /** As agent.ts: by a clock that is off it would count too early. */
  #followRoster(wallMs: WallMs): void {
    const protocol = this.protocol;
    if (protocol !== undefined) protocol.frozen = this.chain.isForked;
    if (protocol !== undefined && protocol.clock.standing.state !== "good") return;
    const taken = takeForce(this.chain, epochOf(wallMs, EPOCH_S));
    if (taken === undefined) return;
    this.#keepTaken(taken);
    adoptRoster(this.core!.state, taken.roster, memberOf(this.roster, this.station)?.zone);
  }

  #keepTaken(taken: RosterChain["inForce"] | undefined): void {
    if (taken !== undefined) this.disk.roster = taken;
  }

  #now(wallMs: WallMs, aliveMs: number): Now {
    return { wallMs, monoMs: (aliveMs + this.#ahead) as MonotonicMs };
  }

  #carryOut(effects: readonly Effect[], now: Now): void {
    for (const effect of effects) {
      if (this.core === undefined) return;
      if (effect.kind === "publish") {
        for (const message of effect.messages) if (this.#lives()) this.#publish(message);
      } else if (this.#lives()) {
        this.#do(effect, now);
      }
    }
  }

  /** Whether it lives to carry out one more effect; after the last it is gone, as by SIGKILL. */
  #lives(): boolean {
    if (this.effectsLeft <= 0) this.core = undefined;
    this.effectsLeft -= 1;
    return this.core !== undefined;
  }

  #do(effect: Exclude<Effect, { kind: "publish" }>, now: Now): void {
    const { disk } = this;
    switch (effect.kind) {
      case "append":
        return this.#write(() => disk.log.push(...effect.entries));
      case "checkpoint":
        return this.#write(() => disk.checkpoints.push(effect.note));
      case "cosigned":
        if (!disk.full) disk.cosigned = effect.note;
        return;
      case "remember":
        if (!disk.full) disk.memory = JSON.stringify(memoryOf(this.core!.state, now));
        return;
      case "refuse":
        return this.#refuse(effect.why);
      case "alert":
        this.alerts.push(effect.alert);
        return;
      default:
    }
  }

  #write(write: () => void): void {
    if (this.core!.state.journal.log.refused !== undefined) return;
    if (this.disk.full) this.#refuse("no room");
    else write();
  }

  #refuse(why: string): void {
    if (refuse(this.core!.state.journal.log, why).length > 0) this.refusals.push(why);
  }

  #publish(message: Outgoing): void {
    const isWhole = this.core!.state.journal.log.refused === undefined;
    if (!this.isMember || (!isWhole && withoutOwnWord([message]).length === 0)) return;
    this.#options.publish(this, message);
  }
}
