/** What reconciling came to, for people and for programs. Pure. */
import { rfc3339 } from "../../models/units.ts";
import { explain } from "../alert/alert.ts";
import { counted, plainText } from "../plain-text.ts";
import type { Classes, JudgedPeriod, Reconciled, SessionRow, State } from "./reconcile.ts";

export interface Report extends Reconciled {
  readonly station: string;
  readonly classes: Classes;
  readonly counts: {
    readonly records: number; readonly bad: number; readonly twice: number; readonly credited: number;
    readonly elsewhere: number;
  };
}

const MOST_ROWS = 20;
const kWh = (wh: number): string => (wh / 1_000).toFixed(2);
const hours = (ms: number): string => `${ms < 0 ? "-" : "+"}${Math.abs(ms) / 3_600_000} h`;

const WORDS: Readonly<Record<State, string>> = {
  agrees: "within what the meters' classes allow", theft: "more delivered than charged for",
  inflation: "more charged for than delivered", "not-compared": "not compared",
};

function tally(what: string, rows: readonly { readonly state: State }[]): string {
  const parts = (Object.keys(WORDS) as State[]).flatMap((state) => {
    const count = rows.filter((row) => row.state === state).length;
    return count === 0 ? [] : [`${count} ${WORDS[state]}`];
  });
  return `${what.padEnd(9)} ${parts.join(", ") || "none"}\n`;
}

type Figures = Pick<SessionRow, "deliveredWh" | "differenceWh" | "allowedWh" | "state"> & { readonly billedWh: number };

const figures = ({ deliveredWh = 0, billedWh, differenceWh, allowedWh, state }: Figures): string =>
  `meter ${kWh(deliveredWh)} kWh, charged for ${kWh(billedWh)} kWh, ${kWh(Math.abs(differenceWh))} kWh `
  + `${WORDS[state]} (${kWh(allowedWh)} allowed)`;

const isOdd = ({ state }: { readonly state: State }): boolean => state === "theft" || state === "inflation";

function rows(report: Report): string[] {
  const sessions = report.sessions.filter(isOdd).map((row) =>
    `  ${rfc3339(row.bill.startMs)}  EVSE ${row.bill.evseId}  ${figures({ ...row, billedWh: row.bill.energyWh })}; `
    + `record ${row.bill.ids.map((id) => plainText(id, 40)).join(" and ")}\n`);
  const periods = report.periods.filter(isOdd).map((row) =>
    `  ${row.period.padEnd(24)}  EVSE ${row.meter}  ${figures(row)}\n`);
  const cut = (all: string[]): string[] =>
    (all.length > MOST_ROWS ? [...all.slice(0, MOST_ROWS), `  and ${all.length - MOST_ROWS} more\n`] : all);
  return [...cut(sessions), ...cut(periods)];
}

function evidenceLines({ beliefs, movedMs }: Report): string[] {
  if (movedMs !== 0) {
    return [`clock     found records that fit the meter only when they are moved by ${hours(movedMs)}; allowed: UTC. `
      + "Nobody is accused\n"];
  }
  if (beliefs.length === 0) return ["evidence  none\n"];
  return beliefs.map(({ key, sinceOnsetNats, thresholdNats, says }) =>
    `evidence  ${key}: ${sinceOnsetNats.toFixed(1)} of ${thresholdNats.toFixed(1)} nats`
    + (sinceOnsetNats >= thresholdNats ? ", enough for an alert" : "")
    + `${says === "" ? "" : `; ${plainText(says, 200)}`}\n`);
}

export function reconciledText(report: Report): string {
  const { station, classes, counts, sessions, periods } = report;
  const left = [
    [counts.bad, "bad"], [counts.twice, "there twice"], [counts.credited, "credits"],
    [counts.elsewhere, "of other EVSEs"],
  ].filter(([count]) => count !== 0).map(([count, what]) => `, ${count} ${what}`).join("");
  const span = (one: "day" | "month"): JudgedPeriod[] => periods.filter((row) => row.span === one);
  return [
    `${station}: ${counted(counts.records, "record", "records")}${left}; meters of class ${classes.own} `
      + `and, for bills, ${classes.billing}\n`,
    tally("sessions", sessions), tally("days", span("day")), tally("months", span("month")), ...evidenceLines(report),
    ...rows(report),
  ].join("");
}

/** The JSON of `--json`. Energies in Wh. */
export function reconciledJson({ station, classes, counts, sessions, periods, beliefs, movedMs }: Report): unknown {
  const round = (wh: number | undefined): number | undefined => (wh === undefined ? undefined : Math.round(wh));
  return {
    schemaVersion: "1.0", station, meterClass: classes.own, billingClass: classes.billing, records: counts,
    ...(movedMs !== 0 && { recordsMovedMs: movedMs }),
    sessions: sessions.map(({ bill, deliveredWh, differenceWh, allowedWh, state }) => ({
      records: bill.ids, evseId: bill.evseId, from: rfc3339(bill.startMs), to: rfc3339(bill.endMs),
      billedWh: round(bill.energyWh), state,
      ...(deliveredWh !== undefined && {
        deliveredWh: round(deliveredWh), differenceWh: round(differenceWh), allowedWh: round(allowedWh),
      }),
    })),
    periods: periods.map((row) => ({
      span: row.span, period: row.period, meter: row.meter, deliveredWh: round(row.deliveredWh),
      billedWh: round(row.billedWh), standbyWh: round(row.standbyWh), differenceWh: round(row.differenceWh),
      allowedWh: round(row.allowedWh), state: row.state,
    })),
    evidence: beliefs.map((belief) => ({
      threat: belief.key, nats: Math.round(belief.sinceOnsetNats * 1_000) / 1_000,
      thresholdNats: Math.round(belief.thresholdNats * 1_000) / 1_000, onset: rfc3339(belief.onset),
      opinion: Math.round(belief.opinion * 1_000) / 1_000, summary: belief.says, explanation: explain(belief),
    })),
  };
}
