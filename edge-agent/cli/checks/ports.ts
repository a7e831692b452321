/** Are the ports that the agent listens on free, or held by the agent itself? */
import { createServer, isIP } from "node:net";
import type { HostPort } from "../../config.ts";
import { hostPortText } from "../../config.ts";
import { parseAddress, parseHostPort } from "../../config-schema.ts";
import type { Status } from "../../status.ts";
import { failed, passed } from "./check.ts";
import type { Check } from "./check.ts";

/** Undefined when the port could be had (and was given back), else the system's error code. */
function tryListen({ host, port }: HostPort): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

const MENDS: Record<string, string> = {
  EADDRINUSE: "another program has it: end that one, or choose another port",
  EACCES: "ports below 1024 need a privilege: choose a higher one",
  EADDRNOTAVAIL: "no interface of this machine has that address",
  ENOTFOUND: "the host name is unknown here: use an address",
};

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));

export async function checkPort(name: string, at: HostPort, heldPort: number | undefined): Promise<Check> {
  const where = hostPortText(at);
  const code = await tryListen(at);
  if (code === undefined) return passed(name, `${where} is free`);
  if (code === "EADDRINUSE" && at.port === heldPort) return passed(name, `${where} is held by the running agent`);
  return failed(name, `${where} cannot be listened on (${code})`, MENDS[code] ?? "choose another address");
}

/** `running`: the status of the agent that runs on this state directory, if one does. */
export async function checkPorts(
  listen: HostPort, http: HostPort | undefined, running: Status | undefined,
): Promise<Check[]> {
  const heldListen = parseAddress(running?.agent.listen ?? "")?.port;
  const checks = [await checkPort("listen", listen, heldListen)];
  if (http === undefined) return checks;
  const heldHttp = parseHostPort(running?.agent.http ?? "")?.port;
  return [...checks, await checkPort("http", http, heldHttp)];
}
