/** A CSMS for benches: accepts stations, knows which idTokens are good, keeps the books, sends what it is told to. */
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { RPCServer, createRPCError } from "ocpp-rpc";
import type { SimVersion } from "../sim/capture.ts";
import { bootReply, heartbeatReply } from "../sim/dialect.ts";
import { Books, type CsmsTransaction } from "./csms-books.ts";
import { Waiters } from "./waiters.ts";

export interface BenchCsmsOptions {
  /** Everything else is `Invalid`. */
  readonly tokens: Iterable<string>;
  /** Absent: 127.0.0.1. */
  readonly host?: string;
  /** Absent: any free port. */
  readonly port?: number;
  readonly heartbeatS?: number;
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface CsmsCall {
  readonly station: string;
  readonly action: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** How an order ended. */
export type OrderOutcome =
  | { readonly ok: true; readonly reply: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly why: string };

interface Connection {
  readonly protocol: string | undefined;
  call(action: string, payload: object): Promise<unknown>;
  close(options: { force: boolean }): Promise<unknown>;
  on(event: "close", listener: () => void): unknown;
  handle(handler: (call: { method?: string; params?: Record<string, unknown> }) => Promise<object>): void;
}

const MAX_CALLS = 10_000;

export class BenchCsms {
  /** May be changed at any time. */
  readonly tokens: Set<string>;
  /** What stations called, oldest first. */
  readonly calls: CsmsCall[] = [];
  /** `ws://127.0.0.1:port` or `wss://...`; a station adds its id. */
  readonly url: string;
  private readonly rpc: RPCServer;
  private readonly http: Server;
  private readonly heartbeatS: number;
  private readonly connections = new Map<string, Connection>();
  private readonly events = new Waiters<unknown>();
  private readonly books = new Books();

  private constructor(options: BenchCsmsOptions, rpc: RPCServer, http: Server) {
    this.tokens = new Set(options.tokens);
    this.heartbeatS = options.heartbeatS ?? 60;
    this.rpc = rpc;
    this.http = http;
    const { port } = http.address() as AddressInfo;
    this.url = `${options.tls === undefined ? "ws" : "wss"}://${options.host ?? "127.0.0.1"}:${port}`;
    rpc.on("client", (client: Connection & { identity: string }) => this.welcome(client.identity, client));
  }

  /** Rejects when the port is taken. */
  static async listen(options: BenchCsmsOptions): Promise<BenchCsms> {
    const rpc = new RPCServer({ protocols: ["ocpp2.0.1", "ocpp1.6"], callTimeoutMs: 10_000, pingIntervalMs: 5_000 });
    const { tls, port = 0, host = "127.0.0.1" } = options;
    // A server of our own: ocpp-rpc's listen() lets the error of a taken port escape as an uncaught exception.
    const http: Server = tls === undefined ? createServer() : createTlsServer(tls);
    http.on("upgrade", rpc.handleUpgrade);
    http.on("request", (_request, response) => response.writeHead(404).end());
    await new Promise<void>((resolve, reject) => {
      http.once("error", reject).listen(port, host, resolve);
    });
    return new BenchCsms(options, rpc, http);
  }

  get transactions(): readonly CsmsTransaction[] {
    return this.books.transactions;
  }

  isConnected(station: string): boolean {
    return this.connections.has(station);
  }

  /** Settles when the station is connected; at once when it is. */
  async whenConnected(station: string): Promise<void> {
    if (!this.isConnected(station)) await this.events.next(`connected ${station}`);
  }

  /** Settles at the station's next call of this action, after it was answered. */
  async nextCall(station: string, action: string): Promise<CsmsCall> {
    return await this.events.next(`${station} ${action}`) as CsmsCall;
  }

  /** Sends an order; never rejects. */
  async command(station: string, action: string, payload: object): Promise<OrderOutcome> {
    const connection = this.connections.get(station);
    if (connection === undefined) return { ok: false, why: "not connected" };
    try {
      return { ok: true, reply: await connection.call(action, payload) as Readonly<Record<string, unknown>> };
    } catch (error) {
      return { ok: false, why: (error as Error).message };
    }
  }

  /** Cuts the connection without a word. */
  async drop(station: string): Promise<void> {
    await this.connections.get(station)?.close({ force: true }).catch(() => {});
  }

  async close(): Promise<void> {
    await Promise.all([...this.connections.keys()].map((station) => this.drop(station)));
    await this.rpc.close({ force: true }).catch(() => {});
    if (!this.http.listening) return;
    await new Promise<void>((resolve) => {
      this.http.close(() => resolve());
      this.http.closeAllConnections();
    });
  }

  private welcome(station: string, connection: Connection): void {
    this.connections.set(station, connection);
    connection.on("close", () => {
      if (this.connections.get(station) === connection) this.connections.delete(station);
    });
    const version: SimVersion = connection.protocol === "ocpp1.6" ? "1.6" : "2.0.1";
    connection.handle(async ({ method = "", params = {} }) => {
      const call = { station, action: method, payload: params };
      if (this.calls.length < MAX_CALLS) this.calls.push(call);
      // Told at the next turn, when the answer is on its way.
      setImmediate(() => this.events.tell(`${station} ${method}`, call));
      return this.answer(station, version, method, params);
    });
    this.events.tell(`connected ${station}`, undefined);
  }

  private tokenStatus(token: unknown): string {
    return typeof token === "string" && this.tokens.has(token) ? "Accepted" : "Invalid";
  }

  private answer(station: string, version: SimVersion, action: string, payload: Record<string, unknown>): object {
    const now = new Date().toISOString();
    switch (action) {
      case "BootNotification": return bootReply(now, this.heartbeatS);
      case "Heartbeat": return heartbeatReply(now);
      case "Authorize": {
        const token = version === "1.6" ? payload["idTag"] : (payload["idToken"] as { idToken?: unknown })?.idToken;
        const status = this.tokenStatus(token);
        return version === "1.6" ? { idTagInfo: { status } } : { idTokenInfo: { status } };
      }
      case "StartTransaction":
      case "StopTransaction":
      case "MeterValues":
      case "TransactionEvent":
        return this.books.enter(station, action, payload, (token) => this.tokenStatus(token));
      case "StatusNotification":
      case "FirmwareStatusNotification":
      case "SignedFirmwareStatusNotification":
      case "DiagnosticsStatusNotification":
      case "LogStatusNotification":
      case "SecurityEventNotification":
      case "NotifyReport":
        return {};
      case "DataTransfer": return { status: "Accepted" };
      default: throw createRPCError("NotImplemented", `unknown action ${action}`);
    }
  }
}
