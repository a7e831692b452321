/**
 * data-exfiltration: logs, diagnostics or personal data sent to strangers.
 *
 * Looks for: orders to upload, by target host (the CSMS's own and those used before are known), transport, bare
 * address, and by what is asked: a driver's data is asked for seldom, and never of many drivers in a row.
 * Statistic: orders within an hour are a burst (learned/burst.ts), judged by what it shows and by how rare it is. A
 * target for which nothing vouches, neither a host used before nor TLS, is judged as a whole. Uploads that are done,
 * one after the other, and the data of one driver after the other are facts (learned/facts.ts).
 * Null: the station's own orders; the shares are judgements. Where uploads have gone to known hosts several times, a
 * new one is rarer than at a station whose hosts nobody knows yet.
 * Honest look-alikes: the first order of all, which names a host that nobody has seen; the maker's support; an order
 * that is sent again, as often as the upload fails; a log fetched each night; a driver's data, asked for or deleted.
 * Cannot see: one log to a stranger over TLS, which is what support does; what is in a log, uploads to a host that was
 * used before, data sent past the station's OCPP.
 * Joint feature `uploads`: the same against a burst of orders over many stations.
 */
import type { Finding, Observation } from "../terms.ts";
import { HOUR_MS, type Now } from "../units.ts";
import { type Detector, framesOf, unlessAccepted } from "./detector.ts";
import {
  type Burst, type BurstLaw, createBurst, isOpen, levelOf, passBurst, PRIOR_WEIGHT_HOURS, seeBurst, trait,
} from "./learned/burst.ts";
import { createFacts, type FactLaw, type Facts, mixed, passFacts, showFact, type Step } from "./learned/facts.ts";
import { countIn, createHour, type Hour, noteIn } from "./learned/hour.ts";
import { isAddress, isPlainText, knowHost } from "./learned/hosts.ts";

type Order = Extract<Observation, { kind: "upload-order" }>;

const COUNTED = ["done", "bare", "personal"] as const;
type Counted = (typeof COUNTED)[number];

export interface DataExfiltration {
  burst: Burst;
  facts: Facts;
  /** Of the last hour: uploads done to hosts never used before, those of them in plain text to an address, reads. */
  hour: Hour<Counted>;
  /** What the last order was about. */
  last: { stranger: boolean; bare: boolean };
  /** The host that the open burst brought. */
  brought: string;
  /** Orders of the open burst. */
  orders: number;
  /** Hosts that honest orders named, and the CSMS's own; newest last. */
  hosts: string[];
  /** The host that was named in one burst so far, and by none of another since. */
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
    "stranger": trait("host never used before", 0.9, 0.5),
    "settled": trait("new host where others were the habit", 0.9, 0.03),
    "unvouched": trait("nothing vouches for the target: no TLS, an unknown host", 0.7, 0.005, 1_000),
    "plain": trait("sent over a plain-text link", 0.5, 0.4),
    "address": trait("host is a bare address", 0.3, 0.01),
    "personal": trait("a driver's data asked for", 0.2, 0.03),
    "6": trait("6 orders in a row", 0.3, 0.05),
    "20": trait("20 orders in a row", 0.8, 0.05),
    "60": trait("60 orders in a row", 0.8, 0.05),
  },
};
/** Judgements all: among six hundred stations each is seen once a year. */
export const FACTS: FactLaw = {
  key: "data-exfiltration", perHour: 0.5,
  facts: {
    done: { term: "upload after upload done to hosts never used before", years: 600 },
    bare: { term: "uploads done in plain text to an address that nobody knows", years: 600 },
    personal: { term: "one driver's data after the other", years: 600 },
  },
};
/**
 * In an hour. Support fetches a log, perhaps another one, and drivers ask for their data one by one. Where uploads go
 * to a host with a name, one to a bare address in plain text is enough.
 */
const MANY: Readonly<Record<Counted, number>> = { done: 4, bare: 2, personal: 5 };
const SETTLED_AFTER = 3;
/** What is fetched every night or two is a habit that shows within a week; what is fetched less often never adds up. */
const YOUNG_HOURS = PRIOR_WEIGHT_HOURS + 7 * 24;
/** Orders of a burst; each level is judged once the one below it was reached. */
const LEVELS = [6, 20, 60];

export const dataExfiltration: Detector<DataExfiltration> = {
  name: "data-exfiltration",
  version: 2,
  create: (site) => ({
    burst: createBurst(LAW), facts: createFacts(), hour: createHour(COUNTED), last: { stranger: false, bare: false },
    brought: "",
    orders: 0, once: [], settled: 0,
    hosts: site.csmsHost === undefined ? [] : [site.csmsHost],
  }),
  observe(state, observation, now) {
    if (observation.kind === "meter-reading" || observation.kind === "reported-reading") return [];
    return mixed("data-exfiltration", () => [levelOf(state.burst, 0), state.facts.nats], now, () => {
      switch (observation.kind) {
        case "tick":
          passFacts(state.facts, FACTS, now);
          return { found: passBurst(state.burst, LAW, now) };
        case "upload-order": {
          const found = order(state, observation, now);
          const asked = observation.what === "customer-information" && observation.outcome === "accepted";
          return { ...factsOf(state, asked ? ["personal"] : [], now), found, frames: framesOf(observation) };
        }
        case "upload-status": {
          const { stranger, bare } = state.last;
          if (observation.status !== "Uploaded" || !stranger) return { found: [] };
          const facts = factsOf(state, bare ? ["done", "bare"] : ["done"], now);
          return { ...facts, found: [], frames: framesOf(observation) };
        }
        default:
          return { found: [] };
      }
    });
  },
};

/** Counts what happened, and says what the last hour has come to. */
function factsOf(
  { facts, hour, hosts, settled }: DataExfiltration, happened: readonly Counted[], now: Now,
): Pick<Step, "facts" | "says"> {
  const elsewhere = settled > 0 || hosts.length > 1;
  for (const name of happened) noteIn(hour, name, now);
  const most = (name: Counted) => name === "bare" && elsewhere ? 1 : MANY[name];
  const many = happened.filter((name) => countIn(hour, name, now) >= most(name));
  const done = countIn(hour, "done", now);
  const says = many.includes("personal") ? `the data of ${countIn(hour, "personal", now)} drivers asked for in an hour`
    : done === 1 ? "an upload done in plain text to an address that nobody knows"
    : `${done} uploads done within an hour to hosts that were never used before`;
  return { facts: many.map((name) => showFact(facts, FACTS, name, now)), says };
}

function order(state: DataExfiltration, seen: Order, now: Now): Finding[] {
  if (!isOpen(state.burst, LAW, now)) Object.assign(state, { orders: 0, brought: "" });
  state.orders += 1;
  const { to: { host, scheme } } = seen;
  const personal = seen.what.startsWith("customer-information");
  const known = state.hosts.includes(host);
  const traits: Record<string, boolean> = { personal };
  if (!known) state.brought = host;
  const stranger = host !== "" && host === state.brought;
  state.last = { stranger, bare: stranger && isPlainText(scheme) && isAddress(host) };
  LEVELS.forEach((level, index) => {
    if (index === 0 || state.orders >= LEVELS[index - 1]!) traits[level] = state.orders >= level;
  });
  // What is asked of a driver's data goes to the CSMS itself and names no host.
  if (!personal || host !== "") {
    const plain = isPlainText(scheme);
    const unvouched = plain && !known;
    const young = state.burst.rate.hours < YOUNG_HOURS;
    const address = isAddress(host);
    // That the agent is new does not make the same host a stranger again.
    const again = unvouched && young && !address && state.orders === 1 && state.once.includes(host);
    Object.assign(traits, again ? { address } : { unvouched, address });
    if (!unvouched) Object.assign(traits, { plain, [state.settled < SETTLED_AFTER ? "stranger" : "settled"]: !known });
    if (!address && seen.outcome === "accepted" && (!unvouched || young)) learn(state, known, host, unvouched);
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
 * The first host of a burst is learned, from the next burst on; one in plain text has to come twice, and where others
 * are the habit already, twice while nothing is held against it.
 */
function learn(state: DataExfiltration, known: boolean, host: string, unvouched: boolean): void {
  if (state.orders > 1) return;
  const [open, twice] = [state.settled < SETTLED_AFTER, state.once.includes(host)];
  if (known) state.settled += 1;
  else if (open ? twice || !unvouched : twice && state.burst.before[0] === 0) knowHost(state.hosts, host);
  else state.once = [host];
}
