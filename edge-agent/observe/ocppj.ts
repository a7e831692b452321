/** One OCPP-J message: text to a typed message, or the oddity that it is (OCPP-J 1.6, 4.2; OCPP 2.1, Part 4, 4.2). */
import type { Oddity } from "../../models/terms.ts";
import { textOf } from "./fields.ts";

export type Message =
  /** SEND (2.1): a CALL that wants no result. */
  | { readonly type: "CALL" | "SEND"; readonly id: string; readonly action: string; readonly payload: unknown }
  | { readonly type: "CALLRESULT"; readonly id: string; readonly payload: unknown }
  | { readonly type: "CALLERROR"; readonly id: string; readonly code: string }
  /** 2.1: the caller could not read the result. */
  | { readonly type: "CALLRESULTERROR"; readonly id: string; readonly code: string };

export interface NotAMessage {
  readonly type: "oddity";
  readonly oddity: Oddity;
  /** Why, without a character of the frame: it may hold an idToken. */
  readonly detail: string;
}

/** 1 MiB: the longest honest frames (local lists, certificate chains) stay far below it. */
export const MAX_FRAME_CHARS = 1 << 20;
/** OCPP allows 36. A longer id is cut, not refused: the station may obey the message all the same. */
const MAX_ID_CHARS = 128;

/** Not allowed inside JSON text as such, and sent by honest stations: raw line breaks in strings, NUL, BOM, U+2028. */
const CONTROLS = /[\u0000-\u001f\u007f\u0085\u2028\u2029\ufeff]/g;
/** Message type and a numeric message id, which `JSON.parse` would round above 2^53. */
const NUMERIC_ID = /^\s*\[\s*\d+\s*,\s*(-?\d+)\s*[,\]]/;

/** Deeper than any OCPP payload, and far from what costs the parser anything. */
const MAX_NESTING = 64;
/** Shorter texts cannot be nested so deep that it costs. */
const NESTS_FROM_CHARS = 4096;

/** True when lists and objects are nested deeper than `MAX_NESTING`: half a million levels take 250 ms to parse. */
export function nestsTooDeep(text: string): boolean {
  let depth = 0;
  let inText = false;
  for (let i = 0; i < text.length; i += 1) {
    const sign = text[i];
    if (sign === '"') inText = !inText;
    else if (inText) i += sign === "\\" ? 1 : 0;
    else if (sign === "[" || sign === "{") depth += 1;
    else if (sign === "]" || sign === "}") depth -= 1;
    if (depth > MAX_NESTING) return true;
  }
  return false;
}

function oddity(kind: Oddity, detail: string): NotAMessage {
  return { type: "oddity", oddity: kind, detail };
}

/** Parsed JSON, or `undefined` (which JSON cannot say). Raw control characters are read as spaces. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const spaced = text.replace(CONTROLS, " ");
    if (spaced === text) return undefined;
    try {
      return JSON.parse(spaced);
    } catch {
      return undefined;
    }
  }
}

function messageId(value: unknown, text: string): string | undefined {
  if (typeof value === "string") return value.slice(0, MAX_ID_CHARS);
  if (typeof value !== "number") return undefined;
  return (NUMERIC_ID.exec(text)?.[1] ?? String(value)).slice(0, MAX_ID_CHARS);
}

/**
 * The message in `text`. Lenient where honest stations err: numeric ids are kept as text, a missing payload is an empty
 * one, a CALLERROR may lack its last elements. Never throws. Keys such as `__proto__` stay ordinary members.
 */
export function parseMessage(text: string, maxChars: number = MAX_FRAME_CHARS): Message | NotAMessage {
  if (text.length > maxChars) return oddity("too-large", `${text.length} characters, at most ${maxChars}`);
  if (text.length > NESTS_FROM_CHARS && nestsTooDeep(text)) {
    return oddity("over-budget", `nested deeper than ${MAX_NESTING}`);
  }
  const frame = parseJson(text);
  if (frame === undefined) return oddity("not-json", text.trim() === "" ? "empty frame" : "cannot be parsed");
  if (!Array.isArray(frame)) return oddity("not-a-frame", "no JSON array");
  const [type, rawId, third, fourth] = frame as unknown[];
  if (typeof type !== "number") return oddity("not-a-frame", "the message type is no number");
  if (!Number.isInteger(type) || type < 2 || type > 6) return oddity("unknown-message-type", "not 2 to 6");
  const id = messageId(rawId, text);
  if (id === undefined) return oddity("not-a-frame", "the message id is neither text nor a number");
  if (type === 3) return { type: "CALLRESULT", id, payload: third ?? {} };
  if (type === 4 || type === 5) {
    const code = textOf(third) ?? "";
    return type === 4 ? { type: "CALLERROR", id, code } : { type: "CALLRESULTERROR", id, code };
  }
  if (typeof third !== "string") return oddity("not-a-frame", "a call without an action");
  return { type: type === 2 ? "CALL" : "SEND", id, action: third, payload: fourth ?? {} };
}
