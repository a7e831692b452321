/**
 * `npm run bench held-out [-- --quick --json FILE --seed S --sizes 20/3,4/1]`: how soon a zone has an attack that is
 * thin at each of its stations, on cities whose sessions no threshold has seen. The zone's thresholds are those that
 * ship, for one certified false alert a zone and year under the worst lies (models/agree/zone-laws.ts): measured on
 * made-up streets and on no city. Beside it a centre that hears everything and has no liars, at the same budget of each
 * key, by honest streets of the same make and these cities' honest days (what was measured on neither: by what evidence
 * itself promises), nor below the mean that a zone asks for where stations' evidence may have one cause. And what is
 * possible at most, at the centre's thresholds, for anybody who is safe against f framers.
 *
 * First what honest days raise, with and without framers; then each attack of zone scope, at three strengths, with
 * liars, losses and partitions; then zones of other sizes. A cell is the median delay in seconds, or the share of
 * trials in which it was found where that is not all. Trials in which it is not possible are told apart. Copied cards
 * are left out: stations tell one another of them in notes, which are not played here.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { sharedDir } from "../../../build/paths.ts";
import { zoneSizes } from "../../../models/agree/zone-sizes.testing.ts";
import { ATTACKS } from "../../attackers/catalogue.ts";
import { STRENGTH_NAMES, type StrengthName, STRENGTHS } from "../../attackers/strength.ts";
import { CITIES, stationsOf } from "../detection/cities.ts";
import { Progress } from "../detection/progress.ts";
import { streetLevels } from "./street-levels.ts";
import { attackTable, honestText, sizeTable } from "./text.ts";
import { fits, type HonestYears, honestYears, type Trial, trial } from "./trials.ts";
import type { ZoneSize } from "./zone-cases.ts";
import { type DaysPlan, type ZoneDays, zoneDays } from "./zone-days.ts";

const MAIN: ZoneSize = { n: 20, f: 3 };
const isMain = ({ n, f }: ZoneSize): boolean => n === MAIN.n && f === MAIN.f;
const SIZES: readonly ZoneSize[] = [
  { n: 4, f: 1 }, { n: 7, f: 2 }, { n: 12, f: 3 }, MAIN, { n: 30, f: 4 }, { n: 60, f: 9 },
];
/** At these an attack may begin: morning, noon and evening of different days. */
const MOMENT_HOURS = [9, 24 + 12, 48 + 17, 96 + 8, 120 + 15];
const LEFT_OUT = new Set(["credential-cloning"]);

interface Effort {
  readonly cities: readonly string[];
  readonly learnDays: number;
  readonly days: number;
  readonly moments: number;
  /** Honest streets, each for a year, for the centre's thresholds. */
  readonly streets: number;
}
const QUICK: Effort = { cities: ["Caltech", "Elaad"], learnDays: 14, days: 4, moments: 2, streets: 2 };
const FULL: Effort = { cities: CITIES.map(({ name }) => name), learnDays: 28, days: 10, moments: 5, streets: 12 };

const zoneAttacks = () => Object.entries(ATTACKS).filter(([, { scope, threat }]) =>
  scope === "zone" && !LEFT_OUT.has(threat)).map(([name, { threat, amount }]) => ({ name, threat, amount }));

function trialsOf(
  zones: readonly ZoneDays[], size: ZoneSize, honest: HonestYears, strengths: readonly StrengthName[],
): Trial[] {
  const able = zones.filter((zone) => fits(zone, size));
  const attacks = zoneAttacks();
  const progress = new Progress(`zones of ${size.n}`, attacks.length);
  return attacks.flatMap((attack, done) => {
    progress.at(done);
    return strengths.flatMap((strength) => able.flatMap((zone) => zone.moments.flatMap((_, moment) =>
      trial(zone, size, moment, attack, strength, honest.centre) ?? [])));
  });
}

function main(shared: string): void {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { json: text, seed: text, sizes: text, quick: { type: "boolean" } } });
  const sizes = zoneSizes("sizes", values.sizes) ?? SIZES;
  const effort = values.quick === true ? QUICK : FULL;
  const seed = Number(values.seed ?? 1);
  const { learnDays, days, moments } = effort;
  const plan: DaysPlan = { seed, learnDays, days, momentHours: MOMENT_HOURS.slice(0, moments) };
  const most = Math.max(...sizes.map(({ n }) => n));
  const cities = CITIES.filter(({ name }) => effort.cities.includes(name));
  const progress = new Progress("honest days", cities.length * most);
  let done = 0;
  const zones = cities.map((city) => zoneDays(city.name, stationsOf(shared, city), most, plan,
    () => progress.at(done += 1)));
  const honest = new Map(sizes.map((size) =>
    [size, honestYears(zones, size, streetLevels(size.n, effort.streets, seed))]));
  console.log(honestText(zones, honest));
  const amounts = new Map(zoneAttacks().map(({ name, amount }) => [name, (of: StrengthName) =>
    amount(STRENGTHS[of])]));
  const bySize = sizes.map((size) => {
    const trials = trialsOf(zones, size, honest.get(size)!, isMain(size) ? STRENGTH_NAMES : ["strong"]);
    if (isMain(size)) console.log(attackTable(MAIN, trials, (name, strength) => amounts.get(name)!(strength)));
    return { size, trials };
  });
  console.log(sizeTable(bySize));
  if (values.json === undefined) return;
  writeFileSync(values.json, JSON.stringify({ effort, seed, bySize,
    honest: [...honest].map(([size, { centre, ...rest }]) => ({ size, ...rest, centre: [...centre] })) }));
}

const shared = sharedDir();
if (shared === undefined) console.log("held-out: skipped: no ../shared");
else main(shared);
