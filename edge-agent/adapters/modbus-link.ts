/**
 * One TCP connection to a Modbus server, with one read outstanding at a time. Everything that comes back is hostile:
 * at most one answer is kept, whatever does not fit what was asked ends the connection, and nothing throws.
 */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { joined } from "../../gossip/bytes.ts";
import type { HostPort } from "../config-schema.ts";
import type { MeterProblem, RegisterAnswer, RegisterRead } from "../observe/meters/meter.ts";
import { encodeRead, MAX_FRAME, parseAnswer } from "../observe/meters/modbus.ts";
import type { AskedRead, Parsed } from "../observe/meters/modbus.ts";
import { encodeRtuRead, parseRtuAnswer } from "../observe/meters/modbus-rtu.ts";
import type { Timers } from "../ports.ts";

export type LinkAnswer = RegisterAnswer | { readonly kind: "problem"; readonly problem: MeterProblem };

const CONNECTION_SAYS: Record<string, string> = {
  ECONNREFUSED: "nothing listens there",
  EHOSTUNREACH: "there is no way to that host",
  ENETUNREACH: "there is no way to that network",
  ENOTFOUND: "there is no host of that name",
  EAI_AGAIN: "the host's name cannot be looked up",
  ECONNRESET: "the meter reset the connection",
  EPIPE: "the meter dropped the connection",
  ETIMEDOUT: "the connection timed out",
};

interface Framing {
  encode(asked: AskedRead): Uint8Array;
  parse(bytes: Uint8Array, asked: AskedRead): Parsed;
}

/** By how the meter is read. */
export const FRAMINGS = {
  "modbus-tcp": { encode: encodeRead, parse: parseAnswer },
  "modbus-rtu-tcp": { encode: encodeRtuRead, parse: parseRtuAnswer },
} as const satisfies Record<string, Framing>;

interface Waiting {
  /** Absent while the connection is being opened. */
  readonly asked?: AskedRead;
  readonly done: (answer: LinkAnswer) => void;
  readonly cancelTimeOut: () => void;
}

const OPENED: RegisterAnswer = { kind: "registers", registers: [] };

export class ModbusLink {
  readonly #socket: Socket;
  readonly #timers: Timers;
  readonly #timeOutMs: number;
  readonly #framing: Framing;
  #waiting: Waiting | undefined;
  #received = new Uint8Array(0);
  #transactionId = 0;
  #dead = false;

  private constructor(to: HostPort, framing: Framing, timeOutMs: number, timers: Timers) {
    this.#framing = framing;
    this.#timers = timers;
    this.#timeOutMs = timeOutMs;
    this.#socket = connect({ host: to.host, port: to.port, noDelay: true });
    this.#socket.on("connect", () => this.#settle(OPENED));
    this.#socket.on("data", (bytes) => this.#take(bytes));
    this.#socket.on("error", ({ code = "unknown" }: NodeJS.ErrnoException) => {
      this.#end("connection", CONNECTION_SAYS[code] ?? `the connection failed (${code})`);
    });
    this.#socket.on("close", () => this.#end("connection", "the meter closed the connection"));
  }

  /** The link at once, so that it can be closed while it opens, and the outcome: a `problem`, or anything else. */
  static open(
    to: HostPort, kind: keyof typeof FRAMINGS, timeOutMs: number, timers: Timers,
  ): { link: ModbusLink; opened: Promise<LinkAnswer> } {
    const link = new ModbusLink(to, FRAMINGS[kind], timeOutMs, timers);
    return { link, opened: link.#wait() };
  }

  /** False once the connection is gone; a meter may close an idle one at any time, which is no fault. */
  get alive(): boolean {
    return !this.#dead;
  }

  /** One read for unit 0 to 255. Not to be called again before it has settled; it always settles, never rejects. */
  ask(read: RegisterRead, unit: number): Promise<LinkAnswer> {
    if (this.#dead) return Promise.resolve(problemOf("connection", "the meter closed the connection"));
    this.#transactionId = (this.#transactionId + 1) & 0xffff;
    this.#received = new Uint8Array(0);
    const asked: AskedRead = { ...read, unit, transactionId: this.#transactionId };
    const answer = this.#wait(asked);
    this.#socket.write(this.#framing.encode(asked));
    return answer;
  }

  close(): void {
    this.#end("connection", "the reader was stopped");
  }

  #wait(asked?: AskedRead): Promise<LinkAnswer> {
    return new Promise((done) => {
      const says = asked === undefined ? "cannot be reached" : "did not answer";
      const cancelTimeOut = this.#timers.after(this.#timeOutMs, () => {
        this.#end("time-out", `the meter ${says} within ${this.#timeOutMs / 1_000} s`);
      });
      this.#waiting = { ...(asked === undefined ? {} : { asked }), done, cancelTimeOut };
    });
  }

  #take(bytes: Uint8Array): void {
    const asked = this.#waiting?.asked;
    if (asked === undefined) return this.#end("protocol", "the meter spoke without being asked");
    // One byte past the longest answer is enough to see that it is too long.
    this.#received = joined([this.#received, bytes.subarray(0, MAX_FRAME + 1 - this.#received.length)]);
    const parsed = this.#framing.parse(this.#received, asked);
    if (parsed.kind === "more") return;
    if (parsed.kind === "problem") return this.#end(parsed.problem.kind, parsed.problem.says);
    this.#settle(parsed);
  }

  #settle(answer: LinkAnswer): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.cancelTimeOut();
    waiting?.done(answer);
  }

  #end(kind: MeterProblem["kind"], says: string): void {
    this.#dead = true;
    this.#socket.destroy();
    this.#settle(problemOf(kind, says));
  }
}

function problemOf(kind: MeterProblem["kind"], says: string): LinkAnswer {
  return { kind: "problem", problem: { kind, says } };
}
