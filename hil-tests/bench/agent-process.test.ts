import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { AgentProcess, endEveryProcess, runFile } from "./agent-process.ts";

const SAYS = "console.error('chargers connect to ws://x');";
const STAYS = `${SAYS} setInterval(() => {}, 1000);`;

async function withProcess(script: string, use: (agent: AgentProcess, log: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-process-"));
  const agent = new AgentProcess(["-e", script], join(folder, "log"));
  try {
    await use(agent, join(folder, "log"));
  } finally {
    await agent.killForGood();
    rmSync(folder, { recursive: true });
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}

test("killed, another takes its place; killed for good, none does", () => withProcess(STAYS, async (agent) => {
  await agent.start();
  const { pid } = agent;
  await agent.kill();
  assert.is(agent.starts, 2);
  assert.is.not(agent.pid, pid);
  assert.equal(agent.deaths, [], "that was asked for");
  await agent.killForGood();
  assert.is(agent.pid, undefined);
  assert.is(agent.starts, 2);
}));

test("one that ends by itself is counted and started again", () => withProcess(STAYS, async (agent) => {
  await agent.start();
  process.kill(agent.pid!, "SIGKILL");
  await until(() => agent.starts === 2);
  assert.equal(agent.deaths, ["SIGKILL, chargers connect to ws://x"]);
}));

test("one that never listens is told by its last words, and not started again", () =>
  withProcess("console.error('kerbwatch: port 1 is taken'); process.exitCode = 2;", async (agent) => {
    const why = await agent.start().then(() => "started", (error: Error) => error.message);
    assert.match(why, /ended with exit code 2: kerbwatch: port 1 is taken$/);
    assert.is(agent.starts, 1);
  }));

test("asked to stop, it tells its exit code", () =>
  withProcess(`process.on("SIGTERM", () => process.exit(7)); ${STAYS}`, async (agent, log) => {
    await agent.start();
    assert.is(await agent.stop(), 7);
    assert.equal(agent.deaths, []);
    assert.match(readFileSync(log, "utf8"), "chargers connect to");
  }));

test("nothing outlives the bench: what runs is ended, and an aborted command does not count as done", async () => {
  const abort = new AbortController();
  const script = ["-e", "setInterval(() => {}, 1000); console.error('up')"];
  // `node -e`: the script stands where a built file would.
  const ran = runFile(script[0]!, [script[1]!], { signal: abort.signal, onLine: () => abort.abort() });
  assert.is.not((await ran).code, 0);
  await withProcess(STAYS, async (agent) => {
    await agent.start();
    const { pid } = agent;
    const ended = agent.killForGood();
    await endEveryProcess();
    await ended;
    assert.throws(() => process.kill(pid!, 0), /ESRCH/);
  });
});
