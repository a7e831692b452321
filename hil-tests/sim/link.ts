/** The connection between a station and its CSMS as a wiretap sees it: calls, results, events; nothing while down. */
import type { Direction } from "../../models/terms.ts";
import type { WallMs } from "../../models/units.ts";
import { callItem, eventLine, resultItem, type CaptureItem, type Message, type Origin } from "./capture.ts";
import type { Dice } from "./dice.ts";
import type { Timeline } from "./timeline.ts";

/** A call and its answer. */
export interface Exchange {
  readonly from: "station" | "csms";
  /** A function where the content depends on earlier answers: evaluated when the call leaves. */
  readonly message: Message | (() => Message);
  readonly reply: object | (() => object);
  /** Station only: keep it while the link is down and send it afterwards (OCPP: transaction-related messages). */
  readonly keep?: boolean;
  /** BootNotification: nothing else may leave before it is accepted. */
  readonly boot?: boolean;
  readonly then?: () => void;
}

/** A station's memory for messages that wait is finite, too. */
const MAX_BACKLOG = 5_000;

export class Link {
  private state: "down" | "connected" | "open" = "down";
  /** Calls and results seen. */
  frames = 0;
  private readonly origin: Origin;
  private readonly timeline: Timeline<CaptureItem>;
  private readonly chance: Dice;
  private readonly backlog: Exchange[] = [];
  /** One call outstanding a direction (OCPP-J 1.6, 4.1.1): the next waits until then. */
  private readonly freeAt = { station: 0, csms: 0 };

  constructor(origin: Origin, timeline: Timeline<CaptureItem>, chance: Dice) {
    this.origin = origin;
    this.timeline = timeline;
    this.chance = chance;
  }

  /** Whether frames pass. */
  get up(): boolean {
    return this.state === "open";
  }

  /** Whether there is a socket, whatever may pass. */
  get connected(): boolean {
    return this.state !== "down";
  }

  send(exchange: Exchange): void {
    if (this.state === "open" || (this.state === "connected" && exchange.boot === true)) this.exchange(exchange);
    else if (exchange.keep === true && this.backlog.length < MAX_BACKLOG) this.backlog.push(exchange);
  }

  connect(remoteAddress: string, tlsPeerSha256: string): void {
    this.emitEvent("connect", this.timeline.now, { remoteAddress, tlsPeerSha256 });
    this.state = "connected";
    this.freeAt.station = this.freeAt.csms = this.timeline.now + this.chance.uniform(150, 900);
  }

  /** Frames pass from now on; what the outage left behind goes out first, oldest first. */
  open(): void {
    this.state = "open";
    for (const exchange of this.backlog.splice(0)) this.exchange(exchange);
  }

  disconnect(closeCode: number): void {
    if (this.state === "down") return;
    this.state = "down";
    const at = Math.max(this.timeline.now, this.freeAt.station, this.freeAt.csms);
    this.emitEvent("disconnect", Math.ceil(at) as WallMs, { closeCode });
  }

  private emitEvent(event: "connect" | "disconnect", at: WallMs, meta: object): void {
    this.timeline.emit(at, { stream: "ocpp", at, line: eventLine(this.origin.station, at, event, meta) });
  }

  private exchange({ from, message, reply, then }: Exchange): void {
    const { chance, origin } = this;
    const [there, back]: Direction[] = from === "station"
      ? ["cp-to-csms", "csms-to-cp"] : ["csms-to-cp", "cp-to-csms"];
    const calledAt = Math.round(Math.max(this.timeline.now, this.freeAt[from])) as WallMs;
    const answeredAt = Math.round(calledAt + Math.min(5_000, 15 + chance.logNormal(70, 0.6))) as WallMs;
    this.freeAt[from] = answeredAt + chance.uniform(5, 40);
    const id = from === "station" ? String(100_000 + this.frames) : chance.uuid();
    const call = typeof message === "function" ? message() : message;
    const result = typeof reply === "function" ? reply() : reply;
    this.frames += 2;
    this.timeline.emit(calledAt, callItem(origin, calledAt, there as Direction, id, call));
    this.timeline.emit(answeredAt, resultItem(origin, answeredAt, back as Direction, id, result));
    if (then !== undefined) this.timeline.schedule(answeredAt, then);
  }
}
