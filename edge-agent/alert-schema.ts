/** Reads an alert back from its JSON: what is in a log file may be anything. */
import * as v from "valibot";
import { EVIDENCE_KEYS, SEVERITIES, THREATS } from "../models/terms.ts";
import type { Alert } from "../models/terms.ts";
import type { ContentHash } from "../models/units.ts";

const text = v.string();
const number = v.pipe(v.number(), v.finite());

const HASH = v.custom<ContentHash>((hash) => typeof hash === "string" && /^sha256:[0-9a-f]{64}$/.test(hash));

const INCIDENT_ID = /^[0-9a-f]{1,64}$/;

/** Unknown fields are left out: a newer release may have written them. */
const ALERT = v.object({
  schemaVersion: v.literal("1.0"),
  time: text, incidentId: v.pipe(text, v.regex(INCIDENT_ID)),
  state: v.picklist(["raised", "updated", "cleared"]), scope: v.picklist(["station", "zone", "region"]),
  threat: v.picklist(THREATS), region: text, zone: text, stations: v.array(text), onset: text,
  severity: v.picklist(SEVERITIES), confidence: number, summary: text,
  explanation: v.array(v.object({ term: text, value: number, share: number })),
  evidence: v.array(HASH),
  nextStep: text, agent: text,
  certificate: v.exactOptional(v.object({
    epoch: number, rosterVersion: number, quorum: number, file: HASH, key: v.exactOptional(v.picklist(EVIDENCE_KEYS)),
  })),
  reach: v.exactOptional(v.object({
    stations: number, of: number, ratedW: v.exactOptional(number), ratingW: v.exactOptional(number),
  })),
  declared: v.exactOptional(v.object({
    word: text, by: text, reason: text, until: text, severity: v.picklist(SEVERITIES),
  })),
  formerly: v.exactOptional(v.pipe(text, v.regex(INCIDENT_ID))),
});

/** The alert, or undefined when the text is none. Never throws. */
export function parseAlert(json: string): Alert | undefined {
  try {
    const result = v.safeParse(ALERT, JSON.parse(json), { abortEarly: true });
    return result.success ? result.output : undefined;
  } catch {
    return undefined; // not JSON
  }
}
