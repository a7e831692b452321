/** A liar among three honest agents, over mutual TLS: it moves no verdict, and who contradicts itself is named. */
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import type { RunningAgent } from "../../edge-agent/agent.ts";
import type { Alert } from "../../models/terms.ts";
import { AgentProcess } from "../bench/agent-process.ts";
import { systemClock } from "../bench/bench-clock.ts";
import { BenchCsms } from "../bench/csms.ts";
import {
  alertsOf, configOf, configure, fourHouses, type NewHouse, startAgentOf,
} from "../bench/four-houses.testing.ts";
import { BenchStation } from "../bench/station.ts";
import type { Behaviour } from "../sim/liars.ts";
import { Liar } from "./liar.ts";

const LOOK_EVERY_MS = 50;
const HUNG_MS = 60_000;
/** Two for the links to come up, then enough for a proposal, its votes and the turn of each agent. */
const EPOCHS_OF_LIES = 7;
/** It forges once an epoch, when it first proposes, which may be before or after its line is told. */
const ALL_LIES = /frame, up to seq \d+: .*1 x statement; .*\d x proposal; 1 x forged certificate; /;
const GOOD_TOKEN = "04A1B2C3";

interface Stage {
  readonly honest: readonly NewHouse[];
  readonly agents: readonly RunningAgent[];
  readonly liars: NewHouse;
  readonly csms: BenchCsms;
}

/** An Error once it is plain that it does not come. */
async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + HUNG_MS; !isSo();) {
    if (performance.now() > end) throw new Error(`still waiting: ${what}`);
    await systemClock.wait(LOOK_EVERY_MS);
  }
}

/** Three honest agents that hear each other; the fourth house is empty. */
async function withThree(use: (stage: Stage) => Promise<void>): Promise<void> {
  const street = await fourHouses();
  const csms = await BenchCsms.listen({ tokens: [GOOD_TOKEN] });
  const honest = street.houses.slice(0, 3);
  const agents: RunningAgent[] = [];
  try {
    for (const house of honest) agents.push(await startAgentOf(house, csms.url));
    await use({ honest, agents, liars: street.houses[3]!, csms });
  } finally {
    await Promise.all(agents.map((agent) => agent.stop()));
    await csms.close();
    street.remove();
  }
}

const meshOf = (agent: RunningAgent) => agent.status().mesh!;
const memberOf = (agent: RunningAgent, { station }: NewHouse) =>
  meshOf(agent).members.find((member) => member.station === station)!;
const isNamed = ({ honest, agents, liars }: Stage): boolean =>
  agents.every((agent) => memberOf(agent, liars).guilty) && honest.every((house) => alertsOf(house).length > 0);

/** So long as it lasts, the liar is in its house; `said` is what it said, a line an epoch. */
async function withLiar(
  { liars, csms }: Stage, behaviour: Behaviour, use: (liar: Liar, said: readonly string[]) => Promise<void>,
): Promise<void> {
  const said: string[] = [];
  const liar = new Liar(configOf(liars, csms.url), behaviour, {
    said: (line) => said.push(line), notice: () => undefined, env: {},
  });
  await liar.start();
  try {
    await use(liar, said);
  } finally {
    await liar.stop();
  }
}

async function chargesThrough(address: string, { station: id }: NewHouse): Promise<void> {
  const station = new BenchStation({ id, ocppVersion: "1.6", url: address });
  await station.connect();
  await station.boot();
  assert.is(await station.authorize(GOOD_TOKEN), "Accepted");
  await station.close();
}

/** One alert at each honest agent: the liar's name, and the proof. */
function assertNamed({ honest, liars }: Stage): void {
  for (const house of honest) {
    const told = alertsOf(house).map(({ threat, scope, stations, evidence }: Alert) =>
      ({ threat, scope, stations, proved: evidence.length > 0 }));
    const named = { threat: "agent-misbehaviour", scope: "zone", stations: [liars.station], proved: true } as const;
    assert.equal(told, [named]);
  }
}

test("a framer with the keys of an agent raises nothing; the agent that comes back is guilty of its statements", () =>
  withThree(async (stage) => {
    const { agents, honest, liars, csms } = stage;
    const truth = await startAgentOf(liars, csms.url);
    await until(() => agents.every((agent) => memberOf(agent, liars).lastEpoch !== undefined), "the agent is heard");
    await truth.stop();
    await withLiar(stage, "frame", async (liar, said) => {
      await chargesThrough(liar.listening, liars);
      await until(() => said.length >= EPOCHS_OF_LIES && ALL_LIES.test(said.at(-1)!), "an epoch with all its lies");
    });
    for (const [index, agent] of agents.entries()) {
      const { incidents, provisional, traffic, members, epoch } = meshOf(agent);
      assert.equal([incidents, provisional, alertsOf(honest[index]!)], [[], [], []]);
      assert.equal(members.filter(({ guilty }) => guilty), [], "its chain is without fault");
      assert.ok(memberOf(agent, liars).lastEpoch! >= epoch - 2, "and its statements are heard");
      assert.ok(traffic.refused["bad-certificate"]! > 0, "what it forged came");
    }
    const again = await startAgentOf(liars, csms.url);
    await until(() => isNamed(stage), "the liar is named").finally(() => again.stop());
    assertNamed(stage);
  }));

test("a process that says two things at once is named by all, with proof, and its charger charges on", () =>
  withThree(async (stage) => {
    const { liars, csms } = stage;
    const script = join(repoRoot, "hil-tests", "attackers", "liar-agent.ts");
    const config = configure(liars, csms.url);
    const liar = new AgentProcess([
      join(repoRoot, "build", "run.mjs"), script, "--config", config, "--behaviour", "equivocate",
    ], join(liars.folder, "liar.log"));
    await liar.start();
    await until(() => isNamed(stage), "the liar is named");
    assertNamed(stage);
    assert.is(await liar.stop(), 0, "ends when it is asked to");
  }));
