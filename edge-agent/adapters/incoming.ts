/**
 * Connections of chargers on a socket that outlives the agent: systemd's (sd_listen_fds(3)), or one whose connections a
 * supervisor accepts and hands over. Chargers then wait for an agent that starts again, and are not refused.
 */
import { isIP } from "node:net";
import type { Socket } from "node:net";
import type { Address } from "../config-schema.ts";
import { endpointOf } from "./endpoint.ts";

export type Incoming =
  /** Listened on already. */
  | { readonly kind: "socket"; readonly fd: number }
  /** Accepted by somebody else on this address. */
  | { readonly kind: "accepted"; readonly host: string; readonly port: number;
      readonly onSocket: (take: (socket: Socket) => void) => void };

/** sd_listen_fds(3): SD_LISTEN_FDS_START. */
const FIRST_FD = 3;
/** `FileDescriptorName=` of the socket unit. */
export const SOCKET_NAME = "charger";

type Environment = Record<string, string | undefined>;

/**
 * The listening socket that this process was started with; undefined without one. Takes the variables out of `env`: no
 * child is to believe that it was meant.
 * @throws Error of one line when several sockets came and none is for chargers
 */
export function inheritedSocket(env: Environment, pid: number): number | undefined {
  const { LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES = "" } = env;
  for (const name of ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"]) delete env[name];
  const count = Number(LISTEN_FDS ?? 0);
  if (Number(LISTEN_PID) !== pid || !(count >= 1)) return undefined;
  if (count === 1) return FIRST_FD;
  const at = LISTEN_FDNAMES.split(":").indexOf(SOCKET_NAME);
  if (at >= 0 && at < count) return FIRST_FD + at;
  throw new Error(`listen: found ${count} sockets (LISTEN_FDS) of which none is named ${SOCKET_NAME}; allowed: one ` +
    `socket, or FileDescriptorName=${SOCKET_NAME} in the unit of the one for chargers`);
}

/** Where a socket that was handed over listens, and how that differs from the configuration's `listen`. */
export function heldAddress(
  listen: Address, held: { readonly host: string; readonly port: number },
): { readonly address: string; readonly differs?: string } {
  const said = endpointOf(listen).text;
  const address = endpointOf({ ...listen, ...held }).text;
  const samePort = listen.port === 0 || listen.port === held.port;
  const sameHost = isIP(listen.host) === 0 || listen.host === held.host;
  if (samePort && sameHost) return { address };
  return { address, differs: `listen: the socket that was handed over is ${address}, the configuration says ${said}: ` +
    "chargers connect to the former; make the two agree (ListenStream= of the socket unit)" };
}
