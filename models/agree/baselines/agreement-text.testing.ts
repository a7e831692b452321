/** The bench's tables as text of at most 120 columns, and its picture. */
import type { MapRow } from "./localisation.testing.ts";
import type { ControlRow, DelayRow, ThresholdRow } from "./rows.testing.ts";
import { CENTRE } from "./rules.testing.ts";

const RULE_COLUMNS = 20;
const CELL_COLUMNS = 10;

const figure = (value: number): string =>
  (!Number.isFinite(value) ? "-" : value >= 100 ? value.toFixed(0) : value.toFixed(1));
const percent = (share: number): string => `${Math.round(100 * share)} %`;
const line = (head: string, cells: readonly string[], columns = CELL_COLUMNS): string =>
  head.padEnd(RULE_COLUMNS) + cells.map((cell) => cell.padStart(columns)).join("");

/** A heading in as many lines as its longest word list needs. */
function headings(names: readonly string[]): string[] {
  const cells = names.map((name) => {
    const lines: string[] = [];
    for (const word of name.split(" ")) {
      const last = lines.at(-1);
      const fits = last !== undefined && last.length + word.length + 1 < CELL_COLUMNS;
      if (fits) lines[lines.length - 1] = `${last} ${word}`;
      else lines.push(word);
    }
    return lines;
  });
  const most = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: most }, (_, at) => line("", cells.map((lines) => lines[at] ?? "")));
}

/** Mean delay, or the share that was found where it is not all; "-" where nothing ever was. */
function delayCell(row: DelayRow | undefined): string {
  if (row === undefined || row.found === 0) return "-";
  return row.found === 1 ? figure(row.mean) : percent(row.found);
}

/** One table of one attack: rules down, cases across. */
export function delayTable(rows: readonly DelayRow[]): string {
  const cases = [...new Set(rows.map((row) => row.case))];
  const rules = [...new Set(rows.map(({ rule }) => rule))];
  return [...headings(cases), ...rules.map((rule) => line(rule, cases.map((name) =>
    delayCell(rows.find((row) => row.rule === rule && row.case === name)))))].join("\n");
}

export function thresholdTable(rows: readonly ThresholdRow[]): string {
  const keys = [...new Set(rows.map(({ key }) => key))];
  const rules = [...new Set(rows.map(({ rule }) => rule))];
  return [line("", keys, 16), ...rules.map((rule) => line(rule, keys.map((key) => {
    const row = rows.find((one) => one.rule === rule && one.key === key);
    return row === undefined ? "" : `${figure(row.honest)} / ${figure(row.safe)}`;
  }), 16))].join("\n");
}

export function controlTable(rows: readonly ControlRow[]): string {
  const head = ["honest peers", "safe", "safe, none broken"];
  return [line("", head, 19), ...rows.map(({ rule, honest, safe, without }) =>
    line(rule, [honest, safe, without].map(percent), 19))].join("\n");
}

/** F1 among the honest, and among all, when the zone first raises and ten minutes after the attack began; of raises. */
export function mapTable(rows: readonly MapRow[]): string {
  const columns = 16;
  const told = (row: MapRow): string => `${row.attack}, ${row.layout}, ${row.case}`.padEnd(58);
  const pair = (row: MapRow, { honest, all }: MapRow["first"]): string =>
    (row.raised === 0 ? "-" : `${honest.toFixed(2)} / ${all.toFixed(2)}`);
  const cells = (of: readonly string[]): string => of.map((cell) => cell.padStart(columns)).join("");
  return ["".padEnd(58) + cells(["raised", "at the raise", "renewed"]), ...rows.map((row) => told(row)
    + cells([percent(row.raised), pair(row, row.first), pair(row, row.renewed)])),
  ].join("\n");
}

const WIDTH = 900;
const ROW = 22;
const LEFT = 190;
const RIGHT = 860;
const SHOWN = [
  ["no liars", "#0072b2"], ["f hide", "#d55e00"], ["50 % lost", "#009e73"], ["f-1 hide, 1 broken", "#cc79a7"],
] as const;
const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** Delay by rule, thresholds safe against framers; a cross at the right is an attack that was not found each time. */
export function delayPicture(title: string, unit: string, rows: readonly DelayRow[]): string {
  const rules = [...new Set(rows.map(({ rule }) => rule))];
  const most = rows[0]?.most ?? 1;
  const x = (delay: number): number => LEFT + (RIGHT - LEFT) * Math.log(Math.max(1, delay)) / Math.log(most);
  const height = 120 + ROW * rules.length;
  const marks = rules.flatMap((rule, at) => {
    const y = 70 + ROW * at;
    const dots = SHOWN.flatMap(([name, colour], place) => {
      const row = rows.find((one) => one.rule === rule && one.case === name);
      if (row === undefined) return [];
      const up = y - 6 + 4 * place;
      return row.found < 0.99 ? [`<text x="${RIGHT + 8}" y="${up + 3}" fill="${colour}">x</text>`]
        : [`<circle cx="${x(row.mean).toFixed(1)}" cy="${up}" r="4" fill="${colour}"/>`];
    });
    return [`<path d="M${LEFT} ${y}H${RIGHT}" stroke="#ddd"/>`,
      `<text x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${escaped(rule)}</text>`, ...dots];
  });
  const ticks = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000].filter((tick) => tick <= most).map((tick) =>
    `<text x="${x(tick)}" y="${height - 28}" text-anchor="middle">${tick}</text>`);
  const key = SHOWN.map(([name, colour], at) =>
    `<circle cx="${LEFT + 170 * at}" cy="42" r="4" fill="${colour}"/>`
    + `<text x="${LEFT + 10 + 170 * at}" y="46">${name}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" `
    + `font-size="12"><rect width="100%" height="100%" fill="#fff"/><text x="20" y="22" font-size="15">`
    + `${escaped(title)}</text>${[...key, ...marks, ...ticks].join("")}`
    + `<text x="${(LEFT + RIGHT) / 2}" y="${height - 8}" text-anchor="middle">mean delay, ${unit}</text></svg>\n`;
}

/** A rule's mean delay over the centre's, where both found the attack each time. */
export function overCentre(rows: readonly DelayRow[], rule: string, name: string): string {
  const [own, centre] = [rule, CENTRE].map((wanted) =>
    rows.find((row) => row.rule === wanted && row.case === name));
  if (own === undefined || centre === undefined || centre.found < 1) return "not to be told";
  return own.found < 1 ? `found in ${percent(own.found)}` : (own.mean / centre.mean).toFixed(2);
}
