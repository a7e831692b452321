/** OCPP 2.0.1 edition 3 and 2.1: action by action. One table, since names never clash; `ONLY_21` says what 2.1 adds. */
import { defined, evseOf, fieldsOf, idOf, isFields, listOf, MAX_ITEMS, nonEmpty, numberOf, wordOf } from "./fields.ts";
import type { Fields } from "./fields.ts";
import {
  authorization, command, isOffline, lacks, outcomeOf, outcomeOfStatus, resultOf, said, silent, tokenOf, tooMany,
  transactionAim,
} from "./mapping.ts";
import type { Action, ActionTable, Body, Ending, Request } from "./mapping.ts";
import { remoteHost } from "./remote-host.ts";
import {
  boot, CERTIFICATE_ACTIONS, chargingLimits, configurationChange, configurationRead, DATA_TRANSFER, FIRMWARE_STATUS,
  FIRMWARE_WITH_SIGNATURE, firmwareOrder, GET_LOG, HEARTBEAT, limitOf, modeDischarges, reportedReadings,
  SECURITY_EVENT, UPLOAD_STATUS,
} from "./shared-actions.ts";
import {
  evseOfTransaction, isRepeat, missingBefore, noteEnded, noteEvse, noteOpen, tokenOfTransaction,
} from "./transactions.ts";

/** `{evseId}` of an `evse` object or of a bare `evseId`. */
function evseIn(fields: Fields): { evseId?: number } {
  const evseId = evseOf(isFields(fields.evse) ? fields.evse.id : fields.evseId);
  return evseId === undefined ? {} : { evseId };
}

const evseAim = (request: Request): { evseId?: number } => evseIn(request.fields);

function authorize(request: Request, ending: Ending): readonly Body[] {
  const token = tokenOf(request, request.fields.idToken);
  // A contract certificate may stand in for the token of Plug & Charge (C07), and NoAuthorization has an empty one.
  if (token === undefined) return isFields(request.fields.idToken) ? [] : lacks(request, "idToken");
  return [authorization(request, ending, "Authorize", token, "idTokenInfo")];
}

function transactionId(request: Request): string | undefined {
  return idOf(fieldsOf(request.fields.transactionInfo).transactionId);
}

/**
 * TransactionEvent as it passes (E01 to E12). A repeat of the last event (E04: same seqNo and time, after an outage or
 * an error) says nothing new; the time counts because some stations give every event the same seqNo. The register at an
 * end is that of the last reading sent with it.
 */
function transactionEvent(request: Request): readonly Body[] {
  const { fields, context: { transactions } } = request;
  const id = transactionId(request);
  if (id === undefined) return lacks(request, "transactionId");
  const type = fields.eventType;
  const evseId = evseIn(fields).evseId ?? evseOfTransaction(transactions, id);
  const token = tokenOf(request, fields.idToken) ?? tokenOfTransaction(transactions, id);
  const known = transactions.known.get(id);
  if (isRepeat(transactions, id, `${wordOf(type)} ${wordOf(fields.seqNo)} ${wordOf(fields.timestamp)}`)) return [];
  if (type === "Started" || known === undefined || known.open) noteOpen(transactions, id, evseId, token);
  const readings = reportedReadings(request, fields.meterValue, evseId, id, fields.offline);
  const missing = missingBefore(transactions, id, fields.seqNo, type === "Started");
  const agreed: Body[] = modeDischarges(fieldsOf(fields.transactionInfo).operationMode)
    ? [{ kind: "discharge-agreed", evseId, by: "operation-mode", outcome: "none" }] : [];
  const excess = [...tooMany(request, fields.meterValue), ...gap(missing), ...agreed];
  const registers = readings.map((one) => one.reading.energyImportWh).filter((one) => one !== undefined);
  const registerWh = type === "Started" ? registers[0] : registers.at(-1);
  const common = {
    transactionId: id, evseId, offline: isOffline(request, fields.timestamp, fields.offline),
    ...defined({ token, registerWh }), ...said(request, fields.timestamp),
  };
  if (type === "Started") return [{ kind: "transaction-started", ...common }, ...readings, ...excess];
  // Where a transaction begins with the cable (TxStartPoint EVConnected) its idToken comes later (E03).
  const isFirst = known?.open && known.token === undefined && fields.triggerReason !== "StopAuthorized";
  const late: Body[] = isFirst && token !== undefined ? [{ kind: "transaction-token", ...common, token }] : [];
  if (type === "Updated") return [...late, ...readings, ...excess];
  if (type !== "Ended") return [...readings, ...excess, ...lacks(request, "eventType")];
  noteEnded(transactions, id);
  const reason = nonEmpty(fieldsOf(fields.transactionInfo).stoppedReason);
  return [...readings, ...excess, { kind: "transaction-ended", ...common, ...defined({ reason }) }];
}

/** Events that never came, or are still to come from a backlog: said, and no sign of anything by itself. */
function gap(missing: number): readonly Body[] {
  const detail = `${missing} TransactionEvents missing`;
  return missing === 0 ? [] : [{ kind: "oddity", oddity: "sequence-gap", detail }];
}

/** An idToken in the event asks for authorization; a result without idTokenInfo says nothing of it. */
function transactionEventEnd(request: Request, ending: Ending): readonly Body[] {
  const token = tokenOf(request, request.fields.idToken);
  if (token === undefined || (ending.kind === "result" && !isFields(ending.payload.idTokenInfo))) return [];
  const id = transactionId(request);
  const evseId = evseIn(request.fields).evseId ?? evseOfTransaction(request.context.transactions, id);
  return [authorization(request, ending, "TransactionEvent", token, "idTokenInfo", evseId)];
}

function meterValues(request: Request): readonly Body[] {
  const evseId = evseIn(request.fields).evseId ?? 0;
  const list = request.fields.meterValue;
  return [...reportedReadings(request, list, evseId, undefined), ...tooMany(request, list)];
}

function statusNotification(request: Request): readonly Body[] {
  const { evseId } = evseIn(request.fields);
  const status = nonEmpty(request.fields.connectorStatus);
  if (evseId === undefined || status === undefined) return lacks(request, "evseId and connectorStatus");
  noteEvse(request.context.transactions, evseId);
  return [{ kind: "status", evseId, status, ...said(request, request.fields.timestamp) }];
}

/** NotifyEvent with AvailabilityState is what 2.0.1 (G01) allows and 2.1 prefers in place of StatusNotification. */
function notifyEvent(request: Request): readonly Body[] {
  const bodies: Body[] = [...tooMany(request, request.fields.eventData)];
  for (const event of listOf(request.fields.eventData)) {
    const status = nonEmpty(event.actualValue);
    if (fieldsOf(event.variable).name !== "AvailabilityState" || status === undefined) continue;
    const evseId = evseIn(fieldsOf(event.component)).evseId ?? 0;
    bodies.push({ kind: "status", evseId, status, ...said(request, event.timestamp) });
  }
  return bodies;
}

function variableName(entry: Fields): string | undefined {
  const component = nonEmpty(fieldsOf(entry.component).name);
  const variable = nonEmpty(fieldsOf(entry.variable).name);
  return component === undefined || variable === undefined ? undefined : `${component}.${variable}`;
}

/** Which result belongs to which entry: the one at its own place (B05 keeps the order), or else one of its name. */
function resultsFinder(results: readonly Fields[]): (name: string | undefined, index: number) => Fields | undefined {
  const names = results.map(variableName);
  const byName = new Map(names.map((name, index) => [name, results[index]]));
  return (name, index) => names[index] === name ? results[index] : byName.get(name);
}

/** What the vehicle asked for, or may do from now on: bidirectional or not (2.1, ISO 15118-20). */
function energyTransfer(asked: (request: Request) => unknown): NonNullable<Action["onEnd"]> {
  return (request, ending) => {
    const modes = [asked(request)].flat();
    if (!modes.slice(0, MAX_ITEMS).some((mode) => typeof mode === "string" && /BPT|DER/.test(mode))) return [];
    const evseId = evseIn(request.fields).evseId ??
      evseOfTransaction(request.context.transactions, idOf(request.fields.transactionId));
    return [{ kind: "discharge-agreed", evseId, by: "energy-transfer", outcome: outcomeOf(ending) }];
  };
}

/** One observation an entry, each with its own outcome. */
function setVariables(request: Request, ending: Ending): readonly Body[] {
  const data = request.fields.setVariableData;
  const entries = listOf(data);
  if (entries.length === 0) return lacks(request, "setVariableData");
  const resultFor = resultsFinder(listOf(resultOf(ending).setVariableResult));
  const bodies = entries.map((entry, index): Body => {
    const name = variableName(entry);
    const outcome = ending.kind === "result" ? outcomeOfStatus(resultFor(name, index)?.attributeStatus) : ending.kind;
    return configurationChange(name ?? "", entry.attributeValue, outcome);
  });
  return [...bodies, ...tooMany(request, data)];
}

/** Variables of GetVariables that the station does not have (B06). */
function unknownVariables(ending: Ending): number {
  const results = listOf(resultOf(ending).getVariableResult);
  return results.filter(({ attributeStatus: status }) => status === "UnknownVariable" || status === "UnknownComponent")
    .length;
}

/** A read of the variables listed under `list`; where the list may be absent, that asks for everything. */
function readOf(list: string): Action {
  return {
    from: "csms",
    onEnd: ({ fields }, ending) =>
      configurationRead(fields[list], (entry) => variableName(fieldsOf(entry)), unknownVariables(ending)),
  };
}

function setNetworkProfile(request: Request, ending: Ending): readonly Body[] {
  const data = fieldsOf(request.fields.connectionData);
  const securityProfile = numberOf(data.securityProfile);
  return [{
    kind: "network-profile", csms: remoteHost(data.ocppCsmsUrl), outcome: outcomeOf(ending),
    ...defined({ securityProfile }),
  }];
}

function setChargingProfile(request: Request, ending: Ending): readonly Body[] {
  const profile = fieldsOf(request.fields.chargingProfile);
  const evseId = evseIn(request.fields).evseId ?? 0;
  const limits = chargingLimits(request, profile, evseId, outcomeOf(ending));
  return limits.length > 0 ? limits : lacks(request, "chargingSchedule");
}

function remoteStart(request: Request, ending: Ending): readonly Body[] {
  const outcome = outcomeOf(ending);
  const limits = request.fields.chargingProfile === undefined ? [] : setChargingProfile(request, ending);
  const transactionId = idOf(resultOf(ending).transactionId);
  const token = tokenOf(request, request.fields.idToken);
  const aim = { ...evseAim(request), ...defined({ transactionId, token }) };
  return [{ kind: "command", command: "remote-start", outcome, ...aim }, ...limits];
}

/** A limit from the site's own energy management, told by the station: in force, not an order to accept. */
function notifyChargingLimit(request: Request): readonly Body[] {
  const source = fieldsOf(request.fields.chargingLimit).chargingLimitSource ?? request.fields.chargingLimitSource;
  const evseId = evseIn(request.fields).evseId ?? 0;
  const { chargingSchedule } = request.fields;
  const profile = { chargingSchedule, chargingProfilePurpose: source ?? "external" };
  return chargingLimits(request, profile, evseId, "accepted");
}

/** A set-point for a dynamic profile (2.1, K28). Its unit is the profile's, which is W unless it was said otherwise. */
function updateDynamicSchedule(request: Request, ending: Ending): readonly Body[] {
  const limit = limitOf(fieldsOf(request.fields.scheduleUpdate));
  if (limit === undefined) return lacks(request, "limit");
  return [{ kind: "charging-limit", evseId: 0, limit, unit: "W", purpose: "Dynamic", outcome: outcomeOf(ending) }];
}

function changeAvailability(request: Request, ending: Ending): readonly Body[] {
  const name = request.fields.operationalStatus === "Operative" ? "make-operative" : "make-inoperative";
  return [{ kind: "command", command: name, outcome: outcomeOf(ending), ...evseAim(request) }];
}

function reset(request: Request, ending: Ending): readonly Body[] {
  const name = request.fields.type === "OnIdle" ? "reset-when-idle" : "reset";
  return [{ kind: "command", command: name, outcome: outcomeOf(ending), ...evseAim(request) }];
}

/** What the CSMS asks of a driver's data goes to the CSMS itself: no host to name. */
function customerInformation(request: Request, ending: Ending): readonly Body[] {
  const what = request.fields.clear === true ? "customer-information, cleared" : "customer-information";
  return [{ kind: "upload-order", to: remoteHost(undefined), what, outcome: outcomeOf(ending) }];
}

const FROM_STATION = [
  "BatterySwap", "ClosePeriodicEventStream", "Get15118EVCertificate",
  "GetCertificateChainStatus", "GetCertificateStatus", "NotifyCustomerInformation",
  "NotifyDERAlarm", "NotifyDERStartStop",
  "NotifyDisplayMessages", "NotifyEVChargingSchedule", "NotifyMonitoringReport",
  "NotifyPeriodicEventStream", "NotifyPriorityCharging", "NotifyReport", "NotifySettlement",
  "OpenPeriodicEventStream", "PublishFirmwareStatusNotification", "PullDynamicScheduleUpdate", "ReportChargingProfiles",
  "ReportDERControl", "ReservationStatusUpdate", "VatNumberValidation",
];

const FROM_CSMS = [
  "AdjustPeriodicEventStream", "ChangeTransactionTariff", "ClearDisplayMessage", "ClearTariffs", "CostUpdated",
  "GetChargingProfiles", "GetCompositeSchedule", "GetDERControl", "GetDisplayMessages", "GetLocalListVersion",
  "GetPeriodicEventStream", "GetTariffs", "GetTransactionStatus",
  "NotifyWebPaymentStarted", "SetDefaultTariff", "SetDisplayMessage",
];

/** Actions that 2.0.1 does not have. */
export const ONLY_21: ReadonlySet<string> = new Set([
  "AFRRSignal", "AdjustPeriodicEventStream", "BatterySwap", "ChangeTransactionTariff", "ClearDERControl",
  "ClearTariffs", "ClosePeriodicEventStream", "GetCertificateChainStatus", "GetDERControl", "GetPeriodicEventStream",
  "GetTariffs", "NotifyAllowedEnergyTransfer", "NotifyDERAlarm", "NotifyDERStartStop", "NotifyPeriodicEventStream",
  "NotifyPriorityCharging", "NotifySettlement", "NotifyWebPaymentStarted", "OpenPeriodicEventStream",
  "PullDynamicScheduleUpdate", "ReportDERControl", "RequestBatterySwap", "SetDERControl", "SetDefaultTariff",
  "UpdateDynamicSchedule", "UsePriorityCharging", "VatNumberValidation",
]);

/** All actions of 2.1, which has all of 2.0.1. */
export const OCPP21: ActionTable = new Map<string, Action>([
  ...FROM_STATION.map((name): [string, Action] => [name, silent("station")]),
  ...FROM_CSMS.map((name): [string, Action] => [name, silent("csms")]),
  ["DataTransfer", DATA_TRANSFER],
  ["AFRRSignal", command("frequency-signal")],
  ["Authorize", { from: "station", onEnd: authorize }],
  ["BootNotification", {
    from: "station",
    onEnd: (request, ending) => {
      const station = fieldsOf(request.fields.chargingStation);
      return boot(request, ending, station, station.vendorName, station.model);
    },
  }],
  ["CancelReservation", command("cancel-reservation")],
  ["ChangeAvailability", { from: "csms", onEnd: changeAvailability }],
  ["ClearCache", command("clear-cache")],
  ["ClearChargingProfile", command("clear-charging-profile", (request) =>
    evseIn(fieldsOf(request.fields.chargingProfileCriteria)))],
  ["ClearedChargingLimit", {
    from: "station", onCall: ({ fields }) => [{ kind: "limit-released", evseId: evseIn(fields).evseId ?? 0 }],
  }],
  ["ClearDERControl", command("clear-der-control")],
  ["ClearVariableMonitoring", command("clear-monitoring")],
  ["CustomerInformation", { from: "csms", onEnd: customerInformation }],
  ["FirmwareStatusNotification", FIRMWARE_STATUS],
  ["GetBaseReport", { from: "csms", onCall: () => [{ kind: "configuration-read", variables: 0, everything: true }] }],
  ["GetLog", GET_LOG],
  ["LogStatusNotification", UPLOAD_STATUS],
  ["GetMonitoringReport", readOf("componentVariable")],
  ["GetReport", readOf("componentVariable")],
  ["GetVariables", readOf("getVariableData")],
  ["Heartbeat", HEARTBEAT],
  ["MeterValues", { from: "station", onCall: meterValues }],
  ["NotifyChargingLimit", { from: "station", onCall: notifyChargingLimit }],
  ["NotifyAllowedEnergyTransfer", {
    from: "csms", onEnd: energyTransfer(({ fields }) => fields.allowedEnergyTransfer),
  }],
  ["NotifyEVChargingNeeds", {
    from: "station", onEnd: energyTransfer(({ fields }) => fieldsOf(fields.chargingNeeds).requestedEnergyTransfer),
  }],
  ["NotifyEvent", { from: "station", onCall: notifyEvent }],
  ["PublishFirmware", {
    from: "csms",
    onEnd: (request, ending) => firmwareOrder(request.fields.location, false, ending),
  }],
  ["RequestBatterySwap", command("battery-swap")],
  ["RequestStartTransaction", { from: "csms", onEnd: remoteStart }],
  ["RequestStopTransaction", command("remote-stop", transactionAim)],
  ["ReserveNow", command("reserve", evseAim)],
  ["Reset", { from: "csms", onEnd: reset }],
  ["SecurityEventNotification", SECURITY_EVENT],
  ["SendLocalList", command("send-local-list")],
  ["SetChargingProfile", { from: "csms", onEnd: setChargingProfile }],
  ["SetDERControl", command("set-der-control")],
  ["SetMonitoringBase", command("set-monitoring")],
  ["SetMonitoringLevel", command("set-monitoring")],
  ["SetNetworkProfile", { from: "csms", onEnd: setNetworkProfile }],
  ["SetVariableMonitoring", command("set-monitoring")],
  ["SetVariables", { from: "csms", onEnd: setVariables }],
  ["StatusNotification", { from: "station", onCall: statusNotification }],
  ["TransactionEvent", { from: "station", onCall: transactionEvent, onEnd: transactionEventEnd }],
  ["TriggerMessage", command("trigger", evseAim)],
  ["UnlockConnector", command("unlock", evseAim)],
  ["UnpublishFirmware", command("unpublish-firmware")],
  ["UpdateDynamicSchedule", { from: "csms", onEnd: updateDynamicSchedule }],
  ["UpdateFirmware", FIRMWARE_WITH_SIGNATURE],
  ["UsePriorityCharging", command("use-priority-charging", transactionAim)],
  ...CERTIFICATE_ACTIONS,
]);

export const OCPP201: ActionTable = new Map([...OCPP21].filter(([name]) => !ONLY_21.has(name)));
