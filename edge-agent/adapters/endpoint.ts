/** An address of the configuration as it is written on the wire and for people. */
import type { Address } from "../config-schema.ts";

export interface Endpoint extends Address {
  /** Scheme, host and port: for people. */
  readonly text: string;
  /** What stands in `Host` (RFC 9110, 7.2): the port only where it is not the scheme's own. */
  readonly authority: string;
}

export function endpointOf(address: Address): Endpoint {
  const { secure, host, port } = address;
  const name = host.includes(":") ? `[${host}]` : host;
  const authority = port === (secure ? 443 : 80) ? name : `${name}:${port}`;
  return { ...address, authority, text: `${secure ? "wss" : "ws"}://${name}:${port}` };
}
