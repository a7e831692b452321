/**
 * Rosters by gossip (SPEC.md, section 2a): neighbours say which versions they know, and whoever lacks one asks one
 * neighbour for its file, part by part. Nothing is believed for having come this way: the file passes the same checks
 * as one that was brought by hand. At most one file is fetched at a time, so a liar costs 256 KB and some epochs; those
 * whose offers came to nothing are asked last.
 */
import type { StationId } from "../models/units.ts";
import { compose } from "./agreement-protocol.ts";
import { hex, joined, sameBytes } from "./bytes.ts";
import type { MessageOf } from "./message.ts";
import { type AskedPart, MOST_PARTS, type NamedRoster, PART_BYTES } from "./message-content.ts";
import type { News, Outgoing, ProtocolState } from "./protocol-state.ts";
import { forgetRefused, offerName, type Refused, refuse } from "./refused.ts";
import { type KnownRoster, type Offered, offerRoster, type RosterChain } from "./roster-chain.ts";
import { count } from "./traffic.ts";

/** What is known is said when it changes, and every so many epochs. */
export const ANNOUNCED_EVERY = 16;
/** A neighbour that does not answer for so many epochs is given up. */
const PATIENCE = 6;
/** Parts sent in one epoch, whoever asks. */
const MOST_ANSWERS = 4;
/** Parts that one asker is sent in so many epochs: two of the largest files, and not a stream without end. */
const MOST_SERVED = 2 * MOST_PARTS;
const SERVED_EPOCHS = 64;
/** Neighbours are about ten; whoever is heard over a site's broker counts too. */
const MOST_OFFERS = 128;

interface Fetching {
  readonly from: StationId;
  readonly hash: Uint8Array;
  readonly parts: Uint8Array[];
  /** How many there are; undefined before the first came. */
  of: number | undefined;
  /** When the last one came. */
  since: number;
}

export interface RosterExchange {
  readonly chain: RosterChain;
  readonly protocol: ProtocolState;
  readonly offers: Map<StationId, readonly NamedRoster[]>;
  /** How often a station's offer came to nothing. */
  readonly failures: Map<StationId, number>;
  /** Rosters that came to nothing, and since when, by hash and whose offer it was: a liar's silence is its own. */
  readonly refused: Refused;
  fetching: Fetching | undefined;
  /** Parts sent in this epoch. */
  readonly answered: Set<string>;
  /** Parts that each asker was sent of late. */
  readonly served: Map<StationId, number>;
  epoch: number;
  /** What was said last to be known. */
  announced: string;
}

/** A file that came whole, and what became of it. */
export interface RosterNews {
  readonly offered: Offered;
  readonly from: StationId;
}

export function createRosterExchange(chain: RosterChain, protocol: ProtocolState): RosterExchange {
  return {
    chain, protocol, offers: new Map(), failures: new Map(), refused: new Map(), fetching: undefined,
    answered: new Set(), served: new Map(), epoch: -1, announced: "",
  };
}

/** Takes neighbours' words in, and at each epoch's start says and asks what is due. */
export function exchangeRosters(
  exchange: RosterExchange | undefined, news: readonly News[], epoch: number,
): { readonly outgoing: readonly Outgoing[]; readonly news: readonly RosterNews[] } {
  if (exchange === undefined || exchange.protocol.self < 0) return { outgoing: [], news: [] };
  const outgoing: Outgoing[] = [];
  const told: RosterNews[] = [];
  for (const one of news) {
    if (one.kind !== "message" || one.message.station === exchange.protocol.station) continue;
    if (one.message.kind === "roster") outgoing.push(...onRoster(exchange, one.message, epoch));
    if (one.message.kind === "part") told.push(...onPart(exchange, one.message, epoch));
  }
  if (epoch !== exchange.epoch) outgoing.push(...beginEpoch(exchange, epoch));
  return { outgoing, news: told };
}

function knownTo({ chain: { inForce, coming, fork } }: RosterExchange): readonly KnownRoster[] {
  return fork === undefined ? [inForce, ...coming] : [inForce, ...coming, fork];
}

const knows = (exchange: RosterExchange, hash: Uint8Array): KnownRoster | undefined =>
  knownTo(exchange).find((one) => sameBytes(one.hash, hash));

function onRoster(exchange: RosterExchange, { station, content }: MessageOf<"roster">, epoch: number): Outgoing[] {
  const { offers, protocol } = exchange;
  if (offers.has(station) || offers.size < MOST_OFFERS) offers.set(station, content.held);
  const { fetching } = exchange;
  // It went on to a later one meanwhile, and has the other no more: no failure.
  const isGone = fetching?.from === station && !content.held.some(({ hash }) => sameBytes(hash, fetching.hash));
  if (isGone) exchange.fetching = undefined;
  const { asked } = content;
  return asked?.of === protocol.station ? answer(exchange, asked, station, epoch) : [];
}

/** Once an epoch for each part: others who ask for the same hear it too. */
function answer(
  exchange: RosterExchange, { hash, place }: AskedPart, asker: StationId, epoch: number,
): Outgoing[] {
  const { answered, served, protocol } = exchange;
  const file = knows(exchange, hash)?.file;
  const name = `${hex(hash)} ${place}`;
  if (file === undefined || answered.has(name) || answered.size >= MOST_ANSWERS) return [];
  const bytes = file.subarray(place * PART_BYTES, (place + 1) * PART_BYTES);
  const before = served.get(asker) ?? 0;
  if (bytes.length === 0 || before >= MOST_SERVED || (before === 0 && served.size >= MOST_OFFERS)) return [];
  served.set(asker, before + 1);
  answered.add(name);
  return [compose(protocol, "part", { epoch, hash, place, of: Math.ceil(file.length / PART_BYTES), bytes })];
}

function onPart(exchange: RosterExchange, { station, content }: MessageOf<"part">, epoch: number): RosterNews[] {
  const { fetching } = exchange;
  if (fetching?.from !== station || !sameBytes(fetching.hash, content.hash)) return [];
  if (content.place !== fetching.parts.length || content.of !== (fetching.of ?? content.of)) return [];
  fetching.parts.push(content.bytes);
  fetching.of = content.of;
  fetching.since = epoch;
  return fetching.parts.length < content.of ? [] : [offerFetched(exchange, fetching, epoch)];
}

function offerFetched(exchange: RosterExchange, fetching: Fetching, epoch: number): RosterNews {
  const { chain, protocol, failures } = exchange;
  const { from, parts, hash } = fetching;
  const offered = offerRoster(chain, protocol.crypto, joined(parts), { mayLeap: true });
  exchange.fetching = undefined;
  if (knows(exchange, hash) !== undefined) {
    failures.delete(from);
  } else {
    // Another file than was offered, or one that is not to be believed.
    giveUp(exchange, from, hash, epoch);
    count(protocol.traffic, "bad-roster", from, from);
  }
  return { offered, from };
}

function giveUp({ failures, refused }: RosterExchange, from: StationId, hash: Uint8Array, epoch: number): void {
  failures.set(from, (failures.get(from) ?? 0) + 1);
  refuse(refused, offerName(hex(hash), from), epoch);
}

function beginEpoch(exchange: RosterExchange, epoch: number): Outgoing[] {
  const { protocol, answered, served, refused, fetching } = exchange;
  if (Math.floor(epoch / SERVED_EPOCHS) !== Math.floor(exchange.epoch / SERVED_EPOCHS)) served.clear();
  exchange.epoch = epoch;
  answered.clear();
  forgetRefused(refused, epoch);
  if (fetching !== undefined && (Math.abs(epoch - fetching.since) > PATIENCE || knows(exchange, fetching.hash))) {
    exchange.fetching = undefined;
    if (knows(exchange, fetching.hash) === undefined) giveUp(exchange, fetching.from, fetching.hash, epoch);
  }
  exchange.fetching ??= choose(exchange, epoch);
  const asked = exchange.fetching && askFor(exchange.fetching);
  const held = knownTo(exchange).map(({ roster: { version }, hash }) => ({ version, hash }));
  const announced = held.map(({ hash }) => hex(hash)).join(" ");
  const isDue = announced !== exchange.announced || (epoch + protocol.self) % ANNOUNCED_EVERY === 0;
  if (!isDue && asked === undefined) return [];
  exchange.announced = announced;
  return [compose(protocol, "roster", { epoch, held, asked })];
}

function askFor({ from, hash, parts }: Fetching): AskedPart | undefined {
  return parts.length < MOST_PARTS ? { of: from, hash, place: parts.length } : undefined;
}

/** What is not known here, of the lowest version, from whom failed least. Older versions are no news. */
function choose(exchange: RosterExchange, epoch: number): Fetching | undefined {
  const { offers, failures, refused, chain: { inForce } } = exchange;
  const lacking = [...offers].flatMap(([from, held]) => held
    .filter(({ version, hash }) => version >= inForce.roster.version
      && knows(exchange, hash) === undefined && !refused.has(offerName(hex(hash), from)))
    .map((named) => ({ ...named, from, failed: failures.get(from) ?? 0 })));
  const [best] = lacking.sort((a, b) => a.failed - b.failed || a.version - b.version);
  return best && { from: best.from, hash: best.hash, parts: [], of: undefined, since: epoch };
}
