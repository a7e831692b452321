/**
 * Notes between neighbours on where idTokens are in use: pseudonyms that only whoever has the zone's secret can make,
 * and that change every day (observe/tokens.ts). What a clone looks like in them is credential-cloning's to say.
 */
import { compose } from "../gossip/agreement-protocol.ts";
import { fromHex, hex } from "../gossip/bytes.ts";
import { MOST_SIGHTINGS } from "../gossip/message-content.ts";
import type { News, Outgoing, ProtocolState, StationMessage } from "../gossip/protocol-state.ts";
import { distanceKm } from "../models/detect/compare-notes.ts";
import { credentialCloning, type CredentialCloning, HEARD_MS, type Note } from "../models/detect/credential-cloning.ts";
import type { DetectState } from "../models/detect/detect.ts";
import type { Observation } from "../models/terms.ts";
import { epochOf, type Now, SECOND_MS, type TokenPseudonym, type WallMs } from "../models/units.ts";
import type { Place } from "./alert/zone-alert.ts";

export interface TokenNotes {
  readonly protocol: ProtocolState;
  /** By transaction: how often the note was told as it is now. */
  readonly told: Map<string, { readonly to: WallMs | undefined; readonly times: number }>;
  epoch: number;
}

const MICRO = 1_000_000;
/** A note is told in so many epochs, against losses: nobody asks for one that is lost. */
const TOLD_TIMES = 3;

export function createTokenNotes(protocol: ProtocolState): TokenNotes {
  return { protocol, told: new Map(), epoch: -1 };
}

/**
 * Takes the neighbours' notes in, and once an epoch tells them this station's own.
 * @param places of the zone's stations, as the roster has them
 */
export function exchangeNotes(
  state: TokenNotes | undefined, detected: DetectState, news: readonly News[], places: readonly Place[], now: Now,
): Outgoing[] {
  if (state === undefined) return [];
  for (const one of news) {
    if (one.kind !== "message") continue;
    for (const use of neighboursUses(state, one.message, places, now)) {
      credentialCloning.observe(cloningOf(detected), use, now);
    }
  }
  const epoch = epochOf(now.wallMs, state.protocol.directory.epochS);
  if (epoch === state.epoch || !state.protocol.maySign) return [];
  state.epoch = epoch;
  const sightings = dueNotes(state, detected, now).map((note) => ({
    pseudonym: fromHex(note.token), fromS: seconds(note.from), toS: note.to === undefined ? 0 : seconds(note.to),
  }));
  return sightings.length === 0 ? [] : [compose(state.protocol, "note", { epoch, seq: 0, sightings })];
}

const cloningOf = (detected: DetectState): CredentialCloning =>
  detected[credentialCloning.name]!.state as CredentialCloning;

const seconds = (at: WallMs): number => Math.max(0, Math.floor(at / SECOND_MS));

/** Own notes that not everybody may have heard, the newest first, at most one message full. */
function dueNotes({ told }: TokenNotes, detected: DetectState, now: Now): Note[] {
  const recent = cloningOf(detected).notes.filter((note) => now.wallMs - note.from < HEARD_MS);
  const due = recent.filter((note) => {
    const before = told.get(note.transactionId);
    return before === undefined || before.to !== note.to || before.times < TOLD_TIMES;
  }).slice(-MOST_SIGHTINGS).reverse();
  for (const { transactionId, to } of due) {
    const before = told.get(transactionId);
    told.set(transactionId, { to, times: 1 + (before?.to === to ? before?.times ?? 0 : 0) });
  }
  const known = new Set(recent.map(({ transactionId }) => transactionId));
  for (const transactionId of told.keys()) if (!known.has(transactionId)) told.delete(transactionId);
  return due;
}

function neighboursUses(
  { protocol }: TokenNotes, message: StationMessage, places: readonly Place[], now: Now,
): Observation[] {
  if (message.kind !== "note" || message.station === protocol.station) return [];
  const km = kmBetween(places, protocol.station, message.station);
  return message.content.sightings.map(({ pseudonym, fromS, toS }): Observation => ({
    kind: "neighbours-use", at: now.wallMs, token: hex(pseudonym) as TokenPseudonym, station: message.station,
    from: (fromS * SECOND_MS) as WallMs, ...(toS > 0 && { to: (toS * SECOND_MS) as WallMs }),
    ...(km !== undefined && { km }), liars: protocol.directory.zone.f,
  }));
}

/** Undefined where the roster does not say where one of them is: both degrees are 0 then (gossip/SPEC.md, 2). */
function kmBetween(places: readonly Place[], one: string, other: string): number | undefined {
  const [from, to] = [one, other].map((name) => places.find(({ station }) => station === name));
  if (from === undefined || to === undefined || isNowhere(from) || isNowhere(to)) return undefined;
  const degrees = ({ latE6, lonE6 }: Place) => ({ lat: latE6 / MICRO, lon: lonE6 / MICRO });
  return distanceKm(degrees(from), degrees(to));
}

const isNowhere = ({ latE6, lonE6 }: Place): boolean => latE6 === 0 && lonE6 === 0;
