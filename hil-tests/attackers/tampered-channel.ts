/** `channel-tampering`: somebody between the station and its CSMS. */
import { DAY_MS, MINUTE_MS, SECOND_MS, rfc3339, type WallMs } from "../../models/units.ts";
import { callLine, eventLine, resultLine, type Capture, type TimedLine } from "../sim/capture.ts";
import { bootReply } from "../sim/dialect.ts";
import { dialectOf } from "../sim/dialects.ts";
import type { Dice } from "../sim/dice.ts";
import { CSMS_ADDRESS, CSMS_CERTIFICATE } from "../sim/fleet.ts";
import { traceLine } from "../sim/inspect.ts";
import { exchange, isUp, moment, truthOf, type Attack, type Attacks, type Span } from "./attack.ts";
import { joint } from "./joint.ts";
import { firstAfter } from "./registers.ts";
import { graded, gradedCount, percent } from "./strength.ts";
import { movedTo, withDark, withLines } from "./wire.ts";

const STRANGER = "203.0.113.66";
/** SHA-256 of the interceptor's certificate. */
const FOREIGN = "6b".repeat(32);
const GAP_MS = 4 * SECOND_MS;

/** The link falls and comes back through the interceptor, and after a while falls and comes back without. */
function intercepted(capture: Capture, chance: Dice, { from, to }: Span): Capture {
  const into = withDark(capture, chance, { from, to: (from + GAP_MS) as WallMs },
    { remoteAddress: STRANGER, tlsPeerSha256: FOREIGN });
  const foreign = { ...into, ocpp: into.ocpp.map((timed) => (timed.at > from && timed.at < to
    && timed.line.includes('"event":"connect"') ? { at: timed.at, line: timed.line
      .replace(CSMS_ADDRESS, STRANGER).replace(CSMS_CERTIFICATE, FOREIGN) } : timed)) };
  return withDark(foreign, chance, { from: (to - GAP_MS) as WallMs, to });
}

const interceptedMin = graded(10, 60, 360);

const newCertificate: Attack = (before, chance, strength, window) => {
  const lengthMs = Math.round(interceptedMin(strength)) * MINUTE_MS;
  const from = moment(before, chance, lengthMs + MINUTE_MS, window);
  const during = { from, to: (from + lengthMs) as WallMs };
  return { capture: intercepted(before, chance, during),
    truth: [truthOf("channel-tampering", "new-certificate", before, during)] };
};

const replayed = gradedCount(3, 20, 100);
const WORTH_REPLAYING = /"action":"(Authorize|StartTransaction|StopTransaction|TransactionEvent|MeterValues)"/;

/** Calls of the day before with what the CSMS answered, byte for byte, 2 to 10 s apart. */
const replayedFrames: Attack = (before, chance, strength, window) => {
  const count = replayed(strength);
  const from = moment(before, chance, count * 10 * SECOND_MS, window);
  const past = before.ocpp.slice(firstAfter(before.ocpp, from - DAY_MS), firstAfter(before.ocpp, from - MINUTE_MS));
  const calls = past.filter(({ line }) => WORTH_REPLAYING.test(line) && line.includes('"cp-to-csms"'));
  if (calls.length === 0) throw new Error("nothing was said the day before that is worth replaying");
  const start = chance.int(Math.max(1, calls.length - count));
  const lines: TimedLine[] = [];
  let at: number = from;
  for (const call of calls.slice(start, start + count)) {
    const id = traceLine(call).messageId;
    const answer = past.find((timed) => timed.at >= call.at && timed !== call && traceLine(timed).messageId === id);
    lines.push(movedTo(call, at as WallMs));
    if (answer !== undefined) lines.push(movedTo(answer, (at + 40 + chance.int(60)) as WallMs));
    at = Math.round(at + chance.uniform(2, 10) * SECOND_MS);
  }
  const truth = truthOf("channel-tampering", "replayed-frames", before, { from, to: lines.at(-1)?.at ?? from });
  return { capture: withLines(before, lines), truth: [truth] };
};

const displaced = gradedCount(1, 4, 15);
const DISPLACED_MS = 2 * MINUTE_MS;

/** A second socket under the station's identity, from elsewhere: the first is dropped, and takes its place again. */
function displacement(capture: Capture, chance: Dice, at: WallMs): TimedLine[] {
  const event = (afterMs: number, what: "connect" | "disconnect", meta: object): TimedLine =>
    ({ at: (at + afterMs) as WallMs, line: eventLine(capture.station, (at + afterMs) as WallMs, what, meta) });
  const boot = dialectOf(capture.ocppVersion).boot(
    { vendor: "Simulated", model: "SIM-1", serial: capture.station.slice(0, 25), firmwareVersion: "2.0.0" }, "PowerUp");
  const bootAt = (at + 400) as WallMs;
  return [
    event(0, "connect", { remoteAddress: STRANGER }),
    event(50, "disconnect", { closeCode: 1008 }),
    ...exchange(capture, chance, bootAt, "station", boot, bootReply(rfc3339(bootAt), 300)),
    event(6_000, "connect", { remoteAddress: CSMS_ADDRESS, tlsPeerSha256: CSMS_CERTIFICATE }),
  ];
}

const displacedSocket: Attack = (before, chance, strength, window) => {
  const count = displaced(strength);
  const from = moment(before, chance, count * DISPLACED_MS, window);
  const lines = Array.from({ length: count }, (_, i) =>
    displacement(before, chance, Math.round(from + (i + chance.uniform(0, 0.5)) * DISPLACED_MS) as WallMs)).flat();
  const truth = truthOf("channel-tampering", "displaced-socket", before, { from: lines[0]?.at ?? from,
    to: lines.at(-1)?.at ?? from });
  return { capture: withLines(before, lines), truth: [truth] };
};

const raced = gradedCount(1, 5, 20);

/** The interceptor lets a card in, and the CSMS's own answer comes after: two results for one call. */
const racedAnswer: Attack = (before, chance, strength, window) => {
  const count = raced(strength);
  const dialect = dialectOf(before.ocppVersion);
  const from = moment(before, chance, count * 20 * SECOND_MS, window);
  const lines = Array.from({ length: count }, (_, i): TimedLine[] => {
    const at = Math.round(from + (i + chance.uniform(0, 0.7)) * 20 * SECOND_MS) as WallMs;
    const id = String(1_000_000_000 + chance.int(1_000_000_000));
    return [
      { at, line: callLine(before, at, "cp-to-csms", id, dialect.authorize(chance.hex(8))) },
      ...(["Accepted", "Invalid"] as const).map((status, j) => {
        const answeredAt = (at + 5 + 60 * j) as WallMs;
        return { at: answeredAt,
          line: resultLine(before, answeredAt, "csms-to-cp", id, dialect.authorizeReply(status)) };
      }),
    ];
  }).flat();
  const truth = truthOf("channel-tampering", "raced-answer", before, { from: lines[0]?.at ?? from,
    to: lines.at(-1)?.at ?? from });
  return { capture: withLines(before, lines), truth: [truth] };
};

const streetShare = graded(0.3, 0.6, 1);
const STREET_MS = 60 * MINUTE_MS;

export const TAMPERED_CHANNEL: Attacks = {
  "new-certificate": {
    threat: "channel-tampering", scope: "station", make: newCertificate,
    does: "the link comes back through an interceptor: another address, another certificate",
    amount: (strength) => `for ${Math.round(interceptedMin(strength))} min`,
  },
  "replayed-frames": {
    threat: "channel-tampering", scope: "station", make: replayedFrames,
    does: "calls of the day before and their answers once more, byte for byte",
    amount: (strength) => `${replayed(strength)} calls`,
  },
  "displaced-socket": {
    threat: "channel-tampering", scope: "station", make: displacedSocket,
    does: "a second socket under the station's identity while the first stands",
    amount: (strength) => `${displaced(strength)} times, some two minutes apart`,
  },
  "raced-answer": {
    threat: "channel-tampering", scope: "station", make: racedAnswer,
    does: "a forged result that lets a card in comes before the true one",
    amount: (strength) => `${raced(strength)} cards`,
  },
  "interceptor-street": {
    threat: "channel-tampering", scope: "zone",
    does: "links come back through one interceptor within ten minutes, for an hour",
    amount: (strength) => `${percent(streetShare(strength))} of the stations`,
    make: joint((strength) => ({
      threat: "channel-tampering", name: "interceptor-street", share: streetShare(strength),
      spreadMs: 10 * MINUTE_MS, lengthMs: STREET_MS, able: isUp,
      act: (capture, chance, at) =>
        ({ capture: intercepted(capture, chance, { from: at, to: (at + STREET_MS) as WallMs }) }),
    })),
  },
};
