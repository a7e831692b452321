import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import type { Street } from "../bench/street.ts";
import { actsAsked } from "./act-names.ts";
import { LOOP_TURNS, loopTurnS, readingOf } from "./board-reading.ts";
import { Recorder } from "./recorder.ts";
import { junitXml, type Result, resultTable, traceJson } from "./results.ts";
import { parseScenario } from "./scenario.ts";
import { playSimulation } from "./simulation.ts";
import { playStreetAct } from "./street-acts.ts";

const STREET = readFileSync(join(repoRoot, "hil-tests/rig/scenarios/street.yaml"), "utf8");
const RESULTS: readonly Result[] = [
  { id: "a", name: "quiet", told: "nothing", observed: "nothing", state: "passed", tookS: 1.25 },
  { id: "b", name: 'a "name" & <more>', told: "x", observed: "\u0007<bad>", state: "failed", tookS: 2 },
  { id: "c", name: "left out", told: "x", observed: "no netns", state: "skipped", tookS: 0 },
];

test("--act: names that the bench has, and a line with what is allowed for any other", () => {
  assert.is(actsAsked("board", undefined), undefined);
  assert.equal(actsAsked("board", "alone,cuts"), ["alone", "cuts"]);
  assert.equal(actsAsked("street", "a,partition"), ["a", "partition"]);
  assert.equal(actsAsked("systemd", "stop"), ["stop"]);
  assert.equal(actsAsked("real", "power,b"), ["power", "b"]);
  const allowed = "allowed with board: session, kill, cuts, update, clock, card, alone, neighbours";
  for (const [asked, found] of [["alone,NONSENSE", "NONSENSE"], ["", ""], ["a,b", "a,b"], ["alone,", ""]] as const) {
    assert.throws(() => actsAsked("board", asked), `--act: found "${found}"; ${allowed}`);
  }
  assert.throws(() => actsAsked("installed", "a"), "allowed with installed: none");
});

test("the scenario in the repository can be read, has two stations of 32 bits, and ten of 64", () => {
  const { armhf, quick, acts } = parseScenario(STREET);
  assert.is(armhf.length, 2);
  assert.ok(quick.every((act) => acts.includes(act)));
});

for (const [what, from, to, says] of [
  ["an unknown key", "quick:", "quik:", /^quik: unknown key; allowed/],
  ["an act that there is not", "quick: [a", "quick: [z", /^quick: found "z"; allowed/],
  ["a station that there is not", "N-4", "N-9", /^armhf: found "N-9"/],
  ["an epoch of no length", "epochS: 1,", "epochS: 0,", /^native: found/],
  ["another version", "version: 1", "version: 2", /^version: found 2/],
  ["a name that is a path", "name: street", "name: ../x", /^name: found/],
] as const) {
  test(`a scenario with ${what} is refused, and says where`, () => {
    assert.throws(() => parseScenario(STREET.replace(from, to)), (error: Error) => says.test(error.message));
  });
}

test("JUnit's XML counts what failed and what was skipped, and escapes what the acts say", () => {
  const xml = junitXml("street", RESULTS);
  assert.match(xml, /<testsuite name="street" tests="3" failures="1" skipped="1" time="3\.3">/);
  assert.match(xml, /name="b\. a &quot;name&quot; &amp; &lt;more&gt;" time="2\.0"><failure message=" &lt;bad&gt;"\/>/);
  assert.match(xml, /<skipped message="no netns"\/>/);
});

test("the table has each act, and the trace has what happened when", () => {
  assert.match(resultTable(RESULTS), /skipped/);
  const trace = JSON.parse(traceJson("street", RESULTS, [{ atS: 1, says: "x" }])) as { events: unknown[] };
  assert.equal(trace.events, [{ atS: 1, says: "x" }]);
});

const STAT = "431 (kerb) watch) S 1 431 431 0 -1 4194304 9000 0 0 0 250 50 0 0 20 0 11 0 1200 1300000000 16000 0";
const DISK = "    1200     10    30000     500     800     90   20480    900        0     700    1400        0";

test("what the board's kernel prints of a process is read, whatever its name has in it", () => {
  const out = `noise\n61.25 50.00\n${STAT}\n${DISK}\nVmRSS:\t   66560 kB\n`;
  assert.equal(readingOf(out), {
    atS: 61.25, cpuS: 3, startedS: 12, residentKb: 66_560, writtenBytes: 20_480 * 512,
  });
});

test("a board that prints no figures, or no loop, is no board of nought", () => {
  assert.throws(() => readingOf("cat: can't open '/proc/77/stat': No such file or directory\n"), /no figures/);
  assert.throws(() => loopTurnS("loop=0\n"), /no loop/);
  assert.is(loopTurnS(`x\nloop=${LOOP_TURNS / 100}\n`), 1e-8);
});

test("each act of the scenario file is played in virtual time, and is as it is told there", async () => {
  const { acts } = parseScenario(STREET);
  const recorder = new Recorder("street-sim");
  await playSimulation({ acts: [...acts, "c", "e"], quick: false }, recorder);
  assert.is(recorder.end({}), 0);
});

test("where a street cannot be split that act is skipped, and wrong cards are tried in its place", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-rig-"));
  const json = join(folder, "results.json");
  try {
    const recorder = new Recorder("street");
    const street = { ground: { pace: 1 }, seconds: () => new Promise(() => {}), known() {
      throw new Error("no street here");
    } } as unknown as Street;
    await playStreetAct(recorder, street, "partition", "no hosts");
    assert.is(recorder.end({ json }), 1);
    const { results } = JSON.parse(readFileSync(json, "utf8")) as { results: readonly Result[] };
    assert.equal(results.map(({ id, state, observed }) => [id, state, observed]),
      [["partition", "skipped", "no hosts"], ["c", "failed", "failed: no street here"]]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
