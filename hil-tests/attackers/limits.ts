/** Charging limits as an attacker sets them, in both versions, and the power of a vehicle that obeys. */
import type { WallMs } from "../../models/units.ts";
import type { SimVersion } from "../sim/capture.ts";
import { ACCEPTED } from "../sim/dialect.ts";
import type { PowerShape } from "./registers.ts";
import type { Order } from "./wire.ts";

export interface Limit {
  /** 0: the whole station (1.6: ChargePointMaxProfile; 2.0.1: ChargingStationMaxProfile; else TxDefaultProfile). */
  readonly evseId: number;
  readonly limitW: number;
  readonly id: number;
}

/** SetChargingProfile (1.6: 5.16; 2.0.1: K01), accepted. */
export function limitOrder(version: SimVersion, { evseId, limitW, id }: Limit): Order {
  const old = version === "1.6";
  const whole = old ? "ChargePointMaxProfile" : "ChargingStationMaxProfile";
  const common = { stackLevel: 8, chargingProfilePurpose: evseId === 0 ? whole : "TxDefaultProfile",
    chargingProfileKind: "Relative" };
  const schedule = { chargingRateUnit: "W", chargingSchedulePeriod: [{ startPeriod: 0, limit: limitW }] };
  const payload = old
    ? { connectorId: evseId, csChargingProfiles: { chargingProfileId: id, ...common, chargingSchedule: schedule } }
    : { evseId, chargingProfile: { id, ...common, chargingSchedule: [{ id, ...schedule }] } };
  return { message: { action: "SetChargingProfile", payload }, reply: ACCEPTED };
}

export interface Step {
  readonly at: WallMs;
  readonly limitW: number;
}

/** What a vehicle draws that would draw more: the limit in force. Steps in order of time. */
export function obeying(steps: readonly Step[]): PowerShape {
  return (at, powerW) => {
    let limitW = Number.POSITIVE_INFINITY;
    for (const step of steps) if (step.at <= at) limitW = step.limitW;
    return Math.min(powerW, limitW);
  };
}
