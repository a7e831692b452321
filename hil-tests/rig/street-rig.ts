/**
 * Plays a scenario of the street on hosts of their own. Runs inside the hub's namespace (rig.ts starts it there), with
 * CSMS, meters, chargers and relays; agents are processes in their hosts' namespaces, of this machine's kind or of ARM.
 */
import { readFileSync } from "node:fs";
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { runtimeOf } from "../../build/package/runtime.ts";
import { type Arch, NODE_FLAGS, PLATFORMS } from "../../targets/nodes.ts";
import { AGENT_FILE } from "../bench/agent-process.ts";
import type { Ground, Place } from "../bench/street-ground.ts";
import { Street } from "../bench/street.ts";
import type { Hosts } from "./hosts.ts";
import { playPartition } from "./partition.ts";
import { Recorder } from "./recorder.ts";
import { parseScenario, type Scenario } from "./scenario.ts";
import { openStreet, playStreetAct, tellDeaths } from "./street-acts.ts";

/** What rig.ts hands over, as JSON in the environment. */
export interface Orders {
  readonly hosts: Hosts;
  readonly emulated: boolean;
  readonly quick: boolean;
  readonly keep: boolean;
  readonly acts?: readonly string[];
  readonly xml?: string;
  readonly json?: string;
}
export const ORDERS_VARIABLE = "KERBWATCH_RIG";

/** For a station: what runs Node there, and its arguments. */
async function nodes(scenario: Scenario, emulated: boolean): Promise<(station: string) => readonly string[]> {
  if (!emulated) return () => [process.execPath];
  const commands = new Map<Arch, readonly string[]>();
  for (const arch of ["arm64", "armhf"] as const) {
    const { node, sysroot } = await runtimeOf(arch, (line) => console.log(line));
    commands.set(arch, [PLATFORMS[arch].emulator, "-L", sysroot, node]);
  }
  return (station) => commands.get(scenario.armhf.includes(station) ? "armhf" : "arm64")!;
}

async function groundOf(scenario: Scenario, { hosts, emulated }: Orders): Promise<Ground> {
  const nodeOf = await nodes(scenario, emulated);
  const place = (station: string): Place => {
    const { address, namespace } = hosts.byName[station]!;
    const inside = namespace === undefined ? [] : ["ip", "netns", "exec", namespace.name];
    const [program = process.execPath, ...args] = [...inside, ...nodeOf(station), ...NODE_FLAGS, AGENT_FILE];
    return { host: address, command: (config) => [program, ...args, "run", "--config", config] };
  };
  const { epochS, pace } = emulated ? scenario.emulated : scenario.native;
  return { hub: hosts.hub.address, epochS, pace, place: (plot) => place(plot.station) };
}

interface Playing {
  readonly street: Street;
  readonly scenario: Scenario;
  readonly acts: readonly string[];
}

async function playAll(
  recorder: Recorder, { street, scenario, acts }: Playing, { hosts, emulated }: Orders,
): Promise<void> {
  await openStreet(recorder, street);
  const split = hosts.instead === undefined ? () => playPartition(street, hosts)
    : `no partition on loopback addresses: ${hosts.instead}`;
  for (const act of acts) if (!street.stop.aborted) await playStreetAct(recorder, street, act, split);
  if (emulated) await sayCosts(recorder, street, scenario);
  tellDeaths(recorder, street);
}

/** What agents of each processor took, so that whoever changes the scenario's pace knows how near it is to too much. */
async function sayCosts(recorder: Recorder, street: Street, scenario: Scenario): Promise<void> {
  const told = [...await street.statuses()].flatMap(([house, status]) => (status === undefined ? [] : [{
    arch: scenario.armhf.includes(house.id) ? "armhf" : "arm64", ...status.agent,
  }]));
  for (const arch of new Set(told.map((one) => one.arch))) {
    const own = told.filter((one) => one.arch === arch);
    const share = own.reduce((sum, { cpuS = 0, uptimeS }) => sum + cpuS / Math.max(1, uptimeS), 0) / own.length;
    recorder.say(`${own.length} agents on emulated ${arch}: each ${(100 * share).toFixed(0)} % of a core here`);
  }
}

async function main(orders: Orders): Promise<number> {
  const scenario = parseScenario(readFileSync(join(repoRoot, "hil-tests/rig/scenarios/street.yaml"), "utf8"));
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
  const recorder = new Recorder(`${scenario.name}${orders.emulated ? "-arm" : ""}`);
  if (orders.hosts.instead !== undefined) recorder.say(`agents on loopback addresses: ${orders.hosts.instead}`);
  const street = await Street.lay(stop.signal, await groundOf(scenario, orders));
  const stopped = new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve()));
  const acts = orders.acts ?? (orders.quick ? scenario.quick : scenario.acts);
  try {
    await Promise.race([playAll(recorder, { street, scenario, acts }, orders), stopped]);
  } finally {
    await street.close(orders.keep);
    if (orders.keep) console.log(`kept: ${street.folder}`);
  }
  const code = recorder.end(orders);
  return stop.signal.aborted ? 1 : code;
}

const given = process.env[ORDERS_VARIABLE];
delete process.env[ORDERS_VARIABLE];
if (given !== undefined) {
  const code = await main(JSON.parse(given) as Orders).catch((error: Error) => {
    console.error(`hil: ${error.message}`);
    return 1;
  });
  process.exit(code);
}
