/**
 * The six simple rules of the literature (science.md, section 1): duration against mean power, energy against duration,
 * mean power against duration, two kinds of wrong power-over-charge curve (power that does not fall towards the end,
 * power missing at the beginning), and power drawn in an inactive status. The first three are straight lines between
 * logarithms, fitted to honest sessions; a session is judged by its distance from them.
 */
import { HOUR_FEATURES, type Row, SESSION_FEATURES, type SessionFeature } from "../features.ts";
import { type Baseline, quantile } from "./scorer.ts";

const column = (name: SessionFeature): number => SESSION_FEATURES.indexOf(name);
const INACTIVE = HOUR_FEATURES.indexOf("W while inactive");

const LINES: readonly (readonly [of: SessionFeature, against: SessionFeature])[] = [
  ["ln hours", "ln mean W"], ["ln Wh", "ln hours"], ["ln mean W", "ln hours"],
];

export interface Line {
  readonly slope: number;
  readonly intercept: number;
}

/** Ordinary least squares of y on x; flat through the mean where x does not vary. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Line {
  const n = Math.max(1, points.length);
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const xx = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const xy = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const slope = xx > 0 ? xy / xx : 0;
  return { slope, intercept: meanY - slope * meanX };
}

type Rule = (values: readonly number[]) => number;

/** Each rule's distance in units of its own 99.9 % quantile among honest rows, so that one threshold serves all. */
function scaled(rows: readonly Row[], rule: Rule): Rule {
  const unit = quantile(rows.map(({ values }) => rule(values)), 0.999);
  return unit > 0 ? (values) => rule(values) / unit : rule;
}

export const ratioRules: Baseline = {
  name: "six ratio rules",
  fit({ hours, sessions }) {
    const lines = LINES.map(([of, against]) => {
      const [y, x] = [column(of), column(against)];
      const { slope, intercept } = fitLine(sessions.map(({ values }) => [values[x] as number, values[y] as number]));
      return (values: readonly number[]) =>
        Math.abs((values[y] as number) - intercept - slope * (values[x] as number));
    });
    const curves = [
      (values: readonly number[]) => values[column("late power")] as number,
      (values: readonly number[]) => 1 - (values[column("early power")] as number),
    ];
    const rules = [...lines, ...curves].map((rule) => scaled(sessions, rule));
    const inactive = scaled(hours, (values) => values[INACTIVE] as number);
    return { hour: inactive, session: (values) => Math.max(...rules.map((rule) => rule(values))) };
  },
};
