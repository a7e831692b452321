/** The status of a plain relay, in the form of an agent's: what it does not do is empty. Pure. */
import { addressText, type Config, hostPortText } from "./config.ts";
import type { HostPort } from "./config-schema.ts";
import type { RelayStatus, Status } from "./status.ts";
import type { Direction } from "../models/terms.ts";
import { rfc3339, SECOND_MS, type WallMs } from "../models/units.ts";
import { VERSION } from "./version.ts";

export interface RelaySources {
  readonly config: Config;
  readonly wallMs: WallMs;
  readonly startedAt: WallMs;
  readonly pid: number;
  readonly residentBytes: number;
  /** As bound: `ws://127.0.0.1:9000`. */
  readonly listen: string;
  readonly http: HostPort | undefined;
  readonly relay: Pick<RelayStatus, "why" | "since" | "tryAt">;
  readonly forward: {
    readonly connections: { readonly now: number; readonly total: number; readonly refused: number };
    readonly directions: Readonly<Record<Direction, { readonly bytes: number }>>;
    readonly delay: { readonly p50Us: number; readonly p99Us: number; readonly samples: number };
  };
  readonly notices: readonly string[];
}

export function reportRelay(from: RelaySources): Status {
  const { config, relay, wallMs, startedAt, forward } = from;
  const { now, total, refused } = forward.connections;
  const { samples, p50Us, p99Us } = forward.delay;
  const { "cp-to-csms": up, "csms-to-cp": down } = forward.directions;
  return {
    schemaVersion: "1.0", time: rfc3339(wallMs),
    agent: {
      version: VERSION, station: config.station, region: config.region, zone: config.zone, mode: "relay",
      pid: from.pid, startedAt: rfc3339(startedAt), uptimeS: Math.round((wallMs - startedAt) / SECOND_MS),
      residentBytes: from.residentBytes, listen: from.listen,
      ...(from.http !== undefined && { http: hostPortText(from.http) }),
      relay: { ...relay, bytesFromStation: up.bytes, bytesFromCsms: down.bytes },
    },
    link: {
      state: now > 0 ? "relay-only" : "waiting", csms: addressText(config.csms), connections: total, refused,
      framesFromStation: 0, framesFromCsms: 0, unparsed: {},
      ...(samples > 0 && { delayUs: { p50: p50Us, p99: p99Us } }),
    },
    meters: [], clock: { state: "unchecked" },
    log: { state: "read-only", entries: 0, why: "a plain relay writes none" },
    learned: { days: 0 }, incidents: [], beliefs: [], outlets: [], notices: [...from.notices],
  };
}
