/**
 * firmware-tampering: unsigned, downgraded or foreign firmware.
 *
 * Looks for: orders to update, by source host, transport and signature; the version after the next boot; what the station
 * itself says of a signature.
 * Statistic: firmware orders are rare (a learned rate against one a day); each order then adds the likelihood ratio of
 * its traits under an attack and under this station's own habit. Retries of one order are one order.
 * Null: the station's past orders. The shipped shares are judgements: no public base rates exist.
 * Honest look-alikes: many OCPP 1.6 networks send unsigned firmware over ftp; where that is the habit it counts little. A
 * technician's local update changes the version without an order.
 */
import type { Finding, Observation, RemoteHost, Term } from "../terms.ts";
import { DAY_MS, HOUR_MS, type Now } from "../units.ts";
import { type Detector, framesOf, MOST_NATS, weigh } from "./detector.ts";
import { createHabit, type Habit, habitTerm, learnHabit, type TraitLaw } from "./learned/habit.ts";
import { createRate, eventNats, learnRate, type LearnedRate, quietNats, upperPerHour } from "./learned/rate.ts";
import { isAddress, isPlainText, knowHost } from "./learned/hosts.ts";
import { compareVersions } from "./learned/versions.ts";

type Order = Extract<Observation, { kind: "firmware-order" }>;
type Boot = Extract<Observation, { kind: "boot" }>;

export interface FirmwareTampering {
  orders: LearnedRate;
  traits: Record<Trait, Habit>;
  /** Hosts that honest orders named, and the CSMS's own; newest last. */
  hosts: string[];
  lastOrder: { where: string; atMs: number } | undefined;
  version: string | undefined;
  lastTickMs: number;
}

const LAWS = {
  unsigned: {
    term: "unsigned firmware", absent: "signed firmware", attackShare: 0.9, honestShare: 0.5, weight: 2,
  },
  plain: {
    term: "fetched over a plain-text link", absent: "fetched over TLS", attackShare: 0.7, honestShare: 0.35, weight: 2,
  },
  stranger: {
    term: "host never used before", absent: "host used before", attackShare: 0.98, honestShare: 0.4, weight: 2,
  },
  address: {
    term: "host is a bare address", absent: "host has a name", attackShare: 0.5, honestShare: 0.03, weight: 30,
  },
  older: {
    term: "older version after the boot", absent: "version not older", attackShare: 0.5, honestShare: 0.03, weight: 30,
  },
  unordered: {
    term: "version changed without an order", absent: "version changed after an order",
    attackShare: 0.5, honestShare: 0.15, weight: 10,
  },
} as const satisfies Record<string, TraitLaw>;
type Trait = keyof typeof LAWS;

/** Honest networks order firmware about four times a year; an attacker comes back daily. Judgements. */
const PRIOR_ORDERS_PER_HOUR = 4 / (365 * 24);
const ATTACK_PER_HOUR = 1 / 24;
const RETRY_MS = DAY_MS;
const ORDER_EXPLAINS_MS = 7 * DAY_MS;
/** The station says so itself (OCPP 1.6 security, table 7; 2.0.1 FirmwareStatusEnumType). Judgement. */
const BAD_SIGNATURE_NATS = 5;
const BAD_SIGNATURE = new Set(["InvalidSignature", "InvalidCertificate"]);
const LONGEST_QUIET_MS = HOUR_MS;
const LEARN_BELOW_NATS = 4;

export const firmwareTampering: Detector<FirmwareTampering> = {
  name: "firmware-tampering",
  version: 1,
  create: (site) => ({
    orders: createRate(PRIOR_ORDERS_PER_HOUR, 365 * 24),
    traits: {
      unsigned: createHabit(LAWS.unsigned), plain: createHabit(LAWS.plain), stranger: createHabit(LAWS.stranger),
      address: createHabit(LAWS.address), older: createHabit(LAWS.older), unordered: createHabit(LAWS.unordered),
    },
    hosts: site.csmsHost === undefined ? [] : [site.csmsHost],
    lastOrder: undefined,
    version: undefined,
    lastTickMs: -1,
  }),
  observe(state, observation, now) {
    switch (observation.kind) {
      case "tick":
        return quiet(state, now);
      case "firmware-order":
        return order(state, observation, now);
      case "firmware-status":
        return BAD_SIGNATURE.has(observation.status) ? badSignature(observation, now) : [];
      case "boot":
        return boot(state, observation, now);
      default:
        return [];
    }
  },
};

function quiet(state: FirmwareTampering, now: Now): Finding[] {
  const since = state.lastTickMs < 0 ? 0 : now.monoMs - state.lastTickMs;
  state.lastTickMs = now.monoMs;
  if (since <= 0) return [];
  const hours = Math.min(since, LONGEST_QUIET_MS) / HOUR_MS;
  const nats = quietNats(upperPerHour(state.orders, now.wallMs), ATTACK_PER_HOUR, hours);
  learnRate(state.orders, now.wallMs, hours, 0);
  return [finding([{ term: "time without an order", nats }], "", now)];
}

function order(state: FirmwareTampering, seen: Order, now: Now): Finding[] {
  const where = `${seen.from.scheme}://${seen.from.host}`;
  const last = state.lastOrder;
  if (last !== undefined && last.where === where && now.monoMs - last.atMs < RETRY_MS) return [];
  state.lastOrder = { where, atMs: now.monoMs };
  const shows = {
    unsigned: !seen.signed,
    plain: isPlainText(seen.from.scheme),
    stranger: !state.hosts.includes(seen.from.host),
    address: isAddress(seen.from.host),
  };
  const rare = { term: "orders are rare", nats: eventNats(upperPerHour(state.orders, now.wallMs), ATTACK_PER_HOUR) };
  const traits = Object.entries(shows) as [keyof typeof shows, boolean][];
  const terms = [rare, ...traits.map(([trait, is]) => habitTerm(state.traits[trait], LAWS[trait], is))];
  const total = terms.reduce((sum, term) => sum + term.nats, 0);
  if (total < LEARN_BELOW_NATS) {
    for (const [trait, is] of traits) learnHabit(state.traits[trait], is);
    learnRate(state.orders, now.wallMs, 0, 1);
    knowHost(state.hosts, seen.from.host);
  }
  return [finding(terms, orderSays(seen, shows.stranger), now, framesOf(seen))];
}

function orderSays(seen: Order, stranger: boolean): string {
  const from = describe(seen.from);
  return `order to install ${seen.signed ? "signed" : "unsigned"} firmware from ${stranger ? "the unknown " : ""}${from}`;
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
  if (after === undefined) return [];
  state.version = after;
  if (before === undefined || before === after) return [];
  const ordered = state.lastOrder !== undefined && now.monoMs - state.lastOrder.atMs < ORDER_EXPLAINS_MS;
  const older = compareVersions(after, before) < 0;
  const terms = [
    habitTerm(state.traits.older, LAWS.older, older),
    habitTerm(state.traits.unordered, LAWS.unordered, !ordered),
  ];
  learnHabit(state.traits.older, older);
  learnHabit(state.traits.unordered, !ordered);
  const how = ordered ? "after an order" : "without an order";
  return [finding(terms, `firmware went from ${before} to ${after} ${how}`, now, framesOf(seen))];
}

function finding(terms: Term[], says: string, now: Now, frames: readonly number[] = []): Finding {
  return { key: "firmware-tampering", at: now.wallMs, ...weigh(terms, -MOST_NATS, MOST_NATS), frames, says };
}
