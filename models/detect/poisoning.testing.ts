/**
 * Attackers who move slowly, to teach a station a new normal: how far each gets in `WEEKS` weeks without ever being
 * told, at the pace that serves it best. The detector's own restraint is what is measured: nothing here knows a
 * threshold, only whether it was reached.
 */
import type { EvidenceKey } from "../terms.ts";
import { authorizationAbuse } from "./authorization-abuse.ts";
import { denialOfService } from "./denial-of-service.ts";
import type { Detector } from "./detector.ts";
import { Bench, type Seen, token } from "./detector.testing.ts";
import { firmwareTampering } from "./firmware-tampering.ts";
import { createHabit, honestShare, learnHabit, type TraitLaw } from "./learned/habit.ts";
import { learnSpread, type Spread } from "./learned/spread.ts";

export const WEEKS = 8;
export const DAY_S = 86_400;
const TICK_S = 300;

export interface Gain {
  /** What was learned wrongly. */
  readonly quantity: string;
  readonly teaching: string;
  /** What is taken in a day, at the end of honest weeks and at the end of the teaching. */
  readonly before: number;
  readonly after: number;
  readonly unit: string;
}

/** The events of a day, evenly spread; `act` makes them happen. */
type Act<State> = (bench: Bench<State>, n: number, atS: number) => void;

function day<State>(bench: Bench<State>, dayNo: number, perDay: number, act: Act<State>, count: { n: number }): void {
  const every = DAY_S / perDay;
  let next = dayNo * DAY_S + every / 2;
  for (let at = dayNo * DAY_S; at < (dayNo + 1) * DAY_S; at += TICK_S) {
    bench.see({ kind: "tick" }, at);
    for (; next < at + TICK_S && next < (dayNo + 1) * DAY_S; next += every) act(bench, count.n++, next);
  }
}

/** Whether a station that lived `teach(dayNo)` events a day is silent about them. */
function silent<State>(
  detector: Detector<State>, key: EvidenceKey, act: Act<State>, days: number, teach: (dayNo: number) => number,
): boolean {
  const bench = new Bench(detector);
  const count = { n: 0 };
  bench.see({ kind: "link", state: "connect" }, 0);
  for (let dayNo = 0; dayNo < days; dayNo++) {
    day(bench, dayNo, teach(dayNo), act, count);
    bench.findings.length = 0;
    if (bench.raisedAt.has(key)) return false;
  }
  return true;
}

const USUAL_PER_DAY = 1;
const HONEST_DAYS = 14;
/** Paces of events a day that are tried, and daily growths while teaching. */
const PACES = [1, 6, 12, 24, 48, 64, 96, 144, 192, 288];
const GROWTHS = [1.05, 1.1];

/** The most events a day that stay silent for two days, out of nothing and after slow teaching. */
export function slowly<State>(
  detector: Detector<State>, key: EvidenceKey, act: Act<State>,
): { before: number; after: number; growth: number } {
  const outOfNothing = PACES.filter((pace) =>
    silent(detector, key, act, HONEST_DAYS + 2, (dayNo) => (dayNo < HONEST_DAYS ? USUAL_PER_DAY : pace)));
  let [after, best] = [0, 1];
  for (const growth of GROWTHS) {
    const until = HONEST_DAYS + 7 * WEEKS;
    const reached = PACES.filter((most) => silent(detector, key, act, until + 2, (dayNo) => (
      dayNo < HONEST_DAYS ? USUAL_PER_DAY : Math.min(most, USUAL_PER_DAY * growth ** (dayNo - HONEST_DAYS)))))
      .map((most) => Math.min(most, growth ** (7 * WEEKS)));
    const top = Math.max(0, ...reached);
    if (top > after) [after, best] = [top, growth];
  }
  return { before: Math.max(...outOfNothing), after, growth: best };
}

const loseLink: Act<unknown> = (bench, _n, at) => {
  bench.see({ kind: "link", state: "disconnect" }, at);
  bench.see({ kind: "link", state: "connect" }, at + 5);
};
const refuse: Act<unknown> = (bench, n, at) => {
  const seen: Seen = { kind: "authorization", source: "Authorize", token: token(n), outcome: "refused",
    status: "Invalid" };
  bench.see(seen, at);
};

function ofRate(quantity: string, detector: Detector<never>, key: EvidenceKey, act: Act<unknown>, unit: string): Gain {
  const { before, after, growth } = slowly(detector as unknown as Detector<unknown>, key, act);
  return { quantity, teaching: `+${Math.round((growth - 1) * 100)} % a day`, before, after, unit };
}

/** A share that is taught with every single order: what one more order still says, nats. */
function ofHabit(): Gain {
  const law: TraitLaw = { term: "", absent: "", attackShare: 0.98, honestShare: 0.02, weight: 10, mostShare: 0.8 };
  const habit = createHabit(law);
  const says = (): number => Math.log(law.attackShare / honestShare(habit, law));
  const before = says();
  for (let n = 0; n < 10_000; n++) learnHabit(habit, true);
  const after = says();
  return { quantity: "habit (share of orders)", teaching: "10,000 orders", before, after, unit: "nats an order" };
}

/** A meter's ratio that creeps at just under what counts as an outlier: where its centre ends. */
function ofSpread(): Gain {
  const spread: Spread = { centre: 0, variance: 0.01 ** 2, weight: 4, floor: 0.005 ** 2, ceiling: 0.02 ** 2 };
  for (let session = 0; session < 20_000; session++) learnSpread(spread, spread.centre + 0.02, 0, -0.03, 0.03);
  return { quantity: "spread (ratio of energies)", teaching: "20,000 sessions", before: 0, after: 100 * spread.centre,
    unit: "% stolen" };
}

/** Orders of unsigned firmware in plain text from one foreign host, one a week: whether it ever counts as known. */
function ofHosts(): Gain {
  const bench = new Bench(firmwareTampering);
  const from = { scheme: "http", host: "images.example" };
  for (let week = 0; week < WEEKS && !bench.raisedAt.has("firmware-tampering"); week++) {
    bench.see({ kind: "firmware-order", from, signed: false, outcome: "accepted" }, week * 7 * DAY_S);
  }
  return { quantity: "hosts (unsigned, plain text)", teaching: "one order a week", before: 0,
    after: bench.state.hosts.includes(from.host) ? 1 : 0, unit: "hosts believed" };
}

export const gains = (): Gain[] => [
  ofRate("rate of lost links", denialOfService as unknown as Detector<never>, "denial-of-service", loseLink, "a day"),
  ofRate("rate of refused idTokens", authorizationAbuse as unknown as Detector<never>, "authorization-abuse", refuse,
    "a day"),
  ofHabit(), ofSpread(), ofHosts(),
];
