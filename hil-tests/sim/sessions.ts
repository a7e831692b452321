/** Who comes when, and for how much: sessions drawn from a profile, as an endless stream in order of arrival. */
import { HOUR_MS, MINUTE_MS, type WallMs } from "../../models/units.ts";
import { dice, type Dice } from "./dice.ts";
import type { LocalTime } from "../../models/local-time.ts";
import type { Profile } from "./profile.ts";

/** One visit as it would go if nothing came between. */
export interface PlannedSession {
  readonly plugInAt: WallMs;
  readonly plugOutAt: WallMs;
  /** What the vehicle would take if left long enough, Wh. */
  readonly energyWh: number;
  /** What the vehicle draws before its taper, W. */
  readonly vehicleW: number;
  readonly token: string;
  /** Where the plan knows which; otherwise any free EVSE. */
  readonly evseId?: number;
}

/** So many past visits are remembered to choose a returning user from. */
const MEMORY = 200;

/** Users who return: a new visit copies a past one with the profile's probability (Chinese restaurant process). */
export class Users {
  private readonly visits: string[] = [];
  /** Cards in use, and until when. */
  private readonly here = new Map<string, number>();
  private readonly chance: Dice;
  private readonly returnShare: number;

  constructor(chance: Dice, returnShare: number) {
    this.chance = chance;
    this.returnShare = returnShare;
    // A station has a past: without one, the first weeks would be all strangers.
    for (let i = 0; i < MEMORY; i++) this.next();
  }

  /** Somebody whose card is not in use: nobody charges two vehicles here at once. */
  next(during?: { readonly from: number; readonly to: number }): string {
    let token = this.anybody();
    for (let tries = 0; tries < 5 && during !== undefined && this.isHere(token, during.from); tries++) {
      token = this.anybody();
    }
    if (during !== undefined) {
      if (this.isHere(token, during.from)) token = this.stranger();
      for (const [card, until] of this.here) if (until < during.from) this.here.delete(card);
      this.here.set(token, during.to);
    }
    this.visits.push(token);
    if (this.visits.length > MEMORY) this.visits.shift();
    return token;
  }

  private isHere(token: string, at: number): boolean {
    return (this.here.get(token) ?? 0) >= at;
  }

  private anybody(): string {
    const known = this.visits.length > 0 && this.chance.chance(this.returnShare);
    return known ? this.chance.pick(this.visits) : this.stranger();
  }

  /** RFID cards have UIDs of 4 or 7 bytes. */
  private stranger(): string {
    return this.chance.hex(this.chance.chance(0.6) ? 8 : 14);
  }
}

interface Visit {
  readonly hours: number;
  readonly energyWh: number;
  readonly vehicleW: number;
}

function shortVisit(chance: Dice): Visit {
  return { hours: chance.uniform(20, 110) / 3600, energyWh: chance.chance(0.5) ? 0 : chance.uniform(1, 50),
    vehicleW: 7_000 };
}

function drawVisit(profile: Profile, ratedW: number, chance: Dice): Visit {
  if (chance.chance(profile.shortShare)) return shortVisit(chance);
  const { durationH, energyWh, vehicleW } = profile;
  const shared = chance.normal(0, 1);
  const own = chance.normal(0, 1);
  const { correlation } = energyWh;
  // Clipped at 2.5 deviations: the logarithms' tails are fatter here than in the data.
  const spread = (z: number): number => Math.max(-2.5, Math.min(2.5, z));
  const hours = durationH.median * Math.exp(durationH.sigma * spread(shared));
  const z = correlation * shared + Math.sqrt(1 - correlation ** 2) * own;
  const wishWh = energyWh.median * Math.exp(energyWh.sigma * spread(z));
  const drawnW = Math.exp(chance.uniform(Math.log(vehicleW.low), Math.log(vehicleW.high)));
  const power = Math.min(ratedW, Math.max(drawnW, (1.2 * wishWh) / hours));
  return { hours, energyWh: Math.min(wishWh, 0.9 * power * hours), vehicleW: power };
}

export interface PlanSpec {
  readonly profile: Profile;
  readonly evses: number;
  /** Rated power of one EVSE, W. */
  readonly ratedW: number;
  readonly local: LocalTime;
  readonly from: WallMs;
  readonly until: WallMs;
  readonly seed: number;
}

/** Arrivals are a Poisson process whose rate follows the local hour of the week. */
export function* planSessions(spec: PlanSpec): Generator<PlannedSession> {
  const { profile, local, until } = spec;
  const chance = dice(spec.seed, "sessions");
  const users = new Users(dice(spec.seed, "users"), profile.returnShare);
  for (let hourAt = spec.from as number; hourAt < until; hourAt += HOUR_MS) {
    const { hour, weekend } = local.hour(hourAt as WallMs);
    const share = ((weekend ? profile.weekend : profile.weekday)[hour] ?? 0) / 1000;
    const mean = share * profile.sessionsPerDayAndEvse * spec.evses;
    if (mean === 0) continue;
    for (let into = chance.exponential(1 / mean); into < 1; into += chance.exponential(1 / mean)) {
      const visit = drawVisit(profile, spec.ratedW, chance);
      const plugInAt = Math.round(hourAt + into * HOUR_MS) as WallMs;
      const plugOutAt = Math.round(plugInAt + visit.hours * HOUR_MS) as WallMs;
      const { energyWh, vehicleW } = visit;
      // Ten minutes to leave, so that a visit which runs late does not overlap the next.
      const token = users.next({ from: plugInAt, to: plugOutAt + 10 * MINUTE_MS });
      yield { plugInAt, plugOutAt, energyWh, vehicleW, token };
    }
  }
}
