/**
 * permessage-deflate, one direction (RFC 7692): agreed parameters, and messages inflated one by one in the tick in
 * which they came, so that the order of frames across both directions holds.
 */
import { constants, inflateRawSync } from "node:zlib";

export interface DeflateParameters {
  /** True when the sender starts each message with an empty window: nothing is lost with a message then. */
  readonly clientNoContextTakeover: boolean;
  readonly serverNoContextTakeover: boolean;
}

export type Extensions =
  | { readonly kind: "none" }
  | { readonly kind: "deflate"; readonly parameters: DeflateParameters }
  /** Something that this program cannot read the frames of. */
  | { readonly kind: "unknown"; readonly name: string };

/**
 * Reads `Sec-WebSocket-Extensions` of a 101 answer (RFC 7692, 7.1). The window sizes are not needed: a window of 15
 * bits inflates what a smaller one deflated.
 */
export function parseExtensions(value: string): Extensions {
  const offers = value.split(",").map((offer) => offer.trim()).filter((offer) => offer !== "");
  const first = offers[0];
  if (first === undefined) return { kind: "none" };
  const [name, ...parameters] = first.split(";").map((part) => part.trim().toLowerCase());
  if (offers.length > 1 || name !== "permessage-deflate") return { kind: "unknown", name: value.slice(0, 80) };
  const has = (wanted: string): boolean => parameters.some((one) => one.split("=")[0]?.trim() === wanted);
  return { kind: "deflate", parameters: { clientNoContextTakeover: has("client_no_context_takeover"),
    serverNoContextTakeover: has("server_no_context_takeover") } };
}

export type Inflated =
  | { readonly kind: "whole"; readonly bytes: Buffer }
  /** Inflated for the sake of the context, or not at all when nothing rests on it; too long to be parsed. */
  | { readonly kind: "too-large"; readonly inflatedBytes: number }
  | { readonly kind: "bad-deflate"; readonly detail: string }
  /** An earlier message is missing from the context: nothing compressed can be read any more. */
  | { readonly kind: "lost" };

/** RFC 7692, 7.2.2: what the sender cut off the end of each message. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** RFC 1951: no reference reaches further back than this. */
const WINDOW_BYTES = 32_768;

export class MessageInflater {
  readonly #takeover: boolean;
  readonly #maxParsedBytes: number;
  readonly #maxInflatedBytes: number;
  /** The last output, at its end the newest; twice the window, so that it is moved now and then only. */
  #window: Buffer | undefined;
  #windowLength = 0;
  #lost = false;

  constructor(takeover: boolean, limits: { readonly maxParsedBytes: number; readonly maxInflatedBytes: number }) {
    this.#takeover = takeover;
    this.#maxParsedBytes = limits.maxParsedBytes;
    this.#maxInflatedBytes = limits.maxInflatedBytes;
  }

  /** True once compressed messages cannot be read until the station reconnects. */
  get lost(): boolean {
    return this.#lost;
  }

  /** To be told when a compressed message was not handed over. */
  missed(): void {
    if (this.#takeover) this.#lost = true;
  }

  inflate(payload: Uint8Array): Inflated {
    if (this.#lost) return { kind: "lost" };
    const limit = this.#takeover ? this.#maxInflatedBytes : this.#maxParsedBytes;
    try {
      const bytes = inflateRawSync(Buffer.concat([payload, TAIL]), {
        finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: limit, chunkSize: chunkSizeFor(payload.length),
        ...(this.#windowLength > 0 ? { dictionary: this.#dictionary() } : {}),
      });
      if (this.#takeover) this.#remember(bytes);
      const tooLarge = bytes.length > this.#maxParsedBytes;
      return tooLarge ? { kind: "too-large", inflatedBytes: bytes.length } : { kind: "whole", bytes };
    } catch (error) {
      this.missed();
      if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
        return { kind: "too-large", inflatedBytes: limit };
      }
      return { kind: "bad-deflate", detail: (error as Error).message };
    }
  }

  #dictionary(): Buffer {
    return (this.#window as Buffer).subarray(Math.max(0, this.#windowLength - WINDOW_BYTES), this.#windowLength);
  }

  #remember(output: Buffer): void {
    const window = this.#window ??= Buffer.allocUnsafeSlow(2 * WINDOW_BYTES);
    const fresh = output.length > WINDOW_BYTES ? output.subarray(-WINDOW_BYTES) : output;
    if (this.#windowLength + fresh.length > window.length) {
      window.copyWithin(0, this.#windowLength - WINDOW_BYTES, this.#windowLength);
      this.#windowLength = WINDOW_BYTES;
    }
    window.set(fresh, this.#windowLength);
    this.#windowLength += fresh.length;
  }
}

/** zlib sets aside one such piece at a time: a small one for a small message. */
function chunkSizeFor(compressedBytes: number): number {
  return Math.min(65_536, Math.max(1_024, compressedBytes * 8));
}
