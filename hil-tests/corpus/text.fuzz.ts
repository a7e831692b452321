/** What reads text: OCPP-J, the mappings of every version with the detectors behind them, captures, redaction. */
import { strict as check } from "node:assert";
import type { Seeded } from "../../build/seeded.ts";
import { nodeCrypto } from "../../edge-agent/adapters/crypto.ts";
import { EVEREST_POWERMETER, frameFrom } from "../../edge-agent/observe/everest.ts";
import { parseMeterLine } from "../../edge-agent/observe/meter-capture.ts";
import { measureJson } from "../../edge-agent/observe/meters/json-meter.ts";
import { createObserve, observe, type ObserveState, recentFrame } from "../../edge-agent/observe/observe.ts";
import { parseMessage } from "../../edge-agent/observe/ocppj.ts";
import { tableOf } from "../../edge-agent/observe/versions.ts";
import { type CaptureLine, type CaptureProblem, parseTraceLine } from "../../edge-agent/observe/trace.ts";
import { createDetect, detect } from "../../models/detect/detect.ts";
import type { Direction, Observation, OcppVersion } from "../../models/terms.ts";
import { type MonotonicMs, type Now, SECOND_MS, type StationId, type WallMs } from "../../models/units.ts";
import { mutateJson, mutateText } from "./mutate.fuzz.ts";
import { schemaOf } from "./schemas.testing.ts";

const OPTIONS = { station: "CP-1" as StationId, crypto: nodeCrypto(), tokenSecret: new Uint8Array(32), schemaOf };
const START = Date.UTC(2026, 2, 2, 8);
const VERSIONS: readonly (OcppVersion | undefined)[] = ["1.6", "2.0.1", "2.1", undefined];
const FRAMES_AN_INPUT = 8;
const LIMITS = {
  maxFrameChars: 65_536, frames: { maxFrames: 8, maxChars: 16_384 },
  calls: { maxCalls: 4, maxChars: 16_384, timeoutMs: 30_000 },
};
/** The longest text of an observation: a configuration's value. */
const MOST_TEXT = 300;
/** No mapper makes more of one call than this for each item of a list of 256, and a few beside. */
const MOST_OBSERVATIONS = 4 * 256 + 16;

const damaged = (random: Seeded, text: string): string => {
  const kind = random.int(10);
  return kind === 0 ? text : kind < 7 ? mutateJson(random, text) : mutateText(random, text);
};

/** Whatever the text, the parser gives a message or an oddity, both short where they are kept. */
export function ocppJ(random: Seeded, texts: readonly string[]): number {
  const text = damaged(random, random.pick(texts));
  const message = parseMessage(text, LIMITS.maxFrameChars);
  if (message.type === "oddity") check.ok(message.detail.length < 100);
  else check.ok(message.id.length <= 128);
  return text.length;
}

function longestText(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Math.max(0, ...Object.values(value).map(longestText));
}

function checkBounds(state: ObserveState): void {
  const { calls, transactions, frames, counts } = state;
  for (const { calls: open, chars } of Object.values(calls.waiting)) {
    check.ok(open.size <= LIMITS.calls.maxCalls, `${open.size} calls wait`);
    // The newest stays whatever its length, which is a frame's at most.
    check.ok(chars <= LIMITS.calls.maxChars + LIMITS.maxFrameChars, `${chars} characters wait`);
    check.equal(chars, [...open.values()].reduce((sum, { text }) => sum + text.length, 0));
  }
  check.ok(frames.ring.size <= LIMITS.frames.maxFrames && frames.chars <= LIMITS.frames.maxChars);
  check.ok(transactions.known.size <= 64 && transactions.evses.size <= 64);
  check.ok(counts.actions.size <= tableOf("1.6").size + tableOf("2.1").size + 1);
}

function checkObservations(seen: readonly Observation[]): void {
  check.ok(seen.length <= MOST_OBSERVATIONS * (LIMITS.calls.maxCalls + 1), `${seen.length} observations of one frame`);
  for (const one of seen) {
    check.ok(longestText(one) <= MOST_TEXT, `${one.kind}: a text of ${longestText(one)}`);
    for (const value of Object.values(one)) check.ok(typeof value !== "number" || Number.isFinite(value), one.kind);
  }
}

/** A few frames of one connection, damaged: state within its limits, numbers that are numbers. */
export function mappings(random: Seeded, texts: readonly string[]): number {
  const state = createObserve({ ...OPTIONS, limits: LIMITS });
  const detectors = createDetect({ csmsHost: "csms.example" });
  const ocppVersion = random.pick(VERSIONS);
  // Lines that follow one another: results then find their calls.
  const from = random.int(texts.length);
  let [chars, s] = [0, 0];
  for (let n = 0; n < FRAMES_AN_INPUT; n += 1) {
    const text = damaged(random, texts[(from + n) % texts.length] as string);
    chars += text.length;
    s += random.pick([0, 0.2, 10, 600]);
    const passedMs = s * SECOND_MS;
    const now: Now = { wallMs: (START + passedMs) as WallMs, monoMs: passedMs as MonotonicMs };
    const direction: Direction = random.int(2) === 0 ? "cp-to-csms" : "csms-to-cp";
    const seen = observe(state,
      { kind: "frame", direction, text, ...(ocppVersion !== undefined && { ocppVersion }) }, now);
    if (random.int(4) === 0) seen.push(...observe(state, { kind: "tick" }, now));
    if (random.int(16) === 0) seen.push(...observe(state, { kind: "link", state: "connect" }, now));
    checkObservations(seen);
    checkBounds(state);
    for (const { nats } of detect(detectors, seen, now)) check.ok(Number.isFinite(nats));
    const shown = recentFrame(state, state.frames.lastNo);
    if (shown !== undefined) check.ok(shown.text.length <= 8 * text.length + 1_024, "redaction makes it much longer");
  }
  return chars;
}

function checkLine(line: CaptureLine | CaptureProblem, chars: number): void {
  if (!line.ok) check.ok(line.found.length <= 64 && line.what.length < 64 && line.allowed.length < 200);
  // A number of four characters can be written as one of 21, and a lone surrogate as six.
  else if (line.event.kind === "frame") check.ok(line.event.text.length <= 8 * chars + 64);
  else if (line.event.kind === "meter") {
    for (const value of Object.values(line.event.reading)) check.ok(Number.isFinite(value));
  }
}

/** Lines of captures, of frames and of meters: taken, or refused with a short reason. */
export function captureLines(random: Seeded, lines: readonly string[]): number {
  const text = damaged(random, random.pick(lines));
  checkLine(parseTraceLine(text), text.length);
  checkLine(parseMeterLine(text), text.length);
  return text.length;
}

const POWERMETER = JSON.stringify({
  timestamp: "2026-03-02T08:00:00Z", energy_Wh_import: { total: 900_000.5, L1: 300_000 }, power_W: { total: 7_200 },
  energy_Wh_export: { total: 3 }, voltage_V: { L1: 230.1 }, current_A: { L1: 31.3 },
});
const encoder = new TextEncoder();

/** Messages of a broker, which usually asks nobody who he is: a reading within bounds, a frame, or a reason. */
export function brokerMessages(random: Seeded, texts: readonly string[]): number {
  const frame = { message: random.pick(texts), direction: "CSMSToChargingStation", version: "ocpp2.0.1" };
  const bytes = encoder.encode(damaged(random, random.int(2) === 0 ? POWERMETER : JSON.stringify(frame)));
  const measured = measureJson(bytes, EVEREST_POWERMETER);
  if (!measured.ok) check.ok(measured.problem.says.length < 200);
  else for (const value of Object.values(measured.value)) check.ok(Number.isFinite(value) && Math.abs(value) <= 1e12);
  const heard = frameFrom(bytes);
  if (typeof heard !== "string") check.ok(heard.text.length <= bytes.length);
  return bytes.length;
}
