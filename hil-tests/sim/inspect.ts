/** Captures read back in the plainest way, for tests and attackers: what each line says. */
import type { TimedLine } from "./capture.ts";

export interface TraceLine {
  readonly at: number;
  readonly event?: "connect" | "disconnect";
  readonly direction?: "cp-to-csms" | "csms-to-cp";
  readonly messageType?: "CALL" | "CALLRESULT" | "CALLERROR";
  readonly messageId?: string;
  readonly action?: string;
  readonly payload?: Payload;
  readonly raw?: string;
}

/** Loose on purpose: the writer of the line is this very program. */
export interface Payload {
  readonly [key: string]: unknown;
}

export function traceLine({ at, line }: TimedLine): TraceLine {
  return { ...JSON.parse(line), at };
}

export interface MeterLine {
  readonly at: number;
  readonly timestamp: string;
  readonly evseId: number;
  readonly powerW: number;
  readonly energyImportWh: number;
}

export function meterReading({ at, line }: TimedLine): MeterLine {
  return { ...JSON.parse(line), at };
}

/** One transaction as the station bills it. */
export interface Billed {
  /** As the frames name it. */
  readonly id: string | number;
  readonly evseId: number;
  readonly token: string;
  /** When the start and the stop passed by. */
  readonly from: number;
  readonly to: number;
  readonly startWh: number;
  readonly stopWh: number;
}

/** A transaction whose end the capture does not show. */
export interface Unfinished {
  readonly evseId: number;
  readonly token: string;
  readonly from: number;
  readonly startWh: number;
}

export interface Transactions {
  readonly billed: readonly Billed[];
  readonly unfinished: readonly Unfinished[];
}

function registerOf(meterValue: unknown): number {
  const [{ sampledValue }] = meterValue as [{ sampledValue: [{ value: number; unitOfMeasure?: { unit: string } }] }];
  const [{ value, unitOfMeasure }] = sampledValue;
  return unitOfMeasure?.unit === "kWh" ? Math.round(1000 * value) : value;
}

/** OCPP 1.6: a start waits for its result, which brings the transaction's number. */
function read16(lines: readonly TraceLine[]): Transactions {
  const asked = new Map<string, Unfinished>();
  const open = new Map<unknown, Unfinished>();
  const done: Billed[] = [];
  for (const { at, action, messageId = "", messageType, payload = {} } of lines) {
    if (action === "StartTransaction") {
      const { connectorId, idTag, meterStart } = payload as { connectorId: number; idTag: string; meterStart: number };
      asked.set(messageId, { evseId: connectorId, token: idTag, from: at, startWh: meterStart });
    } else if (messageType === "CALLRESULT" && asked.has(messageId)) {
      open.set(payload["transactionId"], asked.get(messageId) as Unfinished);
      asked.delete(messageId);
    } else if (action === "StopTransaction") {
      const start = open.get(payload["transactionId"]);
      const { transactionId: id, meterStop: stopWh } = payload as { transactionId: number; meterStop: number };
      if (start !== undefined) done.push({ ...start, id, to: at, stopWh });
      open.delete(payload["transactionId"]);
    }
  }
  return { billed: done, unfinished: [...open.values()] };
}

function read201(lines: readonly TraceLine[]): Transactions {
  const open = new Map<string, Unfinished>();
  const done: Billed[] = [];
  for (const { at, action, payload = {} } of lines) {
    if (action !== "TransactionEvent") continue;
    const { transactionId } = payload["transactionInfo"] as { transactionId: string };
    const registerWh = registerOf(payload["meterValue"]);
    if (payload["eventType"] === "Started") {
      const { id } = payload["evse"] as { id: number };
      const { idToken } = payload["idToken"] as { idToken: string };
      open.set(transactionId, { evseId: id, token: idToken, from: at, startWh: registerWh });
    } else if (payload["eventType"] === "Ended") {
      const start = open.get(transactionId);
      if (start !== undefined) done.push({ ...start, id: transactionId, to: at, stopWh: registerWh });
      open.delete(transactionId);
    }
  }
  return { billed: done, unfinished: [...open.values()] };
}

const known = new WeakMap<readonly TimedLine[], Transactions>();

/** The transactions that a capture shows; read once for each array of lines. */
export function transactionsOf(ocpp: readonly TimedLine[]): Transactions {
  let transactions = known.get(ocpp);
  if (transactions === undefined) {
    const about = /StartTransaction|StopTransaction|TransactionEvent|"transactionId"/;
    const lines = ocpp.filter(({ line }) => about.test(line)).map(traceLine);
    transactions = lines.some(({ action }) => action === "TransactionEvent") ? read201(lines) : read16(lines);
    known.set(ocpp, transactions);
  }
  return transactions;
}

/** The transactions that began and ended within a capture. */
export function billedTransactions(ocpp: readonly TimedLine[]): readonly Billed[] {
  return transactionsOf(ocpp).billed;
}
