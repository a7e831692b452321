/**
 * The operator's charge detail records held against the agent's own meter: energy/session.ts and energy/calendar.ts,
 * with records in the place of what the station reports. What a station tells and what is charged for may differ: a
 * register that is true and a record that is not is a fraud that OCPP does not show, and the other way round.
 *
 * Whoever calls this makes an observation of a transaction's start and end from each record.
 */
import type { Finding, MeterSide, Observation } from "../../terms.ts";
import type { Now } from "../../units.ts";
import { INFLATION } from "../billing-inflation.ts";
import { calendar, type EnergyTheft, summed, THEFT } from "../energy-theft.ts";
import { priorAgreement } from "./agreement.ts";
import { createBalance } from "./balance.ts";
import { createCalendar } from "./calendar.ts";
import { balanceOf, told } from "./findings.ts";

export type Records = Pick<EnergyTheft, "balance" | "calendar" | "sums">;

/** EN 50470-3, accuracy classes: the most that a meter is off at reference conditions, as a share. */
export const METER_CLASSES = { A: 0.02, B: 0.01, C: 0.005 } as const;
export type MeterClass = keyof typeof METER_CLASSES;

/** Two meters of class B, which everything in this folder is made for. */
const USUAL = METER_CLASSES.B + METER_CLASSES.B;

export function createRecords(): Records {
  return { balance: createBalance(), calendar: createCalendar(), sums: { billed: 0, idle: 0, calendar: 0 } };
}

/**
 * Says of which class a meter and the one that bills are, together, as a share; before its first reading. Two meters
 * of class B are what is assumed otherwise.
 */
export function allowClass({ balance }: Records, evseId: number, side: MeterSide, classShare: number): void {
  const times = classShare / USUAL;
  const prior = priorAgreement(side);
  const { ratio } = prior;
  const [variance, floor, ceiling] = [ratio.variance, ratio.floor, ratio.ceiling].map((one) => one * times ** 2);
  balance.learned[String(evseId)] ??= {
    // On the AC side of a DC charger the losses are what is wide, and not the class.
    ...prior, ratio: side === "ac-input" ? ratio : { ...ratio, variance: variance!, floor: floor!, ceiling: ceiling! },
    allowedShift: classShare / 2,
  };
}

/** Takes in a reading, or the start or end of a record, in order of time; gives findings of both threats. */
export function observeRecords(state: Records, seen: Observation, now: Now): Finding[] {
  const settled = balanceOf(state.balance, seen, now);
  return [
    ...summed(state, "billed", told(settled, THEFT, seen, now)),
    ...summed(state, "calendar", calendar(state, seen, now)), ...told(settled, INFLATION, seen, now),
  ];
}
