/**
 * `npm start`: one charger, attacked live. The agent is the shipped file as a process; it learns two weeks of honest
 * traffic in virtual time and then meets five acts. Exit code 0 only if every act ended as told.
 */
import { parseArgs } from "node:util";
import type { SimVersion } from "../sim/capture.ts";
import { type Act, ACTS, GOOD_TOKEN, type Outcome } from "./acts.ts";
import { learnTwoWeeks, makeFolder, removeFolder, type Rig, startRig } from "./rig.ts";
import { wordTable } from "./told-table.ts";

const HELP = `npm start [-- OPTIONS]

One agent on a live charger, attacked in five acts; about two minutes. Everything runs on this machine, on loopback.

  --ocpp VERSION   1.6 (default) or 2.0.1
  --stay           leave it all running after the last act, until Ctrl-C
  --keep           keep the folder with configuration, log, alerts and the agent's own output
`;

interface Options {
  readonly version: SimVersion;
  readonly stay: boolean;
  readonly keep: boolean;
}

function readOptions(args: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ocpp: { type: "string", default: "1.6" }, stay: { type: "boolean", default: false },
        keep: { type: "boolean", default: false }, help: { type: "boolean", default: false },
      },
    });
    if (values.help) return HELP;
    if (values.ocpp !== "1.6" && values.ocpp !== "2.0.1") {
      return `--ocpp: found ${values.ocpp}; allowed: 1.6 or 2.0.1\n`;
    }
    return { version: values.ocpp, stay: values.stay, keep: values.keep };
  } catch (error) {
    return `${(error as Error).message}\n\n${HELP}`;
  }
}

/** A bar that grows in place on a terminal; elsewhere a line for each quarter. */
function progress(label: string): (share: number) => void {
  let shown = -1;
  return (share) => {
    const tenths = Math.floor(share * 20);
    if (tenths === shown) return;
    const bar = `${label} [${"#".repeat(tenths)}${" ".repeat(20 - tenths)}] ${Math.round(share * 100)} %`;
    if (process.stdout.isTTY) process.stdout.write(`\r${bar}${share === 1 ? "\n" : ""}`);
    else if (Math.floor(tenths / 5) !== Math.floor(shown / 5)) console.log(bar);
    shown = tenths;
  };
}

interface Played {
  readonly act: Act;
  readonly outcome: Outcome;
}

async function playAll(rig: Rig, version: SimVersion): Promise<Played[]> {
  const played: Played[] = [];
  for (const [index, act] of ACTS.entries()) {
    console.log(`\nAct ${index + 1}: ${act.name}`);
    const outcome = await act.play(rig, version).catch((error: Error): Outcome => ({
      observed: `failed: ${error.message}`, asTold: false,
    }));
    if (outcome.words !== undefined) console.log(`  ${outcome.words}`);
    console.log(`  ${outcome.asTold ? "as told" : "NOT AS TOLD"}: ${outcome.observed}`);
    played.push({ act, outcome });
  }
  return played;
}

/** Of act, told, observed and verdict: 80 columns with the gaps. */
const WIDTHS = [24, 21, 24, 5];

function table(played: readonly Played[]): string {
  const rows = played.map(({ act, outcome }, index) =>
    [`${index + 1}. ${act.name}`, act.told, outcome.observed, outcome.asTold ? "ok" : "WRONG"]);
  const good = played.filter(({ outcome }) => outcome.asTold).length;
  return `\n${wordTable(["Act", "Told", "Observed", ""], rows, WIDTHS)}\n${good} of ${ACTS.length} acts ended as told`;
}

/** Plays everything; the rig is closed and the folder removed whatever happens. */
async function demonstrate({ version, stay, keep }: Options, stop: AbortSignal): Promise<number> {
  const stopped = new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve()));
  const folder = makeFolder();
  let rig: Rig | undefined;
  try {
    console.log(`One charger speaking OCPP ${version}, one agent, one CSMS, one meter.`);
    await learnTwoWeeks(folder, version, progress("learning two weeks of honest traffic"));
    if (stop.aborted) return 1;
    rig = await startRig(folder, version, [GOOD_TOKEN]);
    await rig.agent.start();
    await rig.station.connect();
    await rig.station.boot();
    const played = await Promise.race([playAll(rig, version), stopped.then(() => undefined)]);
    if (played === undefined) return 1;
    console.log(table(played));
    if (stay) {
      console.log(`\nStill running; the agent's folder is ${folder}. Ctrl-C ends it.`);
      await stopped;
    }
    return played.length === ACTS.length && played.every(({ outcome }) => outcome.asTold) ? 0 : 1;
  } catch (error) {
    // A terminal's Ctrl-C ends the children too: what they say of that is no news.
    if (!stop.aborted) throw error;
    return 1;
  } finally {
    if (stop.aborted) console.log("\nstopped; ending what was started");
    await rig?.close();
    if (keep) console.log(`kept: ${folder}`);
    else removeFolder(folder);
  }
}

/** Aborts at the first request to stop; npm passes a signal on that the terminal has sent already. */
function stopAsked(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
  return stop.signal;
}

const options = readOptions(process.argv.slice(2));
if (typeof options === "string") {
  const asked = options === HELP;
  (asked ? console.log : console.error)(options);
  process.exitCode = asked ? 0 : 2;
} else {
  const code = await demonstrate(options, stopAsked()).catch((error: Error) => {
    console.error(`npm start: ${error.message}`);
    return 1;
  });
  process.exit(code);
}
