/** Releases on the board: fetched from a URL, tried, kept, gone back from, and a broken one that is taken back. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import type { Pointer } from "../../edge-agent/update/pointer.ts";
import { type Check, outcomeOf, type Outcome } from "../bench/acts/act.ts";
import { AGENT_FILE, runFile } from "../bench/agent-process.ts";
import { demand } from "../bench/street-learning.ts";
import { type Bench, CONFIG } from "./board-bench.ts";
import { OUTSIDE } from "./private-net.ts";

const RELEASE = "kerbwatch.release";
const PROGRAM = "kerbwatch.cjs";
/** A release is kept after a minute, and looked at every ten seconds; on a busy machine much later. */
const KEPT_WITHIN_S = 400;

/** A release of `program`, signed, in a folder of its own. */
async function makeRelease(folder: string, sequence: number, program: string, key: string): Promise<string> {
  const at = join(folder, `release-${sequence}`);
  mkdirSync(at);
  writeFileSync(join(at, PROGRAM), program);
  const release = join(at, RELEASE);
  for (const words of [
    ["create", "--files", join(at, PROGRAM), "--sequence", `${sequence}`, "--name", `bench-${sequence}`,
      "--out", release],
    ["sign", release, "--key", key],
  ]) demand(`kerbwatch update ${words[0]}`, await runFile(AGENT_FILE, ["update", ...words]));
  return at;
}

/** A web server of the outside, for the folders of releases by their names. */
async function serve(folder: string): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer(({ url = "" }, response) => {
    const [, release = "", name = ""] = url.split("/");
    try {
      response.end(readFileSync(join(folder, basename(release), basename(name))));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://${OUTSIDE}:${(server.address() as AddressInfo).port}` };
}

async function pointer(bench: Bench): Promise<Pointer | undefined> {
  const { out } = await bench.asAgent(`kerbwatch update status --json --config ${CONFIG}`);
  const line = out.split("\n").find((one) => one.startsWith("{"));
  return line === undefined ? undefined : JSON.parse(line) as Pointer;
}

async function install(bench: Bench, url: string, sequence: number): Promise<Check> {
  const { code, out } = await bench.asAgent(
    `kerbwatch update install ${url}/release-${sequence}/${RELEASE} --config ${CONFIG}`);
  const last = out.trim().split("\n").at(-1) ?? "";
  return { saw: code === 0 ? `release ${sequence} installed` : `release ${sequence}: ${last}`, ok: code === 0 };
}

/** Whether the release on trial is kept, with a charger whose frames pass. */
async function isKept(bench: Bench, sequence: number): Promise<boolean> {
  const station = await bench.charger();
  for (const endMs = performance.now() + 1000 * KEPT_WITHIN_S; performance.now() < endMs;) {
    await station.heartbeat();
    const { active, trial } = await pointer(bench) ?? {};
    if (active?.sequence === sequence && trial === undefined) return true;
    await new Promise((resolve) => setTimeout(resolve, 5_000));
  }
  return false;
}

export async function playUpdate(bench: Bench, folder: string): Promise<Outcome> {
  const { key } = bench.options.streets.street;
  const good = readFileSync(AGENT_FILE, "utf8");
  await makeRelease(folder, 1, `${good}\n// the bench's first release\n`, key);
  await makeRelease(folder, 2, "throw new Error('a broken release');\n", key);
  const { server, url } = await serve(folder);
  try {
    if (bench.machine === undefined) await bench.power();
    const installed = await install(bench, url, 1);
    await bench.power(); // the power goes the moment that the command has said so
    const onTrial = (await pointer(bench))?.trial?.release.sequence === 1;
    const kept = await isKept(bench, 1);
    const broken = await install(bench, url, 2);
    await bench.restart();
    await bench.charger();
    const after = await pointer(bench);
    const takenBack = after?.trial === undefined && after?.active?.sequence === 1;
    await bench.asAgent(`kerbwatch update rollback --config ${CONFIG}`);
    await bench.restart();
    const back = await pointer(bench);
    return outcomeOf([
      installed, { saw: onTrial ? "on trial after a power cut" : "not on trial after a power cut", ok: onTrial },
      { saw: kept ? "kept when frames passed" : "not kept", ok: kept },
      broken, { saw: `the broken one ${takenBack ? "taken back by itself" : "not taken back"}`, ok: takenBack },
      { saw: back?.active === undefined ? "rolled back" : "not rolled back",
        ok: back !== undefined && back.active === undefined },
    ]);
  } finally {
    server.close();
  }
}
