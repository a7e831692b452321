/** WebSocket frames for tests and benches: written by RFC 6455, clause 5.2, and nothing shared with the reader. */

export interface FrameShape {
  readonly opcode: number;
  readonly fin?: boolean;
  readonly rsv?: number;
  /** Four bytes; absent: not masked. */
  readonly mask?: Uint8Array;
  readonly payload: Uint8Array;
}

export function encodeFrame({ opcode, fin = true, rsv = 0, mask, payload }: FrameShape): Uint8Array {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = 2 + extended + (mask === undefined ? 0 : 4);
  const frame = new Uint8Array(head + length);
  const view = new DataView(frame.buffer);
  frame[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  frame[1] = (mask === undefined ? 0 : 0x80) | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) view.setUint16(2, length);
  if (extended === 8) view.setBigUint64(2, BigInt(length));
  frame.set(payload, head);
  if (mask === undefined) return frame;
  frame.set(mask, head - 4);
  for (let i = 0; i < length; i++) frame[head + i] = (payload[i] as number) ^ (mask[i % 4] as number);
  return frame;
}

/** RSV1, as the `rsv` of a frame. */
export const RSV1 = 4;

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The frames that `bytes` consist of, each as it stands there. */
export function splitFrames(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const short = view.getUint8(at + 1) & 0x7f;
    const [extended, length] = short < 126 ? [0, short]
      : short === 126 ? [2, view.getUint16(at + 2)] : [8, Number(view.getBigUint64(at + 2))];
    const end = at + 2 + extended + ((view.getUint8(at + 1) & 0x80) === 0 ? 0 : 4) + length;
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames;
}

export const isControlFrame = (frame: Uint8Array): boolean => ((frame[0] as number) & 0x08) !== 0;
