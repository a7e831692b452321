/** The tables of the held-out bench, at most 120 columns. */
import { STRENGTH_NAMES, type StrengthName } from "../../attackers/strength.ts";
import { CENTRE, type HonestYears, POSSIBLE, POSSIBLE_HIDDEN, type Trial } from "./trials.ts";
import { casesOf, type ZoneSize } from "./zone-cases.ts";
import type { ZoneDays } from "./zone-days.ts";

const NAME = 28;
const CELL = 7;

const row = (head: string, cells: readonly string[]): string =>
  head.slice(0, NAME - 1).padEnd(NAME) + cells.map((cell) => cell.padStart(CELL)).join("");

/** Median delay of all trials, or the share that found it. */
export function cell(delays: readonly number[]): string {
  const found = delays.filter(Number.isFinite);
  if (found.length === 0) return delays.length === 0 ? "" : "-";
  if (found.length < delays.length) return `${Math.round((100 * found.length) / delays.length)} %`;
  const middle = found.sort((a, b) => a - b)[found.length >> 1]!;
  return middle < 10_000 ? middle.toFixed(0) : `${(middle / 3_600).toFixed(1)} h`;
}

/**
 * Whether there is evidence for a zone that survives f liars: more than f stations have some, and it is possible to see
 * for who is safe against f framers. Else the trial tells of the attack, or of the detector, and not of the zone.
 */
const isForZone = ({ f }: ZoneSize) => ({ evident, delays }: Trial): boolean =>
  evident > f && Number.isFinite(delays[POSSIBLE]!);

const middleOf = (values: readonly number[]): string =>
  (values.length === 0 ? "" : String([...values].sort((a, b) => a - b)[values.length >> 1]));

/** Of how many trials, and in how many of them there was not evidence enough. */
const countText = (all: number, few: number): string => (few === 0 ? `${all}` : `${all} (${few})`);

const delaysOf = (trials: readonly Trial[], name: string): number[] => trials.map(({ delays }) => delays[name]!);

/** Between 0 and this many a year, with 95 %, when none was seen (the rule of three). */
const RULE_OF_THREE = 3;

export function honestText(zones: readonly ZoneDays[], honest: ReadonlyMap<ZoneSize, HonestYears>): string {
  const lines = zones.map(({ city, members, plan }) =>
    `${city}: ${members.length} stations, ${plan.days} days after ${plan.learnDays} of learning`);
  for (const [{ n, f }, { years, raised }] of honest) {
    const told = Object.entries(raised).map(([name, all]) => `${name}: ${all.length} raised`
      + (all.length > 0 ? ` (${[...new Set(all)].join(", ")})` : ""));
    lines.push(`n = ${n}, f = ${f}, ${years.toFixed(3)} honest zone-years; ${told.join("; ")}`
      + (years > 0 ? `; none in so long means at most ${(RULE_OF_THREE / years).toFixed(0)} a year` : ""));
  }
  return lines.join("\n");
}

export function attackTable(
  size: ZoneSize, trials: readonly Trial[], amountOf: (attack: string, strength: StrengthName) => string,
): string {
  const cases = [CENTRE, POSSIBLE, ...casesOf(size).map(({ name }) => name)];
  const short = ["centre", "least", "honest", "frame", "hide", "f-1+1", "-20 %", "-50 %", "f off", "half"];
  const lines = ["", `n = ${size.n}, f = ${size.f}: seconds to the raise, or the share that was found; stations hit >`,
    "stations with evidence (medians); trials (in brackets: too little for who is safe against f framers)",
    row("", [...short.slice(0, cases.length), "hit", "trials"])];
  for (const attack of new Set(trials.map((one) => one.attack))) {
    for (const strength of STRENGTH_NAMES) {
      const some = trials.filter((one) => one.attack === attack && one.strength === strength);
      const told = some.filter(isForZone(size));
      const stations = `${middleOf(some.map(({ hit }) => hit))}>${middleOf(some.map(({ evident }) => evident))}`;
      lines.push(row(`${attack} ${strength}`, [...cases.map((name) => cell(delaysOf(told, name))),
        some.length === 0 ? "" : stations, countText(some.length, some.length - told.length)]));
    }
    lines.push(`  ${STRENGTH_NAMES.map((strength) => amountOf(attack, strength)).join(" / ")}`.slice(0, 119));
  }
  return [...lines, ...ratioLines(trials, size)].join("\n");
}

/** Mean delays over the trials that all of these found, and the zone's over the centre's and over what is possible. */
function ratioLines(all: readonly Trial[], size: ZoneSize): string[] {
  const trials = all.filter(isForZone(size));
  const few = all.filter((one) => !isForZone(size)(one));
  const found = (some: readonly Trial[], ...names: string[]): Trial[] =>
    some.filter(({ delays }) => names.every((name) => Number.isFinite(delays[name]!)));
  const head = `in ${few.length} of ${all.length} trials there was too little evidence: no zone that is safe against `
    + `f framers may raise these (the centre: ${found(few, CENTRE).length})`;
  const kinds = [["causes of each station's own", true], ["may have one cause, which takes a mean", false]] as const;
  const cases = [["no liars", POSSIBLE, 1.5], ["f hide", POSSIBLE_HIDDEN, 2.5]] as const;
  return [head, ...kinds.flatMap(([kind, independent]) => {
    const some = trials.filter((one) => one.independent === independent);
    return cases.map(([name, possible, aim]) => {
      const both = found(some, CENTRE, possible, name);
      const meanOf = (of: string): number => mean(delaysOf(both, of));
      const [zone, centre, least] = [meanOf(name), meanOf(CENTRE), meanOf(possible)];
      const able = found(some, possible);
      return `${kind}; ${name}: ${found(able, name).length} of the ${able.length} that are possible\n  `
        + `${zone.toFixed(0)} s to the centre's ${centre.toFixed(0)} (${ratio(zone, centre)}, aim ${aim}), `
        + `possible ${least.toFixed(0)} (${ratio(least, centre)}; the zone ${ratio(zone, least)} of it)`;
    });
  })];
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
const ratio = (a: number, b: number): string => (b === 0 ? "-" : (a / b).toFixed(2));

export function sizeTable(
  bySize: readonly { readonly size: ZoneSize; readonly trials: readonly Trial[] }[],
): string {
  const head = bySize.map(({ size: { n, f } }) => `${n}, ${f}`);
  const attacks = [...new Set(bySize.flatMap(({ trials }) => trials.map((one) => one.attack)))];
  const strong = (trials: readonly Trial[], attack: string): Trial[] =>
    trials.filter((one) => one.attack === attack && one.strength === "strong");
  const lines = attacks.flatMap((attack) => [
    ...[CENTRE, "no liars", "f hide"].map((name) =>
      row(name === CENTRE ? `${attack}, ${name}` : `  ${name}`, bySize.map(({ size, trials }) =>
        cell(delaysOf(strong(trials, attack).filter(isForZone(size)), name))))),
    row("  trials (too little)", bySize.map(({ size, trials }) => {
      const some = strong(trials, attack);
      return countText(some.length, some.filter((one) => !isForZone(size)(one)).length);
    })),
  ]);
  return ["", "Strong attacks by size, n and f", row("", head), ...lines].join("\n");
}
