/**
 * Reads one direction of a WebSocket connection from copies of its bytes: RFC 6455 clause 5 (framing, fragmentation)
 * and RFC 7692 clause 6 (RSV1). An observer and no endpoint: what both ends may tolerate (a wrong mask bit, a length
 * not in its shortest form) is read all the same, and only what leaves the meaning open ends the reading.
 */

export type Opcode = "text" | "binary" | "close" | "ping" | "pong";
/** `too-large`: over the limit for buffering. `over-budget`: `admit` said no. */
export type SkipReason = "too-large" | "over-budget";

export type WireEvent =
  /** A whole message, or a control frame. `payload` is unmasked, and a view that holds during the call only. */
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

/** The frame that is under way; one object for all of them, since there are many. */
interface Frame {
  open: boolean;
  opcode: Opcode;
  control: boolean;
  fin: boolean;
  masked: boolean;
  length: number;
  taken: number;
}

/** The message that is under way, likewise. */
interface Message {
  open: boolean;
  opcode: Opcode;
  compressed: boolean;
  bytes: number;
  skip: SkipReason | undefined;
}

const OPCODES: Readonly<Record<number, Opcode>> = { 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong" };
const CONTINUATION = 0;
const FIRST_CONTROL = 8;
/** RFC 6455, 5.5: a control frame carries at most 125 bytes and is never fragmented. */
const MAX_CONTROL_BYTES = 125;
/** 2 bytes, 8 of length, 4 of mask. */
export const MAX_HEAD_BYTES = 14;
/** Below this, unmasking byte by byte is quicker than by whole words. */
const WORDWISE_BYTES = 64;
/** A buffer up to this size is kept for the next message: most are smaller. */
const KEPT_BYTES = 16_384;
const FIRST_CAPACITY = 1_024;

export class FrameReader {
  readonly #options: ReaderOptions;
  readonly #head = new Uint8Array(MAX_HEAD_BYTES);
  #headLength = 0;
  readonly #mask = new Uint8Array(4);
  readonly #frame: Frame =
    { open: false, opcode: "text", control: false, fin: true, masked: false, length: 0, taken: 0 };
  readonly #message: Message = { open: false, opcode: "text", compressed: false, bytes: 0, skip: undefined };
  readonly #data = new ByteStore();
  readonly #control = new ByteStore();
  #ended = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Takes the next bytes, in order and cut anywhere; emits what they completed. Never throws, never changes them. */
  push(chunk: Uint8Array, emit: (event: WireEvent) => void): void {
    let at = 0;
    while (at < chunk.length && !this.#ended) {
      at = this.#frame.open ? this.#readPayload(chunk, at, emit) : this.#readHead(chunk, at, emit);
    }
  }

  /** Memory set aside for messages, bytes. */
  get heldBytes(): number {
    return this.#control.capacity + this.#data.capacity;
  }

  #readHead(chunk: Uint8Array, start: number, emit: (event: WireEvent) => void): number {
    let at = start;
    while (at < chunk.length) {
      this.#head[this.#headLength++] = chunk[at++] as number;
      if (this.#headLength < 2 || this.#headLength < headBytes(this.#head)) continue;
      this.#headLength = 0;
      const problem = this.#beginFrame(this.#head);
      if (problem !== undefined) {
        this.#end();
        emit({ kind: "protocol-error", detail: problem });
      } else if (this.#frame.length === 0) {
        this.#endFrame(emit);
      }
      return at;
    }
    return at;
  }

  /** Checks a whole head (RFC 6455, 5.2) and opens its frame; a problem is returned in words. */
  #beginFrame(head: Uint8Array): string | undefined {
    const first = head[0] as number;
    const code = first & 0x0f;
    const rsv1 = (first & 0x40) !== 0;
    const length = payloadLength(head);
    if ((first & 0x30) !== 0) return "RSV2 or RSV3 is set, of an unknown extension";
    if (length === undefined) return "a length beyond 2^53 bytes";
    const frame = this.#frame;
    frame.fin = (first & 0x80) !== 0;
    frame.masked = ((head[1] as number) & 0x80) !== 0;
    frame.length = length;
    frame.taken = 0;
    if (frame.masked) for (let i = 0, at = headBytes(head) - 4; i < 4; i++) this.#mask[i] = head[at + i] as number;
    const problem = code >= FIRST_CONTROL ? this.#beginControl(code, rsv1) : this.#beginData(code, rsv1);
    frame.open = problem === undefined;
    return problem;
  }

  #beginControl(code: number, rsv1: boolean): string | undefined {
    const frame = this.#frame;
    const opcode = OPCODES[code];
    if (opcode === undefined) return `reserved opcode ${code}`;
    if (!frame.fin) return `a fragmented ${opcode} frame`;
    if (rsv1) return `RSV1 is set on a ${opcode} frame`;
    if (frame.length > MAX_CONTROL_BYTES) return `a ${opcode} frame of ${frame.length} bytes`;
    frame.opcode = opcode;
    frame.control = true;
    return undefined;
  }

  #beginData(code: number, rsv1: boolean): string | undefined {
    const message = this.#message;
    if (code === CONTINUATION) {
      if (!message.open) return "a continuation of nothing";
      if (rsv1) return "RSV1 is set on a continuation";
    } else {
      const opcode = OPCODES[code];
      if (opcode === undefined) return `reserved opcode ${code}`;
      if (message.open) return `a ${opcode} frame inside a fragmented message`;
      if (rsv1 && !this.#options.deflate) return "RSV1 is set, and no compression was agreed";
      message.open = true;
      message.opcode = opcode;
      message.compressed = rsv1;
      message.bytes = 0;
      message.skip = undefined;
    }
    this.#frame.opcode = message.opcode;
    this.#frame.control = false;
    this.#decideToKeep(message, this.#frame.length);
    return undefined;
  }

  #decideToKeep(message: Message, frameBytes: number): void {
    message.bytes += frameBytes;
    if (message.skip !== undefined) return;
    const limit = message.compressed ? this.#options.maxCompressedBytes : this.#options.maxMessageBytes;
    if (message.bytes > limit) message.skip = "too-large";
    else if (this.#options.admit?.(frameBytes) === false) message.skip = "over-budget";
    if (message.skip !== undefined) this.#data.clear();
  }

  #readPayload(chunk: Uint8Array, at: number, emit: (event: WireEvent) => void): number {
    const frame = this.#frame;
    const take = Math.min(frame.length - frame.taken, chunk.length - at);
    if (frame.control) this.#control.append(chunk, at, take, frame.masked ? this.#mask : undefined, frame.taken);
    else if (this.#message.skip === undefined) {
      this.#data.append(chunk, at, take, frame.masked ? this.#mask : undefined, frame.taken);
    }
    frame.taken += take;
    if (frame.taken === frame.length) this.#endFrame(emit);
    return at + take;
  }

  #endFrame(emit: (event: WireEvent) => void): void {
    const frame = this.#frame;
    frame.open = false;
    if (frame.control) {
      const payload = this.#control.take();
      // RFC 6455, 5.5.1: nothing follows a close frame, and no endpoint reads what does.
      if (frame.opcode === "close") this.#end();
      emit({ kind: "message", opcode: frame.opcode, compressed: false, payload });
      return;
    }
    if (!frame.fin) return;
    const message = this.#message;
    message.open = false;
    const { opcode, compressed, skip, bytes } = message;
    if (skip === undefined) emit({ kind: "message", opcode, compressed, payload: this.#data.take() });
    else emit({ kind: "skipped", opcode, compressed, reason: skip, bytes });
  }

  #end(): void {
    this.#ended = true;
    this.#data.clear();
    this.#control.clear();
  }
}

/** Length of a head in bytes, from its first two: RFC 6455, 5.2. */
export function headBytes(head: Uint8Array): number {
  const second = head[1] as number;
  const short = second & 0x7f;
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + ((second & 0x80) !== 0 ? 4 : 0);
}

/** Undefined for what no number here can count exactly, which covers the forbidden top bit. */
export function payloadLength(head: Uint8Array): number | undefined {
  const short = (head[1] as number) & 0x7f;
  if (short < 126) return short;
  let length = 0;
  for (let i = 2; i < (short === 126 ? 4 : 10); i++) length = length * 256 + (head[i] as number);
  return Number.isSafeInteger(length) ? length : undefined;
}

/** The bytes of one message while it comes in; grows with what has come and not with what was claimed. */
class ByteStore {
  #bytes = new Uint8Array(0);
  /** The same memory by words, for unmasking. */
  #words = new Uint32Array(0);
  readonly #key = new Uint8Array(4);
  readonly #keyWord = new Uint32Array(this.#key.buffer);
  #length = 0;

  get capacity(): number {
    return this.#bytes.length;
  }

  /** Copies `count` bytes of `from`, and unmasks them; `phase`: their offset in the payload of their frame. */
  append(from: Uint8Array, at: number, count: number, mask: Uint8Array | undefined, phase: number): void {
    const end = this.#length + count;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(count === from.length ? from : from.subarray(at, at + count), this.#length);
    if (mask !== undefined) this.#unmask(this.#length, end, mask, phase);
    this.#length = end;
  }

  /** What was gathered, as a view that holds until the next append. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.clear();
    return taken;
  }

  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#allocate(0);
  }

  #grow(atLeast: number): void {
    const old = this.#bytes;
    this.#allocate(Math.ceil(Math.max(atLeast, 2 * old.length, FIRST_CAPACITY) / 4) * 4);
    this.#bytes.set(old.subarray(0, this.#length));
  }

  #allocate(capacity: number): void {
    this.#bytes = new Uint8Array(capacity);
    this.#words = new Uint32Array(this.#bytes.buffer);
  }

  /** RFC 6455, 5.3, in place, four bytes at a time where that pays. */
  #unmask(from: number, to: number, mask: Uint8Array, phase: number): void {
    if (to - from < WORDWISE_BYTES) return this.#unmaskBytes(from, to, mask, phase);
    const firstWord = Math.ceil(from / 4);
    const lastWord = Math.floor(to / 4);
    const atWord = phase + firstWord * 4 - from;
    for (let i = 0; i < 4; i++) this.#key[i] = mask[(atWord + i) & 3] as number;
    const key = this.#keyWord[0] as number;
    const words = this.#words;
    this.#unmaskBytes(from, firstWord * 4, mask, phase);
    for (let i = firstWord; i < lastWord; i++) words[i] = (words[i] as number) ^ key;
    this.#unmaskBytes(lastWord * 4, to, mask, phase + lastWord * 4 - from);
  }

  #unmaskBytes(from: number, to: number, mask: Uint8Array, phase: number): void {
    const bytes = this.#bytes;
    for (let at = from, key = phase; at < to; at++, key++) {
      bytes[at] = (bytes[at] as number) ^ (mask[key & 3] as number);
    }
  }
}
