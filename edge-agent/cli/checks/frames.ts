/** Is the broker there that frames come from beside the line? */
import { probeBroker } from "../../adapters/mesh-probe.ts";
import { readBroker } from "../../adapters/tls-files.ts";
import { mqttText } from "../../config-schema.ts";
import type { Config, Environment } from "../../config.ts";
import { plainText } from "../../plain-text.ts";
import type { Status } from "../../status.ts";
import { failed, passed } from "./check.ts";
import type { Check } from "./check.ts";

/** `running`: the status of the agent that runs on this state directory, if one does. */
export async function checkFrames(
  { frames }: Config, env: Environment, running: Status | undefined, timeOutMs: number,
): Promise<Check[]> {
  if (frames === undefined) return [];
  const where = `${mqttText(frames.broker)} ${frames.module}`;
  if (running?.frames?.state === "listening") return [passed("frames", `${where}: the running agent listens`)];
  let why: string | undefined;
  try {
    const { host, port, ca } = readBroker("frames.broker", frames.broker, env);
    why = await probeBroker({ host, port }, undefined, ca === undefined ? {} : { ca }, timeOutMs);
  } catch (error) {
    why = (error as Error).message; // files that cannot be read
  }
  return [why === undefined ? passed("frames", `${where}: the broker answers`)
    : failed("frames", `${where}: ${plainText(why, 200)}`, "see frames.broker, and whether EVerest runs")];
}
