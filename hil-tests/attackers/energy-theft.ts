/** `energy-theft`: more flows than is billed. */
import { HOUR_MS, MINUTE_MS, type WallMs } from "../../models/units.ts";
import type { Capture } from "../sim/capture.ts";
import type { Billed } from "../sim/inspect.ts";
import {
  evseIds, isIdle, isUp, lateTransactions, moments, playground, truthOf, type Attack, type Attacked, type Attacks,
  type Span, type Window,
} from "./attack.ts";
import { constantPower, withExtraEnergy, withShiftedRegisters } from "./registers.ts";
import { graded, percent } from "./strength.ts";

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

/** Less than this is not worth stealing from. */
const LEAST_WH = 1_000;

function biggest(capture: Capture, window?: Window): Billed {
  const [first] = lateTransactions(capture, window);
  if (first === undefined || first.stopWh - first.startWh < LEAST_WH) throw new Error("no transaction to steal from");
  return first;
}

/** A bypassed billing meter in one transaction; `strength` is the share delivered beyond the bill (0.3: 30 %). */
export const underBillOnce: Attack = (capture, _chance, strength, window) =>
  runAhead(capture, [biggest(capture, window)], strength, "under-bill-once");

/** The same in every transaction of the last quarter. */
export const underBillAlways: Attack = (capture, _chance, strength, window) => {
  const transactions = lateTransactions(capture, window);
  const billedWh = transactions.reduce((sum, { startWh, stopWh }) => sum + stopWh - startWh, 0);
  if (billedWh < LEAST_WH) throw new Error("nothing is charged that could be stolen from");
  return runAhead(capture, transactions, strength, "under-bill-always");
};

const hoursWithout = (strength: number): number => 0.25 + 1.75 * strength;

/** A closed contactor without a transaction: up to two hours at 3.7 kW at an idle EVSE, by strength. */
export const chargeWithoutTransaction: Attack = (capture, chance, strength, window) => {
  const lengthMs = Math.round(hoursWithout(strength) * HOUR_MS);
  for (const from of moments(capture, chance, lengthMs, window)) {
    const during = { from, to: (from + lengthMs) as WallMs };
    if (!isUp(capture, during)) continue;
    const evseId = evseIds(capture).find((id) => isIdle(capture, id, during));
    if (evseId === undefined) continue;
    const meter = withExtraEnergy(capture.meter, evseId, constantPower(during, 3_700));
    const truth = truthOf("energy-theft", "charge-without-transaction", capture, during);
    return { capture: { ...capture, meter }, truth: [truth] };
  }
  throw new Error("no EVSE is idle for long enough");
};

const tappedW = graded(200, 600, 1_500);

/** What a freezer, a rack of computers or a heater takes behind the meter, day and night until the end. */
const tappedSupply: Attack = (capture, chance, strength, window) => {
  const { from, to } = playground(capture, window);
  const evseId = chance.pick(evseIds(capture));
  const during = { from, to };
  const meter = withExtraEnergy(capture.meter, evseId, constantPower(during, Math.round(tappedW(strength))));
  return { capture: { ...capture, meter }, truth: [truthOf("energy-theft", "tapped-supply", capture, during)] };
};

const rolledShare = (strength: number): number => 0.9 * strength;

/**
 * The billing register is turned back by `strength` of what the transaction had drawn so far, shortly before it ends;
 * the register stays behind from then on.
 */
export const rollRegisterBack: Attack = (capture, _chance, strength, window) => {
  const target = biggest(capture, window);
  const from = Math.round(target.to - Math.min(5 * MINUTE_MS, 0.3 * (target.to - target.from))) as WallMs;
  const shiftWh = -Math.round(rolledShare(strength) * (target.stopWh - target.startWh));
  const ocpp = withShiftedRegisters(capture, target.evseId, (at) => (at < from ? 0 : shiftWh));
  const truth = truthOf("energy-theft", "roll-register-back", capture, { from, to: target.to as WallMs });
  return { capture: { ...capture, ocpp }, truth: [truth] };
};

const onceShare = graded(0.1, 0.25, 0.6);
const alwaysShare = graded(0.03, 0.08, 0.2);

export const ENERGY_THEFT: Attacks = {
  "under-bill-once": {
    threat: "energy-theft", scope: "station",
    does: "the billing meter is bypassed during one long transaction",
    amount: (strength) => `${percent(onceShare(strength))} delivered beyond the bill`,
    make: (capture, chance, strength, window) => underBillOnce(capture, chance, onceShare(strength), window),
  },
  "under-bill-always": {
    threat: "energy-theft", scope: "station",
    does: "the billing meter counts too little in every transaction until the end",
    amount: (strength) => `${percent(alwaysShare(strength))} delivered beyond the bill`,
    make: (capture, chance, strength, window) => underBillAlways(capture, chance, alwaysShare(strength), window),
  },
  "charge-without-transaction": {
    threat: "energy-theft", scope: "station", make: chargeWithoutTransaction,
    does: "a closed contactor without a transaction",
    amount: (strength) => `${Math.round(60 * hoursWithout(strength))} min at 3.7 kW`,
  },
  "tapped-supply": {
    threat: "energy-theft", scope: "station", make: tappedSupply,
    does: "a steady load behind the agent's meter, whoever charges, until the end",
    amount: (strength) => `${Math.round(tappedW(strength))} W`,
  },
  "roll-register-back": {
    threat: "energy-theft", scope: "station", make: rollRegisterBack,
    does: "the billing register is turned back shortly before the end of a long transaction",
    amount: (strength) => `by ${percent(rolledShare(strength))} of what was drawn`,
  },
};
