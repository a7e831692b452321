/** `billing-inflation`: more is billed than flows. And, as its mirror, the thin theft at every station of a zone. */
import { MINUTE_MS, type WallMs } from "../../models/units.ts";
import type { Capture } from "../sim/capture.ts";
import type { Billed } from "../sim/inspect.ts";
import {
  lateTransactions, truthOf, type Attack, type Attacked, type Attacks, type Span, type Window,
} from "./attack.ts";
import { underBillAlways } from "./energy-theft.ts";
import { withSession } from "./inserted-session.ts";
import { everywhere, idleEvse, opportunities } from "./joint.ts";
import { withShiftedRegisters } from "./registers.ts";
import { withPower } from "./reshape.ts";
import { graded, percent } from "./strength.ts";

function spanOf({ from, to }: Billed): Span {
  return { from: from as WallMs, to: to as WallMs };
}

/** The station counts `share` too much in each of `transactions`; its register stays ahead. */
function counted(capture: Capture, transactions: readonly Billed[], share: number, attack: string): Attacked {
  if (transactions.length === 0) throw new Error("no transaction to inflate");
  let after = capture;
  for (const evseId of new Set(transactions.map((billed) => billed.evseId))) {
    const spans = transactions.filter((billed) => billed.evseId === evseId).map(spanOf);
    const during = { from: Math.min(...spans.map(({ from }) => from)) as WallMs,
      to: Math.max(...spans.map(({ to }) => to)) as WallMs };
    const shape = (at: WallMs, powerW: number): number =>
      (spans.some(({ from, to }) => at > from && at <= to) ? powerW * (1 + share) : powerW);
    after = withPower(after, { evseId, during, shape, flows: false, reported: true });
  }
  const truth = transactions.map((billed) => truthOf("billing-inflation", attack, capture, spanOf(billed)));
  return { capture: after, truth: truth.sort((a, b) => a.from - b.from) };
}

function biggest(capture: Capture, window?: Window): Billed[] {
  const [first] = lateTransactions(capture, window);
  if (first === undefined || first.stopWh - first.startWh < 1_000) throw new Error("no transaction to inflate");
  return [first];
}

const onceShare = graded(0.1, 0.25, 0.6);
const alwaysShare = graded(0.03, 0.08, 0.2);
const thinShare = graded(0.02, 0.04, 0.08);
const paddedWh = graded(500, 2_000, 8_000);
const phantomMin = graded(25, 60, 150);
const PHANTOM_W = 7_200;

const paddedStop: Attack = (before, _chance, strength, window) => {
  const [target] = biggest(before, window) as [Billed];
  const wh = Math.round(paddedWh(strength));
  const ocpp = withShiftedRegisters(before, target.evseId, (at) => (at < target.to ? 0 : wh));
  const span = { from: target.to as WallMs, to: target.to as WallMs };
  return { capture: { ...before, ocpp }, truth: [truthOf("billing-inflation", "padded-stop", before, span)] };
};

const phantomCharge: Attack = (before, chance, strength, window) => {
  const lengthMs = Math.round(phantomMin(strength)) * MINUTE_MS;
  const [place] = opportunities(before, chance, 1, lengthMs + MINUTE_MS, window, (during) => idleEvse(before, during));
  const { at: from, with: evseId } = place as { at: WallMs; with: number };
  const to = (from + lengthMs) as WallMs;
  const session = { evseId, from, to, token: chance.hex(8), powerW: PHANTOM_W, remote: false, flows: false };
  const truth = truthOf("billing-inflation", "phantom-charge", before, { from, to });
  return { capture: withSession(before, chance, session), truth: [truth] };
};

export const BILLING_INFLATION: Attacks = {
  "inflate-once": {
    threat: "billing-inflation", scope: "station",
    does: "the station counts too much in one long transaction",
    amount: (strength) => `${percent(onceShare(strength))} billed beyond what flowed`,
    make: (before, _chance, strength, window) =>
      counted(before, biggest(before, window), onceShare(strength), "inflate-once"),
  },
  "inflate-always": {
    threat: "billing-inflation", scope: "station",
    does: "the station counts too much in every transaction until the end",
    amount: (strength) => `${percent(alwaysShare(strength))} billed beyond what flowed`,
    make: (before, _chance, strength, window) =>
      counted(before, lateTransactions(before, window), alwaysShare(strength), "inflate-always"),
  },
  "padded-stop": {
    threat: "billing-inflation", scope: "station", make: paddedStop,
    does: "the register jumps at the end of a long transaction",
    amount: (strength) => `by ${Math.round(paddedWh(strength)) / 1000} kWh`,
  },
  "phantom-charge": {
    threat: "billing-inflation", scope: "station", make: phantomCharge,
    does: "a whole transaction with card, readings and register, and no current",
    amount: (strength) => `${Math.round((phantomMin(strength) * PHANTOM_W) / 6_000) / 10} kWh`,
  },
  "thin-inflation": {
    threat: "billing-inflation", scope: "zone",
    does: "every station of the zone counts a little too much in every transaction until the end",
    amount: (strength) => `${percent(thinShare(strength))} billed beyond what flowed`,
    make: (captures, _chance, strength, window) => everywhere(captures, (capture) =>
      counted(capture, lateTransactions(capture, window), thinShare(strength), "thin-inflation")),
  },
};

export const THIN_THEFT: Attacks = {
  "thin-theft": {
    threat: "energy-theft", scope: "zone",
    does: "every station of the zone counts a little too little in every transaction until the end",
    amount: (strength) => `${percent(thinShare(strength))} delivered beyond the bill`,
    make: (captures, chance, strength, window) => everywhere(captures, (before) => {
      const { capture, truth } = underBillAlways(before, chance, thinShare(strength), window);
      return { capture, truth: truth.map((one) => ({ ...one, attack: "thin-theft" })) };
    }),
  },
};
