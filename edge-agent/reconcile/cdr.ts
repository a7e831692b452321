/**
 * The operator's charge detail records: OCPI 2.2.1, 10.3.1 (CDR Object). Read from hostile JSON, and cut down to what a
 * meter can be held against: where, from when to when, how much. Tokens, contracts and prices are not even looked at.
 */
import { HOUR_MS, type WallMs } from "../../models/units.ts";
import { fieldsOf, type Fields, isFields, nonEmpty, numberOf } from "../observe/fields.ts";
import { parseUtc } from "../observe/time-stamp.ts";
import { captureProblem, type CaptureProblem, isProblem } from "../observe/trace.ts";

export interface Cdr {
  readonly id: string;
  /** `evse_uid` and `evse_id` of its location, as the operator has them; some leave the first out. */
  readonly evseUid: string;
  readonly evseId?: string;
  readonly startMs: WallMs;
  readonly endMs: WallMs;
  readonly energyWh: number;
  /** The record that this one takes back. */
  readonly credits?: string;
}

/** OCPI 2.2.1, 10.3.1: a CDR's id is a CiString(39), an EVSE's uid a CiString(36), an evse_id a CiString(48). */
const MOST_ID_CHARS = 39;
const MOST_EVSE_CHARS = 48;
/** A megawatt for a day is no charging session. */
const MOST_KWH = 24_000;
/** A vehicle that stays plugged in for longer is billed anew. */
const LONGEST_MS = 31 * 24 * HOUR_MS;

/** The field, when it is text of that length without anything that is not printable. */
function idOf(value: unknown, most: number): string | undefined {
  const text = nonEmpty(value, most + 1);
  return text !== undefined && text === value && text.length <= most ? text : undefined;
}

/** A credit takes its original back (10.3.1, `credit` and `credit_reference_id`); both are then nothing. */
function creditsOf(record: Fields): string | undefined | CaptureProblem {
  if (record.credit !== true) return undefined;
  const of = record.credit_reference_id;
  return idOf(of, MOST_ID_CHARS)
    ?? captureProblem("credit_reference_id", of, `1 to ${MOST_ID_CHARS} characters beside credit`);
}

/** One record, or what is wrong with it: field, found, allowed. Never throws. */
export function parseCdr(value: unknown): Cdr | CaptureProblem {
  if (!isFields(value)) return captureProblem("CDR", value, "an object (OCPI 2.2.1, 10.3.1)");
  const id = idOf(value.id, MOST_ID_CHARS);
  if (id === undefined) return captureProblem("id", value.id, `1 to ${MOST_ID_CHARS} printable characters`);
  const place = fieldsOf(value.cdr_location);
  const evseId = idOf(place.evse_id, MOST_EVSE_CHARS);
  const evseUid = place.evse_uid === undefined ? evseId : idOf(place.evse_uid, MOST_EVSE_CHARS);
  if (evseUid === undefined) {
    return captureProblem("cdr_location.evse_uid", place.evse_uid, `1 to ${MOST_EVSE_CHARS} printable characters`);
  }
  const times = timesOf(value);
  if (isProblem(times)) return times;
  const credits = creditsOf(value);
  if (typeof credits === "object") return credits;
  const kWh = typeof value.total_energy === "number" ? numberOf(value.total_energy) : undefined;
  if (kWh === undefined || kWh > MOST_KWH || (kWh < 0 && credits === undefined)) {
    return captureProblem("total_energy", value.total_energy, `a number of kWh from 0 to ${MOST_KWH}`);
  }
  if (typeof value.currency !== "string" || !/^[A-Z]{3}$/.test(value.currency)) {
    return captureProblem("currency", value.currency, "three capital letters (ISO 4217)");
  }
  return {
    id, evseUid, ...times, energyWh: kWh * 1_000, ...(evseId !== undefined && { evseId }),
    ...(credits !== undefined && { credits }),
  };
}

function timesOf(record: Fields): { startMs: WallMs; endMs: WallMs } | CaptureProblem {
  const [startMs, endMs] = [parseUtc(record.start_date_time), parseUtc(record.end_date_time)];
  const allowed = "RFC 3339 in UTC";
  if (startMs === undefined) return captureProblem("start_date_time", record.start_date_time, allowed);
  if (endMs === undefined) return captureProblem("end_date_time", record.end_date_time, allowed);
  if (endMs >= startMs && endMs - startMs <= LONGEST_MS) return { startMs, endMs };
  return captureProblem("end_date_time", record.end_date_time,
    "at most 31 days after start_date_time, and not before it");
}

/** The records of a file or of a page: a list, one record, or OCPI's answer around them (OCPI 2.2.1, 4.1.7). */
export function recordsIn(parsed: unknown): readonly unknown[] | CaptureProblem {
  if (Array.isArray(parsed)) return parsed;
  if (!isFields(parsed)) return captureProblem("CDRs", parsed, "a list of CDRs, or OCPI's answer with them as data");
  if (parsed.status_code === undefined) return parsed.id === undefined && parsed.data !== undefined
    ? recordsIn(parsed.data) : [parsed];
  const code = numberOf(parsed.status_code);
  if (code === undefined || code < 1_000 || code > 1_999) {
    const said = nonEmpty(parsed.status_message);
    return captureProblem("status_code", said === undefined ? parsed.status_code : `${code} (${said})`, "1000 to 1999");
  }
  return Array.isArray(parsed.data) ? parsed.data : captureProblem("data", parsed.data, "a list of CDRs");
}

/** All good records, each once, and nothing that was taken back. */
export class CdrBook {
  /** By id in small letters: a CiString's case says nothing. */
  readonly #byId = new Map<string, Cdr>();
  readonly #credited = new Set<string>();
  readonly counts = { records: 0, bad: 0, twice: 0, credited: 0 };
  readonly #problem: (place: string, problem: CaptureProblem) => void;

  /** @param problem told each bad record: where it is, and what is wrong */
  constructor(problem: (place: string, problem: CaptureProblem) => void) {
    this.#problem = problem;
  }

  /** `place`: of the list, for messages. */
  take(records: readonly unknown[], place: string): void {
    records.forEach((record, index) => {
      this.counts.records += 1;
      const cdr = parseCdr(record);
      if (isProblem(cdr)) this.#refuse(`${place}[${index}]`, cdr);
      else this.#keep(cdr, `${place}[${index}]`);
    });
  }

  /** Oldest first. */
  all(): Cdr[] {
    return [...this.#byId.values()].filter(({ id }) => !this.#credited.has(id.toLowerCase()))
      .sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs || (a.id < b.id ? -1 : 1));
  }

  #refuse(place: string, problem: CaptureProblem): void {
    this.counts.bad += 1;
    this.#problem(place, problem);
  }

  #keep(cdr: Cdr, place: string): void {
    if (cdr.credits !== undefined) {
      this.counts.credited += 1;
      this.#credited.add(cdr.credits.toLowerCase());
      return;
    }
    const key = cdr.id.toLowerCase();
    const known = this.#byId.get(key);
    if (known === undefined) this.#byId.set(key, cdr);
    else if (JSON.stringify(known) === JSON.stringify(cdr)) this.counts.twice += 1;
    else this.#refuse(place, captureProblem("id", cdr.id, "each once: another record of this id says something else"));
  }
}
