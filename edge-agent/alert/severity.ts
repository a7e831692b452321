/**
 * Severity by consequence, and not by how sure anybody is: what a threat would mean at one station (catalogue.ts), and
 * one step more where it reaches far: a region, half of a zone, or loads that together could overload what the zone
 * shares. Pure.
 */
import { SEVERITIES, type AlertReach, type Severity, type Threat } from "../../models/terms.ts";
import { CATALOGUE } from "./catalogue.ts";

/** Whoever moves these threats' loads together moves what the zone's equipment carries. */
const MOVES_LOAD: ReadonlySet<Threat> = new Set(["load-manipulation", "profile-tampering", "reverse-power"]);
/** Of a zone's members, and of its rating. */
const MUCH = 0.5;
/** Half of fewer is one charger, or two. */
const LEAST_STATIONS = 3;

/** @param reach absent: one station */
export function severityOf(threat: Threat, scope: "station" | "zone" | "region", reach?: AlertReach): Severity {
  const base = SEVERITIES.indexOf(CATALOGUE[threat].severity);
  const step = scope === "region" || (reach !== undefined && isWide(threat, reach)) ? 1 : 0;
  return SEVERITIES[Math.min(base + step, SEVERITIES.length - 1)] ?? "critical";
}

function isWide(threat: Threat, { stations, of, ratedW = 0, ratingW = 0 }: AlertReach): boolean {
  if (stations >= LEAST_STATIONS && stations >= MUCH * of) return true;
  return MOVES_LOAD.has(threat) && ratingW > 0 && ratedW >= MUCH * ratingW;
}
