/**
 * A TCP relay between the address that an agent advertises and its broker: what the bench can cut without touching
 * either. It counts what passes, TLS and all.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./street-ports.ts";

export interface RelayTarget {
  readonly host: string;
  readonly port: number;
}

export class Relay {
  readonly host: string;
  readonly port: number;
  /** What is passed on waits so long, each way. */
  delayMs = 0;
  /** Bytes in both directions since the start. */
  bytes = 0;
  readonly #target: RelayTarget;
  #refused: ReadonlySet<string> = new Set();
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #server: Server | undefined;

  private constructor(host: string, port: number, target: RelayTarget) {
    this.host = host;
    this.port = port;
    this.#target = target;
  }

  /** Listens on a free port of `host` and passes everything on to `target`. */
  static async open(target: RelayTarget, host = "127.0.0.1"): Promise<Relay> {
    const relay = new Relay(host, await freePort(), target);
    await relay.mend();
    return relay;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** Connections that stand on both sides. */
  get connections(): number {
    return [...this.#pairs].filter(([, far]) => !far.connecting).length;
  }

  /** Ends every connection without a word and accepts none, as a cable that was cut. */
  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  /** Accepts connections (again). Rejects when the port was taken meanwhile. */
  async mend(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((near) => this.#pass(near));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(this.port, this.host, resolve);
    });
  }

  /** From now on these addresses reach nothing here, and what they have is ended: one side of a partition. */
  refuse(addresses: ReadonlySet<string>): void {
    this.#refused = addresses;
    for (const [near, far] of this.#pairs) {
      if (!addresses.has(near.remoteAddress ?? "")) continue;
      near.destroy();
      far.destroy();
    }
  }

  #pass(near: Socket): void {
    if (this.#refused.has(near.remoteAddress ?? "")) return void near.destroy();
    const far = connect(this.#target.port, this.#target.host);
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]] as const) {
      from.setNoDelay(true);
      from.on("data", (bytes) => void (this.bytes += bytes.length));
      from.on("error", () => {}); // "close" follows
      from.on("close", () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      const lane = new Lane(this);
      from.on("data", (bytes) => lane.pass(bytes, from, to)).on("end", () => lane.later(() => to.end()));
    }
  }
}

/** One direction of a connection: what waits keeps its order, however the delay changes. */
class Lane {
  readonly #relay: Relay;
  readonly #waiting: (() => void)[] = [];
  #untilMs = 0;

  constructor(relay: Relay) {
    this.#relay = relay;
  }

  later(act: () => void): void {
    const { delayMs } = this.#relay;
    if (delayMs === 0 && this.#waiting.length === 0) return act();
    const now = performance.now();
    this.#untilMs = Math.max(this.#untilMs, now + delayMs);
    this.#waiting.push(act);
    setTimeout(() => this.#waiting.shift()?.(), this.#untilMs - now);
  }

  pass(bytes: Buffer, from: Socket, to: Socket): void {
    this.later(() => {
      if (to.destroyed || to.write(bytes)) return;
      from.pause();
      to.once("drain", () => from.resume());
    });
  }
}
