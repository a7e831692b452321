/**
 * The composition root: configuration and adapters around the pipeline. Turns what happens outside into events, hands
 * each to `step`, and carries the effects out in order. Nothing here decides anything, and nothing here can hold up a
 * frame: the forwarder has written it before the pipeline hears of it.
 */
import { openLog, recall } from "./adapters/agent-log.ts";
import { createJsonlAlerts, type SinkStats } from "./adapters/alert-jsonl.ts";
import { createTerminalAlerts } from "./adapters/alert-terminal.ts";
import { cpuSeconds, systemClock, systemTimers } from "./adapters/clock.ts";
import { nodeCrypto, systemRandom } from "./adapters/crypto.ts";
import { resumedClock } from "./adapters/resumed-clock.ts";
import { createStatusServer, type StatusServer } from "./adapters/http.ts";
import { loadOrCreateKeys } from "./adapters/keys.ts";
import { RoomWatch } from "./adapters/ledger-room.ts";
import { readHttpTls, readTokenSecret } from "./adapters/tls-files.ts";
import { loadOrCreateTokenSecret, MemoryFile } from "./adapters/memory-file.ts";
import { bringInto, type FollowedRoster, openRoster } from "./adapters/followed-roster.ts";
import { type Membership, type Street, streetOf } from "./adapters/membership.ts";
import type { Incoming } from "./adapters/incoming.ts";
import { askReset } from "./adapters/factory-reset.ts";
import { type NeighbourReleases, neighbourReleases } from "./adapters/neighbour-releases.ts";
import { RateLimitedNotices } from "./adapters/notices.ts";
import type * as Outlets from "./adapters/outlets/outlets.ts";
import { Said } from "./adapters/said.ts";
import {
  createFrames, createMeters, type Frames, type Meter, modbusFor, type ModbusReader,
} from "./adapters/sources.ts";
import { schemasFrom, shippedSchemas } from "./adapters/shipped-schemas.ts";
import type { Write } from "./adapters/slot-file.ts";
import { createForwarder, type Forwarder, type ForwarderOptions } from "./adapters/splice.ts";
import { type BothSides, followTls, ownCertificates } from "./adapters/tls-reload.ts";
import { type Config, type Environment, siteOf } from "./config.ts";
import { tellsFar } from "./config-outlets.ts";
import { type CoreOptions, createCore } from "./core.ts";
import { type Handle, handleIncident, type HandleOutcome } from "./alert/handling.ts";
import { Page } from "./dashboard/serve.ts";
import { memoryOf } from "./memory.ts";
import { originOf } from "./record/checkpoint.ts";
import { recordOne, signCheckpoint } from "./record/journal.ts";
import { endingSoon } from "./own-certificates.ts";
import { guardPolicy, type HeldBack } from "./observe/guard-policy.ts";
import { withoutOwnWord } from "./own-word.ts";
import { heldByWitnesses } from "./record/witnessing.ts";
import { contentHash, createRecord, refuse } from "./record/record.ts";
import { type AgentState, step } from "./pipeline.ts";
import type { AgentEvent, AlertSink, Clock, Effect, LedgerStore } from "./ports.ts";
import { reportStatus } from "./status-report.ts";
import { RELEASED, VERSION } from "./version.ts";
import { believedAlone, takeWord } from "./words.ts";
import type { Outgoing } from "../gossip/protocol-state.ts";
import type { Alert } from "../models/terms.ts";
import { epochOf, SECOND_MS, type Now, type WallMs } from "../models/units.ts";

export interface AgentOutput {
  /** One line for the operator of this machine. */
  notice(text: string): void;
  /** Where terminal alerts go. */
  out(text: string): void;
  readonly colour: boolean;
  readonly env: Environment;
  /** In place of the machine's clock. */
  readonly clock?: Clock;
  /** In place of the system call that writes the log. */
  readonly logWrite?: Write;
  /** Where chargers come from, when the agent is not to bind `listen` itself. */
  readonly incoming?: Incoming;
  /** Path of this program's file, for what the page has it tell; absent: it tells less. */
  readonly program?: string;
  /** What happened before this start while nobody watched; goes into the log. */
  readonly past?: readonly string[];
  /** Asks whoever runs the agent to stop it and end. */
  readonly leave?: () => void;
}

export interface RunningAgent {
  /** Where the charger connects, as bound. */
  readonly listening: { readonly address: string; readonly port: number };
  status(): ReturnType<typeof reportStatus>;
  /** Saves, signs and closes; resolves when nothing of the agent is left. */
  stop(): Promise<void>;
}

type Outlet = AlertSink & { stats?(): SinkStats };

/** Where it stands, and on what link. */
function placeIn({ roster, member: { zone } }: Membership, { mesh }: Config): CoreOptions["membership"] & object {
  return { roster, zone, metered: mesh?.metered === true };
}

/** What of the program is loaded where it is configured (build/chunks.ts). */
interface Parts {
  readonly outletsBeyond: typeof Outlets | undefined;
  readonly modbus: ModbusReader | undefined;
}

/**
 * Starts the agent of a configuration.
 * @throws Error of one line that says what is in the way: a port in use, a key that is damaged, a second agent
 */
export async function startAgent(config: Config, output: AgentOutput): Promise<RunningAgent> {
  const agent = new Agent(config, output, {
    outletsBeyond: tellsFar(config.alerts) ? await import("./adapters/outlets/outlets.ts") : undefined,
    modbus: await modbusFor(config),
  });
  await agent.start();
  return agent;
}

class Agent implements RunningAgent {
  listening = { address: "", port: 0 };
  readonly #config: Config;
  readonly #output: AgentOutput;
  readonly #crypto = nodeCrypto();
  readonly #baseClock: Clock;
  readonly #clock: Clock;
  readonly #state: AgentState;
  readonly #store: LedgerStore;
  /** Absent without a log. */
  readonly #room: RoomWatch | undefined;
  readonly #tls: BothSides;
  /** When the end of a certificate was told last, by its use. */
  readonly #endsTold = new Map<string, number>();
  readonly #forwarder: Forwarder;
  readonly #meters: readonly Meter[];
  /** Beside the line; absent where none are configured. */
  #frames: Frames | undefined;
  readonly #outlets: readonly Outlet[];
  /** Beyond this machine; absent where none are configured. */
  readonly #far: Outlets.FarOutlets | undefined;
  readonly #status: StatusServer;
  readonly #page: Page;
  /** Absent without `mesh`. */
  readonly #roster: FollowedRoster | undefined;
  /** Absent for a lone agent. */
  readonly #street: Street | undefined;
  readonly #releases: NeighbourReleases | undefined;
  readonly #startedAt: WallMs;
  readonly #memory: MemoryFile;
  readonly #learnedBefore: boolean;
  readonly #said: Said;
  readonly #lastMeterAt = new Map<number, WallMs>();
  #link: { state: "connect" | "disconnect"; at: WallMs } | undefined;
  #cancelTick: () => void = () => undefined;
  #checkpointAt: WallMs | undefined;
  #stopped = false;

  constructor(config: Config, output: AgentOutput, parts: Parts) {
    this.#config = config;
    this.#output = output;
    this.#baseClock = output.clock ?? systemClock;
    this.#said = new Said((text) => output.notice(text), () => this.#baseClock.wallMs());
    const notice = (text: string) => this.#said.notice(text);
    const keys = loadOrCreateKeys(config.stateDir, systemRandom);
    for (const warning of keys.warnings) notice(warning);
    if (keys.created.length > 0) notice(`keys: made on this device in ${config.stateDir}/keys`);
    const secret = loadOrCreateTokenSecret(config.stateDir, systemRandom);
    if (!secret.ok) throw new Error(secret.problem);
    const shared = readTokenSecret(config, output.env);
    const epoch = epochOf(this.#baseClock.wallMs(), config.epochS);
    const opened = openRoster(config, { crypto: this.#crypto, keys, notice }, epoch);
    this.#roster = opened?.followed;
    const membership = opened?.membership;
    const memory = recall(config.stateDir, this.#crypto, notice);
    this.#learnedBefore = memory !== undefined;
    this.#memory = new MemoryFile(config.stateDir, this.#crypto);
    const { store, recovered, logged, growth, missing, room } = openLog(config, {
      crypto: this.#crypto, isMember: membership !== undefined, witnesses: memory?.witnesses,
      held: () => this.#state.witnessing && heldByWitnesses(this.#state.witnessing),
      ...(output.logWrite !== undefined && { write: output.logWrite }),
    });
    this.#store = store;
    this.#room = room && new RoomWatch(room, config.stateDir, notice);
    try {
      this.#clock = memory === undefined ? this.#baseClock : resumedClock(memory, this.#baseClock);
      const log = createRecord({
        origin: originOf(config.station), crypto: this.#crypto, signer: keys.signers.log, recovered,
        ...(growth !== undefined && { growth }),
      });
      for (const text of log.notices) notice(text);
      if (missing !== undefined) this.#carryOut(refuse(log, missing));
      const now = this.#now();
      this.#startedAt = now.wallMs;
      const schemas = shippedSchemas();
      const { state, fresh } = createCore({
        station: config.station, region: membership?.roster.network ?? config.region,
        zone: membership?.member.zone ?? config.zone, epochS: config.epochS,
        site: siteOf(config), crypto: this.#crypto, tokenSecret: shared ?? secret.value,
        sharesTokens: shared !== undefined,
        statementSigner: keys.signers.statement, log, earliest: Date.parse(RELEASED) as WallMs, logged,
        ...(memory !== undefined && { memory }), ...(schemas !== undefined && { schemaOf: schemasFrom(schemas) }),
        ...(membership !== undefined && { membership: placeIn(membership, config) }),
        people: believedAlone(this.#crypto, config.region, config.operators),
        witnessSigner: keys.signers.witness, ...(opened !== undefined && { chain: opened.followed.chain }),
      }, now);
      this.#state = state;
      if (fresh.length > 0) notice(`learned normal: begins anew for ${fresh.join(", ")} (from another release)`);
      this.#page = new Page({
        config, clock: this.#clock, random: systemRandom, program: output.program, state: () => this.#state,
        status: () => this.status(), handle: (asked) => this.#handle(asked), word: (file) => this.#takeWord(file),
      });
      ({
        tls: this.#tls, forwarder: this.#forwarder, meters: this.#meters, outlets: this.#outlets, far: this.#far,
        status: this.#status,
      } = this.#adapters(parts));
      this.#street = membership === undefined ? undefined : streetOf(membership, config, {
        crypto: this.#crypto, clock: this.#clock, timers: systemTimers, random: systemRandom, env: output.env, notice,
        onEvent: (event) => this.#onEvent(event),
      });
      this.#releases = this.#neighbourReleases();
    } catch (error) {
      store.close();
      throw error;
    }
  }

  #neighbourReleases(): NeighbourReleases | undefined {
    return neighbourReleases(this.#config, this.#state.zone?.protocol, this.#roster?.chain, {
      publish: (messages) => this.#publish(messages), notice: (text) => this.#said.notice(text),
      log: (text) => this.#log(text),
    });
  }

  #adapters({ outletsBeyond, modbus }: Parts) {
    const { listen, csms, alerts, stateDir, http, mode } = this.#config;
    const { env, out, colour, incoming, leave = () => undefined } = this.#output;
    const onEvent = (event: AgentEvent) => this.#onEvent(event);
    const notice = (text: string) => this.#said.notice(text);
    const tls = followTls(this.#config, env, { notice, monoMs: () => this.#clock.monoMs() });
    const forwarder = createForwarder(
      { listen, csms, ...(tls.tls !== undefined && { tls: tls.tls.latest }),
        ...(tls.csmsTls !== undefined && { csmsTls: tls.csmsTls.latest }),
        ...(mode === "guard" && { guard: this.#guard() }), ...(incoming !== undefined && { incoming }) },
      onEvent, notice);
    const ports = { clock: this.#clock, timers: systemTimers, random: systemRandom, notice };
    const meters = createMeters(this.#config, env, ports, modbus);
    this.#frames = createFrames(this.#config, env, ports);
    const outlets: Outlet[] = [createJsonlAlerts(alerts.jsonl)];
    if (alerts.terminal) outlets.push(createTerminalAlerts(out, colour));
    const page = this.#page;
    const ask: typeof page.ask = (path, body) => askReset({
      state: this.#state, status: () => this.status(), now: this.#now(), leave,
      carryOut: (effects) => this.#carryOut(effects),
    }, path, body) ?? page.ask(path, body);
    const status = createStatusServer({
      stateDir, status: () => this.status(), page: page.take, ask, tls: readHttpTls(this.#config, env),
      ...(http !== undefined && { http }), ...(alerts.prometheus && { metrics: page.metrics }),
    });
    const far = outletsBeyond?.createFarOutlets(this.#config, env, ports, this.#crypto);
    return { tls, forwarder, meters, outlets, far, status };
  }

  /** What was held back is said, and an entry of the log; a storm of it is one line and entry in ten minutes. */
  #guard(): NonNullable<ForwarderOptions["guard"]> {
    const policy = guardPolicy(this.#config.guard);
    const said = new RateLimitedNotices((text) => {
      this.#said.notice(text);
      this.#log(text);
    }, () => this.#clock.monoMs());
    const heldBack = ({ action, says }: HeldBack): void => said.say(`guard ${action}`, `guard: ${says}`);
    return { heldBack, ...(policy !== undefined && { policy }) };
  }

  async start(): Promise<void> {
    try {
      this.listening = await this.#forwarder.start();
    } catch (error) {
      this.#store.close();
      throw error;
    }
    // Nobody's charging depends on the status: without it the agent runs all the same.
    await this.#status.start().catch((error: Error) => this.#said.notice(`status: ${error.message}; runs without it`));
    const configHash = contentHash(this.#crypto.sha256(new TextEncoder().encode(JSON.stringify(this.#config))));
    const started = recordOne(this.#state.journal, {
      kind: "start", at: this.#now().wallMs, software: VERSION, configHash,
    });
    const past = (this.#output.past ?? []).flatMap((text) => {
      this.#said.notice(text);
      return recordOne(this.#state.journal, { kind: "notice", at: this.#now().wallMs, text });
    });
    this.#carryOut([...started, ...past, ...signCheckpoint(this.#state.journal)]);
    for (const meter of this.#meters) meter.start((event) => this.#onEvent(event));
    await this.#frames?.start((event) => {
      // What passes in line is seen there, and is the better witness.
      if (this.#forwarder.stats().connections.now === 0) this.#onEvent(event);
    });
    // A street that cannot be heard costs the charger nothing: the agent watches alone until it can.
    await this.#street?.start()
      .catch((error: Error) => this.#said.notice(`mesh: ${error.message}; watches alone`));
    this.#tickAtNextEpoch();
  }

  status() {
    const { wallMs, monoMs } = this.#now();
    return reportStatus({
      config: this.#config, state: this.#state, wallMs, monoMs, startedAt: this.#startedAt, pid: process.pid,
      residentBytes: process.memoryUsage.rss(), cpuS: cpuSeconds(), listening: this.listening,
      http: this.#status.address(),
      forward: this.#forwarder.stats(), link: this.#link, learnedBefore: this.#learnedBefore,
      meters: this.#meters.map((meter) => meter.stats()), frames: this.#frames?.stats(), lastMeterAt: this.#lastMeterAt,
      outlets: [...this.#outlets.map((one) => ({ name: one.name, stats: one.stats?.() })), ...this.#far?.stats() ?? []],
      checkpointAt: this.#checkpointAt, notices: this.#said.latest, mesh: this.#street?.stats(),
      certificates: ownCertificates(this.#tls),
    });
  }

  async stop(): Promise<void> {
    this.#cancelTick();
    await this.#street?.stop();
    await this.#forwarder.stop();
    await Promise.all([...this.#meters, this.#frames].map((source) => source?.stop()));
    this.#stopped = true;
    this.#carryOut([...signCheckpoint(this.#state.journal), { kind: "remember" }]);
    await Promise.all([...this.#outlets, this.#far].map((outlet) => outlet?.close()));
    await this.#status.stop();
    this.#store.close();
  }

  #now(): Now {
    return { wallMs: this.#clock.wallMs(), monoMs: this.#clock.monoMs() };
  }

  /** Ticks on the boundaries of epochs, so that agents whose clocks agree speak of the same moments. */
  #tickAtNextEpoch(): void {
    const epochMs = this.#config.epochS * SECOND_MS;
    const wait = epochMs - (this.#clock.wallMs() % epochMs);
    this.#cancelTick = systemTimers.after(wait, () => {
      this.#onEvent({ kind: "tick" });
      this.#tickAtNextEpoch();
    });
  }

  /** Runs one event through the pipeline. What throws here is a bug: said, counted, and never in line. */
  #onEvent(event: AgentEvent): void {
    if (this.#stopped) return;
    const { log } = this.#state.journal;
    const sizeBefore = log.frontier.size;
    const now = this.#now();
    if (event.kind === "link") this.#link = { state: event.state, at: now.wallMs };
    if (event.kind === "meter") this.#lastMeterAt.set(event.reading.evseId, now.wallMs);
    try {
      if (event.kind === "tick") {
        this.#room?.look(now.monoMs);
        for (const text of endingSoon(ownCertificates(this.#tls), this.#endsTold, now)) this.#said.notice(text);
      }
      this.#followRoster(event, now);
      const effects = step(this.#state, event, now);
      this.#page.note(event);
      this.#carryOut(effects);
      if (event.kind === "tick") this.#far?.tick(this.#state, now);
      if (event.kind === "tick") this.#releases?.take([], now.wallMs);
    } catch (error) {
      const { message } = error as Error;
      this.#said.mention(
        `defect ${message}`, `pipeline: ${message} (a defect: please report it); frames pass unharmed`);
      // Entries that were counted and may not be on the disk: what follows would be signed over a hole.
      if (log.frontier.size !== sizeBefore) this.#carryOut(refuse(log, "entries were lost to a defect"));
      if (event.kind === "frame" || event.kind === "unparsed" || event.kind === "link") throw error;
    }
  }

  /** Its file is looked at with each tick; what is due comes into force before the first step of its epoch. */
  #followRoster({ kind }: AgentEvent, { wallMs }: Now): void {
    const roster = this.#roster;
    if (roster === undefined) return;
    const epoch = epochOf(wallMs, this.#config.epochS);
    if (kind === "tick") roster.look(epoch);
    const protocol = this.#state.zone?.protocol;
    if (protocol !== undefined) protocol.frozen = roster.chain.isForked;
    // By a clock that is off it would count too early, and there is no way back.
    if (protocol !== undefined && protocol.clock.standing.state !== "good") return;
    const taken = roster.takeForce(epoch);
    if (taken === undefined) return;
    this.#log(`roster: version ${taken.roster.version} (SHA-256 ${taken.name}) is in force`);
    bringInto(this.#state, this.#street, taken, (said) => this.#said.notice(said));
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "append":
          this.#writeLog(() => this.#store.append(effect.entries));
          break;
        case "checkpoint":
          this.#checkpointAt = this.#clock.wallMs();
          this.#writeLog(() => this.#store.writeCheckpoint(effect.note));
          break;
        case "cosigned":
          this.#said.keep("cosigned", "the log's cosigned checkpoint: cannot be saved", () =>
            this.#store.writeCosigned(effect.note));
          break;
        case "alert":
          if (effect.alert.declared === undefined) for (const outlet of this.#outlets) this.#send(outlet, effect.alert);
          this.#page.alerted(effect.alert);
          this.#far?.send(effect.alert, this.#state, this.#now());
          break;
        case "fault":
          this.#said.notice(
            `fault: ${effect.evseId > 0 ? `EVSE ${effect.evseId}: ` : ""}${effect.says} (${effect.fault})`);
          break;
        case "notice":
          this.#said.notice(effect.text);
          break;
        case "remember":
          this.#said.keep("memory", "learned normal: cannot be saved", () => {
            const memory = memoryOf(this.#state, this.#now());
            if (this.#stopped) this.#memory.saveWhole(memory);
            else this.#memory.save(memory);
          });
          break;
        case "refuse":
          this.#carryOut(refuse(this.#state.journal.log, effect.why));
          break;
        case "roster":
          this.#roster?.tell(effect.offered, effect.epoch, effect.from);
          break;
        case "release":
          this.#releases?.take([effect.word], this.#clock.wallMs());
          break;
        case "publish":
          this.#publish(effect.messages);
          break;
        case "finding":
          break;
      }
    }
  }

  /** A log that cannot be written stops signing and is said once; alerts go out all the same. */
  #writeLog(write: () => void): void {
    if (this.#state.journal.log.refused !== undefined) return;
    try {
      write();
    } catch (error) {
      this.#carryOut(refuse(this.#state.journal.log, (error as Error).message));
    }
  }

  /** One notice as an entry of the log. */
  #log(text: string): void {
    this.#carryOut(recordOne(this.#state.journal, { kind: "notice", at: this.#now().wallMs, text }));
  }

  /** What rests on an entry that is lost is not said. */
  #publish(messages: readonly Outgoing[]): void {
    const isWhole = this.#state.journal.log.refused === undefined;
    this.#street?.publish(isWhole ? messages : withoutOwnWord(messages));
  }

  /** What a person says of an incident, on the console or on the page. */
  #handle(asked: Handle): HandleOutcome {
    const outcome = handleIncident(this.#state, asked, this.#now());
    if (outcome.ok) this.#carryOut(outcome.effects);
    return outcome;
  }

  #takeWord(file: Uint8Array): ReturnType<typeof takeWord> {
    const taken = takeWord(this.#state, file, this.#now());
    if (taken.ok) this.#carryOut(taken.value.effects);
    return taken;
  }

  #send(outlet: Outlet, alert: Alert): void {
    const before = outlet.stats?.().dropped;
    outlet.send(alert);
    const { dropped, lastError } = outlet.stats?.() ?? {};
    const kind = `outlet ${outlet.name}`;
    if (dropped === before) this.#said.isOver(kind);
    else {
      this.#said.mention(
        kind, `alerts: ${outlet.name}: an alert could not be written (${lastError ?? "no reason"})`);
    }
  }
}
