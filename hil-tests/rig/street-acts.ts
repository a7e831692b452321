/** The acts of a street whose agents are processes or boards: opened, played one by one, and looked back on. */
import { ACT_WITHIN_S, type Outcome } from "../bench/acts/act.ts";
import { ACTS } from "../bench/acts/acts.ts";
import type { Street } from "../bench/street.ts";
import { PARTITION } from "./partition.ts";
import type { Recorder } from "./recorder.ts";

/** How often learning says how far it is. */
const SAID_EVERY = 0.25;

export async function openStreet(recorder: Recorder, street: Street): Promise<void> {
  let learnt = 0;
  await street.open({ note: (text) => recorder.say(text), learning: (share) => {
    if (share - learnt < SAID_EVERY) return;
    learnt = share;
    recorder.say(`learned ${Math.round(100 * share)} %`);
  } });
}

/** Act by the scenario's name; `partition`: how the street falls in two, or why it cannot. */
export async function playStreetAct(
  recorder: Recorder, street: Street, id: string, partition: (() => Promise<Outcome>) | string,
): Promise<void> {
  const act = ACTS.find((one) => one.id === id);
  const { name, told } = act ?? PARTITION;
  if (act === undefined && typeof partition === "string") {
    recorder.skip({ id, name, told }, partition);
    // What it has beside the partition: the record, read later, is to hold certificates of that zone too.
    return await playStreetAct(recorder, street, "c", partition);
  }
  const withinS = ACT_WITHIN_S * street.ground.pace;
  const late = async (): Promise<Outcome> => {
    await street.seconds(withinS);
    return { observed: `not over after ${withinS} s`, asTold: false };
  };
  const play = act === undefined ? partition as () => Promise<Outcome> : () => act.play(street, undefined);
  await recorder.play({ id, name, told }, () => Promise.race([play(), late()]));
}

export function tellDeaths(recorder: Recorder, street: Street): void {
  const dead = street.deaths();
  recorder.add({ id: "agents", name: "no agent ends unasked", told: "none", tookS: 0,
    observed: dead.length === 0 ? "none" : dead.join(", "), state: dead.length === 0 ? "passed" : "failed" });
}
