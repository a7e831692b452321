/** The tables, as plain text that fits 120 columns. */
import type { Threat } from "../../../models/terms.ts";
import { THREATS } from "../../../models/terms.ts";
import { STRENGTH_NAMES } from "../../attackers/strength.ts";
import type { AttackResult } from "./attack-run.ts";
import type { FalseAlert, HonestResult } from "./honest-run.ts";
import type { LookAlikeResult } from "./look-alike-run.ts";
import { isVisible, NO_PROOF, SAME_AS_ATTACK } from "./no-proof.ts";
import type { AttackRow, CityRow, LookAlikeRow, MethodRow, SamplingRow, VisibleRow } from "./summary.ts";
import { TAIL_RATES, type TailRow } from "./tally.ts";

/** Null models whose traffic is made up: no public data hold refusals, commands, settings, firmware or links. */
export const SYNTHETIC_NULL: ReadonlySet<Threat> = new Set(
  THREATS.filter((threat) => !["energy-theft", "billing-inflation", "load-manipulation"].includes(threat)),
);
const MOST_COLUMNS = 120;

/** Columns as wide as their widest cell; figures to the right, words to the left. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? "").length)));
  const numeric = header.map((_, i) => rows.every((row) => /^[-<>=]*[\d.,%]*( [a-z%]+)?$|^-$/.test(row[i] ?? "")));
  const line = (row: readonly string[]): string => row.map((cell, i) =>
    (numeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join("  ").trimEnd();
  return [header, ...rows].map((row) => cut(line(row))).join("\n");
}

const cut = (line: string): string => (line.length <= MOST_COLUMNS ? line : `${line.slice(0, MOST_COLUMNS - 3)}...`);

export function figure(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (value === 0) return "0";
  if (Math.abs(value) < 0.0095) return value.toExponential(0);
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2);
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "-";
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  if (seconds < 7_200) return `${(seconds / 60).toFixed(0)} min`;
  return seconds < 172_800 ? `${(seconds / 3_600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(1)} d`;
}

export function honestTable(rows: readonly CityRow[]): string {
  return table(
    ["city", "stations", "station-years", "sessions", "alerts", "medium+", "in 5 years", "95 % at most"],
    rows.map((row) => [row.city, String(row.stations), row.years.toFixed(1), String(row.sessions), String(row.alerts),
      String(row.serious), figure(row.inFiveYears), figure(row.atMost)]),
  );
}

/** False alerts a station-year, by threat and city; `*`: the null rests on synthetic frames. */
export function threatTable(rows: readonly CityRow[]): string {
  const threats = THREATS.filter((threat) => threat !== "agent-misbehaviour");
  return table(["threat", ...rows.map(({ city }) => city)], threats.map((threat) => [
    `${threat}${SYNTHETIC_NULL.has(threat) ? " *" : ""}`,
    ...rows.map(({ byThreat, years }) => figure((byThreat[threat] ?? 0) / years)),
  ]));
}

/** What was raised though nobody attacked, by station and day. */
export function alertTable(alerts: readonly (FalseAlert & { readonly lookAlike?: string })[]): string {
  return alerts.length === 0 ? "none" : table(["station", "day", "threat", "because of", "said"], alerts.map((one) =>
    [one.station.slice(0, 22), String(one.day), one.threat, one.lookAlike ?? "-", one.says]));
}

export function attackTable(rows: readonly AttackRow[]): string {
  return table(
    ["attack", "strength", "visible", "found", "delay", "explained", "evidence if missed", "what", "also raised"],
    rows.map((row) => [
      row.strength === "weak" ? row.attack : "", row.strength, row.visible ? "yes" : "-", `${row.found} of ${row.made}`,
      duration(row.medianDelayS),
      row.found === 0 ? "-" : `${row.explained} of ${row.found}`, figure(row.missedAt), row.amount.slice(0, 28),
      row.others.join(" "),
    ]),
  );
}

export function noProofTable(): string {
  return table(["attack", "strength", "why"],
    Object.entries(NO_PROOF).map(([attack, { strengths, reason }]) => [attack, strengths.join(" "), reason]));
}

export function visibleText({ made, found, never, sometimes }: VisibleRow): string {
  const share = figure((100 * found) / Math.max(1, made));
  return [`found ${found} of ${made}, ${share} %`, ...wrapped("never: ", never),
    ...wrapped("here and there: ", sometimes)].join("\n");
}

/** Names in lines of at most 120 columns. */
function wrapped(begin: string, names: readonly string[]): string[] {
  const lines = [begin];
  for (const [i, name] of (names.length > 0 ? names : ["none"]).entries()) {
    const word = i + 1 < names.length ? `${name}, ` : name;
    if ((lines.at(-1) ?? "").length + word.length > MOST_COLUMNS) lines.push("  ");
    lines.push(`${lines.pop()}${word}`);
  }
  return lines.map((line) => line.trimEnd());
}

export function lookAlikeTable(rows: readonly LookAlikeRow[]): string {
  return table(["look-alike", "tried", "medium+", "raised", "named as faults"], rows.map((row) =>
    [row.lookAlike, String(row.made), String(row.serious), row.threats.join(" ") || "nothing",
      row.faults.join(" ") || "none"])) +
    Object.entries(SAME_AS_ATTACK).map(([name, reason]) => `\n${name}: ${reason}`).join("");
}

export function methodTable(rows: readonly MethodRow[]): string {
  const cities = Object.keys(rows[0]?.falsePerYear ?? {});
  return table(
    ["method", ...cities, "all", ...STRENGTH_NAMES, "delay"],
    rows.map((row) => [row.method, ...cities.map((city) => figure(row.falsePerYear[city] ?? 0)),
      figure(row.falseOverall), ...STRENGTH_NAMES.map((name) => `${(100 * row.found[name]).toFixed(0)} %`),
      duration(row.medianDelayS)]),
  );
}

/** The same stations and days, read at other intervals: evidence should not depend on them. */
export function samplingTable(rows: readonly SamplingRow[]): string {
  return table(["meter", "epoch", "alerts", "rises above 1 nat", "above 3 nats", "highest, nats"], rows.map((row) =>
    [`${row.meterEveryS} s`, `${row.epochS} s`, String(row.alerts), String(row.aboveOne), String(row.aboveThree),
      figure(row.highest)]));
}

export function tailTable(rows: readonly TailRow[]): string {
  const percents = TAIL_RATES.map((rate) => `${rate}`);
  return table(
    ["evidence for", "findings", ...percents.map((p) => `e ${p}`), ...percents.map((p) => `sum ${p}`), "promised"],
    rows.map(({ key, findings, findingFactors, alarmFactors, promised }) => [key, String(findings),
      ...findingFactors.map(figure), ...alarmFactors.map(figure), figure(promised.at(-1) ?? 0)]),
  );
}

/** One job's result in a line: what a long run tells as it goes. */
export function resultLine(result: HonestResult | AttackResult | LookAlikeResult): string {
  const said = `${result.kind} ${result.station}:`;
  if (result.kind === "honest") return `${said} ${result.days} days, ${threatsOf(result.alerts)}`;
  if (result.kind === "look-alikes") return `${said} ${threatsOf(result.outcomes.flatMap(({ alerts }) => alerts))}`;
  const made = result.outcomes.filter(({ impossible }) => impossible === undefined);
  const missed = made.filter(({ delayS, attack, strength }) => delayS === undefined && isVisible(attack, strength));
  const names = missed.filter(({ strength }) => strength !== "weak").map(({ attack, strength, opinion }) =>
    `${attack} ${strength} ${figure(opinion)}`);
  return `${said} ${made.length} attacks, missed though visible and not weak: ${names.join(", ") || "none"}`;
}

const threatsOf = (alerts: readonly FalseAlert[]): string =>
  alerts.map(({ threat, says }) => `${threat} (${says})`).join(", ") || "nothing raised";
