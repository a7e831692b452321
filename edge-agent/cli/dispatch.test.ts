import { assert, test } from "../../build/testing.ts";
import type { Command } from "./command.ts";
import { UsageError } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { dispatch } from "./dispatch.ts";

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const command = (run: Command["run"]): (() => Promise<Command>) =>
  () => Promise.resolve({ name: "status", summary: "says hello", help: "\nUsage: hello\n", run });

async function ran(args: string[], run: Command["run"], env: Record<string, string> = {}): Promise<Ran> {
  let out = "";
  let err = "";
  const io = { out: (text: string) => { out += text; }, err: (text: string) => { err += text; }, env };
  const code = await dispatch(args, io, { status: command(run), explain: command(run) });
  return { code, out, err };
}

const good: Command["run"] = (args, io) => {
  io.out(args.join("+"));
  return Promise.resolve(0);
};

test("a command gets the rest of the line and gives its exit code", async () => {
  assert.equal(await ran(["status", "a", "--json"], good), { code: 0, out: "a+--json", err: "" });
  assert.is((await ran(["status"], () => Promise.resolve(1))).code, 1);
});

test("--version says so and nothing else", async () => {
  assert.match((await ran(["--version"], good)).out, /^kerbwatch \d+\.\d+\.\d+\n$/);
});

test("--help teaches: what it is, the commands, how to begin", async () => {
  const { code, out } = await ran(["--help"], good);
  assert.is(code, 0);
  for (const part of [/^kerbwatch: /, / {2}status {2}says hello\n/, /1\. .*\n(.*\n)+ {2}3\. /, /Exit codes/]) {
    assert.match(out, part);
  }
});

test("no command at all is wrong usage, with the help on standard error", async () => {
  const { code, out, err } = await ran([], good);
  assert.is(code, 2);
  assert.is(out, "");
  assert.match(err, "Commands");
});

for (const args of [["status", "--help"], ["status", "-h"], ["help", "status"], ["--help", "status"]]) {
  test(`${args.join(" ")} prints the command's own help`, async () => {
    const { code, out } = await ran(args, () => Promise.reject(new Error("must not run")));
    assert.is(code, 0);
    assert.is(out, "kerbwatch status: says hello\n\nUsage: hello\n");
  });
}

const WRONG: [string[], string][] = [
  [["statsu"], 'kerbwatch: "statsu": unknown command; did you mean status?\n'],
  [["frobnicate"], 'kerbwatch: "frobnicate": unknown command; allowed: status, explain\n'],
  [["__proto__"], 'kerbwatch: "__proto__": unknown command; allowed: status, explain\n'],
  [["--verison"], 'kerbwatch: "--verison": unknown command; did you mean --version?\n'],
  [["help", "x"], 'kerbwatch: "x": unknown command; allowed: status, explain\n'],
];
for (const [args, err] of WRONG) {
  test(`${args.join(" ")} is wrong usage, in one line`, async () => {
    assert.equal(await ran(args, good), { code: 2, out: "", err });
  });
}

test("wrong usage inside a command ends with 2 and one line", async () => {
  const result = await ran(["status"], () => Promise.reject(new UsageError("--x: found 1;\nallowed: 2")));
  assert.equal(result, { code: 2, out: "", err: "kerbwatch: --x: found 1; allowed: 2\n" });
});

test("an accident ends with 1 and one line, and with KERBWATCH_DEBUG=1 tells where", async () => {
  const fail: Command["run"] = () => Promise.reject(new Error("the disk is on fire"));
  assert.equal(await ran(["status"], fail), { code: 1, out: "", err: "kerbwatch: the disk is on fire\n" });
  assert.match((await ran(["status"], fail, { KERBWATCH_DEBUG: "1" })).err, /\n {4}at /);
  const odd: Command["run"] = () => Promise.reject("just a text" as unknown as Error);
  assert.is((await ran(["status"], odd)).err, "kerbwatch: just a text\n");
});

const helpOf = async (...words: string[]): Promise<{ code: number; out: string }> => {
  let out = "";
  const io = { out: (text: string) => { out += text; }, err: () => {}, env: {} };
  return { code: await dispatch(["help", ...words], io, COMMANDS), out };
};

test("the general help fits a terminal of 80 columns", async () => {
  assert.equal((await helpOf()).out.split("\n").filter((line) => line.length > 80), []);
});

for (const [name, load] of Object.entries(COMMANDS)) {
  test(`${name}: registered under its own name, with a line of summary and help that gives exit codes`, async () => {
    const loaded = await load();
    assert.is(loaded.name, name);
    assert.ok(loaded.summary.length > 10 && loaded.summary.length <= 100);
    assert.match(loaded.help, `kerbwatch ${name}`);
    assert.match(loaded.help, /^Usage: /m);
    assert.match(loaded.help, /Exit codes: 0 [^]*2\s+wrong/);
    const { code, out } = await helpOf(name);
    assert.is(code, 0);
    assert.equal(out.split("\n").filter((line) => line.length > 80), [], "fits a terminal of 80 columns");
  });
}
