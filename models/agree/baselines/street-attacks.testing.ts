/** Attacks on the simulated street that single stations hardly see, in three strengths, and broken stations. */
import { HOUR_S, type Key, type Street } from "../street.testing.ts";

export type StreetKey = Exclude<Key, "authorization-abuse" | "export">;

export interface StreetAttack {
  readonly key: StreetKey;
  readonly strength: "weak" | "medium" | "strong";
  readonly name: string;
  /** Watched for so long after its beginning. */
  readonly hours: number;
  /** Puts it into the street's future; returns who is affected, by place. */
  plan(street: Street, fromS: number): number[];
}

const WITHIN_S = 60;
const WHAT = { "starts": "start", "stops": "stop", "power-step": "power", "setpoint-step": "limit" } as const;
/** A start on a free EVSE, a stop, 22 kW more, 6 A. */
const VALUE = { "starts": 1, "stops": 0, "power-step": 22_000, "setpoint-step": 6 } as const;

function shuffled(street: Street): number[] {
  const order = street.stations.map((_, station) => ({ station, at: street.dice.next() }));
  return order.sort((a, b) => a.at - b.at).map(({ station }) => station);
}

/** This share of the stations does the same within a minute. */
export function together(
  key: keyof typeof WHAT, strength: StreetAttack["strength"], share: number, whom = shuffled,
): StreetAttack {
  return {
    key, strength, name: `${key}: ${Math.round(100 * share)} % in ${WITHIN_S} s`, hours: 1,
    plan(street, fromS) {
      const hit = whom(street).slice(0, Math.ceil(share * street.stations.length));
      for (const station of hit) {
        street.plan({ seconds: fromS + WITHIN_S * street.dice.next(), station, what: WHAT[key], value: VALUE[key] });
      }
      return hit;
    },
  };
}

/** Refused tokens at every station, so many an hour each. */
export function sprinkled(strength: StreetAttack["strength"], perHour: number): StreetAttack {
  return {
    key: "refusals", strength, name: `refusals: ${perHour} an hour each`, hours: 4,
    plan(street, fromS) {
      street.stations.forEach((_, station) => {
        for (let at = 0; (at -= Math.log(1 - street.dice.next()) / perHour) < 4;) {
          street.plan({ seconds: fromS + at * HOUR_S, station, what: "refusal", value: 1 });
        }
      });
      return street.stations.map((_, station) => station);
    },
  };
}

const SHARES = [["weak", 0.4], ["medium", 0.6], ["strong", 0.8]] as const;

export const ATTACKS: readonly StreetAttack[] = [
  ...(["starts", "stops", "power-step", "setpoint-step"] as const).flatMap((key) =>
    SHARES.map(([strength, share]) => together(key, strength, share))),
  sprinkled("weak", 1.5), sprinkled("medium", 2.5), sprinkled("strong", 4),
];

/** One station does the same thing every 20 seconds for three hours. */
export function brokenStation(key: StreetKey): StreetAttack {
  const what = key === "refusals" ? "refusal" : WHAT[key];
  return {
    key, strength: "strong", name: `one station, ${key} every 20 s`, hours: 3,
    plan(street, fromS) {
      const station = street.dice.int(street.stations.length);
      for (let n = 0; n < 3 * HOUR_S / 20; n++) {
        const alternating = key === "power-step" ? 22_000 * (n % 2) : key === "setpoint-step" ? 6 + 26 * (n % 2) : 1;
        street.plan({ seconds: fromS + 20 * n, station, what, value: alternating });
      }
      return [station];
    },
  };
}
