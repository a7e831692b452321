/** `firmware-tampering`: the attacker's own image, or an old one with known holes. */
import { MINUTE_MS, SECOND_MS, rfc3339, type WallMs } from "../../models/units.ts";
import { eventLine, type Capture, type Message, type TimedLine } from "../sim/capture.ts";
import { ACCEPTED, bootReply } from "../sim/dialect.ts";
import { dialectOf } from "../sim/dialects.ts";
import { CSMS_ADDRESS, CSMS_CERTIFICATE } from "../sim/fleet.ts";
import type { Dice } from "../sim/dice.ts";
import { traceLine } from "../sim/inspect.ts";
import { exchange, merged, moment, truthOf, type Attack, type Attacks } from "./attack.ts";

const IMAGE = "http://203.0.113.66/pub/update.bin";

/** What the CSMS says to make a station fetch an image. */
export function unsignedImage(capture: Capture, at: WallMs): Message {
  return capture.ocppVersion === "1.6"
    ? { action: "UpdateFirmware", payload: { location: IMAGE, retrieveDate: rfc3339(at) } }
    : { action: "UpdateFirmware", payload: { requestId: 666, firmware: { location: IMAGE,
      retrieveDateTime: rfc3339(at) } } };
}

/** Signed, but by the attacker, and from the attacker's host. */
function foreignImage(capture: Capture, chance: Dice, at: WallMs): Message {
  return dialectOf(capture.ocppVersion).signedFirmware({
    requestId: 666, location: "https://firmware.operator-example.test/sim/2.9.0/firmware.bin", at: rfc3339(at),
    certificate: `-----BEGIN CERTIFICATE-----\n${chance.hex(400)}\n-----END CERTIFICATE-----`,
    signature: chance.hex(96),
  });
}

/** The order, and what the station tells of it. */
export function orderedImage(
  capture: Capture, chance: Dice, from: WallMs, message: Message, installed: boolean,
): TimedLine[] {
  const old = capture.ocppVersion === "1.6";
  const signed = message.action === "SignedUpdateFirmware" || JSON.stringify(message.payload).includes('"signature"');
  const failure = signed ? ["Downloading", "Downloaded", "InvalidSignature"] : ["Downloading", "DownloadFailed"];
  const course = installed ? ["Downloading", "Downloaded", "Installing", "Installed"] : failure;
  const lines = exchange(capture, chance, from, "csms", message, old && !signed ? {} : ACCEPTED);
  const action = old && signed ? "SignedFirmwareStatusNotification" : "FirmwareStatusNotification";
  course.forEach((status, i) => {
    const at = (from + (i * 90 + 5) * SECOND_MS) as WallMs;
    const payload = { status, ...((!old || signed) && { requestId: 666 }) };
    lines.push(...exchange(capture, chance, at, "station", { action, payload }, {}));
  });
  return lines;
}

type Image = (capture: Capture, chance: Dice, at: WallMs) => Message;

function byOrder(attack: string, image: Image): Attack {
  return (capture, chance, strength, window) => {
    const from = moment(capture, chance, 10 * MINUTE_MS, window);
    const lines = orderedImage(capture, chance, from, image(capture, chance, from), strength >= 0.5);
    const truth = truthOf("firmware-tampering", attack, capture, { from, to: lines.at(-1)?.at ?? from });
    return { capture: { ...capture, ocpp: merged(capture.ocpp, lines) }, truth: [truth] };
  };
}

/** Plain text, unknown host, no signature. Below 0.5 the download fails; from there the image is installed. */
export const orderUnsignedFirmware = byOrder("unsigned-order", (capture, _chance, at) => unsignedImage(capture, at));

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
    { at: backAt, line: eventLine(station, backAt, "connect",
      { remoteAddress: CSMS_ADDRESS, tlsPeerSha256: CSMS_CERTIFICATE }) },
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
  "foreign-image": {
    threat: "firmware-tampering", scope: "station", make: byOrder("foreign-image", foreignImage),
    does: "an image of the attacker's host, signed by the attacker, is ordered",
    amount: (strength) => (strength < 0.5 ? "the station finds the signature wrong" : "it is installed"),
  },
  downgrade: {
    threat: "firmware-tampering", scope: "station", make: downgradeFirmware,
    does: "an old version is put in at the service port",
    amount: (strength) => `version ${oldVersion(strength)}`,
  },
};
