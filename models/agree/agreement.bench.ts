/**
 * `npm run bench agreement [-- --quick --json FILE --seed S --sizes 4/1,7/2]`: the zone's decision held against other
 * rules, on the same streams, each rule at thresholds that this run measures: for honest peers, and safe against f
 * framers in their worst lies. The plain Gaussian stage at one false alarm in 5,000 windows, and streets with the real
 * detectors at each key's share of one false alert a zone and year (BUDGET_PER_YEAR). Tables show mean delays, or the
 * share of trials in which the attack was found where that is not all; "-" is never, or a threshold that is not to be
 * had: no rule may have one that honest data were too few for. The picture goes to dist/bench/agreement.svg.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { repoRoot } from "../../build/paths.ts";
import { seeded } from "../../build/seeded.ts";
import {
  controlTable, delayPicture, delayTable, mapTable, overCentre, thresholdTable,
} from "./baselines/agreement-text.testing.ts";
import { controls, delays, type Effort, INTERVAL, type Size, thresholds } from "./baselines/gaussian-table.testing.ts";
import { localisation, type MapRow } from "./baselines/localisation.testing.ts";
import type { ControlRow, DelayRow, ThresholdRow } from "./baselines/rows.testing.ts";
import { POSSIBLE, RULES, ZONE_RULE } from "./baselines/rules.testing.ts";
import { ATTACKS } from "./baselines/street-attacks.testing.ts";
import { learnZone, SHIPPED, streetControls, streetDelays } from "./baselines/street-stage.testing.ts";
import { zoneSizes } from "./zone-sizes.testing.ts";

interface Results {
  readonly parameters: object;
  readonly thresholds: ThresholdRow[];
  readonly delays: DelayRow[];
  readonly controls: ControlRow[];
  readonly maps: MapRow[];
}

const MAIN: Size = { n: 20, f: 3 };

type Diced = (seed: number) => ReturnType<typeof seeded>;

const heading = (text: string): void => console.log(`\n${text}`);
const nameOf = ({ n, f }: Size): string => `n = ${n}, f = ${f}`;

function ratios(rows: readonly DelayRow[], rules: readonly string[]): void {
  for (const rule of rules) {
    const [none, hide] = ["no liars", "f hide"].map((name) => overCentre(rows, rule, name));
    console.log(`${rule} over the centre: without liars ${none} (aim 1.5), with f hiders ${hide} (aim 2.5)`);
  }
}

function gaussian(size: Size, shifts: readonly number[], effort: Effort, diced: Diced, into: Results): void {
  const levels = thresholds(size, effort, diced);
  heading(`Gaussian, ${nameOf(size)}: thresholds for honest peers / safe, nats; ${effort.runs} runs of `
    + `${effort.windows} windows for one false alarm in ${INTERVAL}`);
  console.log(thresholdTable(levels));
  into.thresholds.push(...levels);
  for (const shift of shifts) {
    const rows = delays(size, shift, levels, effort, diced);
    heading(`Gaussian, ${nameOf(size)}, +${shift} sigma: delay in windows, ${effort.trials} trials of ${effort.most}`);
    console.log(delayTable(rows));
    ratios(rows, [POSSIBLE, ZONE_RULE, "floor at -1"]);
    into.delays.push(...rows);
  }
  const single = controls(size, levels, effort, diced);
  heading(`Gaussian, ${nameOf(size)}: one station at ${single[0]?.fault}: share of ${effort.trials} runs that raise`);
  console.log(controlTable(single));
  into.controls.push(...single);
}

function streets(size: Size, years: number, trials: number, diced: Diced, into: Results): void {
  const zone = learnZone(size, years, diced);
  heading(`Street, ${nameOf(size)}: thresholds for honest peers / safe, nats; ${years} honest years`);
  console.log(thresholdTable(zone.thresholds));
  into.thresholds.push(...zone.thresholds);
  for (const attack of ATTACKS) {
    const rows = streetDelays(zone, attack, trials, diced);
    heading(`Street, ${nameOf(size)}, ${attack.name}: delay in seconds, ${trials} trials of ${attack.hours} h`);
    console.log(delayTable(rows));
    ratios(rows, [POSSIBLE, ZONE_RULE, SHIPPED]);
    into.delays.push(...rows);
  }
  const single = streetControls(zone, trials, diced);
  for (const fault of new Set(single.map((row) => row.fault))) {
    heading(`Street, ${nameOf(size)}: ${fault}: share of ${trials} runs in which that key raises`);
    console.log(controlTable(single.filter((row) => row.fault === fault)));
  }
  into.controls.push(...single);
  const maps = localisation(zone, trials, diced);
  heading(`Street, ${nameOf(size)}: F1 of the map, ${trials} trials each, honest members / all members`);
  console.log(mapTable(maps));
  into.maps.push(...maps);
}

function picture(rows: readonly DelayRow[]): void {
  const folder = join(repoRoot, "dist", "bench");
  mkdirSync(folder, { recursive: true });
  const shown = rows.filter(({ stage, n, attack }) => stage === "gaussian" && n === MAIN.n && attack === "+0.3 sigma");
  if (shown.length === 0) return;
  const title = `Delay by rule: 20 stations, f = 3, +0.3 sigma, one false alarm in ${INTERVAL} windows under framers`;
  writeFileSync(join(folder, "agreement.svg"), delayPicture(title, "windows", shown));
  heading("picture: dist/bench/agreement.svg");
}

/** Says on standard error how much is done and about how long the rest takes, by members that were played. */
function progress(total: number): (more: number) => void {
  const began = performance.now();
  let done = 0;
  return (more) => {
    done += more;
    const leftMin = Math.ceil(((performance.now() - began) / done) * (total - done) / 60_000);
    console.error(`agreement: ${Math.round((100 * done) / total)} % done, about ${leftMin} min left`);
  };
}

function main(): void {
  const { values } = parseArgs({
    options: {
      json: { type: "string" }, seed: { type: "string" }, sizes: { type: "string" }, quick: { type: "boolean" },
    },
  });
  const quick = values.quick === true;
  const seed = Number(values.seed ?? "1");
  if (!Number.isSafeInteger(seed)) throw new TypeError(`--seed ${values.seed}: not a whole number`);
  const diced: Diced = (trial) => seeded(Math.imul(seed, 0x9e3779b1) + trial);
  const effort: Effort = quick ? { runs: 80, windows: 1_500, trials: 20, most: 120 }
    : { runs: 300, windows: 1_500, trials: 100, most: 300 };
  const sizes = zoneSizes("sizes", values.sizes)
    ?? (quick ? [MAIN] : [{ n: 4, f: 1 }, { n: 7, f: 2 }, MAIN, { n: 60, f: 9 }]);
  const into: Results = {
    parameters: { quick, seed, effort, sizes, rules: Object.keys(RULES) }, thresholds: [], delays: [], controls: [],
    maps: [],
  };
  const tell = progress(sizes.reduce((total, { n }) => total + 2 * n, 0));
  for (const size of sizes) {
    streets(size, quick ? 1 : size.n > 20 ? 1 : 4, quick ? 6 : 24, diced, into);
    tell(size.n);
    gaussian(size, quick || size.n !== MAIN.n ? [0.3] : [0.2, 0.3, 0.6], effort, diced, into);
    tell(size.n);
  }
  picture(into.delays);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(into)}\n`);
}

main();
