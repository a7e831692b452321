/** Both ends of a forwarded connection, for tests and benches: raw sockets, and a record of what the forwarder told. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Address } from "../config-schema.ts";
import type { AgentEvent } from "../ports.ts";
import { createForwarder } from "./splice.ts";
import type { Forwarder, ForwarderOptions } from "./splice.ts";

export const loopback = (port: number, more: Partial<Address> = {}): Address =>
  ({ secure: false, host: "127.0.0.1", port, path: "", ...more });

export const CHARGER_REQUEST =
  "GET /CP-001?a=1 HTTP/1.1\r\nHost: charger-was-told-this:9000\r\nUpgrade: websocket\r\n" +
  "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Protocol: ocpp2.0.1, ocpp1.6\r\n\r\n";
export const CSMS_ANSWER = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n";

/** No test waits for this to pass: what is awaited has then not come, and `heard` says what came in its place. */
const HUNG_MS = 60_000;

/** What is awaited, or an Error once it is plain that it does not come. */
export async function within<T>(awaited: Promise<T>, heard: () => string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hung = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`still waiting; heard so far:\n${heard()}`)), HUNG_MS);
  });
  try {
    return await Promise.race([awaited, hung]);
  } finally {
    clearTimeout(timer);
  }
}

/** A list that can be waited on. */
export class Record<T> {
  readonly all: T[] = [];
  readonly #waiting: { matches: (item: T) => boolean; found: (item: T) => void }[] = [];

  add(item: T): void {
    this.all.push(item);
    for (const waiter of [...this.#waiting]) if (waiter.matches(item)) waiter.found(item);
  }

  /** The first item that matches, now or later. */
  next(matches: (item: T) => boolean): Promise<T> {
    const there = this.all.find(matches);
    if (there !== undefined) return Promise.resolve(there);
    const found = new Promise<T>((resolve) => this.#waiting.push({ matches, found: resolve }));
    return within(found, () => `${this.all.length} items, none of them the one that ${String(matches)}`);
  }
}

export interface Kit {
  readonly forwarder: Forwarder;
  readonly port: number;
  readonly events: Record<AgentEvent>;
  readonly notices: string[];
  /** Text of the frames seen so far in one direction. */
  texts(direction: "cp-to-csms" | "csms-to-cp"): string[];
}

export type KitOptions = Partial<ForwarderOptions> & { readonly onEvent?: (event: AgentEvent) => void };

/** A forwarder to `csms` for the time of `use`. */
export async function withForwarder(
  csms: Address, options: KitOptions, use: (kit: Kit) => Promise<void>,
): Promise<void> {
  const events = new Record<AgentEvent>();
  const notices: string[] = [];
  const { onEvent, ...rest } = options;
  const forwarder = createForwarder({ listen: loopback(0), csms, ...rest }, (event) => {
    events.add(event);
    onEvent?.(event);
  }, (text) => notices.push(text));
  const { port } = await forwarder.start();
  const texts: Kit["texts"] = (direction) => events.all
    .flatMap((event) => (event.kind === "frame" && event.direction === direction ? [event.text] : []));
  try {
    await use({ forwarder, port, events, notices, texts });
  } finally {
    await forwarder.stop();
  }
}

/** Everything that a socket receives, by piece. */
export class Received {
  readonly socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #changed = (): void => undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => undefined);
    for (const name of ["end", "close"]) socket.on(name, () => this.#changed());
    socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#changed();
    });
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done()) {
      const changed = new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
      await within(changed, () => `${this.#bytes.length} bytes, and the connection is open: ` +
        this.#bytes.toString("latin1", 0, 200));
    }
  }

  /** Waits for so many bytes, and takes them away. */
  async take(length: number): Promise<Buffer> {
    await this.#until(() => this.#bytes.length >= length || this.socket.readableEnded || this.socket.destroyed);
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  /** Takes up to the end of an HTTP head. */
  async takeHead(): Promise<string> {
    await this.#until(() => this.#bytes.includes("\r\n\r\n") || this.socket.readableEnded || this.socket.destroyed);
    const end = this.#bytes.indexOf("\r\n\r\n");
    return (await this.take(end < 0 ? this.#bytes.length : end + 4)).toString("latin1");
  }

  /** Waits for the end of the stream; gives what is left. */
  async rest(): Promise<string> {
    await this.#until(() => this.socket.readableEnded || this.socket.destroyed);
    return this.#bytes.toString("latin1");
  }
}

export interface RawCsms {
  readonly address: Address;
  readonly connections: Record<Received>;
  close(): void;
}

/** Listens on a free port; what happens on its connections is up to the test. */
export async function rawCsms(server: Server = createServer({ allowHalfOpen: true })): Promise<RawCsms> {
  const connections = new Record<Received>();
  server.on(server.listenerCount("secureConnection") >= 0 && "addContext" in server ? "secureConnection" : "connection",
    (socket: Socket) => connections.add(new Received(socket.setNoDelay(true))));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = loopback((server.address() as AddressInfo).port);
  return { address, connections, close: () => {
    server.close();
    for (const { socket } of connections.all) socket.destroy();
  } };
}

export async function dialRaw(port: number, allowHalfOpen = true): Promise<Received> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen, noDelay: true });
  await once(socket, "connect");
  return new Received(socket);
}

/** A charger and a CSMS after the upgrade, on raw sockets. */
export async function upgradedPair(
  kit: Kit, csms: RawCsms, answer: string = CSMS_ANSWER,
): Promise<{ readonly charger: Received; readonly station: Received }> {
  const seen = csms.connections.all.length;
  const charger = await dialRaw(kit.port);
  charger.socket.write(CHARGER_REQUEST);
  const station = await csms.connections.next((one) => csms.connections.all.indexOf(one) >= seen);
  await station.takeHead();
  station.socket.write(answer);
  const head = await charger.takeHead();
  // Else a test of what must pass could not fail: a refusal is an answer, too.
  if (head === "" || !answer.startsWith(head)) throw new Error(`the charger was answered: ${head.split("\r\n")[0]}`);
  return { charger, station };
}
