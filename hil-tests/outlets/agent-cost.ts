/** What outlets and the page's viewers cost the agent, as processes side by side in one run. */
import { mkdirSync, writeFileSync } from "node:fs";
import { get, request } from "node:http";
import { join } from "node:path";
import { BOOT, connectThrough, type Ends, HOSTILE_ORDER, startCsms } from "../../edge-agent/agent.testing.ts";
import { askAgent } from "../../edge-agent/adapters/agent-client.ts";
import { AGENT_FILE, agentCommand, AgentProcess, runFile } from "../bench/agent-process.ts";
import { freePort } from "../bench/street-ports.ts";
import { cpuUsOf, residentMbOf } from "../forward/processes.ts";

export interface Cost {
  readonly seconds: number;
  readonly frames: number;
  /** Of a core, %. */
  readonly cpu: number;
  readonly residentMb: number;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** A call every so often at each agent: far more than a charger has to say. */
const CALL_EVERY_MS = 100;
/** As page.js asks. */
const VIEW_EVERY_MS = 3_000;

export interface Running {
  readonly pid: number;
  readonly port: number;
  readonly http: number;
  readonly stateDir: string;
  readonly ends: Ends;
  sent: number;
  /** The agent's own count, by outlet. */
  outlets(): Promise<readonly { readonly name: string; readonly sent: number }[]>;
  stop(): Promise<void>;
}

interface StatusSeen {
  readonly agent: { readonly pid: number };
  readonly outlets?: readonly { readonly name: string; readonly sent: number }[];
}

export async function startAgent(folder: string, alerts: Readonly<Record<string, unknown>>): Promise<Running> {
  mkdirSync(folder, { recursive: true });
  const csms = await startCsms();
  const [port, http] = [await freePort(), await freePort()];
  const [file, stateDir] = [join(folder, "kerbwatch.json"), join(folder, "state")];
  writeFileSync(file, JSON.stringify({
    station: "CP-001", listen: `ws://127.0.0.1:${port}`, csms: `ws://127.0.0.1:${csms.port}`, stateDir,
    http: `127.0.0.1:${http}`, alerts: { terminal: false, ...alerts },
  }));
  const agent = new AgentProcess(agentCommand(file), join(folder, "agent.log"));
  await agent.start();
  const status = async (): Promise<StatusSeen> => {
    const { out, err } = await runFile(AGENT_FILE, ["status", "--json", "--state", stateDir]);
    if (out === "") throw new Error(`no status: ${err.trim()}`);
    return JSON.parse(out) as StatusSeen;
  };
  const { agent: { pid } } = await status();
  const ends = await connectThrough(port, csms);
  await ends.station.call("BootNotification", BOOT);
  return { pid, port, http, stateDir, ends, sent: 0, outlets: async () => (await status()).outlets ?? [],
    async stop() {
      ends.station.socket.terminate();
      await agent.stop();
      await csms.close();
    } };
}

/** Something that is told: an order for firmware from a stranger. */
export const attack = ({ ends }: Running): void => {
  ends.csms.send(Buffer.from(JSON.stringify([2, "attack", "UpdateFirmware", HOSTILE_ORDER])));
};

async function calls(running: Running, until: number): Promise<void> {
  while (performance.now() < until) {
    await running.ends.station.call("Heartbeat", {});
    running.sent += 2;
    await sleep(CALL_EVERY_MS);
  }
}

/** All of them over the same seconds. `beside`: what else goes on meanwhile. */
export async function costs(
  all: readonly Running[], seconds: number, beside: (until: number) => Promise<unknown> = () => Promise.resolve(),
): Promise<Cost[]> {
  const before = all.map((one) => ({ us: cpuUsOf(one.pid) ?? NaN, sent: one.sent }));
  const from = performance.now();
  const until = from + seconds * 1_000;
  await Promise.all([...all.map((one) => calls(one, until)), beside(until)]);
  const tookS = (performance.now() - from) / 1_000;
  return all.map((one, index) => ({
    seconds: tookS, frames: one.sent - before[index]!.sent, residentMb: residentMbOf(one.pid) ?? NaN,
    cpu: (((cpuUsOf(one.pid) ?? NaN) - before[index]!.us) / (tookS * 1e6)) * 100,
  }));
}

/** Signs in as an auditor; the session's cookie. */
export async function enter({ stateDir, http }: Running): Promise<string> {
  const answered = await askAgent(stateDir, "/code", { role: "auditor", name: "viewer" }, 5_000);
  if (answered.kind !== "answer") throw new Error("the agent gives no code");
  const body = JSON.stringify({ code: answered.body["code"] });
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port: http, path: "/api/enter", method: "POST",
      headers: { "X-Kerbwatch": "page", "Content-Type": "application/json", "Content-Length": body.length } },
    (response) => {
      response.resume();
      const [cookie] = response.headers["set-cookie"] ?? [];
      if (response.statusCode === 200 && cookie !== undefined) resolve(cookie.split(";")[0]!);
      else reject(new Error(`the page answered ${response.statusCode}`));
    });
    asked.on("error", reject).end(body);
  });
}

function view(port: number, cookie: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: "/api/state", headers: { Cookie: cookie } }, (response) => {
      let bytes = 0;
      response.on("data", (part: Buffer) => void (bytes += part.length));
      response.on("end", () => (response.statusCode === 200 ? resolve(bytes)
        : reject(new Error(`the page answered ${response.statusCode}`))));
    }).on("error", reject);
  });
}

/** So many open pages; gives how often they asked, and how much they were told, in bytes. */
export async function viewers(
  { http }: Running, cookie: string, count: number, until: number,
): Promise<{ readonly asked: number; readonly bytes: number }> {
  const seen = { asked: 0, bytes: 0 };
  await Promise.all(Array.from({ length: count }, async (_, n) => {
    await sleep((n * VIEW_EVERY_MS) / count);
    while (performance.now() < until) {
      seen.bytes += await view(http, cookie);
      seen.asked += 1;
      await sleep(Math.min(VIEW_EVERY_MS, Math.max(0, until - performance.now())));
    }
  }));
  return seen;
}
