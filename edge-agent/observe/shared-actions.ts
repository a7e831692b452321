/** Actions that are the same, or nearly, in every OCPP version: the tables of the versions take them from here. */
import type { Outcome, Reading } from "../../models/terms.ts";
import type { WallMs } from "../../models/units.ts";
import { defined, fieldsOf, listOf, nonEmpty, numberOf, textOf } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { isOffline, lacks, outcomeOf, resultOf, said, tooMany } from "./mapping.ts";
import type { Action, Body, Ending, Request } from "./mapping.ts";
import { readingOf } from "./readings.ts";
import { remoteHost } from "./remote-host.ts";
import { isHiddenVariable, withoutCredentials } from "./secrets.ts";
import { clockOf } from "./time-stamp.ts";

/** The CSMS's clock in a result; nothing where it is not plausible. */
export function csmsTime(ending: Ending): readonly Body[] {
  const at = clockOf(resultOf(ending).currentTime);
  return at === undefined ? [] : [{ kind: "csms-time", csmsTime: at as WallMs }];
}

/** BootNotification, from the place where a version keeps vendor and model. */
export function boot(
  request: Request, ending: Ending, where: Fields, vendor: unknown, model: unknown,
): readonly Body[] {
  const firmwareVersion = nonEmpty(where.firmwareVersion);
  const reason = nonEmpty(request.fields.reason);
  const asked = numberOf(resultOf(ending).interval);
  const heartbeatS = asked !== undefined && asked > 0 ? asked : undefined;
  return [{
    kind: "boot", vendor: textOf(vendor) ?? "", model: textOf(model) ?? "", outcome: outcomeOf(ending),
    ...defined({ firmwareVersion, reason, heartbeatS }),
  }, ...csmsTime(ending)];
}

/** LogStatusNotification, and DiagnosticsStatusNotification of 1.6. */
export const UPLOAD_STATUS: Action = {
  from: "station",
  onCall: (request) => {
    const status = nonEmpty(request.fields.status);
    return status === undefined ? lacks(request, "status") : [{ kind: "upload-status", status }];
  },
};

export const HEARTBEAT: Action = {
  from: "station",
  onCall: () => [{ kind: "heartbeat" }],
  onEnd: (_request, ending) => csmsTime(ending),
};

/** FirmwareStatusNotification and its signed twin of the 1.6 security extension. */
export const FIRMWARE_STATUS: Action = {
  from: "station",
  onCall: (request) => {
    const status = nonEmpty(request.fields.status);
    return status === undefined ? lacks(request, "status") : [{ kind: "firmware-status", status }];
  },
};

/** SecurityEventNotification. Its `techInfo` is free text and stays here. */
export const SECURITY_EVENT: Action = {
  from: "station",
  onCall: (request) => {
    const type = nonEmpty(request.fields.type);
    if (type === undefined) return lacks(request, "type");
    return [{ kind: "security-event", type, ...said(request, request.fields.timestamp) }];
  },
};

/** An order to fetch firmware from `location`. */
export function firmwareOrder(location: unknown, signed: boolean, ending: Ending): readonly Body[] {
  const status = nonEmpty(resultOf(ending).status);
  return [{
    kind: "firmware-order", from: remoteHost(location), signed, outcome: outcomeOf(ending),
    ...defined({ status }),
  }];
}

/** SignedUpdateFirmware (1.6), UpdateFirmware (2.0.1, L01 and L02): signed only with both certificate and signature. */
export const FIRMWARE_WITH_SIGNATURE: Action = {
  from: "csms",
  onEnd: (request, ending) => {
    const firmware = fieldsOf(request.fields.firmware);
    const signed = nonEmpty(firmware.signingCertificate) !== undefined && nonEmpty(firmware.signature) !== undefined;
    return firmwareOrder(firmware.location, signed, ending);
  },
};

/** GetLog, in the 1.6 security extension and in 2.0.1. */
export const GET_LOG: Action = {
  from: "csms",
  onEnd: (request, ending) => [{
    kind: "upload-order", to: remoteHost(fieldsOf(request.fields.log).remoteLocation),
    what: nonEmpty(request.fields.logType) ?? "log", outcome: outcomeOf(ending),
  }],
};

/** DataTransfer: what a station sends that way is between it and its CSMS. */
export const DATA_TRANSFER: Action = {
  from: "both",
  onEnd: ({ call, fields }, ending) => (call.direction === "cp-to-csms" ? [] : [{
    kind: "data-transfer", vendor: `${textOf(fields.vendorId) ?? ""}/${textOf(fields.messageId) ?? ""}`,
    outcome: outcomeOf(ending),
  }]),
};

/** Most names of variables that an observation carries. */
const MOST_NAMES = 64;

/**
 * A read of the variables in `list`, each named by `nameOf`; no list at all asks for everything (1.6, 6.23).
 * @param unknown how many of them the station does not have, by its result
 */
export function configurationRead(
  list: unknown, nameOf: (entry: unknown) => string | undefined, unknown = 0,
): readonly Body[] {
  const variables = Array.isArray(list) ? list.length : 0;
  const first: unknown[] = Array.isArray(list) ? list.slice(0, MOST_NAMES) : [];
  const names = first.map(nameOf).filter((name) => name !== undefined);
  return [{
    kind: "configuration-read", variables, everything: variables === 0, ...(names.length > 0 && { names }),
    ...(unknown > 0 && { unknown }),
  }];
}

/** 1.6 and 2.0.1 name the CSMS's root certificate differently. */
function certificateType(request: Request): string {
  const type = nonEmpty(request.fields.certificateType) ?? "";
  return type === "CentralSystemRootCertificate" ? "CSMSRootCertificate" : type;
}

/** An order or request about certificates; `what` begins with the verb. */
function certificate(from: Action["from"], verb: string): Action {
  return {
    from,
    onEnd: (request, ending) => [{
      kind: "certificate-order", what: `${verb} ${certificateType(request)}`.trim(), outcome: outcomeOf(ending),
    }],
  };
}

export const CERTIFICATE_ACTIONS: readonly (readonly [string, Action])[] = [
  ["CertificateSigned", certificate("csms", "renew")],
  ["DeleteCertificate", certificate("csms", "delete")],
  ["GetInstalledCertificateIds", certificate("csms", "list")],
  ["InstallCertificate", certificate("csms", "install")],
  ["SignCertificate", certificate("station", "request")],
];

/** One setting changed, or asked to be. A hidden variable's value stays here; a URL's credentials do in any. */
export function configurationChange(variable: string, value: unknown, outcome: Outcome): Body {
  const secret = isHiddenVariable(variable);
  const shown = secret || typeof value !== "string" || value.includes("-----BEGIN")
    ? undefined : textOf(withoutCredentials(value), 256);
  return { kind: "configuration-change", variable, secret, outcome, ...(shown !== undefined && { value: shown }) };
}

/** Each element of `meterValue` as testimony, in the order of the message. */
export function reportedReadings(
  request: Request, meterValue: unknown, evseId: number, transactionId: string | undefined, says?: unknown,
): readonly (Body & { readonly kind: "reported-reading" })[] {
  const bodies = [];
  for (const element of listOf(meterValue)) {
    const reading: Reading | undefined = readingOf(element, evseId);
    if (reading === undefined) continue;
    bodies.push({
      kind: "reported-reading" as const, reading, offline: isOffline(request, element.timestamp, says),
      ...defined({ transactionId }), ...said(request, element.timestamp),
    });
  }
  return bodies;
}

/** When a schedule counts, where it says so; one that recurs is taken for its first time only. */
function spanOf(request: Request, schedule: Fields): { readonly from?: WallMs; readonly to?: WallMs } {
  const profile = fieldsOf(request.fields.csChargingProfiles ?? request.fields.chargingProfile);
  const start = clockOf(schedule.startSchedule);
  const durationS = numberOf(schedule.duration);
  const known = (...times: (number | undefined)[]) => times.filter((time) => time !== undefined);
  const from = known(start, clockOf(profile.validFrom));
  const end = durationS === undefined ? undefined : (start ?? request.call.at) + durationS * 1_000;
  const to = known(end, clockOf(profile.validTo));
  return {
    ...(from.length > 0 && { from: Math.max(...from) as WallMs }),
    ...(to.length > 0 && { to: Math.min(...to) as WallMs }),
  };
}

/**
 * A charging schedule as at most three observations: the limit that holds first, and the lowest and highest after it
 * where they differ, so that a harmful period cannot hide behind a mild first one.
 */
export function chargingLimits(
  request: Request, profile: Fields, evseId: number, outcome: Outcome,
): readonly Body[] {
  const level = numberOf(profile.stackLevel) ?? 0;
  return listOf(profile.chargingSchedule).flatMap((schedule): readonly Body[] => {
    const unit = schedule.chargingRateUnit === "A" ? "A" : "W";
    const periods = listOf(schedule.chargingSchedulePeriod);
    const limits = periods.map(limitOf).filter((limit) => limit !== undefined);
    const of = nonEmpty(profile.chargingProfilePurpose) ?? "";
    const hidden = periods.some(discharges) && !limits.some((limit) => limit < 0);
    const agreed: Body[] = hidden ? [{ kind: "discharge-agreed", evseId, by: of, outcome }] : [];
    const [first] = limits;
    if (first === undefined) return agreed.length > 0 ? agreed : lacks(request, "limit");
    const shown = new Set([first, Math.min(...limits), Math.max(...limits)]);
    const span = spanOf(request, schedule);
    return [
      ...agreed,
      ...[...shown].map((limit): Body =>
        ({ kind: "charging-limit", evseId, limit, unit, purpose: of, outcome, ...(level > 0 && { level }), ...span })),
      ...tooMany(request, schedule.chargingSchedulePeriod),
    ];
  });
}

const NO_DISCHARGE = new Set<unknown>([undefined, null, "Idle", "ChargingOnly"]);

/** Whether an operation mode of 2.1 lets the vehicle discharge (Q, V2X). */
export function modeDischarges(mode: unknown): boolean {
  return !NO_DISCHARGE.has(mode);
}

/** Whether a period of 2.1 lets the vehicle discharge, beside a limit above zero or none. */
function discharges(period: Fields): boolean {
  return modeDischarges(period.operationMode) ||
    [period.dischargeLimit, period.setpoint].some((limit) => (numberOf(limit) ?? 0) < 0);
}

/** A period's limit; 2.1 may give a set-point or a discharge limit (negative) instead. */
export function limitOf(period: Fields): number | undefined {
  return numberOf(period.limit) ?? numberOf(period.setpoint) ?? numberOf(period.dischargeLimit);
}
