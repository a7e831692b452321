import { assert, test } from "../../build/testing.ts";
import { figures, parseUsage, type Sample, usageOf } from "./street-figures.ts";

const STAT = "4711 (node (x) y) S 1 4711 4711 0 -1 4194560 9000 0 12 0 250 50 0 0 20 0 11 0 100000 1200000000 18000";

test("memory and CPU from what the kernel writes, whatever the process is called", () => {
  assert.equal(parseUsage(STAT, "Name:\tnode\nVmRSS:\t   75776 kB\nThreads:\t11\n"), { residentMb: 74, cpuS: 3 });
});

test("what cannot be read is no figure", () => {
  assert.is(parseUsage(STAT, "Name:\tnode\n"), undefined);
  assert.is(parseUsage("4711 (node) S 1", "VmRSS:\t1 kB\n"), undefined);
  assert.is(parseUsage("", ""), undefined);
  assert.is(usageOf(-1), undefined);
});

const at = (s: number, bytes: number, agents: readonly (readonly [string, number, number, number])[]): Sample => ({
  atMs: 1000 * s, bytes,
  agents: new Map(agents.map(([id, pid, residentMb, cpuS]) => [id, { pid, usage: { residentMb, cpuS } }] as const)),
});

test("agents that were started anew meanwhile have no part in memory and CPU, but in what the mesh carries", () => {
  const before = at(0, 1024, [["A", 1, 50, 1], ["B", 2, 50, 1], ["C", 3, 50, 9]]);
  const after = at(10, 1024 + 30 * 1024, [["A", 1, 60, 1.2], ["B", 2, 70, 1.4], ["C", 4, 99, 0.1]]);
  assert.equal(figures(before, after, [512, 2048, 1024]), [
    "memory of an agent: 70 MB resident (most: 70 MB)",
    "CPU of an agent: 4.0 % of a core (most: 4.0 %)",
    "sent over the mesh by an agent in an epoch of 1 s: 1.0 KB on the wire with TLS, over 10 s; "
      + "1.0 KB of messages by its own count lately",
  ]);
});

test("where nothing could be measured it is said", () => {
  const nothing: Sample = { atMs: 0, bytes: 0, agents: new Map([["A", { pid: 1, usage: undefined }]]) };
  const [first = "", second = ""] = figures(nothing, { ...nothing, atMs: 1000 });
  assert.match(first, "not measured");
  assert.match(second, "0.0 KB on the wire with TLS, over 1 s");
  assert.not.match(second, "own count");
});
