/** The relays that run on Node, one a process of its own: what the agent does in line, and what it is held against. */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { RPCClient, RPCServer } from "ocpp-rpc";
import { WebSocket, WebSocketServer } from "ws";
import { keepHeapSmall } from "../../edge-agent/adapters/small-heap.ts";
import { createForwarder } from "../../edge-agent/adapters/splice.ts";
import type { ForwarderOptions } from "../../edge-agent/adapters/splice.ts";

export type Transport = "plain" | "tls" | "deflate";

/** Where a relay is to go, and how. */
export interface Way {
  readonly csmsPort: number;
  readonly transport: Transport;
  /** PEM of 127.0.0.1's certificate, its key and its authority: one for both sides. */
  readonly tls?: Tls;
}

export interface Tls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export const NODE_RELAYS = ["node splice", "observe", "guard", "ws relay", "ocpp-rpc"] as const;
export type NodeRelay = (typeof NODE_RELAYS)[number];

/** Messages of one station that ocpp-rpc may have under way: it would wait for each one's answer otherwise. */
const RPC_CONCURRENCY = 128;
const SUBPROTOCOL = "ocpp1.6";

/** A relay that listens on a free port of 127.0.0.1. `close` leaves connections to their ends. */
export interface Listening {
  readonly port: number;
  close(): void;
}

const STARTERS: Record<NodeRelay, (way: Way) => Promise<Listening>> = {
  "node splice": spliceBare,
  "observe": (way) => forwarder(way, {}),
  "guard": (way) => forwarder(way, { guard: { policy: () => undefined, heldBack: () => undefined } }),
  "ws relay": relayMessages,
  "ocpp-rpc": reoriginate,
};

async function listening(server: Server): Promise<Listening> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}

/** The least that Node can do: two sockets, and what comes out of one goes into the other. */
async function spliceBare({ csmsPort, tls }: Way): Promise<Listening> {
  const join = (charger: Socket): void => {
    const csms = tls === undefined ? connect({ port: csmsPort, host: "127.0.0.1", noDelay: true })
      : connectTls({ port: csmsPort, host: "127.0.0.1", ca: tls.ca }).setNoDelay(true);
    charger.setNoDelay(true).pipe(csms).pipe(charger);
    for (const socket of [charger, csms]) socket.on("error", () => socket.destroy());
  };
  return await listening(tls === undefined ? createServer(join) : createTlsServer(tls, join));
}

async function forwarder({ csmsPort, tls }: Way, more: Partial<ForwarderOptions>): Promise<Listening> {
  const secure = tls !== undefined;
  const at = (port: number) => ({ secure, host: "127.0.0.1", port, path: "" });
  // The flood that this is would run into the parser's budget: every frame is to be read.
  const limits = { budgetBytesPerS: Number.MAX_SAFE_INTEGER };
  const ours = secure ? { tls: { cert: tls.cert, key: tls.key }, csmsTls: { ca: tls.ca } } : {};
  const options = { listen: at(0), csms: at(csmsPort), limits, ...ours, ...more };
  const made = createForwarder(options, () => undefined, console.error);
  return { port: (await made.start()).port, close: () => void made.stop() };
}

const scheme = (secure: boolean): string => (secure ? "wss" : "ws");

/** Message by message, as whoever takes ws from the shelf would do it. */
async function relayMessages({ csmsPort, transport, tls }: Way): Promise<Listening> {
  const perMessageDeflate = transport === "deflate" && { threshold: 0 };
  const http = tls === undefined ? createHttpServer() : createHttpsServer(tls);
  const server = new WebSocketServer({ server: http, perMessageDeflate });
  server.on("connection", (charger, request) => {
    const url = `${scheme(tls !== undefined)}://127.0.0.1:${csmsPort}${request.url}`;
    const csms = new WebSocket(url, [SUBPROTOCOL], { perMessageDeflate, ...(tls !== undefined && { ca: tls.ca }) });
    charger.pause();
    csms.on("open", () => charger.resume());
    charger.on("message", (data, binary) => csms.send(data, { binary }));
    csms.on("message", (data, binary) => charger.send(data, { binary }));
    charger.on("close", () => csms.terminate());
    csms.on("close", () => charger.terminate()).on("error", () => charger.terminate());
  });
  return await listening(http);
}

/** Each call is taken as a CSMS would and made again as a station would. */
async function reoriginate({ csmsPort, tls }: Way): Promise<Listening> {
  const rpc = new RPCServer({ protocols: [SUBPROTOCOL], callConcurrency: RPC_CONCURRENCY });
  rpc.on("client", (charger) => {
    const options: Partial<ConstructorParameters<typeof RPCClient>[0]> = {
      endpoint: `${scheme(tls !== undefined)}://127.0.0.1:${csmsPort}`, identity: charger.identity,
      protocols: [SUBPROTOCOL], callConcurrency: RPC_CONCURRENCY, reconnect: false,
      ...(tls !== undefined && { wsOpts: { ca: tls.ca } }),
    };
    // Its types ask for every option; its code has a default for each.
    const csms = new RPCClient(options as ConstructorParameters<typeof RPCClient>[0]);
    const connected = csms.connect();
    connected.catch(() => charger.close({ force: true }));
    type Call = { method?: string; params?: object };
    charger.handle(async ({ method = "", params = {} }: Call) => {
      await connected;
      return csms.call(method, params);
    });
    csms.handle(({ method = "", params = {} }: Call) => charger.call(method, params));
    charger.on("close", () => void csms.close({ force: true }).catch(() => undefined));
  });
  const http = tls === undefined ? createHttpServer() : createHttpsServer(tls);
  http.on("upgrade", rpc.handleUpgrade);
  return await listening(http);
}

/** Starts `relay` in this process, until it is closed. */
export async function startHere(relay: NodeRelay, way: Way): Promise<Listening> {
  return await STARTERS[relay](way);
}

interface Job extends Way {
  readonly relay: NodeRelay;
}

const JOB_VARIABLE = "KERBWATCH_BENCH_RELAY";

/** Runs `relay` in a process of this very program, which must begin with `beRelayIfAsked`. */
export async function startNodeRelay(relay: NodeRelay, way: Way): Promise<{ child: ChildProcess; port: number }> {
  const env = { ...process.env, [JOB_VARIABLE]: JSON.stringify({ relay, ...way } satisfies Job) };
  const child = fork(process.argv[1] as string, [], { env, stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const [port] = await Promise.race([
    once(child, "message") as Promise<[number]>,
    once(child, "exit").then(([code]) => Promise.reject(new Error(`${relay} ended with exit code ${code}`))),
  ]);
  return { child, port };
}

/** True when this process is there to be a relay. It tells its port, and ends when its parent does. */
export async function beRelayIfAsked(): Promise<boolean> {
  const text = process.env[JOB_VARIABLE];
  if (text === undefined) return false;
  // As on a board, and the same for all.
  keepHeapSmall();
  const { relay, ...way } = JSON.parse(text) as Job;
  process.on("disconnect", () => process.exit());
  process.send?.((await startHere(relay, way)).port);
  return true;
}
