/** `reconnaissance`: somebody finds out what is there. */
import { MINUTE_MS, SECOND_MS, rfc3339, type WallMs } from "../../models/units.ts";
import type { Capture, Message, SimVersion, TimedLine } from "../sim/capture.ts";
import { ACCEPTED, securityEvent } from "../sim/dialect.ts";
import type { Dice } from "../sim/dice.ts";
import { exchange, moment, truthOf, type Attack, type Attacks } from "./attack.ts";
import { joint } from "./joint.ts";
import { gradedCount } from "./strength.ts";
import { ordered, refusedCall, withLines, type Order } from "./wire.ts";

const KEYS_16 = ["AuthorizationKey", "SecurityProfile", "CpoName", "LocalAuthListMaxLength", "SupportedFeatureProfiles",
  "ChargeProfileMaxStackLevel", "AuthorizeRemoteTxRequests", "CentralSystemURL", "VendorDebugPort", "SshEnabled"];
const VARIABLES_201: readonly (readonly [component: string, variable: string])[] = [
  ["SecurityCtrlr", "SecurityProfile"], ["SecurityCtrlr", "BasicAuthPassword"], ["ChargingStation", "Model"],
  ["OCPPCommCtrlr", "NetworkConfigurationPriority"], ["LocalAuthListCtrlr", "Entries"],
  ["SmartChargingCtrlr", "ProfileStackLevel"], ["DebugCtrlr", "Port"], ["AuthCtrlr", "AuthorizeRemoteStart"],
];

function readOne(version: SimVersion, chance: Dice): Order {
  if (version === "1.6") {
    const key = chance.pick(KEYS_16);
    return { message: { action: "GetConfiguration", payload: { key: [key] } }, reply: { unknownKey: [key] } };
  }
  const [component, variable] = chance.pick(VARIABLES_201);
  const which = { component: { name: component }, variable: { name: variable } };
  return { message: { action: "GetVariables", payload: { getVariableData: [which] } },
    reply: { getVariableResult: [{ attributeStatus: "UnknownVariable", ...which }] } };
}

/** All that there is: in 1.6 without keys (5.8), in 2.0.1 a full inventory (B07). */
function readAll(version: SimVersion): Order {
  return version === "1.6"
    ? { message: { action: "GetConfiguration", payload: {} },
      reply: { configurationKey: KEYS_16.slice(3, 7).map((key) => ({ key, readonly: true, value: "1" })) } }
    : { message: { action: "GetBaseReport", payload: { requestId: 4_242, reportBase: "FullInventory" } },
      reply: ACCEPTED };
}

function seen(before: Capture, name: string, lines: readonly TimedLine[]): ReturnType<Attack> {
  const from = Math.min(...lines.map(({ at }) => at)) as WallMs;
  const to = Math.max(...lines.map(({ at }) => at)) as WallMs;
  return { capture: withLines(before, lines), truth: [truthOf("reconnaissance", name, before, { from, to })] };
}

const reads = gradedCount(3, 20, 100);

const variableSweep: Attack = (before, chance, strength, window) => {
  const count = reads(strength);
  const from = moment(before, chance, count * 6 * SECOND_MS + MINUTE_MS, window);
  const orders = Array.from({ length: count }, (_, i) =>
    (i === 0 ? readAll(before.ocppVersion) : readOne(before.ocppVersion, chance)));
  return seen(before, "variable-sweep", ordered(before, chance, from, orders, { low: 1, high: 6 }));
};

const odd = gradedCount(4, 20, 100);
/** Of other versions, of drafts, and none at all. */
const STRANGE = ["GetInstalledCertificateIds2", "DebugShell", "SetDisplayMessages", "ListFiles", "Reboot"];

function oddRequest(capture: Capture, chance: Dice, at: WallMs): TimedLine[] {
  if (chance.chance(0.5)) {
    const message: Message = { action: chance.pick(STRANGE), payload: {} };
    return refusedCall(capture, chance, at, message, "NotImplemented");
  }
  const payload = { vendorId: `com.example.${chance.hex(4).toLowerCase()}`, messageId: "diag", data: chance.hex(16) };
  const message = { action: "DataTransfer", payload };
  return exchange(capture, chance, at, "csms", message, { status: "UnknownVendorId" });
}

const oddRequests: Attack = (before, chance, strength, window) => {
  const count = odd(strength);
  const from = moment(before, chance, count * 5 * SECOND_MS + MINUTE_MS, window);
  return seen(before, "odd-requests", Array.from({ length: count }, (_, i) =>
    oddRequest(before, chance, Math.round(from + (i + chance.uniform(0, 0.8)) * 5 * SECOND_MS) as WallMs)).flat());
};

const logins = gradedCount(3, 12, 50);

/** Somebody tries passwords and old ciphers at the station; it tells of each (security events of the whitepaper). */
const loginProbes: Attack = (before, chance, strength, window) => {
  const count = logins(strength);
  const failed = before.ocppVersion === "1.6" ? "CentralSystemFailedToAuthenticate" : "CsmsFailedToAuthenticate";
  const from = moment(before, chance, count * 20 * SECOND_MS + MINUTE_MS, window);
  return seen(before, "login-probes", Array.from({ length: count }, (_, i) => {
    const at = Math.round(from + (i + chance.uniform(0, 0.8)) * 20 * SECOND_MS) as WallMs;
    const type = chance.chance(0.7) ? failed : "InvalidTLSVersion";
    return exchange(before, chance, at, "station", securityEvent(type, rfc3339(at)), {});
  }).flat());
};

const fewReads = gradedCount(1, 3, 8);

export const PROBES: Attacks = {
  "variable-sweep": {
    threat: "reconnaissance", scope: "station", make: variableSweep,
    does: "all settings are read, then single ones by guessed names, 1 to 6 s apart",
    amount: (strength) => `${reads(strength)} reads`,
  },
  "odd-requests": {
    threat: "reconnaissance", scope: "station", make: oddRequests,
    does: "unknown actions and vendors' messages, some 5 s apart",
    amount: (strength) => `${odd(strength)} requests`,
  },
  "login-probes": {
    threat: "reconnaissance", scope: "station", make: loginProbes,
    does: "passwords and old ciphers are tried at the station, which tells of it",
    amount: (strength) => `${logins(strength)} security events, some 20 s apart`,
  },
  "street-sweep": {
    threat: "reconnaissance", scope: "zone",
    does: "one script reads a few settings at every station within half an hour",
    amount: (strength) => `${fewReads(strength)} reads at each`,
    make: joint((strength) => ({
      threat: "reconnaissance", name: "street-sweep", share: 1, spreadMs: 30 * MINUTE_MS, lengthMs: 2 * MINUTE_MS,
      act: (capture, chance, at) => {
        const orders = Array.from({ length: fewReads(strength) }, () => readOne(capture.ocppVersion, chance));
        return { capture: withLines(capture, ordered(capture, chance, at, orders, { low: 2, high: 12 })) };
      },
    })),
  },
};
