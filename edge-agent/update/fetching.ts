/** The taking side of releases by gossip (exchange.ts): which is wanted, from whom, and what it waits for. */
import { compose } from "../../gossip/agreement-protocol.ts";
import { fromHex, hex, joined, sameBytes } from "../../gossip/bytes.ts";
import type { MessageOf } from "../../gossip/message.ts";
import { forgetRefused, offerName, refuse } from "../../gossip/refused.ts";
import { count } from "../../gossip/traffic.ts";
import type { StationId } from "../../models/units.ts";
import { counted } from "../plain-text.ts";
import {
  ANNOUNCED_EVERY, type Fetching, halted, type ReleaseExchange, type ReleaseOutput, type ReleaseTime,
} from "./exchange-state.ts";
import { install, programIn, readPointer, writePointer } from "./install.ts";
import { isItsTurn, MAX_MANIFEST_BYTES, refusal } from "./manifest.ts";
import { nameOf, type Pointer, withdrawn } from "./pointer.ts";
import {
  type Candidate, candidateOf, dropOthers, keepManifest, keepPiece, keptCandidate, noteIncoming, pieceCount,
  piecesHere, wholeProgram,
} from "./shelf.ts";

/** After a start nothing is taken before every neighbour has had its turn to say what it took back. */
const LISTENS_EPOCHS = 2 * ANNOUNCED_EVERY;
/** A neighbour that does not answer for so many epochs is given up. */
const PATIENCE = 6;
/** Asked again when nothing came for so many epochs. */
const ASKED_AGAIN = 2;
const MANIFEST_PIECES = pieceCount(MAX_MANIFEST_BYTES);

export function onPiece(
  exchange: ReleaseExchange, { station, content }: MessageOf<"piece">, time: ReleaseTime, out: ReleaseOutput,
): void {
  const { fetching, candidate, shelf } = exchange;
  if (fetching?.from !== station || !sameBytes(fetching.file, content.hash)) return;
  if (content.place !== fetching.next || content.of !== (fetching.of ?? content.of)) return;
  if (fetching.parts === undefined) keepPiece(shelf, candidate!, content.place, content.bytes);
  else fetching.parts.push(content.bytes);
  fetching.next += 1;
  fetching.of = content.of;
  fetching.since = time.epoch;
  if (fetching.next < content.of && (fetching.parts?.length ?? 0) < MANIFEST_PIECES) ask(exchange, time.epoch, out);
  else if (fetching.parts === undefined) takeProgram(exchange, time, out);
  else takeManifest(exchange, fetching.parts, time, out);
}

function ask({ protocol, fetching }: ReleaseExchange, epoch: number, out: ReleaseOutput): void {
  if (fetching === undefined) return;
  fetching.askedAt = epoch;
  const asked = { of: fetching.from, hash: fetching.file, place: fetching.next };
  out.outgoing.push({ ...compose(protocol, "fetch", { epoch, asked }), only: new Set([fetching.from]) });
}

/** Another file than was promised, or none: held against who promised it. */
function giveUp(exchange: ReleaseExchange, epoch: number, isBad: boolean): void {
  const { fetching, failures, protocol } = exchange;
  if (fetching === undefined) return;
  exchange.fetching = undefined;
  failures.set(fetching.from, (failures.get(fetching.from) ?? 0) + 1);
  if (isBad) count(protocol.traffic, "bad-release", fetching.from, fetching.from);
  if (fetching.parts === undefined) exchange.looksElsewhere = true;
  else refuse(exchange.refused, offerName(hex(fetching.file), fetching.from), epoch);
}

function takeManifest(
  exchange: ReleaseExchange, parts: readonly Uint8Array[], time: ReleaseTime, out: ReleaseOutput,
): void {
  const { fetching, protocol: { crypto }, operators, shelf } = exchange;
  const candidate = candidateOf(crypto, operators, joined(parts));
  if (candidate === undefined || candidate.ref.hash !== hex(fetching!.file)) return giveUp(exchange, time.epoch, true);
  exchange.fetching = undefined;
  const pointer = readPointer(shelf);
  // A lower one than the one in hand is no news.
  if (candidate.ref.sequence <= Math.max(pointer.newest, exchange.candidate?.ref.sequence ?? 0)) {
    return refuse(exchange.refused, candidate.ref.hash, time.epoch);
  }
  keepManifest(shelf, pointer, candidate);
  exchange.candidate = candidate;
  exchange.said = "";
  tell(exchange, `signed by ${candidate.signedBy.join(" and ")}, is offered by ${fetching!.from}`, out);
  pursue(exchange, pointer, time, out);
}

/** Said once, until something else is. */
function tell(exchange: ReleaseExchange, says: string, out: ReleaseOutput): void {
  const { candidate, shelf } = exchange;
  if (candidate === undefined || exchange.said === says) return;
  exchange.said = says;
  noteIncoming(shelf, candidate, says);
  out.told.push(`update: ${nameOf(candidate.ref)}: ${says}`);
}

/** All pieces are here: installed for a trial, unless it is to wait meanwhile. */
function takeProgram(exchange: ReleaseExchange, time: ReleaseTime, out: ReleaseOutput): void {
  const { candidate, fetching, shelf, protocol: { crypto } } = exchange;
  if (candidate === undefined) return;
  const program = wholeProgram(shelf, crypto, candidate);
  if (program === undefined) {
    // What lay here since a restart, or came from somebody else before, is nobody's fault.
    if (fetching?.resumed === 0) return giveUp(exchange, time.epoch, true);
    exchange.fetching = undefined;
    return tell(exchange, "its pieces were damaged; they are fetched anew", out);
  }
  exchange.fetching = undefined;
  const why = waitsFor(exchange, candidate, time);
  if (why !== undefined) return tell(exchange, why, out);
  const { manifest, verified, signedBy } = candidate;
  const done = install(shelf, crypto, { manifest, verified, program, signedBy, fromNeighbours: true });
  if (!done.ok) return tell(exchange, done.problem, out);
  out.told.push(`update: ${nameOf(candidate.ref)}: all of it came from neighbours; it is tried when no car charges`);
  exchange.candidate = undefined;
}

/** Why a release is not fetched or installed now; undefined: it may be. */
function waitsFor(
  exchange: ReleaseExchange, { ref, verified }: Candidate, { nowS }: ReleaseTime,
): string | undefined {
  const { protocol: { crypto, station } } = exchange;
  if (nowS === undefined) return "waits for a clock that is good";
  const why = halted(exchange, ref.hash);
  if (why !== undefined) return `waits: ${why}`;
  return isItsTurn(crypto, verified, station, nowS) ? undefined
    : "waits: it goes to a few stations first, and this is not one of them yet";
}

/** At an epoch's start, and when a manifest came: what is to be done next. */
export function pursue(exchange: ReleaseExchange, pointer: Pointer, time: ReleaseTime, out: ReleaseOutput): void {
  const { epoch, nowS } = time;
  withdraw(exchange, pointer, out);
  if (!exchange.takes || nowS === undefined || epoch - (exchange.begun ?? epoch) < LISTENS_EPOCHS) return;
  forgetRefused(exchange.refused, epoch);
  const { fetching } = exchange;
  if (fetching !== undefined && Math.abs(epoch - fetching.since) > PATIENCE) giveUp(exchange, epoch, false);
  dropOvertaken(exchange, pointer, time, out);
  exchange.fetching ??= begin(exchange, pointer, time, out);
  if (exchange.fetching !== undefined && epoch - exchange.fetching.askedAt >= ASKED_AGAIN) ask(exchange, epoch, out);
}

/** What came from neighbours and was not started yet goes when enough of them found it ill. */
function withdraw(exchange: ReleaseExchange, pointer: Pointer, out: ReleaseOutput): void {
  const { trial } = pointer;
  const why = trial && halted(exchange, trial.release.hash);
  const next = why === undefined ? pointer : withdrawn(pointer, why);
  if (next === pointer || trial === undefined) return;
  writePointer(exchange.shelf, next);
  out.told.push(`update: ${nameOf(trial.release)}: withdrawn before its trial: ${why}`);
}

/** Of the release in hand, or of the one that an earlier run had begun to fetch. */
function dropOvertaken(
  exchange: ReleaseExchange, pointer: Pointer, { epoch, nowS }: ReleaseTime, out: ReleaseOutput,
): void {
  const { shelf, protocol: { crypto }, operators } = exchange;
  if (!exchange.lookedBack) exchange.candidate = keptCandidate(shelf, pointer, crypto, operators);
  exchange.lookedBack = true;
  const { candidate } = exchange;
  const why = candidate && refusal(candidate.verified.release, pointer.newest, nowS!);
  if (why === undefined) return;
  tell(exchange, `no more for this board: ${why}`, out);
  refuse(exchange.refused, candidate!.ref.hash, epoch);
  exchange.candidate = exchange.fetching = undefined;
  dropOthers(shelf, pointer, undefined);
}

/** The program of the release in hand; or, where that must wait or its source failed, a higher one's manifest. */
function begin(
  exchange: ReleaseExchange, pointer: Pointer, time: ReleaseTime, out: ReleaseOutput,
): Fetching | undefined {
  const { candidate } = exchange;
  const why = candidate && waitsFor(exchange, candidate, time);
  const wanted = candidate !== undefined && why === undefined && !exchange.looksElsewhere;
  exchange.looksElsewhere = false;
  if (why !== undefined) tell(exchange, why, out);
  const program = wanted ? ofProgram(exchange, candidate, time, out) : undefined;
  return program ?? ofManifest(exchange, pointer, time);
}

function ofProgram(
  exchange: ReleaseExchange, candidate: Candidate, time: ReleaseTime, out: ReleaseOutput,
): Fetching | undefined {
  const { shelf } = exchange;
  const { bytes, sha256 } = programIn(candidate.verified);
  const [next, of] = [piecesHere(shelf, candidate), pieceCount(bytes)];
  if (next >= of) {
    takeProgram(exchange, time, out);
    return undefined;
  }
  const from = sourceOf(exchange, (hash) => hash === candidate.ref.hash)?.from;
  if (from === undefined) {
    tell(exchange, "waits for a neighbour that has it", out);
    return undefined;
  }
  tell(exchange, `is fetched from ${from}, ${counted(of, "piece", "pieces")}, one an epoch`, out);
  const { epoch } = time;
  return { from, file: sha256, parts: undefined, next, of, resumed: next, since: epoch, askedAt: epoch - ASKED_AGAIN };
}

function ofManifest(exchange: ReleaseExchange, { newest }: Pointer, { epoch }: ReleaseTime): Fetching | undefined {
  const { refused, candidate } = exchange;
  const least = Math.max(newest, candidate?.ref.sequence ?? 0);
  const best = sourceOf(exchange, (hash, sequence, from) =>
    sequence > least && !refused.has(hash) && !refused.has(offerName(hash, from)));
  return best && {
    from: best.from, file: fromHex(best.hash), parts: [], next: 0, of: undefined, resumed: 0, since: epoch,
    askedAt: epoch - ASKED_AGAIN,
  };
}

/** From whom failed least; of these the highest. */
function sourceOf(
  { offers, failures, neighbours }: ReleaseExchange,
  isWanted: (hash: string, sequence: number, from: StationId) => boolean,
): { readonly from: StationId; readonly hash: string } | undefined {
  const [best] = [...offers].map(([from, { sequence, hash }]) =>
    ({ from, sequence, hash: hex(hash), failed: failures.get(from) ?? 0 }))
    .filter(({ from, hash, sequence }) => neighbours.has(from) && isWanted(hash, sequence, from))
    .sort((a, b) => a.failed - b.failed || b.sequence - a.sequence || (a.from < b.from ? -1 : 1));
  return best;
}
