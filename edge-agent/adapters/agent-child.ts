/** The agent as a child process: handed connections, listened to for signs of life, killed when there are none. */
import { type ChildProcess, fork } from "node:child_process";
import type { Socket } from "node:net";
import { BEAT_MS, type FromChild, type Parentage, SUPERVISOR_VARIABLE, type ToChild } from "./supervised.ts";

/** So many beats missed in a row, and the agent hangs: it is dead to its charger from the first one on. */
export const BEATS_MISSED = 4;
/** A start may take this long: a large log on a slow card. Chargers do not wait for it (HOLD_MS). */
const START_MS = 60_000;
/** What was not taken within so many looks never will be: the agent had no descriptor left for it. */
const GIVEN_LOOKS = 3;
/** An agent that was asked to stop saves, signs and is gone within a second. */
const STOP_MS = 5_000;
/** Meant for the supervisor: the service manager's socket and watchdog. */
const NOT_INHERITED = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

export interface Ended {
  /** In words: `SIGKILL`, `exit code 1`. */
  readonly how: string;
  readonly code: number | undefined;
  /** It was killed for not answering. */
  readonly hung: boolean;
}

export interface ChildEvents {
  /** It takes connections from now on. */
  readonly up: () => void;
  /** It has the connection that was given last, or will not have it: it may be given another. */
  readonly taken: () => void;
  /** Once, and last. */
  readonly ended: (how: Ended) => void;
}

export class AgentChild {
  isUp = false;
  readonly #child: ChildProcess;
  readonly #events: ChildEvents;
  readonly #check: NodeJS.Timeout;
  #beats = 0;
  #missed = 0;
  #startMs = 0;
  #hung: string | undefined;
  #isOver = false;
  /** How often it was looked at since a connection was given that is not taken yet; undefined: there is none. */
  #givenLooks: number | undefined;

  /** `program`: the file that Node runs; `args`: for it. */
  constructor(program: string, args: readonly string[], parentage: Parentage, events: ChildEvents) {
    this.#events = events;
    const env: NodeJS.ProcessEnv = { ...process.env, [SUPERVISOR_VARIABLE]: JSON.stringify(parentage) };
    for (const name of NOT_INHERITED) delete env[name];
    this.#child = fork(program, args, { env });
    this.#child.on("message", (message: FromChild) => this.#heard(message));
    this.#child.once("exit", (code, signal) => this.#over(signal ?? `exit code ${code}`, code ?? undefined));
    this.#child.on("error", (error) => {
      if (this.#child.pid === undefined) this.#over(error.message, undefined);
    });
    this.#check = setInterval(() => this.#look(), BEAT_MS);
  }

  /** May be given one more connection. */
  get isFree(): boolean {
    return this.isUp && this.#givenLooks === undefined;
  }

  /**
   * Once it is on its way the system keeps it open, for the agent alone: it ends with an agent that is killed before it
   * reads it, and its charger comes again. Node by itself would wait for an acknowledgement with a descriptor of this
   * process's, and forget that for ever when the channel ends first.
   */
  give(socket: Socket): void {
    this.#givenLooks = 0;
    this.#child.send("charger" satisfies ToChild, socket, { keepOpen: true }, () => socket.destroy());
  }

  /** Asks it to end, and kills it when it does not. `ended` follows. */
  stop(): void {
    if (this.#child.connected) this.#child.send("stop" satisfies ToChild, () => undefined);
    setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS).unref();
  }

  #heard(message: FromChild): void {
    this.#beats += 1;
    if (message === "up") {
      this.isUp = true;
      this.#events.up();
    } else if (message === "taken") {
      this.#givenLooks = undefined;
      this.#events.taken();
    }
  }

  /** By its own ticks and no clock: a supervisor that was itself stopped for a while has missed one beat, not many. */
  #look(): void {
    this.#missed = this.#beats > 0 ? 0 : this.#missed + 1;
    this.#beats = 0;
    this.#startMs += BEAT_MS;
    if (this.#givenLooks !== undefined && (this.#givenLooks += 1) >= GIVEN_LOOKS) {
      this.#givenLooks = undefined;
      this.#events.taken();
    }
    if (this.isUp && this.#missed >= BEATS_MISSED) this.#kill(`did not answer for ${BEATS_MISSED * BEAT_MS / 1000} s`);
    if (!this.isUp && this.#startMs >= START_MS) this.#kill(`was not ready within ${START_MS / 1000} s`);
  }

  #kill(why: string): void {
    this.#hung = `${why} and was killed`;
    this.#child.kill("SIGKILL");
  }

  #over(how: string, code: number | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.isUp = false;
    clearInterval(this.#check);
    this.#events.ended({ how: this.#hung ?? how, code, hung: this.#hung !== undefined });
  }
}
