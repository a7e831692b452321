/** One run from its beginning to its end or its first failed checker. */
import { CHECKERS } from "./checkers/checkers.ts";
import type { Scenario } from "./scenario.ts";
import type { SimAgent } from "./sim-agent.ts";
import { CheckFailure, type CreateChecker, World } from "./world.ts";

export interface Failed {
  readonly checker: string;
  readonly text: string;
  /** Epochs since the run began. */
  readonly at: number;
}

export interface Outcome {
  readonly counts: World["counts"];
  readonly trace: string;
  /** Incidents that honest agents held at the end. */
  readonly certified: number;
  readonly named: number;
  readonly failed?: Failed;
}

export interface RunOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly checkers?: readonly CreateChecker[];
  readonly bend?: (agent: SimAgent, world: World) => void;
}

/** What throws in a core is a failure too: nothing that others send may do that. */
const DEFECT = "nothing throws";

export function runOne({ scenario, seed, checkers = CHECKERS, bend }: RunOptions): Outcome {
  const world = new World({ scenario, seed, checkers, ...(bend !== undefined && { bend }) });
  const failed = play(world);
  const honest = world.agents.filter((agent) => world.isHonest(agent));
  const alerts = honest.flatMap((agent) => agent.alerts);
  const raised = alerts.filter(({ threat, state }) => threat !== "agent-misbehaviour" && state === "raised");
  const named = alerts.filter(({ threat }) => threat === "agent-misbehaviour").flatMap(({ stations }) => stations);
  return {
    counts: world.counts, trace: world.trace, certified: new Set(raised.map(({ incidentId }) => incidentId)).size,
    named: new Set(named).size, ...(failed !== undefined && { failed }),
  };
}

function play(world: World): Failed | undefined {
  try {
    world.run();
    return undefined;
  } catch (error) {
    const at = world.at;
    if (error instanceof CheckFailure) return { checker: error.checker, text: error.message, at };
    const { message, stack = "" } = error as Error;
    const place = stack.split("\n").slice(1, 4).map((line) => line.trim()).join("; ");
    return { checker: DEFECT, text: `${DEFECT}: ${message} (${place})`, at };
  }
}
