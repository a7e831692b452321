/** The agent in process: another certificate of the CSMS, and a charger that is led around the agent. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, test } from "../build/testing.ts";
import { MINUTE_MS, type MonotonicMs, type WallMs } from "../models/units.ts";
import { loadConfig } from "./adapters/config-file.ts";
import { type AgentOutput, startAgent } from "./agent.ts";
import {
  BOOT, connectThrough, type Csms, type CsmsOptions, entriesOf, freshFolder, Heard, passes, selfSigned, startCsms,
  within, writeConfig,
} from "./agent.testing.ts";

const noticesIn = (folder: string): string[] => entriesOf(join(folder, "state"))
  .flatMap((entry) => (entry.kind === "notice" ? [entry.text] : []));

/** What a test that failed left running would keep the process alive. */
const running = new Set<{ stop(): Promise<void> } | { close(): Promise<void> }>();
function tidyTest(name: string, run: () => Promise<void>): void {
  test(name, () => run().finally(async () => {
    for (const one of running) await ("stop" in one ? one.stop() : one.close()).catch(() => undefined);
    running.clear();
  }));
}

async function begun(options: CsmsOptions = {}): Promise<Csms> {
  const csms = await startCsms(options);
  running.add(csms);
  return csms;
}

async function started(
  folder: string, csms: Csms, more: Record<string, unknown> = {}, output: Partial<AgentOutput> = {},
) {
  const notices = new Heard<string>();
  const file = writeConfig(folder, { csms: `ws://127.0.0.1:${csms.port}`, ...more });
  const agent = await startAgent(loadConfig(file, {}), {
    notice: (text) => notices.add(text), out: () => undefined, colour: false, env: {}, ...output,
  });
  running.add(agent);
  return { agent, notices };
}

function certificateTests(): void {
  tidyTest("another certificate of the CSMS is told and logged once, also over a restart", async () => {
    const folder = freshFolder();
    const pairs = [selfSigned("before"), selfSigned("now")];
    const ca = join(folder, "ca.pem");
    writeFileSync(ca, pairs.map(({ certFile }) => readFileSync(certFile, "utf8")).join(""));
    const told: string[][] = [];
    for (const pair of [pairs[0]!, pairs[0]!, pairs[1]!, pairs[1]!, pairs[0]!]) {
      const csms = await begun({ tls: pair });
      const { agent, notices } = await started(folder, csms,
        { csms: `wss://127.0.0.1:${csms.port}`, csmsTls: { ca } });
      await within(passes(await connectThrough(agent.listening.port, csms)), () => notices.all.join("\n"));
      await agent.stop();
      running.delete(agent);
      await csms.close();
      running.delete(csms);
      told.push(notices.all.filter((text) => text.includes("another certificate")));
    }
    assert.equal(told.map(({ length }) => length), [0, 0, 1, 0, 0], "one that it knows is nothing new");
    const [, before, now] = /\(SHA-256 ([0-9a-f]{64}), before ([0-9a-f]{64})\)/.exec(told[2]![0]!) ?? [];
    assert.ok(before !== undefined && now !== undefined && before !== now);
    assert.equal(noticesIn(folder).map((text) => told[2]![0]!.endsWith(text)), [true]);
  });
}

tidyTest("a charger led to another CSMS that leaves: status says so, over a restart, until it is back", async () => {
  const folder = freshFolder();
  const csms = await begun();
  let aheadMs = 0;
  const clock = {
    wallMs: () => (Date.now() + aheadMs) as WallMs, monoMs: () => (performance.now() + aheadMs) as MonotonicMs,
  };
  const first = await started(folder, csms, {}, { clock });
  const ends = await connectThrough(first.agent.listening.port, csms);
  await ends.station.call("BootNotification", BOOT);
  await ends.csms.call("ChangeConfiguration", { key: "CentralSystemURL", value: "wss://u:p@else.example:1/x" });
  aheadMs = 60 * MINUTE_MS;
  assert.is(first.agent.status().link.bypassed, undefined, "connected, though quiet");
  ends.station.socket.terminate();
  await ends.csms.gone();
  await first.agent.stop();
  running.delete(first.agent);
  const second = await started(folder, csms, {}, { clock });
  assert.is(second.agent.status().link.bypassed, undefined, "not for long enough");
  aheadMs += 6 * MINUTE_MS;
  const { bypassed, state } = second.agent.status().link;
  assert.is(state, "waiting");
  assert.equal({ order: bypassed?.order, host: bypassed?.host }, { order: "CentralSystemURL", host: "else.example" });
  assert.ok(Date.parse(bypassed!.since) > Date.parse(bypassed!.orderAt));
  await passes(await connectThrough(second.agent.listening.port, csms));
  aheadMs += 60 * MINUTE_MS;
  assert.is(second.agent.status().link.bypassed, undefined, "frames flow again");
});

if (spawnSync("openssl", ["version"]).status === 0) certificateTests();
else test.skip("certificates of the CSMS", "no openssl command");
