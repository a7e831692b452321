/**
 * Releases by gossip (gossip/SPEC.md, section 13). A board passes on the release that it runs and found healthy, and
 * tells its zone which ones it took back; whoever lacks it fetches it piece by piece from one neighbour. Neighbours
 * can delay or halt an update and never install one: what comes is held to the operators' signatures, as by hand.
 */
import { compose } from "../../gossip/agreement-protocol.ts";
import { fromHex, hex, sameBytes } from "../../gossip/bytes.ts";
import type { MessageOf } from "../../gossip/message.ts";
import { MOST_ILL, PART_BYTES } from "../../gossip/message-content.ts";
import type { Outgoing, StationMessage } from "../../gossip/protocol-state.ts";
import type { StationId } from "../../models/units.ts";
import { ANNOUNCED_EVERY, type ReleaseExchange, type ReleaseOutput, type ReleaseTime } from "./exchange-state.ts";
import { onPiece, pursue } from "./fetching.ts";
import { readPointer } from "./install.ts";
import type { Pointer } from "./pointer.ts";
import { pieceCount, sharedFile, sharedOf } from "./shelf.ts";

/** Neighbours are about ten, a zone at most 64. */
const MOST_STATIONS = 128;
/** One asker is sent so many times the whole release in so many epochs, losses included, and then nothing. */
const MOST_TIMES = 8;
const SERVED_EPOCHS = 1_024;

/** Takes words of neighbours in; at each epoch's start answers, says and asks what is due. */
export function exchangeReleases(
  exchange: ReleaseExchange, words: readonly StationMessage[], time: ReleaseTime,
): ReleaseOutput {
  const out: ReleaseOutput = { outgoing: [], told: [] };
  const { protocol } = exchange;
  if (protocol.self < 0) return out;
  for (const word of words) {
    if (word.station === protocol.station) continue;
    if (word.kind === "release") onRelease(exchange, word);
    if (word.kind === "fetch") onFetch(exchange, word);
    if (word.kind === "piece") onPiece(exchange, word, time, out);
  }
  if (time.epoch !== exchange.epoch) beginEpoch(exchange, time, out);
  return out;
}

function put<T>(into: Map<StationId, T>, station: StationId, value: T | undefined): void {
  if (value === undefined) into.delete(station);
  else if (into.has(station) || into.size < MOST_STATIONS) into.set(station, value);
}

function onRelease({ offers, ill, neighbours, protocol }: ReleaseExchange, word: MessageOf<"release">): void {
  const { station, zone, content } = word;
  put(offers, station, neighbours.has(station) ? content.offered : undefined);
  if (zone === protocol.directory.zone.id) put(ill, station, content.ill.length > 0 ? content.ill : undefined);
}

function onFetch({ asks, protocol, neighbours }: ReleaseExchange, { station, content }: MessageOf<"fetch">): void {
  if (content.asked.of === protocol.station && neighbours.has(station)) put(asks, station, content.asked);
}

function beginEpoch(exchange: ReleaseExchange, time: ReleaseTime, out: ReleaseOutput): void {
  const { epoch } = time;
  if (Math.floor(epoch / SERVED_EPOCHS) !== Math.floor(exchange.epoch / SERVED_EPOCHS)) exchange.served.clear();
  exchange.epoch = epoch;
  exchange.begun ??= epoch;
  const pointer = readPointer(exchange.shelf);
  lookAtShared(exchange, pointer);
  out.outgoing.push(...answer(exchange, epoch));
  pursue(exchange, pointer, time, out);
  out.outgoing.push(...announce(exchange, readPointer(exchange.shelf), epoch));
}

/** What runs and was kept is passed on: what a board found ill goes no further. */
function lookAtShared(exchange: ReleaseExchange, { active }: Pointer): void {
  if (active?.hash === exchange.shared?.release.hash) return;
  const { shelf, protocol, operators } = exchange;
  exchange.shared = active && sharedOf(shelf, protocol.crypto, operators, active);
}

/**
 * One piece an epoch, whoever asks, to all who asked for that one; it is the turn of whoever was sent least. So an
 * update takes a link's time for 13 KB an epoch, and statements wait for no more than that.
 */
function answer(exchange: ReleaseExchange, epoch: number): Outgoing[] {
  const { asks, served, shared, shelf, protocol } = exchange;
  const asked = [...asks];
  asks.clear();
  if (shared === undefined || asked.length === 0) return [];
  const most = MOST_TIMES * (1 + pieceCount(shelf.size(sharedFile(shared, hex(shared.program))!)));
  const times = (station: StationId): number => served.get(station) ?? 0;
  const due = asked.filter(([station, { hash }]) =>
    sharedFile(shared, hex(hash)) !== undefined && times(station) < most);
  const [next] = due.sort(([a], [b]) => times(a) - times(b));
  if (next === undefined) return [];
  const [, { hash, place }] = next;
  const together = due.filter(([, one]) => one.place === place && sameBytes(one.hash, hash));
  for (const [station] of together) put(served, station, times(station) + 1);
  const name = sharedFile(shared, hex(hash))!;
  const bytes = shelf.readAt(name, place * PART_BYTES, PART_BYTES);
  if (bytes.length === 0) return [];
  const content = { epoch, hash, place, of: pieceCount(shelf.size(name)), bytes };
  return [{ ...compose(protocol, "piece", content), only: new Set(together.map(([station]) => station)) }];
}

/** Nothing at all where there was never anything to say. */
function announce(exchange: ReleaseExchange, { ill = [] }: Pointer, epoch: number): Outgoing[] {
  const { shared, protocol } = exchange;
  const text = [shared?.release.hash ?? "", ...ill].join(" ");
  const isNews = text !== exchange.announced;
  if (!isNews && (text === "" || (epoch + protocol.self) % ANNOUNCED_EVERY !== 0)) return [];
  exchange.announced = text;
  const offered = shared && { sequence: shared.release.sequence, hash: fromHex(shared.release.hash) };
  return [compose(protocol, "release", { epoch, offered, ill: ill.slice(-MOST_ILL).map(fromHex) })];
}
