/** Captures read back in the plainest way, for tests and attackers: what each line says. */
import type { TimedLine } from "./capture.ts";

export interface TraceLine {
  readonly at: number;
  readonly event?: "connect" | "disconnect";
  readonly direction?: "cp-to-csms" | "csms-to-cp";
  readonly messageType?: "CALL" | "CALLRESULT";
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
  readonly evseId: number;
  readonly token: string;
  /** When the start and the stop passed by. */
  readonly from: number;
  readonly to: number;
  readonly startWh: number;
  readonly stopWh: number;
}

interface Open {
  readonly evseId: number;
  readonly token: string;
  readonly from: number;
  readonly startWh: number;
}

function registerOf(meterValue: unknown): number {
  const [{ sampledValue }] = meterValue as [{ sampledValue: [{ value: number }] }];
  return sampledValue[0].value;
}

/** OCPP 1.6: a start waits for its result, which brings the transaction's number. */
function billed16(lines: readonly TraceLine[]): Billed[] {
  const asked = new Map<string, Open>();
  const open = new Map<unknown, Open>();
  const done: Billed[] = [];
  for (const { at, action, messageId = "", messageType, payload = {} } of lines) {
    if (action === "StartTransaction") {
      const { connectorId, idTag, meterStart } = payload as { connectorId: number; idTag: string; meterStart: number };
      asked.set(messageId, { evseId: connectorId, token: idTag, from: at, startWh: meterStart });
    } else if (messageType === "CALLRESULT" && asked.has(messageId)) {
      open.set(payload["transactionId"], asked.get(messageId) as Open);
      asked.delete(messageId);
    } else if (action === "StopTransaction") {
      const start = open.get(payload["transactionId"]);
      if (start !== undefined) done.push({ ...start, to: at, stopWh: payload["meterStop"] as number });
    }
  }
  return done;
}

function billed201(lines: readonly TraceLine[]): Billed[] {
  const open = new Map<string, Open>();
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
      if (start !== undefined) done.push({ ...start, to: at, stopWh: registerWh });
    }
  }
  return done;
}

/** The transactions that began and ended within a capture. */
export function billedTransactions(ocpp: readonly TimedLine[]): Billed[] {
  const lines = ocpp.map(traceLine);
  return lines.some(({ action }) => action === "TransactionEvent") ? billed201(lines) : billed16(lines);
}
