/**
 * Stands between a socket and the MQTT library: the library sees only packets whose heads were admitted, so that it
 * never buffers what is too large, out of turn or too much. aedes and mqtt-packet have no limit of their own: a frame
 * of 150 MB is read into memory, even before CONNECT.
 */
import { Duplex } from "node:stream";
import mqttPacket from "mqtt-packet";
import type { MonotonicMs } from "../../models/units.ts";
import { CONNACK, CONNECT, DISCONNECT, MqttFraming, PINGREQ, PINGRESP, PUBLISH, SUBACK, SUBSCRIBE, UNSUBACK,
  UNSUBSCRIBE } from "./mqtt-framing.ts";
import type { Admission, PacketHead } from "./mqtt-framing.ts";
import type { TokenBucket } from "./token-bucket.ts";

// Otherwise the library allocates 65,536 buffers at its first packet, for a speed that nobody here needs.
mqttPacket.writeToStream.cacheNumbers = false;

/** The largest message of the protocol has 16,384 bytes (gossip/SPEC.md, section 3); topic and heads go on top. */
export const MOST_PACKET_BYTES = 20 * 1_024;
/** CONNECT holds one station id, SUBSCRIBE a few dozen topics. */
const MOST_CONTROL_BYTES = 8 * 1_024;
/** What may wait for a peer that does not read; past it, messages for that peer are left out. */
const MOST_WAITING_BYTES = 64 * 1_024;

/** Which packets the far end may send, and which one it must begin with. We send QoS 0 alone: there are no answers. */
export interface FarEnd {
  readonly first: number;
  readonly then: ReadonlySet<number>;
}
export const CLIENT: FarEnd = {
  first: CONNECT, then: new Set([PUBLISH, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT]),
};
export const SERVER: FarEnd = { first: CONNACK, then: new Set([PUBLISH, SUBACK, UNSUBACK, PINGRESP]) };

/** Why a guard ended a connection, or swallowed a message. */
export type GuardRefusal = "not-mqtt" | "packet-type" | "packet-size" | "qos-2" | "rate";

/**
 * Judges each packet by its head. `over`: messages past the rate are swallowed, other packets past it end it.
 * `mostBytes`: messages past it are swallowed as well; absent: those past the mesh's largest end it.
 */
export function admission(
  farEnd: FarEnd, over: () => boolean, mostBytes?: number,
): (head: PacketHead) => Admission {
  let begun = false;
  return ({ type, flags, length }) => {
    const refused = (why: GuardRefusal): Admission => ({ refused: why });
    if (!begun && type !== farEnd.first) return refused("not-mqtt");
    if (begun && !farEnd.then.has(type)) return refused("packet-type");
    begun = true;
    const most = type === PUBLISH ? mostBytes ?? MOST_PACKET_BYTES : MOST_CONTROL_BYTES;
    if (length > most) return type === PUBLISH && mostBytes !== undefined ? "drop" : refused("packet-size");
    if (type === PUBLISH && (flags & 0b0100) !== 0) return refused("qos-2"); // QoS 3, which does not exist, as well
    if (!over()) return "pass";
    return type === PUBLISH ? "drop" : refused("rate");
  };
}

export interface GuardOptions {
  /** The secured connection; the guard owns it from now on. */
  readonly socket: Duplex;
  readonly farEnd: FarEnd;
  readonly bucket: TokenBucket;
  readonly monoMs: () => MonotonicMs;
  /** Larger messages are swallowed; absent: those past the mesh's largest end the connection. */
  readonly mostBytes?: number;
  /** `rate` or `packet-size` without an end of the connection when `dropped`. */
  readonly onRefused: (why: GuardRefusal, dropped: boolean) => void;
}

/** The socket as the MQTT library gets to see it. Never emits an error: the connection just ends. */
export class MqttGuard extends Duplex {
  readonly #socket: Duplex;
  readonly #framing: MqttFraming;
  readonly #onRefused: GuardOptions["onRefused"];

  constructor({ socket, farEnd, bucket, monoMs, mostBytes, onRefused }: GuardOptions) {
    super({ writableHighWaterMark: MOST_WAITING_BYTES, allowHalfOpen: false });
    const admit = admission(farEnd, () => !bucket.take(monoMs()), mostBytes);
    this.#socket = socket;
    this.#onRefused = onRefused;
    this.#framing = new MqttFraming((head) => {
      const answer = admit(head);
      if (answer === "drop") onRefused(head.length > (mostBytes ?? Infinity) ? "packet-size" : "rate", true);
      return answer;
    });
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => this.push(null));
    socket.on("error", () => this.destroy());
    socket.on("close", () => this.destroy());
    this.on("error", () => undefined);
  }

  /** Whether the peer reads too slowly for more to be sent to it now. */
  get congested(): boolean {
    return this.writableNeedDrain;
  }

  #take(chunk: Buffer): void {
    if (this.destroyed) return;
    const { forward, refused } = this.#framing.take(chunk);
    let wantsMore = true;
    for (const piece of forward) wantsMore = this.push(piece);
    if (refused !== undefined) {
      this.#onRefused(isRefusal(refused) ? refused : "not-mqtt", false);
      this.destroy();
    } else if (!wantsMore) {
      this.#socket.pause();
    }
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    if (this.#socket.write(chunk)) done();
    else this.#socket.once("drain", done);
  }

  /** The library writes a packet in many small pieces; together they are one TLS record. */
  override _writev(chunks: { chunk: Uint8Array }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "binary", done);
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(_error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(null);
  }
}

const isRefusal = (text: string): text is GuardRefusal =>
  ["not-mqtt", "packet-type", "packet-size", "qos-2", "rate"].includes(text);
