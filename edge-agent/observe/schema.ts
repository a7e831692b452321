/**
 * Does a payload keep to OCPP's own schema of its message? A verdict names the place, what was found and what is
 * allowed, and never a value or the name of an unknown member: both may be an idToken. Bounded in work, never throws.
 *
 * Of JSON Schema (draft 7) it knows what the schemas of OCPP 1.6, 2.0.1 and 2.1 use, as ajv 8 understands it.
 */
import type { OcppVersion } from "../../models/terms.ts";
import { type Fields, isFields } from "./fields.ts";

export type RuleType = "object" | "array" | "string" | "integer" | "number" | "boolean";
export type Format = "date-time" | "uri";

/** What one value must be. */
export interface Rule {
  /** Absent: anything. */
  readonly type?: RuleType;
  readonly members: ReadonlyMap<string, Rule>;
  readonly required: readonly string[];
  /** No other members than those. */
  readonly isClosed: boolean;
  readonly words?: ReadonlySet<string>;
  /** Code points. */
  readonly maxLength?: number;
  readonly format?: Format;
  readonly items?: Rule;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
}

export type MessageKind = "call" | "result";
/** The rule of a message; `undefined` where there is none. */
export type SchemaOf = (version: OcppVersion, action: string, kind: MessageKind) => Rule | undefined;

/** The first breach of a rule; all three texts are made of the schema's words and of counts. */
export interface Breach {
  /** `meterValue[0].timestamp`; `payload` for the whole. */
  readonly place: string;
  readonly found: string;
  readonly allowed: string;
}

/** Values looked at in one payload. The longest honest ones, local lists, have some thousands. */
export const MOST_VISITS = 16_384;
/** OCPP's own are nested 10 deep at most. */
const MOST_DEPTH = 24;
/** Words and names of the schema that are shown. */
const MOST_SHOWN_CHARS = 80;
/** As ocpp-rpc: 0.1 has no exact binary form, nor have its multiples. */
const MULTIPLE_EPSILON = 1e-6;

type Fault = readonly [found: string, allowed: string];
const TOO_MUCH: Fault = ["", ""];

interface Walk {
  visitsLeft: number;
  /** From the breach outwards. */
  readonly path: (string | number)[];
}

/** The first breach of `rule` in `payload`, `undefined` when there is none, `too-much` when it is too long to say. */
export function breachOf(rule: Rule, payload: unknown): Breach | "too-much" | undefined {
  const walk: Walk = { visitsLeft: MOST_VISITS, path: [] };
  const fault = check(rule, payload, walk, 0);
  if (fault === undefined) return undefined;
  if (fault === TOO_MUCH) return "too-much";
  const [found, allowed] = fault;
  const place = walk.path.reverse().map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
  return { place: place.replace(/^\./, "") || "payload", found, allowed };
}

function check(rule: Rule, value: unknown, walk: Walk, depth: number): Fault | undefined {
  walk.visitsLeft -= 1;
  if (walk.visitsLeft < 0 || depth > MOST_DEPTH) return TOO_MUCH;
  const { type } = rule;
  if (type === undefined) return undefined;
  switch (type) {
    case "object":
      return isFields(value) ? checkObject(rule, value, walk, depth) : wrongType(rule, value);
    case "array":
      return Array.isArray(value) ? checkList(rule, value, walk, depth) : wrongType(rule, value);
    case "string":
      return typeof value === "string" ? checkText(rule, value) : wrongType(rule, value);
    case "boolean":
      return typeof value === "boolean" ? undefined : wrongType(rule, value);
    case "integer":
      return Number.isInteger(value) ? checkNumber(rule, value as number) : wrongType(rule, value);
    case "number":
      return Number.isFinite(value) ? checkNumber(rule, value as number) : wrongType(rule, value);
  }
}

function checkObject(rule: Rule, value: Fields, walk: Walk, depth: number): Fault | undefined {
  for (const name of rule.required) {
    if (Object.hasOwn(value, name)) continue;
    walk.path.push(name);
    return ["nothing", allowedBy(rule.members.get(name))];
  }
  if (rule.isClosed) {
    // At most as many steps as there are known names.
    for (const name in value) {
      if (!rule.members.has(name)) return ["a member of another name", shown([...rule.members.keys()])];
    }
  }
  for (const [name, member] of rule.members) {
    if (!Object.hasOwn(value, name)) continue;
    const fault = check(member, value[name], walk, depth + 1);
    if (fault === undefined) continue;
    walk.path.push(name);
    return fault;
  }
  return undefined;
}

function checkList(rule: Rule, list: readonly unknown[], walk: Walk, depth: number): Fault | undefined {
  const { items, minItems = 0, maxItems = Infinity } = rule;
  if (list.length < minItems) return [itemsText(list.length), `at least ${minItems}`];
  if (list.length > maxItems) return [itemsText(list.length), `at most ${maxItems}`];
  if (items === undefined) return undefined;
  for (const [index, one] of list.entries()) {
    const fault = check(items, one, walk, depth + 1);
    if (fault === undefined) continue;
    walk.path.push(index);
    return fault;
  }
  return undefined;
}

function checkText({ words, maxLength, format }: Rule, text: string): Fault | undefined {
  if (words !== undefined && !words.has(text)) return ["another word", shown([...words])];
  if (maxLength !== undefined && isLonger(text, maxLength)) {
    return [`${text.length} characters`, `at most ${maxLength}`];
  }
  if (format === undefined || FORMATS[format].isKept(text)) return undefined;
  return ["another text", FORMATS[format].says];
}

function checkNumber({ minimum, maximum, multipleOf }: Rule, value: number): Fault | undefined {
  if (minimum !== undefined && value < minimum) return ["a lower number", `at least ${minimum}`];
  if (maximum !== undefined && value > maximum) return ["a higher number", `at most ${maximum}`];
  if (multipleOf === undefined) return undefined;
  const times = value / multipleOf;
  const isMultiple = Math.abs(Math.round(times) - times) < MULTIPLE_EPSILON;
  return isMultiple ? undefined : ["a number between them", `multiples of ${multipleOf}`];
}

/** In code points, of which a pair of surrogates is one. */
function isLonger(text: string, maxLength: number): boolean {
  if (text.length <= maxLength) return false;
  if (text.length > 2 * maxLength) return true;
  let length = 0;
  for (const _ of text) length += 1;
  return length > maxLength;
}

const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)[Tt\s](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?$/;

/** RFC 3339, 5.6, with what ajv-formats 2 and 3 also take: no zone, an offset without minutes, any blank for the T. */
function isDateTime(text: string): boolean {
  const [, ...parts] = DATE_TIME.exec(text) ?? [];
  if (parts.length === 0) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  if (month < 1 || month > 12 || day < 1 || day > days) return false;
  return (hour <= 23 && minute <= 59 && second <= 59) || (hour === 23 && minute === 59 && second === 60);
}

const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const NOT_OF_URIS = /[^a-z0-9\-._~:/?#[\]@!$&'"()*+,;=%]|%(?![0-9a-f]{2})/i;

/** RFC 3986: the scheme and the characters only, so that no sound URI is called wrong. */
function isUri(text: string): boolean {
  return SCHEME.test(text) && !NOT_OF_URIS.test(text);
}

const FORMATS: Readonly<Record<Format, { readonly isKept: (text: string) => boolean; readonly says: string }>> = {
  "date-time": { isKept: isDateTime, says: "a date and time (RFC 3339)" },
  "uri": { isKept: isUri, says: "a URI (RFC 3986)" },
};

const TYPES: Readonly<Record<RuleType, string>> = {
  object: "an object", array: "a list", string: "a text", integer: "a whole number", number: "a number",
  boolean: "true or false",
};

function allowedBy(rule: Rule | undefined): string {
  if (rule?.words !== undefined) return shown([...rule.words]);
  if (rule?.format !== undefined) return FORMATS[rule.format].says;
  return rule?.type === undefined ? "a value" : TYPES[rule.type];
}

function wrongType(rule: Rule, value: unknown): Fault {
  return [typeFound(value), allowedBy(rule)];
}

function typeFound(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return TYPES.array;
  if (typeof value === "number") return Number.isInteger(value) ? TYPES.integer : "a number that is not whole";
  return typeof value === "string" ? TYPES.string : typeof value === "boolean" ? TYPES.boolean : TYPES.object;
}

const itemsText = (count: number): string => `${count} ${count === 1 ? "item" : "items"}`;

/** The first of the schema's words, as many as there is room for. */
function shown(words: readonly string[]): string {
  if (words.length === 0) return "no members";
  const all = words.join(", ");
  if (all.length <= MOST_SHOWN_CHARS) return all;
  const some = all.slice(0, all.lastIndexOf(",", MOST_SHOWN_CHARS));
  return `${some || words[0]} and ${words.length - (some || "x").split(", ").length} more`;
}
