/**
 * configuration-tampering: security or network settings weakened or mass-changed.
 *
 * Looks for: a security profile lowered, a new CSMS address, protections switched off (sensitive-settings.ts).
 * Statistic: changes come in bursts; a burst adds the likelihood ratio of each kind of change that it shows, once. A
 * value that this station was given before is a habit and speaks for honesty.
 * Null: the station's own past; the shares of kinds among honest changes are judgements, no public base rates exist.
 * Honest look-alikes: commissioning (many changes at once, few of them sensitive), a CSMS that pushes the same
 * settings after each boot, the rotation of keys, a planned move to another CSMS (an operator declares that one).
 * Cannot see: a new password alone, which keys are given every year.
 * Joint feature `settings`: bursts with a value that this station was never given, by how rare they are and by the same
 * kinds: a roll-out of ordinary settings by the usual CSMS stays below what a zone asks of each member.
 */
import type { Finding, Observation, Term } from "../terms.ts";
import { DAY_MS, HOUR_MS, type Now } from "../units.ts";
import { type Detector, framesOf, MOST_NATS, unlessAccepted, weigh } from "./detector.ts";
import {
  type Burst, type BurstLaw, createBurst, isOpen, passBurst, seeBurst, type Trait, trait,
} from "./learned/burst.ts";
import { isPlainText, knowHost } from "./learned/hosts.ts";
import { type ChangeKind, hostOf, isSecurityProfile, kindOf, profileOf } from "./sensitive-settings.ts";

type Change = Extract<Observation, { kind: "configuration-change" }>;
type Profile = Extract<Observation, { kind: "network-profile" }>;

export interface ConfigurationTampering {
  lastChangeMs: number;
  /** Settings seen before: variable and value, oldest first. Secret values are never here. */
  known: string[];
  /** Kinds that this burst has shown already: each counts once a burst. */
  shown: (ChangeKind | "known" | "locked-out")[];
  /** Variables by which this run took a protection away, and when the last one (monotonic, ms; -1: never). */
  weakened: string[];
  weakenedMs: number;
  securityProfile: number | undefined;
  csmsHosts: string[];
  /** Bursts that bring something new. */
  news: Burst;
}

/** The share of hostile and of honest bursts that show a kind: judgements. Planned moves are declared. */
const KINDS: Record<ChangeKind, Trait> = {
  "downgrade": trait("security profile lowered", 0.5, 0.00002),
  "new-csms": trait("pointed at another CSMS", 0.5, 0.00001),
  "authorization-weakened": trait("authorisation weakened", 0.1, 0.01),
  // Often set with the others at commissioning: by itself it says little, in a run it is one more.
  "authorization-eased": trait("authorisation eased", 0.1, 0.05),
  "metering-blinded": trait("metering switched off", 0.1, 0.002),
  "monitoring-off": trait("security monitoring switched off", 0.1, 0.001),
  "opened": trait("a way in opened", 0.1, 0.002),
  "credential": trait("credential replaced", 0.1, 0.03),
  "ordinary": trait("ordinary setting", 0.5, 0.95),
};
const PLAIN_CSMS = trait("the new CSMS has no TLS", 0.7, 0.1);
/** Shares 0.3 of hostile and 0.7 of honest bursts: judgements. */
const KNOWN_VALUE: Term = { term: "a value that was set before", nats: Math.log(0.3 / 0.7) };
/**
 * Shares 0.6 of hostile and 0.15 of honest runs that took one protection and take a second; 0.08 of those go on to a
 * third, and so on, since commissioning may weaken one or two things for good and not one after the other: judgements.
 */
const ANOTHER = { term: "another protection taken in the same run", second: Math.log(0.6 / 0.15),
  further: Math.log(0.6 / 0.08) };
/**
 * A new password, and who would tell of its use switched off in the same run: 0.2 of hostile bursts, and of honest ones
 * one in fifty thousand, a commissioning that goes wrong (judgements). In place of what both say apart.
 */
const LOCKED_OUT = { term: "credential replaced and monitoring switched off together", nats: Math.log(0.2 / 0.00002) };
const MOST_WEAKENED = 16;
const BURST_MS = HOUR_MS;
/** Whoever is patient takes one a day: a run is over when nothing was taken for so long (a judgement). */
const RUN_MS = 14 * DAY_MS;
/** An operator pushes something new once a week, at most: a judgement, and never learned to be rarer. */
const WEEKLY = 1 / (7 * 24);
const NEWS: BurstLaw = {
  keys: [{ key: "settings", perHour: 4, leastPerHour: WEEKLY }],
  term: "settings never given before", gapMs: BURST_MS, priorPerHour: WEEKLY, byHour: false, shareWeight: 20,
  traits: {},
};
/** Kinds that do not show are charged at the outset, so that the mean over honest bursts stays at most 1. */
const UNSHOWN: Term = {
  term: "kinds of change that did not come",
  nats: -Object.values(KINDS).reduce((sum, kind) => sum + Math.log(1 - kind.honestShare + kind.attackShare), 0),
};
const MOST_KNOWN = 256;
const MOST_TEXT = 96;
const LEARN_BELOW_NATS = 4;

export const configurationTampering: Detector<ConfigurationTampering> = {
  name: "configuration-tampering",
  version: 4,
  create: (site) => ({
    lastChangeMs: -1, known: [], shown: [], weakened: [], weakenedMs: -1,
    news: createBurst(NEWS), securityProfile: undefined, csmsHosts: site.csmsHost === undefined ? [] : [site.csmsHost],
  }),
  observe(state, observation, now) {
    switch (observation.kind) {
      case "tick":
        return passBurst(state.news, NEWS, now);
      case "link":
        // TLS begins with profile 2, whatever was never said of it (OCPP 1.6 security white paper, 3).
        if (observation.tlsPeerSha256 !== undefined) state.securityProfile ??= 2;
        return [];
      case "configuration-change":
        return change(state, observation, now);
      case "network-profile":
        return networkProfile(state, observation, now);
      default:
        return [];
    }
  },
};

/** A burst begins with the first change in an hour. */
function noteBurst(state: ConfigurationTampering, now: Now): void {
  const goesOn = state.lastChangeMs >= 0 && now.monoMs - state.lastChangeMs < BURST_MS;
  state.lastChangeMs = now.monoMs;
  if (goesOn) return;
  state.shown = [];
}

function change(state: ConfigurationTampering, seen: Change, now: Now): Finding[] {
  const setting = `${seen.variable}=${seen.secret ? "" : seen.value ?? ""}`.slice(0, MOST_TEXT);
  const known = !seen.secret && state.known.includes(setting);
  const kind = kindHere(state, seen);
  noteBurst(state, now);
  // What is given back is no longer taken, also where that value was set before.
  if (kind === "ordinary" && seen.outcome === "accepted") {
    state.weakened = state.weakened.filter((one) => one !== nameOf(seen));
  }
  const terms = known ? knownTerms(state)
    : [kindTerm(state, kind), ...anotherTerms(state, kind, nameOf(seen), now), ...lockedOutTerms(state, kind)];
  const found = finding(terms, changeSays(seen, kind), now, framesOf(seen));
  // What the station refused was not set; an attempt is evidence all the same.
  // Judged by its kind: what this burst showed before adds no evidence, and is no more of a habit for that.
  if (worth(kind) < LEARN_BELOW_NATS && seen.outcome === "accepted") learn(state, seen, setting);
  return known ? [found] : [found, ...news(state, terms, found, now)];
}

/** The same evidence for the zone, with how rare it is that something new comes. */
function news(state: ConfigurationTampering, terms: readonly Term[], { says, frames }: Finding, now: Now): Finding[] {
  const extra = isOpen(state.news, NEWS, now) ? terms : [...terms, UNSHOWN];
  return seeBurst(state.news, NEWS, { judged: [], shown: [], extra, says, frames }, now);
}

/** The CSMS that the station is at already is no other one. */
function kindHere(state: ConfigurationTampering, seen: Change): ChangeKind {
  const kind = kindOf(seen.variable, seen.value, state.securityProfile);
  return kind === "new-csms" && state.csmsHosts.includes(hostOf(seen.value ?? "")) ? "ordinary" : kind;
}

function worth(kind: ChangeKind): number {
  return Math.log(KINDS[kind].attackShare / KINDS[kind].honestShare);
}

function kindTerm(state: ConfigurationTampering, kind: ChangeKind): Term {
  const law = KINDS[kind];
  if (state.shown.includes(kind)) return { term: law.term, nats: 0 };
  state.shown.push(kind);
  return { term: law.term, nats: worth(kind) };
}

const nameOf = ({ variable }: Change): string => variable.slice(0, MOST_TEXT);

/** A run through the settings takes one protection after the other; honest bursts that take one seldom take two. */
function anotherTerms(state: ConfigurationTampering, kind: ChangeKind, name: string, now: Now): Term[] {
  if (state.weakenedMs < 0 || now.monoMs - state.weakenedMs >= RUN_MS) state.weakened = [];
  if (kind === "ordinary" || kind === "credential") return [];
  if (state.weakened.includes(name) || state.weakened.length >= MOST_WEAKENED) return [];
  state.weakened.push(name);
  state.weakenedMs = now.monoMs;
  const nats = state.weakened.length === 2 ? ANOTHER.second : ANOTHER.further;
  return state.weakened.length === 1 ? [] : [{ term: ANOTHER.term, nats }];
}

/** What a new password and switched-off monitoring say together beyond what each said. */
function lockedOutTerms(state: ConfigurationTampering, kind: ChangeKind): Term[] {
  const both = state.shown.includes("credential") && state.shown.includes("monitoring-off");
  if ((kind !== "credential" && kind !== "monitoring-off") || !both || state.shown.includes("locked-out")) return [];
  state.shown.push("locked-out");
  return [{ term: LOCKED_OUT.term, nats: LOCKED_OUT.nats - worth("credential") - worth("monitoring-off") }];
}

function knownTerms(state: ConfigurationTampering): Term[] {
  if (state.shown.includes("known")) return [];
  state.shown.push("known");
  return [KNOWN_VALUE];
}

function changeSays(seen: Change, kind: ChangeKind): string {
  const value = seen.secret || seen.value === undefined ? "" : ` to ${seen.value.slice(0, MOST_TEXT) || "nothing"}`;
  const result = unlessAccepted(seen.outcome);
  return `${seen.variable} set${value}${result}${kind === "ordinary" ? "" : `: ${KINDS[kind].term}`}`;
}

function learn(state: ConfigurationTampering, seen: Change, setting: string): void {
  if (isSecurityProfile(seen.variable)) state.securityProfile = profileOf(seen.value) ?? state.securityProfile;
  if (seen.secret) return;
  // Used again counts as new: what is pushed after each boot stays.
  state.known = [...state.known.filter((one) => one !== setting), setting];
  if (state.known.length > MOST_KNOWN) state.known.shift();
}

function networkProfile(state: ConfigurationTampering, seen: Profile, now: Now): Finding[] {
  const host = seen.csms.host;
  noteBurst(state, now);
  const terms: Term[] = [];
  const lowered = seen.securityProfile !== undefined && state.securityProfile !== undefined &&
    seen.securityProfile < state.securityProfile;
  if (lowered) terms.push(kindTerm(state, "downgrade"));
  if (state.csmsHosts.includes(host)) terms.push(...knownTerms(state));
  else if (state.shown.includes("new-csms")) terms.push(kindTerm(state, "new-csms"));
  else {
    terms.push(kindTerm(state, "new-csms"));
    const share = isPlainText(seen.csms.scheme)
      ? PLAIN_CSMS.attackShare / PLAIN_CSMS.honestShare
      : (1 - PLAIN_CSMS.attackShare) / (1 - PLAIN_CSMS.honestShare);
    terms.push({ term: PLAIN_CSMS.term, nats: Math.log(share) });
  }
  const says = `network profile points at ${host === "" ? "no URL" : host} over ${seen.csms.scheme || "nothing"}` +
    (lowered ? ", with a lower security profile" : "") + unlessAccepted(seen.outcome);
  const found = finding(terms, says, now, framesOf(seen));
  const isNew = !state.csmsHosts.includes(host);
  const most = Math.max(isNew ? worth("new-csms") : 0, lowered ? worth("downgrade") : 0);
  if (most < LEARN_BELOW_NATS && seen.outcome === "accepted") {
    knowHost(state.csmsHosts, host);
    if (seen.securityProfile !== undefined) state.securityProfile = seen.securityProfile;
  }
  return isNew || lowered ? [found, ...news(state, terms, found, now)] : [found];
}

function finding(terms: readonly Term[], says: string, now: Now, frames: readonly number[]): Finding {
  return { key: "configuration-tampering", at: now.wallMs, ...weigh(terms, -MOST_NATS, MOST_NATS), frames, says };
}
