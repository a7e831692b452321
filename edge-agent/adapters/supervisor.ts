/**
 * Keeps the chargers' socket, whatever becomes of the agent. It accepts their connections and hands each to the agent,
 * which is its child; starts the agent again when it ends, kills it when it does not answer, and passes frames on by
 * itself while no agent lasts. It reads no frame: what kills an agent cannot reach it.
 */
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { pauseMs, pastOf, type RelayTerm, tryAt } from "../crash-record.ts";
import { addressText, type Config, type Environment } from "../config.ts";
import { rfc3339, SECOND_MS, type WallMs } from "../../models/units.ts";
import { AgentChild, type Ended } from "./agent-child.ts";
import { type CrashFile, crashNow } from "./crash-file.ts";
import { goodConfig } from "./good-config.ts";
import { listenError } from "./listen-error.ts";
import { type Relay, type RelayReason, startRelay } from "./relay.ts";

export interface SupervisorOptions {
  /** Of the file, or the last one of it that was good. */
  readonly config: Config;
  /** Why the file's own cannot be used; absent: it can. */
  readonly misconfigured?: string;
  /** What Node runs as the agent, and its arguments. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Environment;
  /** A socket that listens already. */
  readonly fd?: number;
  readonly crashes: CrashFile;
  /** What else the log should know of the time before, and what follows once an agent was told. */
  readonly past: readonly string[];
  readonly told: () => void;
  /** One line for the operator of this machine. */
  readonly say: (text: string) => void;
}

export interface Supervisor {
  /** Asks the agent to end and waits for it. */
  stop(): Promise<void>;
}

/** A charger waits so long for an agent that starts, and is relayed then: it would give up by itself after a while. */
const HOLD_MS = 10_000;
/** Connections that wait; what is beyond is not one charger's any more. */
const MOST_WAITING = 64;
/** An agent that has run so long beside the relay gets the relay's connections too, each at a quiet moment. */
const SETTLED_MS = 60_000;
/** Nothing passed for so long: no call is without its result, and to reconnect loses nothing. */
const QUIET_MS = 10_000;
/** An agent that has run so long is well: what was before is forgotten. */
export const WELL_MS = 600_000;
/** How often the file of a wrong configuration is looked at. */
const LOOK_MS = 2_000;
const STEP_MS = 5_000;
const MOST_NOTICES = 20;
/** Exit code of a wrong configuration: to start again would change nothing. */
const MISCONFIGURED = 2;

/** Rejects with an Error of one line when there is no socket for chargers. */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const supervisor = new SocketKeeper(options);
  await supervisor.start();
  return supervisor;
}

class SocketKeeper implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #server: Server;
  readonly #notices: string[] = [];
  /** Connections that nobody has read, oldest first, and the timer after which they are relayed. */
  readonly #waiting: { readonly socket: Socket; readonly timer: NodeJS.Timeout }[] = [];
  /** Where it listens. */
  #at = { host: "", port: 0 };
  #agent: AgentChild | undefined;
  /** Made when it is needed first; undefined also while it cannot be made. */
  #relay: Relay | undefined;
  /** There while connections are relayed as long as no agent is up. */
  #reason: RelayReason | undefined;
  /** The next start, the next look at the configuration: one of them at most. */
  #next: NodeJS.Timeout | undefined;
  /** An agent came up that was told of `past`. */
  #pastTold = false;
  /** There once the agent was asked to stop. */
  #whenStopped: (() => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#arrived(socket));
  }

  async start(): Promise<void> {
    const { config, crashes, fd, misconfigured } = this.#options;
    const { host, port } = config.listen;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => reject(listenError(config.listen, error, fd));
      this.#server.once("error", failed).listen(fd === undefined ? { host, port } : { fd }, () => {
        this.#server.off("error", failed).on("error", () => undefined); // too many open files: the others stay
        const at = this.#server.address() as AddressInfo | string;
        if (typeof at === "string") return failed(new Error("no TCP"));
        this.#at = { host: fd === undefined ? host : at.address, port: at.port };
        resolve();
      });
    });
    const term = crashes.relay;
    if (misconfigured !== undefined) this.#relayUntilMended(misconfigured);
    else if (term !== undefined) this.#relayUntilTry(term);
    else this.#startAgent();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#next);
    this.#server.close();
    for (const { socket, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      socket.destroy();
    }
    await new Promise<void>((resolve) => {
      this.#whenStopped = resolve;
      if (this.#agent === undefined) resolve();
      else this.#agent.stop();
    });
    await this.#relay?.stop();
    this.#options.crashes.stop();
  }

  /** A charger whose request nobody has read yet. */
  #arrived(socket: Socket): void {
    socket.on("error", () => undefined); // `close` follows
    if (this.#reason !== undefined && this.#agent?.isUp !== true) return this.#passOn(socket);
    if (this.#waiting.length >= MOST_WAITING) return void socket.destroy();
    const timer = setTimeout(() => {
      this.#waiting.splice(this.#waiting.findIndex((one) => one.socket === socket), 1);
      this.#passOn(socket);
    }, HOLD_MS);
    this.#waiting.push({ socket, timer });
    this.#handOver();
  }

  /** One at a time: the one that an agent has not taken when it dies is closed, and its charger comes again. */
  #handOver(): void {
    if (this.#agent?.isFree !== true) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    clearTimeout(next.timer);
    this.#agent.give(next.socket);
  }

  #passOn(socket: Socket): void {
    const relay = this.#relayOrNone();
    if (relay === undefined) socket.destroy();
    else relay.take(socket);
  }

  /** None while the certificates that it needs cannot be read. */
  #relayOrNone(): Relay | undefined {
    const { config, env } = this.#options;
    try {
      return this.#relay ??= startRelay({
        config: goodConfig(config.file, [config.stateDir], env) ?? config, env, at: this.#at, notices: this.#notices,
        notice: (text) => this.#say(text),
      });
    } catch (error) {
      this.#say(`plain relay: ${(error as Error).message}`);
      return undefined;
    }
  }

  #startAgent(): void {
    const { program, args, crashes } = this.#options;
    const past = this.#pastTold ? [] : this.#options.past;
    const parentage = { pid: process.pid, ...this.#at, past: [...past, ...pastOf(crashes.record)] };
    this.#agent = new AgentChild(program, args, parentage, {
      up: () => {
        if (!this.#pastTold) this.#options.told();
        this.#pastTold = true;
        if (this.#reason !== undefined) this.#say("the agent runs again; what the relay has follows when quiet");
        this.#handOver();
        this.#watchOver(0);
      },
      taken: () => this.#handOver(),
      ended: (ended) => this.#agentEnded(ended),
    });
  }

  /** `upMs`: how long the agent has been up. */
  #watchOver(upMs: number): void {
    if (upMs >= SETTLED_MS) this.#relay?.letGo(QUIET_MS);
    if (upMs >= WELL_MS) {
      this.#reason = undefined;
      this.#options.crashes.well();
    }
    const isDone = upMs >= WELL_MS && (this.#relay?.connections() ?? 0) === 0;
    if (!isDone) this.#in(STEP_MS, () => this.#watchOver(upMs + STEP_MS));
  }

  #agentEnded({ how, code, hung }: Ended): void {
    const { crashes } = this.#options;
    clearTimeout(this.#next);
    this.#agent = undefined;
    if (this.#whenStopped !== undefined) return this.#whenStopped();
    // It has said itself what is wrong.
    if (code === MISCONFIGURED) return this.#relayUntilMended("the configuration cannot be used");
    crashes.ended(how, hung);
    if (crashes.relay !== undefined) return this.#relayUntilTry(crashes.relay);
    const pause = pauseMs(crashes.record);
    this.#say(`the agent ended unasked (${how}) and starts again in ${pause / SECOND_MS} s`);
    this.#in(pause, () => this.#startAgent());
  }

  #relayUntilTry(term: RelayTerm): void {
    const now = crashNow();
    this.#in((term.untilS - now.uptimeS) * SECOND_MS, () => void this.#try());
    this.#toRelay({ why: term.why, since: term.since, tryAt: tryAt(term, now) });
  }

  #relayUntilMended(why: string): void {
    const { file } = this.#options.config;
    const before = textOf(file);
    const look = (): void => {
      if (textOf(file) === before) this.#in(LOOK_MS, look);
      else void this.#try();
    };
    this.#in(LOOK_MS, look);
    this.#toRelay({ why, since: Date.now() as WallMs });
  }

  #toRelay(reason: RelayReason): void {
    this.#reason = reason;
    const relay = this.#relayOrNone();
    void relay?.openStatus(reason);
    const csms = addressText(this.#options.config.csms);
    this.#say(`plain relay: chargers connect to ${relay?.address ?? "nothing"}, the CSMS is ${csms}; frames pass ` +
      `unread: ${reason.why}; ${reason.tryAt === undefined ? "until that is mended"
        : `the agent is tried again at ${rfc3339(reason.tryAt)}`}`);
    for (const { socket, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      this.#passOn(socket);
    }
  }

  /** An agent beside the relay, which keeps what it has connected: what the try costs, it costs nobody's session. */
  async #try(): Promise<void> {
    await this.#relay?.closeStatus();
    if (this.#whenStopped === undefined) this.#startAgent();
  }

  #in(ms: number, run: () => void): void {
    clearTimeout(this.#next);
    this.#next = setTimeout(run, Math.max(0, ms));
  }

  #say(text: string): void {
    this.#notices.push(text);
    if (this.#notices.length > MOST_NOTICES) this.#notices.shift();
    this.#options.say(`${rfc3339(Date.now() as WallMs)} ${text}`);
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
