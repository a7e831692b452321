import { assert, test } from "../../build/testing.ts";
import { parseUsage, usageOf } from "./street-figures.ts";

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
