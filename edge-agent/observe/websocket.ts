/**
 * Reads one direction of a WebSocket connection from copies of its bytes: RFC 6455 clause 5 (framing, fragmentation)
 * and RFC 7692 clause 6 (RSV1). An observer and no endpoint: what both ends may tolerate (a wrong mask bit, a length
 * not in its shortest form) is read all the same, and only what leaves the meaning open ends the reading.
 */

export type Opcode = "text" | "binary" | "close" | "ping" | "pong";
/** `too-large`: over the limit for buffering. `over-budget`: `admit` said no. */
export type SkipReason = "too-large" | "over-budget";

export type WireEvent =
  /** A whole message, or a control frame. `payload` is unmasked and may be a view into the bytes that were pushed. */
  | { readonly kind: "message"; readonly opcode: Opcode; readonly compressed: boolean; readonly payload: Uint8Array }
  /** The end of a message that was counted (`bytes`: its payload) and not kept. The next one is read again. */
  | { readonly kind: "skipped"; readonly opcode: Opcode; readonly compressed: boolean; readonly reason: SkipReason;
      readonly bytes: number }
  /** Nothing more can be read in this direction; comes once. */
  | { readonly kind: "protocol-error"; readonly detail: string };

export interface ReaderOptions {
  /** True when the connection negotiated permessage-deflate: RSV1 then means "compressed". */
  readonly deflate: boolean;
  /** Largest payload of a plain message that is kept, bytes. */
  readonly maxMessageBytes: number;
  /** The same for a compressed one, before inflation: more, since dropping it loses the context of all that follow. */
  readonly maxCompressedBytes: number;
  /** Asked at the head of each data frame that would be kept, with the length of its payload. */
  readonly admit?: (bytes: number) => boolean;
}

interface Frame {
  readonly opcode: Opcode;
  readonly control: boolean;
  readonly fin: boolean;
  readonly mask: Uint8Array | undefined;
  readonly length: number;
  taken: number;
}

interface Message {
  readonly opcode: Opcode;
  readonly compressed: boolean;
  readonly kept: ByteStore;
  bytes: number;
  skip?: SkipReason;
}

const OPCODES: Readonly<Record<number, Opcode>> = { 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong" };
const CONTINUATION = 0;
const FIRST_CONTROL = 8;
/** RFC 6455, 5.5: a control frame carries at most 125 bytes and is never fragmented. */
const MAX_CONTROL_BYTES = 125;
/** 2 bytes, 8 of length, 4 of mask. */
const MAX_HEAD_BYTES = 14;
/** Below this, unmasking byte by byte is quicker than setting up whole words. */
const WORDWISE_BYTES = 128;
const NOTHING = new Uint8Array(0);

export class FrameReader {
  readonly #options: ReaderOptions;
  readonly #head = new Uint8Array(MAX_HEAD_BYTES);
  #headLength = 0;
  #frame: Frame | undefined;
  #message: Message | undefined;
  readonly #control = new ByteStore();
  #ended = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Takes the next bytes, in order and cut anywhere; gives what they completed. Never throws, never changes them. */
  push(chunk: Uint8Array): WireEvent[] {
    const events: WireEvent[] = [];
    let at = 0;
    while (at < chunk.length && !this.#ended) {
      const frame = this.#frame;
      at = frame === undefined ? this.#readHead(chunk, at, events) : this.#readPayload(frame, chunk, at, events);
    }
    return events;
  }

  /** Bytes held back until a message is whole: for tests and statistics. */
  get heldBytes(): number {
    return this.#control.capacity + (this.#message?.kept.capacity ?? 0);
  }

  #readHead(chunk: Uint8Array, start: number, events: WireEvent[]): number {
    let at = start;
    while (at < chunk.length) {
      this.#head[this.#headLength++] = chunk[at++] as number;
      if (this.#headLength < 2 || this.#headLength < headBytes(this.#head)) continue;
      const problem = this.#beginFrame(this.#head);
      this.#headLength = 0;
      if (problem !== undefined) {
        events.push({ kind: "protocol-error", detail: problem });
        this.#end();
      } else if (this.#frame?.length === 0) {
        this.#endFrame(this.#frame, events);
      }
      return at;
    }
    return at;
  }

  /** Checks a whole head (RFC 6455, 5.2) and opens its frame; a problem is returned in words. */
  #beginFrame(head: Uint8Array): string | undefined {
    const first = head[0] as number;
    const code = first & 0x0f;
    const fin = (first & 0x80) !== 0;
    const length = payloadLength(head);
    if ((first & 0x30) !== 0) return "RSV2 or RSV3 is set, of an unknown extension";
    if (length === undefined) return "a length beyond 2^53 bytes";
    const maskAt = headBytes(head) - 4;
    const mask = ((head[1] as number) & 0x80) !== 0 ? head.slice(maskAt, maskAt + 4) : undefined;
    const compressed = (first & 0x40) !== 0;
    const frame = { fin, mask, length, taken: 0 };
    if (code >= FIRST_CONTROL) return this.#beginControl(code, frame, compressed);
    return this.#beginData(code, frame, compressed);
  }

  #beginControl(code: number, frame: Omit<Frame, "opcode" | "control">, rsv1: boolean): string | undefined {
    const opcode = OPCODES[code];
    if (opcode === undefined) return `reserved opcode ${code}`;
    if (!frame.fin) return `a fragmented ${opcode} frame`;
    if (rsv1) return `RSV1 is set on a ${opcode} frame`;
    if (frame.length > MAX_CONTROL_BYTES) return `a ${opcode} frame of ${frame.length} bytes`;
    this.#frame = { ...frame, opcode, control: true };
    return undefined;
  }

  #beginData(code: number, frame: Omit<Frame, "opcode" | "control">, rsv1: boolean): string | undefined {
    const opcode = code === CONTINUATION ? this.#message?.opcode : OPCODES[code];
    if (opcode === undefined) {
      return code === CONTINUATION ? "a continuation of nothing" : `reserved opcode ${code}`;
    }
    if (code === CONTINUATION) {
      if (rsv1) return "RSV1 is set on a continuation";
    } else {
      if (this.#message !== undefined) return `a ${opcode} frame inside a fragmented message`;
      if (rsv1 && !this.#options.deflate) return "RSV1 is set, and no compression was agreed";
      this.#message = { opcode, compressed: rsv1, kept: new ByteStore(), bytes: 0 };
    }
    this.#frame = { ...frame, opcode, control: false };
    if (this.#message !== undefined) this.#decideToKeep(this.#message, frame.length);
    return undefined;
  }

  #decideToKeep(message: Message, frameBytes: number): void {
    message.bytes += frameBytes;
    if (message.skip !== undefined) return;
    const limit = message.compressed ? this.#options.maxCompressedBytes : this.#options.maxMessageBytes;
    if (message.bytes > limit) message.skip = "too-large";
    else if (this.#options.admit?.(frameBytes) === false) message.skip = "over-budget";
    if (message.skip !== undefined) message.kept.clear();
  }

  #readPayload(frame: Frame, chunk: Uint8Array, at: number, events: WireEvent[]): number {
    const take = Math.min(frame.length - frame.taken, chunk.length - at);
    const store = frame.control ? this.#control : this.#message?.skip === undefined ? this.#message?.kept : undefined;
    if (store !== undefined) {
      const whole = take === frame.length && frame.fin && store.length === 0;
      if (whole && frame.mask === undefined) store.borrow(chunk.subarray(at, at + take));
      else store.append(chunk.subarray(at, at + take), frame.mask, frame.taken);
    }
    frame.taken += take;
    if (frame.taken === frame.length) this.#endFrame(frame, events);
    return at + take;
  }

  #endFrame(frame: Frame, events: WireEvent[]): void {
    this.#frame = undefined;
    if (frame.control) {
      events.push({ kind: "message", opcode: frame.opcode, compressed: false, payload: this.#control.take() });
      // RFC 6455, 5.5.1: nothing follows a close frame, and no endpoint reads what does.
      if (frame.opcode === "close") this.#end();
      return;
    }
    const message = this.#message;
    if (!frame.fin || message === undefined) return;
    this.#message = undefined;
    const { opcode, compressed, skip, bytes } = message;
    if (skip === undefined) events.push({ kind: "message", opcode, compressed, payload: message.kept.take() });
    else events.push({ kind: "skipped", opcode, compressed, reason: skip, bytes });
  }

  #end(): void {
    this.#ended = true;
    this.#frame = undefined;
    this.#message = undefined;
    this.#control.clear();
  }
}

/** Length of a head in bytes, from its first two: RFC 6455, 5.2. */
function headBytes(head: Uint8Array): number {
  const second = head[1] as number;
  const short = second & 0x7f;
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + ((second & 0x80) !== 0 ? 4 : 0);
}

/** Undefined for what no number here can count exactly, which covers the forbidden top bit. */
function payloadLength(head: Uint8Array): number | undefined {
  const short = (head[1] as number) & 0x7f;
  if (short < 126) return short;
  let length = 0;
  for (let i = 2; i < (short === 126 ? 4 : 10); i++) length = length * 256 + (head[i] as number);
  return Number.isSafeInteger(length) ? length : undefined;
}

/** The bytes of one message while it comes in; grows with what has come and not with what was claimed. */
class ByteStore {
  #bytes: Uint8Array = NOTHING;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  /** Keeps a view of a payload that is whole: no copy. */
  borrow(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#length = bytes.length;
  }

  /** Copies and unmasks; `phase`: offset of `bytes` in its frame's payload. */
  append(bytes: Uint8Array, mask: Uint8Array | undefined, phase: number): void {
    const end = this.#length + bytes.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    if (mask !== undefined) unmask(this.#bytes, this.#length, end, mask, phase);
    this.#length = end;
  }

  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.clear();
    return taken;
  }

  clear(): void {
    this.#bytes = NOTHING;
    this.#length = 0;
  }
}

/** RFC 6455, 5.3, in place, four bytes at a time where that pays. `bytes` starts at offset 0 of its buffer. */
function unmask(bytes: Uint8Array, from: number, to: number, mask: Uint8Array, phase: number): void {
  const aligned = from + ((4 - (from % 4)) % 4);
  if (to - from < WORDWISE_BYTES) return unmaskBytes(bytes, from, to, mask, phase);
  unmaskBytes(bytes, from, aligned, mask, phase);
  const words = new Uint32Array(bytes.buffer, aligned, (to - aligned) >>> 2);
  const key = new Uint8Array(4);
  for (let i = 0; i < 4; i++) key[i] = mask[(phase + aligned - from + i) & 3] as number;
  const keyWord = new Uint32Array(key.buffer)[0] as number;
  for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) ^ keyWord;
  const rest = aligned + words.length * 4;
  unmaskBytes(bytes, rest, to, mask, phase + rest - from);
}

function unmaskBytes(bytes: Uint8Array, from: number, to: number, mask: Uint8Array, phase: number): void {
  for (let at = from, key = phase; at < to; at++, key++) {
    bytes[at] = (bytes[at] as number) ^ (mask[key & 3] as number);
  }
}
