/**
 * Cuts one direction of a WebSocket connection at its frames (RFC 6455, 5.2) without changing, unmasking or keeping a
 * byte of them: for whoever passes frames on one by one.
 */
import { headBytes, MAX_HEAD_BYTES, payloadLength } from "./websocket.ts";

/** A piece of one frame, as it came: parts joined are the bytes that were pushed. */
export interface FramePart {
  /** A view that holds as long as the bytes that were pushed, or a copy. */
  readonly bytes: Uint8Array;
  /** The frame's opcode; 8 and above are control frames, which may stand between the frames of a message. */
  readonly code: number;
  readonly fin: boolean;
  readonly rsv1: boolean;
  /** Of the whole frame. */
  readonly payloadBytes: number;
  readonly begins: boolean;
  readonly ends: boolean;
}

export class FrameCutter {
  readonly #head = new Uint8Array(MAX_HEAD_BYTES);
  #headLength = 0;
  /** Payload bytes of the open frame that are still to come. */
  #left = 0;
  #lost = false;

  /** True once a length cannot be read: nothing after it can be cut. */
  get lost(): boolean {
    return this.#lost;
  }

  /** True when the next byte begins a frame. */
  get between(): boolean {
    return !this.#lost && this.#left === 0 && this.#headLength === 0;
  }

  /** How many bytes of `chunk` were cut into parts: all of it, unless `lost`. */
  push(chunk: Uint8Array, emit: (part: FramePart) => void): number {
    let at = 0;
    while (at < chunk.length && !this.#lost) {
      const end = this.#left > 0 ? this.#payload(chunk, at, emit) : this.#begin(chunk, at, emit);
      if (end === undefined) return at;
      at = end;
    }
    return at;
  }

  #begin(chunk: Uint8Array, start: number, emit: (part: FramePart) => void): number | undefined {
    let at = start;
    const before = this.#headLength;
    while (this.#headLength < 2 || this.#headLength < headBytes(this.#head)) {
      if (at === chunk.length) return at;
      this.#head[this.#headLength++] = chunk[at++] as number;
    }
    const length = payloadLength(this.#head);
    if (length === undefined) {
      this.#lost = true;
      this.#headLength = before;
      return undefined;
    }
    // What came with earlier pieces is in the head alone; else the view covers head and payload at once.
    const take = before > 0 ? 0 : Math.min(length, chunk.length - at);
    const bytes = before > 0 ? this.#head.slice(0, this.#headLength) : chunk.subarray(start, at + take);
    this.#headLength = 0;
    this.#left = length - take;
    emit(this.#part(bytes, true));
    return at + take;
  }

  #payload(chunk: Uint8Array, at: number, emit: (part: FramePart) => void): number {
    const end = at + Math.min(this.#left, chunk.length - at);
    this.#left -= end - at;
    emit(this.#part(chunk.subarray(at, end), false));
    return end;
  }

  #part(bytes: Uint8Array, begins: boolean): FramePart {
    const first = this.#head[0] as number;
    return {
      bytes, begins, ends: this.#left === 0, code: first & 0x0f, fin: (first & 0x80) !== 0, rsv1: (first & 0x40) !== 0,
      payloadBytes: payloadLength(this.#head) as number,
    };
  }

  /** Bytes of a head that is not whole (yet): they were taken and not emitted. To be called when no more come. */
  takeHead(): Uint8Array {
    const head = this.#head.slice(0, this.#headLength);
    this.#headLength = 0;
    return head;
  }
}
