/** What one operation of the mesh costs: signatures by both engines, a handshake, a hop, a chain, a fan-out. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, systemTimers } from "../../edge-agent/adapters/clock.ts";
import { nativeCrypto, signerFromSeed, tweetnaclCrypto, tweetnaclSigner } from "../../edge-agent/adapters/crypto.ts";
import { createMesh, type Mesh, type MeshOptions } from "../../edge-agent/adapters/mesh.ts";
import {
  bytesOf, HOST, identityOf, memberOf, NETWORK, RawClient, steadyRandom, topicOf, until,
} from "../../edge-agent/adapters/mesh.testing.ts";
import { freePort, MOSQUITTO, Mosquitto, RUN_AS_ROOT } from "../../edge-agent/adapters/mosquitto.testing.ts";
import { signAs, verifyAs } from "../../gossip/domain.ts";
import { SITE_AUTHOR } from "../../gossip/traffic.ts";

export interface Effort {
  readonly signatures: number;
  readonly handshakes: number;
  readonly messages: number;
}

export interface Cost {
  readonly what: string;
  readonly medianUs: number;
  readonly p95Us: number;
  /** Over the row that it is compared with. */
  readonly over?: { readonly what: string; readonly ratio: number };
}

function costOf(what: string, us: readonly number[], against?: Cost): Cost {
  const sorted = [...us].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  const medianUs = at(0.5);
  return { what, medianUs, p95Us: at(0.95),
    ...(against && { over: { what: against.what, ratio: medianUs / against.medianUs } }) };
}

const timed = (run: () => void): number => {
  const began = performance.now();
  run();
  return 1_000 * (performance.now() - began);
};
async function timedAsync(run: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await run();
  return 1_000 * (performance.now() - began);
}

/** A statement's length. */
const STATEMENT = new Uint8Array(380).fill(5);

export function signatureCosts({ signatures }: Effort): Cost[] {
  const seed = new Uint8Array(32).fill(3);
  const engines = [["native", signerFromSeed(seed), nativeCrypto()], ["tweetnacl", tweetnaclSigner(seed),
    tweetnaclCrypto()]] as const;
  const costs: Cost[] = [];
  for (const [name, signer, crypto] of engines) {
    const signature = signAs("statement", STATEMENT, signer);
    // A hundred times as slow: fewer tell as much.
    const length = name === "tweetnacl" ? Math.ceil(signatures / 20) : signatures;
    const sign = Array.from({ length }, () => timed(() => void signAs("statement", STATEMENT, signer)));
    const verify = Array.from({ length }, () => timed(() => {
      if (!verifyAs("statement", STATEMENT, signature, signer.publicKey, crypto)) throw new Error("not verified");
    }));
    costs.push(costOf(`sign a statement, ${name}`, sign, costs.find(({ what }) => what.startsWith("sign"))),
      costOf(`verify a statement, ${name}`, verify, costs.find(({ what }) => what.startsWith("verify"))));
  }
  return costs;
}

type Heard = (topic: string, bytes: Uint8Array, from: string) => void;

function meshOf(station: string, names: readonly string[], heard: Heard, more: Partial<MeshOptions> = {}): Mesh {
  const members = names.map((name) => memberOf(name));
  return createMesh({
    identity: identityOf(station), network: NETWORK, zones: ["z1"], members: () => members, clock: systemClock,
    timers: systemTimers, random: steadyRandom, brokerLimits: { acceptPerS: 1e6, acceptBurst: 1e6, packetsPerS: 1e6,
      packetBurst: 1e6 }, clientLimits: { packetsPerS: 1e6, packetBurst: 1e6 }, ...more,
  }, heard, () => undefined);
}

/** Mutual TLS, CONNECT and CONNACK: what a neighbour's connection costs both ends in one process. */
export async function handshakeCost({ handshakes }: Effort): Promise<Cost> {
  const mesh = meshOf("A", ["A", "B"], () => undefined, { listen: { host: HOST, port: 0 } });
  await mesh.start();
  try {
    const us: number[] = [];
    for (let n = 0; n < handshakes; n++) {
      let client: RawClient | undefined;
      us.push(await timedAsync(async () => void (client = await RawClient.connect(mesh.stats().port!, "B"))));
      await client!.end();
    }
    return costOf("connect over mutual TLS, both ends", us);
  } finally {
    await mesh.stop();
  }
}

/** Agents in a line; each passes on what it hears, as the protocol does, without looking at it. */
export async function chainCosts({ messages }: Effort): Promise<Cost[]> {
  const names = ["A", "B", "C", "D", "E", "F", "G"];
  const arrivals: ((at: number) => void)[] = [];
  const meshes: Mesh[] = [];
  const wanted = new Map<string, number>();
  names.forEach((name, place) => {
    meshes.push(meshOf(name, names, (topic, bytes, from) => {
      const text = `${place} ${Buffer.from(bytes).toString("latin1", 0, 12)}`;
      if (wanted.has(text)) return; // over both links
      wanted.set(text, 1);
      meshes[place]!.publish(topic, bytes, new Set([from]));
      arrivals[place]?.(performance.now());
    }, { listen: { host: HOST, port: 0 } }));
  });
  for (const mesh of meshes) await mesh.start();
  try {
    names.forEach((_, i) => meshes[i]!.setNeighbours([i - 1, i + 1].flatMap((other) => (names[other] === undefined ? []
      : [{ ...memberOf(names[other]), address: `${HOST}:${meshes[other]!.stats().port}` }]))));
    await until(() => meshes.every((mesh) => mesh.stats().links.every(({ up }) => up)), "the chain is up");
    const hops: number[][] = [[], []];
    for (let n = 0; n < messages; n++) {
      const began = performance.now();
      const [first, last] = [1, names.length - 1].map((place) => new Promise<number>((resolve) => {
        arrivals[place] = (at) => resolve(1_000 * (at - began));
      }));
      meshes[0]!.publish(topicOf("A"), bytesOf(`${String(n).padStart(12, "0")}${"x".repeat(368)}`));
      hops[0]!.push(await first!);
      hops[1]!.push(await last!);
      wanted.clear();
      await new Promise((resolve) => setTimeout(resolve, 2)); // the copies over the second links
    }
    const one = costOf("one hop between two agents, 380 B", hops[0]!);
    return [one, costOf("a chain of seven agents, end to end", hops[1]!, one)];
  } finally {
    await Promise.all(meshes.map((mesh) => mesh.stop()));
  }
}

const SUBSCRIBERS = ["B", "C", "D", "E", "F", "G", "H", "I"];

/** Until eight have it: this agent's own broker, and Mosquitto as a site's broker, each over mutual TLS. */
export async function fanOutCosts(effort: Effort): Promise<Cost[]> {
  const own = (against?: Cost): Promise<Cost> =>
    fanOut(effort, "embedded broker, to eight over mutual TLS", undefined, against);
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-mesh-"));
  try {
    const site = MOSQUITTO === undefined ? undefined : await mosquittoIn(folder);
    if (site === undefined) return [await own()];
    try {
      const theirs = await fanOut(effort, "Mosquitto, to eight over mutual TLS", site);
      return [theirs, await own(theirs)];
    } finally {
      await site.broker.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Site {
  readonly broker: Mosquitto;
  readonly host: string;
  readonly port: number;
  readonly ca: string;
}

async function mosquittoIn(folder: string): Promise<Site> {
  const [conf, members] = [join(folder, "mosquitto.conf"), join(folder, "members.pem")];
  const port = await freePort();
  const [cert, key] = [join(folder, "site.pem"), join(folder, "site.key")];
  const made = spawnSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
    "-keyout", key, "-out", cert, "-days", "3650", "-subj", "/CN=site", "-addext", `subjectAltName=IP:${HOST}`],
  { encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
  writeFileSync(members, ["A", ...SUBSCRIBERS].map((name) => identityOf(name).cert).join(""));
  writeFileSync(conf, [`listener ${port} ${HOST}`, "allow_anonymous false", "log_dest stderr", "log_type all",
    `certfile ${cert}`, `keyfile ${key}`, `cafile ${members}`, "require_certificate true", "set_tcp_nodelay true",
    "use_identity_as_username true", ...RUN_AS_ROOT, ""].join("\n"));
  return { broker: await Mosquitto.start(conf), host: HOST, port, ca: readFileSync(cert, "utf8") };
}

async function fanOut({ messages }: Effort, what: string, site?: Site, against?: Cost): Promise<Cost> {
  const names = ["A", ...SUBSCRIBERS];
  let [heard, done]: [number, () => void] = [0, () => undefined];
  const count = (): void => {
    heard += 1;
    if (heard === SUBSCRIBERS.length) done();
  };
  const brokers = site === undefined ? {} : { brokers: [site] };
  const own = site === undefined ? { listen: { host: HOST, port: 0 } } : brokers;
  const source = meshOf("A", names, () => undefined, own);
  const others = SUBSCRIBERS.map((name) => meshOf(name, names, count, brokers));
  const all = [source, ...others];
  for (const mesh of all) await mesh.start();
  try {
    if (site === undefined) {
      const address = `${HOST}:${source.stats().port}`;
      for (const mesh of others) mesh.setNeighbours([{ ...memberOf("A"), address }]);
    }
    const links = (mesh: Mesh): boolean => mesh.stats().links.every(({ up }) => up);
    await until(() => all.every(links), "all are connected");
    const us: number[] = [];
    // One author's allowance at a site; the same number for both.
    const most = Math.min(messages, SITE_AUTHOR.burst - 8);
    for (let n = 0; n < most; n++) {
      heard = 0;
      us.push(await timedAsync(() => new Promise<void>((resolve) => {
        done = resolve;
        source.publish(topicOf("A"), bytesOf(`${n} ${"x".repeat(374)}`));
      })));
    }
    return costOf(what, us, against);
  } finally {
    await Promise.all(all.map((mesh) => mesh.stop()));
  }
}
