/**
 * Observe: the first verb. What passed on the wire, what the meter read and the passing of time become observations, in
 * one vocabulary for OCPP 1.6, 2.0.1 and 2.1. A step of the pure core: no clock, no I/O, bounded memory, never throws.
 */
import type { Crypto } from "../../models/crypto.ts";
import type { Observation, Oddity, OcppVersion, Traffic } from "../../models/terms.ts";
import type { Now, StationId, WallMs } from "../../models/units.ts";
import type { AgentEvent } from "../ports.ts";
import { answeredBy, CALL_LIMITS, contradicts, createCalls, endOverdue, noteCall } from "./calls.ts";
import type { Call, CallLimits, Calls } from "./calls.ts";
import { noteCertificate } from "./csms-certificate.ts";
import { createEarlierCalls, type EarlierCalls, isLateCopy, noteAnswered } from "./earlier-calls.ts";
import { defined, fieldsOf, isFields, nonEmpty, textOf } from "./fields.ts";
import { createFrames, FRAME_LIMITS, keepFrame } from "./frames.ts";
import type { FrameLimits, Frames, RecentFrame } from "./frames.ts";
import type { Action, Body, Ending, Request } from "./mapping.ts";
import { MAX_FRAME_CHARS, parseMessage } from "./ocppj.ts";
import type { Message } from "./ocppj.ts";
import { redactFrame } from "./redact.ts";
import { breachOf, type MessageKind, type SchemaOf } from "./schema.ts";
import { createTokens } from "./tokens.ts";
import type { Tokens } from "./tokens.ts";
import { createTransactions } from "./transactions.ts";
import type { Transactions } from "./transactions.ts";
import { tableOf, versionShown } from "./versions.ts";

/** A CSMS that takes this long to answer is in trouble; many stations give a call up after 30 s. */
const SLOW_ANSWER_MS = 10_000;

export interface ObserveLimits {
  /** A longer frame is counted and not parsed. */
  readonly maxFrameChars: number;
  readonly frames: FrameLimits;
  readonly calls: CallLimits;
}

export interface ObserveOptions {
  readonly station: StationId;
  readonly crypto: Crypto;
  /** 32 random bytes, kept by the agent; the key of all idToken pseudonyms. */
  readonly tokenSecret: Uint8Array;
  readonly limits?: Partial<ObserveLimits>;
  /** OCPP's own schemas. Absent: no message is compared with them. */
  readonly schemaOf?: SchemaOf;
}

/** What passed since the agent began, for `status`. Bounded: actions and oddities are closed lists. */
export interface ObserveCounts {
  frames: number;
  /** Frames that were not parsed, here or already at the tap. */
  unparsed: number;
  /** Calls by action; those of no OCPP version stand under `unknown`. */
  readonly actions: Map<string, number>;
  readonly oddities: Map<Oddity, number>;
}

type Counter<T> = { -readonly [K in keyof T]: T[K] };
const NO_TRAFFIC: Traffic = { asked: 0, late: 0, heard: 0, answered: 0, unanswered: 0 };

export interface ObserveState {
  readonly station: StationId;
  readonly limits: ObserveLimits;
  readonly tokens: Tokens;
  readonly transactions: Transactions;
  readonly calls: Calls;
  readonly earlier: EarlierCalls;
  readonly frames: Frames;
  readonly counts: ObserveCounts;
  readonly schemaOf: SchemaOf | undefined;
  /** Since the last tick. */
  traffic: Counter<Traffic>;
  /** SHA-256 of those that the CSMS showed, newest last. */
  readonly csmsCertificates: string[];
  /** As the subprotocol said, or as the traffic shows. */
  version?: OcppVersion;
  /** What the CSMS's clock is ahead of the agent's, ms. */
  skewMs: number;
  /** The newest register of each EVSE as the station reports it, Wh: what will be billed. */
  readonly reported: Map<number, number>;
}

export function createObserve(
  { station, crypto, tokenSecret, limits = {}, schemaOf }: ObserveOptions,
): ObserveState {
  const all: ObserveLimits = { maxFrameChars: MAX_FRAME_CHARS, frames: FRAME_LIMITS, calls: CALL_LIMITS, ...limits };
  return {
    station, limits: all, tokens: createTokens(crypto, tokenSecret), transactions: createTransactions(),
    calls: createCalls(all.calls), earlier: createEarlierCalls(), frames: createFrames(all.frames), skewMs: 0,
    reported: new Map(),
    csmsCertificates: [], traffic: { ...NO_TRAFFIC }, schemaOf,
    counts: { frames: 0, unparsed: 0, actions: new Map(), oddities: new Map() },
  };
}

/** A recent frame by the `frameNo` of an observation, redacted; `undefined` once the ring has let it go. */
export function recentFrame(state: ObserveState, frameNo: number): RecentFrame | undefined {
  const frame = state.frames.ring.get(frameNo);
  return frame === undefined ? undefined : { ...frame, text: redactFrame(frame.text) };
}

/**
 * One step: the event's observations, in order. Those that need a result come with it and are dated by their call, so
 * `at` may step back by up to the call time-out.
 */
export function observe(state: ObserveState, event: AgentEvent, now: Now): Observation[] {
  const at = now.wallMs;
  switch (event.kind) {
    case "frame":
      return noteReported(state.reported, onFrame(state, event, now));
    case "unparsed":
      state.counts.frames += 1;
      state.counts.unparsed += 1;
      state.traffic.asked += 1;
      return dated(state, [{ kind: "oddity", oddity: event.oddity, detail: textOf(event.detail, 255) ?? "" }], at);
    case "link": {
      // No result crosses from one connection to the next (OCPP-J 1.6, 5.4).
      const ended = endOverdue(state.calls).flatMap((call) => endCall(state, call, { kind: "none" }, at));
      if (event.state === "connect") delete state.version;
      const changed = noteCertificate(state.csmsCertificates, event.tlsPeerSha256);
      return [...ended, { ...event, at }, ...changed.map((body) => ({ ...body, at }))];
    }
    case "meter":
      return [{ kind: "meter-reading", at, reading: event.reading, side: event.side }];
    case "message":
      return [];
    case "meter-lost":
      return [{ kind: "meter-lost", at, evseId: event.evseId, why: event.why }];
    case "tick": {
      const overdue = endOverdue(state.calls, now.monoMs);
      const ended = overdue.flatMap((call) => [...endCall(state, call, { kind: "none" }, at), ...slowAnswer(call, at)]);
      return [...ended, { kind: "tick", at, ...passedBy(state, overdue.length) }];
    }
  }
}

/** A station has a few EVSEs; what names more of them is not believed. */
const MOST_REPORTED = 64;

function noteReported(reported: Map<number, number>, observations: Observation[]): Observation[] {
  for (const seen of observations) {
    const evseId = seen.kind === "reported-reading" ? seen.reading.evseId
      : seen.kind === "transaction-started" || seen.kind === "transaction-ended" ? seen.evseId : undefined;
    const wh = seen.kind === "reported-reading" ? seen.reading.energyImportWh
      : seen.kind === "transaction-started" || seen.kind === "transaction-ended" ? seen.registerWh : undefined;
    if (evseId === undefined || wh === undefined) continue;
    if (reported.size < MOST_REPORTED || reported.has(evseId)) reported.set(evseId, wh);
  }
  return observations;
}

/** What passed since the last tick, and nothing where nothing did. */
function passedBy(state: ObserveState, unanswered: number): { readonly traffic?: Traffic } {
  const { traffic } = state;
  if (traffic.asked + traffic.heard + traffic.answered + unanswered === 0) return {};
  state.traffic = { ...NO_TRAFFIC };
  return { traffic: { ...traffic, unanswered } };
}

type FrameEvent = AgentEvent & { readonly kind: "frame" };

function onFrame(state: ObserveState, event: FrameEvent, now: Now): Observation[] {
  const frameNo = keepFrame(state.frames, { direction: event.direction, at: now.wallMs, text: event.text });
  state.counts.frames += 1;
  if (event.ocppVersion !== undefined) state.version = event.ocppVersion;
  const message = inVersion(event.ocppVersion, parseMessage(event.text, state.limits.maxFrameChars));
  state.traffic.asked += 1;
  if (event.direction === "cp-to-csms") state.traffic.heard += 1;
  switch (message.type) {
    case "oddity":
      state.counts.unparsed += 1;
      return dated(state, [{ kind: "oddity", oddity: message.oddity, detail: message.detail }], now.wallMs, frameNo);
    case "CALL":
    case "SEND":
      return onCall(state, event, message, now, frameNo);
    case "CALLRESULT":
    case "CALLERROR":
      return onEnd(state, event, message, now, frameNo);
    case "CALLRESULTERROR":
      return dated(state, [callError("a result", message.code)], now.wallMs, frameNo);
  }
}

/** Message types 5 and 6 are new in 2.1; a connection that agreed on an earlier version ignores them. */
function inVersion(agreed: OcppVersion | undefined, message: ReturnType<typeof parseMessage>): typeof message {
  const is21 = message.type === "CALLRESULTERROR" || message.type === "SEND";
  if (!is21 || agreed === undefined || agreed === "2.1") return message;
  return { type: "oddity", oddity: "unknown-message-type", detail: `${message.type} is of 2.1` };
}

type Calling = Extract<Message, { readonly action: string }>;

function onCall(state: ObserveState, event: FrameEvent, message: Calling, now: Now, frameNo: number): Observation[] {
  const { action, payload, id } = message;
  const shown = versionShown(action, payload);
  const already = shown === "2.0.1" && state.version === "2.1";
  if (event.ocppVersion === undefined && shown !== undefined && !already) state.version = shown;
  const call: Call = {
    direction: event.direction, id, action, payload, version: state.version ?? "1.6", text: event.text, at: now.wallMs,
    monoMs: now.monoMs, frameNo,
  };
  const known = tableOf(call.version).has(action);
  count(state.counts.actions, known ? action : "unknown");
  const { as, ended } = message.type === "SEND" ? { as: "new", ended: [] } : noteCall(state.calls, call);
  if (as === "retry") return [];
  const read = requestOf(state, call);
  const bodies: Body[] = "oddity" in read ? [read] : [...(read.action.onCall?.(read.request) ?? [])];
  if (as === "repeated") {
    const detail = `${known ? action : "a call"} while another waits`;
    bodies.unshift({ kind: "oddity", oddity: "repeated-id", detail });
  }
  if (as === "replayed") {
    bodies.unshift({ kind: "oddity", oddity: "replayed-call", detail: known ? action : "a call" });
  }
  if (isLateCopy(state.earlier, call, now.monoMs)) {
    bodies.unshift({ kind: "oddity", oddity: "late-copy", detail: known ? action : "a call" });
  }
  if (bodies.some((body) => "offline" in body && body.offline)) state.traffic.late += 1;
  bodies.push(...schemaBreach(state, event, call, "call", payload));
  return [
    ...ended.flatMap((one) => endCall(state, one, { kind: "none" }, now.wallMs)),
    ...dated(state, bodies, call.at, frameNo),
    ...(message.type === "SEND" ? endCall(state, call, { kind: "none" }, now.wallMs) : []),
  ];
}

type Answering = Extract<Message, { readonly type: "CALLRESULT" } | { readonly type: "CALLERROR" }>;

function onEnd(state: ObserveState, event: FrameEvent, message: Answering, now: Now, frameNo: number): Observation[] {
  const at = now.wallMs;
  const verdict = message.type === "CALLRESULT" ? verdictOf(message.payload) : undefined;
  const call = answeredBy(state.calls, event.direction, message.id, verdict);
  if (call === undefined) {
    const oddity = contradicts(state.calls, event.direction, message.id, verdict)
      ? "contradicting-result" : "unmatched-result";
    return dated(state, [{ kind: "oddity", oddity, detail: message.type }], at, frameNo);
  }
  if (message.type === "CALLRESULT") noteAnswered(state.earlier, call, now.monoMs);
  state.traffic.asked -= 1;
  state.traffic.answered += 1;
  const known = tableOf(call.version).has(call.action) ? call.action : "a call";
  const slow = slowAnswer(call, at, now.monoMs - call.monoMs);
  if (message.type === "CALLERROR") {
    return [
      ...slow,
      ...endCall(state, call, { kind: "error", code: message.code }, at, frameNo),
      ...dated(state, [callError(known, message.code)], at, frameNo),
    ];
  }
  const odd: Body[] = isFields(message.payload) ? []
    : [{ kind: "oddity", oddity: "bad-payload", detail: `the result of ${known} is no object` }];
  return [
    ...slow,
    ...endCall(state, call, { kind: "result", payload: fieldsOf(message.payload) }, at, frameNo),
    ...dated(state, [...odd, ...schemaBreach(state, event, call, "result", message.payload)], at, frameNo),
  ];
}

/** What a result decides: of an idToken, or of the call itself. */
function verdictOf(payload: unknown): string | undefined {
  const fields = fieldsOf(payload);
  return nonEmpty(fieldsOf(fields.idTagInfo ?? fields.idTokenInfo ?? fields).status);
}

/** `waitedMs` absent: the call was given up. */
function slowAnswer({ direction, version, action }: Call, at: WallMs, waitedMs?: number): Observation[] {
  if (direction !== "cp-to-csms" || (waitedMs !== undefined && waitedMs < SLOW_ANSWER_MS)) return [];
  const known = tableOf(version).has(action) ? action : "a call";
  return [{ kind: "slow-answer", at, action: known, ...defined({ waitedMs }) }];
}

function callError(what: string, code: string): Body {
  return { kind: "oddity", oddity: "call-error", detail: `${what} was answered ${code || "an error without a code"}` };
}

type OddityBody = Body & { readonly kind: "oddity" };

/** The call's action and its payload to be mapped, or the oddity that stands in the way. */
function requestOf(state: ObserveState, call: Call): { action: Action; request: Request } | OddityBody {
  const action = tableOf(call.version).get(call.action);
  if (action === undefined) {
    return { kind: "oddity", oddity: "unknown-action", detail: textOf(call.action) ?? "" };
  }
  const from = call.direction === "cp-to-csms" ? "station" : "csms";
  if (action.from !== "both" && action.from !== from) {
    return { kind: "oddity", oddity: "wrong-direction", detail: `${call.action} from the ${from}` };
  }
  if (!isFields(call.payload)) {
    return { kind: "oddity", oddity: "bad-payload", detail: `the payload of ${call.action} is no object` };
  }
  return { action, request: { call, fields: call.payload, context: state } };
}

/**
 * What of a call or its result OCPP's own schema does not allow: the first thing. Only where the version was agreed on
 * (one that was guessed from the traffic may be wrong), and where nothing else was wrong with the whole of it.
 */
function schemaBreach(
  state: ObserveState, event: FrameEvent, call: Call, kind: MessageKind, payload: unknown,
): OddityBody[] {
  if (state.schemaOf === undefined || event.ocppVersion !== call.version || !isFields(payload)) return [];
  if ("oddity" in requestOf(state, call)) return [];
  const rule = state.schemaOf(call.version, call.action, kind);
  const breach = rule && breachOf(rule, payload);
  if (breach === undefined) return [];
  const what = kind === "call" ? call.action : `the result of ${call.action}`;
  if (breach === "too-much") {
    return [{ kind: "oddity", oddity: "over-budget", detail: `${what}: too much to compare with its schema` }];
  }
  const detail = `${what}: ${breach.place}: found ${breach.found}; allowed: ${breach.allowed}`;
  return [{ kind: "oddity", oddity: "schema-error", detail }];
}

/** What the end of a call shows. What was wrong with the call itself was said when it passed. */
function endCall(state: ObserveState, call: Call, ending: Ending, at: WallMs, frameNo?: number): Observation[] {
  const read = requestOf(state, call);
  if ("oddity" in read || read.action.onEnd === undefined) return [];
  const bodies = read.action.onEnd(read.request, ending);
  const clock = bodies.filter((body) => body.kind === "csms-time");
  if (bodies.some((body) => "offline" in body && body.offline)) state.traffic.late += 1;
  for (const body of clock) state.skewMs = body.csmsTime - at;
  // The CSMS's clock is the result's and not the call's: it is compared with the moment at which it came.
  return [
    ...dated(state, bodies.filter((body) => body.kind !== "csms-time"), call.at, call.frameNo),
    ...dated(state, clock, at, frameNo),
  ];
}

/** The bodies as observations; oddities are counted on the way. */
function dated(state: ObserveState, bodies: readonly Body[], at: WallMs, frameNo?: number): Observation[] {
  for (const body of bodies) if (body.kind === "oddity") count(state.counts.oddities, body.oddity);
  return bodies.map((body) => ({ ...body, at, ...defined({ frameNo }) }));
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
