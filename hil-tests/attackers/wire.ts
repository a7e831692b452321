/** Tools of whoever sits on the wire: orders, refusals, links that go and come back, sessions that are cut short. */
import { MINUTE_MS, SECOND_MS, rfc3339, type WallMs } from "../../models/units.ts";
import { callLine, errorLine, eventLine, type Capture, type Message, type TimedLine } from "../sim/capture.ts";
import { bootReply, securityEvent, type BootReason, type Sample, type StopReason, type Transaction,
} from "../sim/dialect.ts";
import { dialectOf } from "../sim/dialects.ts";
import type { Dice } from "../sim/dice.ts";
import { CSMS_ADDRESS, CSMS_CERTIFICATE } from "../sim/fleet.ts";
import { transactionsOf, traceLine, type TraceLine } from "../sim/inspect.ts";
import { evseIds, exchange, merged, type Span } from "./attack.ts";
import { firstAfter, registerAt } from "./registers.ts";
import { withPower } from "./reshape.ts";

/** A call and its result. */
export interface Order {
  readonly message: Message;
  readonly reply: object;
}

/** A call that is answered with a CALLERROR. */
export function refusedCall(capture: Capture, chance: Dice, at: WallMs, message: Message, code: string): TimedLine[] {
  const id = chance.uuid();
  const answeredAt = (at + 30 + chance.int(60)) as WallMs;
  return [
    { at, line: callLine(capture, at, "csms-to-cp", id, message) },
    { at: answeredAt, line: errorLine(capture, answeredAt, "cp-to-csms", id, code) },
  ];
}

/** Orders of the CSMS one after the other, `gapS` apart. */
export function ordered(
  capture: Capture, chance: Dice, from: WallMs, orders: readonly Order[], gapS: { low: number; high: number },
): TimedLine[] {
  let at = from;
  return orders.flatMap(({ message, reply }) => {
    const lines = exchange(capture, chance, at, "csms", message, reply);
    at = Math.round(at + chance.uniform(gapS.low, gapS.high) * SECOND_MS) as WallMs;
    return lines;
  });
}

export function withLines(capture: Capture, added: readonly TimedLine[]): Capture {
  return { ...capture, ocpp: merged(capture.ocpp, [...added].sort((a, b) => a.at - b.at)) };
}

const ABOUT_TRANSACTION = /"action":"(StartTransaction|StopTransaction|TransactionEvent)"|"transactionId"/;

interface Split {
  readonly before: readonly TimedLine[];
  /** Calls about transactions and their results, which a station keeps until the link is back. */
  readonly kept: readonly TimedLine[];
  readonly after: readonly TimedLine[];
}

/** What was said while `during`, and answers to it that came later, parted into what is lost and what is kept. */
function split(capture: Capture, during: Span): Split {
  const start = firstAfter(capture.ocpp, during.from);
  const end = firstAfter(capture.ocpp, during.to);
  const kept: TimedLine[] = [];
  const calls = new Map<string, boolean>();
  const inside = (timed: TimedLine): void => {
    const { action, direction, messageId = "" } = traceLine(timed);
    if (action !== undefined) calls.set(messageId, direction === "cp-to-csms" && ABOUT_TRANSACTION.test(timed.line));
    // A result whose call went before the dark is kept as well: the CSMS gives it when it is asked again.
    if (calls.get(messageId) ?? ABOUT_TRANSACTION.test(timed.line)) kept.push(timed);
  };
  capture.ocpp.slice(start, end).forEach(inside);
  const answersUntil = firstAfter(capture.ocpp, during.to + MINUTE_MS);
  const late = capture.ocpp.slice(end, answersUntil).filter((timed) => {
    const { action, messageId = "" } = traceLine(timed);
    return action === undefined && calls.has(messageId);
  });
  late.filter((timed) => calls.get(traceLine(timed).messageId ?? "") === true).forEach((timed) => kept.push(timed));
  const lost = new Set(late);
  return {
    before: capture.ocpp.slice(0, start), kept,
    after: capture.ocpp.slice(end).filter((timed) => !lost.has(timed)),
  };
}

/** The same frame, passing by at another time. */
export function movedTo({ line }: TimedLine, at: WallMs): TimedLine {
  return { at, line: line.replace(/"timestamp":"[^"]*"/, `"timestamp":"${rfc3339(at)}"`) };
}

/** How a station comes back; without a boot it only connects again. */
export interface Return {
  readonly boot?: BootReason;
  readonly remoteAddress?: string;
  readonly tlsPeerSha256?: string;
  /** The socket ends; otherwise it stays and is silent (a black hole). Default true. */
  readonly closes?: boolean;
}

function lastBoot(capture: Capture, at: WallMs, reason: BootReason): Message {
  const isBoot = ({ line }: TimedLine): boolean => line.includes('"action":"BootNotification"');
  const boot = capture.ocpp.filter((timed) => timed.at < at && isBoot(timed)).at(-1);
  if (boot === undefined) throw new Error("a capture without a boot");
  const payload = traceLine(boot).payload ?? {};
  return { action: "BootNotification", payload: "reason" in payload ? { ...payload, reason } : payload };
}

/** The link is dark for a while: nothing passes, and what a station keeps comes afterwards with its own older times. */
export function withDark(capture: Capture, chance: Dice, during: Span, how: Return = {}): Capture {
  const { before, kept, after } = split(capture, during);
  const { station } = capture;
  const { boot, remoteAddress = CSMS_ADDRESS, tlsPeerSha256 = CSMS_CERTIFICATE, closes = true } = how;
  const meta = { remoteAddress, tlsPeerSha256 };
  const closeCode = boot === undefined ? 1006 : 1001;
  const added = closes ? [
    { at: during.from, line: eventLine(station, during.from, "disconnect", { closeCode }) },
    { at: during.to, line: eventLine(station, during.to, "connect", meta) },
  ] : [];
  let at = (during.to + 400) as WallMs;
  if (boot !== undefined) {
    const message = lastBoot(capture, during.from, boot);
    const reply = bootReply(rfc3339(at), 300);
    added.push(...exchange(capture, chance, at, "station", message, reply));
    at = (at + SECOND_MS) as WallMs;
    added.push(...exchange(capture, chance, at, "station", securityEvent("StartupOfTheDevice", rfc3339(at)), {}));
    for (const evseId of evseIds(capture)) {
      at = (at + SECOND_MS) as WallMs;
      const status = dialectOf(capture.ocppVersion).status(evseId, "Available", rfc3339(at));
      added.push(...exchange(capture, chance, at, "station", status, {}));
    }
    at = (at + SECOND_MS) as WallMs;
  }
  for (const timed of kept) {
    added.push(movedTo(timed, at));
    at = (at + 20 + chance.int(80)) as WallMs;
  }
  return { ...capture, ocpp: merged([...before, ...after], added) };
}

/** A transaction that runs at some moment. */
export interface Running {
  readonly evseId: number;
  readonly token: string;
  readonly from: WallMs;
  readonly to: WallMs;
  /** As the frames name it. */
  readonly id: string | number;
}

/** The transactions that run during the whole of a span and end within the capture. */
export function running(capture: Capture, during: Span): Running[] {
  return allOf(capture).filter(({ from, to }) => from < during.from && to > during.to);
}

/** The transactions that begin and end within the capture. */
export function allOf(capture: Capture): Running[] {
  return transactionsOf(capture.ocpp).billed
    .map(({ id, evseId, token, from, to }) => ({ id, evseId, token, from: from as WallMs, to: to as WallMs }));
}

/** A transaction as the dialects take it, to say one more thing of it at `at`. */
export function asTransaction(capture: Capture, { evseId, token, id, from }: Running, at: WallMs): Transaction {
  const [start, end] = [firstAfter(capture.ocpp, from - 1), firstAfter(capture.ocpp, at)];
  const said = capture.ocpp.slice(start, end).filter(({ line }) => line.includes('"TransactionEvent"')
    && line.includes(String(id)));
  return { evseId, token, uuid: String(id), numericId: Number(id), seqNo: said.length };
}

/** A sample of no power at the register of `at`. */
export function restingSample(capture: Capture, evseId: number, at: WallMs, context: Sample["context"]): Sample {
  return { stamp: rfc3339(at), context, registerWh: Math.floor(registerAt(capture, evseId, at)), powerW: 0, currentA: 0,
    voltageV: 230, inKwh: false };
}

/** The frames of a transaction after `at`, with their results, and what the connector says meanwhile. */
function withoutRest(capture: Capture, { id, evseId, to }: Running, at: WallMs): TimedLine[] {
  const start = firstAfter(capture.ocpp, at);
  const end = firstAfter(capture.ocpp, to + 5 * SECOND_MS);
  const gone = new Set<string>();
  const isOfIt = ({ payload = {}, action }: TraceLine): boolean => {
    const info = payload["transactionInfo"] as { transactionId: string } | undefined;
    if ((info?.transactionId ?? payload["transactionId"]) === id) return true;
    const state = payload["status"];
    return action === "StatusNotification" && payload["connectorId"] === evseId
      && (state === "SuspendedEV" || state === "Charging" || state === "Finishing");
  };
  const rest = capture.ocpp.slice(start, end).filter((timed) => {
    const line = traceLine(timed);
    if (line.action !== undefined && isOfIt(line)) gone.add(line.messageId ?? "");
    return !gone.has(line.messageId ?? "");
  });
  return [...capture.ocpp.slice(0, start), ...rest, ...capture.ocpp.slice(end)];
}

/** A running transaction ends at `at` instead of at its own end, and so does the current. */
export function cutShort(capture: Capture, chance: Dice, target: Running, at: WallMs, reason: StopReason): Capture {
  const dialect = dialectOf(capture.ocppVersion);
  const { evseId } = target;
  const sample = restingSample(capture, evseId, at, "Transaction.End");
  const tx = asTransaction(capture, target, at);
  const still = withPower(capture, { evseId, during: { from: at, to: (target.to + MINUTE_MS) as WallMs },
    shape: () => 0, flows: true, reported: true });
  const lines = [
    ...exchange(capture, chance, at, "station", dialect.ended(tx, sample, reason, false), dialect.endedReply(tx)),
    ...exchange(capture, chance, (at + 400) as WallMs, "station",
      dialect.status(evseId, "Finishing", rfc3339((at + 400) as WallMs)), {}),
  ];
  return withLines({ ...still, ocpp: withoutRest(still, target, at) }, lines);
}

export interface Restart {
  readonly at: WallMs;
  readonly reason: BootReason;
  /** Default 70. */
  readonly darkS?: number;
}

/** Every transaction that runs then is cut short, of those in `among`, and the station restarts. */
export function restarted(
  capture: Capture, chance: Dice, { at, reason, darkS = 70 }: Restart, among: readonly Running[] = allOf(capture),
): Capture {
  let after = capture;
  const struck = among.filter(({ from, to }) => from < at - SECOND_MS && to > at + SECOND_MS);
  for (const target of struck) after = cutShort(after, chance, target, at, "Reboot");
  const from = (at + 2 * SECOND_MS) as WallMs;
  return withDark(after, chance, { from, to: (from + darkS * SECOND_MS) as WallMs }, { boot: reason });
}
