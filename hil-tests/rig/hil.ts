/**
 * `npm run hil NAME [-- --quick --keep --act ID --xml FILE --json FILE]`: plays a scenario on hosts of their own. What
 * is missing on this machine is said on one line and counted as skipped.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { UsageError } from "../../edge-agent/usage-error.ts";
import { MissingTool } from "../../build/package/tools.ts";
import { actsAsked } from "./act-names.ts";
import { playBoard } from "./board.ts";
import { playInstalled } from "./installed.ts";
import { Recorder } from "./recorder.ts";
import { playRig } from "./rig.ts";
import { parseBoardFile } from "./real/board-file.ts";
import { dryRun, playReal } from "./real/play-board.ts";
import { playQemuOverSsh } from "./real/qemu-board.ts";
import { playSimulation } from "./simulation.ts";
import { playSystemd } from "./systemd.ts";

const BENCHES: Readonly<Record<string, string>> = {
  "street-sim": "the street's acts in virtual time, in one process, with the soak's checkers",
  "street": "twelve agents as processes of this machine's Node, each on a host of its own",
  "street-arm": "the same with ten agents on emulated arm64 and two on emulated ARMv7",
  "board": "a whole arm64 board in QEMU: a session from outside, power cuts, updates, no clock, figures",
  "board-ssh": "the QEMU board over SSH, as if it were a real one",
  "systemd": "the package's units under a systemd of their own: socket, credentials, watchdog, kill, stop",
  "installed": "the package for Debian in a root folder of its own, and the README's five commands in it",
};

const HELP = `npm run hil NAME [-- OPTIONS]

${Object.entries(BENCHES).map(([name, what]) => `  ${name.padEnd(12)} ${what}`).join("\n")}

  --quick      the shorter list of acts of hil-tests/rig/scenarios/street.yaml; board: ten power cuts, not fifty, and
               a minute of quiet to average over, not ten
  --act ID,..  these acts alone
  --cuts N     board: how many power cuts
  --image DIR  board: one that npm run package -- qemu-virt-arm64 made, in place of one of now
  --board FILE board: a real one, as hil-tests/rig/real/board.example.yaml has it: its own acts, and those of
               the street's scenario file with it as one house of twelve
  --dry-run    with it: says what would be done, and does nothing
  --keep       keep the folder with configurations, logs and alerts
  --xml FILE   results as JUnit's XML
  --json FILE  results and what happened when, as JSON
`;

async function playFile(
  name: string, file: string | undefined, isDry: boolean, options: Parameters<typeof playReal>[1],
): Promise<number> {
  if (name !== "board" || file === undefined) throw new UsageError("--board FILE and --dry-run: allowed: with board");
  const board = parseBoardFile(readFileSync(file, "utf8"));
  if (!isDry) return await playReal(board, options);
  process.stdout.write(dryRun(board, options));
  return 0;
}

async function main(): Promise<number> {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values, positionals: [name = "", more] } = parseArgs({
    options: {
      quick: flag, keep: flag, help: flag, act: text, cuts: text, image: text, board: text, "dry-run": flag, xml: text,
      json: text,
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (!Object.hasOwn(BENCHES, name) || more !== undefined) {
    console.error(`hil: found ${more ?? (name || "no name")}; allowed: ${Object.keys(BENCHES).join(", ")}`);
    return 2;
  }
  const { quick, keep, act, cuts, image, xml, json } = values;
  const isReal = values.board !== undefined || values["dry-run"];
  const acts = actsAsked(name === "board" && isReal ? "real" : name, act);
  const files = { ...(xml !== undefined && { xml }), ...(json !== undefined && { json }) };
  const chosen = { keep, quick, ...(acts !== undefined && { acts }), ...files };
  if (isReal) {
    return await playFile(name, values.board, values["dry-run"], chosen);
  }
  if (name === "board-ssh") return await playQemuOverSsh(chosen);
  if (name === "board") {
    const wrong = cuts !== undefined && !/^[1-9][0-9]?$/.test(cuts);
    if (wrong) throw new TypeError(`--cuts: found ${cuts}; allowed: 1 to 99`);
    const made = image === undefined ? {} : { made: image };
    const often = { cuts: Number(cuts ?? (quick ? 10 : 50)), quietS: quick ? 60 : 600 };
    return await playBoard({ ...chosen, ...often, ...made });
  }
  if (name === "street-sim") {
    const recorder = new Recorder(name);
    await playSimulation({ quick, ...(acts !== undefined && { acts }) }, recorder);
    return recorder.end(files);
  }
  if (name === "systemd") {
    const recorder = new Recorder(name);
    await playSystemd(chosen, recorder);
    return recorder.end(files);
  }
  if (name === "installed") {
    const recorder = new Recorder(name);
    await playInstalled(keep, recorder);
    return recorder.end(files);
  }
  return await playRig({ ...chosen, emulated: name === "street-arm", quick });
}

try {
  process.exitCode = await main();
} catch (error) {
  const missing = error instanceof MissingTool;
  console.error(`hil: ${(error as Error).message}`);
  if (missing) console.log("0 passed, 0 failed, 1 skipped");
  // What was skipped has not passed.
  process.exitCode = error instanceof TypeError || error instanceof UsageError ? 2 : 1;
}
