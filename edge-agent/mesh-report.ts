/** The street as one agent sees it, for its status. Pure. */
import { quorumOf } from "../gossip/certificate.ts";
import { type Incident, leaseEnd } from "../gossip/incidents.ts";
import { isSuspected } from "../gossip/membership.ts";
import { borne, meteredMembers } from "../gossip/metered.ts";
import { provisional } from "../gossip/agreement-protocol.ts";
import type { ProtocolState } from "../gossip/protocol-state.ts";
import { threatOf } from "../models/terms.ts";
import { epochOf, rfc3339, SECOND_MS, type StationId, type WallMs } from "../models/units.ts";
import { trustIn, type ZoneAlertState } from "./alert/zone-alert.ts";
import type { HostPort } from "./config-schema.ts";
import { hostPortText } from "./config.ts";
import type {
  FlowStatus, MeshLinkStatus, MeshMemberStatus, MeshStatus, MeshTrafficStatus, ZoneIncidentStatus,
} from "./status.ts";

type Counts = Readonly<Record<string, number>>;
interface Flow {
  readonly messages: number;
  readonly bytes: number;
  readonly messagesPerS: number;
  readonly bytesPerS: number;
}

/** What the transport counts, as far as the status shows it. */
export interface MeshCounts {
  readonly port: number | undefined;
  readonly broker: { readonly connected: readonly string[]; readonly refused: Counts } | undefined;
  readonly links: readonly (Omit<MeshLinkStatus, "to" | "address" | "since"> & {
    readonly name: string; readonly address: HostPort; readonly since: WallMs;
  })[];
  readonly repeats: number;
  readonly sent: Flow;
  readonly received: Flow;
}

export interface MeshSources {
  readonly zone: ZoneAlertState;
  readonly counts: MeshCounts;
  /** Host that the embedded broker listens on. */
  readonly listen: HostPort | undefined;
  readonly wallMs: WallMs;
  readonly startedAt: WallMs;
}

const MOST_SENDERS = 8;

export function reportMesh({ zone, counts, listen, wallMs, startedAt }: MeshSources): MeshStatus {
  const { protocol, epochS } = zone;
  const { directory } = protocol;
  const epoch = epochOf(wallMs, epochS);
  const timeOf = (of: number): string => rfc3339(of * epochS * SECOND_MS as WallMs);
  const { port, broker, links } = counts;
  const unheard = meteredMembers(protocol);
  const incidents = [...protocol.incidents.values()].filter((incident) => leaseEnd(incident) > epoch);
  // One that is about to be renewed is both.
  const certified = new Set(incidents.map(({ newest }) => threatOf(newest.key)));
  const waiting = provisional(protocol).filter(({ key }) => !certified.has(threatOf(key)));
  return {
    network: directory.network, zone: directory.zone.id, rosterVersion: directory.version, epochS, epoch,
    ...(unheard.length > 0 && { metered: { members: unheard, borne: borne(directory), self: protocol.metered } }),
    n: directory.members.length, f: directory.zone.f, quorum: quorumOf(directory),
    ...(listen !== undefined && { broker: {
      ...(port !== undefined && { listen: hostPortText({ host: listen.host, port }) }),
      connected: broker?.connected ?? [], refused: broker?.refused ?? {},
    } }),
    links: links.map(({ name, address, up, since, dropped, refused }) =>
      ({ to: name, address: hostPortText(address), up, since: rfc3339(since), dropped, refused })),
    members: membersOf(zone, epoch, epochOf(startedAt, epochS)),
    incidents: incidents.map((incident) => incidentOf(zone, incident, timeOf)),
    provisional: waiting.map(({ key, onset, since }) =>
      ({ key, threat: threatOf(key), onset: timeOf(onset), since: timeOf(since) })),
    traffic: trafficOf(protocol, counts, epochS),
  };
}

/** Nobody is held silent for what was before this agent listened. */
function membersOf(zone: ZoneAlertState, epoch: number, began: number): MeshMemberStatus[] {
  return zone.protocol.view.members.map(({ station, heard, guilt }) => {
    const silentEpochs = Math.max(0, epoch - (heard < 0 ? began : heard));
    return {
      station, ...(heard >= 0 && { lastEpoch: heard }), silentEpochs,
      // A metered member hears no statements: nobody is silent by that.
      suspected: !zone.protocol.metered && isSuspected(silentEpochs),
      guilty: guilt !== undefined, trust: trustIn(zone, station as StationId, epoch),
    };
  });
}

function incidentOf({ open }: ZoneAlertState, incident: Incident, timeOf: (epoch: number) => string):
ZoneIncidentStatus {
  const { first, newest } = incident;
  const { key } = newest;
  const told = open.get(threatOf(key));
  return {
    key, threat: threatOf(key), ...(told !== undefined && { incidentId: told.incidentId, summary: told.summary }),
    onset: told?.onset ?? timeOf(newest.onset), since: timeOf(first.epoch), stations: told?.stations ?? [],
    certificateEpoch: newest.epoch, leaseEnds: timeOf(leaseEnd(incident)),
  };
}

function trafficOf(
  { traffic }: ProtocolState, { sent, received, repeats }: MeshCounts, epochS: number,
): MeshTrafficStatus {
  const flow = ({ messages, bytes, messagesPerS, bytesPerS }: Flow): FlowStatus => ({
    messages, bytes, messagesPerEpoch: Math.round(messagesPerS * epochS * 10) / 10,
    bytesPerEpoch: Math.round(bytesPerS * epochS),
  });
  const blamed = [...traffic.senders].filter(([, { refused }]) => refused > 0)
    .sort(([, a], [, b]) => b.refused - a.refused).slice(0, MOST_SENDERS);
  return {
    sent: flow(sent), received: flow(received), repeats, refused: Object.fromEntries(traffic.refused),
    refusedFrom: blamed.map(([from, { refused }]) => ({ from, messages: refused })),
  };
}
