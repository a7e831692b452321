/**
 * `npm run hil NAME [-- --quick --keep --act ID --xml FILE --json FILE]`: plays a scenario on hosts of their own. What
 * is missing on this machine is said on one line and counted as skipped.
 */
import { parseArgs } from "node:util";
import { MissingTool } from "../../build/package/tools.ts";
import { playBoard } from "./board.ts";
import { playInstalled } from "./installed.ts";
import { Recorder } from "./recorder.ts";
import { playRig } from "./rig.ts";

const BENCHES: Readonly<Record<string, string>> = {
  "street": "twelve agents as processes of this machine's Node, each on a host of its own",
  "street-arm": "the same with ten agents on emulated arm64 and two on emulated ARMv7",
  "board": "a whole arm64 board in QEMU: a session from outside, power cuts, updates, no clock, figures",
  "installed": "the package for Debian in a root folder of its own, and the README's five commands in it",
};

const HELP = `npm run hil NAME [-- OPTIONS]

${Object.entries(BENCHES).map(([name, what]) => `  ${name.padEnd(12)} ${what}`).join("\n")}

  --quick      the shorter list of acts of hil-tests/rig/scenarios/street.yaml; board: ten power cuts, not fifty, and
               a minute of quiet to average over, not ten
  --act ID,..  these acts alone
  --cuts N     board: how many power cuts
  --image DIR  board: one that npm run package -- qemu-virt-arm64 made, in place of one of now
  --keep       keep the folder with configurations, logs and alerts
  --xml FILE   results as JUnit's XML
  --json FILE  results and what happened when, as JSON
`;

async function main(): Promise<number> {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values, positionals: [name = "", more] } = parseArgs({
    options: { quick: flag, keep: flag, help: flag, act: text, cuts: text, image: text, xml: text, json: text },
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
  const acts = act?.split(",");
  const files = { ...(xml !== undefined && { xml }), ...(json !== undefined && { json }) };
  const chosen = { keep, ...(acts !== undefined && { acts }), ...files };
  if (name === "board") {
    const wrong = cuts !== undefined && !/^[1-9][0-9]?$/.test(cuts);
    if (wrong) throw new TypeError(`--cuts: found ${cuts}; allowed: 1 to 99`);
    const made = image === undefined ? {} : { made: image };
    const often = { cuts: Number(cuts ?? (quick ? 10 : 50)), quietS: quick ? 60 : 600 };
    return await playBoard({ ...chosen, ...often, ...made });
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
  process.exitCode = error instanceof TypeError ? 2 : 1;
}
