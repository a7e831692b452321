import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import type { Alert } from "../../models/terms.ts";
import { createJsonlAlerts } from "./alert-jsonl.ts";

const folder = mkdtempSync(join(tmpdir(), "kerbwatch-jsonl-"));
const alert = (summary: string): Alert => ({ schemaVersion: "1.0", summary }) as Alert;
const lines = (path: string): string[] => readFileSync(path, "utf8").split("\n");

test("each alert is one line of JSON, appended to what is there", () => {
  const path = join(folder, "a.jsonl");
  writeFileSync(path, "{}\n");
  const sink = createJsonlAlerts(path);
  sink.send(alert("one\ntwo"));
  sink.send(alert("three"));
  assert.equal(lines(path),
    ["{}", '{"schemaVersion":"1.0","summary":"one\\ntwo"}', '{"schemaVersion":"1.0","summary":"three"}', ""]);
  assert.equal(sink.stats(), { sent: 2, dropped: 0 });
});

test("the file is made for owner and group alone", () => {
  const path = join(folder, "mode.jsonl");
  createJsonlAlerts(path).send(alert("x"));
  assert.is(statSync(path).mode & 0o777 & ~0o640, 0);
  assert.is(statSync(path).mode & 0o600, 0o600);
});

test("a rotated file is followed: the next alert goes to a new one", () => {
  const path = join(folder, "rotated.jsonl");
  const sink = createJsonlAlerts(path);
  sink.send(alert("old"));
  renameSync(path, `${path}.1`);
  sink.send(alert("new"));
  assert.match(readFileSync(`${path}.1`, "utf8"), "old");
  assert.match(readFileSync(path, "utf8"), /^\{.*new.*\}\n$/);
});

test("after half a line the next alert begins on a new one", () => {
  const path = join(folder, "torn.jsonl");
  writeFileSync(path, '{"half');
  createJsonlAlerts(path).send(alert("whole"));
  assert.equal(lines(path), ['{"half', '{"schemaVersion":"1.0","summary":"whole"}', ""]);
});

test("a file that cannot be written is counted, never thrown, and tried again", () => {
  const path = join(folder, "away", "a.jsonl");
  const sink = createJsonlAlerts(path);
  sink.send(alert("lost"));
  assert.is(sink.stats().dropped, 1);
  assert.match(sink.stats().lastError ?? "", "ENOENT");
  mkdirSync(join(folder, "away"));
  sink.send(alert("kept"));
  assert.is(sink.stats().sent, 1);
  assert.is(lines(path).length, 2);
});

test("a full disk and a folder in the file's place are drops as well", () => {
  for (const path of ["/dev/full", folder]) {
    const sink = createJsonlAlerts(path);
    sink.send(alert("x"));
    assert.is(sink.stats().dropped, 1, path);
  }
});

test("a named pipe that nobody reads does not hold up the agent", () => {
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const sink = createJsonlAlerts(path);
  sink.send(alert("x"));
  assert.is(sink.stats().dropped, 1);
});
