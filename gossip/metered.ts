/**
 * Metered members (SPEC.md, section 7a): on a link that is paid by the byte a member states by exception, hears no
 * others' statements and so cannot judge: it neither proposes nor votes. A zone bears some of these.
 */
import { quorumOf, type Sized } from "./certificate.ts";
import type { Kind, Message } from "./message.ts";
import type { Output, ProtocolState } from "./protocol-state.ts";

/** Quiet statements are so far apart, epochs: who is silent for six counts as lowest, and one may be lost. */
const QUIET_EPOCHS = 3;
/**
 * Evidence that has fallen less than this since it was stated can wait, millinats: quiet falls by 55 an epoch in each
 * feature of load. So a zone holds nothing lower than is, and nothing that is higher by more.
 */
const MOST_FALLEN = 250;

/** What it takes of others; a statement besides, where it asked for that. */
const HEARD: ReadonlySet<Kind> =
  new Set<Kind>(["certificate", "proof", "request", "checkpoint", "cosignature", "roster", "part"]);
/** Kinds that are made in the epoch that they name: by these it knows others' clocks. */
const TIMED: ReadonlySet<Kind> = new Set<Kind>(["request", "checkpoint", "cosignature", "roster"]);
/** A digest without statements is told this rarely, epochs. */
export const BARE_DIGEST_EVERY = 16;
/** Own statements that are sent again in one epoch, whoever asks: a proposal lists two. */
export const MOST_RESENT_METERED = 8;
/** Others say something each sixteen epochs (a `roster`): their clocks count for three of these. It hears f + 2. */
export const METERED_CLOCK = { countsEpochs: 48, listensEpochs: 35, fewSuffice: true };

/** Whether a metered member states in an epoch, by what it stated last. */
export function isWorthStating(
  { self }: ProtocolState, epoch: number, values: readonly number[], last: readonly number[], lastEpoch: number,
): boolean {
  if ((epoch + self) % QUIET_EPOCHS === 0 || epoch - lastEpoch >= QUIET_EPOCHS) return true;
  return values.some((value, index) => value > (last[index] ?? 0) || value <= (last[index] ?? 0) - MOST_FALLEN);
}

/** Whether a kind on a topic is anything for this member. */
export function isHeard({ metered, wanted }: ProtocolState, kind: Kind): boolean {
  return !metered || HEARD.has(kind) || (kind === "statement" && wanted.size > 0);
}

/** Whether a message tells what its author's clock says. */
export function tellsTime({ metered }: ProtocolState, kind: Kind): boolean {
  return metered ? TIMED.has(kind) : kind === "statement";
}

/** A digest that lists no statement is of a member that holds none and votes for nothing, and is passed on. */
export function isBareDigest(message: Message): boolean {
  return message.kind === "digest" && message.content.newest.length === 0;
}

/** Members without a vote that a zone bears: with f others silent a quorum is left. */
export function borne(directory: Sized): number {
  return Math.max(0, directory.members.length - directory.zone.f - quorumOf(directory));
}

/** What the operator should know: more members do not vote than the zone bears, or no longer. */
export interface MeteredNews {
  readonly kind: "metered";
  readonly members: number;
  readonly borne: number;
}

/** Takes note of who votes, by their digests. */
export function noteDigest(state: ProtocolState, message: Message & { readonly kind: "digest" }): void {
  if (isBareDigest(message)) state.meteredSince.set(message.station, message.content.epoch);
  else state.meteredSince.delete(message.station);
}

/** Members of the zone that do not vote, as far as is known here; this one among them where it does not. */
export function meteredMembers({ meteredSince, metered, station }: ProtocolState): readonly string[] {
  return [...meteredSince.keys(), ...(metered ? [station] : [])].sort();
}

/** At an epoch's start: forgets who is no longer heard of, and tells when there are more than the zone bears. */
export function judgeMetered(state: ProtocolState, epoch: number, out: Output): void {
  const { meteredSince, directory } = state;
  for (const [station, at] of meteredSince) {
    if (at < epoch - 3 * BARE_DIGEST_EVERY || directory.indexOf(station) < 0) meteredSince.delete(station);
  }
  const [members, most] = [meteredMembers(state).length, borne(directory)];
  if ((members > most) === state.tooManyMetered) return;
  state.tooManyMetered = members > most;
  out.news.push({ kind: "metered", members, borne: most });
}
