/**
 * What Mosquitto (2.0) reads to serve the members of a roster and nobody else. Each speaks on its own topics alone: so
 * an author's allowance at a site (gossip/SPEC.md, section 3) is used up by nobody but the author. Pure.
 */
import { type Kind, MOST_BYTES, topicText } from "../gossip/message.ts";
import type { Roster } from "../gossip/roster.ts";

/** Beside each member's connection and an old one that is not known to be dead: those that are no member's (yet). */
const OTHER_CONNECTIONS = 64;
/** What waits for a member that reads slowly: some epochs' starts of the largest zone. */
const MOST_QUEUED = 2_000;
const ANY = "+";

export interface MosquittoPlan {
  readonly roster: Roster;
  /** Of the roster, in hexadecimal digits. */
  readonly hash: string;
  /** Host absent: every address of the machine. */
  readonly listen: { readonly host?: string; readonly port: number };
  /** The folder of these files on the broker's machine. */
  readonly folder: string;
  /** The largest MQTT packet that agents take. */
  readonly mostPacketBytes: number;
}

const head = ({ roster, hash }: MosquittoPlan): string =>
  `# Version ${roster.version} of ${roster.network}, roster ${hash}.\n`
  + "# Made by `kerbwatch roster mosquitto`; make it again for the next version, and restart Mosquitto.\n";

export function mosquittoConf(plan: MosquittoPlan): string {
  const { roster: { members }, listen: { host, port }, folder, mostPacketBytes } = plan;
  return `${head(plan)}${[
    `listener ${port}${host === undefined ? "" : ` ${host}`}`,
    `max_connections ${2 * members.length + OTHER_CONNECTIONS}`,
    "# Who is who: the name in a certificate of members.pem is the user, and the client id.",
    `certfile ${folder}/broker.crt`, `keyfile ${folder}/broker.key`, `cafile ${folder}/members.pem`,
    "tls_version tlsv1.2", "require_certificate true", "use_identity_as_username true", "use_username_as_clientid true",
    "allow_anonymous false", `acl_file ${folder}/acl`,
    "# Nothing is kept, and nothing grows.",
    "persistence false", "persistent_client_expiration 1h", "retain_available false", "max_qos 1",
    `message_size_limit ${Math.max(...Object.values(MOST_BYTES))}`, `max_packet_size ${mostPacketBytes}`,
    "max_inflight_messages 20", `max_queued_messages ${MOST_QUEUED}`, `max_queued_bytes ${MOST_QUEUED * 1_024}`,
    "set_tcp_nodelay true", "sys_interval 0",
    "log_dest stderr", "log_type error", "log_type warning", "log_type notice",
  ].join("\n")}\n`;
}

/** Each reads its zone and what quorums of others say, and writes in its own name. */
export function mosquittoAcl(plan: MosquittoPlan): string {
  const { network, members } = plan.roster;
  return head(plan) + members.map(({ station, zone }) => {
    const topics = (author: string): string => topicText({ network, zone, kind: ANY as Kind, station: author });
    const summaries = topicText({ network, zone: ANY, kind: "summary", station: ANY });
    return `\nuser ${station}\ntopic read ${topics(ANY)}\ntopic read ${summaries}\ntopic write ${topics(station)}\n`;
  }).join("");
}
