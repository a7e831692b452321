/**
 * Real sessions as plans: times, durations and energies from published data drive the simulated station's frames and
 * meter. Frames, commands and refused idTokens stay synthetic, and so are users where the data publish none.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { HOUR_MS, MINUTE_MS } from "../../models/units.ts";
import { dice } from "./dice.ts";
import { localTime, type LocalTime } from "../../models/local-time.ts";
import { Users, type PlannedSession } from "./sessions.ts";

const COLUMNS = [
  "set", "station", "connector", "user", "plug_in", "charge_start", "charge_end", "plug_out", "tz", "kwh", "start_wh",
  "end_wh", "max_kw", "site", "model",
] as const;
type Row = Readonly<Record<(typeof COLUMNS)[number], string>>;

/** Zone of each set's local times; UTC where the set says so. ElaadNL's two statements differ: read as UTC. */
const ZONES: readonly (readonly [prefix: string, timezone: string])[] = [
  ["uk_", "Europe/London"], ["no_", "Europe/Oslo"], ["nl_", "UTC"], ["acn_", "UTC"],
];

/** One line of RFC 4180 CSV: quoted fields may hold commas and doubled quotes. */
export function csvFields(line: string): string[] {
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/gy;
  for (let match = field.exec(line); match !== null; match = field.exec(line)) {
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === "") break;
  }
  return fields;
}

function rowOf(line: string): Row {
  const fields = csvFields(line);
  return Object.fromEntries(COLUMNS.map((column, i) => [column, fields[i] ?? ""])) as Row;
}

function hash(text: string): number {
  let sum = 7;
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) >>> 0;
  return sum;
}

/** The same user gets the same idToken at every station; hashes are cut to what OCPP 1.6 allows (CiString20). */
function tokenOf(user: string): string {
  return dice(hash(user), "user").hex(14);
}

function plan(row: Row, local: LocalTime, users: Users): PlannedSession | undefined {
  const plugInAt = local.parse(row.plug_in);
  const plugOutAt = local.parse(row.plug_out);
  const energyWh = Number(row.kwh) * 1000;
  if (row.kwh === "" || !(energyWh >= 0) || !(plugOutAt > plugInAt)) return undefined;
  const chargeEnd = row.charge_end === "" ? plugOutAt : local.parse(row.charge_end);
  const hours = Math.max(chargeEnd - plugInAt, MINUTE_MS) / HOUR_MS;
  const meanW = energyWh / hours;
  // The authorisation takes some of the time and the taper is slower, hence a quarter above the mean.
  const vehicleW = Math.max(Number(row.max_kw) * 1000, 1.25 * meanW, 2_300);
  const evseId = Number(row.connector);
  return {
    plugInAt, plugOutAt, energyWh, vehicleW,
    token: row.user === "" ? users.next({ from: plugInAt, to: plugOutAt }) : tokenOf(row.user),
    ...(Number.isInteger(evseId) && evseId > 0 ? { evseId } : {}),
  };
}

/** The text of a `.csv` or `.csv.xz` file. Throws when it cannot be read, or `xz` is absent. */
function unpack(path: string): string {
  if (!path.endsWith(".xz")) return readFileSync(path, "utf8");
  return execFileSync("xz", ["-dc", path], { encoding: "utf8", maxBuffer: 256 * 1024 * 1024 });
}

/**
 * Sessions of each station of a file, by station (by user where a set has no stations), in order of arrival. Rows
 * without an end, without energy or that end before they begin are left out.
 */
export function sessionsFromCsv(path: string): Map<string, PlannedSession[]> {
  const [header = "", ...lines] = unpack(path).split("\n");
  if (header.trim() !== COLUMNS.join(",")) throw new Error(`${path}: columns are ${header}, not ${COLUMNS.join(",")}`);
  const zones = new Map(ZONES.map(([prefix, timezone]) => [prefix, localTime(timezone)]));
  const utc = localTime("UTC");
  const users = new Map<string, Users>();
  const byStation = new Map<string, PlannedSession[]>();
  for (const line of lines) {
    if (line.trim() === "") continue;
    const row = rowOf(line);
    const station = row.station === "" ? row.user : row.station;
    const prefix = ZONES.find(([start]) => row.set.startsWith(start))?.[0];
    const local = row.tz === "UTC" || prefix === undefined ? utc : zones.get(prefix) ?? utc;
    let ofStation = users.get(station);
    if (ofStation === undefined) users.set(station, (ofStation = new Users(dice(hash(station), "users"), 0.8)));
    const session = plan(row, local, ofStation);
    if (session === undefined) continue;
    const list = byStation.get(station);
    if (list === undefined) byStation.set(station, [session]);
    else list.push(session);
  }
  for (const list of byStation.values()) list.sort((a, b) => a.plugInAt - b.plugInAt);
  return byStation;
}
