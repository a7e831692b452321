/** Ports of 127.0.0.1 that stay free until the process that they are for listens on them. */
import { createServer } from "node:net";

/** Below those that systems give to outgoing connections, which would otherwise take one now and then. */
const FIRST = 20_000;
const LAST = 32_000;
const TRIES = 200;
const given = new Set<number>();

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
  });
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}

/** A port that is free now and that this process gives to nobody else. Rejects when there is none. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < TRIES; tried++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (given.has(port) || !await isFree(port)) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port among ${FIRST} to ${LAST} of 127.0.0.1`);
}
