/**
 * Serves the agent's status: always on a socket in the state directory, for `kerbwatch status` and `doctor`, and on
 * `http` where the configuration says so, with the page and metrics. Nothing here can slow a frame.
 */
import { chmodSync, unlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { connect, isIP } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type HostPort, isLoopback } from "../config-schema.ts";

export const SOCKET_NAME = "agent.sock";

/** `sun_path` of Linux, less its final zero; a longer path would be cut in silence. */
const MAX_SOCKET_PATH_BYTES = 107;
/** Enough for a person, a prober and a page; a stranger who opens more gets none of the agent's memory. */
const MAX_CONNECTIONS = 16;
/** A signed word in base64 is the longest. */
const MOST_ASKED_BYTES = 6_144;
const LIMITS = { maxHeaderSize: 4096, headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 1_000 };

export interface StatusServer {
  /** Rejects with an Error of one line when the socket or the port cannot be had. Call once. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Where `http` is served, as bound; absent when it is not. */
  address(): HostPort | undefined;
}

export interface StatusServerOptions {
  readonly stateDir: string;
  readonly http?: HostPort;
  /** The status as of now, ready for JSON. */
  readonly status: () => unknown;
  /** PEM texts: `http` is then served over TLS alone. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** In Prometheus's format; absent: not served. */
  readonly metrics?: (() => string) | undefined;
  /** What else is served on `http`; true when it was answered. */
  readonly page?: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** What the owner of the state directory may ask for on the socket, by path; undefined: no such thing. */
  readonly ask?: ((path: string, body: Readonly<Record<string, unknown>>) => Asked | undefined) | undefined;
}

/** The answer to what was asked on the socket. */
export interface Asked {
  readonly code: number;
  readonly body: unknown;
}

export const socketPath = (stateDir: string): string => join(stateDir, SOCKET_NAME);

function answer(response: ServerResponse, code: number, body: unknown, isHead: boolean): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(code, {
    "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text), "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff", "Connection": "close", ...(code === 405 && { Allow: "GET, HEAD" }),
  });
  response.end(isHead ? undefined : text);
}

function answerText(response: ServerResponse, text: string, isHead: boolean): void {
  response.writeHead(200, {
    "Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Connection": "close",
  });
  response.end(isHead ? undefined : text);
}

/**
 * Names that a browser on this machine can be tricked into using for a stranger's page (DNS rebinding) are refused:
 * what may stand in `Host` is an address, `localhost`, or the name in the configuration.
 */
export function isOwnHost(header: string | undefined, configured: string): boolean {
  const name = (header ?? "").replace(/:\d{1,5}$/, "").replace(/^\[|\]$/g, "").toLowerCase();
  return isIP(name) !== 0 || name === "localhost" || name === configured.toLowerCase();
}

/** What is open to whoever reaches the port: on this machine everything that is read only. */
function isForAll(path: string, isLocal: boolean): boolean {
  return path === "/healthz" || (isLocal && (path === "/status" || path === "/metrics"));
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

function readOnly({ status, metrics }: StatusServerOptions, isOpen: (path: string) => boolean): Handler {
  return (request, response) => {
    const { method, url = "" } = request;
    const isHead = method === "HEAD";
    const say = (code: number, body: unknown): void => answer(response, code, body, isHead);
    request.resume(); // a body is read and thrown away, within the time limit
    if (method !== "GET" && !isHead) return say(405, { error: "only GET" });
    const path = url.split("?")[0]!;
    if (path !== "/healthz" && path !== "/status" && (path !== "/metrics" || metrics === undefined)) {
      return say(404, { error: "only /status and /healthz" });
    }
    if (!isOpen(path)) return say(401, { error: "not without a session; on this machine itself it is open" });
    if (path === "/healthz") return say(200, { ok: true });
    try {
      if (path === "/status") return say(200, status());
      return answerText(response, metrics!(), isHead);
    } catch {
      return say(500, { error: "the status could not be told" });
    }
  };
}

/** For whoever may open the socket, which is the agent's own user. */
function onSocket(options: StatusServerOptions): Handler {
  const read = readOnly(options, () => true);
  return (request, response) => {
    if (request.method !== "POST" || options.ask === undefined) return read(request, response);
    const parts: Buffer[] = [];
    let bytes = 0;
    request.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes <= MOST_ASKED_BYTES) parts.push(part);
    });
    return void request.on("end", () => {
      const asked = bytes > MOST_ASKED_BYTES ? undefined : askedWith(options, request.url ?? "", parts);
      answer(response, asked?.code ?? 404, asked?.body ?? { error: "no such thing" }, false);
    });
  };
}

function askedWith({ ask }: StatusServerOptions, path: string, parts: readonly Buffer[]): Asked | undefined {
  try {
    const body = JSON.parse(Buffer.concat(parts).toString("utf8") || "{}") as Readonly<Record<string, unknown>>;
    return typeof body === "object" && body !== null ? ask?.(path, body) : undefined;
  } catch {
    return { code: 400, body: { error: "not JSON, or a defect" } };
  }
}

function onPort(options: StatusServerOptions, host: string): Handler {
  const isLocal = isLoopback(host);
  const read = readOnly(options, (path) => isForAll(path, isLocal));
  return (request, response) => {
    if (!isOwnHost(request.headers.host, host)) {
      request.resume();
      return answer(response, 403, { error: "Host is not this agent" }, request.method === "HEAD");
    }
    return options.page?.(request, response) === true ? undefined : read(request, response);
  };
}

function createLimited(handler: Handler, tls?: StatusServerOptions["tls"]): Server {
  const options = { ...LIMITS, connectionsCheckingInterval: 2_000 };
  const server = tls === undefined ? createServer(options, handler)
    : createSecureServer({ ...options, ...tls, minVersion: "TLSv1.2" }, handler);
  server.maxConnections = MAX_CONNECTIONS;
  server.on("clientError", (_error, socket) => socket.destroy());
  return server;
}

type ListenOptions = { readonly path: string } | { readonly host: string; readonly port: number };

function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      server.on("error", () => {}); // an accept that fails (too many open files) is the client's loss alone
      resolve();
    });
  });
}

/** Whether somebody answers on the socket; a file that an agent left behind when it was killed does not. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    const done = (alive: boolean): void => {
      probe.destroy();
      resolve(alive);
    };
    probe.once("connect", () => done(true));
    probe.once("error", () => done(false));
  });
}

async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new Error(`stateDir: the socket's path ${path} is longer than ${MAX_SOCKET_PATH_BYTES} bytes`);
  }
  try {
    await listen(server, { path });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    if (await isAlive(path)) throw new Error(`another agent is running on ${path}`);
    unlinkSync(path);
    await listen(server, { path });
  }
  chmodSync(path, 0o600);
}

async function listenOnPort(server: Server, at: HostPort): Promise<void> {
  try {
    await listen(server, at);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "EADDRINUSE" ? "the port is in use" : code ?? String(error);
    throw new Error(`http: cannot listen on ${at.host} port ${at.port}: ${why}`);
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve()); // also removes the socket's file
    server.closeAllConnections();
  });
}

export function createStatusServer(options: StatusServerOptions): StatusServer {
  const { http, stateDir, tls } = options;
  const local = createLimited(onSocket(options));
  const open = http && createLimited(onPort(options, http.host), tls);
  return {
    async start(): Promise<void> {
      await listenOnSocket(local, socketPath(stateDir));
      if (open && http) await listenOnPort(open, http);
    },
    async stop(): Promise<void> {
      await Promise.all([local, open].map((server) => (server?.listening ? close(server) : undefined)));
    },
    address(): HostPort | undefined {
      if (!open?.listening) return undefined;
      const { address, port } = open.address() as AddressInfo;
      return { host: address, port };
    },
  };
}
