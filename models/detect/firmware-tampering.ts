/**
 * firmware-tampering: unsigned, downgraded or foreign firmware.
 *
 * Looks for: orders to update, by source host, transport and signature; the version after the next boot; what the
 * station itself says of a signature.
 * Statistic: each order adds the likelihood ratio of its traits under an attack and under this station's own habit; an
 * order for which nothing vouches (no signature, no TLS, a host never used before) is judged as a whole. Retries of one
 * order are one order.
 * Null: the station's past orders. The shipped shares are judgements: no public base rates exist.
 * Honest look-alikes: many OCPP 1.6 networks send unsigned firmware over ftp from one host; where that is the habit it
 * counts little. A technician's local update changes the version without an order.
 * Another vendor or model behind the same id is another station, whose version is compared with none before. Nor is
 * that of a boot over a connection that came beside another one: who speaks there is channel-tampering's question.
 * Joint feature `firmware-orders`: orders by how rare they are and by the same traits: a staged signed roll-out from a
 * host that was used before speaks for honesty at each station.
 */
import type { Finding, Observation, RemoteHost, Term } from "../terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type Now } from "../units.ts";
import { type Detector, framesOf, MOST_NATS, unlessAccepted, weigh } from "./detector.ts";
import { type Burst, type BurstLaw, createBurst, passBurst, seeBurst } from "./learned/burst.ts";
import { createHabit, type Habit, habitTerm, learnHabit, type TraitLaw } from "./learned/habit.ts";
import { isAddress, isPlainText, knowHost } from "./learned/hosts.ts";
import { compareVersions } from "./learned/versions.ts";

type Order = Extract<Observation, { kind: "firmware-order" }>;
type Boot = Extract<Observation, { kind: "boot" }>;

export interface FirmwareTampering {
  traits: Record<Trait, Habit>;
  /** Hosts that honest orders named, and the CSMS's own; newest last. */
  hosts: string[];
  /** Orders, for the joint feature. */
  orders: Burst;
  /** `foreign`: from a host never used before, where other orders came before it. */
  lastOrder: { where: string; atMs: number; foreign?: boolean } | undefined;
  version: string | undefined;
  /** Vendor and model of the station that the version is of. */
  station?: string;
  /** Whether the link is up, and when a connection came beside the one that stood, monotonic ms. */
  linkUp?: boolean;
  besideMs?: number;
}

const LAWS = {
  unsigned: {
    term: "unsigned firmware", absent: "signed firmware", attackShare: 0.9, honestShare: 0.5, weight: 2,
  },
  unvouched: {
    term: "nothing vouches for the image: no signature, no TLS, an unknown host",
    absent: "something vouches for the image",
    attackShare: 0.8, honestShare: 0.0005, weight: 20,
  },
  plain: {
    term: "fetched over a plain-text link", absent: "fetched over TLS", attackShare: 0.7, honestShare: 0.35, weight: 2,
  },
  stranger: {
    term: "host never used before", absent: "host used before", attackShare: 0.98, honestShare: 0.4, weight: 2,
  },
  address: {
    term: "host is a bare address", absent: "host has a name", attackShare: 0.3, honestShare: 0.02, weight: 30,
  },
  older: {
    term: "older version after the boot", absent: "version not older", attackShare: 0.5, honestShare: 0.0015,
    weight: 30,
  },
  unordered: {
    term: "version changed without an order", absent: "version changed after an order",
    attackShare: 0.5, honestShare: 0.15, weight: 10,
  },
} as const satisfies Record<string, TraitLaw>;
type Trait = keyof typeof LAWS;

/** Who takes a release back does so from where it came: 0.02 of honest steps back, 0.4 of hostile ones (judgements). */
const FOREIGN: Term = { term: "from another host than the releases before it", nats: Math.log(0.4 / 0.02) };
const RETRY_MS = DAY_MS;
/** Releases come once a month, or oftener: a judgement, and never learned to be rarer. */
const MONTHLY = 1 / (30 * 24);
const ORDERS: BurstLaw = {
  keys: [{ key: "firmware-orders", perHour: 4, leastPerHour: MONTHLY }],
  term: "orders to update", gapMs: HOUR_MS, priorPerHour: MONTHLY, byHour: false, shareWeight: 20,
  traits: {},
};
const ORDER_EXPLAINS_MS = 7 * DAY_MS;
const BESIDE_MS = 5 * MINUTE_MS;
/** The station says so itself (OCPP 1.6 security, table 7; 2.0.1 FirmwareStatusEnumType). Judgement. */
const BAD_SIGNATURE_NATS = 7.2;
const BAD_SIGNATURE = new Set(["InvalidSignature", "InvalidCertificate"]);
const LEARN_BELOW_NATS = 4;

export const firmwareTampering: Detector<FirmwareTampering> = {
  name: "firmware-tampering",
  version: 2,
  create: (site) => ({
    traits: {
      unvouched: createHabit(LAWS.unvouched), unsigned: createHabit(LAWS.unsigned), plain: createHabit(LAWS.plain),
      stranger: createHabit(LAWS.stranger), address: createHabit(LAWS.address), older: createHabit(LAWS.older),
      unordered: createHabit(LAWS.unordered),
    },
    hosts: site.csmsHost === undefined ? [] : [site.csmsHost],
    orders: createBurst(ORDERS),
    lastOrder: undefined,
    version: undefined,
  }),
  observe(state, observation, now) {
    switch (observation.kind) {
      case "tick":
        return passBurst(state.orders, ORDERS, now);
      case "firmware-order":
        return order(state, observation, now);
      case "firmware-status":
        return BAD_SIGNATURE.has(observation.status) ? badSignature(observation, now) : [];
      case "link":
        if (observation.state === "connect" && state.linkUp === true) state.besideMs = now.monoMs;
        state.linkUp = observation.state === "connect";
        return [];
      case "boot":
        return boot(state, observation, now);
      default:
        return [];
    }
  },
};

function order(state: FirmwareTampering, seen: Order, now: Now): Finding[] {
  // An order that drops the signature is no retry of one that had it.
  const where = `${seen.signed ? "signed " : ""}${seen.from.scheme}://${seen.from.host}`;
  const last = state.lastOrder;
  if (last !== undefined && last.where === where && now.monoMs - last.atMs < RETRY_MS) return [];
  const { with: strangers, without } = state.traits.stranger;
  const shows = {
    unsigned: !seen.signed,
    plain: isPlainText(seen.from.scheme),
    stranger: !state.hosts.includes(seen.from.host),
    address: isAddress(seen.from.host),
  };
  const foreign = shows.stranger && strangers + without > LAWS.stranger.weight;
  state.lastOrder = { where, atMs: now.monoMs, foreign };
  const unvouched = shows.unsigned && shows.plain && shows.stranger;
  const alone = ["unsigned", "plain", "stranger", "address"] as const;
  const judged = unvouched ? (["address"] as const) : alone;
  const terms = [
    habitTerm(state.traits.unvouched, LAWS.unvouched, unvouched),
    ...judged.map((trait) => habitTerm(state.traits[trait], LAWS[trait], shows[trait])),
  ];
  if (terms.reduce((sum, term) => sum + term.nats, 0) < LEARN_BELOW_NATS) {
    for (const trait of Object.keys(shows) as (keyof typeof shows)[]) learnHabit(state.traits[trait], shows[trait]);
    learnHabit(state.traits.unvouched, unvouched);
    knowHost(state.hosts, seen.from.host);
  }
  const found = finding(terms, orderSays(seen, shows.stranger), now, framesOf(seen));
  const { says, frames } = found;
  return [found, ...seeBurst(state.orders, ORDERS, { judged: [], shown: [], extra: terms, says, frames }, now)];
}

function orderSays(seen: Order, stranger: boolean): string {
  const from = describe(seen.from);
  const what = `${seen.signed ? "signed" : "unsigned"} firmware`;
  return `order to install ${what} from ${stranger ? "the unknown " : ""}${from}${unlessAccepted(seen.outcome)}`;
}

function describe(host: RemoteHost): string {
  return host.host === "" ? "a place that is no URL" : `host ${host.host} over ${host.scheme}`;
}

function badSignature(seen: Observation & { status: string }, now: Now): Finding[] {
  const term = { term: "the station refused the signature", nats: BAD_SIGNATURE_NATS };
  return [finding([term], `the station reports ${seen.status}`, now, framesOf(seen))];
}

function boot(state: FirmwareTampering, seen: Boot, now: Now): Finding[] {
  const before = state.version;
  const after = seen.firmwareVersion;
  const beside = state.besideMs !== undefined && Math.abs(now.monoMs - state.besideMs) < BESIDE_MS;
  if (after === undefined || beside) return [];
  state.version = after;
  const station = `${seen.vendor} ${seen.model}`.slice(0, 96);
  const exchanged = state.station !== undefined && state.station !== station;
  state.station = station;
  if (before === undefined || before === after || exchanged) return [];
  const ordered = state.lastOrder !== undefined && now.monoMs - state.lastOrder.atMs < ORDER_EXPLAINS_MS;
  const older = compareVersions(after, before) < 0;
  const foreign = older && ordered && state.lastOrder?.foreign === true;
  const terms = [
    habitTerm(state.traits.older, LAWS.older, older),
    habitTerm(state.traits.unordered, LAWS.unordered, !ordered),
    ...(foreign ? [FOREIGN] : []),
  ];
  learnHabit(state.traits.older, older);
  learnHabit(state.traits.unordered, !ordered);
  const how = `${ordered ? "after" : "without"} an order${foreign ? `, ${FOREIGN.term}` : ""}`;
  const says = `firmware went ${older ? "back " : ""}from ${before} to ${after} ${how}`;
  return [finding(terms, says, now, framesOf(seen))];
}

function finding(terms: Term[], says: string, now: Now, frames: readonly number[] = []): Finding {
  return { key: "firmware-tampering", at: now.wallMs, ...weigh(terms, -MOST_NATS, MOST_NATS), frames, says };
}
