/**
 * The world around an agent, for tests: a charging station and a CSMS on raw `ws`, the files that the agent leaves, and
 * lists that can be waited on. Nothing here sleeps.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientOptions, WebSocket, WebSocketServer } from "ws";
import { nodeCrypto } from "./adapters/crypto.ts";
import { Record as Heard, within } from "./adapters/forward-peers.testing.ts";
import { readLog } from "./adapters/ledger-read.ts";
import { decodeEntry, type Entry } from "./record/entry.ts";
import { decodeBody, type StatementBody, statementHash } from "../gossip/statement.ts";
import type { Alert } from "../models/terms.ts";

export { Heard, within };

const parent = mkdtempSync(join(tmpdir(), "kerbwatch-agent-"));
process.once("exit", () => rmSync(parent, { recursive: true, force: true }));

/** Fails the test that this is called from. */
function ensure(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** Gone when the test file ends. */
export function freshFolder(): string {
  return mkdtempSync(join(parent, "x"));
}

export interface Message {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

type Json = Readonly<Record<string, unknown>>;
const textOf = ({ bytes }: Message): string => bytes.toString("utf8");

/** One end of a connection: what came, and calls that wait for their result. */
class Peer {
  readonly socket: WebSocket;
  readonly got = new Heard<Message>();
  #nextId = 1;

  constructor(socket: WebSocket, answers: (action: string) => Json | undefined) {
    this.socket = socket;
    socket.on("error", () => undefined); // `close` follows
    socket.on("message", (data: Buffer, isBinary) => {
      this.got.add({ bytes: data, isBinary });
      const call = asCall(data);
      const answer = call === undefined ? undefined : answers(call.action);
      if (call !== undefined && answer !== undefined) socket.send(JSON.stringify([3, call.id, answer]));
    });
  }

  /** Sends a call and gives its result. */
  async call(action: string, payload: Json): Promise<Json> {
    const id = `${action}-${this.#nextId++}`;
    this.socket.send(JSON.stringify([2, id, action, payload]));
    return JSON.parse(textOf(await this.got.next((message) => textOf(message).startsWith(`[3,"${id}"`))))[2] as Json;
  }

  send(bytes: Uint8Array, binary = false): void {
    this.socket.send(bytes, { binary });
  }

  async gone(): Promise<void> {
    if (this.socket.readyState !== WebSocket.CLOSED) await once(this.socket, "close");
  }
}

function asCall(bytes: Buffer): { id: string; action: string } | undefined {
  try {
    const [type, id, action] = JSON.parse(bytes.toString("utf8")) as unknown[];
    return type === 2 ? { id: String(id), action: String(action) } : undefined;
  } catch {
    return undefined;
  }
}

export interface Csms {
  readonly port: number;
  readonly stations: Heard<Peer>;
  close(): Promise<void>;
}

export interface CsmsOptions {
  readonly port?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** The CSMS's clock, ms. */
  readonly clock?: () => number;
}

/** Takes any station, and answers what a charger asks in OCPP 1.6. */
export async function startCsms({ port = 0, tls, clock = Date.now }: CsmsOptions = {}): Promise<Csms> {
  const server = tls === undefined ? createHttpServer() : createHttpsServer(tls);
  const sockets = new WebSocketServer({ server, skipUTF8Validation: true });
  sockets.on("error", () => undefined);
  const stations = new Heard<Peer>();
  const now = (): string => new Date(clock()).toISOString();
  sockets.on("connection", (socket) => stations.add(new Peer(socket, (action) => csmsAnswer(action, now()))));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, stations,
    close: async () => {
      sockets.close();
      const closed = once(server, "close");
      server.close();
      for (const { socket } of stations.all) socket.terminate();
      await closed;
    },
  };
}

function csmsAnswer(action: string, currentTime: string): Json {
  switch (action) {
    case "BootNotification": return { status: "Accepted", currentTime, interval: 300 };
    case "Heartbeat": return { currentTime };
    case "Authorize": return { idTagInfo: { status: "Accepted" } };
    case "StartTransaction": return { transactionId: 4711, idTagInfo: { status: "Accepted" } };
    case "StopTransaction": return { idTagInfo: { status: "Accepted" } };
    default: return {};
  }
}

function stationAnswer(action: string): Json {
  return action === "UpdateFirmware" ? {} : { status: "Accepted" };
}

type StationOptions = ClientOptions & { readonly secure?: boolean; readonly subprotocol?: string };

/** A charging station, of OCPP 1.6 unless told otherwise; rejects with the HTTP status when it is refused. */
export async function connectStation(port: number, options: StationOptions = {}): Promise<Peer> {
  const { secure = false, subprotocol = "ocpp1.6", ...rest } = options;
  const url = `${secure ? "wss" : "ws"}://127.0.0.1:${port}/CP-001`;
  const socket = new WebSocket(url, [subprotocol], { skipUTF8Validation: true, ...rest } as ClientOptions);
  const station = new Peer(socket, stationAnswer);
  await Promise.race([
    once(socket, "open"),
    once(socket, "unexpected-response").then(([, response]) => {
      socket.terminate();
      throw new Error(`HTTP ${(response as { statusCode: number }).statusCode}`);
    }),
  ]);
  return station;
}

export const BOOT = { chargePointVendor: "Any", chargePointModel: "One", firmwareVersion: "1.0.0" };
/** An order for which nothing vouches; enough for an alert by itself. */
export const HOSTILE_ORDER = { location: "http://198.51.100.7/fw.bin", retrieveDate: "2026-03-01T09:00:00Z" };

export interface Ends {
  readonly station: Peer;
  /** The same connection at the CSMS. */
  readonly csms: Peer;
}

/** Connects a station through the agent, and finds its other end. */
export async function connectThrough(port: number, csms: Csms, options: Parameters<typeof connectStation>[1] = {}):
  Promise<Ends> {
  const before = csms.stations.all.length;
  const station = await connectStation(port, options);
  const there = await csms.stations.next((peer) => csms.stations.all.indexOf(peer) >= before);
  return { station, csms: there };
}

let marks = 0;

/**
 * Traffic passes, both ways and byte for byte: frames with what a re-encoder would change (white space, integers above
 * 2^53, doubled keys, escapes) arrive as they were sent, and calls get their results.
 */
export async function passes({ station, csms }: Ends): Promise<void> {
  marks += 1;
  const odd = (way: string): Buffer => Buffer.from(
    `[2 ,\t"${way}-${marks}", "DataTransfer" , {"vendorId":"\\u004b\u00e9", "data":9007199254740993, "data":"1e400"}]`);
  for (const [from, to, way] of [[station, csms, "up"], [csms, station, "down"]] as const) {
    const seen = to.got.all.length;
    from.send(odd(way));
    const got = await to.got.next((message) => to.got.all.indexOf(message) >= seen);
    ensure(!got.isBinary && got.bytes.equals(odd(way)), `${way}: another frame arrived: ${textOf(got)}`);
    await from.got.next((message) => textOf(message).startsWith(`[3,"${way}-${marks}"`));
  }
  const { currentTime } = await station.call("Heartbeat", {});
  ensure(typeof currentTime === "string", "the result of Heartbeat came without its time");
}

/** The log's entries; fails the test when the log is damaged. */
export function entriesOf(stateDir: string): Entry[] {
  const entries: Entry[] = [];
  const found = readLog(stateDir, nodeCrypto(), ({ entry }) => {
    const decoded = decodeEntry(Uint8Array.from(entry));
    ensure(decoded.ok, "an entry cannot be read");
    entries.push(decoded.value);
  });
  ensure(found.damage === undefined, `the log is damaged: ${found.damage}`);
  return entries;
}

/** The statements of a log, in order. Fails when an epoch was signed twice or the chain has a hole. */
export function statementsOf(entries: readonly Entry[]): StatementBody[] {
  const crypto = nodeCrypto();
  const bodies: StatementBody[] = [];
  let previous: Uint8Array = new Uint8Array(0);
  for (const entry of entries) {
    if (entry.kind !== "statement") continue;
    const body = decodeBody(entry.signedBytes);
    ensure(body !== undefined, "a statement cannot be read");
    ensure(body.seq === bodies.length, `statement ${bodies.length} has sequence number ${body.seq}`);
    ensure(body.epoch > (bodies.at(-1)?.epoch ?? -1), `epoch ${body.epoch} was signed twice, or late`);
    ensure(Buffer.compare(body.previous, previous) === 0, `statement ${body.seq} does not name the one before`);
    previous = statementHash(crypto, entry.signedBytes);
    bodies.push(body);
  }
  return bodies;
}

export function alertsIn(path: string): Alert[] {
  return readFileSync(path, "utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Alert);
}

/** Every alert that went out stands in the log, word for word, after the frames that it names. */
export function alertsAreLogged(stateDir: string): Alert[] {
  const alerts = alertsIn(join(stateDir, "alerts.jsonl"));
  const logged = entriesOf(stateDir).flatMap((entry) => (entry.kind === "alert" ? [entry.json] : []));
  for (const alert of alerts) ensure(logged.includes(JSON.stringify(alert)), `not in the log: ${alert.summary}`);
  return alerts;
}

export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** A self-signed certificate for 127.0.0.1, which is its own authority. */
export function selfSigned(name: string): Certificate {
  const folder = freshFolder();
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
    "-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", keyFile, "-out", certFile,
  ], { stdio: "pipe" });
  return { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8"), certFile, keyFile };
}

/** Writes a configuration into the folder and gives its path. Relative paths in it count from there. */
export function writeConfig(folder: string, config: Json): string {
  const path = join(folder, "kerbwatch.json");
  const usual = { station: "CP-001", listen: "ws://127.0.0.1:0", stateDir: "state", epochS: 1 };
  writeFileSync(path, JSON.stringify({ ...usual, ...config }));
  return path;
}
