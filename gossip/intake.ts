/**
 * What every message must pass before anything rests on it, the cheapest check first (SPEC.md, section 3). A message
 * that fails changes nothing and is counted against whoever sent it.
 */
import { sameBytes } from "./bytes.ts";
import { noteStatement, takeCheck } from "./clock-rule.ts";
import type { Directory } from "./directory.ts";
import { LEASE_EPOCHS, REMEMBERED_EPOCHS } from "./incidents.ts";
import { isBareDigest, isHeard, tellsTime } from "./metered.ts";
import { epochOfMessage, type Kind, type Message, MOST_BYTES, readTopic, type Topic } from "./message.ts";
import { epochMsOf, isKnownCertificate, type ProtocolNow, type ProtocolState } from "./protocol-state.ts";
import type { Read } from "./reading.ts";
import { directoryIn, isNewSummary, takeLook } from "./region.ts";
import { allows, isOverQuota, type Problem, useQuota } from "./traffic.ts";
import { EPOCHS_AHEAD, EPOCHS_BACK, isGuilty, newestOf, oldestHeld } from "./zone-view.ts";

/** A message as the transport hands it over. */
export interface Incoming {
  readonly topic: string;
  /** The whole message. */
  readonly bytes: Uint8Array;
}

export interface Accepted extends Read {
  readonly author: number;
  /** Whether others need it too: it is no late answer, and no talk between neighbours. */
  readonly passOn: boolean;
}

const LONGEST = Math.max(...Object.values(MOST_BYTES));

/** The message, checked but for what its kind says; or why it is refused. */
export function takeIn(
  state: ProtocolState, { topic: topicText, bytes }: Incoming, from: string, now: ProtocolNow,
): Accepted | Problem {
  const { epoch, monoMs } = now;
  if (bytes.length > LONGEST) return "too-long";
  const topic = topicOf(state, topicText);
  const isPlaced = typeof topic !== "string";
  if (!allows(state.traffic, from, isPlaced ? topic.station : undefined, monoMs)) return "too-fast";
  if (!isPlaced) return topic;
  if (!isHeard(state, topic.kind)) return "unasked";
  const directory = directoryOf(state, topic);
  const author = directory.indexOf(topic.station);
  if (topic.kind === "statement" && isNewest(state, author, bytes)) return "duplicate";
  const read = state.reader.read(topic.kind, bytes);
  if (typeof read === "string") return read;
  const { message, hash, name } = read;
  if (state.metered && topic.kind === "statement" && !state.wanted.has(name)) return "unasked";
  const problem = headProblem(message, topic) ?? knownProblem(state, message, name, author) ??
    rosterProblem(directory, state, message, name) ?? timeProblem(state, message, name, epoch);
  if (problem === "future" || problem === "past") hearOutside(state, read, from, now);
  if (problem !== undefined) return problem;
  const at = epochOfMessage(message) ?? 0;
  // Of other zones one budget is for all (region.ts): their members' indexes would be taken for the own ones'.
  const hasQuota = directory === state.directory;
  if (hasQuota && isOverQuota(state.traffic, message.kind, author, at)) return "too-many";
  if (!state.reader.isSigned(read, directory.members[author]!.statementKey)) return "bad-signature";
  if (!hasQuota && !takeLook(state, topic.zone)) return "too-many";
  if (hasQuota) {
    useQuota(state.traffic, message.kind, author, at);
    if (tellsTime(state, message.kind)) noteStatement(state.clock, message.station, at, now, epochMsOf(state));
  }
  // What came over a bridge is for the bridge's end alone, but for summaries, which region.ts passes on.
  const isForAll = !BETWEEN_NEIGHBOURS.has(message.kind) || isBareDigest(message);
  const passOn = hasQuota && isForAll && !state.metered && timely(message, epoch);
  return { message, hash, name, author, passOn };
}

const BETWEEN_NEIGHBOURS: ReadonlySet<Kind> = new Set([
  "digest", "request", "checkpoint", "cosignature", "roster", "part", "fetch", "piece",
]);

/** What is heard of other zones, too. */
const OVER_BRIDGES: ReadonlySet<Kind> = new Set(["summary", "roster", "part", "release", "fetch", "piece"]);
/** Who has missed a version is told of it by those who have not. */
const WHATEVER_ROSTER: ReadonlySet<Kind> = new Set(["roster", "part"]);

/** A statement outside of the window is nothing, but tells what its author's clock says. */
function hearOutside(state: ProtocolState, read: Read, from: string, now: ProtocolNow): void {
  const { clock, directory, reader } = state;
  const { kind, station } = read.message;
  const stated = epochOfMessage(read.message) ?? 0;
  if (!tellsTime(state, kind) || !takeCheck(clock, from, station, stated)) return;
  const member = directory.members[directory.indexOf(station)];
  if (member !== undefined && reader.isSigned(read, member.statementKey)) {
    noteStatement(clock, station, stated, now, epochMsOf(state));
  }
}

/** What most messages are: a statement that every neighbour passes on. Known byte for byte, it need not be read. */
function isNewest({ view }: ProtocolState, author: number, bytes: Uint8Array): boolean {
  const newest = newestOf(view, author);
  return newest !== undefined && sameBytes(newest.whole, bytes);
}

/**
 * A member's topic, or what is wrong with it. Members' topics are kept as they were read: every message comes with one,
 * and there are as many as members and kinds.
 */
function topicOf(state: ProtocolState, text: string): Topic | Problem {
  const known = state.topics.get(text);
  if (known !== undefined) return known;
  const topic = readTopic(text);
  const problem = topic === undefined ? "bad-topic" : topicProblem(state, topic);
  if (topic === undefined || problem !== undefined) return problem ?? "bad-topic";
  state.topics.set(text, topic);
  return topic;
}

function topicProblem(state: ProtocolState, topic: Topic): Problem | undefined {
  const { network, zone, kind, station } = topic;
  if (network !== state.directory.network) return "foreign-network";
  const isForeign = zone !== state.directory.zone.id;
  if (isForeign && (!OVER_BRIDGES.has(kind) || directoryIn(state, zone) === undefined)) return "foreign-zone";
  return directoryOf(state, topic).indexOf(station) < 0 ? "unknown-author" : undefined;
}

/** Of the author's zone: few kinds come from others than the own. */
function directoryOf(state: ProtocolState, { zone }: Topic): Directory {
  return zone === state.directory.zone.id ? state.directory : directoryIn(state, zone) ?? state.directory;
}

function headProblem(message: Message, topic: Topic): Problem | undefined {
  if (message.network !== topic.network) return "foreign-network";
  if (message.zone !== topic.zone) return "foreign-zone";
  return message.station === topic.station ? undefined : "wrong-author";
}

function knownProblem(state: ProtocolState, message: Message, name: string, author: number): Problem | undefined {
  if (message.kind === "certificate") return isKnownCertificate(state, name) ? "duplicate" : undefined;
  if (message.kind === "summary" && !isNewSummary(state, message)) return "duplicate";
  if (message.kind !== "statement") return state.seen.has(name) ? "duplicate" : undefined;
  if (state.view.byHash.has(name)) return "duplicate";
  return isGuilty(state.view, author) ? "guilty-author" : undefined;
}

/** A statement that was asked for may be older than the roster: proposals look far back. */
function rosterProblem(
  directory: Directory, { wanted }: ProtocolState, message: Message, name: string,
): Problem | undefined {
  if (WHATEVER_ROSTER.has(message.kind)) return undefined;
  const isOlder = message.kind === "statement" && message.rosterVersion < directory.version && wanted.has(name);
  return message.rosterVersion === directory.version || isOlder ? undefined : "wrong-roster";
}

function timeProblem(
  { wanted, metered }: ProtocolState, message: Message, name: string, epoch: number,
): Problem | undefined {
  const at = epochOfMessage(message);
  if (at === undefined) return undefined;
  if (at > epoch + EPOCHS_AHEAD) return "future";
  if (timely(message, epoch)) return undefined;
  // Nobody tells a metered member by which hashes to ask for what it lacks of an incident.
  if (metered && message.kind === "certificate" && at >= epoch - REMEMBERED_EPOCHS) return undefined;
  const isAnswer = (message.kind === "statement" && at >= oldestHeld(epoch)) || message.kind === "certificate";
  return isAnswer && wanted.has(name) ? undefined : "past";
}

/** Six epochs back; a certificate or summary as long as it counts. */
function timely(message: Message, epoch: number): boolean {
  const at = epochOfMessage(message);
  if (at === undefined) return true;
  const isLease = message.kind === "certificate" || message.kind === "summary";
  return isLease ? at > epoch - LEASE_EPOCHS : at >= epoch - EPOCHS_BACK;
}
