import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import { junitXml, type Result, resultTable, traceJson } from "./results.ts";
import { parseScenario } from "./scenario.ts";

const STREET = readFileSync(join(repoRoot, "hil-tests/rig/scenarios/street.yaml"), "utf8");
const RESULTS: readonly Result[] = [
  { id: "a", name: "quiet", told: "nothing", observed: "nothing", state: "passed", tookS: 1.25 },
  { id: "b", name: 'a "name" & <more>', told: "x", observed: "\u0007<bad>", state: "failed", tookS: 2 },
  { id: "c", name: "left out", told: "x", observed: "no netns", state: "skipped", tookS: 0 },
];

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
