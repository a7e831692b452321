/** The street of a status in plain words: what is wrong first. Pure. */
import { MOST_TRUST } from "../models/agree/trust.ts";
import { counted, plainText } from "./plain-text.ts";
import type { MeshLinkStatus, MeshStatus, MeshTrafficStatus, Status } from "./status.ts";
import { ago, bytesText, countsText, duration } from "./status-words.ts";

/** The whole list is in the JSON. */
const MOST_NAMES = 6;
/** Fewer refused messages than this are nothing to speak of. */
const MUCH_REFUSED = 20;

function names(all: readonly string[]): string {
  const more = all.length > MOST_NAMES ? ` and ${all.length - MOST_NAMES} more` : "";
  return all.slice(0, MOST_NAMES).map((one) => plainText(one, 120)).join(", ") + more;
}

/** What the zone says, for the top of the status; empty while it is quiet. */
export function zoneLines({ mesh, time }: Status): string[] {
  if (mesh === undefined) return [];
  const { incidents, provisional, members, n, quorum } = mesh;
  const when = (since: string): string => `since ${plainText(since, 30)} (${ago(since, time)})`;
  return [
    ...incidents.flatMap(({ threat, since, stations, summary, incidentId, leaseEnds }) => [
      `zone        CERTIFIED ${threat} ${when(since)}, ${stations.length} of ${n} affected`
        + (stations.length > 0 ? `: ${names(stations)}` : ""),
      `            ${plainText(summary ?? "what it rests on is still being fetched", 300)}`,
      ...(incidentId === undefined ? [] : [`            kerbwatch explain ${plainText(incidentId, 80).slice(0, 12)}; `
        + `stands until ${plainText(leaseEnds, 30)}, unless renewed`]),
    ]),
    ...members.filter(({ guilty }) => guilty)
      .map(({ station }) => `zone        ${plainText(station, 48)} CONTRADICTED ITSELF, which is proven`),
    ...provisional.map(({ threat, since }) =>
      `zone        provisional ${threat} ${when(since)}: no ${quorum} of ${n} say so yet`),
  ];
}

function linkLine(links: readonly MeshLinkStatus[], time: string): string {
  const down = links.filter(({ up }) => !up).map(({ to, address, since }) =>
    `${to} (${address}) for ${ago(since, time).replace(/ ago$/, "")}`);
  const up = `${links.length - down.length} of ${links.length} up`;
  return `links       ${down.length > 0 ? `DOWN: ${names(down)}; ` : ""}${up}`;
}

function brokerLine({ broker }: MeshStatus): string {
  if (broker === undefined) return "            no broker of its own";
  const refused = countsText(broker.refused);
  const where = broker.listen === undefined ? "does NOT listen" : `at ${plainText(broker.listen, 80)}`;
  return `            own broker ${where}, connected: ${broker.connected.length}`
    + (refused === "" ? "" : `; refused: ${refused}`);
}

/** Like silence, no accusation: whoever is guilty is told above. */
function trustLines({ members }: MeshStatus): string[] {
  const less = members.filter(({ guilty, trust }) => !guilty && trust < MOST_TRUST)
    .map(({ station, trust }) => `${station} for ${Math.floor((100 * trust) / MOST_TRUST)} %`);
  return less.length === 0 ? [] : [`trust       info: what contradicted its own meter counts less: ${names(less)}`];
}

/** Silence is information, never an accusation. */
function heardLine({ members, epochS, metered }: MeshStatus): string {
  if (metered?.self === true) return "heard       certificates alone: on a metered link";
  const silent = members.filter(({ suspected }) => suspected).map(({ station, silentEpochs, lastEpoch }) =>
    `${station} for ${lastEpoch === undefined ? "at least " : ""}${duration(silentEpochs * epochS)}`);
  return `heard       ${members.length - silent.length} of ${members.length} lately`
    + (silent.length > 0 ? `; info: not ${names(silent)}` : "");
}

function meteredLines({ metered }: MeshStatus): string[] {
  if (metered === undefined) return [];
  const { members, borne } = metered;
  return [`votes       ${members.length > borne ? "TOO FEW: " : ""}not of ${names(members)}, on metered links; `
    + `the zone bears ${borne} such`];
}

function trafficLines({ sent, received, refused, refusedFrom: [most] }: MeshTrafficStatus): string[] {
  const all = Object.entries(refused).reduce((sum, [why, count]) => sum + (why === "duplicate" ? 0 : count), 0);
  const stands = most !== undefined && most.messages >= Math.max(MUCH_REFUSED, all / 2);
  const why = countsText(refused);
  return [
    `messages    an epoch: ${sent.messagesPerEpoch} sent (${bytesText(sent.bytesPerEpoch)}), `
      + `${received.messagesPerEpoch} received (${bytesText(received.bytesPerEpoch)})`,
    ...(why === "" ? [] : [`            refused: ${why}`
      + (stands ? `; ${most.messages} of them from ${plainText(most.from, 80)}` : "")]),
  ];
}

/** The street itself; empty for a lone agent. */
export function meshLines({ mesh, time }: Status): string[] {
  if (mesh === undefined) return [];
  const { network, zone, rosterVersion, n, f, quorum, links, traffic } = mesh;
  return [
    `street      ${plainText(network, 48)}, zone ${plainText(zone, 48)}, roster ${rosterVersion}: `
      + `${counted(n, "member", "members")}, of which ${f} may lie or be broken; ${quorum} certify`,
    linkLine(links, time), brokerLine(mesh), heardLine(mesh), ...meteredLines(mesh), ...trustLines(mesh),
    ...trafficLines(traffic),
  ];
}
