/** OCPP 1.6 edition 2 with the security extension (OCPP 1.6 security whitepaper, edition 3): action by action. */
import { defined, evseOf, fieldsOf, idOf, nonEmpty, registerOf, wordOf } from "./fields.ts";
import {
  authorization, command, isOffline, lacks, outcomeOf, resultOf, said, silent, tokenOf, tooMany,
  transactionAim,
} from "./mapping.ts";
import type { Action, ActionTable, Body, Ending, Request } from "./mapping.ts";
import { remoteHost } from "./remote-host.ts";
import {
  boot, CERTIFICATE_ACTIONS, chargingLimits, configurationChange, configurationRead, DATA_TRANSFER, FIRMWARE_STATUS,
  FIRMWARE_WITH_SIGNATURE,
  firmwareOrder, GET_LOG, HEARTBEAT, reportedReadings, SECURITY_EVENT, UPLOAD_STATUS,
} from "./shared-actions.ts";
import {
  evseOfTransaction, isRepeat, noteEnded, noteEvse, noteOpen, tokenOfTransaction,
} from "./transactions.ts";

/** Connectors of 1.6 are EVSEs in our words. */
function connectorIn(request: Request): { evseId?: number } {
  const evseId = evseOf(request.fields.connectorId);
  return evseId === undefined ? {} : { evseId };
}

function authorize(request: Request, ending: Ending): readonly Body[] {
  const token = tokenOf(request, request.fields.idTag);
  if (token === undefined) return lacks(request, "idTag");
  return [authorization(request, ending, "Authorize", token, "idTagInfo")];
}

/** The transaction id is the CSMS's, so the start is seen when the result is, and dated by the call (5.8, 6.46). */
function startTransaction(request: Request, ending: Ending): readonly Body[] {
  const { fields, context } = request;
  const token = tokenOf(request, fields.idTag);
  const evseId = evseOf(fields.connectorId) ?? 0;
  const transactionId = idOf(resultOf(ending).transactionId);
  const registerWh = registerOf(fields.meterStart);
  const bodies: Body[] = token === undefined ? [...lacks(request, "idTag")]
    : [authorization(request, ending, "StartTransaction", token, "idTagInfo", evseId)];
  if (transactionId === undefined) return bodies;
  // A start whose result was lost is sent again under a new message id; many CSMSs give it the id that it has.
  const mark = `Start ${wordOf(fields.timestamp)} ${wordOf(fields.meterStart)}`;
  const { transactions } = context;
  const isOpen = transactions.known.get(transactionId)?.open === true;
  if (isOpen && isRepeat(transactions, transactionId, mark)) return bodies;
  transactions.known.delete(transactionId);
  noteOpen(transactions, transactionId, evseId, token, mark);
  bodies.push({
    kind: "transaction-started", transactionId, evseId, offline: isOffline(request, fields.timestamp),
    ...defined({ token, registerWh }), ...said(request, fields.timestamp),
  });
  return bodies;
}

/** Its transactionData come first, as they were read first. The result only repeats what is known of the token. */
function stopTransaction(request: Request): readonly Body[] {
  const { fields, context: { transactions } } = request;
  const transactionId = idOf(fields.transactionId);
  if (transactionId === undefined) return lacks(request, "transactionId");
  const evseId = evseOfTransaction(transactions, transactionId);
  // After a CALLERROR or a lost link, a station sends the same stop again under a new message id (4.10).
  if (isRepeat(transactions, transactionId, `${wordOf(fields.timestamp)} ${wordOf(fields.meterStop)}`)) return [];
  const readings = reportedReadings(request, fields.transactionData, evseId, transactionId);
  const token = tokenOf(request, fields.idTag) ?? tokenOfTransaction(transactions, transactionId);
  const registerWh = registerOf(fields.meterStop);
  const reason = nonEmpty(fields.reason);
  noteEnded(transactions, transactionId);
  return [...readings, ...tooMany(request, fields.transactionData), {
    kind: "transaction-ended", transactionId, evseId, offline: isOffline(request, fields.timestamp),
    ...defined({ token, registerWh, reason }), ...said(request, fields.timestamp),
  }];
}

function meterValues(request: Request): readonly Body[] {
  const { fields, context: { transactions } } = request;
  const transactionId = idOf(fields.transactionId);
  const connector = evseOf(fields.connectorId);
  if (connector !== undefined) noteEvse(transactions, connector);
  const evseId = connector ?? evseOfTransaction(transactions, transactionId);
  // A transaction that began before the agent: its readings tell where it is.
  if (transactionId !== undefined && evseId > 0 && !transactions.known.has(transactionId)) {
    noteOpen(transactions, transactionId, evseId);
  }
  const readings = reportedReadings(request, fields.meterValue, evseId, transactionId);
  return [...readings, ...tooMany(request, fields.meterValue)];
}

function statusNotification(request: Request): readonly Body[] {
  const { fields, context: { transactions } } = request;
  const evseId = evseOf(fields.connectorId);
  const status = nonEmpty(fields.status);
  if (evseId === undefined || status === undefined) return lacks(request, "connectorId and status");
  noteEvse(transactions, evseId);
  const errorCode = nonEmpty(fields.errorCode);
  const vendorErrorCode = nonEmpty(fields.vendorErrorCode);
  return [{
    kind: "status", evseId, status, ...defined({ errorCode, vendorErrorCode }), ...said(request, fields.timestamp),
  }];
}

function remoteStart(request: Request, ending: Ending): readonly Body[] {
  const profile = fieldsOf(request.fields.chargingProfile);
  const limits = request.fields.chargingProfile === undefined ? [] : chargingLimits(
    request, profile, evseOf(request.fields.connectorId) ?? 0, outcomeOf(ending),
  );
  const aim = { ...connectorIn(request), ...defined({ token: tokenOf(request, request.fields.idTag) }) };
  return [{ kind: "command", command: "remote-start", outcome: outcomeOf(ending), ...aim }, ...limits];
}

function setChargingProfile(request: Request, ending: Ending): readonly Body[] {
  const profile = fieldsOf(request.fields.csChargingProfiles);
  const evseId = evseOf(request.fields.connectorId) ?? 0;
  const limits = chargingLimits(request, profile, evseId, outcomeOf(ending));
  return limits.length > 0 ? limits : lacks(request, "chargingSchedule");
}

/** Keys of GetConfiguration that the station does not have (6.24). */
function unknownKeys(ending: Ending): number {
  const keys = resultOf(ending).unknownKey;
  return Array.isArray(keys) ? keys.length : 0;
}

function changeConfiguration(request: Request, ending: Ending): readonly Body[] {
  const key = nonEmpty(request.fields.key);
  if (key === undefined) return lacks(request, "key");
  return [configurationChange(key, request.fields.value, outcomeOf(ending))];
}

function changeAvailability(request: Request, ending: Ending): readonly Body[] {
  const name = request.fields.type === "Operative" ? "make-operative" : "make-inoperative";
  return [{ kind: "command", command: name, outcome: outcomeOf(ending), ...connectorIn(request) }];
}

/** All actions of 1.6. */
export const OCPP16: ActionTable = new Map<string, Action>([
  ["Authorize", { from: "station", onEnd: authorize }],
  ["BootNotification", {
    from: "station",
    onEnd: (request, ending) =>
      boot(request, ending, request.fields, request.fields.chargePointVendor, request.fields.chargePointModel),
  }],
  ["CancelReservation", command("cancel-reservation")],
  ["ChangeAvailability", { from: "csms", onEnd: changeAvailability }],
  ["ChangeConfiguration", { from: "csms", onEnd: changeConfiguration }],
  ["ClearCache", command("clear-cache")],
  ["ClearChargingProfile", command("clear-charging-profile", connectorIn)],
  ["DataTransfer", DATA_TRANSFER],
  ["DiagnosticsStatusNotification", UPLOAD_STATUS],
  ["ExtendedTriggerMessage", command("trigger", connectorIn)],
  ["FirmwareStatusNotification", FIRMWARE_STATUS],
  ["GetCompositeSchedule", silent("csms")],
  ["GetConfiguration", {
    from: "csms",
    onEnd: ({ fields }, ending) => configurationRead(fields.key, (key) => nonEmpty(key), unknownKeys(ending)),
  }],
  ["GetDiagnostics", {
    from: "csms",
    onEnd: (request, ending) => {
      // Its result bears no status: a file's name says that the file comes (6.26).
      const { fileName, status } = resultOf(ending);
      const outcome = outcomeOf(ending, nonEmpty(fileName) === undefined ? status : "Accepted");
      return [{ kind: "upload-order", to: remoteHost(request.fields.location), what: "DiagnosticsLog", outcome }];
    },
  }],
  ["GetLocalListVersion", silent("csms")],
  ["GetLog", GET_LOG],
  ["Heartbeat", HEARTBEAT],
  ["LogStatusNotification", UPLOAD_STATUS],
  ["MeterValues", { from: "station", onCall: meterValues }],
  ["RemoteStartTransaction", { from: "csms", onEnd: remoteStart }],
  ["RemoteStopTransaction", command("remote-stop", transactionAim)],
  ["ReserveNow", command("reserve", connectorIn)],
  ["Reset", command("reset")],
  ["SecurityEventNotification", SECURITY_EVENT],
  ["SendLocalList", command("send-local-list")],
  ["SetChargingProfile", { from: "csms", onEnd: setChargingProfile }],
  ["SignedFirmwareStatusNotification", FIRMWARE_STATUS],
  ["SignedUpdateFirmware", FIRMWARE_WITH_SIGNATURE],
  ["StartTransaction", { from: "station", onEnd: startTransaction }],
  ["StatusNotification", { from: "station", onCall: statusNotification }],
  ["StopTransaction", { from: "station", onCall: stopTransaction }],
  ["TriggerMessage", command("trigger", connectorIn)],
  ["UnlockConnector", command("unlock", connectorIn)],
  ["UpdateFirmware", {
    from: "csms",
    onEnd: (request, ending) => firmwareOrder(request.fields.location, false, ending),
  }],
  ...CERTIFICATE_ACTIONS,
]);

/** Actions of 1.6 that no later version has: by these the version is known. */
export const ONLY_16: ReadonlySet<string> = new Set([
  "ChangeConfiguration", "DiagnosticsStatusNotification", "ExtendedTriggerMessage", "GetConfiguration",
  "GetDiagnostics",
  "RemoteStartTransaction", "RemoteStopTransaction", "SignedFirmwareStatusNotification", "SignedUpdateFirmware",
  "StartTransaction", "StopTransaction",
]);
