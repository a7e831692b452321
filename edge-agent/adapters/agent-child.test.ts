import { readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { freshFolder, within } from "../agent.testing.ts";
import { AgentChild, type Ended } from "./agent-child.ts";

/** Says that it is up, and never reads what comes: as one that hangs, or that is killed before it turns again. */
const deaf = join(freshFolder(), "deaf.cjs");
writeFileSync(deaf, `require("fs").writeFileSync(process.argv[2], String(process.pid));
process.send("up");
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`);

/** Takes every connection and answers on it. */
const polite = join(freshFolder(), "polite.cjs");
writeFileSync(polite, `require("fs").writeFileSync(process.argv[2], String(process.pid));
process.on("message", (message, socket) => {
  process.send("taken");
  socket?.end("served");
});
process.send("up");`);

interface Stage {
  readonly child: AgentChild;
  readonly kill: () => void;
  readonly charger: Socket;
  /** The charger's connection, as the supervisor accepted it. */
  readonly accepted: Socket;
  readonly taken: Promise<void>;
  readonly ended: Promise<Ended>;
}

async function onStage(program: string, play: (stage: Stage) => Promise<void>): Promise<void> {
  const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  let [up, taken, ended]: [() => void, () => void, (how: Ended) => void] = [() => {}, () => {}, () => {}];
  const whenUp = new Promise<void>((done) => { up = done; });
  const whenTaken = new Promise<void>((done) => { taken = done; });
  const whenEnded = new Promise<Ended>((done) => { ended = done; });
  const pidFile = join(freshFolder(), "pid");
  const kill = (): boolean => process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
  const child = new AgentChild(program, [pidFile], { pid: process.pid, host: "127.0.0.1", port: 0, past: [] }, {
    up: () => up(), taken: () => taken(), ended: (how) => ended(how),
  });
  let hasEnded = false;
  void whenEnded.then(() => { hasEnded = true; });
  try {
    await within(whenUp, () => "the child is not up");
    const accepting = once(server, "connection") as Promise<[Socket]>;
    const charger = connect((server.address() as AddressInfo).port, "127.0.0.1").on("error", () => undefined);
    const [accepted] = await accepting;
    await play({ child, kill, charger, accepted, taken: whenTaken, ended: whenEnded });
    charger.destroy();
  } finally {
    if (!hasEnded) kill();
    await within(whenEnded, () => "the child has not ended");
    server.close();
  }
}

test("a connection on its way to an agent that is killed before it reads it is closed: its charger comes again", () =>
  onStage(deaf, async ({ child, kill, charger, accepted, ended }) => {
    child.give(accepted);
    assert.not.ok(child.isFree);
    const gone = once(charger.resume(), "close");
    kill();
    assert.is((await ended).how, "SIGKILL");
    await within(gone, () => "the charger is still connected to nobody");
  }));

test("a connection that was taken goes on without the supervisor's own descriptor", () =>
  onStage(polite, async ({ child, charger, accepted, taken }) => {
    child.give(accepted);
    await within(taken, () => "not taken");
    assert.ok(accepted.destroyed && child.isFree);
    const [data] = await within(once(charger, "data"), () => "nothing came") as [Buffer];
    assert.is(data.toString(), "served");
  }));
