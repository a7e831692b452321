/**
 * `npm start`: a street of twelve chargers, watched by twelve agents without a server, attacked in seven acts. The exit
 * code is 0 only if every act ended as told.
 */
import { setMaxListeners } from "node:events";
import type { Act, Outcome } from "./acts/act.ts";
import { actsFor } from "./acts/acts.ts";
import { figures, sample } from "./street-figures.ts";
import { type Options, readOptions } from "./street-options.ts";
import { Screen, standardOutput } from "./street-screen.ts";
import { StreetPage } from "./street-page.ts";
import { Stage } from "./street-stage.ts";
import { Street } from "./street.ts";
import { streetView } from "./street-view.ts";
import { wordTable } from "./told-table.ts";

interface Played {
  readonly act: Act;
  readonly outcome: Outcome;
}

async function playAll(
  street: Street, stage: Stage, screen: Screen, { only, sabotage }: Options,
): Promise<Played[]> {
  const acts = only === "none" ? [] : actsFor(only);
  stage.busy = "the acts are being played one after another";
  const played: Played[] = [];
  for (const [index, act] of acts.entries()) {
    const [no, of] = [index + 1, acts.length];
    await screen.act(street, act, { no, of, state: "playing" });
    const own = sabotage !== undefined && Object.hasOwn(act.sabotages, sabotage) ? sabotage : undefined;
    const outcome = await stage.play(act.id, own);
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

/** The page of the street, with the acts as buttons. */
async function openPage(street: Street, stage: Stage, screen: Screen): Promise<StreetPage> {
  const page = await StreetPage.open({
    houses: new Map(street.houses.map(({ id, state }) => [id, state])), view: () => streetView(street, stage),
    hindrance: (act) => stage.hindrance(act), monoMs: () => performance.now(),
    play: (act) => void stage.play(act).then(({ observed, asTold }) =>
      screen.note(`act ${act}: ${asTold ? "as told" : "NOT AS TOLD"}; observed: ${observed}`)),
  });
  screen.note(`the street's page: ${page.url}`);
  return page;
}

async function demonstrate(street: Street, stage: Stage, screen: Screen, options: Options): Promise<number> {
  const since = performance.now();
  await street.open(screen, options.stay);
  screen.note(`the street is watched after ${seconds(since)}`);
  if (options.only === "none") return 0;
  const before = sample(street.houses);
  screen.draw(street);
  const played = await playAll(street, stage, screen, options);
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

function howToLook({ folder, houses }: Street, page: string): string {
  return `\nStill running, in ${folder}. Look at the street, and play acts:\n  ${page}\nLook at an agent:\n` +
    `  node dist/kerbwatch.cjs status --state ${houses[0]!.state}\nCtrl-C ends it.`;
}

/** Plays; the street is closed and its folder removed whatever happens, and at once when it is told to stop. */
async function run(options: Options, stop: AbortSignal): Promise<number> {
  const stopped = new Promise<undefined>((resolve) => stop.addEventListener("abort", () => resolve(undefined)));
  const street = await Street.lay(stop);
  const screen = new Screen(standardOutput());
  const stage = new Stage(street);
  let page: StreetPage | undefined;
  try {
    if (options.stay) page = await openPage(street, stage, screen);
    const demonstration = demonstrate(street, stage, screen, options);
    demonstration.catch(() => {}); // told by the race, unless somebody has stopped it
    const code = await Promise.race([demonstration, stopped]);
    if (page !== undefined && code !== undefined) {
      stage.busy = undefined;
      screen.note(howToLook(street, page.url));
      await stopped;
    }
    return code ?? 1;
  } finally {
    await Promise.all([screen.end(), page?.close()]);
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
