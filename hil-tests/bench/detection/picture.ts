/** Pictures as SVG, written by hand: predicted against observed tail rates, and delays against false alarms. */
import type { EvidenceKey } from "../../../models/terms.ts";
import { HEIGHTS, promisedBeginnings, type KeyTally } from "./tally.ts";

export interface Curve {
  readonly name: string;
  /** Predicted tail rate and the observed one, both above 0. */
  readonly points: readonly (readonly [predicted: number, observed: number])[];
}

const WIDTH = 860;
const HEIGHT = 620;
const PLOT = { left: 80, top: 60, right: 560, bottom: 540 };
const DECADES = 5;
/** Told apart in print and by most who see colours differently (Okabe and Ito 2008). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c6d31"];

/** How often evidence came to each height, over what its threshold allows for, as rates of one e-value. */
export function alarmCurve(key: EvidenceKey, of: KeyTally, years: number): Curve {
  const eValues = promisedBeginnings(key) * years;
  const points = HEIGHTS.flatMap((height, i) => {
    const count = of.excursionsAt[i] ?? 0;
    return count === 0 ? [] : [[Math.exp(-height), count / eValues] as const];
  });
  return { name: key, points };
}

/** Share of findings at or above each height against Markov's bound. */
export function findingCurve(key: EvidenceKey, of: KeyTally): Curve {
  const points = HEIGHTS.flatMap((height, i) => {
    const count = of.findingsAt[i] ?? 0;
    return count === 0 ? [] : [[Math.exp(-height), count / of.findings] as const];
  });
  return { name: key, points };
}

const within = (decades: number): number => Math.max(0, Math.min(1, 1 + decades / DECADES));
const x = (rate: number): number => PLOT.left + (PLOT.right - PLOT.left) * within(Math.log10(rate));
const y = (rate: number): number => PLOT.bottom - (PLOT.bottom - PLOT.top) * within(Math.log10(rate));
const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

function grid(): string[] {
  return Array.from({ length: DECADES + 1 }, (_, i) => {
    const rate = 10 ** -i;
    const label = i === 0 ? "1" : `1e-${i}`;
    return `<path d="M${x(rate)} ${PLOT.top}V${PLOT.bottom}M${PLOT.left} ${y(rate)}H${PLOT.right}" stroke="#ddd"/>`
      + `<text x="${x(rate)}" y="${PLOT.bottom + 20}" text-anchor="middle">${label}</text>`
      + `<text x="${PLOT.left - 8}" y="${y(rate) + 4}" text-anchor="end">${label}</text>`;
  });
}

/** The line of agreement, and twice it: above that the promise is broken. */
function promise(): string[] {
  const low = 10 ** -DECADES;
  return [
    `<path d="M${x(low)} ${y(low)}L${x(1)} ${y(1)}" stroke="#444" stroke-width="2" fill="none"/>`,
    `<path d="M${x(low)} ${y(2 * low)}L${x(0.5)} ${y(1)}" stroke="#444" stroke-dasharray="5 4" fill="none"/>`,
  ];
}

export function reliabilityPicture(title: string, note: string, curves: readonly Curve[]): string {
  const drawn = curves.filter(({ points }) => points.length > 0);
  const lines = drawn.flatMap(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length] as string;
    const dash = i < COLOURS.length ? "" : ' stroke-dasharray="6 3"';
    const path = points.map(([p, q], at) => `${at === 0 ? "M" : "L"}${x(p).toFixed(1)} ${y(q).toFixed(1)}`).join("");
    const row = PLOT.top + 10 + 20 * i;
    return [
      `<path d="${path}" stroke="${colour}" stroke-width="2"${dash} fill="none"/>`,
      `<path d="M${PLOT.right + 20} ${row}h26" stroke="${colour}" stroke-width="3"${dash}/>`,
      `<text x="${PLOT.right + 54}" y="${row + 4}">${escape(name)}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" `
      + 'font-size="13">',
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<text x="${PLOT.left}" y="28" font-size="17">${escape(title)}</text>`,
    `<text x="${PLOT.left}" y="48" fill="#444">${escape(note)}</text>`,
    ...grid(), ...promise(), ...lines,
    `<text x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 46}" text-anchor="middle">predicted, at most</text>`,
    `<text transform="translate(26 ${(PLOT.top + PLOT.bottom) / 2}) rotate(-90)" text-anchor="middle">observed</text>`,
    "</svg>",
  ].join("\n");
}
