/** `energy-theft`: more flows than is billed. */
import { HOUR_MS, MINUTE_MS, type WallMs } from "../../models/units.ts";
import type { Capture } from "../sim/capture.ts";
import type { Billed } from "../sim/inspect.ts";
import {
  evseIds, isIdle, lateTransactions, moment, truthOf, type Attack, type Attacked, type Span,
} from "./attack.ts";
import { constantPower, withExtraEnergy, withShiftedRegisters } from "./registers.ts";

function spanOfBilled({ from, to }: Billed): Span {
  return { from: from as WallMs, to: to as WallMs };
}

/** The meter runs ahead of the bill by `share` in each of `transactions`. */
function runAhead(capture: Capture, transactions: readonly Billed[], share: number, attack: string): Attacked {
  let { meter } = capture;
  for (const evseId of new Set(transactions.map((billed) => billed.evseId))) {
    const spans = transactions.filter((billed) => billed.evseId === evseId).map(spanOfBilled);
    let [stolenWh, lastWh] = [0, Number.NaN];
    meter = withExtraEnergy(meter, evseId, (at, registerWh) => {
      const grownWh = Number.isNaN(lastWh) ? 0 : registerWh - lastWh;
      lastWh = registerWh;
      if (spans.some(({ from, to }) => at > from && at <= to)) stolenWh += share * grownWh;
      return stolenWh;
    });
  }
  const truth = transactions.map((billed) => truthOf("energy-theft", attack, capture, spanOfBilled(billed)));
  return { capture: { ...capture, meter }, truth: truth.sort((a, b) => a.from - b.from) };
}

function biggest(capture: Capture): Billed {
  const [first] = lateTransactions(capture);
  if (first === undefined || first.stopWh - first.startWh < 1_000) throw new Error("no transaction to steal from");
  return first;
}

/** A bypassed billing meter in one transaction; `strength` is the share delivered beyond the bill (0.3: 30 %). */
export const underBillOnce: Attack = (capture, _chance, strength) =>
  runAhead(capture, [biggest(capture)], strength, "under-bill-once");

/** The same in every transaction of the last quarter. */
export const underBillAlways: Attack = (capture, _chance, strength) =>
  runAhead(capture, lateTransactions(capture), strength, "under-bill-always");

/** A closed contactor without a transaction: up to two hours at 3.7 kW at an idle EVSE, by strength. */
export const chargeWithoutTransaction: Attack = (capture, chance, strength) => {
  const lengthMs = Math.round((0.25 + 1.75 * strength) * HOUR_MS);
  for (let tries = 0; tries < 200; tries++) {
    const from = moment(capture, chance, lengthMs);
    const during = { from, to: (from + lengthMs) as WallMs };
    const evseId = evseIds(capture).find((id) => isIdle(capture, id, during));
    if (evseId === undefined) continue;
    const meter = withExtraEnergy(capture.meter, evseId, constantPower(during, 3_700));
    const truth = truthOf("energy-theft", "charge-without-transaction", capture, during);
    return { capture: { ...capture, meter }, truth: [truth] };
  }
  throw new Error("no EVSE is idle for long enough");
};

/**
 * The billing register is turned back by `strength` of what the transaction had drawn so far, shortly before it ends;
 * the register stays behind from then on.
 */
export const rollRegisterBack: Attack = (capture, _chance, strength) => {
  const target = biggest(capture);
  const from = Math.round(target.to - Math.min(5 * MINUTE_MS, 0.3 * (target.to - target.from))) as WallMs;
  const shiftWh = -Math.round(strength * 0.9 * (target.stopWh - target.startWh));
  const ocpp = withShiftedRegisters(capture, target.evseId, (at) => (at < from ? 0 : shiftWh));
  const truth = truthOf("energy-theft", "roll-register-back", capture, { from, to: target.to as WallMs });
  return { capture: { ...capture, ocpp }, truth: [truth] };
};
