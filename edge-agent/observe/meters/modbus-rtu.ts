/**
 * Modbus RTU frames through a TCP gateway that passes the serial line's bytes on as they are: unit, PDU, CRC. Source:
 * MODBUS over Serial Line V1.02, 2.5.1 (RTU) and 6.2.2 (CRC). There is no transaction id: an answer that is late and an
 * answer to something else cannot be told apart, so that whoever reads drops the connection after a time-out.
 */
import { MAX_REGISTERS, parsePdu, readPdu } from "./modbus.ts";
import type { AskedRead, Parsed } from "./modbus.ts";

const CRC_BYTES = 2;
const REFLECTED_POLYNOMIAL = 0xa001;
/** Unit, function with its top bit set, code. */
const EXCEPTION_BYTES = 3;

/** CRC-16 of the serial line: initial value 0xFFFF, low byte sent first. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >> 1 : (crc >> 1) ^ REFLECTED_POLYNOMIAL;
  }
  return crc;
}

/** The 8 bytes of a read request. */
export function encodeRtuRead(asked: AskedRead): Uint8Array {
  const frame = Uint8Array.of(asked.unit, ...readPdu(asked));
  const crc = crc16(frame);
  return Uint8Array.of(...frame, crc & 0xff, crc >> 8);
}

/** All bytes received since `asked` was sent; any bytes are taken, and work is bounded by the longest answer. */
export function parseRtuAnswer(bytes: Uint8Array, asked: AskedRead): Parsed {
  if (bytes.length < EXCEPTION_BYTES + CRC_BYTES) return { kind: "more" };
  if (bytes[0] !== asked.unit) return broken(`the answer comes from another unit (${bytes[0]})`);
  const isException = ((bytes[1] ?? 0) & 0x80) !== 0;
  const end = (isException ? EXCEPTION_BYTES : EXCEPTION_BYTES + 2 * Math.min(asked.count, MAX_REGISTERS)) + CRC_BYTES;
  if (bytes.length < end) return { kind: "more" };
  if (bytes.length > end) return broken("more bytes came than were asked for");
  const body = bytes.subarray(0, end - CRC_BYTES);
  const crc = (bytes[end - 2] ?? 0) | ((bytes[end - 1] ?? 0) << 8);
  if (crc !== crc16(body)) return broken("the answer's checksum is wrong: noise on the line, or no Modbus RTU");
  return parsePdu(body.subarray(1), asked);
}

function broken(says: string): Parsed {
  return { kind: "problem", problem: { kind: "protocol", says } };
}
