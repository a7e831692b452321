import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../../build/testing.ts";
import { borne } from "../../../gossip/metered.ts";
import { simCli } from "../cli.ts";
import { drawScenario, isCertifiable } from "./draw.ts";
import { runOne } from "./run-one.ts";
import { BEHAVIOURS, FAULTS, meteredIn, unbelievedRoster } from "./scenario.ts";
import { parseScenario } from "./scenario-file.ts";
import type { Player } from "./players.ts";
import { soak } from "./seeds.ts";
import type { SoakState } from "./soak-state.ts";
import { Tally, type TallyJson } from "./tally.ts";

async function sim(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const code = await simCli(args, { out: (text) => (out += text), err: (text) => (err += text), env: {} });
  return { code, out, err };
}

test("every drawn scenario has eight agents, 200 epochs, three kinds of fault, and no more bad ones than f", () => {
  const kinds = new Set<string>();
  const behaviours = new Set<string>();
  const sizes = new Set<number>();
  for (let seed = 0; seed < 2_000; seed++) {
    const { agents, zones, epochs, faults, liars, broken, liarsTolerated } = drawScenario(seed);
    assert.ok(agents >= 8 && epochs >= 200 && agents / zones > 3 * liarsTolerated);
    assert.ok(new Set(faults.map(({ kind }) => kind)).size >= 3);
    const bad = [...liars.map(({ agent }) => agent), ...broken];
    for (let zone = 0; zone < zones; zone++) {
      assert.ok(bad.filter((agent) => agent % zones === zone).length <= liarsTolerated, `${seed}`);
    }
    sizes.add(zones);
    for (const { kind } of faults) kinds.add(kind);
    for (const { behaviour } of liars) behaviours.add(behaviour);
  }
  assert.equal([...sizes].sort(), [1, 2, 4]);
  assert.equal(kinds, new Set(Object.keys(FAULTS)));
  assert.equal(behaviours, new Set(BEHAVIOURS));
});

test("members on metered links are honest, and no more than their zones bear; some have clocks that are off", () => {
  let skewed = 0;
  for (let seed = 0; seed < 500; seed++) {
    const scenario = drawScenario(seed);
    const { agents, zones, liarsTolerated: f, faults, liars, broken } = scenario;
    const metered = meteredIn(scenario);
    const bad = new Set([...liars.map(({ agent }) => agent), ...broken]);
    for (let zone = 0; zone < zones; zone++) {
      const most = borne({ members: { length: agents / zones }, zone: { f } });
      const own = [...metered].filter((agent) => agent % zones === zone);
      assert.ok(own.length <= most && own.every((agent) => !bad.has(agent)), `${seed}`);
    }
    skewed += faults.filter((fault) => fault.kind === "skew" && metered.has(fault.agent)).length;
  }
  assert.ok(skewed > 20);
});

/** Seed 20: one left a zone of four for whom another zone grew, and nobody believed that roster. */
test("every drawn roster is one that agents believe", () => {
  for (let seed = 0; seed < 2_000; seed++) assert.is(unbelievedRoster(drawScenario(seed)), undefined, `${seed}`);
});

/** Seed 22: what no sum certifies was asked for after the healing. */
test("the attack after the healing is one that a zone certifies", () => {
  const asked = new Set<string>();
  for (let seed = 0; seed < 2_000; seed++) {
    const { attacks, agents, zones, liarsTolerated: f } = drawScenario(seed);
    const { key } = attacks.at(-1)!;
    assert.ok(isCertifiable(key, { n: agents / zones, f }), `${seed}: ${key}`);
    asked.add(key);
  }
  assert.is(isCertifiable("credential-cloning", { n: 8, f: 2 }), false);
  assert.ok(asked.size > 10);
});

test("what a failure prints as parameters is a scenario file that says the same", () => {
  for (let seed = 0; seed < 200; seed++) {
    const scenario = drawScenario(seed);
    assert.equal(parseScenario(JSON.stringify({ version: 1, ...scenario })), scenario);
  }
});

test("one seed gives the same run to the byte; another, another", () => {
  const short = { ...drawScenario(7), epochs: 60 };
  const [first, again, other] = [7, 7, 8].map((seed) => runOne({ scenario: short, seed, checkers: [] }).trace);
  assert.is(first, again);
  assert.is.not(first, other);
});

test("a few seeds of the soak hold under all checkers, with their counts", async () => {
  const { code, out } = await sim("soak", "--seeds", "2", "--first", "3", "--trace");
  assert.is(code, 0, out);
  assert.match(out, /^soak: from seed 3 on\nseed 3: \d+ messages, trace [0-9a-f]{16}\n/);
  assert.match(out, /2 seeds, 4\d\d epochs, \d+ agent-epochs in \d+ s .*\nfaults, at least [3-7] kinds a seed: .*\d/);
  assert.match(out, /no checker failed\n$/);
});

const SPLIT = `
version: 1
agents: 4
epochs: 40
healedAt: 15
faults:
  - { kind: partition, from: 10, to: 100, shape: split, side: [0, 1] }
`;

async function withFile(text: string, use: (file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-soak-"));
  try {
    writeFileSync(join(folder, "s.yaml"), text);
    await use(join(folder, "s.yaml"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("run: a failed checker is exit code 1, told with seed, code, parameters and the command that plays it again", () =>
  withFile(SPLIT, async (file) => {
    const { code, out } = await sim("run", "--scenario", file, "--seed", "5");
    assert.is(code, 1);
    assert.match(out, /^FAILED at epoch 40.00 of seed 5: liveness.*\ncode: kerbwatch-sim .*[0-9a-f]{9}/);
    assert.match(out, /\nparameters: \{"version":1,"agents":4,.*"kind":"partition"/);
    assert.match(out, /\nagain: kerbwatch-sim run --scenario .*s\.yaml --seed 5\n/);
  }));

test("run: a scenario that holds is exit code 0", () =>
  withFile(SPLIT.replace("to: 100", "to: 14"), async (file) => {
    const { code, out } = await sim("run", "--scenario", file);
    assert.is(code, 0, out);
    assert.match(out, /no checker failed; trace [0-9a-f]{16}\n$/);
  }));

const WRONG: readonly (readonly [from: string, to: string, message: RegExp])[] = [
  ["version: 1", "version: 2", /version: found 2; allowed: 1/],
  ["agents: 4", "agent: 4", /scenario: unknown key "agent"; did you mean agents\?/],
  ["agents: 4", "agents: 61", /agents: found 61; allowed: a whole number from 1 to 60/],
  ["epochs: 40", "", /epochs: found nothing|epochs: found undefined/],
  ["healedAt: 15", "healedAt: 41", /healedAt: found 41; allowed: a number from 0 to 40/],
  ["kind: partition", "kind: partitions", /faults\[0\].kind: found "partitions"; allowed: loss, /],
  ["shape: split", "shape: half", /faults\[0\].shape: found "half"; allowed: split, bridge, one-way/],
  ["shape: split", "shapes: split", /faults\[0\]: unknown key "shapes"; did you mean shape\?/],
  ["side: [0, 1]", "side: [0, 4]", /faults\[0\].side\[1\]: found 4; allowed: a whole number from 0 to 3/],
  ["from: 10, to: 100", "from: 10, to: 9", /faults\[0\].to: found 9; allowed: 10 or later/],
  ["faults:", "liars:\n  - { agent: 1, behaviour: fibs }\nfaults:", /liars\[0\].behaviour: found "fibs"; allowed: sil/],
  ["faults:", "broken: [1]\nliars: [{ agent: 1, behaviour: hide }]\nfaults:", /liars: found 1; allowed: each agent/],
  ["faults:", "attacks: [{ key: theft }]\nfaults:", /attacks\[0\].key: found "theft"; allowed: authorization-abuse, /],
  ["faults:", "faults:\n  - { kind: roster, at: 9, leave: [1], join: [], spreadEpochs: 0 }",
    /faults\[0\]: zone 0 would have 3 members; allowed: more than 3 x liarsTolerated/],
  ["version: 1", "[", /scenario: no YAML or JSON/],
];

for (const [from, to, message] of WRONG) {
  test(`a wrong scenario is told on one line, exit code 2: ${to.split("\n")[0]}`, () =>
    withFile(SPLIT.replace(from, to), async (file) => {
      const { code, out, err } = await sim("run", "--scenario", file);
      assert.is(code, 2);
      assert.is(out, "");
      assert.match(err, message);
      assert.is(err.trim().split("\n").length, 1);
    }));
}

const WRONG_USAGE = [
  "soak", "soak --minutes 0", "soak --minutes 1 --seed 2", "soak --seeds 2 --state f", "soak --seed x",
  "soak --seeds -1",
];
for (const args of WRONG_USAGE) {
  test(`wrong usage, exit code 2: ${args}`, async () => assert.is((await sim(...args.split(" "))).code, 2));
}

/** Plays nothing, and says which seed it was asked for; in another order where there are several. */
function counting(asked: number[], failing?: number): Player {
  const tally = { ...new Tally().json(), seeds: 1, agentEpochs: 100, leastKinds: 4, faults: { loss: 2 } };
  return {
    async play(seed) {
      asked.push(seed);
      for (let turns = seed % 3; turns > 0; turns--) await undefined;
      return { seed, tally, trace: "", ...(seed === failing && { failure: "FAILED\n" }) };
    },
    end: () => undefined,
  };
}

const BEGIN: SoakState = { code: "c", first: 10, step: 1, seeds: 7, through: 0, beyond: [], seconds: 0 };
const MUTE = { out: () => undefined, err: () => undefined, env: {} };

test("players share the seeds: each is played once, and what they counted adds up", async () => {
  const asked: number[] = [];
  const players = [0, 1, 2].map(() => counting(asked));
  const { tally, state } = await soak({ state: BEGIN, untilMs: Infinity, trace: false }, players, MUTE);
  assert.equal(asked.sort((a, b) => a - b), [10, 11, 12, 13, 14, 15, 16]);
  const { seeds, agentEpochs, leastKinds, faults } = tally.json();
  assert.equal([seeds, agentEpochs, leastKinds, faults], [7, 700, 4, { loss: 14 }]);
  assert.equal([state.through, state.beyond], [7, []]);
});

test("a soak goes on where a part of it ended: no seed twice, none left out, one that failed again", async () => {
  const first: number[] = [];
  const failing = await soak({ state: BEGIN, untilMs: Infinity, trace: false },
    [counting(first, 12), counting(first, 12)], MUTE);
  assert.equal(failing.failures, ["FAILED\n"]);
  const { state } = failing;
  assert.is(state.through, 2);
  assert.is(state.tally?.seeds, first.length - 1);
  const rest: number[] = [];
  const { tally } = await soak({ state, untilMs: Infinity, trace: false }, [counting(rest)], MUTE);
  assert.equal([...first.filter((seed) => seed !== 12), ...rest].sort((a, b) => a - b), [10, 11, 12, 13, 14, 15, 16]);
  assert.equal([tally.json().seeds, tally.json().faults], [7, { loss: 14 }]);
});

test("when time is up no seed begins, but for the first", async () => {
  const asked: number[] = [];
  const { state } = await soak({ state: BEGIN, untilMs: 0, trace: false }, [counting(asked)], MUTE);
  assert.equal([asked, state.through], [[10], 1]);
});

test("a player that is gone is a failure, and its seed is not played", async () => {
  const gone: Player = { play: () => Promise.reject(new Error("gone")), end: () => undefined };
  const { state, failures } = await soak({ state: BEGIN, untilMs: Infinity, trace: false }, [gone], MUTE);
  assert.equal([state.through, failures], [0, ["gone\n"]]);
});

test("--state: the counts are those of all parts; a file of another soak, or junk, is told", () =>
  withFile(SPLIT, async (junk) => {
    const file = `${junk}.state`;
    const soakOf = (...args: string[]) => sim("soak", "--first", "5", "--state", ...args);
    const part = await soakOf(file, "--seeds", "2", "--minutes", "0.001", "--json");
    assert.is((JSON.parse(part.out) as TallyJson).seeds, 1);
    assert.match(part.err, /^soak: 1 of 2 seeds are left: the same command goes on$/m);
    const rest = await soakOf(file, "--seeds", "2", "--trace");
    assert.match(rest.out, /^soak: from seed 5 on, 1 played\nseed 6: .*\n2 seeds, 4\d\d epochs, /);
    const done = await soakOf(file, "--seeds", "2", "--json");
    assert.is((JSON.parse(done.out) as TallyJson).seeds, 2);
    assert.match((await soakOf(file, "--seeds", "3")).err, /is of another soak: seeds 2, where this has 3/);
    assert.match((await soakOf(junk, "--seeds", "2")).err, /--state: found ".*"; allowed: what a soak wrote/);
  }));
