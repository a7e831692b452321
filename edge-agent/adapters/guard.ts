/**
 * Guard mode: frames are passed on one by one, each exactly as it came, so that a policy can hold one back and the
 * agent can add one of its own between two messages. Without a policy it is the splice with one ability more.
 *
 * A message held back leaves a hole in the receiver's compression context (RFC 7692, 7.2): from then on the messages of
 * that direction go out uncompressed, which every receiver must take, until the station reconnects.
 */
import { randomBytes } from "node:crypto";
import type { Direction } from "../../models/terms.ts";
import { FrameCutter } from "../observe/frame-cutter.ts";
import type { FramePart } from "../observe/frame-cutter.ts";
import type { GuardPolicy, HeldBack } from "../observe/guard-policy.ts";
import type { Lane, Outlet } from "./pump.ts";
import type { Tap } from "./tap.ts";

export interface GuardContext {
  readonly policy: GuardPolicy | undefined;
  /** Largest message that is held until it is whole, bytes as they came; a larger one passes unjudged. */
  readonly holdBytes: number;
  /** Directions whose compressed messages build on those before. */
  readonly takeover: Readonly<Record<Direction, boolean>>;
  readonly heldBack: (direction: Direction, held: HeldBack) => void;
  /** Messages that passed though a policy is there: too large, binary or not to be read. */
  readonly unjudged: () => void;
  /** The connection cannot go on: what comes could not be made sense of by the receiver. */
  readonly drop: (why: string) => void;
}

const TEXT = 1;
const BINARY = 2;
const FIRST_CONTROL = 8;
/** What may wait to be added, messages, until one ends or the receiver reads; more is a CSMS that never listens. */
const MOST_WAITING = 64;

export const opposite = (direction: Direction): Direction =>
  direction === "cp-to-csms" ? "csms-to-cp" : "cp-to-csms";

export class Guard {
  readonly lanes: Readonly<Record<Direction, Lane>>;
  readonly #own: Readonly<Record<Direction, GuardLane>>;

  /** `tap`: reads both directions; its `whole` hook must be this guard's `whole`. */
  constructor(tap: Tap, context: GuardContext) {
    const answer = (direction: Direction, text: string): void => void this.send(opposite(direction), text);
    const laneOf = (direction: Direction): GuardLane => new GuardLane(direction, tap, context, answer);
    this.lanes = this.#own = { "cp-to-csms": laneOf("cp-to-csms"), "csms-to-cp": laneOf("csms-to-cp") };
  }

  /** A whole data message, inflated, in the tick in which its last byte was read. */
  readonly whole = (direction: Direction, payload: Uint8Array): void => this.#own[direction].whole(payload);

  /** Adds a text message of the agent's own, before the next message of that direction; false when it cannot. */
  send(direction: Direction, text: string): boolean {
    return this.#own[direction].add(text);
  }
}

class GuardLane implements Lane {
  readonly cuts: boolean;
  readonly #direction: Direction;
  readonly #tap: Tap;
  readonly #context: GuardContext;
  readonly #answer: (direction: Direction, text: string) => void;
  readonly #cutter = new FrameCutter();
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  /** Where the message under way goes: nowhere yet, or straight on. */
  #state: "between" | "holding" | "passing" = "between";
  /** Views of the piece that is being read, behind the first `#ownHeld`, which are copies. */
  #held: Uint8Array[] = [];
  #ownHeld = 0;
  #heldBytes = 0;
  /** The message under way is compressed. */
  #compressed = false;
  #opcode = TEXT;
  /** From a message that was held back on: the receiver's context lacks it. */
  #plain = false;
  #payload: Uint8Array | undefined;
  #waiting: string[] = [];
  #outlet: Outlet | undefined;

  constructor(
    direction: Direction, tap: Tap, context: GuardContext, answer: (direction: Direction, text: string) => void,
  ) {
    this.cuts = context.policy !== undefined;
    this.#direction = direction;
    this.#tap = tap;
    this.#context = context;
    this.#answer = answer;
  }

  open(outlet: Outlet): void {
    this.#outlet = outlet;
  }

  drained(): void {
    this.#addWaiting();
  }

  push(chunk: Buffer): void {
    if (!this.cuts) return this.#out(chunk);
    const cut = this.#cutter.push(chunk, this.#take);
    if (cut < chunk.length) this.#passRest(chunk.subarray(cut));
    this.#keepHeld();
    this.#addWaiting();
  }

  passed(chunk: Buffer): void {
    if (this.cuts) return;
    this.#cutter.push(chunk, this.#follow);
    this.#tap.push(this.#direction, chunk);
    this.#addWaiting();
  }

  end(): void {
    if (!this.cuts) return;
    this.#release();
    this.#out(this.#cutter.takeHead());
  }

  whole(payload: Uint8Array): void {
    this.#payload = payload;
  }

  add(text: string): boolean {
    if (this.#outlet === undefined || this.#cutter.lost || this.#waiting.length >= MOST_WAITING) return false;
    this.#waiting.push(text);
    this.#addWaiting();
    return true;
  }

  /** Only where messages begin and end, for what is to be added between them. */
  readonly #follow = (part: FramePart): void => {
    if (part.code >= FIRST_CONTROL) return;
    this.#state = part.ends && part.fin ? "between" : "passing";
  };

  readonly #take = (part: FramePart): void => {
    if (part.code >= FIRST_CONTROL) {
      this.#out(part.bytes);
      this.#tap.push(this.#direction, part.bytes);
      return;
    }
    if (part.begins && part.code !== 0) this.#beginMessage(part);
    if (this.#state === "holding") this.#hold(part);
    else {
      this.#out(part.bytes);
      this.#tap.push(this.#direction, part.bytes);
    }
    if (!part.ends || !part.fin) return;
    if (this.#state === "holding") this.#settle();
    this.#state = "between";
    this.#addWaiting();
  };

  #beginMessage({ code, rsv1, payloadBytes }: FramePart): void {
    this.#opcode = code;
    this.#compressed = rsv1;
    this.#payload = undefined;
    const concerns = code === TEXT || (this.#plain && rsv1);
    this.#state = concerns && payloadBytes <= this.#context.holdBytes ? "holding" : "passing";
    if (this.#state === "passing") this.#passing();
  }

  #hold(part: FramePart): void {
    this.#held.push(part.bytes);
    this.#heldBytes += part.bytes.length;
    this.#tap.push(this.#direction, part.bytes);
    if (this.#heldBytes <= this.#context.holdBytes) return;
    this.#release();
    this.#state = "passing";
    this.#passing();
  }

  /** A message goes on unjudged. What was compressed cannot: its receiver's context has a hole. */
  #passing(): void {
    if (this.#opcode === TEXT) this.#context.unjudged();
    if (this.#plain && this.#compressed) this.#context.drop("a message too large to be sent on uncompressed");
  }

  #settle(): void {
    const held = this.#judge();
    if (held !== undefined) {
      this.#forget();
      if (this.#compressed && this.#context.takeover[this.#direction]) this.#plain = true;
      this.#context.heldBack(this.#direction, held);
      if (held.answer !== undefined) this.#answer(this.#direction, held.answer);
      return;
    }
    if (!this.#plain || !this.#compressed) return this.#release();
    this.#forget();
    if (this.#payload === undefined) this.#context.drop("a compressed message that could not be read");
    else this.#out(encodeFrame(this.#direction, this.#opcode === BINARY ? BINARY : TEXT, this.#payload));
  }

  #judge(): HeldBack | undefined {
    if (this.#opcode !== TEXT) return undefined;
    try {
      if (this.#payload !== undefined) {
        return this.#context.policy?.(this.#direction, this.#decoder.decode(this.#payload));
      }
    } catch {
      // Text that is no UTF-8, or a defect of the policy: the message passes.
    }
    this.#context.unjudged();
    return undefined;
  }

  #release(): void {
    for (const bytes of this.#held) this.#out(bytes);
    this.#forget();
  }

  #forget(): void {
    this.#held = [];
    this.#ownHeld = 0;
    this.#heldBytes = 0;
  }

  /** Most messages come whole. What is held beyond its piece is copied, or it would keep all of that in memory. */
  #keepHeld(): void {
    for (; this.#ownHeld < this.#held.length; this.#ownHeld++) {
      this.#held[this.#ownHeld] = Uint8Array.prototype.slice.call(this.#held[this.#ownHeld]);
    }
  }

  #passRest(bytes: Uint8Array): void {
    this.#release();
    this.#out(this.#cutter.takeHead());
    this.#out(bytes);
    this.#tap.push(this.#direction, bytes);
  }

  #addWaiting(): void {
    if (this.#waiting.length === 0 || this.#state !== "between" || !this.#cutter.between) return;
    if (this.#outlet?.isFull === true) return;
    for (const text of this.#waiting.splice(0)) {
      this.#out(encodeFrame(this.#direction, TEXT, new TextEncoder().encode(text)));
    }
  }

  #out(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#outlet?.write(bytes);
  }
}

/** One whole frame (RFC 6455, 5.2), masked on the way to the CSMS. */
function encodeFrame(direction: Direction, opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const mask = direction === "cp-to-csms" ? randomBytes(4) : undefined;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = 0x80 | opcode;
  head[1] = (mask === undefined ? 0 : 0x80) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(length, 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (mask === undefined) return Buffer.concat([head, payload]);
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ (mask[i & 3] as number))]);
}
