/**
 * A live charging station for benches: speaks OCPP 1.6 or 2.0.1 over WebSocket, charges, comes back by itself after a
 * drop, and goes on with its transaction. What it could not deliver meanwhile follows later, as OCPP asks.
 */
import { RPCClient, createRPCError } from "ocpp-rpc";
import { rfc3339, type WallMs } from "../../models/units.ts";
import type { Message, SimVersion } from "../sim/capture.ts";
import { heartbeat, type BootReason, type Identity, type Sample, type StopReason,
  type Transaction } from "../sim/dialect.ts";
import { dialectOf } from "../sim/dialects.ts";
import { systemClock, type BenchClock } from "./bench-clock.ts";
import { answerOf } from "./station-answers.ts";
import { Waiters } from "./waiters.ts";

export interface BenchStationOptions {
  readonly id: string;
  readonly ocppVersion: SimVersion;
  /** Where it connects: `ws://host:port/prefix`; its id follows. */
  readonly url: string;
  /** HTTP Basic (security profiles 1 and 2). */
  readonly password?: string;
  /** For `wss:` addresses: whom to trust, and the station's own certificate (security profile 3). PEM. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
  readonly firmwareVersion?: string;
  /** The register of its own meter at the beginning, Wh. */
  readonly registerWh?: number;
  /** First pause before it tries again, ms; doubles up to ten times as much. Default 100. */
  readonly reconnectMs?: number;
  readonly clock?: BenchClock;
}

/** What flows at the moment: for the meter that the agent reads. */
export interface Flow {
  readonly evseId: number;
  readonly powerW: number;
  /** Since the station was made, Wh. Whatever the station reports, this has been delivered. */
  readonly deliveredWh: number;
}

export interface SessionOptions {
  readonly token: string;
  readonly powerW: number;
  readonly seconds: number;
  /** Default 1. */
  readonly evseId?: number;
  /** Seconds between readings. Default 1. */
  readonly sampleS?: number;
  /** What flows beyond what the transaction reports: 0.3 is 30 %. Default 0. */
  readonly meterAhead?: number;
  readonly stopReason?: StopReason;
  readonly onFlow?: (flow: Flow) => void;
  readonly signal?: AbortSignal;
}

export interface SessionResult {
  /** `Accepted`, or why nothing was charged; `offline` when nobody could be asked and the station trusted the card. */
  readonly authorization: string;
  readonly transactionId?: string;
  readonly billedWh: number;
  readonly deliveredWh: number;
}

/** An order from the CSMS, and whether the station knew it. */
export interface Order {
  readonly action: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly known: boolean;
}

type Reply = Readonly<Record<string, unknown>>;
type ClientOptions = ConstructorParameters<typeof RPCClient>[0];

const MAX_ORDERS = 1_000;
const MAX_BACKLOG = 10_000;
const CALL_TIMEOUT_MS = 10_000;
const HOUR_S = 3600;

function statusOf(reply: Reply | undefined): string {
  const info = (reply?.["idTagInfo"] ?? reply?.["idTokenInfo"]) as { status?: string } | undefined;
  return info?.status ?? "Accepted";
}

export class BenchStation {
  /** Orders received, oldest first. */
  readonly orders: Order[] = [];
  /** How often the link has come up. */
  connections = 0;
  private readonly options: BenchStationOptions;
  private readonly clock: BenchClock;
  private readonly dialect;
  private readonly closing = new AbortController();
  private readonly events = new Waiters<unknown>();
  private readonly client: RPCClient;
  private up = false;
  private connecting: Promise<void> | undefined;
  private registerWh: number;
  private deliveredWh = 0;
  private waiting = 0;
  private delivered: Promise<void> = Promise.resolve();

  constructor(options: BenchStationOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.dialect = dialectOf(options.ocppVersion);
    this.registerWh = options.registerWh ?? 100_000;
    this.client = this.makeClient();
  }

  /** Settles once connected, however long the other side is away. */
  async connect(): Promise<void> {
    this.connecting ??= this.tryToConnect().finally(() => {
      this.connecting = undefined;
    });
    await this.connecting;
  }

  get connected(): boolean {
    return this.up;
  }

  /** Settles when the link is up; at once when it is. */
  async whenConnected(): Promise<void> {
    if (!this.up) await this.events.next("up");
  }

  /** Settles when the link has gone down; at once when it is. */
  async whenDisconnected(): Promise<void> {
    if (this.up) await this.events.next("down");
  }

  /** Settles when the CSMS orders this next. */
  async nextOrder(action: string): Promise<Order> {
    return await this.events.next(`order ${action}`) as Order;
  }

  /** One call; the result, or undefined when the link is down, the call failed or was answered by an error. */
  async call(message: Message): Promise<Reply | undefined> {
    if (!this.up) return undefined;
    return await this.client.call(message.action, message.payload).catch(() => undefined) as Reply | undefined;
  }

  /** BootNotification and the state of each EVSE; the registration status. */
  async boot(reason: BootReason = "PowerUp", evses = 1): Promise<string> {
    const { id, firmwareVersion = "2.0.0" } = this.options;
    const identity: Identity = { vendor: "Simulated", model: "BENCH-1", serial: id.slice(0, 25), firmwareVersion };
    const reply = await this.call(this.dialect.boot(identity, reason));
    for (let evseId = 1; evseId <= evses; evseId++) {
      await this.call(this.dialect.status(evseId, "Available", this.stamp()));
    }
    return String(reply?.["status"] ?? "no answer");
  }

  async heartbeat(): Promise<void> {
    await this.call(heartbeat);
  }

  /** What the CSMS says of an idToken; `offline` when it cannot be asked. */
  async authorize(token: string): Promise<string> {
    const reply = await this.call(this.dialect.authorize(token));
    return reply === undefined ? "offline" : statusOf(reply);
  }

  /**
   * A whole visit: card, transaction, readings, end. Settles when its last message has been delivered. While the link
   * is down power flows on and messages wait.
   */
  async session(options: SessionOptions): Promise<SessionResult> {
    const { token, evseId = 1, stopReason = "Local" } = options;
    this.keep(() => this.dialect.status(evseId, "Preparing", this.stamp()));
    const authorization = await this.authorize(token);
    if (authorization !== "Accepted" && authorization !== "offline") {
      this.keep(() => this.dialect.status(evseId, "Available", this.stamp()));
      await this.delivered;
      return { authorization, billedWh: 0, deliveredWh: 0 };
    }
    const tx: Transaction = { evseId, token, uuid: crypto.randomUUID(), numericId: 0, seqNo: 0 };
    const [startWh, deliveredBefore] = [this.registerWh, this.deliveredWh];
    const begin = this.sample("Transaction.Begin", 0);
    const offline = !this.up;
    this.keep(() => this.dialect.started(tx, begin, offline), (reply) => {
      tx.numericId = Number(reply["transactionId"] ?? 0);
    });
    this.keep(() => this.dialect.status(evseId, "Charging", this.stamp()));
    if (this.dialect.version !== "1.6") {
      const closed = this.sample("Sample.Periodic", options.powerW);
      this.keep(() => this.dialect.stateChanged(tx, "Charging", closed) as Message);
    }
    await this.charge(tx, options);
    const end = this.sample("Transaction.End", 0);
    const endOffline = !this.up;
    this.keep(() => this.dialect.ended(tx, end, stopReason, endOffline));
    this.keep(() => this.dialect.status(evseId, "Available", this.stamp()));
    await this.delivered;
    return {
      authorization, transactionId: this.dialect.version === "1.6" ? String(tx.numericId) : tx.uuid,
      billedWh: Math.floor(this.registerWh) - Math.floor(startWh), deliveredWh: this.deliveredWh - deliveredBefore,
    };
  }

  /** Power flows without any transaction, and nobody is told. */
  async bypass(options: Omit<SessionOptions, "token" | "meterAhead">): Promise<void> {
    await this.flow(options, 0, () => {});
  }

  /** Leaves for good; what was not delivered is lost. */
  async close(): Promise<void> {
    this.closing.abort();
    this.up = false;
    this.events.tell("down", undefined);
    this.events.tell("up", undefined);
    await this.client.close({ code: 1000, reason: "bench over", force: true }).catch(() => {});
  }

  private async tryToConnect(): Promise<void> {
    while (!this.up && !this.closing.signal.aborted) {
      await this.client.connect().catch(() => {}); // the other side is away; the next try tells
      if (!this.up) await this.clock.wait(this.options.reconnectMs ?? 100, this.closing.signal);
    }
  }

  private async charge(tx: Transaction, options: SessionOptions): Promise<void> {
    await this.flow(options, 1 / (1 + (options.meterAhead ?? 0)), () => {
      const sample = this.sample("Sample.Periodic", options.powerW / (1 + (options.meterAhead ?? 0)));
      const offline = !this.up;
      this.keep(() => this.dialect.reading(tx, sample, offline));
    });
  }

  /** `billedShare`: how much of what flows reaches the station's own register. */
  private async flow(
    options: Omit<SessionOptions, "token">, billedShare: number, onStep: () => void,
  ): Promise<void> {
    const { powerW, seconds, evseId = 1, sampleS = 1, onFlow } = options;
    const signals = [this.closing.signal, ...(options.signal === undefined ? [] : [options.signal])];
    const stop = AbortSignal.any(signals);
    const startMs = this.clock.nowMs();
    onFlow?.({ evseId, powerW, deliveredWh: this.deliveredWh });
    for (let lastMs = startMs; lastMs < startMs + 1000 * seconds && !stop.aborted;) {
      await this.clock.wait(1000 * sampleS, stop);
      const nowMs = Math.min(this.clock.nowMs(), startMs + 1000 * seconds);
      const wh = (powerW * (nowMs - lastMs)) / 1000 / HOUR_S;
      lastMs = nowMs;
      this.deliveredWh += wh;
      this.registerWh += wh * billedShare;
      onFlow?.({ evseId, powerW, deliveredWh: this.deliveredWh });
      onStep();
    }
    onFlow?.({ evseId, powerW: 0, deliveredWh: this.deliveredWh });
  }

  private stamp(): string {
    return rfc3339(this.clock.nowMs() as WallMs);
  }

  private sample(context: Sample["context"], powerW: number): Sample {
    return { stamp: this.stamp(), context, registerWh: Math.floor(this.registerWh), powerW,
      currentA: Math.round((10 * powerW) / 230) / 10, voltageV: 230, inKwh: false };
  }

  /** Puts a message behind those that wait. It is tried again after a drop, not after an answer that is an error. */
  private keep(message: () => Message, onReply?: (reply: Reply) => void): void {
    if (this.waiting >= MAX_BACKLOG) return;
    this.waiting += 1;
    this.delivered = this.delivered.then(() => this.deliver(message, onReply)).finally(() => {
      this.waiting -= 1;
    });
  }

  private async deliver(message: () => Message, onReply?: (reply: Reply) => void): Promise<void> {
    const { action, payload } = message();
    while (!this.closing.signal.aborted) {
      await this.whenConnected();
      const before = this.connections;
      try {
        const reply = await this.client.call(action, payload);
        return onReply?.(reply as Reply);
      } catch {
        if (this.up && this.connections === before) return; // refused, or no answer in time
      }
    }
  }

  private makeClient(): RPCClient {
    const { id, url, ocppVersion, password, tls, reconnectMs = 100 } = this.options;
    const options: Partial<ClientOptions> = {
      identity: id, endpoint: url.replace(/\/$/, ""), protocols: [`ocpp${ocppVersion}`], reconnect: true,
      callTimeoutMs: CALL_TIMEOUT_MS, pingIntervalMs: 5_000, password: password ?? null, wsOpts: { ...tls },
      backoff: { initialDelay: reconnectMs, maxDelay: 10 * reconnectMs, factor: 2, randomisationFactor: 0.25 },
    };
    const client = new RPCClient(options as ClientOptions);
    client.handle(async ({ method = "", params = {} }) => this.obey(method, params));
    client.on("open", () => {
      this.up = !this.closing.signal.aborted;
      this.connections += 1;
      this.events.tell("up", undefined);
    });
    client.on("disconnect", () => {
      this.up = false;
      this.events.tell("down", undefined);
    });
    // ocpp-rpc gives up for good when an upgrade is answered without a subprotocol, as a starting proxy may do.
    client.on("close", () => {
      if (this.connections > 0) void this.connect();
    });
    return client;
  }

  private obey(action: string, payload: Readonly<Record<string, unknown>>): object {
    const answer = answerOf(this.options.ocppVersion, action);
    const order = { action, payload, known: answer !== undefined };
    if (this.orders.length < MAX_ORDERS) this.orders.push(order);
    this.events.tell(`order ${action}`, order);
    if (answer === undefined) throw createRPCError("NotImplemented", `unknown action ${action}`);
    return answer(payload);
  }
}
