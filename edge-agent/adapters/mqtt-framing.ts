/**
 * Where one MQTT 3.1.1 packet ends and the next begins, read from the fixed headers alone (OASIS MQTT 3.1.1, 2.2), so
 * that a packet is judged by its first bytes and before anything of it is kept. It holds at most five bytes.
 */

export const CONNECT = 1;
export const CONNACK = 2;
export const PUBLISH = 3;
export const PUBACK = 4;
export const SUBSCRIBE = 8;
export const SUBACK = 9;
export const UNSUBSCRIBE = 10;
export const UNSUBACK = 11;
export const PINGREQ = 12;
export const PINGRESP = 13;
export const DISCONNECT = 14;

/** Fixed header, first byte taken apart, and the remaining length in bytes. */
export interface PacketHead {
  readonly type: number;
  readonly flags: number;
  readonly length: number;
}

/** What happens to one packet: it goes on, it is swallowed, or it ends the connection. */
export type Admission = "pass" | "drop" | { readonly refused: string };

export interface Taken {
  /** What of the chunk goes on, in order. */
  readonly forward: readonly Uint8Array[];
  /** Why the connection ends here; nothing is to be taken after it. */
  readonly refused?: string;
}

/** 2.2.3: at most four bytes of length. */
const MAX_LENGTH_BYTES = 4;

/** The head in these bytes; undefined when more are needed; a text when they are none. */
function headOf(bytes: readonly number[]): PacketHead | string | undefined {
  const size = bytes.length - 1;
  const last = bytes[size];
  if (size < 1 || last === undefined) return undefined;
  if (last >= 0x80) return size < MAX_LENGTH_BYTES ? undefined : "a length of more than four bytes";
  // One length must not have two spellings, or another parser behind this one may read it differently.
  if (last === 0 && size > 1) return "a length with idle bytes";
  const length = bytes.slice(1).reduce((sum, byte, index) => sum + (byte & 0x7f) * 128 ** index, 0);
  return { type: bytes[0]! >> 4, flags: bytes[0]! & 0x0f, length };
}

export class MqttFraming {
  readonly #admit: (head: PacketHead) => Admission;
  #header: number[] = [];
  #remaining = 0;
  #dropping = false;

  /** `admit` is asked once a packet, when its head is whole. */
  constructor(admit: (head: PacketHead) => Admission) {
    this.#admit = admit;
  }

  take(chunk: Uint8Array): Taken {
    const forward: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#remaining > 0) {
        const body = chunk.subarray(at, at + this.#remaining);
        if (!this.#dropping) forward.push(body);
        this.#remaining -= body.length;
        at += body.length;
        continue;
      }
      this.#header.push(chunk[at]!);
      at += 1;
      const refused = this.#begin(forward);
      if (refused !== undefined) return { forward, refused };
    }
    return { forward };
  }

  #begin(forward: Uint8Array[]): string | undefined {
    const head = headOf(this.#header);
    if (head === undefined || typeof head === "string") return head;
    const admission = this.#admit(head);
    if (typeof admission === "object") return admission.refused;
    this.#dropping = admission === "drop";
    if (!this.#dropping) forward.push(Uint8Array.from(this.#header));
    this.#remaining = head.length;
    this.#header = [];
    return undefined;
  }
}
