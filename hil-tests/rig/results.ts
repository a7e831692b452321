/** What was played and how it ended, as a table, as JUnit's XML and as a trace in JSON. Pure. */
import { wordTable } from "../bench/told-table.ts";

export interface Result {
  readonly id: string;
  readonly name: string;
  readonly told: string;
  readonly observed: string;
  readonly state: "passed" | "failed" | "skipped";
  readonly tookS: number;
}

/** One thing that happened; `atS` since the beginning. */
export interface TraceEvent {
  readonly atS: number;
  readonly says: string;
}

const WIDTHS = [21, 24, 23, 7];

export function resultTable(results: readonly Result[]): string {
  const rows = results.map(({ id, name, told, observed, state }) => [`${id}. ${name}`, told, observed, state]);
  return wordTable(["Act", "Told", "Observed", ""], rows, WIDTHS);
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
/** XML 1.0, section 2.2: other control characters cannot be written at all. */
const xmlText = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, " ").replace(/[&<>"]/g, (one) => ESCAPES[one]!);

function caseOf(suite: string, { id, name, observed, state, tookS }: Result): string {
  const inside = { passed: "", failed: `<failure message="${xmlText(observed)}"/>`,
    skipped: `<skipped message="${xmlText(observed)}"/>` }[state];
  return `  <testcase classname="${xmlText(suite)}" name="${xmlText(`${id}. ${name}`)}" time="${
    tookS.toFixed(1)}">${inside}</testcase>\n`;
}

/** The form that CI servers read (JUnit's, of Ant). */
export function junitXml(suite: string, results: readonly Result[]): string {
  const count = (state: Result["state"]): number => results.filter((one) => one.state === state).length;
  const time = results.reduce((sum, { tookS }) => sum + tookS, 0).toFixed(1);
  const counts = `tests="${results.length}" failures="${count("failed")}" skipped="${count("skipped")}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="${xmlText(suite)}" ${counts} time="${time}">\n${
    results.map((one) => caseOf(suite, one)).join("")}</testsuite>\n`;
}

export function traceJson(suite: string, results: readonly Result[], events: readonly TraceEvent[]): string {
  return `${JSON.stringify({ version: 1, suite, results, events }, undefined, 1)}\n`;
}
