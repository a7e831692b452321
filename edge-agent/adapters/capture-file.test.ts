/** Captures that are missing, broken off, mistaken or hostile, as `replay` and `learn` meet them. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { assert, test } from "../../build/testing.ts";
import { ran } from "../cli/io.testing.ts";
import { MAX_LINE_CHARS, parseTraceLine } from "../observe/trace.ts";
import { LineProblems, mergedLines } from "./capture-file.ts";

const folder = mkdtempSync(join(tmpdir(), "kerbwatch-capture-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Heartbeats of one station, a minute apart. */
function lines(count: number, station = "CP-001"): string {
  return Array.from({ length: count }, (_, minute) => `${JSON.stringify({
    timestamp: new Date(Date.UTC(2026, 2, 1, 0, minute)).toISOString(), chargePointId: station,
    direction: "cp-to-csms", raw: `[2,"${minute}","Heartbeat",{}]`,
  })}\n`).join("");
}

/** Bytes that do not compress, so that half of the gzip file is about half of the lines. */
function noisy(count: number): string {
  let seed = 7;
  return lines(count).replaceAll('"Heartbeat",{}', () => {
    seed = (seed * 48271) % 2147483647;
    return `"${seed.toString(36)}${(seed * 31).toString(36)}",{}`;
  });
}

const good = file("good.jsonl", lines(5));
const whole = gzipSync(noisy(4_000));
function summary(frames: number, bad: number): string {
  const skipped = bad > 0 ? `, ${bad} bad lines skipped` : "";
  return `1 station, ${frames} frames, 0 meter readings${skipped}: 0 findings, 0 alerts raised`;
}

test("a file that cannot be read is wrong usage, in replay and in learn, and nothing is made", async () => {
  const gone = join(folder, "gone.jsonl");
  const allowed = "allowed: a capture in JSON Lines, plain or .gz";
  const state = join(folder, "unmade");
  const cases = [
    [gone, `${gone}: no such file; ${allowed}`],
    [folder, `${folder}: found a folder; ${allowed}`],
  ] as const;
  for (const [path, message] of cases) {
    for (const args of [["replay", path], ["replay", good, "--meter", path],
      ["learn", "--ocpp", path, "--state", state], ["learn", "--ocpp", good, "--meter", path, "--state", state]]) {
      assert.equal(await ran(args), { code: 2, out: "", err: `kerbwatch: ${message}\n` });
    }
  }
  assert.not.ok(existsSync(state));
});

test("a gzip file that breaks off is read as far as it goes, and said so", async () => {
  const path = file("torn.jsonl.gz", whole.subarray(0, whole.length / 2));
  const { code, err } = await ran(["replay", path]);
  assert.is(code, 0);
  assert.match(err, /torn\.jsonl\.gz:\d+: the rest: found unexpected end of file; allowed: a whole gzip file/);
  const frames = Number(/station, (\d+) frames/.exec(err)?.[1]);
  assert.ok(frames > 1_000 && frames < 4_000, String(frames));
});

test("a gzip file that is none, or empty: said, and exit code 1", async () => {
  const none = await ran(["replay", file("plain.jsonl.gz", lines(3))]);
  assert.is(none.code, 1);
  assert.match(none.err, "the rest: found incorrect header check; allowed: a whole gzip file");
  assert.match(none.err, "nothing in the capture could be read");
  assert.is((await ran(["replay", file("nought.jsonl", "")])).code, 1);
  assert.is((await ran(["learn", "--ocpp", join(folder, "nought.jsonl"), "--state", join(folder, "s1")])).code, 1);
  assert.not.ok(existsSync(join(folder, "s1", "normal.json")));
});

test("bad lines are counted, said once a kind with their place, and skipped", async () => {
  const later = lines(1).replace("2026-03-01", "2026-03-02");
  const path = file("mixed.jsonl", `garbage\n${lines(2)}\n\u0000\u0001\n[]\n{"timestamp":"yesterday"}\n${later}{"torn`);
  const { code, err } = await ran(["replay", path]);
  assert.is(code, 0);
  assert.match(err, `${path}:1: line: found text that is no JSON; allowed: one JSON object (skipped)`);
  assert.match(err, `${path}:7: timestamp: found yesterday; allowed: RFC 3339 with a zone (skipped)`);
  assert.match(err, summary(3, 5));
  assert.is(err.match(/no JSON/g)?.length, 1);
});

test("a line without end is held to a length", async () => {
  const path = file("endless.jsonl", `${lines(1)}${"x".repeat(3 * MAX_LINE_CHARS)}\n${lines(1)}`);
  const problems: string[] = [];
  const source = { path, parse: (text: string) => (problems.push(String(text.length)), parseTraceLine(text)) };
  let count = 0;
  for await (const line of mergedLines([source], new LineProblems((text) => problems.push(text)))) {
    count += 1;
    assert.is(line.station, "CP-001");
  }
  assert.is(count, 2);
  assert.ok(problems.every((text) => !(Number(text) > MAX_LINE_CHARS + 70_000)), "no more than a chunk too much");
  assert.ok(problems.some((text) => text.includes("at most")));
});

test("Windows line ends, a last line without one, and letters split between chunks", async () => {
  const padded = lines(200).replaceAll("Heartbeat", "Heartbeat\u{1f50c}".repeat(60));
  const { err } = await ran(["replay", file("crlf.jsonl", padded.replaceAll("\n", "\r\n").trimEnd())]);
  // Two hundred actions that nobody knows and nobody answers may well be found odd.
  assert.match(err, "1 station, 200 frames, 0 meter readings: ");
});

test("several files are merged by time", async () => {
  const early = file("early.jsonl", lines(3));
  const late = file("late.jsonl", lines(3).replaceAll("2026-03-01", "2026-03-02"));
  const { err } = await ran(["replay", late, early]);
  assert.match(err, summary(6, 0));
  assert.not.match(err, "out of order");
});

test("learn takes one station: two are refused by name, one can be chosen, none is said", async () => {
  const path = file("two.jsonl", lines(2) + lines(2, "CP-002").replaceAll("2026-03-01", "2026-03-02"));
  const state = join(folder, "learned");
  const two = await ran(["learn", "--ocpp", path, "--state", state]);
  assert.is(two.code, 2);
  assert.match(two.err, "--ocpp: found stations CP-001 and CP-002; allowed: one, chosen with --station ID");
  assert.not.ok(existsSync(join(state, "normal.json")));
  const none = await ran(["learn", "--ocpp", path, "--state", state, "--station", "CP-003"]);
  assert.equal([none.code, none.err], [1, "the capture holds no station CP-003\n"]);
  assert.is((await ran(["learn", "--ocpp", path, "--state", state, "--station", "CP-002"])).code, 0);
  assert.ok(existsSync(join(state, "normal.json")));
  assert.is((await ran(["replay", path, "--state", state])).code, 0);
});

test("learn and replay refuse a state that cannot be used, and learn begins anew when told to", async () => {
  const state = join(folder, "damaged");
  mkdirSync(state);
  writeFileSync(join(state, "normal.json"), "sha256:0\n{}\n");
  for (const args of [["replay", good, "--state", state], ["learn", "--ocpp", good, "--state", state]]) {
    const { code, err } = await ran(args);
    assert.is(code, 2);
    assert.match(err, "normal.json: damaged: its hash differs");
  }
  assert.is((await ran(["learn", "--ocpp", good, "--state", state, "--fresh"])).code, 0);
  assert.is((await ran(["learn", "--ocpp", good, "--state", state])).code, 0);
  const notAFolder = await ran(["learn", "--ocpp", good, "--state", good]);
  assert.equal([notAFolder.code, notAFolder.err], [1, `kerbwatch: --state: ${good} cannot be written (EEXIST)\n`]);
  assert.is((await ran(["replay", good, "--state", folder])).code, 2);
});

for (const args of [["replay"], ["learn", "--state", "x"], ["learn", "--ocpp", good],
  ["replay", good, "--epoch", "0"], ["replay", good, "--epoch", "ten"], ["replay", good, "--station"]]) {
  test(`wrong usage: ${args.join(" ").replace(folder, "")}`, async () => {
    const { code, out, err } = await ran(args);
    assert.equal([code, out], [2, ""]);
    assert.match(err, /^kerbwatch: .*(missing|found).*allowed: .*\n$/);
  });
}
