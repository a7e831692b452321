/** Honest causes of joint behaviour. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, type WallMs } from "../../../models/units.ts";
import type { LocalTime } from "../../../models/local-time.ts";
import { purposeSeed } from "../dice.ts";
import type { Release } from "../fleet.ts";
import { planSessions, type PlannedSession } from "../sessions.ts";
import type { Station } from "../station.ts";
import type { LookAlike, LookAlikes, Scene } from "./look-alike.ts";

/** Both in order of arrival. */
function* mergedVisits(some: Iterable<PlannedSession>, others: Iterable<PlannedSession>): Generator<PlannedSession> {
  const more = others[Symbol.iterator]();
  let next = more.next();
  for (const plan of some) {
    for (; next.done !== true && next.value.plugInAt <= plan.plugInAt; next = more.next()) yield next.value;
    yield plan;
  }
  for (; next.done !== true; next = more.next()) yield next.value;
}

const SURGE_TIMES = 1.5;

const holidaySurge: LookAlike = {
  scope: "zone", like: "load-manipulation", lengthMs: DAY_MS,
  does: `a public holiday: ${SURGE_TIMES} times as many visits come beside the usual ones, by the weekend's hours`,
  change: ({ from, to }) => ({
    visits: (plans, spec) => {
      const { weekend, sessionsPerDayAndEvse } = spec.profile;
      const profile = { ...spec.profile, weekday: weekend,
        sessionsPerDayAndEvse: SURGE_TIMES * sessionsPerDayAndEvse };
      const seed = purposeSeed(spec.seed, "holiday");
      return mergedVisits(plans, planSessions({ ...spec, profile, from, until: to, seed }));
    },
  }),
};

/** Half past midnight, when many cheap tariffs begin; starts are spread as UK law asks (SI 2021/1467: up to 600 s). */
const TARIFF_MIN = 30;
const TARIFF_SPREAD_S = 600;
const EVENING_FROM_HOUR = 17;

function localMidnightAfter(at: WallMs, local: LocalTime): WallMs {
  const offset = local.offsetMs(at);
  return ((Math.floor((at + offset) / DAY_MS) + 1) * DAY_MS - offset) as WallMs;
}

function atTariff(plan: PlannedSession, local: LocalTime, scene: Scene): PlannedSession {
  const { hour } = local.hour(plan.plugInAt);
  if (plan.plugInAt < scene.from || plan.plugInAt > scene.to || hour < EVENING_FROM_HOUR) return plan;
  if (!scene.own.chance(0.6)) return plan;
  const startAt = localMidnightAfter(plan.plugInAt, local) + TARIFF_MIN * MINUTE_MS
    + scene.own.uniform(0, TARIFF_SPREAD_S) * SECOND_MS;
  const hours = plan.plugOutAt - plan.plugInAt;
  return { ...plan, plugInAt: Math.round(startAt) as WallMs, plugOutAt: Math.round(startAt + hours) as WallMs };
}

/** Plans that were moved to the night come in between those that arrive there. */
function* waiting(plans: Iterable<PlannedSession>, move: (plan: PlannedSession) => PlannedSession):
  Generator<PlannedSession> {
  const later: PlannedSession[] = [];
  const sort = (): unknown => later.sort((a, b) => a.plugInAt - b.plugInAt);
  for (const plan of plans) {
    while (later[0] !== undefined && later[0].plugInAt <= plan.plugInAt) yield later.shift() as PlannedSession;
    const moved = move(plan);
    if (moved === plan) yield plan;
    else {
      later.push(moved);
      sort();
    }
  }
  yield* later;
}

const tariffStart: LookAlike = {
  scope: "zone", like: "load-manipulation", lengthMs: 14 * DAY_MS,
  does: `a tariff: 60 % of the evening's visits begin at 00:30 local time, spread over ${TARIFF_SPREAD_S} s`,
  change: (scene) => ({
    visits: (plans, { local }) => waiting(plans, (plan) => atTariff(plan, local, scene)),
  }),
};

const PEAK_FROM_HOUR = 17;
const PEAK_HOURS = 3;
const PEAK_SHARE = 0.5;

/** The CSMS sets every EVSE within a minute, and clears it hours later. */
export function limitFor(hours: number, limitW: number, station: Station, { own }: Scene): void {
  for (const evse of station.evses) {
    const id = station.nextRequestId();
    const delayMs = own.uniform(0, 60) * SECOND_MS;
    station.after(delayMs, () =>
      station.command(station.dialect.chargingLimit(evse.id, limitW, id), undefined, () => evse.limit(limitW)));
    const clear = (): void => {
      if (!station.link.up) station.after(5 * MINUTE_MS, clear);
      else station.command(station.dialect.clearLimit(id), undefined, () => evse.limit(Number.POSITIVE_INFINITY));
    };
    station.after(hours * HOUR_MS + delayMs, clear);
  }
}

/** Does `act` at an hour of each day's local time. */
export function daily(station: Station, { from, to }: Scene, hour: number, act: () => void): void {
  const { local } = station.spec;
  for (let day = localMidnightAfter((from - DAY_MS) as WallMs, local); day < to;) {
    const at = (day + hour * HOUR_MS) as WallMs;
    if (at >= from && at < to) station.timeline.schedule(at, act);
    day = localMidnightAfter((day + HOUR_MS) as WallMs, local);
  }
}

const smartCharging: LookAlike = {
  scope: "zone", like: "profile-tampering", lengthMs: 14 * DAY_MS,
  does: `the usual CSMS limits every EVSE to ${100 * PEAK_SHARE} % of its rating from 17 to 20 local time, daily`,
  change: (scene) => ({
    happen: (station) => {
      const limitW = Math.round((station.spec.ratedW * PEAK_SHARE) / 100) * 100;
      daily(station, scene, PEAK_FROM_HOUR, () => limitFor(PEAK_HOURS, limitW, station, scene));
    },
  }),
};

const CUT_MIN = { low: 8, high: 50 };

const powerCut: LookAlike = {
  scope: "zone", like: "denial-of-service", lengthMs: HOUR_MS,
  does: `the feeder is without power for ${CUT_MIN.low} to ${CUT_MIN.high} min; stations boot and tell what they kept`,
  change: ({ from, shared }) => {
    const lengthMs = shared.uniform(CUT_MIN.low, CUT_MIN.high) * MINUTE_MS;
    return { happen: (station) => station.timeline.schedule(from, () => station.powerCut(lengthMs)) };
  },
};

const AWAY_MIN = { low: 10, high: 90 };

const backEndOutage: LookAlike = {
  scope: "zone", like: "denial-of-service", lengthMs: 2 * HOUR_MS,
  does: `the CSMS is away for ${AWAY_MIN.low} to ${AWAY_MIN.high} min; stations come back within two more`,
  change: ({ from, shared, own }) => {
    const lengthMs = shared.uniform(AWAY_MIN.low, AWAY_MIN.high) * MINUTE_MS;
    const backMs = lengthMs + own.uniform(1, 120) * SECOND_MS;
    const at = (from + own.uniform(0, 2_000)) as WallMs;
    return { happen: (station) => station.timeline.schedule(Math.round(at) as WallMs, () => station.outage(backMs)) };
  },
};

/** A tenth of the stations on the first day, half of them on the second, the rest on the third. */
const STAGES = [0.1, 0.5, 1];

const stagedRollOut: LookAlike = {
  scope: "zone", like: "firmware-tampering", lengthMs: 4 * DAY_MS,
  does: "a signed release of the usual host in three stages: 10 % of the stations, half, all, a day apart",
  change: ({ from, own }) => {
    const lot = own.next();
    const stage = STAGES.findIndex((share) => lot < share);
    const at = Math.round(from + stage * DAY_MS + own.uniform(0, 2) * HOUR_MS) as WallMs;
    const release: Release = { at, version: "3.0.0" };
    return {
      happen: (station, operator) => station.timeline.schedule(at, () => operator.orderFirmware(release)),
    };
  },
};

export const JOINT_CAUSES: LookAlikes = {
  "holiday-surge": holidaySurge,
  "tariff-start": tariffStart,
  "smart-charging": smartCharging,
  "power-cut": powerCut,
  "back-end-outage": backEndOutage,
  "staged-roll-out": stagedRollOut,
};
