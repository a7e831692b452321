/**
 * `npm start`: a street of twelve chargers, watched by twelve agents without a server, attacked in seven acts. The exit
 * code is 0 only if every act ended as told.
 */
import { setMaxListeners } from "node:events";
import { type Act, ACT_WITHIN_S, type Outcome } from "./acts/act.ts";
import { actsFor } from "./acts/acts.ts";
import { figures, sample } from "./street-figures.ts";
import { type Options, readOptions } from "./street-options.ts";
import { Screen, standardOutput } from "./street-screen.ts";
import { Street } from "./street.ts";
import { wordTable } from "./told-table.ts";

interface Played {
  readonly act: Act;
  readonly outcome: Outcome;
}

async function outcomeOf(act: Act, street: Street, sabotage: string | undefined): Promise<Outcome> {
  const played = act.play(street, sabotage).catch((error: Error): Outcome =>
    ({ observed: `failed: ${error.message}`, asTold: false }));
  const late = street.seconds(ACT_WITHIN_S).then((): Outcome =>
    ({ observed: `not over after ${ACT_WITHIN_S} s`, asTold: false }));
  return await Promise.race([played, late]);
}

async function playAll(street: Street, screen: Screen, { only, sabotage }: Options): Promise<Played[]> {
  const acts = actsFor(only);
  const played: Played[] = [];
  for (const [index, act] of acts.entries()) {
    const [no, of] = [index + 1, acts.length];
    await screen.act(street, act, { no, of, state: "playing" });
    const own = sabotage !== undefined && Object.hasOwn(act.sabotages, sabotage) ? sabotage : undefined;
    const outcome = await outcomeOf(act, street, own);
    if (street.stop.aborted) break;
    if (outcome.words !== undefined) screen.note(`  ${outcome.words}`);
    screen.note(`  observed: ${outcome.observed}`);
    await screen.act(street, act, { no, of, state: outcome.asTold ? "as told" : "NOT AS TOLD" });
    played.push({ act, outcome });
  }
  return played;
}

/** Of act, told, observed and verdict: 80 columns with the gaps. */
const WIDTHS = [21, 24, 23, 6];

function table(played: readonly Played[]): string {
  const rows = played.map(({ act, outcome }) =>
    [`${act.id}. ${act.name}`, act.told, outcome.observed, outcome.asTold ? "ok" : "WRONG"]);
  const good = played.filter(({ outcome }) => outcome.asTold).length;
  const head = ["Act", "Told", "Observed", ""];
  return `\n${wordTable(head, rows, WIDTHS)}\n${good} of ${played.length} acts ended as told`;
}

function measured(played: readonly Played[], lines: readonly string[]): string {
  const delays = played.flatMap(({ act: { id }, outcome: { tookMs } }) =>
    (tookMs === undefined ? [] : [`act ${id}: ${(tookMs / 1000).toFixed(1)} s from first evidence to certificate`]));
  return ["Measured here:", ...[...delays, ...lines].map((line) => `  ${line}`)].join("\n");
}

const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(0)} s`;

async function demonstrate(street: Street, screen: Screen, options: Options): Promise<number> {
  const since = performance.now();
  await street.open(screen);
  screen.note(`the street is watched after ${seconds(since)}`);
  const before = sample(street.houses);
  screen.draw(street);
  const played = await playAll(street, screen, options);
  const after = sample(street.houses);
  const told = [...(await street.statuses()).values()];
  const ownBytes = told.flatMap((status) => status?.mesh?.traffic.sent.bytesPerEpoch ?? []);
  await screen.end();
  screen.note(table(played));
  screen.note(`\n${measured(played, figures(before, after, ownBytes))}\n  all of it: ${seconds(since)}`);
  const dead = street.deaths();
  if (dead.length > 0) screen.note(`agents that ended though nobody had asked for it: ${dead.join(", ")}`);
  return dead.length === 0 && played.every(({ outcome }) => outcome.asTold) ? 0 : 1;
}

function howToLook({ folder, houses }: Street): string {
  return `\nStill running, in ${folder}. Look at an agent:\n` +
    `  node dist/kerbwatch.cjs status --state ${houses[0]!.state}\nCtrl-C ends it.`;
}

/** Plays; the street is closed and its folder removed whatever happens, and at once when it is told to stop. */
async function run(options: Options, stop: AbortSignal): Promise<number> {
  const stopped = new Promise<undefined>((resolve) => stop.addEventListener("abort", () => resolve(undefined)));
  const street = await Street.lay(stop);
  const screen = new Screen(standardOutput());
  try {
    const demonstration = demonstrate(street, screen, options);
    demonstration.catch(() => {}); // told by the race, unless somebody has stopped it
    const code = await Promise.race([demonstration, stopped]);
    if (options.stay && code !== undefined) {
      screen.note(howToLook(street));
      await stopped;
    }
    return code ?? 1;
  } finally {
    await screen.end();
    if (stop.aborted) screen.note("\nstopped; ending what was started");
    await street.close(options.keep);
    if (options.keep) screen.note(`kept: ${street.folder}`);
  }
}

/** Aborts at the first request to stop; npm passes a signal on that the terminal has sent already. */
function stopAsked(): AbortSignal {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // every wait listens
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
  process.on("uncaughtException", (error) => {
    console.error(`npm start: ${error.stack ?? error.message}`); // a defect of the bench must leave nothing behind
    stop.abort();
  });
  return stop.signal;
}

const asked = readOptions(process.argv.slice(2));
if ("code" in asked) {
  (asked.code === 0 ? process.stdout : process.stderr).write(asked.text);
  process.exitCode = asked.code;
} else {
  const code = await run(asked, stopAsked()).catch((error: Error) => {
    console.error(`npm start: ${error.message}`);
    return 1;
  });
  process.exit(code);
}
