/**
 * Hosts of the rig: network namespaces, each with an address of its own, on a bridge in one more namespace that is cut
 * off from this machine's network. Needs root and Debian's iproute2; without them there are loopback addresses instead.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { hasTool } from "../../build/package/tools.ts";

export interface Host {
  readonly address: string;
  /** Its namespace, and the interface that leads to it in the hub; absent on loopback. */
  readonly namespace?: { readonly name: string; readonly link: string };
}

export interface Hosts {
  readonly hub: Host;
  readonly byName: Readonly<Record<string, Host>>;
  /** Why there are no namespaces; absent: there are. */
  readonly instead?: string;
}

const ip = (...words: readonly string[]): void =>
  void execFileSync("ip", words, { stdio: ["ignore", "ignore", "pipe"] });

/** Why no namespaces can be made here, on one line; undefined when they can. */
export function noNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces want root";
  if (spawnSync("ip", ["-V"], { stdio: "ignore" }).error !== undefined) return "no ip: apt-get install iproute2";
  const probe = `kw${process.pid}-probe`;
  const made = spawnSync("ip", ["netns", "add", probe], { encoding: "utf8" });
  if (made.status !== 0) return `ip netns add: ${made.stderr.trim().split("\n")[0]}`;
  spawnSync("ip", ["netns", "del", probe]);
  return undefined;
}

/** Makes one host for each name, and the hub. What was made before a failure is removed again. */
export function makeHosts(names: readonly string[]): Hosts {
  const why = noNamespaces();
  if (why !== undefined) return loopbackHosts(names, why);
  const hub = `kw${process.pid}-hub`;
  const byName: Record<string, Host> = {};
  try {
    ip("netns", "add", hub);
    ip("-n", hub, "link", "set", "lo", "up");
    ip("-n", hub, "link", "add", "br0", "type", "bridge");
    ip("-n", hub, "addr", "add", "10.77.0.1/16", "dev", "br0");
    ip("-n", hub, "link", "set", "br0", "up");
    names.forEach((name, i) => {
      const [namespace, link, address] = [`kw${process.pid}-${i + 1}`, `v${i + 1}`, `10.77.1.${i + 1}`];
      ip("netns", "add", namespace);
      ip("-n", namespace, "link", "add", "eth0", "type", "veth", "peer", "name", link, "netns", hub);
      ip("-n", namespace, "addr", "add", `${address}/16`, "dev", "eth0");
      for (const device of ["lo", "eth0"]) ip("-n", namespace, "link", "set", device, "up");
      ip("-n", hub, "link", "set", link, "master", "br0", "up");
      byName[name] = { address, namespace: { name: namespace, link } };
    });
  } catch (error) {
    removeHosts({ hub: { address: "", namespace: { name: hub, link: "" } }, byName });
    throw error;
  }
  return { hub: { address: "10.77.0.1", namespace: { name: hub, link: "br0" } }, byName };
}

function loopbackHosts(names: readonly string[], instead: string): Hosts {
  const byName = Object.fromEntries(names.map((name, i) => [name, { address: `127.0.1.${i + 1}` }]));
  return { hub: { address: "127.0.0.1" }, byName, instead };
}

/** Never throws. */
export function removeHosts({ hub, byName }: Pick<Hosts, "hub" | "byName">): void {
  for (const { namespace } of [...Object.values(byName), hub]) {
    if (namespace !== undefined) spawnSync("ip", ["netns", "del", namespace.name], { stdio: "ignore" });
  }
}

/** From inside the hub: what comes from the host is lost with this chance, in percent; undoes itself by the result. */
export function losePackets({ namespace }: Host, percent: number): (() => void) | string {
  if (namespace === undefined) return "no packets are lost on loopback";
  if (!hasTool("nft")) return "no nft: apt-get install nftables";
  // Before the bridge, where the link that a packet came by is still known.
  const rule = `table bridge kerbwatch { chain lose { type filter hook prerouting priority 0; `
    + `iifname "${namespace.link}" numgen random mod 100 < ${percent} drop; }; }`;
  const made = spawnSync("nft", [rule], { encoding: "utf8" });
  if (made.status !== 0) return `nft: ${made.stderr.trim().split("\n")[0]}`;
  return () => void spawnSync("nft", ["delete", "table", "bridge", "kerbwatch"]);
}
