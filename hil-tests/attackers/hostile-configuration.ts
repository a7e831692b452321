/** `configuration-tampering`: a foreign hand on the CSMS side weakens the station. */
import { MINUTE_MS, SECOND_MS, type WallMs } from "../../models/units.ts";
import type { Capture, TimedLine } from "../sim/capture.ts";
import type { Dice } from "../sim/dice.ts";
import { dialectOf } from "../sim/dialects.ts";
import type { Setting } from "../sim/dialect.ts";
import { exchange, merged, moment, truthOf, type Attack, type Attacked, type Attacks, type Window } from "./attack.ts";
import type { Order } from "./wire.ts";

function change(capture: Capture, setting: Setting): Order {
  const dialect = dialectOf(capture.ocppVersion);
  return { message: dialect.changeSetting(setting), reply: dialect.changeSettingReply(setting) };
}

/** SetNetworkProfile (2.0.1: B09). */
function networkProfile(url: string, securityProfile: number): Order {
  const connectionData = { ocppVersion: "OCPP20", ocppTransport: "JSON", ocppCsmsUrl: url, messageTimeout: 30,
    securityProfile, ocppInterface: "Wired0" };
  const message = { action: "SetNetworkProfile", payload: { configurationSlot: 1, connectionData } };
  return { message, reply: { status: "Accepted" } };
}

function carriedOut(
  capture: Capture, chance: Dice, orders: readonly Order[], attack: string, window?: Window,
): Attacked {
  const from = moment(capture, chance, orders.length * 8 * SECOND_MS + MINUTE_MS, window);
  const lines: TimedLine[] = [];
  let at = from;
  for (const { message, reply } of orders) {
    lines.push(...exchange(capture, chance, at, "csms", message, reply));
    at = Math.round(at + chance.uniform(1, 8) * SECOND_MS) as WallMs;
  }
  const truth = truthOf("configuration-tampering", attack, capture, { from, to: lines.at(-1)?.at ?? from });
  return { capture: { ...capture, ocpp: merged(capture.ocpp, lines) }, truth: [truth] };
}

const securityLevel = (strength: number): number => (strength < 0.5 ? 1 : 0);

/** Security profile down to 1 (below 0.5) or 0: passwords in plain text, or none. */
export const weakenSecurityProfile: Attack = (capture, chance, strength, window) => {
  const level = securityLevel(strength);
  const order = capture.ocppVersion === "1.6"
    ? change(capture, { name16: "SecurityProfile", name201: "", value: String(level) })
    : networkProfile("ws://csms.operator.example/ocpp", level);
  return carriedOut(capture, chance, [order], "weaken-security-profile", window);
};

/** The station is told to talk to the attacker's CSMS; from 0.5 in plain text. 1.6 has only vendors' keys for it. */
export function repointed(capture: Capture, strength: number): Order {
  const url = strength < 0.5 ? "wss://csms.operator-example.test/ocpp" : "ws://203.0.113.66/ocpp";
  return capture.ocppVersion === "1.6"
    ? change(capture, { name16: "CentralSystemURL", name201: "", value: url })
    : networkProfile(url, strength < 0.5 ? 2 : 1);
}

export const repointCsms: Attack = (capture, chance, strength, window) =>
  carriedOut(capture, chance, [repointed(capture, strength)], "repoint-csms", window);

/** A new password that only the attacker knows; from 0.5 with the station's monitoring turned off as well. */
export const replacePassword: Attack = (capture, chance, strength, window) => {
  const password = chance.hex(32);
  const orders = [change(capture, { name16: "AuthorizationKey", name201: "SecurityCtrlr.BasicAuthPassword",
    value: password })];
  if (strength >= 0.5) {
    orders.push(change(capture, { name16: "SecurityLogEnabled", name201: "MonitoringCtrlr.Enabled", value: "false" }));
  }
  return carriedOut(capture, chance, orders, "replace-password", window);
};

const KEYS: readonly (readonly [name16: string, name201: string, value: string])[] = [
  ["HeartbeatInterval", "OCPPCommCtrlr.HeartbeatInterval", "86400"],
  ["MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval", "0"],
  ["ClockAlignedDataInterval", "AlignedDataCtrlr.Interval", "0"],
  ["AllowOfflineTxForUnknownId", "AuthCtrlr.OfflineTxForUnknownIdEnabled", "true"],
  ["LocalPreAuthorize", "AuthCtrlr.LocalPreAuthorize", "true"],
  ["AuthorizeRemoteTxRequests", "AuthCtrlr.AuthorizeRemoteStart", "false"],
  ["StopTransactionOnInvalidId", "TxCtrlr.StopTxOnInvalidId", "false"],
  ["WebSocketPingInterval", "OCPPCommCtrlr.WebSocketPingInterval", "0"],
  ["MeterValuesSampledData", "SampledDataCtrlr.TxUpdatedMeasurands", ""],
  ["StopTxnSampledData", "SampledDataCtrlr.TxEndedMeasurands", ""],
];

const changesInRun = (strength: number): number => Math.round(4 + 36 * strength);

/** A script that goes through the settings: 4 to 40 changes, a few seconds apart. */
export const runOfChanges: Attack = (capture, chance, strength, window) => {
  const orders = Array.from({ length: changesInRun(strength) }, () => {
    const [name16, name201, value] = chance.pick(KEYS);
    return change(capture, { name16, name201, value });
  });
  return carriedOut(capture, chance, orders, "run-of-changes", window);
};

export const HOSTILE_CONFIGURATION: Attacks = {
  "weaken-security-profile": {
    threat: "configuration-tampering", scope: "station", make: weakenSecurityProfile,
    does: "the security profile is lowered",
    amount: (strength) => `to ${securityLevel(strength)}`,
  },
  "repoint-csms": {
    threat: "configuration-tampering", scope: "station", make: repointCsms,
    does: "the station is given another CSMS",
    amount: (strength) =>
      (strength < 0.5 ? "over TLS, under a name like the true one" : "in plain text, at a bare address"),
  },
  "replace-password": {
    threat: "configuration-tampering", scope: "station", make: replacePassword,
    does: "the station is given a new password",
    amount: (strength) => (strength < 0.5 ? "and nothing else" : "and its security log or monitoring is turned off"),
  },
  "run-of-changes": {
    threat: "configuration-tampering", scope: "station", make: runOfChanges,
    does: "a script goes through settings that blind the operator",
    amount: (strength) => `${changesInRun(strength)} changes, some seconds apart`,
  },
};
