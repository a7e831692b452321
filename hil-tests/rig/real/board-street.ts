/** The scenario file's street with a board as one of its houses, and processes of this machine as the others. */
import { setMaxListeners } from "node:events";
import { AGENT_FILE } from "../../bench/agent-process.ts";
import { Street } from "../../bench/street.ts";
import type { Ground, Place } from "../../bench/street-ground.ts";
import { ACTS } from "../../bench/acts/acts.ts";
import { PARTITION } from "../partition.ts";
import type { Recorder } from "../recorder.ts";
import { scenarioFile } from "../simulation.ts";
import { openStreet, playStreetAct, tellDeaths } from "../street-acts.ts";
import type { BoardFile } from "./board-file.ts";
import { BoardHouse } from "./board-house.ts";
import type { BoardLink } from "./board-link.ts";

export interface StreetChoice {
  readonly quick: boolean;
  readonly keep: boolean;
  readonly acts?: readonly string[];
}

export const NO_PARTITION = "no partition: what the board and this machine send each other is not cut";

/** The scenario's acts that are to be played. */
export function streetActs({ quick, acts }: StreetChoice): readonly string[] {
  const scenario = scenarioFile();
  return acts?.filter((id) => scenario.acts.includes(id)) ?? (quick ? scenario.quick : scenario.acts);
}

function groundOf(file: BoardFile, link: BoardLink, street: NonNullable<BoardFile["street"]>): Ground {
  const { [street.speed]: speed } = scenarioFile();
  const board: Place = {
    host: file.charger.host, command: () => ["false"], elsewhere: new BoardHouse(file, link, street),
  };
  const here: Place = {
    host: "127.0.0.1", command: (config) => [process.execPath, AGENT_FILE, "run", "--config", config],
  };
  return { hub: file.outside, bind: file.bind, ...speed, place: ({ station }) =>
    (station === street.station ? board : here) };
}

/** Plays them; skipped where the board file has no `street`. The board's own configuration is put back by others. */
export async function playBoardStreet(
  file: BoardFile, link: BoardLink, recorder: Recorder, choice: StreetChoice,
): Promise<void> {
  const acts = streetActs(choice);
  if (acts.length === 0) return;
  if (file.street === undefined) {
    for (const id of acts) {
      const { name, told } = ACTS.find((one) => one.id === id) ?? PARTITION;
      recorder.skip({ id, name, told }, "the board file has no `street`");
    }
    return;
  }
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const street = await Street.lay(stop.signal, groundOf(file, link, file.street));
  try {
    recorder.say(`the board is ${file.street.station} of the street`);
    await openStreet(recorder, street);
    for (const act of acts) await playStreetAct(recorder, street, act, NO_PARTITION);
    tellDeaths(recorder, street);
  } finally {
    stop.abort();
    await street.close(choice.keep);
    if (choice.keep) recorder.say(`kept: ${street.folder}`);
  }
}
