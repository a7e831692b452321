/**
 * How much evidence makes a zone's verdict: CLIP, SUPPORT and the threshold of each evidence key, in millinats.
 *
 * A member's growth is the logarithm of an e-value, and so is the sum over independent members; clipping from above
 * only lowers it, clipping from below at CLIP raises its expectation by e^-12. Searching onsets is a Shiryaev-Roberts
 * sum over beginnings; f framers at +CLIP let the honest lose their f lowest unpunished, which is a choice among
 * C(n - f, f) sums. That reasoning bounds the threshold from above (18.6 nats for starts at n = 6, f = 1), and counts
 * on stations that have nothing in common. So the thresholds were measured: `npm run bench zone-laws` lets honest
 * streets with a common rush live through years with f framers, for n from 4 to 60, and reads off which sum comes
 * BUDGET_PER_YEAR times a year. All keys together come to one certified false alert per zone and year under the worst
 * lies; without lies it is rarer by orders of magnitude. It grows with ln n, the steeper the more the rush makes of a
 * key, and hardly with f. It is a mean over streets: those of six stations came to 0.65 a year in 120 years, one of
 * seven in which cards are refused often to 1.3.
 */
import type { EvidenceKey } from "../terms.ts";

/** The most that one member counts for or against: what a single finding may carry (MOST_NATS in detector.ts). */
const CLIP_MILLINATS = 12_000;
/** Room above the means that are out of a single finding's reach. */
const CLIP_OF_HIGH_MEANS = 24_000;
/**
 * For measured keys a lower clip is sharper, as long as enough members are counted that one event at each suffices:
 * what comes about by chance is mostly few members with much. Measured over 2 to 12 nats (`npm run bench agreement`).
 */
const NARROW_CLIP = 3_000;
const SMALL_ZONE_CLIP = 6_000;
/** Fewer counted members than this keep the widest. */
const FEWEST_COUNTED = 3;
/** Growth above this supports a raise; f + 1 members must. */
export const SUPPORT_MILLINATS = 1_000;

/** Certified false alerts a zone and year that each key may have under f framers; what is left is for all others. */
export const BUDGET_PER_YEAR = {
  "starts": 0.25, "stops": 0.1, "power-step": 0.2, "setpoint-step": 0.1, "refusals": 0.05, "authorization-abuse": 0.1,
  "export": 0.02,
} as const satisfies Partial<Record<EvidenceKey, number>>;

/** The threshold is base + slope ln n, or ln of the counted members n - 2f; millinats. */
interface Law {
  readonly base: number;
  readonly slope: number;
  readonly counted?: true;
}
interface MeasuredLaw {
  readonly small: Law;
  /** With NARROW_CLIP, from so many counted members on. */
  readonly narrow: Law;
  readonly from: number;
}
/** Of starts and steps of power, 0.2 to 0.25 times a year; stops have half of that budget, and half a nat more. */
const JOINT_STEPS: Law = { base: 9_100, slope: 2.5 };
const MEASURED: Partial<Record<EvidenceKey, MeasuredLaw>> = {
  "starts": { small: JOINT_STEPS, narrow: { base: 17_000, slope: -2.9, counted: true }, from: 8 },
  "stops": { small: { base: 9_600, slope: 2.5 }, narrow: { base: 19_800, slope: -4, counted: true }, from: 8 },
  "power-step": { small: JOINT_STEPS, narrow: { base: 12_500, slope: 0, counted: true }, from: 8 },
  "refusals": { small: { base: 2_500, slope: 5 }, narrow: { base: 500, slope: 4.7 }, from: 4 },
  "authorization-abuse": { small: { base: 5_000, slope: 6 }, narrow: { base: 0, slope: 5 }, from: 4 },
};
/** For laws by counted members where f is over a quarter of n: so many framers leave the honest little to drop. */
const CROWDED = 3_500;
/** However many members, a sum of two at NARROW_CLIP and a little is not enough. */
const LEAST_THRESHOLD = 6_500;
/** Measured at n = 3, f = 0: 12 nats. */
const LEAST_UNTRIMMED = 13_500;
/** Measured as well, at the widest clip. */
const MEASURED_WIDE: Partial<Record<EvidenceKey, Law>> = {
  /** With set-points pushed to all now and then; its mean (HIGH_MEANS) is above it in every zone of two and more. */
  "setpoint-step": { base: 11_000, slope: 2 },
  /** Where every station has a roof behind its meter, and one sun. */
  "export": { base: 500, slope: 6.5 },
};
/**
 * Not measured: ln(8,000 e-values a year and station x 50 years between false alerts x n C(n - f, f)), transactions
 * being the busiest of these, told as base and slope at n = 6, f = 1 and n = 20, f = 3.
 */
const REASONED: Law = { base: 7_500, slope: 5 };

/**
 * Keys whose honest evidence may have one cause at all stations, since the CSMS does the same to all: orders, changes
 * of configuration, set-points, another certificate. Then members are one witness and their sum proves nothing that
 * their mean does not: the mean of the counted members must reach what a station alone would need, and for a joint
 * feature nearly. Threats without a detector yet are among them until somebody has looked.
 */
const INDEPENDENT: ReadonlySet<EvidenceKey> = new Set<EvidenceKey>([
  "authorization-abuse", "energy-theft",
  "starts", "stops", "power-step", "refusals", "delivered-less-billed", "billed-less-delivered", "export",
  "clones",
]);

/** Whether members' honest evidence for the key has causes of its own at each. */
export function isIndependent(key: EvidenceKey): boolean {
  return INDEPENDENT.has(key);
}

const MEAN_OF_COMMON_CAUSE = 8_000;
/**
 * Threats that a station alone tells later than that: its threshold (models/opine/threshold.ts), rounded up. A CSMS
 * that fails over for hours, with another certificate, and comes back is worth 15.8 nats at every station.
 */
const HIGH_MEANS: Partial<Record<EvidenceKey, number>> = {
  "session-spoofing": 13_500, "billing-inflation": 12_800, "load-manipulation": 10_400, "profile-tampering": 13_600,
  "configuration-tampering": 9_100, "remote-command-abuse": 13_200, "denial-of-service": 16_700,
  "channel-tampering": 17_300, "data-exfiltration": 11_300, "reverse-power": 10_400, "reconnaissance": 12_900,
  "physical-tampering": 9_100,
  /** Measured with set-points pushed to a whole zone once and four times an hour: 12 to 13 nats in ten years. */
  "setpoint-step": 14_000,
};

/**
 * Keys that no sum certifies. `agent-misbehaviour` takes a proof (gossip/SPEC.md, section 5). `credential-cloning`
 * counts the word of single neighbours, with which f liars could make many honest stations state it; `clones` leaves
 * that out.
 */
const NEVER_CERTIFIED: ReadonlySet<EvidenceKey> = new Set<EvidenceKey>(["agent-misbehaviour", "credential-cloning"]);

interface Size {
  readonly n: number;
  readonly f: number;
}

const isNarrow = ({ from }: MeasuredLaw, { n, f }: Size): boolean => n - 2 * f >= from;

/** The clip of growth in a zone of n members with f, millinats. */
export function clipOf(key: EvidenceKey, size: Size): number {
  if (HIGH_MEANS[key] !== undefined) return CLIP_OF_HIGH_MEANS;
  const measured = MEASURED[key];
  if (measured === undefined || size.n - 2 * size.f < FEWEST_COUNTED) return CLIP_MILLINATS;
  return isNarrow(measured, size) ? NARROW_CLIP : SMALL_ZONE_CLIP;
}

/** What each counted member must have on average, where their evidence may have one cause; else 0. */
function meanOf(key: EvidenceKey): number {
  if (INDEPENDENT.has(key)) return 0;
  return HIGH_MEANS[key] ?? MEAN_OF_COMMON_CAUSE;
}

function lawOf(key: EvidenceKey, size: Size): Law {
  const measured = MEASURED[key];
  if (measured !== undefined) return isNarrow(measured, size) ? measured.narrow : measured.small;
  return MEASURED_WIDE[key] ?? REASONED;
}

/**
 * The sum at which a zone of n members with f raises, millinats. With f = 0 nothing is trimmed, and no single member
 * may raise: it takes two with half a clip each, and more where the clip is low. For what no sum certifies it is out
 * of reach.
 */
export function zoneThreshold(key: EvidenceKey, { n, f }: Size): number {
  if (NEVER_CERTIFIED.has(key)) return n * clipOf(key, { n, f }) + 1;
  const { base, slope, counted } = lawOf(key, { n, f });
  const mean = meanOf(key) * (n - 2 * f);
  const clip = clipOf(key, { n, f });
  const alone = f === 0 ? Math.max((3 * clip) / 2, Math.min(LEAST_UNTRIMMED, (9 * clip) / 4)) : 0;
  const crowded = counted === true && 4 * f > n ? CROWDED : 0;
  const law = base + crowded + Math.floor(slope * lnOfSize(counted === true ? n - 2 * f : n));
  return Math.max(LEAST_THRESHOLD, law, mean, alone);
}

const LN_2_MICRONATS = 693_147;
const ONE = 2 ** 25;

const known = new Map<number, number>();

/** Of a zone's size, which is asked for with every decision and is one of 64. */
function lnOfSize(n: number): number {
  const ln = known.get(n) ?? lnMillinats(n);
  if (known.size < 64) known.set(n, ln);
  return ln;
}

/** 1,000 ln(value) for an integer from 1 to 2^25, rounded down, by squaring in integers: alike on every engine. */
export function lnMillinats(value: number): number {
  let mantissa = Math.max(1, Math.floor(value)) * ONE;
  let micronats = 0;
  for (; mantissa >= 2 * ONE; mantissa /= 2) micronats += LN_2_MICRONATS;
  mantissa = Math.floor(mantissa);
  for (let bit = LN_2_MICRONATS / 2; bit >= 1; bit /= 2) {
    mantissa = Math.floor((mantissa * mantissa) / ONE);
    if (mantissa < 2 * ONE) continue;
    mantissa = Math.floor(mantissa / 2);
    micronats += Math.floor(bit);
  }
  return Math.floor(micronats / 1_000);
}
