/** OCPP 1.6J, with the security whitepaper's (edition 3) messages for firmware. */
import type { Message } from "./capture.ts";
import { ACCEPTED, type Dialect, type FirmwareOrder, type Sample } from "./dialect.ts";

function call(action: string, payload: object): Message {
  return { action, payload };
}

function energy(sample: Sample): { value: string; unit: "Wh" | "kWh" } {
  return sample.inKwh
    ? { value: (sample.registerWh / 1000).toFixed(3), unit: "kWh" }
    : { value: String(sample.registerWh), unit: "Wh" };
}

function meterValue(sample: Sample): object {
  const { context } = sample;
  const of = (measurand: string, value: number, unit: string): object =>
    ({ value: value.toFixed(1), context, measurand, location: "Outlet", unit });
  return {
    timestamp: sample.stamp,
    sampledValue: [
      { ...energy(sample), context, measurand: "Energy.Active.Import.Register", location: "Outlet" },
      of("Power.Active.Import", sample.powerW, "W"),
      of("Current.Import", sample.currentA, "A"),
      of("Voltage", sample.voltageV, "V"),
    ],
  };
}

function firmwareOrder(order: FirmwareOrder): object {
  const { requestId, location, at, certificate, signature } = order;
  return { requestId, firmware: { location, retrieveDateTime: at, signingCertificate: certificate, signature } };
}

function limitProfile(limitW: number, id: number): object {
  return {
    chargingProfileId: id, stackLevel: 1, chargingProfilePurpose: "TxDefaultProfile", chargingProfileKind: "Relative",
    chargingSchedule: { chargingRateUnit: "W", chargingSchedulePeriod: [{ startPeriod: 0, limit: limitW }] },
  };
}

export const ocpp16: Dialect = {
  version: "1.6",
  boot: ({ vendor, model, serial, firmwareVersion }) => call("BootNotification", {
    chargePointVendor: vendor, chargePointModel: model, chargePointSerialNumber: serial, firmwareVersion,
  }),
  status: (connectorId, status, timestamp) =>
    call("StatusNotification", { connectorId, errorCode: "NoError", status, timestamp }),
  authorize: (idTag) => call("Authorize", { idTag }),
  authorizeReply: (status) => ({ idTagInfo: { status } }),
  started: (tx, sample) => call("StartTransaction", {
    connectorId: tx.evseId, idTag: tx.token, meterStart: Math.round(sample.registerWh), timestamp: sample.stamp,
  }),
  startedReply: (tx, status) => ({ transactionId: tx.numericId, idTagInfo: { status } }),
  stateChanged: () => undefined,
  reading: (tx, sample) => call("MeterValues", {
    connectorId: tx.evseId, transactionId: tx.numericId, meterValue: [meterValue(sample)],
  }),
  clockReading: (connectorId, sample) => call("MeterValues", { connectorId, meterValue: [meterValue(sample)] }),
  ended: (tx, sample, reason) => call("StopTransaction", {
    idTag: tx.token, meterStop: Math.round(sample.registerWh), timestamp: sample.stamp,
    transactionId: tx.numericId, reason,
  }),
  endedReply: () => ({ idTagInfo: ACCEPTED }),
  readSettings: (settings) => call("GetConfiguration", { key: settings.map((setting) => setting.name16) }),
  readSettingsReply: (settings) => ({
    configurationKey: settings.map(({ name16, value }) => ({ key: name16, readonly: false, value })),
  }),
  changeSetting: ({ name16, value }) => call("ChangeConfiguration", { key: name16, value }),
  changeSettingReply: () => ACCEPTED,
  signedFirmware: (order) => call("SignedUpdateFirmware", firmwareOrder(order)),
  firmwareStatus: (status, requestId) => call("SignedFirmwareStatusNotification", { status, requestId }),
  uploadOrder: (location) => call("GetDiagnostics", { location }),
  uploadReply: () => ({ fileName: "diagnostics.tar.gz" }),
  uploadStatus: (status) => call("DiagnosticsStatusNotification", { status }),
  chargingLimit: (connectorId, limitW, id) =>
    call("SetChargingProfile", { connectorId, csChargingProfiles: limitProfile(limitW, id) }),
  clearLimit: (id) => call("ClearChargingProfile", { id }),
  trigger: (requestedMessage, evseId) =>
    call("TriggerMessage", requestedMessage === "Heartbeat" ? { requestedMessage } : { requestedMessage,
      connectorId: evseId }),
  remoteStart: (idTag, connectorId) => call("RemoteStartTransaction", { idTag, connectorId }),
  remoteStop: (tx) => call("RemoteStopTransaction", { transactionId: tx.numericId }),
  reset: () => call("Reset", { type: "Soft" }),
};
