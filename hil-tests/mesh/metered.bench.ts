/**
 * `npm run bench metered [-- --minutes 30 --zone 20/3 --json FILE]`: what a link that is paid by the byte carries for
 * its agent's part in the mesh, by the kernel's own count: the shipped file as a process for each member, real TLS, a
 * site's Mosquitto, and one member, metered, alone in a network of its own behind one cable. At rest; its charger's own
 * traffic is not in it. IP and TCP are counted in, Ethernet's fourteen bytes a packet are not. `--neighbours`: without
 * a site's broker, over those of its neighbours. As root; needs unshare, nsenter, iproute2 and mosquitto.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { makeProgram, PROGRAMS } from "../../build/bundler.ts";
import { MissingTool, needTools, run } from "../../build/package/tools.ts";
import { repoRoot } from "../../build/paths.ts";
import { wholeOption } from "../../build/whole-option.ts";
import { MOSQUITTO } from "../../edge-agent/adapters/mosquitto.testing.ts";
import type { StationId } from "../../models/units.ts";
import { agentCommand, AgentProcess } from "../bench/agent-process.ts";
import { configure, housesOf } from "../bench/four-houses.testing.ts";
import { enrol } from "../bench/site.testing.ts";
import { meteredCost } from "./metered.ts";

const EPOCH_S = 10;
const [CABLE, FAR_END] = ["kerbwatch0", "kerbwatch1"];
const [HERE, THERE] = ["10.77.0.1", "10.77.0.2"];
const ETHERNET_BYTES = 14;
const MONTH_S = 30 * 86_400;
/** Until all are connected and witnesses have answered. */
const SETTLED_MS = 4 * 60_000;
/** Where nobody listens: chargers and their CSMS are no part of this. */
const NO_CSMS = "ws://127.0.0.1:9";

interface Carried {
  readonly sent: number;
  readonly heard: number;
}

/** A network with nothing in it but one end of a cable; ends with its holder, which reads until this process ends. */
class Far {
  readonly holder: ChildProcess = spawn("unshare", ["-n", "cat"], { stdio: ["pipe", "ignore", "ignore"] });

  get prefix(): string[] {
    return [`--target=${this.holder.pid}`, "--net"];
  }

  /** Settles when the two ends reach one another. */
  async connect(): Promise<void> {
    const netOf = (pid: number | string): Promise<string> => run("readlink", [`/proc/${pid}/ns/net`]);
    while (await netOf(this.holder.pid!) === await netOf("self")) await pause(20);
    const inside = (...args: string[]): Promise<string> => run("nsenter", [...this.prefix, "ip", ...args]);
    await run("ip", ["link", "add", CABLE, "type", "veth", "peer", "name", FAR_END, "netns", `${this.holder.pid}`]);
    await run("ip", ["addr", "add", `${HERE}/24`, "dev", CABLE]);
    await run("ip", ["link", "set", CABLE, "up"]);
    await inside("link", "set", "lo", "up");
    await inside("addr", "add", `${THERE}/24`, "dev", FAR_END);
    await inside("link", "set", FAR_END, "up");
  }

  /** Bytes from there and to there, as IP packets. */
  carried(): Carried {
    const count = (name: string): number =>
      Number(readFileSync(`/sys/class/net/${CABLE}/statistics/${name}`, "utf8"));
    return {
      sent: count("rx_bytes") - ETHERNET_BYTES * count("rx_packets"),
      heard: count("tx_bytes") - ETHERNET_BYTES * count("tx_packets"),
    };
  }

  end(): void {
    // The cable goes with the network that holds its other end.
    this.holder.kill("SIGKILL");
  }
}

interface Street {
  /** By configuration, the metered member's last. */
  readonly configs: readonly string[];
  end(): Promise<void>;
}

/** All but the last have a broker of their own, and no other is used. */
async function amongNeighbours(n: number, f: number): Promise<Street> {
  const street = await housesOf(n, f, EPOCH_S, HERE, 1);
  const configs = street.houses.map((house) => configure(house, NO_CSMS, EPOCH_S));
  const metered = configs.at(-1)!;
  const config = JSON.parse(readFileSync(metered, "utf8")) as Record<string, unknown>;
  writeFileSync(metered, JSON.stringify({ ...config, mesh: { roster: "../roster.kw", metered: true } }));
  return { configs, end: () => Promise.resolve(street.remove()) };
}

async function overSite(n: number, f: number): Promise<Street> {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-site-"));
  const stations = Array.from({ length: n }, (_, i) => `CP-${String(i + 1).padStart(2, "0")}` as StationId);
  const site = await enrol(folder, stations, {}, { host: HERE, f, epochS: EPOCH_S });
  const mosquitto = await site.start();
  const configs = stations.map((station, i) => {
    const path = join(folder, station, "kerbwatch.json");
    writeFileSync(path, JSON.stringify({
      station, listen: "ws://127.0.0.1:0", csms: NO_CSMS, stateDir: ".", epochS: EPOCH_S,
      operators: { threshold: 1, keys: [site.operator] },
      mesh: { roster: "../roster.kw", ca: "../site/broker.crt", brokers: [`mqtts://${HERE}:${site.port}`],
        ...(i === n - 1 && { metered: true }) },
    }));
    return path;
  });
  return { configs, end: async () => {
    await mosquitto.stop();
    rmSync(folder, { recursive: true, force: true });
  } };
}

async function measure(far: Far, { configs }: Street, minutes: number): Promise<Carried & { seconds: number }> {
  const agents: AgentProcess[] = [];
  try {
    for (const [index, path] of configs.entries()) {
      const [command, log] = [agentCommand(path), join(dirname(path), "agent.log")];
      const agent = index === configs.length - 1
        ? new AgentProcess([...far.prefix, process.execPath, ...command], log, "nsenter")
        : new AgentProcess(command, log);
      await agent.start();
      agents.push(agent);
    }
    console.error(`${agents.length} agents run; at rest in ${SETTLED_MS / 60_000} minutes`);
    await pause(SETTLED_MS);
    const [before, from] = [far.carried(), performance.now()];
    const since = (): Carried => {
      const { sent, heard } = far.carried();
      return { sent: sent - before.sent, heard: heard - before.heard };
    };
    for (let minute = 1; minute <= minutes; minute++) {
      await pause(60_000);
      console.error(`${minute} of ${minutes} minutes: ${since().sent} B sent, ${since().heard} B heard`);
    }
    return { ...since(), seconds: (performance.now() - from) / 1_000 };
  } finally {
    await Promise.all(agents.map((agent) => agent.stop()));
  }
}

async function withFar<T>(use: (far: Far) => Promise<T>): Promise<T> {
  const far = new Far();
  try {
    await far.connect();
    return await use(far);
  } finally {
    far.end();
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: {
    minutes: { type: "string" }, zone: { type: "string", default: "20/3" }, json: { type: "string" },
    neighbours: { type: "boolean", default: false },
  } });
  const minutes = wholeOption("minutes", values.minutes, 30, 1);
  const [n, f] = values.zone.split("/").map(Number) as [number, number];
  if (!/^\d{1,2}\/\d{1,2}$/.test(values.zone) || n <= 3 * f || f < 1) {
    throw new TypeError(`--zone: found ${values.zone}; allowed: n/f, n above 3f, f from 1 on`);
  }
  needTools({ unshare: "util-linux", nsenter: "util-linux", ip: "iproute2",
    ...(!values.neighbours && { [MOSQUITTO ?? "mosquitto"]: "mosquitto" }) });
  if (!await makeProgram(repoRoot, PROGRAMS[0]!, () => undefined)) throw new Error("npm run build says why");
  const { sent, heard, seconds } = await withFar(async (far) => {
    const street = await (values.neighbours ? amongNeighbours(n, f) : overSite(n, f));
    try {
      return await measure(far, street, minutes);
    } finally {
      await street.end();
    }
  });
  const month = (sent + heard) / seconds * MONTH_S / 1e6;
  const reckoned = meteredCost(n, f);
  const [out, back] = [sent, heard].map((bytes) => (bytes / seconds * EPOCH_S).toFixed(0));
  const by = values.neighbours ? "its neighbours' brokers" : "a site's broker";
  console.log(`a metered member of ${n} (f ${f}) over ${by}, at rest ${(seconds / 60).toFixed(0)} minutes: ${out} B `
    + `sent and ${back} B heard an epoch of ${EPOCH_S} s on the wire, IP and TCP counted in: ${month.toFixed(0)} MB in `
    + `30 days; ${(month / reckoned.monthMb).toFixed(2)} of what messages and constants make over a site's broker `
    + `(${reckoned.monthMb.toFixed(0)} MB)`);
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ n, f, sent, heard, seconds, month, reckoned }, null, 2)}\n`);
  }
}

await main().catch((error: unknown) => {
  if (!(error instanceof MissingTool)) throw error;
  console.error(error.message);
  process.exitCode = 1;
});
