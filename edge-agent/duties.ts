/** What recurs beside the sentence: when to sign a checkpoint, when to save what was learned, what to mention once. */
import { type Alert, type Belief, type Observation, type Oddity, type Threat, THREATS } from "../models/terms.ts";
import { DAY_MS, MINUTE_MS, type Now, SECOND_MS, type WallMs } from "../models/units.ts";
import type { Effect } from "./ports.ts";
import { type JournalState, recordOne, signCheckpoint } from "./record/journal.ts";

export interface Duties {
  /** When learning began. */
  readonly since: WallMs;
  checkpointMs: number;
  rememberedMs: number;
  /** A transaction began or ended since. */
  newsUnsaved: boolean;
  /** Certificates of the CSMS that were told since `certificatesMs`. */
  certificatesTold: number;
  certificatesMs: number;
  /** Oddities that were mentioned. */
  readonly unread: Set<Oddity>;
  /** Messages of which it was told that they break their schema. */
  readonly schemaErrors: Set<string>;
  /** Threats whose evidence was mentioned since its onset. */
  readonly mentioned: Set<Threat>;
}

const CHECKPOINT_EVERY_MS = MINUTE_MS;
/** Where witnesses are told nothing before then (record/offers.ts): storing one costs as much flash as four epochs. */
const QUIET_CHECKPOINT_EVERY_MS = 10 * MINUTE_MS;
/** Quiet learning is slow, and flash wears: what a power cut may cost is a quarter of an hour of it. */
const REMEMBER_EVERY_MS = 15 * MINUTE_MS;
/** With a transaction what is known is saved soon, but not once for each of a backlog; with an alert at once. */
const REMEMBER_AT_MOST_EVERY_MS = 20 * SECOND_MS;
/** Evidence is worth mentioning from this share of its threshold on. */
const NOTABLE_OPINION = 0.5;

/** Whoever stands in between may show a new certificate with each connection: the log is not theirs to fill. */
const MOST_CERTIFICATES_TOLD = 8;
const MOST_SCHEMA_ERRORS_TOLD = 5;
const WORTH_SAVING: ReadonlySet<Observation["kind"]> = new Set(["csms-certificate", "network-profile"]);

const THREAT_SET: ReadonlySet<string> = new Set(THREATS);

export function createDuties(now: Now, since: WallMs = now.wallMs): Duties {
  return {
    since, checkpointMs: now.monoMs, rememberedMs: now.monoMs - REMEMBER_AT_MOST_EVERY_MS, newsUnsaved: false,
    certificatesTold: 0, certificatesMs: now.monoMs, mentioned: new Set(), unread: new Set(),
    schemaErrors: new Set(),
  };
}

/**
 * Signed at once with an alert, otherwise once a minute, or in ten when nothing is new but statements; nothing comes of
 * it when no entry is new but neighbours' checkpoints, which wait for the next one.
 */
export function wantsCheckpoint(duties: Duties, journal: JournalState, alerts: readonly Alert[], now: Now): Effect[] {
  const everyMs = journal.log.unseen ? CHECKPOINT_EVERY_MS : QUIET_CHECKPOINT_EVERY_MS;
  const due = alerts.length > 0 || now.monoMs - duties.checkpointMs >= everyMs;
  if (!due) return [];
  duties.checkpointMs = now.monoMs;
  const { frontier, quietSize } = journal.log;
  return frontier.size === quietSize ? [] : signCheckpoint(journal);
}

export function wantsRemembering(
  duties: Duties, observations: readonly Observation[], alerts: readonly Alert[], now: Now,
): Effect[] {
  const isNews = observations.some(({ kind }) => kind.startsWith("transaction-") || WORTH_SAVING.has(kind));
  if (isNews) duties.newsUnsaved = true;
  const since = now.monoMs - duties.rememberedMs;
  const due = since >= (duties.newsUnsaved ? REMEMBER_AT_MOST_EVERY_MS : REMEMBER_EVERY_MS);
  if (!due && alerts.length === 0) return [];
  duties.rememberedMs = now.monoMs;
  duties.newsUnsaved = false;
  return [{ kind: "remember" }];
}

/** Another certificate of the CSMS: told and logged, and no alert. */
export function csmsCertificates(
  duties: Duties, journal: JournalState, observations: readonly Observation[], now: Now,
): Effect[] {
  return observations.flatMap((seen) => {
    if (seen.kind !== "csms-certificate") return [];
    if (now.monoMs - duties.certificatesMs >= DAY_MS) {
      duties.certificatesTold = 0;
      duties.certificatesMs = now.monoMs;
    }
    duties.certificatesTold += 1;
    if (duties.certificatesTold > MOST_CERTIFICATES_TOLD) return [];
    const text = `csms: shows another certificate than before (SHA-256 ${seen.now}, before ${seen.before}): renewed, `
      + "or somebody stands in between" + (duties.certificatesTold < MOST_CERTIFICATES_TOLD ? ""
        : "; it changes often, and more of it is not told for up to a day");
    return [...recordOne(journal, { kind: "notice", at: now.wallMs, text }), { kind: "notice" as const, text }];
  });
}

/** Ways in which a message passes by unread; what is wrong with one that could be read is the detectors' business. */
const UNREAD: ReadonlySet<Oddity> =
  new Set(["not-json", "not-a-frame", "bad-utf8", "binary", "too-large", "bad-deflate", "over-budget"]);

/** The first message of each kind that passed by unread; `status` counts them all. */
export function unreadMessages(duties: Duties, observations: readonly Observation[]): Effect[] {
  return observations.flatMap((seen) => {
    if (seen.kind !== "oddity" || !UNREAD.has(seen.oddity) || duties.unread.has(seen.oddity)) return [];
    duties.unread.add(seen.oddity);
    const text = `frames: one passed untouched and unread (${seen.oddity}: ${seen.detail}); status counts more like it`;
    return [{ kind: "notice" as const, text }];
  });
}

/**
 * The first of each message that breaks OCPP's own schema, for whoever mends it: no threat, since honest stations do so
 * all the time. Of a few messages only: the notices are not for a station that gets everything wrong to fill.
 */
export function schemaErrors(duties: Duties, observations: readonly Observation[]): Effect[] {
  return observations.flatMap((seen) => {
    if (seen.kind !== "oddity" || seen.oddity !== "schema-error") return [];
    const [what = ""] = seen.detail.split(":", 1);
    const { schemaErrors: told } = duties;
    if (told.has(what) || told.size >= MOST_SCHEMA_ERRORS_TOLD) return [];
    told.add(what);
    const more = told.size < MOST_SCHEMA_ERRORS_TOLD ? "status counts more like it" : "status counts what follows";
    return [{ kind: "notice" as const, text: `schema: ${seen.detail}; it passed untouched, and ${more}` }];
  });
}

/** Evidence that has come half the way to a verdict: mentioned once, and again only after it had gone back. */
export function notableBeliefs(duties: Duties, beliefs: readonly Belief[], now: Now): Effect[] {
  const effects: Effect[] = [];
  for (const belief of beliefs) {
    if (!THREAT_SET.has(belief.key)) continue;
    const threat = belief.key as Threat;
    if (belief.opinion < NOTABLE_OPINION / 2) duties.mentioned.delete(threat);
    if (belief.opinion < NOTABLE_OPINION || duties.mentioned.has(threat)) continue;
    duties.mentioned.add(threat);
    effects.push({ kind: "finding", threat, belief, at: now.wallMs });
  }
  return effects;
}
