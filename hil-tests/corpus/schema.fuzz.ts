/** Verdicts by schema against ajv: the same for every payload, at a place that ajv names too, telling no value. */
import { strict as check } from "node:assert";
import type { Seeded } from "../../build/seeded.ts";
import { breachOf } from "../../edge-agent/observe/schema.ts";
import { mutateJson } from "./mutate.fuzz.ts";
import { ajvFaults, CANARY, type Json, sample, schemaOf, type Subject, SUBJECTS } from "./schemas.testing.ts";

/** Of `meterValue[0].timestamp` as ajv writes it. */
const pointer = (place: string): string =>
  place === "payload" ? "" : `/${place.replaceAll("[", ".").replaceAll("]", "").replaceAll(".", "/")}`;

/** Throws where the two do not see it alike. Returns whether the payload breaks its schema. */
export function compareWithAjv(subject: Subject, payload: Json): boolean {
  const { version, action, kind } = subject;
  const breach = breachOf(schemaOf(version, action, kind)!, payload);
  if (breach === "too-much") return false;
  const faults = ajvFaults(subject, payload);
  const where = `${version} ${action} ${kind}: ${JSON.stringify(payload).slice(0, 2_000)}`;
  if (breach === undefined) {
    // Of URIs only scheme and characters are looked at.
    const others = faults.filter(({ says }) => !says.includes('match format "uri"'));
    check.deepEqual(others.map(({ says }) => says), [], where);
    return false;
  }
  const said = `${breach.place}: ${breach.found}: ${breach.allowed}`;
  check.ok(faults.some(({ at }) => at === pointer(breach.place)),
    `${said}, ajv: ${faults.map(({ says }) => says).join("; ") || "sound"}, ${where}`);
  check.ok(!said.includes(CANARY) && said.length < 220, said);
  return true;
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** A payload of some message, nearly sound, and then damaged more often than not. */
export function schemaVerdicts(random: Seeded): number {
  const subject = random.pick(SUBJECTS);
  const text = JSON.stringify(sample(random, subject.original, 4 + random.int(60)));
  const damaged = random.int(3) === 0 ? text : mutateJson(random, text);
  const payload = parsed(damaged);
  if (payload !== undefined) compareWithAjv(subject, payload);
  return damaged.length;
}
