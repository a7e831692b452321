/**
 * data-exfiltration: logs, diagnostics or personal data sent to strangers.
 *
 * Looks for: orders to upload, by target host (the CSMS's own and those used before are known), transport, bare
 * address, and by what is asked: a driver's data is asked for seldom, and never of many drivers in a row.
 * Statistic: orders within an hour are a burst (learned/burst.ts), judged by what it shows and by how rare it is. A
 * target for which nothing vouches, neither a host used before nor TLS, is judged as a whole.
 * Null: the station's own orders; the shares are judgements. Where uploads have gone to known hosts several times, a
 * new one is rarer than at a station whose hosts nobody knows yet.
 * Honest look-alikes: the first order of all, which names a host that nobody has seen; the maker's support; an order
 * that is sent again; a log fetched each night.
 * Cannot see: what is in a log, uploads to a host that was used before, data sent past the station's OCPP.
 * Joint feature `uploads`: the same against a burst of orders over many stations.
 */
import type { Finding, Observation } from "../terms.ts";
import { HOUR_MS, type Now } from "../units.ts";
import { type Detector, framesOf, unlessAccepted } from "./detector.ts";
import { type Burst, type BurstLaw, createBurst, isOpen, passBurst, seeBurst } from "./learned/burst.ts";
import { isAddress, isPlainText, knowHost } from "./learned/hosts.ts";

type Order = Extract<Observation, { kind: "upload-order" }>;

export interface DataExfiltration {
  burst: Burst;
  /** Orders of the open burst. */
  orders: number;
  /** Hosts that honest orders named, and the CSMS's own; newest last. */
  hosts: string[];
  /** Hosts that were named in one burst so far. */
  once: string[];
  /** How many bursts named known hosts. */
  settled: number;
}

export const LAW: BurstLaw = {
  keys: [
    { key: "data-exfiltration", perHour: 0.1, leastPerHour: 1 / (14 * 24) },
    { key: "uploads", perHour: 6, leastPerHour: 1 / (14 * 24) },
  ],
  term: "orders to upload",
  gapMs: HOUR_MS,
  priorPerHour: 1 / (14 * 24),
  byHour: false,
  shareWeight: 300,
  traits: {
    "stranger": { term: "host never used before", attackShare: 0.9, honestShare: 0.5 },
    "settled": { term: "new host where others were the habit", attackShare: 0.9, honestShare: 0.03 },
    "unvouched": {
      term: "nothing vouches for the target: no TLS, an unknown host",
      attackShare: 0.7, honestShare: 0.005, weight: 1_000,
    },
    "plain": { term: "sent over a plain-text link", attackShare: 0.5, honestShare: 0.4 },
    "address": { term: "host is a bare address", attackShare: 0.3, honestShare: 0.01 },
    "personal": { term: "a driver's data asked for", attackShare: 0.2, honestShare: 0.03 },
    "6": { term: "6 orders in a row", attackShare: 0.3, honestShare: 0.05 },
    "20": { term: "20 orders in a row", attackShare: 0.8, honestShare: 0.05 },
    "60": { term: "60 orders in a row", attackShare: 0.8, honestShare: 0.05 },
  },
};
const SETTLED_AFTER = 3;
/** Orders of a burst; each level is judged once the one below it was reached. */
const LEVELS = [6, 20, 60];

export const dataExfiltration: Detector<DataExfiltration> = {
  name: "data-exfiltration",
  version: 1,
  create: (site) => ({
    burst: createBurst(LAW), orders: 0, once: [], settled: 0,
    hosts: site.csmsHost === undefined ? [] : [site.csmsHost],
  }),
  observe(state, observation, now) {
    if (observation.kind === "tick") return passBurst(state.burst, LAW, now);
    return observation.kind === "upload-order" ? order(state, observation, now) : [];
  },
};

function order(state: DataExfiltration, seen: Order, now: Now): Finding[] {
  if (!isOpen(state.burst, LAW, now)) state.orders = 0;
  state.orders += 1;
  const { to: { host, scheme } } = seen;
  const personal = seen.what.startsWith("customer-information");
  const known = state.hosts.includes(host);
  const traits: Record<string, boolean> = { personal };
  LEVELS.forEach((level, index) => {
    if (index === 0 || state.orders >= LEVELS[index - 1]!) traits[level] = state.orders >= level;
  });
  // What is asked of a driver's data goes to the CSMS itself and names no host.
  if (!personal || host !== "") {
    const plain = isPlainText(scheme);
    const unvouched = plain && !known;
    Object.assign(traits, { unvouched, address: isAddress(host) });
    if (!unvouched) Object.assign(traits, { plain, [state.settled < SETTLED_AFTER ? "stranger" : "settled"]: !known });
    if (!unvouched && !isAddress(host) && seen.outcome === "accepted") learn(state, known, host);
  }
  const judged = Object.keys(traits);
  const shown = judged.filter((name) => traits[name]);
  const target = host === "" ? "a place that is no URL" : `${known ? "" : "the unknown "}${host} over ${scheme}`;
  const says = personal && host === ""
    ? `the CSMS asks for a driver's data${unlessAccepted(seen.outcome)}`
    : `order to upload ${seen.what.slice(0, 32)} to ${target}${unlessAccepted(seen.outcome)}`;
  return seeBurst(state.burst, LAW, { judged, shown, says, frames: framesOf(seen) }, now);
}

/**
 * The first host of a burst is learned, from the next burst on; where others are the habit already, one has to come
 * twice, and while nothing is held against it.
 */
function learn(state: DataExfiltration, known: boolean, host: string): void {
  if (state.orders > 1) return;
  if (known) state.settled += 1;
  else if (state.settled < SETTLED_AFTER || (state.once.includes(host) && state.burst.before[0] === 0)) {
    knowHost(state.hosts, host);
  } else knowHost(state.once, host);
}
