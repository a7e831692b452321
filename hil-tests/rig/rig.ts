/** `npm run hil street` and `street-arm`: makes the hosts, plays the street on them, and removes them again. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { needTools } from "../../build/package/tools.ts";
import { PLATFORMS } from "../../targets/nodes.ts";
import { PLOTS } from "../bench/street-plan.ts";
import { makeHosts, removeHosts } from "./hosts.ts";
import type { Orders } from "./street-rig.ts";

export interface RigOptions extends Omit<Orders, "hosts"> {}

/** Gives the exit code. @throws MissingTool when something that the rung needs is not here */
export async function playRig(options: RigOptions): Promise<number> {
  if (options.emulated) {
    needTools({ [PLATFORMS.arm64.emulator]: "qemu-user-static", [PLATFORMS.armhf.emulator]: "qemu-user-static" });
  }
  const hosts = makeHosts(PLOTS.map(({ station }) => station));
  const { xml, json } = options;
  const orders: Orders = {
    ...options, hosts,
    ...(xml !== undefined && { xml: resolve(xml) }), ...(json !== undefined && { json: resolve(json) }),
  };
  const { namespace } = hosts.hub;
  const inside = namespace === undefined ? [] : ["ip", "netns", "exec", namespace.name];
  const rig = ["build/run.mjs", "hil-tests/rig/street-rig.ts"].map((path) => join(repoRoot, path));
  const [program = process.execPath, ...args] = [...inside, process.execPath, ...rig];
  try {
    const env = { ...process.env, KERBWATCH_RIG: JSON.stringify(orders) };
    const child = spawn(program, args, { stdio: "inherit", cwd: repoRoot, env });
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
    const [code] = await once(child, "close") as [number | null];
    return code ?? 1;
  } finally {
    removeHosts(hosts);
  }
}
