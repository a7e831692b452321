/**
 * The parsed copy of one connection: bytes of both directions in, events out, in the same tick. It works on copies and
 * within limits of memory and bytes a second; past them it counts, says so and goes on, and traffic never notices.
 */
import type { Direction, OcppVersion, Oddity } from "../../models/terms.ts";
import { FrameReader } from "../observe/websocket.ts";
import type { WireEvent } from "../observe/websocket.ts";
import type { AgentEvent } from "../ports.ts";
import type { Counters } from "./forward-stats.ts";
import { MessageInflater } from "./inflate.ts";
import type { Extensions } from "./inflate.ts";

export interface TapLimits {
  /** Largest message that is parsed, bytes of text. A frame of 1 MB is still honest; 2 MB passes unparsed. */
  readonly messageBytes: number;
  /** Largest compressed message that is held for inflation, bytes. */
  readonly compressedBytes: number;
  /** Largest message that is inflated for the sense of those after it, bytes: stops a decompression bomb. */
  readonly inflatedBytes: number;
  /** What the parser takes in a second and direction, bytes: stops a flood from taking the processor. */
  readonly budgetBytesPerS: number;
}

export const TAP_LIMITS: TapLimits = {
  messageBytes: 1 << 20, compressedBytes: 4 << 20, inflatedBytes: 16 << 20, budgetBytesPerS: 4 << 20,
};

export interface TapContext {
  readonly limits: TapLimits;
  readonly counters: Counters;
  readonly monoMs: () => number;
  /** Guarded by the caller: never throws. */
  readonly emit: (event: AgentEvent) => void;
  /**
   * Sees each whole data message that could be read, inflated, before it becomes an event; a view for this call. Where
   * it is given, messages over the budget are read for it all the same, and become no event: no flood hides an order.
   */
  readonly whole?: (direction: Direction, payload: Uint8Array) => void;
  /** One line for the operator, at most now and then for each `kind`. */
  readonly notice: (kind: string, text: string) => void;
}

export interface Negotiated {
  readonly ocppVersion?: OcppVersion;
  readonly extensions: Extensions;
}

export interface Tap {
  push(direction: Direction, bytes: Uint8Array): void;
  /** Stops reading, for good. */
  close(): void;
  /** As an endpoint would report it (RFC 6455, 7.1.5): 1005 a close frame without code, 1006 no close frame. */
  closeCode(): number;
}

/** RFC 6455, 7.4.1: reserved for what is seen and never sent. */
const NO_CODE = 1005;
const NO_CLOSE_FRAME = 1006;

export function createTap(negotiated: Negotiated, context: TapContext): Tap {
  const { extensions } = negotiated;
  let closeCode: number | undefined;
  const sawClose = (code: number): void => {
    closeCode ??= code;
  };
  const deflate = extensions.kind === "deflate" ? extensions.parameters : undefined;
  const tapOf = (direction: Direction, noTakeover: boolean | undefined): DirectionTap =>
    new DirectionTap(direction, noTakeover === undefined ? undefined : !noTakeover, negotiated, context, sawClose);
  const taps: Record<Direction, DirectionTap> = {
    "cp-to-csms": tapOf("cp-to-csms", deflate?.clientNoContextTakeover),
    "csms-to-cp": tapOf("csms-to-cp", deflate?.serverNoContextTakeover),
  };
  if (extensions.kind === "unknown") {
    for (const tap of Object.values(taps)) tap.goBlind("not-a-frame", `unknown extension ${extensions.name}`);
  }
  return {
    push: (direction, bytes) => taps[direction].push(bytes),
    close: () => Object.values(taps).forEach((tap) => tap.close()),
    closeCode: () => closeCode ?? NO_CLOSE_FRAME,
  };
}

/** Frames cost work beside their bytes: a flood of empty ones is a flood. */
const FRAME_COST_BYTES = 256;
/** Events for messages that were not parsed, a second and direction; more are only counted. */
const UNPARSED_PER_S = 20;

class DirectionTap {
  readonly #direction: Direction;
  readonly #negotiated: Negotiated;
  readonly #context: TapContext;
  readonly #sawClose: (code: number) => void;
  readonly #reader: FrameReader;
  readonly #inflater: MessageInflater | undefined;
  readonly #budget: ByteBudget;
  readonly #unparsedBudget: ByteBudget;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #blind = false;
  #closed = false;
  /** Some frame of the message under way was over the budget. */
  #overBudget = false;

  /** `takeover`: whether compressed messages build on those before; undefined when compression was not agreed. */
  constructor(
    direction: Direction, takeover: boolean | undefined, negotiated: Negotiated, context: TapContext,
    sawClose: (code: number) => void,
  ) {
    const { limits, monoMs } = context;
    this.#direction = direction;
    this.#negotiated = negotiated;
    this.#context = context;
    this.#sawClose = sawClose;
    this.#budget = new ByteBudget(limits.budgetBytesPerS, monoMs);
    this.#unparsedBudget = new ByteBudget(UNPARSED_PER_S, monoMs);
    this.#reader = new FrameReader({
      deflate: takeover !== undefined, maxMessageBytes: limits.messageBytes,
      maxCompressedBytes: limits.compressedBytes,
      admit: (bytes) => this.#budget.take(bytes + FRAME_COST_BYTES) || this.#passOver(),
    });
    if (takeover === undefined) return;
    this.#inflater = new MessageInflater(takeover,
      { maxParsedBytes: limits.messageBytes, maxInflatedBytes: limits.inflatedBytes });
  }

  push(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#reader.push(bytes, this.#take);
  }

  close(): void {
    this.#closed = true;
    if (this.#blind) this.#context.counters.blind[this.#direction] -= 1;
    this.#blind = false;
  }

  /** Nothing (or nothing compressed) can be read in this direction until the station reconnects. */
  goBlind(oddity: Oddity, why: string): void {
    this.#unparsed(oddity, why);
    if (this.#blind) return;
    this.#blind = true;
    this.#context.counters.blind[this.#direction] += 1;
    const way = this.#direction === "cp-to-csms" ? "from the station" : "from the CSMS";
    this.#context.notice(`blind ${this.#direction}`,
      `frames ${way} pass unread until the station reconnects: ${why}`);
  }

  readonly #take = (event: WireEvent): void => {
    if (event.kind === "protocol-error") return this.goBlind("not-a-frame", `WebSocket: ${event.detail}`);
    if (event.kind === "message" && event.opcode === "close") {
      return this.#sawClose(event.payload.length < 2 ? NO_CODE : closeCodeOf(event.payload));
    }
    if (event.opcode === "ping" || event.opcode === "pong") return;
    const overBudget = this.#overBudget;
    this.#overBudget = false;
    if (event.kind === "skipped") return this.#skipped(event);
    const { opcode, payload } = event;
    const bytes = event.compressed ? this.#inflate(payload) : payload;
    if (bytes === undefined) return;
    this.#context.whole?.(this.#direction, bytes);
    if (overBudget) return this.#unparsed("over-budget", `${bytes.length} bytes`);
    if (opcode === "binary") return this.#unparsed("binary", `${bytes.length} bytes`);
    this.#text(bytes);
  };

  /** Whether a frame over the budget is read all the same; its message becomes no event then. */
  #passOver(): boolean {
    this.#overBudget = this.#context.whole !== undefined;
    return this.#overBudget;
  }

  #skipped(event: WireEvent & { kind: "skipped" }): void {
    if (event.compressed) this.#inflater?.missed();
    if (event.compressed) this.#notInflated(event.reason, `${event.bytes} bytes, compressed`);
    else this.#unparsed(event.reason, `${event.bytes} bytes`);
  }

  #inflate(payload: Uint8Array): Uint8Array | undefined {
    const result = this.#inflater?.inflate(payload);
    if (result === undefined) return undefined;
    switch (result.kind) {
      case "whole":
        this.#budget.charge(result.bytes.length);
        return result.bytes;
      case "lost":
        this.#unparsed("bad-deflate", "an earlier message is missing from the compression's context");
        return undefined;
      case "too-large":
        this.#budget.charge(result.inflatedBytes);
        this.#notInflated(result.kind, `${result.inflatedBytes} bytes or more, inflated`);
        return undefined;
      case "bad-deflate":
        this.#notInflated(result.kind, result.detail);
        return undefined;
    }
  }

  /** One message went by unread; where later ones build on it, so do they. */
  #notInflated(oddity: Oddity, detail: string): void {
    if (this.#inflater?.lost === true) this.goBlind(oddity, detail);
    else this.#unparsed(oddity, detail);
  }

  #text(bytes: Uint8Array): void {
    let text: string;
    try {
      text = this.#decoder.decode(bytes);
    } catch {
      return this.#unparsed("bad-utf8", `${bytes.length} bytes`);
    }
    this.#context.counters.frames[this.#direction] += 1;
    const direction = this.#direction;
    const { ocppVersion } = this.#negotiated;
    this.#context.emit(ocppVersion === undefined
      ? { kind: "frame", direction, text }
      : { kind: "frame", direction, text, ocppVersion });
  }

  #unparsed(oddity: Oddity, detail: string): void {
    const { unparsed } = this.#context.counters;
    unparsed[oddity] = (unparsed[oddity] ?? 0) + 1;
    if (!this.#unparsedBudget.take(1)) return;
    this.#context.emit({ kind: "unparsed", direction: this.#direction, oddity, detail });
  }
}

function closeCodeOf(payload: Uint8Array): number {
  return ((payload[0] as number) << 8) | (payload[1] as number);
}

/** Holds one second's worth at most. May go into debt, and then gives nothing until that is paid. */
class ByteBudget {
  readonly #perS: number;
  readonly #monoMs: () => number;
  #tokens: number;
  #filledAt: number;

  constructor(perS: number, monoMs: () => number) {
    this.#perS = perS;
    this.#monoMs = monoMs;
    this.#tokens = perS;
    this.#filledAt = monoMs();
  }

  /** False, and nothing taken, when the bucket is empty. */
  take(amount: number): boolean {
    this.#fill();
    if (this.#tokens <= 0) return false;
    this.#tokens -= amount;
    return true;
  }

  /** For work that is done already: deepens a debt, else whoever is in debt could have any amount inflated for it. */
  charge(amount: number): void {
    this.#fill();
    this.#tokens -= amount;
  }

  #fill(): void {
    const now = this.#monoMs();
    this.#tokens = Math.min(this.#perS, this.#tokens + ((now - this.#filledAt) / 1000) * this.#perS);
    this.#filledAt = now;
  }
}
