/**
 * Reading fields of hostile JSON. Each reader returns `undefined` where the field is not of the type asked for, so
 * that mappers state what they need and never trust what came. Strings leave here short and printable.
 */

/** A parsed JSON object whose members are not yet known. Keys are only ever read, never copied into another object. */
export type Fields = Readonly<Record<string, unknown>>;

const NOTHING: Fields = Object.freeze(Object.create(null) as Record<string, unknown>);

/** Longest list that a mapper walks. A longer one is reported as `over-budget`, so nothing hides behind its length. */
export const MAX_ITEMS = 256;
/** Longest text that leaves this folder: OCPP's own identifiers end at 64 characters, its free texts at 255. */
const MAX_TEXT = 64;

/** C0, C1, line separators and bidirectional controls: they could forge a line of a log or of a terminal. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The members that have a value: `exactOptionalPropertyTypes` wants the others absent. */
export function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as
    { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** The object, or an empty one. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : NOTHING;
}

/** The first `MAX_ITEMS` objects of a list. One object where a list is due is a list of one (seen: `meterValue`). */
export function listOf(value: unknown): readonly Fields[] {
  if (isFields(value)) return [value];
  return Array.isArray(value) ? value.slice(0, MAX_ITEMS).filter(isFields) : [];
}

/** Printable text of at most `max` characters; `undefined` for anything but a string. */
export function textOf(value: unknown, max: number = MAX_TEXT): string | undefined {
  if (typeof value !== "string") return undefined;
  return value.slice(0, max).replace(UNPRINTABLE, "?").trim();
}

/** Text that is there and not empty. */
export function nonEmpty(value: unknown, max: number = MAX_TEXT): string | undefined {
  return textOf(value, max) || undefined;
}

/** A text, number or truth value as text; empty for all else. `String` throws at objects such as `{"toString": 1}`. */
export function wordOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** An identifier, which some write as a number: kept as text. */
export function idOf(value: unknown): string | undefined {
  return typeof value === "number" ? String(value) : nonEmpty(value);
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?$/;
/** Beyond any power, register or limit of a charging station, in its base unit. */
const MAX_MAGNITUDE = 1e13;

/** A finite number, also where it was written as decimal text (OCPP 1.6 does so in `sampledValue.value`). */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" && value.length <= MAX_TEXT && DECIMAL.test(value.trim())
    ? Number(value)
    : value;
  return typeof number === "number" && Math.abs(number) <= MAX_MAGNITUDE ? number : undefined;
}

/** A register in Wh: not negative. */
export function registerOf(value: unknown): number | undefined {
  const number = numberOf(value);
  return number !== undefined && number >= 0 ? number : undefined;
}

/** An EVSE or connector number. No station has a thousand. */
export function evseOf(value: unknown): number | undefined {
  const number = numberOf(value);
  return number !== undefined && Number.isInteger(number) && number >= 0 && number < 1000 ? number : undefined;
}
