/** Board files, the steps that a dry run prints, and a console as a shell is one. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../../build/paths.ts";
import { assert, test } from "../../../build/testing.ts";
import { UsageError } from "../../../edge-agent/usage-error.ts";
import { type BoardFile, parseBoardFile } from "./board-file.ts";
import { linkTo } from "./board-link.ts";
import { actsOf, stepText } from "./board-steps.ts";
import { dryRun } from "./play-board.ts";

const EXAMPLE = readFileSync(join(repoRoot, "hil-tests/rig/real/board.example.yaml"), "utf8");

test("the example can be read, and says what is usual where it says nothing", () => {
  const { reach, bind, outside, charger } = parseBoardFile(EXAMPLE);
  assert.equal(reach, { kind: "ssh", host: "192.0.2.10", port: 22, user: "root", options: ["ServerAliveInterval=5"] });
  assert.equal([bind, charger.boardPort], [outside, 9000]);
});

/** Text of the example, what stands in its place, and what is said. */
const BAD: readonly (readonly [string, string, RegExp])[] = [
  ["version: 1", "version: 2", /^version: found 2; allowed: 1$/],
  ["version: 1", "versoin: 1", /^board: unknown key "versoin"; did you mean version\?$/],
  ["name: pi-on-the-bench", "name: Pi on the bench", /^name: found "Pi on the bench"; allowed: 1 to 40/],
  ["kind: ssh", "kind: telnet", /^reach\.kind: found "telnet"; allowed: ssh, serial$/],
  ["host: 192.0.2.10, port: 22", "host: \"-oProxyCommand=x y\", port: 22", /^reach\.host: found/],
  ["user: root", "user: Root;ls", /^reach\.user: found "Root;ls"/],
  ["port: 22,", "port: 0,", /^reach\.port: found 0; allowed: a whole number from 1 to 65535$/],
  ["[\"ServerAliveInterval=5\"]", "[\"-F/etc/x\"]", /^reach\.options\[0\]: found "-F\/etc\/x"/],
  ["[\"ServerAliveInterval=5\"]", "5", /^reach\.options: found 5; allowed: a list/],
  ["  off:", "  of:", /^power: unknown key "of"; did you mean o(ff|n)\?$/],
  ["upWithinS: 120", "upWithinS: 0", /^upWithinS: found 0; allowed: a whole number from 1 to 3600$/],
  ["outside: 192.0.2.1", "outside: [1]", /^outside: found/],
  ["charger: { host", "charger: { hots", /^charger: unknown key "hots"; did you mean host\?$/],
  ["port: 1502", "port: 15.5", /^meter\.port: found 15\.5/],
  ["evse: 1", "evse: 17", /^meter\.evse: found 17/],
  ["config: /etc", "config: etc", /^agent\.config: found "etc\/kerbwatch/],
  ["station: N-1", "station: N-9", /^street\.station: found "N-9"; allowed: N-1, /],
  ["port: 8883", "port: 70000", /^street\.port: found 70000/],
  ["speed: native", "speed: fast", /^street\.speed: found "fast"; allowed: native, emulated$/],
  ["state: /var/lib/kerbwatch", "state: \"/var/$(reboot)\"", /^agent\.state: found/],
  ["name: pi", "name: [pi", /^board: no YAML/],
];

for (const [from, to, says] of BAD) {
  test(`refused: ${to}`, () => {
    assert.ok(EXAMPLE.includes(from), from);
    assert.throws(() => parseBoardFile(EXAMPLE.replace(from, to)), (error: Error) =>
      error instanceof UsageError && says.test(error.message) && !error.message.includes("\n") || error.message);
  });
}

test("what is missing, or too much, is refused", () => {
  for (const text of ["", "5", "[]", "version: 1", EXAMPLE.replace(/^reach:.*$/m, ""), EXAMPLE + " ".repeat(20_001)]) {
    assert.throws(() => parseBoardFile(text), (error: Error) => error instanceof UsageError);
  }
});

test("a dry run prints each step of each act, and does nothing", () => {
  const file = parseBoardFile(EXAMPLE);
  const said = dryRun(file);
  for (const { steps } of actsOf(file, 9100)) for (const step of steps) assert.ok(said.includes(stepText(file, step)));
  assert.match(said, /ssh -o BatchMode=yes .*-p 22 root@192\.0\.2\.10 COMMAND/);
  assert.match(said, /on this machine: curl -fsS http:\/\/192\.0\.2\.20\/relay\/0\?turn=off/);
  assert.match(said, /before restore, the street's acts a, b, .* the board as N-1; no partition/);
  assert.match(dryRun(file, { quick: true, keep: false, acts: ["g", "kill"] }), /the street's acts g, the board/);
  const { power: _, street: __, ...powered } = file;
  assert.match(dryRun(powered), /no street: the file has no `street`/);
  assert.match(dryRun(powered), /no power act: the file has no `power`/);
});

test("a console is spoken to by what it prints: answers, exit codes, and its end", async () => {
  const { reach } = parseBoardFile(EXAMPLE.replace(/^reach:.*$/m, 'reach: { kind: serial, command: "sh" }'));
  const link = linkTo(reach);
  assert.equal(await link.run("echo one; echo two"), { code: 0, out: "one\ntwo\n" });
  assert.equal(await link.run("(exit 7)"), { code: 7, out: "" });
  assert.is((await link.run("exit")).code, 255);
  assert.equal(await link.run("echo again"), { code: 0, out: "again\n" }, "the program is started anew");
  assert.equal(await link.run("base64 -d | tr a-z A-Z; cat", "b25lIHR3bwo=\n"), { code: 0, out: "ONE TWO\n" });
  assert.equal(await link.run("echo and on"), { code: 0, out: "and on\n" }, "what it reads has an end");
  link.close();
});

test("the bench's configuration is one word for the board's shell, whatever is in it", async () => {
  const file: BoardFile = { ...parseBoardFile(EXAMPLE), reach: { kind: "serial", command: "sh" } };
  const put = actsOf(file, 9100).find(({ id }) => id === "session")!.steps[0]!;
  assert.ok("command" in put);
  const word = /printf %s ('.*') >/.exec("command" in put ? put.command : "")![1]!;
  const link = linkTo(file.reach);
  const { out } = await link.run(`printf %s ${word}`);
  assert.is((JSON.parse(out) as { csms: string }).csms, "ws://192.0.2.1:9100");
  link.close();
});
