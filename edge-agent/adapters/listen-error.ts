/** What to do when chargers cannot be listened to, on one line. */
import type { Address } from "../config-schema.ts";
import { endpointOf } from "./endpoint.ts";

const LISTEN_ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program has this port: end it, or choose another port",
  EACCES: "ports below 1024 need a privilege: choose a higher one, or grant CAP_NET_BIND_SERVICE",
  EADDRNOTAVAIL: "this machine has no such address: name one that it has, or 127.0.0.1",
  ENOTFOUND: "this name is unknown: name an address of this machine",
};

/** No agent and no relay can begin where this is thrown: it is no crash. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** `fd`: of the socket that was handed over, where there is one. */
export function listenError(listen: Address, error: NodeJS.ErrnoException, fd: number | undefined): ListenError {
  const code = error.code ?? error.message;
  return new ListenError(fd === undefined
    ? `listen: cannot listen on ${endpointOf(listen).text} (${code}); ${LISTEN_ADVICE[code] ?? "check the address"}`
    : `listen: found file descriptor ${fd} (LISTEN_FDS) that no charger can connect to (${code}); allowed: a TCP ` +
      "socket that listens, ListenStream= with a port in the socket unit");
}
