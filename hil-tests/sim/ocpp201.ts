/** OCPP 2.0.1 (edition 3): device model and TransactionEvent. */
import type { Message } from "./capture.ts";
import { ACCEPTED, type Dialect, type Sample, type Setting, type Transaction } from "./dialect.ts";

function call(action: string, payload: object): Message {
  return { action, payload };
}

function meterValue(sample: Sample): object {
  const { context } = sample;
  const value = sample.inKwh ? sample.registerWh / 1000 : sample.registerWh;
  const energyUnit = sample.inKwh ? "kWh" : "Wh";
  const round = (x: number): number => Math.round(x * 10) / 10;
  const of = (measurand: string, x: number, unit: string): object =>
    ({ value: round(x), context, measurand, unitOfMeasure: { unit } });
  return {
    timestamp: sample.stamp,
    sampledValue: [
      { value, context, measurand: "Energy.Active.Import.Register", unitOfMeasure: { unit: energyUnit } },
      of("Power.Active.Import", sample.powerW, "W"),
      of("Current.Import", sample.currentA, "A"),
      of("Voltage", sample.voltageV, "V"),
    ],
  };
}

interface EventParts {
  readonly eventType: "Started" | "Updated" | "Ended";
  readonly triggerReason: string;
  readonly info?: object;
  readonly rest?: object;
}

function event(tx: Transaction, sample: Sample, parts: EventParts): Message {
  return call("TransactionEvent", {
    eventType: parts.eventType, timestamp: sample.stamp, triggerReason: parts.triggerReason, seqNo: tx.seqNo++,
    transactionInfo: { transactionId: tx.uuid, ...parts.info },
    evse: { id: tx.evseId, connectorId: 1 }, meterValue: [meterValue(sample)], ...parts.rest,
  });
}

function idToken(token: string): object {
  return { idToken: { idToken: token, type: "ISO14443" } };
}

function named(setting: Setting): object {
  const [component = "", variable = ""] = setting.name201.split(".");
  return { component: { name: component }, variable: { name: variable } };
}

const STOP_TRIGGERS = {
  Local: "StopAuthorized", EVDisconnected: "EVCommunicationLost", Remote: "RemoteStop", Reboot: "ResetCommand",
  PowerLoss: "AbnormalCondition",
} as const;

function limitProfile(limitW: number, id: number): object {
  const chargingSchedule = [
    { id, chargingRateUnit: "W", chargingSchedulePeriod: [{ startPeriod: 0, limit: limitW }] },
  ];
  return { id, stackLevel: 1, chargingProfilePurpose: "TxDefaultProfile", chargingProfileKind: "Relative",
    chargingSchedule };
}

export const ocpp201: Dialect = {
  version: "2.0.1",
  boot: ({ vendor, model, serial, firmwareVersion }, reason) => call("BootNotification", {
    reason, chargingStation: { vendorName: vendor, model, serialNumber: serial, firmwareVersion },
  }),
  status: (evseId, state, timestamp) => call("StatusNotification", {
    timestamp, evseId, connectorId: 1,
    connectorStatus: state === "Available" || state === "Unavailable" ? state : "Occupied",
  }),
  authorize: (token) => call("Authorize", idToken(token)),
  authorizeReply: (status) => ({ idTokenInfo: { status } }),
  started: (tx, sample, offline) => event(tx, sample, {
    eventType: "Started", triggerReason: "Authorized", info: { chargingState: "EVConnected" },
    rest: { ...idToken(tx.token), offline },
  }),
  startedReply: (_tx, status) => ({ idTokenInfo: { status } }),
  stateChanged: (tx, chargingState, sample) =>
    event(tx, sample, { eventType: "Updated", triggerReason: "ChargingStateChanged", info: { chargingState } }),
  reading: (tx, sample, offline) =>
    event(tx, sample, {
      eventType: "Updated", rest: { offline },
      triggerReason: sample.context === "Sample.Clock" ? "MeterValueClock" : "MeterValuePeriodic",
    }),
  clockReading: (evseId, sample) => call("MeterValues", { evseId, meterValue: [meterValue(sample)] }),
  ended: (tx, sample, reason, offline) => event(tx, sample, {
    eventType: "Ended", triggerReason: STOP_TRIGGERS[reason],
    info: { chargingState: "EVConnected", stoppedReason: reason }, rest: { offline },
  }),
  endedReply: () => ({}),
  readSettings: (settings) => call("GetVariables", { getVariableData: settings.map(named) }),
  readSettingsReply: (settings) => ({
    getVariableResult: settings.map((setting) =>
      ({ attributeStatus: "Accepted", attributeValue: setting.value, ...named(setting) })),
  }),
  changeSetting: (setting) =>
    call("SetVariables", { setVariableData: [{ attributeValue: setting.value, ...named(setting) }] }),
  changeSettingReply: (setting) => ({ setVariableResult: [{ attributeStatus: "Accepted", ...named(setting) }] }),
  signedFirmware: ({ requestId, location, at, certificate, signature }) => call("UpdateFirmware", {
    requestId, firmware: { location, retrieveDateTime: at, signingCertificate: certificate, signature },
  }),
  firmwareStatus: (status, requestId) => call("FirmwareStatusNotification", { status, requestId }),
  uploadOrder: (remoteLocation, requestId) =>
    call("GetLog", { logType: "DiagnosticsLog", requestId, log: { remoteLocation } }),
  uploadReply: () => ({ ...ACCEPTED, filename: "diagnostics.tar.gz" }),
  uploadStatus: (status, requestId) => call("LogStatusNotification", { status, requestId }),
  chargingLimit: (evseId, limitW, id) =>
    call("SetChargingProfile", { evseId, chargingProfile: limitProfile(limitW, id) }),
  clearLimit: (chargingProfileId) => call("ClearChargingProfile", { chargingProfileId }),
  trigger: (requestedMessage, evseId) => call("TriggerMessage", requestedMessage === "Heartbeat"
    ? { requestedMessage } : { requestedMessage, evse: { id: evseId, connectorId: 1 } }),
  remoteStart: (token, evseId, remoteStartId) =>
    call("RequestStartTransaction", { ...idToken(token), evseId, remoteStartId }),
  remoteStop: (tx) => call("RequestStopTransaction", { transactionId: tx.uuid }),
  reset: () => call("Reset", { type: "OnIdle" }),
};
