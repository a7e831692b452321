/**
 * Modbus TCP, the client's half: the MBAP header and the two read functions. Sources: MODBUS Messaging on TCP/IP
 * Implementation Guide V1.0b, 3.1.3 (MBAP); MODBUS Application Protocol V1.1b3, 6.3, 6.4 (reads), 7 (exceptions).
 */
import type { MeterProblem, RegisterAnswer, RegisterRead } from "./meter.ts";

/** Transaction id, protocol id, length (2 bytes each), unit. */
const HEADER = 7;
/** MBAP length counts the unit and a PDU of 1 to 253 bytes. */
const MAX_LENGTH = 254;
/** The longest answer there can be, in bytes: nothing longer need ever be kept. */
export const MAX_FRAME = HEADER - 1 + MAX_LENGTH;
export const MAX_REGISTERS = 125;

/** One read as it was sent; an answer is only ever judged against what was asked. */
export interface AskedRead extends RegisterRead {
  readonly transactionId: number;
  readonly unit: number;
}

const EXCEPTIONS: Record<number, string> = {
  1: "illegal function: it does not know this kind of read",
  2: "illegal data address: it has no such registers",
  3: "illegal data value: it does not allow a read of this size",
  4: "device failure",
  5: "acknowledge: it needs more time",
  6: "device busy",
  8: "memory parity error",
  10: "gateway path unavailable",
  11: "gateway target failed to respond: no meter answers behind the gateway",
};

/** The exception in plain words; any code is taken. */
export function exceptionSays(code: number): string {
  return `${EXCEPTIONS[code] ?? "an exception that Modbus does not define"} (code ${code})`;
}

/** The 5 bytes that ask for registers: V1.1b3, 6.3 and 6.4. */
export function readPdu({ functionCode, address, count }: RegisterRead): readonly number[] {
  return [functionCode, ...[address, count].flatMap((value) => [(value >> 8) & 0xff, value & 0xff])];
}

/** The 12 bytes of a read request. */
export function encodeRead(asked: AskedRead): Uint8Array {
  const { transactionId, unit } = asked;
  return Uint8Array.of(transactionId >> 8, transactionId & 0xff, 0, 0, 0, 6, unit, ...readPdu(asked));
}

export type Parsed =
  | RegisterAnswer
  /** Not whole yet. */
  | { readonly kind: "more" }
  | { readonly kind: "problem"; readonly problem: MeterProblem };

function broken(says: string): Parsed {
  return { kind: "problem", problem: { kind: "protocol", says } };
}

/** All bytes received since `asked` was sent; any bytes are taken, and work is bounded by MAX_FRAME. */
export function parseAnswer(bytes: Uint8Array, asked: AskedRead): Parsed {
  if (bytes.length < HEADER) return { kind: "more" };
  const length = word(bytes, 4);
  if (word(bytes, 2) !== 0) return broken("the answer is not Modbus TCP (protocol id is not 0)");
  if (word(bytes, 0) !== asked.transactionId) return broken("the answer carries another transaction id");
  if (length < 3 || length > MAX_LENGTH) return broken(`the answer gives an impossible length (${length})`);
  if (bytes[6] !== asked.unit) return broken(`the answer comes from another unit (${bytes[6]})`);
  const end = HEADER - 1 + length;
  if (bytes.length < end) return { kind: "more" };
  if (bytes.length > end) return broken("more bytes came than were asked for");
  return parsePdu(bytes.subarray(HEADER), asked);
}

/** The PDU of a whole answer, judged against what was asked. */
export function parsePdu(pdu: Uint8Array, asked: AskedRead): Parsed {
  const [functionCode, second] = pdu as unknown as [number, number];
  if (functionCode === (asked.functionCode | 0x80)) {
    if (pdu.length !== 2) return broken("the exception has a wrong length");
    return { kind: "exception", code: second, says: exceptionSays(second) };
  }
  if (functionCode !== asked.functionCode) return broken(`the answer is to another function (${functionCode})`);
  if (second !== 2 * asked.count || pdu.length !== 2 + second) {
    return broken("the answer holds another number of registers than was asked for");
  }
  return { kind: "registers", registers: Array.from({ length: asked.count }, (_, i) => word(pdu, 2 + 2 * i)) };
}

/** Big-endian 16 bits; the caller has checked the length. */
function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
