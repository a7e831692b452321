/** What a station and its CSMS say to each other, in the words of one OCPP version. Builders only: no state. */
import type { Message, SimVersion } from "./capture.ts";

export interface Identity {
  readonly vendor: string;
  readonly model: string;
  readonly serial: string;
  readonly firmwareVersion: string;
}

/** OCPP 1.6's words; 2.0.1 knows fewer states of a connector and more of a transaction. */
export type ConnectorState = "Available" | "Preparing" | "Charging" | "SuspendedEV" | "Finishing" | "Unavailable";
export type AuthorizationStatus = "Accepted" | "Blocked" | "Expired" | "Invalid" | "ConcurrentTx";
export type StopReason = "Local" | "EVDisconnected" | "Remote" | "Reboot" | "PowerLoss";
export type BootReason = "PowerUp" | "Watchdog" | "FirmwareUpdate" | "RemoteReset";

export interface Transaction {
  readonly evseId: number;
  readonly token: string;
  /** Chosen by the station in 2.0.1. */
  readonly uuid: string;
  /** Given by the CSMS in 1.6, in its answer to StartTransaction; 0 until then. */
  numericId: number;
  /** Of the next TransactionEvent. */
  seqNo: number;
}

/** One reading as the station reports it. */
export interface Sample {
  /** The station's own time stamp. */
  readonly stamp: string;
  readonly context: "Transaction.Begin" | "Sample.Periodic" | "Sample.Clock" | "Transaction.End" | "Trigger";
  readonly registerWh: number;
  readonly powerW: number;
  readonly currentA: number;
  readonly voltageV: number;
  /** Some stations report kWh. */
  readonly inKwh: boolean;
}

/** A setting by its name in each version (`Component.Variable` in 2.0.1). */
export interface Setting {
  readonly name16: string;
  readonly name201: string;
  readonly value: string;
}

export interface FirmwareOrder {
  readonly requestId: number;
  readonly location: string;
  readonly at: string;
  readonly certificate: string;
  readonly signature: string;
}

/** All `stamp` and `at` arguments are time stamps as they go on the wire. */
export interface Dialect {
  readonly version: SimVersion;
  boot(identity: Identity, reason: BootReason): Message;
  status(evseId: number, state: ConnectorState, stamp: string): Message;
  authorize(token: string): Message;
  authorizeReply(status: AuthorizationStatus): object;
  started(tx: Transaction, sample: Sample, offline: boolean): Message;
  startedReply(tx: Transaction, status: AuthorizationStatus): object;
  /** The vehicle began or ceased to draw power; only 2.0.1 has such a message. */
  stateChanged(tx: Transaction, state: "Charging" | "SuspendedEV", sample: Sample): Message | undefined;
  reading(tx: Transaction, sample: Sample, offline: boolean): Message;
  clockReading(evseId: number, sample: Sample): Message;
  ended(tx: Transaction, sample: Sample, reason: StopReason, offline: boolean): Message;
  endedReply(tx: Transaction): object;
  readSettings(settings: readonly Setting[]): Message;
  readSettingsReply(settings: readonly Setting[]): object;
  changeSetting(setting: Setting): Message;
  changeSettingReply(setting: Setting): object;
  signedFirmware(order: FirmwareOrder): Message;
  firmwareStatus(status: string, requestId: number): Message;
  uploadOrder(location: string, requestId: number): Message;
  uploadReply(): object;
  uploadStatus(status: "Uploading" | "Uploaded", requestId: number): Message;
  chargingLimit(evseId: number, limitW: number, id: number): Message;
  clearLimit(id: number): Message;
  trigger(what: "Heartbeat" | "StatusNotification" | "MeterValues", evseId: number): Message;
  remoteStart(token: string, evseId: number, id: number): Message;
  remoteStop(tx: Transaction): Message;
  reset(): Message;
}

export const ACCEPTED = { status: "Accepted" } as const;

export function bootReply(now: string, intervalS: number): object {
  return { currentTime: now, interval: intervalS, status: "Accepted" };
}

export const heartbeat: Message = { action: "Heartbeat", payload: {} };

export function heartbeatReply(now: string): object {
  return { currentTime: now };
}

/** SecurityEventNotification (2.0.1 A04; 1.6 security whitepaper, edition 3). */
export function securityEvent(type: string, stamp: string): Message {
  return { action: "SecurityEventNotification", payload: { type, timestamp: stamp } };
}
