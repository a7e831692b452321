/** Who plays seeds: this process, or another one of the same program that stays, since its code is warm by then. */
import { fork } from "node:child_process";
import { drawScenario } from "./draw.ts";
import { runOne } from "./run-one.ts";
import { failureText, Tally, type TallyJson } from "./tally.ts";

/** What came of one seed. */
export interface Played {
  readonly seed: number;
  readonly tally: TallyJson;
  readonly trace: string;
  /** How a failure is told, and seen again. */
  readonly failure?: string;
}

export interface Player {
  /** Rejects when whoever plays it is gone. */
  play(seed: number): Promise<Played>;
  end(): void;
}

export function playSeed(seed: number): Played {
  const scenario = drawScenario(seed);
  const { failed, ...outcome } = runOne({ scenario, seed });
  const tally = new Tally();
  tally.add(scenario, outcome);
  const failure = failed && failureText(failed, seed, scenario, `kerbwatch-sim soak --seed ${seed}`);
  return { seed, tally: tally.json(), trace: outcome.trace, ...(failure !== undefined && { failure }) };
}

export function ownPlayer(): Player {
  return { play: async (seed) => playSeed(seed), end: () => undefined };
}

/** A process that `servePlays` answers in. */
export function otherPlayer(args = ["soak", "--served"]): Player {
  const child = fork(process.argv[1]!, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  return {
    play: (seed) => new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error(`the process that played seed ${seed} is gone`));
      child.once("message", (played) => {
        child.off("close", gone).off("error", gone);
        resolve(played as Played);
      });
      child.once("close", gone).once("error", gone);
      if (child.connected) child.send(seed);
      else gone();
    }),
    end: () => void (child.connected && child.disconnect()),
  };
}

/** Plays what the parent asks for, until it is gone. */
export function servePlays(): Promise<void> {
  return new Promise((resolve) => {
    process.on("message", (seed) => process.send?.(playSeed(seed as number)));
    process.once("disconnect", resolve);
  });
}
