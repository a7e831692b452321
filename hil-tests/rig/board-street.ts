/** The street of the board on the bench: nine members of one zone, eight of them processes of this machine's Node. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AGENT_FILE, AgentProcess } from "../bench/agent-process.ts";
import { enrol, signedRoster } from "../bench/street-enrolment.ts";
import { freePort } from "../bench/street-ports.ts";
import { OUTSIDE } from "./private-net.ts";

/** As many as everybody of a zone of nine is linked with (gossip/membership.ts). */
export const NEIGHBOURS = 8;
const LIARS_TOLERATED = 2;
/** As of a car park: some ten metres from one to the next. */
const STEP_DEGREES = 0.0001;
const RATED_W = 22_000;

export interface BoardStreet {
  /** Public half, as `keygen --operator` printed it. */
  readonly operator: string;
  /** The file of the operator's own key. */
  readonly key: string;
  readonly roster: string;
  /** The state directory with the board's own keys. */
  readonly boardState: string;
  readonly epochS: number;
}

interface Neighbour {
  readonly id: string;
  readonly state: string;
  readonly port: number;
}

const regionOf = (ids: readonly string[]): string => JSON.stringify({
  version: 1, region: "bench", timezone: "Etc/UTC",
  zones: [{ id: "car-park", ratingW: ids.length * RATED_W, liarsTolerated: LIARS_TOLERATED,
    stations: ids.map((id, i) => ({ id, lat: 36.72, lon: -4.42 + i * STEP_DEGREES, ratedW: RATED_W, evses: 1,
      ocppVersion: "1.6" })) }],
});

export class Neighbours {
  readonly #all: readonly Neighbour[];
  readonly #agents: AgentProcess[] = [];

  constructor(all: readonly Neighbour[]) {
    this.#all = all;
  }

  /** Settles when all of them run. They have no chargers: what they state is quiet. */
  async start({ operator, roster, epochS }: BoardStreet): Promise<void> {
    await Promise.all(this.#all.map(async ({ id, state, port }) => {
      const config = `${state}.json`;
      writeFileSync(config, JSON.stringify({
        station: id, csms: "ws://127.0.0.1:9", listen: "ws://127.0.0.1:0", stateDir: state, epochS,
        operators: { threshold: 1, keys: [operator] },
        // All addresses of a network of its own: as the others of this machine dial it, and as the board does.
        mesh: { roster, listen: `mqtts://0.0.0.0:${port}`, advertise: `mqtts://${OUTSIDE}:${port}` },
      }));
      const agent = new AgentProcess([AGENT_FILE, "run", "--config", config], `${state}.log`);
      this.#agents.push(agent);
      await agent.start();
    }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#agents.splice(0).map((agent) => agent.killForGood()));
  }
}

export interface Laid {
  readonly street: BoardStreet;
  readonly busy: BoardStreet;
  readonly brokerPort: number;
  readonly neighbours: Neighbours;
}

/** Keys of nine, and a roster of them for each pace. */
export async function layStreets(folder: string, board: string, signal: AbortSignal): Promise<Laid> {
  const brokerPort = await freePort();
  const others: Neighbour[] = [];
  const members = join(folder, "street");
  mkdirSync(members);
  const boardState = join(members, board);
  await enrol({ id: board, state: boardState, address: `${OUTSIDE}:${brokerPort}` }, members, signal);
  for (let i = 0; i < NEIGHBOURS; i++) {
    const [id, port] = [`N-${i + 1}`, await freePort()];
    others.push({ id, port, state: join(members, id) });
    await enrol({ id, state: join(members, id), address: `${OUTSIDE}:${port}` }, members, signal);
  }
  const region = regionOf([board, ...others.map(({ id }) => id)]);
  const [street, busy] = await Promise.all(([["slow", 10], ["busy", 1]] as const).map(async ([name, epochS]) => {
    const own = join(folder, name);
    mkdirSync(own);
    cpSync(join(members, "members"), join(own, "members"), { recursive: true });
    return { ...await signedRoster({ folder: own, region, epochS }, signal), boardState, epochS };
  }));
  return { street: street!, busy: busy!, brokerPort, neighbours: new Neighbours(others) };
}
