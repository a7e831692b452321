/**
 * Tries the way to a broker of the mesh, for `doctor`: name, TCP, TLS, and the far end's key. Nothing is said in MQTT:
 * the broker must not take this for the agent, whose session it would end.
 */
import type { HostPort } from "../config-schema.ts";
import { openTo } from "./mesh-dial.ts";
import type { Trust } from "./mesh-dial.ts";
import type { TlsIdentity } from "./tls-identity.ts";

export const WRONG_KEY = "another key";

/** Undefined when the broker is there and is who it is meant to be, else why not, as the system says it. */
export function probeBroker(
  address: HostPort, identity: TlsIdentity | undefined, trust: Trust, timeOutMs: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = openTo(address, identity, trust, (isMeant) => done(isMeant ? undefined : WRONG_KEY));
    // One timer over all of it: a peer that drips a byte now and then is late as well.
    const timer = setTimeout(() => done(`no connection within ${timeOutMs / 1000} s`), timeOutMs);
    const done = (why: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(why);
    };
    socket.on("error", (error) => done(error.message));
    socket.on("close", () => done("disconnected before it said who it is"));
  });
}
