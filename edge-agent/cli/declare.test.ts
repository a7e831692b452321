/** `declare`: signed offline, brought to an agent over its socket, and taken by the core that the agent runs. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { createStatusServer } from "../adapters/http.ts";
import { CoreBench, crypto, START } from "../core.testing.ts";
import { STATUS } from "../status.testing.ts";
import { believedAlone, takeWord } from "../words.ts";
import { ran as run } from "./io.testing.ts";

const time = (s: number): string => new Date(START + s * 1_000).toISOString();

/** An operator's key, and an agent without a street whose configuration names it. */
async function world() {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-declare-"));
  const key = join(folder, "alice.key");
  const made = await run(["keygen", "--operator", key]);
  const operator = /operator\/\S+/.exec(made.out)![0];
  const bench = new CoreBench({ people: believedAlone(crypto, "example", { threshold: 1, keys: [operator] }) });
  const server = createStatusServer({ stateDir: folder, status: () => STATUS, ask: (path, { word }) => {
    const taken = takeWord(bench.core.state, Buffer.from(String(word), "base64"), bench.now(0));
    return taken.ok ? { code: 200, body: { path, says: taken.value.says } }
      : { code: 409, body: { error: taken.problem } };
  } });
  await server.start();
  const out = join(folder, "x.word");
  const create = (...more: string[]) => run(["declare", "create", "--changes", "firmware", "reboot", "--from", time(0),
    "--to", time(7_200), "--reason", "quarterly update", "--region", "example", "--key", key, "--out", out, ...more]);
  return { folder, key, out, bench, server, create };
}

test("created offline, sent, withdrawn: a lone agent believes the operators of its configuration", async () => {
  const { folder, key, out, bench, server, create } = await world();
  try {
    const created = await create("--stations", "CP-001");
    assert.is(created.code, 0, created.err);
    assert.match(created.out, /^declares {2}firmware, reboot at CP-001 from 2026-03-02T08:00:00.000Z to /);
    const sent = await run(["declare", "send", out, "--state", folder]);
    assert.match(sent.out, /^taken: firmware, reboot at CP-001 .*declared by alice: quarterly update; it is in/);
    const [word] = bench.core.state.declared.windows.keys();
    const back = await run(["declare", "withdraw", word!, "--region", "example", "--key", key, "--out", out]);
    assert.is(back.code, 0, back.err);
    assert.match((await run(["declare", "send", out, "--state", folder])).out, /^taken: alice withdrew/);
    assert.is(bench.core.state.declared.windows.size, 0);
  } finally {
    await server.stop();
  }
});

test("what an agent does not believe is said, on one line, and nothing is held", async () => {
  const { folder, out, bench, server, create } = await world();
  try {
    assert.match((await create("--region", "example")).err, "--region: found twice");
    assert.is((await create("--name", "mallory")).code, 0);
    const refused = await run(["declare", "send", out, "--state", folder]);
    assert.equal([refused.code, refused.out], [1, ""]);
    assert.match(refused.err, /^kerbwatch: word: by nobody whom version 0 of the roster lists\n$/);
    writeFileSync(out, readFileSync(out).map((byte, n) => (n === 50 ? byte ^ 1 : byte)));
    assert.is((await run(["declare", "send", out, "--state", folder])).code, 1);
    assert.is(bench.core.state.declared.windows.size, 0);
  } finally {
    await server.stop();
  }
});

for (const [name, args, message] of [
  ["no word", [], /declare: found nothing; allowed: create, withdraw, send/], ["a near one", ["crete"], /create\?/],
  ["no kind of change", ["create", "--changes", "theft"], /changes: found \["theft"\]; allowed: some of firmware/],
  ["a window of a month", ["create", "--changes", "firmware", "--to", "2026-04-01T00:00:00Z"], /at most 7 days/],
  ["a declaration without a name", ["withdraw", "abc"], /not a declaration's name/], ["no file", ["send"], /no file/],
] as const) {
  test(`refused: ${name}`, async () => {
    const given = new Set(args);
    const rest = args[0] === "create" ? ["--from", "2026-03-01T00:00:00Z", "--reason", "x",
      ...(given.has("--to") ? [] : ["--to", "2026-03-02T00:00:00Z"])] : [];
    const signed = args[0] === "create" || args[0] === "withdraw"
      ? ["--region", "r", "--key", "/nowhere", "--out", "/nowhere"] : [];
    const { code, err } = await run(["declare", ...args, ...rest, ...signed]);
    assert.is(code, 2, err);
    assert.match(err, message);
  });
}

test("without an agent", async () => {
  const { folder, out, server, create } = await world();
  await create();
  await server.stop();
  const { code, err } = await run(["declare", "send", out, "--state", folder]);
  assert.is(code, 1);
  assert.match(err, "no agent is running");
});
