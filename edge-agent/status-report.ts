/** Puts the status together from what the agent and its adapters know. Pure. */
import { type HostPort, mqttText } from "./config-schema.ts";
import { addressText, type Config, hostPortText } from "./config.ts";
import { meterName } from "./config-meters.ts";
import { asHeld, openDeclared } from "./alert/declared.ts";
import { type MeshCounts, reportMesh } from "./mesh-report.ts";
import { bypassed } from "./observe/bypass.ts";
import { openFaults } from "./observe/faults.ts";
import { openTransactions } from "./observe/transactions.ts";
import type { OwnCertificate } from "./own-certificates.ts";
import type { AgentState } from "./pipeline.ts";
import { rootOf } from "./record/merkle.ts";
import { toBase64 } from "./record/base64.ts";
import type {
  BeliefStatus, IncidentStatus, LinkStatus, LogStatus, MeterStatus, OddityCounts, OutletStatus, Status,
  ZoneClockStatus,
} from "./status.ts";
import type { ClockStanding } from "../gossip/clock-rule.ts";
import { beliefOf } from "../models/opine/opine.ts";
import { type Direction, EVIDENCE_KEYS, type Oddity, type Reading } from "../models/terms.ts";
import { DAY_MS, type MonotonicMs, rfc3339, SECOND_MS, type WallMs } from "../models/units.ts";
import { VERSION } from "./version.ts";

/** What the adapters count, as far as the status shows it. */
export interface StatusSources {
  readonly config: Config;
  readonly state: AgentState;
  readonly wallMs: WallMs;
  readonly monoMs: MonotonicMs;
  readonly startedAt: WallMs;
  readonly pid: number;
  readonly residentBytes: number;
  readonly cpuS?: number;
  /** As bound: `ws://127.0.0.1:9000`. */
  readonly listening: { readonly address: string };
  readonly http: HostPort | undefined;
  readonly forward: {
    readonly connections: { readonly now: number; readonly total: number; readonly refused: number };
    readonly directions: Readonly<Record<Direction, { readonly frames: number }>>;
    readonly unparsed: OddityCounts;
    readonly tap: { readonly disabled: boolean };
    readonly delay: { readonly p50Us: number; readonly p99Us: number; readonly samples: number };
  };
  readonly link: { readonly state: "connect" | "disconnect"; readonly at: WallMs } | undefined;
  readonly frames: FramesStats | undefined;
  readonly learnedBefore: boolean;
  readonly meters: readonly {
    readonly readings: number; readonly lost: boolean; readonly lastReading?: Reading;
    readonly lastProblem?: { readonly says: string };
  }[];
  readonly lastMeterAt: ReadonlyMap<number, WallMs>;
  readonly outlets: readonly { readonly name: string; readonly stats: OutletStats | undefined }[];
  readonly certificates: readonly OwnCertificate[];
  readonly checkpointAt: WallMs | undefined;
  readonly notices: readonly string[];
  /** Absent for a lone agent. */
  readonly mesh: MeshCounts | undefined;
}
interface FramesStats {
  readonly up: boolean;
  readonly frames: Readonly<Record<Direction, number>>;
  readonly unparsed: OddityCounts;
}
type OutletStats = Omit<OutletStatus, "name">;

const MOST_BELIEFS = 8;
const LEAST_OPINION = 0.05;

export function reportStatus(from: StatusSources): Status {
  const { config, state, wallMs, startedAt, mesh } = from;
  const { clockWatch, duties, gossip, zone } = state;
  return {
    schemaVersion: "1.0",
    time: rfc3339(wallMs),
    agent: {
      version: VERSION, station: config.station, region: gossip.network, zone: gossip.zone, mode: config.mode,
      pid: from.pid, startedAt: rfc3339(startedAt), uptimeS: Math.round((wallMs - startedAt) / SECOND_MS),
      residentBytes: from.residentBytes, ...(from.cpuS !== undefined && { cpuS: from.cpuS }),
      listen: from.listening.address,
      ...(from.http !== undefined && { http: hostPortText(from.http) }),
    },
    link: linkOf(from),
    ...(from.certificates.length > 0 && {
      certificates: from.certificates.map(({ use, ends }) => ({ use, ends: rfc3339(ends) })),
    }),
    ...framesOf(from),
    meters: config.meters.map((_, index) => meterOf(from, index)),
    clock: {
      state: clockWatch.state,
      ...(clockWatch.aheadOfCsmsMs !== undefined && { aheadOfCsmsMs: Math.round(clockWatch.aheadOfCsmsMs) }),
      ...(gossip.protocol !== undefined && { zone: zoneClock(gossip.protocol.clock.standing, gossip.epochS) }),
    },
    log: logOf(from),
    learned: {
      days: Math.max(0, (wallMs - duties.since) / DAY_MS), ...(from.learnedBefore && { since: rfc3339(duties.since) }),
    },
    faults: openFaults(state.faults)
      .map(({ fault, evseId, at, says }) => ({ fault, evse: evseId, since: rfc3339(at), says })),
    incidents: incidentsOf(state),
    ...declaredIn(state, wallMs),
    beliefs: beliefsOf(state, from),
    outlets: from.outlets.map(({ name, stats }) => ({ name, ...(stats ?? { sent: 0, dropped: 0 }) })),
    ...(zone !== undefined && mesh !== undefined && {
      mesh: reportMesh({ zone, counts: mesh, listen: config.mesh?.listen, wallMs, startedAt }),
    }),
    notices: [...from.notices],
  };
}

export function zoneClock({ state, heard, offsetEpochs }: ClockStanding, epochS: number): ZoneClockStatus {
  return { state, heard, ...(offsetEpochs !== undefined && { aheadMs: 0 - offsetEpochs * epochS * SECOND_MS }) };
}

function linkOf({ config, forward, link, state, ...now }: StatusSources): LinkStatus {
  const { now: connections, total, refused } = forward.connections;
  const { version } = state.observe;
  const connected = connections > 0 ? "connected" : "waiting";
  const { samples, p50Us, p99Us } = forward.delay;
  const around = bypassed(state.bypass, now);
  return {
    state: forward.tap.disabled ? "relay-only" : connected,
    csms: addressText(config.csms),
    ...(around !== undefined && { bypassed: {
      since: rfc3339(around.since), order: around.order.by, orderAt: rfc3339(around.order.at), host: around.order.host,
    } }),
    ...(link !== undefined && { since: rfc3339(link.at) }),
    ...(version !== undefined && { ocppVersion: version }),
    connections: total,
    refused,
    framesFromStation: forward.directions["cp-to-csms"].frames,
    framesFromCsms: forward.directions["csms-to-cp"].frames,
    openTransactions: openTransactions(state.observe.transactions),
    ...messageCounts(forward.unparsed, state.observe.counts.oddities),
    ...(state.observe.schemaOf === undefined && { schemas: "absent" as const }),
    ...(samples > 0 && { delayUs: { p50: p50Us, p99: p99Us } }),
  };
}

/** What keeps a message from being read; every other oddity is of one that was. */
const UNREAD: ReadonlySet<Oddity> = new Set([
  "not-json", "not-a-frame", "unknown-message-type", "bad-utf8", "binary", "too-large", "bad-deflate", "over-budget",
]);

/**
 * The tap counts what no text came of, and hands on at most so many a second; the parser counts these and the texts
 * that are no OCPP-J. So the larger count of the two is the nearer one.
 */
export function messageCounts(
  tap: OddityCounts, parser: ReadonlyMap<Oddity, number>,
): Pick<LinkStatus, "unparsed" | "oddities"> {
  const unparsed: Partial<Record<Oddity, number>> = { ...tap };
  const oddities: Partial<Record<Oddity, number>> = {};
  for (const [oddity, count] of parser) {
    if (UNREAD.has(oddity)) unparsed[oddity] = Math.max(count, unparsed[oddity] ?? 0);
    else oddities[oddity] = count;
  }
  return { unparsed, ...(Object.keys(oddities).length > 0 && { oddities }) };
}

function framesOf({ config: { frames }, frames: stats }: StatusSources): Pick<Status, "frames"> {
  if (frames === undefined || stats === undefined) return {};
  return { frames: {
    from: `${mqttText(frames.broker)} ${frames.module}`, state: stats.up ? "listening" : "away",
    framesFromStation: stats.frames["cp-to-csms"], framesFromCsms: stats.frames["csms-to-cp"],
    unparsed: stats.unparsed,
  } };
}

function meterOf({ config, meters, lastMeterAt }: StatusSources, index: number): MeterStatus {
  const meter = config.meters[index]!;
  const { evse, everyS } = meter;
  const stats = meters[index];
  const reading = stats?.lastReading;
  const at = lastMeterAt.get(evse);
  const live = (stats?.readings ?? 0) > 0 ? "reading" : "starting";
  return {
    evse, ...meterName(meter), everyS,
    state: stats?.lost === true ? "lost" : live,
    ...(at !== undefined && { lastAt: rfc3339(at) }),
    ...(reading?.powerW !== undefined && { powerW: reading.powerW }),
    ...(reading?.energyImportWh !== undefined && { energyImportWh: reading.energyImportWh }),
    ...(stats?.lost === true && stats.lastProblem !== undefined && { why: stats.lastProblem.says }),
  };
}

function logOf({ state, checkpointAt }: StatusSources): LogStatus {
  const { log } = state.journal;
  return {
    state: log.refused === undefined ? "good" : "read-only",
    entries: log.frontier.size,
    ...(log.frontier.size > 0 && { root: toBase64(rootOf(log.crypto, log.frontier)) }),
    ...(checkpointAt !== undefined && { checkpointAt: rfc3339(checkpointAt) }),
    ...(log.refused !== undefined && { why: log.refused }),
  };
}

function incidentsOf(state: AgentState): IncidentStatus[] {
  return Object.values(state.alert.open).map(({ lastAlert }) => asHeld(state.declared, lastAlert))
    .map(({ incidentId, threat, severity, confidence, onset, summary, declared }) => ({
      incidentId, threat, severity, confidence, onset, summary,
      ...(declared !== undefined && { heldUntil: declared.until }),
    }));
}

function declaredIn({ declared }: AgentState, wallMs: WallMs): Pick<Status, "declared"> {
  const standing = [...declared.held.values()].filter(({ over }) => !over);
  const open = openDeclared(declared, wallMs).map(({ word, by, changes, stations, fromMs, toMs, reason }) => ({
    word, by, changes, stations, from: rfc3339(fromMs as WallMs), to: rfc3339(toMs as WallMs), reason,
    holds: standing.filter(({ window }) => window.word === word).length,
  }));
  return open.length === 0 ? {} : { declared: open };
}

function beliefsOf(state: AgentState, { wallMs }: StatusSources): BeliefStatus[] {
  const now = { wallMs, monoMs: 0 } as Parameters<typeof beliefOf>[2];
  return EVIDENCE_KEYS.map((key) => beliefOf(state.opine, key, now))
    .filter(({ opinion }) => opinion >= LEAST_OPINION)
    .sort((a, b) => b.opinion - a.opinion)
    .slice(0, MOST_BELIEFS)
    .map(({ key, opinion, says }) => ({ key, opinion: Math.round(opinion * 1_000) / 1_000, says }));
}
