/**
 * A TCP relay between the address that an agent advertises and its broker: what the bench can cut without touching
 * either. It counts what passes, TLS and all.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./street-ports.ts";

export class Relay {
  readonly port: number;
  /** Bytes in both directions since the start. */
  bytes = 0;
  readonly #target: number;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #server: Server | undefined;

  private constructor(port: number, target: number) {
    this.port = port;
    this.#target = target;
  }

  /** Listens on a free port of 127.0.0.1 and passes everything on to `target`. */
  static async open(target: number): Promise<Relay> {
    const relay = new Relay(await freePort(), target);
    await relay.mend();
    return relay;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
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
      server.once("error", reject).listen(this.port, "127.0.0.1", resolve);
    });
  }

  #pass(near: Socket): void {
    const far = connect(this.#target, "127.0.0.1");
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
      from.pipe(to);
    }
  }
}
