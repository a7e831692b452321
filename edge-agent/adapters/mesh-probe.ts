/**
 * Tries the way to a broker of the mesh, for `doctor`: name, TCP, TLS, and the far end's key. Nothing is said in MQTT:
 * the broker must not take this for the agent, whose session it would end.
 */
import { connect, isIP } from "node:net";
import { connect as connectTls, createSecureContext, TLSSocket } from "node:tls";
import type { HostPort } from "../config-schema.ts";
import { keyText } from "./broker-rules.ts";
import type { Trust } from "./mesh-client.ts";
import { rawKeyOf } from "./tls-identity.ts";
import type { TlsIdentity } from "./tls-identity.ts";

export const WRONG_KEY = "another key";

/** Undefined when the broker is there and is who it is meant to be, else why not, as the system says it. */
export function probeBroker(
  { host, port }: HostPort, { cert, key }: TlsIdentity, trust: Trust, timeOutMs: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const pinned = "key" in trust;
    const ca = pinned ? [] : trust.ca;
    const socket = ca === undefined ? connect(port, host) : connectTls({
      host, port, secureContext: createSecureContext({ cert, key, minVersion: "TLSv1.2", ca }),
      rejectUnauthorized: !pinned, ...(isIP(host) === 0 && { servername: host }),
    });
    // One timer over all of it: a peer that drips a byte now and then is late as well.
    const timer = setTimeout(() => done(`no connection within ${timeOutMs / 1000} s`), timeOutMs);
    const done = (why: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(why);
    };
    socket.on("error", (error) => done(error.message));
    socket.on("close", () => done("disconnected before it said who it is"));
    socket.once(socket instanceof TLSSocket ? "secureConnect" : "connect", () => {
      const shown = socket instanceof TLSSocket ? rawKeyOf(socket.getPeerX509Certificate()) : undefined;
      done(!pinned || (shown !== undefined && keyText(shown) === keyText(trust.key)) ? undefined : WRONG_KEY);
    });
  });
}
