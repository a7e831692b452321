/** MeterValues to readings: units, phases and locations brought to one figure a quantity (OCPP 1.6, 7.28 to 7.43). */
import type { Reading } from "../../models/terms.ts";
import { isFields, listOf, numberOf, wordOf } from "./fields.ts";
import type { Fields } from "./fields.ts";

type Quantity = Exclude<keyof Reading, "evseId">;

interface Measurand {
  readonly quantity: Quantity;
  readonly units: Readonly<Record<string, number>>;
  /** Export counts against import where both make one quantity. */
  readonly sign?: -1;
}

const ENERGY = { Wh: 1, kWh: 1000, MWh: 1e6 };
const POWER = { W: 1, kW: 1000, MW: 1e6 };

/** Interval energies, offered power, reactive parts and the like say nothing of a Reading and are left out. */
const MEASURANDS: ReadonlyMap<string, Measurand> = new Map([
  ["Energy.Active.Import.Register", { quantity: "energyImportWh", units: ENERGY }],
  ["Energy.Active.Export.Register", { quantity: "energyExportWh", units: ENERGY }],
  ["Power.Active.Import", { quantity: "powerW", units: POWER }],
  ["Power.Active.Export", { quantity: "powerW", units: POWER, sign: -1 }],
  ["Current.Import", { quantity: "currentA", units: { A: 1 } }],
  ["Voltage", { quantity: "voltageV", units: { V: 1 } }],
]);

/** Phases that a three-phase total is made of. `N` and line-to-line values are not among them. */
const PHASES = new Set(["L1", "L2", "L3", "L1-N", "L2-N", "L3-N"]);
/** Before and behind the charger; used only where nothing is said of its outlet. */
const ELSEWHERE = new Set(["Inlet", "Upstream"]);
/** In the car, or not electrical. */
const FOREIGN = new Set(["EV", "Body"]);

/** The values of one measurand: a total, if one was sent, and single phases. */
interface Tally {
  total?: number;
  phaseSum: number;
  phases: number;
}

/** `W`, `kW`, ... times the multiplier of 2.0.1 (a power of ten); `undefined` for a unit that does not fit. */
function factorOf(sample: Fields, units: Readonly<Record<string, number>>): number | undefined {
  const of = isFields(sample.unitOfMeasure) ? sample.unitOfMeasure : undefined;
  const unit = of?.unit ?? sample.unit;
  const named = typeof unit === "string" && Object.hasOwn(units, unit) ? units[unit] : undefined;
  const factor = unit === undefined ? 1 : named;
  const multiplier = numberOf(of?.multiplier) ?? 0;
  return factor === undefined || Math.abs(multiplier) > 12 ? undefined : factor * 10 ** multiplier;
}

function addSample(tallies: Map<string, Tally>, sample: Fields): void {
  const name = wordOf(sample.measurand ?? "Energy.Active.Import.Register");
  const measurand = MEASURANDS.get(name);
  const value = sample.format === "SignedData" ? undefined : numberOf(sample.value);
  if (measurand === undefined || value === undefined || FOREIGN.has(wordOf(sample.location))) return;
  const factor = factorOf(sample, measurand.units);
  if (factor === undefined) return;
  const key = ELSEWHERE.has(wordOf(sample.location)) ? `${name}@` : name;
  const tally = tallies.get(key) ?? { phaseSum: 0, phases: 0 };
  tallies.set(key, tally);
  if (sample.phase === undefined || sample.phase === null) tally.total ??= value * factor;
  else if (PHASES.has(wordOf(sample.phase)) && tally.phases < 3) {
    tally.phaseSum += value * factor;
    tally.phases += 1;
  }
}

/** The total where one was sent, else the phases: added up, but for the voltage, which is their mean. */
function figureOf(tally: Tally | undefined, quantity: Quantity): number | undefined {
  if (tally === undefined) return undefined;
  if (tally.total !== undefined) return tally.total;
  if (tally.phases === 0) return undefined;
  return quantity === "voltageV" ? tally.phaseSum / tally.phases : tally.phaseSum;
}

/**
 * One element of `meterValue` as a reading of `evseId`, or `undefined` when nothing in it is one. `powerW` is import
 * less export; `currentA` is the sum over phases, `voltageV` the mean of phase to neutral.
 */
export function readingOf(meterValue: Fields, evseId: number): Reading | undefined {
  const tallies = new Map<string, Tally>();
  for (const sample of listOf(meterValue.sampledValue)) addSample(tallies, sample);
  const found: { -readonly [Q in Quantity]?: number } = {};
  for (const [name, { quantity, sign = 1 }] of MEASURANDS) {
    const figure = figureOf(tallies.get(name) ?? tallies.get(`${name}@`), quantity);
    if (figure !== undefined) found[quantity] = (found[quantity] ?? 0) + sign * figure;
  }
  return Object.keys(found).length === 0 ? undefined : { evseId, ...found };
}
