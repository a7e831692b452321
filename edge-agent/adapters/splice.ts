/**
 * The in-line observer. The charger connects here; the agent dials the CSMS, passes the upgrade request and its answer
 * as they are, and joins the two sockets. A copy of the bytes is parsed after they have been written; nothing that
 * happens there can touch the traffic.
 */
import { createServer as createTcpServer } from "node:net";
import type { Server, Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Direction, OcppVersion } from "../../models/terms.ts";
import type { Address } from "../config-schema.ts";
import type { GuardPolicy, HeldBack } from "../observe/guard-policy.ts";
import type { AgentEvent } from "../ports.ts";
import { createDialler } from "./dial.ts";
import type { CsmsTls } from "./dial.ts";
import { endpointOf } from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import { createCounters, snapshot } from "./forward-stats.ts";
import type { Counters, ForwarderStats } from "./forward-stats.ts";
import { fieldValue } from "./http-head.ts";
import type { Head } from "./http-head.ts";
import { heldAddress, type Incoming } from "./incoming.ts";
import { parseExtensions } from "./inflate.ts";
import { listenError } from "./listen-error.ts";
import { RateLimitedNotices } from "./notices.ts";
import { pump } from "./pump.ts";
import { Guard, opposite } from "./guard.ts";
import { createTap, TAP_LIMITS } from "./tap.ts";
import type { Negotiated, Tap, TapContext, TapLimits } from "./tap.ts";
import { type Latest, MIN_TLS, renewContext } from "./tls-reload.ts";
import { refuse, upgrade } from "./upgrade.ts";
import type { Upgraded, UpgradeContext, UpgradeLimits } from "./upgrade.ts";
import { WaitingRoom } from "./waiting-room.ts";

export interface ListenTls {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** PEM of the authorities that sign chargers' certificates; given: a charger must show one. */
  readonly ca?: string;
}

export interface ForwarderLimits extends TapLimits, UpgradeLimits {
  /** Connections not upgraded yet: see WaitingRoom. */
  readonly preUpgrade: number;
  readonly connections: number;
  /** See PumpOptions. */
  readonly lingerMs: number;
  readonly stallMs: number;
}

export const FORWARDER_LIMITS: ForwarderLimits = {
  ...TAP_LIMITS, headBytes: 16_384, headersTimeoutMs: 10_000, dialTimeoutMs: 10_000, answerTimeoutMs: 60_000,
  bodyIdleMs: 10_000,
  preUpgrade: 32, connections: 1_024, lingerMs: 10_000, stallMs: 300_000,
};

export interface ForwarderOptions {
  /** Where the charger connects; secure with `tls`. Its path is of no account. */
  readonly listen: Address;
  /** The charger's own path and query follow its path. */
  readonly csms: Address;
  readonly tls?: Latest<ListenTls>;
  readonly csmsTls?: Latest<CsmsTls>;
  /** Guard mode: frames are passed on one by one, and what the policy (there may be none) says is held back. */
  readonly guard?: { readonly policy?: GuardPolicy; readonly heldBack: (held: HeldBack) => void };
  /** Where connections come from when the forwarder is not to bind `listen` itself. */
  readonly incoming?: Incoming;
  /** Reads no frame and tells of none: a plain relay. */
  readonly plain?: true;
  readonly limits?: Partial<ForwarderLimits>;
  /** Monotonic milliseconds, for the parser's budget and the pace of notices. */
  readonly monoMs?: () => number;
}

export interface Forwarder {
  /** Rejects with an Error of one line that names `listen`, what was found and what to do. */
  start(): Promise<{ readonly address: string; readonly port: number }>;
  /** Closes the listening socket and drops every connection; no event comes after it. */
  stop(): Promise<void>;
  stats(): ForwarderStats;
  /** Of a plain relay: drops the connections on which nothing passed for so long. To reconnect then loses nothing. */
  letGo(quietMs: number): void;
}

/** As many failures in a row turn the tap off: one odd frame does not, a broken pipeline does. */
const MAX_TAP_ERRORS_IN_A_ROW = 20;
const KEEP_ALIVE_MS = 30_000;

/** A map and no object: `constructor` is a subprotocol that anyone can ask for. */
const OCPP_VERSIONS: ReadonlyMap<string, OcppVersion> =
  new Map([["ocpp1.6", "1.6"], ["ocpp2.0.1", "2.0.1"], ["ocpp2.1", "2.1"]]);

const NO_TAP: Tap = { push: () => undefined, close: () => undefined, closeCode: () => 1006 };

/** Throws an Error of one line that names the key when the options make no sense. */
export function createForwarder(
  options: ForwarderOptions, onEvent: (event: AgentEvent) => void, notice: (text: string) => void,
): Forwarder {
  return new SpliceForwarder(options, onEvent, notice);
}

class SpliceForwarder implements Forwarder {
  readonly #listen: Endpoint;
  readonly #limits: ForwarderLimits;
  readonly #monoMs: () => number;
  readonly #onEvent: (event: AgentEvent) => void;
  readonly #notices: RateLimitedNotices;
  readonly #guard: ForwarderOptions["guard"];
  readonly #upgradeContext: UpgradeContext;
  readonly #server: Server;
  readonly #counters: Counters = createCounters();
  readonly #incoming: Incoming | undefined;
  readonly #plain: boolean;
  readonly #sockets = new Set<Socket>();
  /** Of a plain relay: chargers that are joined to the CSMS, and when something passed last, monotonic. */
  readonly #lastAt = new Map<Socket, number>();
  /** Connections before their upgrade, oldest first. */
  readonly #waiting = new WaitingRoom();
  /** Ends of connections that are still to come. */
  readonly #serving = new Set<Promise<void>>();
  #errorsInARow = 0;

  constructor(options: ForwarderOptions, onEvent: (event: AgentEvent) => void, notice: (text: string) => void) {
    this.#listen = endpointOf(options.listen);
    const csms = endpointOf(options.csms);
    this.#guard = options.guard;
    this.#incoming = options.incoming;
    this.#plain = options.plain === true;
    const limits = this.#limits = { ...FORWARDER_LIMITS, ...options.limits };
    this.#monoMs = options.monoMs ?? (() => performance.now());
    this.#onEvent = onEvent;
    const notices = this.#notices = new RateLimitedNotices(notice, this.#monoMs);
    this.#upgradeContext = {
      csms, limits, notices, dialler: createDialler(csms, options.csmsTls ?? {}, limits.dialTimeoutMs),
      requested: (charger) => this.#waiting.requested(charger),
      adopt: (socket) => this.#adopt(socket),
      refused: () => {
        this.#counters.refused += 1;
      },
    };
    this.#server = createListener(this.#listen, options.tls, limits.headersTimeoutMs);
    this.#server.maxConnections = limits.connections;
    this.#server.on("connection", (socket: Socket) => this.#adopt(socket));
    this.#server.on(this.#listen.secure ? "secureConnection" : "connection", (socket: Socket) => {
      const serving = this.#serve(socket).finally(() => this.#serving.delete(serving));
      this.#serving.add(serving);
    });
    this.#server.on("tlsClientError", (error: Error) =>
      notices.say("listen-tls", `listen: a TLS handshake on ${this.#listen.text} failed (${error.message})`));
  }

  start(): Promise<{ readonly address: string; readonly port: number }> {
    const { host, port } = this.#listen;
    const incoming = this.#incoming;
    if (incoming?.kind === "accepted") {
      incoming.onSocket((socket) => {
        if (this.#sockets.size < 2 * this.#limits.connections) this.#server.emit("connection", socket);
        else socket.destroy();
      });
      return Promise.resolve(this.#bound(incoming));
    }
    const held = incoming?.fd;
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => reject(listenError(this.#listen, error, held));
      this.#server.once("error", failed).listen(held === undefined ? { host, port } : { fd: held }, () => {
        this.#server.off("error", failed);
        // Out of file descriptors, say: those who are connected stay so.
        this.#server.on("error", (error) => this.#notices.say("listen", `listen: ${error.message}`));
        const at = this.#server.address();
        if (at === null || typeof at === "string") return reject(listenError(this.#listen, new Error("no TCP"), held));
        resolve(this.#bound({ host: at.address, port: at.port }));
      });
    });
  }

  /** As chargers find it. A socket that was handed over counts, whatever the configuration says. */
  #bound({ host, port }: { readonly host: string; readonly port: number }): { address: string; port: number } {
    if (this.#incoming === undefined) return { address: endpointOf({ ...this.#listen, port }).text, port };
    const { address, differs } = heldAddress(this.#listen, { host, port });
    if (differs !== undefined) this.#notices.say("listen-held", differs);
    return { address, port };
  }

  letGo(quietMs: number): void {
    const since = this.#monoMs() - quietMs;
    for (const [charger, at] of this.#lastAt) if (at <= since) charger.destroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await Promise.all(this.#serving);
  }

  stats(): ForwarderStats {
    let bufferedBytes = 0;
    for (const { readableLength, writableLength } of this.#sockets) bufferedBytes += readableLength + writableLength;
    return snapshot(this.#counters, bufferedBytes);
  }

  #adopt(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined); // `close` follows, and is what counts
    socket.on("close", () => this.#sockets.delete(socket));
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
  }

  /** One connection of a charger from its first byte to its last. */
  async #serve(charger: Socket): Promise<void> {
    if (this.#listen.secure) this.#adopt(charger);
    if (!this.#waiting.enter(charger, this.#limits.preUpgrade)) {
      this.#counters.refused += 1;
      return refuse(charger, 503, "too many connections wait for the CSMS");
    }
    const upgraded = await upgrade(charger, this.#upgradeContext);
    this.#waiting.leave(charger);
    if (upgraded !== undefined) await this.#join(charger, upgraded);
  }

  async #join(charger: Socket, upgraded: Upgraded): Promise<void> {
    const { csms, first, head, tlsPeerSha256 } = upgraded;
    const { lingerMs, stallMs } = this.#limits;
    const { remoteAddress } = charger;
    this.#counters.now += 1;
    this.#counters.total += 1;
    this.#emit({ kind: "link", state: "connect", ...(remoteAddress === undefined ? {} : { remoteAddress }),
      ...(tlsPeerSha256 === undefined ? {} : { tlsPeerSha256 }) });
    const negotiated = negotiatedBy(head);
    const tapContext: TapContext = {
      limits: this.#limits, counters: this.#counters, monoMs: this.#monoMs,
      emit: (event) => this.#emit(event), notice: (kind, text) => this.#notices.say(kind, text),
    };
    const guarded = this.#guard === undefined ? undefined
      : this.#stand(this.#guard, negotiated, tapContext, () => void csms.destroy());
    const tap = this.#plain ? NO_TAP : guarded?.tap ?? createTap(negotiated, tapContext);
    if (this.#plain) this.#lastAt.set(charger, this.#monoMs());
    await pump(charger, csms, first, { lingerMs, stallMs, ...(guarded !== undefined && { lanes: guarded.lanes }),
      seen: (direction, chunk, delayUs) => {
        this.#counters.bytes[direction] += chunk.length;
        this.#counters.delay.add(delayUs);
        if (this.#plain) this.#lastAt.set(charger, this.#monoMs());
        else if (guarded === undefined) this.#observe(tap, direction, chunk);
        else guarded.tell();
      } });
    tap.close();
    this.#lastAt.delete(charger);
    this.#counters.now -= 1;
    this.#emit({ kind: "link", state: "disconnect", closeCode: tap.closeCode() });
  }

  /** Guard mode of one connection: the tap reads first, and what it read is told when it has been written. */
  #stand(
    { policy, heldBack }: NonNullable<ForwarderOptions["guard"]>, negotiated: Negotiated, context: TapContext,
    drop: () => void,
  ) {
    const untold: (() => void)[] = [];
    const emit = (event: AgentEvent): void => void untold.push(() => this.#emit(event));
    const inner = createTap(negotiated, { ...context, emit,
      ...(policy !== undefined && { whole: (...what) => guard.whole(...what) }) });
    const tap: Tap = { ...inner, push: (direction, bytes) => this.#observe(inner, direction, bytes) };
    const { extensions } = negotiated;
    const deflate = extensions.kind === "deflate" ? extensions.parameters : undefined;
    const guard: Guard = new Guard(tap, {
      policy, holdBytes: this.#limits.messageBytes,
      takeover: { "cp-to-csms": deflate?.clientNoContextTakeover === false,
        "csms-to-cp": deflate?.serverNoContextTakeover === false },
      heldBack: (direction, held) => void untold.push(() => {
        heldBack(held);
        // What the sender hears ends the call, also for whoever observes: nobody else will answer it.
        if (held.answer !== undefined) this.#emit({ kind: "frame", direction: opposite(direction), text: held.answer });
      }),
      unjudged: () => {
        this.#counters.unjudged += 1;
      },
      drop: (why) => {
        this.#notices.say("guard-drop", `guard: a connection was dropped after a message was held back: ${why}`);
        drop();
      },
    });
    return { tap, lanes: guard.lanes, tell: () => untold.splice(0).forEach((tell) => tell()) };
  }

  /** Runs on the path of the data, behind each write: nothing may escape. */
  #observe(tap: Tap, direction: Direction, chunk: Uint8Array): void {
    if (this.#counters.tapDisabled) return;
    try {
      tap.push(direction, chunk);
    } catch (error) {
      tap.close();
      this.#tapFailed(error);
    }
  }

  #emit(event: AgentEvent): void {
    if (this.#counters.tapDisabled) return;
    try {
      this.#onEvent(event);
      this.#errorsInARow = 0;
    } catch (error) {
      this.#tapFailed(error);
    }
  }

  #tapFailed(error: unknown): void {
    this.#counters.tapErrors += 1;
    this.#errorsInARow += 1;
    this.#notices.say("tap", `observing failed (${String(error)}); traffic is not affected`);
    if (this.#errorsInARow < MAX_TAP_ERRORS_IN_A_ROW) return;
    this.#counters.tapDisabled = true;
    this.#notices.say("tap-off", `observing is off after ${MAX_TAP_ERRORS_IN_A_ROW} failures in a row: frames pass ` +
      "unread until the agent is started again");
  }
}

function createListener(listen: Endpoint, latest: Latest<ListenTls> | undefined, handshakeTimeout: number): Server {
  const tls = typeof latest === "function" ? latest() : latest;
  // Half-open: the end of one side is passed on as it is, and what the other still has to say comes through.
  if (!listen.secure && tls === undefined) return createTcpServer({ allowHalfOpen: true });
  if (!listen.secure) throw new Error(`listen: found ${listen.text} together with tls; allowed: wss:// with tls`);
  if (tls === undefined) throw new Error(`listen: found ${listen.text} without tls; give tls.cert and tls.key`);
  const mutual = tls.ca === undefined ? {} : { ca: tls.ca, requestCert: true, rejectUnauthorized: true };
  try {
    const server = createTlsServer({ allowHalfOpen: true, minVersion: MIN_TLS, handshakeTimeout,
      cert: tls.cert, key: tls.key, ...mutual });
    if (typeof latest === "function") renewContext(server, latest);
    return server;
  } catch (error) {
    throw new Error(`tls: found cert, key or ca that OpenSSL refuses (${(error as Error).message}); allowed: PEM`);
  }
}

function negotiatedBy(head: Head): Negotiated {
  const extensions = parseExtensions(fieldValue(head, "sec-websocket-extensions"));
  const ocppVersion = OCPP_VERSIONS.get(fieldValue(head, "sec-websocket-protocol").toLowerCase());
  return ocppVersion === undefined ? { extensions } : { extensions, ocppVersion };
}
