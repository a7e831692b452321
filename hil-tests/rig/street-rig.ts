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
import { ACT_WITHIN_S, type Outcome } from "../bench/acts/act.ts";
import { ACTS } from "../bench/acts/acts.ts";
import { AGENT_FILE } from "../bench/agent-process.ts";
import type { Ground, Place } from "../bench/street-ground.ts";
import { Street } from "../bench/street.ts";
import type { Hosts } from "./hosts.ts";
import { PARTITION, playPartition } from "./partition.ts";
import { Recorder } from "./recorder.ts";
import { parseScenario, type Scenario } from "./scenario.ts";

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

/** Plays one act of the street or of the rig. */
async function playAct(recorder: Recorder, street: Street, hosts: Hosts, id: string): Promise<void> {
  const act = ACTS.find((one) => one.id === id);
  const { name, told } = act ?? PARTITION;
  const withinS = ACT_WITHIN_S * street.ground.pace;
  const late = async (): Promise<Outcome> => {
    await street.seconds(withinS);
    return { observed: `not over after ${withinS} s`, asTold: false };
  };
  if (act === undefined && hosts.instead !== undefined) {
    return recorder.skip({ id, name, told }, `no partition on loopback addresses: ${hosts.instead}`);
  }
  await recorder.play({ id, name, told }, () =>
    Promise.race([act?.play(street, undefined) ?? playPartition(street, hosts), late()]));
}

interface Playing {
  readonly street: Street;
  readonly scenario: Scenario;
  readonly acts: readonly string[];
}

async function playAll(
  recorder: Recorder, { street, scenario, acts }: Playing, { hosts, emulated }: Orders,
): Promise<void> {
  let learnt = 0;
  await street.open({ note: (text) => recorder.say(text), learning: (share) => {
    if (share - learnt < 0.25) return;
    learnt = share;
    recorder.say(`learned ${Math.round(100 * share)} %`);
  } });
  for (const act of acts) if (!street.stop.aborted) await playAct(recorder, street, hosts, act);
  if (emulated) await sayCosts(recorder, street, scenario);
  const dead = street.deaths();
  recorder.add({ id: "agents", name: "no agent ends unasked", told: "none", tookS: 0,
    observed: dead.length === 0 ? "none" : dead.join(", "), state: dead.length === 0 ? "passed" : "failed" });
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
