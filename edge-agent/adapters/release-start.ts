/**
 * At a start: becomes the release that the pointer names, in this very process, so that no second one has to be paid
 * for and signals, sockets and the service manager stay with it. The program that was given by hand is the root: it
 * checks signatures and hash at each start, since the state directory is the agent's own to write.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { readOperators } from "../operators.ts";
import { choose, programOf, readPointer, writePointer } from "../update/install.ts";
import { takenBack } from "../update/pointer.ts";
import { nodeCrypto } from "./crypto.ts";
import { releaseFolder, releasesIn } from "./release-folder.ts";

/** Tells the program of a release what it is; set in its process alone, and taken out by it: `<hash> trial|kept`. */
const RELEASE_VARIABLE = "KERBWATCH_RELEASE";

type Environment = Record<string, string | undefined>;

/** Of the release that this process became; undefined: it is the program given by hand. */
export interface OwnRelease {
  readonly hash: string;
  readonly onTrial: boolean;
}

/** Takes the variable out of `env`: no child is to believe that it was meant. */
export function ownRelease(env: Environment): OwnRelease | undefined {
  const [hash, state] = env[RELEASE_VARIABLE]?.split(" ") ?? [];
  delete env[RELEASE_VARIABLE];
  return hash === undefined ? undefined : { hash, onTrial: state === "trial" };
}

/**
 * Starts the release's program with this process's arguments, if there is one; false: go on with this one. A release
 * on trial that throws as it is loaded is taken back there and then, and what ran before it runs; what goes wrong
 * later ends the process and counts against the trial.
 */
export function becomesRelease(config: Config, env: Environment, say: (text: string) => void): boolean {
  const { operators, stateDir } = config;
  if (operators === undefined) return false;
  const crypto = nodeCrypto();
  const trusted = readOperators(crypto, operators.threshold, operators.keys);
  if (!trusted.ok) return false; // said where the configuration is used
  const folder = releaseFolder(stateDir);
  try {
    for (;;) {
      const { release, onTrial } = choose(folder, crypto, trusted.value);
      if (release === undefined) return false;
      env[RELEASE_VARIABLE] = `${release.hash} ${onTrial ? "trial" : "kept"}`;
      say(`release ${release.sequence} (${release.name})${onTrial ? " on trial" : ""} takes over`);
      const failed = loadProgram(join(releasesIn(stateDir), programOf(release.hash)));
      if (failed === undefined) return true;
      if (!onTrial) throw failed;
      const why = `it does not start: ${failed.message}`;
      say(why);
      writePointer(folder, takenBack(readPointer(folder), why));
    }
  } catch (error) {
    delete env[RELEASE_VARIABLE];
    say(`update: no release is started (${(error as Error).message}); the program given by hand runs`);
    return false;
  }
}

/** Why it could not be loaded; this program goes on as it was then. */
function loadProgram(path: string): Error | undefined {
  const own = process.argv[1]!;
  process.argv[1] = path;
  try {
    createRequire(path)(path);
  } catch (error) {
    process.argv[1] = own;
    return error as Error;
  }
  // Its own handlers take the place of this program's, which came first.
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    for (const first of process.listeners(event as "uncaughtException").slice(0, 1)) process.off(event, first);
  }
  return undefined;
}
