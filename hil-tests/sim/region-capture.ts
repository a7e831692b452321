/** The captures of a region: honest streams, look-alikes in them, attacks on them, and the truth about all of it. */
import { join } from "node:path";
import { DAY_MS, rfc3339, type WallMs } from "../../models/units.ts";
import type { AttackTruth, Window } from "../attackers/attack.ts";
import { ATTACKS, attacked } from "../attackers/catalogue.ts";
import type { AttackPlan, PlannedAttack, PlannedLookAlike } from "./attack-file.ts";
import { collect, type Capture, type CaptureItem } from "./capture.ts";
import { dice, purposeSeed } from "./dice.ts";
import { honestCapture, type HonestSpec } from "./honest.ts";
import { LineFile } from "./line-file.ts";
import { changeAt, LOOK_ALIKES, type Occasion } from "./look-alikes/catalogue.ts";
import { PROFILES, profileForRating } from "./profile.ts";
import type { Quirks } from "./quirks.ts";
import type { RealSessions } from "./real-sessions.ts";
import type { Region, RegionStation } from "./region.ts";
import type { HonestCounts } from "./station.ts";

export interface RegionSpec {
  readonly region: Region;
  readonly from: WallMs;
  readonly days: number;
  readonly seed: number;
  readonly meterEveryS: number;
  /** Share of the stations with a harmless quirk each. */
  readonly quirks: number;
  readonly plan: AttackPlan;
  /** In the order of the region's stations. */
  readonly real?: readonly RealSessions[];
}

const QUIRKS: readonly Quirks[] = [
  { energyInKwh: true }, { registerResets: "session" }, { registerResets: "boot" }, { noMeterValues: true },
  { clockOffsetMs: 25_000 }, { clockOffsetMs: -40_000 }, { localTimestamps: true }, { readingAfterStop: true },
  { meterStepWh: 100 },
];

/** From here on an EVSE gives direct current: its meter may stand before the rectifier. */
const DIRECT_CURRENT_FROM_W = 22_100;

/** A day of the meter before an attack is enough to know what the station was like; more is not kept in memory. */
const MEMORY_MS = DAY_MS;

export function endOf({ from, days }: RegionSpec): WallMs {
  return (from + days * DAY_MS) as WallMs;
}

/** When something may come that says nothing else: in the last quarter. */
function windowOf(spec: RegionSpec, from: WallMs | undefined): Window {
  const to = endOf(spec);
  return { from: from ?? Math.round(to - (to - spec.from) / 4) as WallMs, to, soon: from !== undefined };
}

function occasion(spec: RegionSpec, { name, from }: PlannedLookAlike, index: number): Occasion {
  const { lengthMs = 0 } = LOOK_ALIKES[name] ?? {};
  const seed = purposeSeed(spec.seed, `look-alike ${index}`);
  const window = windowOf(spec, from);
  const latest = Math.max(window.from, window.to - lengthMs);
  const at = from ?? Math.round(dice(seed, "when").uniform(window.from, latest)) as WallMs;
  return { name, seed, from: at, to: Math.min(window.to, at + lengthMs) as WallMs };
}

function profileOf(station: RegionStation): (typeof PROFILES)[keyof typeof PROFILES] {
  return station.profile === undefined ? profileForRating(station.ratedW) : PROFILES[station.profile];
}

function quirksOf({ seed, quirks }: RegionSpec, id: string): Quirks {
  const chance = dice(seed, `quirks ${id}`);
  return chance.chance(quirks) ? chance.pick(QUIRKS) : {};
}

function specOf(spec: RegionSpec, station: RegionStation, index: number): HonestSpec {
  const { from, days, seed, meterEveryS, region, plan, real } = spec;
  const ratedW = station.ratedW / station.evses;
  const beforeRectifier = ratedW >= DIRECT_CURRENT_FROM_W && dice(seed, `side ${station.id}`).chance(0.5);
  const changes = plan.lookAlikes.flatMap((one, i) =>
    (one.stations.includes(station.id) ? [changeAt(station.id, occasion(spec, one, i))] : []));
  const sessions = real?.[index]?.sessions;
  return {
    station: station.id, ocppVersion: station.ocppVersion, evses: station.evses, from, days, meterEveryS, ratedW,
    timezone: region.timezone, profile: profileOf(station), seed: purposeSeed(seed, station.id), fleetSeed: seed,
    meterSide: beforeRectifier ? "ac-input" : "evse-output", quirks: quirksOf(spec, station.id), changes,
    ...(sessions === undefined ? {} : { sessions }),
  };
}

interface Files {
  readonly ocpp: LineFile;
  readonly meter: LineFile;
}

function filesOf(out: string, id: string): Files {
  return { ocpp: new LineFile(join(out, `${id}.ocpp.jsonl`)), meter: new LineFile(join(out, `${id}.meter.jsonl`)) };
}

interface Kept {
  readonly capture: Capture;
  readonly files: Files;
}

/** Writes what no attack can reach, and keeps the rest. */
function keep(station: RegionStation, items: Iterable<CaptureItem>, files: Files, keptFrom: WallMs): Kept {
  function* rest(): Generator<CaptureItem> {
    for (const item of items) {
      if (item.stream === "meter" && item.at < keptFrom) files.meter.write(item.line);
      else yield item;
    }
  }
  const { id, ocppVersion } = station;
  return { files, capture: collect({ station: id, ocppVersion }, rest()) };
}

function finish({ capture, files }: Kept): void {
  for (const { line } of capture.ocpp) files.ocpp.write(line);
  for (const { line } of capture.meter) files.meter.write(line);
  files.ocpp.close();
  files.meter.close();
}

const shownTruth = (traces: readonly AttackTruth[]): object => ({
  from: rfc3339(Math.min(...traces.map(({ from }) => from)) as WallMs),
  to: rfc3339(Math.max(...traces.map(({ to }) => to)) as WallMs),
  stations: [...new Set(traces.map(({ station }) => station))].sort(),
  traces: traces.map(({ station, from, to }) => ({ station, from: rfc3339(from), to: rfc3339(to) })),
});

/** Carries out one attack on what is kept. @throws Error when there is no opportunity. */
function attack(spec: RegionSpec, planned: PlannedAttack, index: number, kept: Map<string, Kept>): object {
  const { name, strength, stations, from } = planned;
  const before = stations.map((id) => (kept.get(id) as Kept).capture);
  const chance = dice(spec.seed, `attack ${index} ${name}`);
  const { captures, truth } = attacked(name, before, chance, strength, windowOf(spec, from));
  for (const capture of captures) kept.set(capture.station, { ...kept.get(capture.station) as Kept, capture });
  const { threat, scope } = ATTACKS[name] as (typeof ATTACKS)[string];
  return { attack: name, threat, scope, strength, ...shownTruth(truth) };
}

function lookAlikeTruth(spec: RegionSpec): object[] {
  return spec.plan.lookAlikes.map((planned, i) => {
    const { name, from, to } = occasion(spec, planned, i);
    const { scope, like } = LOOK_ALIKES[name] as (typeof LOOK_ALIKES)[string];
    return { name, scope, like, from: rfc3339(from), to: rfc3339(to), stations: planned.stations };
  });
}

export interface RegionTruth {
  readonly attacks: readonly object[];
  readonly lookAlikes: readonly object[];
  readonly stations: readonly object[];
}

/** Writes all files into `out`. @throws Error when an attack finds no opportunity, or as the file system does. */
export function captureRegion(spec: RegionSpec, out: string, report: (done: number) => void): RegionTruth {
  const stations = spec.region.zones.flatMap((zone) => zone.stations);
  const struck = new Set(spec.plan.attacks.flatMap((planned) => planned.stations));
  const keptFrom = Math.min(...spec.plan.attacks.map(({ from }) => windowOf(spec, from).from)) - MEMORY_MS;
  const kept = new Map<string, Kept>();
  const written = stations.map((station, i) => {
    const honest = specOf(spec, station, i);
    const { items, counts } = honestCapture(honest);
    const files = filesOf(out, station.id);
    if (struck.has(station.id)) kept.set(station.id, keep(station, items, files, keptFrom as WallMs));
    else writeAll(items, files);
    report(i + 1);
    return stationTruth(station, honest, counts, spec.real?.[i]);
  });
  const attacks = spec.plan.attacks.map((planned, i) => attack(spec, planned, i, kept));
  for (const one of kept.values()) finish(one);
  return { attacks, lookAlikes: lookAlikeTruth(spec), stations: written };
}

function writeAll(items: Iterable<CaptureItem>, files: Files): void {
  for (const { stream, line } of items) files[stream].write(line);
  files.ocpp.close();
  files.meter.close();
}

function stationTruth(
  { id, zone, ocppVersion }: RegionStation, { profile, meterSide, quirks }: HonestSpec,
  counts: Readonly<HonestCounts>, real: RealSessions | undefined,
): object {
  return { station: id, zone, ocppVersion, profile: profile.name, meterSide, quirks, ...counts,
    ...(real === undefined ? {} : { realSessionsOf: real.source }) };
}
