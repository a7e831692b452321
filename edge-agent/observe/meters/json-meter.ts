/** A meter that tells its readings as JSON, each quantity where a pointer says: a message to a measurement. Pure. */
import type { Reading } from "../../../models/terms.ts";
import { nestsTooDeep } from "../ocppj.ts";
import { valueAt } from "./json-pointer.ts";
import { checked, problem } from "./meter.ts";
import type { Measurement, Result } from "./meter.ts";

export const QUANTITIES = ["powerW", "energyImportWh", "energyExportWh", "currentA", "voltageV"] as const satisfies
  readonly (keyof Reading)[];
export type Quantity = (typeof QUANTITIES)[number];

export interface JsonPlace {
  /** JSON Pointer, RFC 6901. */
  readonly at: string;
  /** What the number there is multiplied by, for the agent's unit. */
  readonly times: number;
  /** Nothing may stand there. */
  readonly optional?: true;
}
export type JsonPlaces = Readonly<Partial<Record<Quantity, JsonPlace>>>;

/** Longer messages are no reading. Meters that tell all they know need some 4 KB. */
export const MOST_READING_BYTES = 64 * 1_024;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The document, or `undefined` (which JSON cannot say) for bytes that are too many, too deep, no UTF-8 or no JSON. */
export function parseBounded(bytes: Uint8Array, mostBytes: number): unknown {
  if (bytes.length > mostBytes) return undefined;
  try {
    const text = decoder.decode(bytes);
    return nestsTooDeep(text) ? undefined : JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A quantity that is missing, is no number or is out of bounds spoils the whole message: parts of it tell half. */
export function measureJson(bytes: Uint8Array, places: JsonPlaces): Result<Measurement> {
  const document = parseBounded(bytes, MOST_READING_BYTES);
  if (document === undefined) return problem("protocol", "the message is no JSON that can be read");
  const measured: Partial<Record<Quantity, number>> = {};
  for (const quantity of QUANTITIES) {
    const place = places[quantity];
    if (place === undefined) continue;
    const found = valueAt(document, place.at);
    if (found === undefined && place.optional) continue;
    if (found === undefined) return problem("bad-value", `the message has nothing at the place of its ${quantity}`);
    measured[quantity] = typeof found === "number" ? found * place.times : NaN;
  }
  return checked(measured);
}
