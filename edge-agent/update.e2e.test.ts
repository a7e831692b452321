/** The shipped file becomes a signed release, goes back from one that fails, and its log has each step. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROGRAMS, bundle } from "../build/bundler.ts";
import { repoRoot } from "../build/paths.ts";
import { assert, test } from "../build/testing.ts";
import {
  connectThrough, entriesOf, freshFolder, Heard, passes, startCsms, within, writeConfig,
} from "./agent.testing.ts";
import { ran } from "./cli/io.testing.ts";

const program = join(freshFolder(), "kerbwatch.cjs");
writeFileSync(program, (await bundle(repoRoot, PROGRAMS[0]!)).contents);

interface Board {
  readonly folder: string;
  readonly stateDir: string;
  readonly config: string;
}

async function boardFor(csmsPort: number): Promise<Board> {
  const folder = freshFolder();
  const made = await ran(["keygen", "--operator", join(folder, "alice.key"), "--json"]);
  const key = /operator\/[^"\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+/.exec(made.out)?.[0];
  const config = writeConfig(folder, {
    csms: `ws://127.0.0.1:${csmsPort}`, listen: "ws://127.0.0.1:0", operators: { threshold: 1, keys: [key] },
  });
  return { folder, config, stateDir: join(folder, "state") };
}

/** Signs and installs a release whose program is this text. */
async function install({ folder, config }: Board, sequence: number, text: Uint8Array | string): Promise<void> {
  writeFileSync(join(folder, "kerbwatch.cjs"), text);
  const release = join(folder, "it.release");
  for (const args of [
    ["create", "--files", join(folder, "kerbwatch.cjs"), "--sequence", String(sequence), "--name", "0.2.0",
      "--out", release],
    ["sign", release, "--key", join(folder, "alice.key")],
    ["install", release, "--config", config],
  ]) {
    const { code, err } = await ran(["update", ...args]);
    assert.is(code, 0, err);
  }
}

interface Run {
  readonly err: Heard<string>;
  /** Asks it to stop; its exit code. */
  stop(): Promise<number | string>;
  readonly ended: Promise<number | string>;
}

function run({ config }: Board, children: Set<() => void>): Run {
  const child = spawn(process.execPath, [program, "run", "--config", config], { stdio: ["ignore", "ignore", "pipe"] });
  children.add(() => child.kill("SIGKILL"));
  const err = new Heard<string>();
  child.stderr.setEncoding("utf8").on("data", (text: string) => text.split("\n").forEach((line) => err.add(line)));
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  return { err, ended, stop: () => {
    child.kill("SIGTERM");
    return ended;
  } };
}

async function onBoard(use: (board: Board, start: () => Run, csms: Awaited<ReturnType<typeof startCsms>>) =>
Promise<void>): Promise<void> {
  const csms = await startCsms();
  const children = new Set<() => void>();
  const board = await boardFor(csms.port);
  try {
    await within(use(board, () => run(board, children), csms), () => "");
  } finally {
    for (const kill of children) kill();
    await csms.close();
  }
}

const noticesOf = (stateDir: string): string[] =>
  entriesOf(stateDir).flatMap((entry) => (entry.kind === "notice" ? [entry.text] : []));

test("an installed release runs at the next start, frames pass through it, and the log has the steps", async () => {
  await onBoard(async (board, start, csms) => {
    await install(board, 1, Buffer.concat([readFileSync(program), Buffer.from("// of another day\n")]));
    const agent = start();
    await agent.err.next((line) => line.includes("release 1 (0.2.0) on trial takes over"));
    const line = await agent.err.next((text) => text.includes("chargers connect to"));
    const port = Number(/connect to ws:\/\/127\.0\.0\.1:(\d+),/.exec(line)?.[1]);
    await passes(await connectThrough(port, csms));
    assert.is(await agent.stop(), 0);
    const notices = noticesOf(board.stateDir).join("\n");
    assert.match(notices, /release 1 \(0\.2\.0, [0-9a-f]{16}\), signed by operator\/alice, installed for a trial/);
    assert.match(notices, /start 1 of at most 3 on trial/);
    assert.equal((JSON.parse((await ran(["update", "status", "--json", "--config", board.config])).out) as
      { steps: string[] }).steps, []);
  });
});

test("a release that ends at once is started three times; then the program given by hand runs", async () => {
  await onBoard(async (board, start) => {
    await install(board, 1, "process.exit(7);\n");
    for (let round = 0; round < 3; round++) assert.is(await start().ended, 7);
    const agent = start();
    await agent.err.next((line) => line.includes("chargers connect to"));
    assert.is(await agent.stop(), 0);
    assert.not.ok(agent.err.all.some((line) => line.includes("takes over")));
    assert.match(noticesOf(board.stateDir).join("\n"), /taken back, started 3 times and never found healthy/);
  });
});

test("a release that throws as it is loaded is taken back at once, and the one before it runs", async () => {
  await onBoard(async (board, start) => {
    await install(board, 1, "throw new Error('a broken release');\n");
    const agent = start();
    await agent.err.next((line) => line.includes("chargers connect to"));
    assert.is(await agent.stop(), 0);
    assert.ok(agent.err.all.some((line) => line.includes("it does not start: a broken release")));
    assert.match(noticesOf(board.stateDir).join("\n"), /is taken back, it does not start: a broken release/);
    const again = start();
    await again.err.next((line) => line.includes("chargers connect to"));
    assert.is(await again.stop(), 0);
    assert.not.ok(again.err.all.some((line) => line.includes("takes over")));
  });
});

test("a release that somebody changed on the board is not started", async () => {
  await onBoard(async (board, start) => {
    await install(board, 1, readFileSync(program));
    const { trial } = JSON.parse(readFileSync(join(board.stateDir, "releases/pointer.json"), "utf8")) as
      { trial: { release: { hash: string } } };
    writeFileSync(join(board.folder, "evil.cjs"), "process.exit(9);\n");
    copyFileSync(join(board.folder, "evil.cjs"), join(board.stateDir, "releases", `${trial.release.hash}.cjs`));
    const agent = start();
    await agent.err.next((line) => line.includes("chargers connect to"));
    assert.is(await agent.stop(), 0);
    assert.match(noticesOf(board.stateDir).join("\n"), /taken back, its files are damaged/);
  });
});
