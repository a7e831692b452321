/**
 * A network of its own for the bench of one board: loopback alone, and on it the address by which the board reaches
 * this machine, so that a neighbour has the same address for the board and for its other neighbours. Needs util-linux's
 * unshare and iproute2; root, or a kernel that lets users make namespaces.
 */
import { spawnSync } from "node:child_process";

/** How a board in QEMU reaches this machine's loopback (QEMU's user network). */
export const OUTSIDE = "10.0.2.2";

export interface PrivateNet {
  /** What a command is put behind; empty: there is no such network. */
  readonly prefix: readonly string[];
  /** Why there is none; absent: there is. */
  readonly instead?: string;
}

const SET_UP = `ip link set lo up && ip addr add ${OUTSIDE}/32 dev lo && exec "$@"`;

export function privateNet(): PrivateNet {
  const flags = process.getuid?.() === 0 ? ["-n"] : ["-r", "-n"];
  const prefix = ["unshare", ...flags, "sh", "-c", SET_UP, "sh"];
  const [program, ...args] = prefix;
  const tried = spawnSync(program!, [...args, "true"], { encoding: "utf8" });
  if (tried.error !== undefined) return { prefix: [], instead: "no unshare: apt-get install util-linux" };
  if (tried.status === 0) return { prefix };
  return { prefix: [], instead: `no network of its own: ${tried.stderr.trim().split("\n")[0] ?? "unshare failed"}` };
}
