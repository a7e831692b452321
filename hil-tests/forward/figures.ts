/** From what was measured, round by round, to the rows and ratios of the table. */
import type { NodeRelay, Transport } from "./relays.ts";
import type { Proxy } from "./proxies.ts";

export type RelayName = "direct" | Proxy | NodeRelay;

/** One turn of one relay. */
export interface TripRound {
  readonly p50Us: number;
  readonly p99Us: number;
  /** Processor time of the relay's process for each frame, either direction; undefined for `direct`. */
  readonly cpuUs: number | undefined;
}

export interface BulkRound {
  readonly framesPerS: number;
  readonly cpuUs: number | undefined;
}

export interface Measured {
  readonly relay: RelayName;
  readonly trips: readonly TripRound[];
  readonly bulk: readonly BulkRound[];
}

/**
 * The quartile of the quieter rounds, the same for all: what else runs on a machine slows some rounds and speeds none,
 * so that this one holds still where a median moves with the load. Ratios are of these.
 */
export interface Row {
  readonly relay: RelayName;
  readonly transport: Transport;
  readonly bytes: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly framesPerS: number;
  readonly cpuUsPerFrame?: number;
  readonly bulkCpuUsPerFrame?: number;
  /** What it adds to `direct`, over what nginx and the bare splice add. */
  readonly addedP50OverNginx?: number;
  readonly addedP99OverNginx?: number;
  readonly addedP50OverSplice?: number;
  readonly addedP99OverSplice?: number;
  readonly cpuOverSplice?: number;
}

/** Nearest rank; `q` from 0 to 1. NaN of nothing. */
export function quantile(values: Iterable<number>, q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? Number.NaN;
}

const QUIET = 0.25;
const quiet = (values: Iterable<number>): number => quantile(values, QUIET);

const round = (value: number): number => Math.round(value * 100) / 100;

type At = "p50Us" | "p99Us";

const tripUs = (one: Measured, at: At): number => quiet(one.trips.map((trip) => trip[at]));

/** How much longer a relay took than the direct way, µs. */
const added = (one: Measured, direct: Measured, at: At): number => tripUs(one, at) - tripUs(direct, at);

const cpuOf = (rounds: readonly { readonly cpuUs: number | undefined }[]): number =>
  quiet(rounds.flatMap(({ cpuUs }) => (cpuUs === undefined ? [] : [cpuUs])));

/** A ratio that rests on something; undefined where the reference is absent, adds nothing or was not told. */
function over(value: number, reference: number): number | undefined {
  const ratio = value / reference;
  return reference > 0 && Number.isFinite(ratio) ? round(ratio) : undefined;
}

function without<T extends object>(row: T): T {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)) as T;
}

export function rowsOf(measured: readonly Measured[], transport: Transport, bytes: number): Row[] {
  const named = (name: RelayName): Measured | undefined => measured.find(({ relay }) => relay === name);
  const direct = named("direct");
  if (direct === undefined) throw new Error("nothing was measured without a relay");
  const addedOver = (one: Measured, name: RelayName, at: At): number | undefined => {
    const reference = named(name);
    return reference === undefined ? undefined : over(added(one, direct, at), added(reference, direct, at));
  };
  const splice = named("node splice");
  return measured.map((one): Row => {
    const common = {
      relay: one.relay, transport, bytes, p50Us: round(tripUs(one, "p50Us")), p99Us: round(tripUs(one, "p99Us")),
      framesPerS: Math.round(quantile(one.bulk.map(({ framesPerS }) => framesPerS), 1 - QUIET)),
    };
    if (one === direct) return common;
    const [cpu, bulkCpu] = [cpuOf(one.trips), cpuOf(one.bulk)];
    return without({
      ...common, cpuUsPerFrame: over(cpu, 1), bulkCpuUsPerFrame: over(bulkCpu, 1),
      addedP50OverNginx: addedOver(one, "nginx stream", "p50Us"),
      addedP99OverNginx: addedOver(one, "nginx stream", "p99Us"),
      addedP50OverSplice: addedOver(one, "node splice", "p50Us"),
      addedP99OverSplice: addedOver(one, "node splice", "p99Us"),
      cpuOverSplice: splice === undefined ? undefined : over(cpu, cpuOf(splice.trips)),
    }) as Row;
  });
}

const COLUMNS: readonly (readonly [string, number, (row: Row) => string | number | undefined])[] = [
  ["transport", 9, ({ transport }) => transport],
  ["bytes", 6, ({ bytes }) => bytes],
  ["p50 µs", 8, ({ p50Us }) => p50Us.toFixed(0)],
  ["p99 µs", 8, ({ p99Us }) => p99Us.toFixed(0)],
  ["added/nginx p50", 16, ({ addedP50OverNginx }) => addedP50OverNginx?.toFixed(2)],
  ["p99", 6, ({ addedP99OverNginx }) => addedP99OverNginx?.toFixed(2)],
  ["added/splice p50", 17, ({ addedP50OverSplice }) => addedP50OverSplice?.toFixed(2)],
  ["p99", 6, ({ addedP99OverSplice }) => addedP99OverSplice?.toFixed(2)],
  ["CPU µs", 7, ({ cpuUsPerFrame }) => cpuUsPerFrame?.toFixed(1)],
  ["/splice", 8, ({ cpuOverSplice }) => cpuOverSplice?.toFixed(2)],
  ["bulk fr./s", 11, ({ framesPerS }) => framesPerS],
  ["CPU µs", 7, ({ bulkCpuUsPerFrame }) => bulkCpuUsPerFrame?.toFixed(1)],
];
const NAME_WIDTH = 13;

export const TABLE_HEAD =
  `${"relay".padEnd(NAME_WIDTH)}${COLUMNS.map(([name, width]) => name.padStart(width)).join("")}`;

export function lineOf(row: Row): string {
  const cells = COLUMNS.map(([, width, cell]) => String(cell(row) ?? "").padStart(width));
  return `${row.relay.padEnd(NAME_WIDTH)}${cells.join("")}`;
}

/** One of the aims, with what was measured; undefined where its reference is missing. */
export interface Aim {
  readonly what: string;
  readonly found: number | undefined;
  readonly atMost: number;
}

/** What being in line may cost, one line a case: held against nginx, a bare splice and a bare ws relay. */
export function aimsOf(rows: readonly Row[]): Aim[] {
  const cases = rows.filter(({ relay, transport }) => relay === "observe" && transport !== "deflate");
  return cases.flatMap((observe) => {
    const { transport, bytes } = observe;
    const at = (name: RelayName): Row | undefined =>
      rows.find((row) => row.relay === name && row.transport === transport && row.bytes === bytes);
    const where = `${transport}, ${bytes} bytes`;
    const guard = at("guard");
    const ws = at("ws relay");
    return [
      { what: `observe adds, over nginx stream, median (${where})`, found: observe.addedP50OverNginx, atMost: 1.5 },
      { what: `observe adds, over nginx stream, p99 (${where})`, found: observe.addedP99OverNginx, atMost: 1.5 },
      { what: `the bare splice adds, over nginx stream, median (${where})`, atMost: 1.5,
        found: at("node splice")?.addedP50OverNginx },
      { what: `processor time of observe over the bare splice (${where})`, found: observe.cpuOverSplice, atMost: 1.5 },
      { what: `guard over a bare ws relay, median round trip (${where})`, atMost: 1,
        found: guard === undefined || ws === undefined ? undefined : over(guard.p50Us, ws.p50Us) },
    ];
  });
}

export function aimLine({ what, found, atMost }: Aim): string {
  const verdict = found === undefined ? "not measured" : found <= atMost ? "met" : "NOT met";
  return `${what.padEnd(72)}${(found?.toFixed(2) ?? "-").padStart(8)}  aim ${atMost.toFixed(2)}  ${verdict}`;
}
