/** Opens a connection to a broker, and knows whether the far end is the one that is meant. */
import { connect, isIP } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls, createSecureContext, TLSSocket } from "node:tls";
import type { HostPort } from "../config-schema.ts";
import { keyText } from "./broker-rules.ts";
import type { Login } from "./mqtt-session.ts";
import { rawKeyOf } from "./tls-identity.ts";
import type { TlsIdentity } from "./tls-identity.ts";

/**
 * How the far end is known: by the raw Ed25519 key in its certificate, by an authority (PEM text) and its name, or,
 * without TLS, by its address alone. `login`: who to say that one is.
 */
export type Trust = { readonly key: Uint8Array } | { readonly ca?: string; readonly login?: Login };

/**
 * TCP alone where there is neither a key nor an authority to know the far end by. `onOpen`: once TCP and TLS are done,
 * with whether it is who is meant. The caller listens for `error` and `close`, and destroys whom it does not want.
 */
export function openTo(
  { host, port }: HostPort, identity: TlsIdentity | undefined, trust: Trust, onOpen: (isMeant: boolean) => void,
): Socket {
  const pinned = "key" in trust;
  const ca = pinned ? [] : trust.ca;
  const socket = ca === undefined ? connect(port, host) : connectTls({
    host, port,
    secureContext: createSecureContext({ cert: identity?.cert, key: identity?.key, minVersion: "TLSv1.2", ca }),
    rejectUnauthorized: !pinned, ...(isIP(host) === 0 && { servername: host }),
  });
  return socket.once(ca === undefined ? "connect" : "secureConnect", () => onOpen(isMeant(socket, trust)));
}

function isMeant(socket: Socket, trust: Trust): boolean {
  if (!(socket instanceof TLSSocket)) return true;
  socket.disableRenegotiation();
  if (!("key" in trust)) return true; // TLS has asked the authority
  const shown = rawKeyOf(socket.getPeerX509Certificate());
  return shown !== undefined && keyText(shown) === keyText(trust.key);
}
