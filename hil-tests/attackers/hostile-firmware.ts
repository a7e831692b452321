/** `firmware-tampering`: the attacker's own image, or an old one with known holes. */
import { MINUTE_MS, SECOND_MS, rfc3339, type WallMs } from "../../models/units.ts";
import { eventLine, type Capture, type Message, type TimedLine } from "../sim/capture.ts";
import { bootReply } from "../sim/dialect.ts";
import { CSMS_ADDRESS } from "../sim/fleet.ts";
import type { Dice } from "../sim/dice.ts";
import { traceLine } from "../sim/inspect.ts";
import { exchange, merged, moment, truthOf, type Attack, type Attacks } from "./attack.ts";

const IMAGE = "http://203.0.113.66/pub/update.bin";

function unsignedOrder(capture: Capture, at: WallMs): Message {
  return capture.ocppVersion === "1.6"
    ? { action: "UpdateFirmware", payload: { location: IMAGE, retrieveDate: rfc3339(at) } }
    : { action: "UpdateFirmware", payload: { requestId: 666, firmware: { location: IMAGE,
      retrieveDateTime: rfc3339(at) } } };
}

/** Plain text, unknown host, no signature. Below 0.5 the download fails; from there the image is installed. */
export const orderUnsignedFirmware: Attack = (capture, chance, strength, window) => {
  const from = moment(capture, chance, 10 * MINUTE_MS, window);
  const lines = exchange(capture, chance, from, "csms", unsignedOrder(capture, from),
    capture.ocppVersion === "1.6" ? {} : { status: "Accepted" });
  const course = strength < 0.5 ? ["Downloading", "DownloadFailed"]
    : ["Downloading", "Downloaded", "Installing", "Installed"];
  const id = capture.ocppVersion === "1.6" ? {} : { requestId: 666 };
  course.forEach((status, i) => {
    const at = (from + (i * 90 + 5) * SECOND_MS) as WallMs;
    const message = { action: "FirmwareStatusNotification", payload: { status, ...id } };
    lines.push(...exchange(capture, chance, at, "station", message, {}));
  });
  const truth = truthOf("firmware-tampering", "unsigned-order", capture, { from, to: lines.at(-1)?.at ?? from });
  return { capture: { ...capture, ocpp: merged(capture.ocpp, lines) }, truth: [truth] };
};

function lastBootBefore(capture: Capture, at: WallMs): Message {
  const isBoot = ({ line }: TimedLine): boolean => line.includes('"action":"BootNotification"');
  const boot = capture.ocpp.filter((timed) => timed.at < at && isBoot(timed)).at(-1);
  if (boot === undefined) throw new Error("a capture without a boot");
  return { action: "BootNotification", payload: traceLine(boot).payload ?? {} };
}

function withVersion(payload: object, version: string): object {
  const text = JSON.stringify(payload).replace(/"firmwareVersion":"[^"]*"/, `"firmwareVersion":"${version}"`);
  return JSON.parse(text) as object;
}

function restart(capture: Capture, chance: Dice, at: WallMs, version: string): TimedLine[] {
  const { station } = capture;
  const backAt = (at + 70 * SECOND_MS) as WallMs;
  const { action, payload } = lastBootBefore(capture, at);
  const boot = { action, payload: withVersion(payload, version) };
  return [
    { at, line: eventLine(station, at, "disconnect", { closeCode: 1001 }) },
    { at: backAt, line: eventLine(station, backAt, "connect", { remoteAddress: CSMS_ADDRESS }) },
    ...exchange(capture, chance, (backAt + 300) as WallMs, "station", boot, bootReply(rfc3339(backAt), 300)),
  ];
}

const oldVersion = (strength: number): string => (strength < 0.5 ? "1.9.4" : "1.0.0");

/**
 * Somebody at the service port puts an old version in: it shows at the next boot and in all that follow. From 0.5 a
 * very old one, below that the last of the former series.
 */
export const downgradeFirmware: Attack = (capture, chance, strength, window) => {
  const from = moment(capture, chance, 3 * MINUTE_MS, window);
  const version = oldVersion(strength);
  const added = restart(capture, chance, from, version);
  const to = added.at(-1)?.at ?? from;
  const dark = added[1]?.at ?? to;
  const ocpp = capture.ocpp
    .filter(({ at }) => at < from || at > dark) // nothing passes while it restarts
    .map((timed) => (timed.at > to && timed.line.includes('"action":"BootNotification"')
      ? { at: timed.at, line: timed.line.replace(/firmwareVersion(\\?":\\?")[^"\\]*/g, `firmwareVersion$1${version}`) }
      : timed));
  const truth = truthOf("firmware-tampering", "downgrade", capture, { from, to });
  return { capture: { ...capture, ocpp: merged(ocpp, added) }, truth: [truth] };
};

export const HOSTILE_FIRMWARE: Attacks = {
  "unsigned-order": {
    threat: "firmware-tampering", scope: "station", make: orderUnsignedFirmware,
    does: "an unsigned image is ordered in plain text from a stranger",
    amount: (strength) => (strength < 0.5 ? "the download fails" : "it is installed"),
  },
  downgrade: {
    threat: "firmware-tampering", scope: "station", make: downgradeFirmware,
    does: "an old version is put in at the service port",
    amount: (strength) => `version ${oldVersion(strength)}`,
  },
};
