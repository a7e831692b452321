/** Relays side by side, turn and turn about, so that a noisy moment hits all alike. */
import type { ChildProcess } from "node:child_process";
import type { WebSocket } from "ws";
import { binaryOf, PROXIES, startProxy } from "./proxies.ts";
import { quantile } from "./figures.ts";
import type { BulkRound, Measured, RelayName, TripRound } from "./figures.ts";
import { cpuUsOf } from "./processes.ts";
import { NODE_RELAYS, startNodeRelay } from "./relays.ts";
import type { NodeRelay, Tls, Transport, Way } from "./relays.ts";
import { callOf, openEnds, pipelined, roundTrips } from "./traffic.ts";

export interface Effort {
  readonly tripRounds: number;
  readonly trips: number;
  readonly bulkRounds: number;
  /** Bytes of calls that one turn of the bulk sends. */
  readonly bulkBytes: number;
}

export interface Case {
  readonly transport: Transport;
  readonly bytes: number;
  readonly tls?: Tls;
}

interface Target {
  readonly relay: RelayName;
  readonly charger: WebSocket;
  readonly child?: ChildProcess;
}

/** Calls through each relay before anything counts: until then its code is interpreted, and the longer has the loss. */
const WARM_UP = 4_000;
const SHORT_WARM_UP = 100;
/** What may be under way at once, bytes of calls and number of them. */
const IN_FLIGHT_BYTES = 256 * 1024;
const MOST_IN_FLIGHT = 64;
/** What a turn of the bulk costs beside its bytes. */
const CALL_COST_BYTES = 1_024;

/** Which relays take part in a case. ocpp-rpc agrees on no compression, and proxies do not know what passes. */
function relaysOf(transport: Transport): readonly RelayName[] {
  const proxies = PROXIES.filter((proxy) => binaryOf(proxy) !== undefined);
  const node = NODE_RELAYS.filter((name) => transport !== "deflate" || name !== "ocpp-rpc");
  return ["direct", ...proxies, ...node];
}

async function startTarget(
  relay: RelayName, way: Way, dial: (port: number) => Promise<WebSocket>, folder: string,
): Promise<Target> {
  if (relay === "direct") return { relay, charger: await dial(way.csmsPort) };
  const proxy = PROXIES.find((name) => name === relay);
  const { child, port } = proxy === undefined ? await startNodeRelay(relay as NodeRelay, way)
    : await startProxy(proxy, way, folder);
  const charger = await dial(port).catch((error: Error) => {
    throw new Error(`no connection through ${relay}: ${error.message}`);
  });
  return { relay, child, charger };
}

/** What `use` cost the relay for each of `frames`, µs. */
async function withCpu<T>(
  { child }: Target, frames: number, use: () => Promise<T>,
): Promise<{ result: T; cpuUs: number | undefined }> {
  const pid = child?.pid;
  const before = pid === undefined ? undefined : cpuUsOf(pid);
  const result = await use();
  const after = pid === undefined ? undefined : cpuUsOf(pid);
  const cpuUs = before === undefined || after === undefined ? undefined : (after - before) / frames;
  return { result, cpuUs };
}

async function tripRound(target: Target, call: string, count: number): Promise<TripRound> {
  const { result, cpuUs } = await withCpu(target, 2 * count, () => roundTrips(target.charger, call, count));
  return { p50Us: quantile(result, 0.5), p99Us: quantile(result, 0.99), cpuUs };
}

async function bulkRound(target: Target, call: string, count: number): Promise<BulkRound> {
  const inFlight = Math.min(MOST_IN_FLIGHT, Math.ceil(IN_FLIGHT_BYTES / call.length));
  const { result, cpuUs } = await withCpu(target, 2 * count, () => pipelined(target.charger, call, count, inFlight));
  return { framesPerS: 2 * count / result, cpuUs };
}

/** Each target once; who begins changes from round to round. */
async function inTurn(targets: readonly Target[], round: number, turn: (t: number) => Promise<void>): Promise<void> {
  for (let i = 0; i < targets.length; i++) await turn((i + round) % targets.length);
}

/** `folder`: for the files of proxies. */
export async function measure({ transport, bytes, tls }: Case, effort: Effort, folder: string): Promise<Measured[]> {
  const ends = await openEnds(transport, bytes, tls);
  const way: Way = { csmsPort: ends.port, transport, ...(tls !== undefined && { tls }) };
  const targets: Target[] = [];
  try {
    for (const relay of relaysOf(transport)) targets.push(await startTarget(relay, way, ends.dial, folder));
    const trips = targets.map((): TripRound[] => []);
    const bulk = targets.map((): BulkRound[] => []);
    const call = callOf("ID", bytes);
    const bulkCalls = Math.ceil(effort.bulkBytes / (bytes + CALL_COST_BYTES));
    for (const { charger } of targets) {
      await pipelined(charger, call, WARM_UP, 4);
      await roundTrips(charger, call, SHORT_WARM_UP);
    }
    for (let round = 0; round < effort.tripRounds; round++) {
      await inTurn(targets, round, async (t) => {
        trips[t]?.push(await tripRound(targets[t] as Target, call, effort.trips));
      });
    }
    for (let round = 0; round < effort.bulkRounds; round++) {
      await inTurn(targets, round, async (t) => {
        bulk[t]?.push(await bulkRound(targets[t] as Target, call, bulkCalls));
      });
    }
    return targets.map(({ relay }, t): Measured => ({ relay, trips: trips[t] ?? [], bulk: bulk[t] ?? [] }));
  } finally {
    for (const { charger, child } of targets) {
      charger.terminate();
      child?.kill("SIGKILL");
    }
    ends.close();
  }
}
