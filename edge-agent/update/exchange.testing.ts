/** Boards of one zone that hear each other, each with a disk, for tests of releases by gossip. */
import { createZoneProtocol, onEpoch, onMessage } from "../../gossip/agreement-protocol.ts";
import { directoryOf } from "../../gossip/directory.ts";
import { topicText } from "../../gossip/message.ts";
import { PART_BYTES } from "../../gossip/message-content.ts";
import type { News, Outgoing, StationMessage } from "../../gossip/protocol-state.ts";
import type { Roster } from "../../gossip/roster.ts";
import { madeRoster } from "../../gossip/roster.testing.ts";
import { PLAIN_LAW } from "../../gossip/zone-network.testing.ts";
import type { Epoch, MonotonicMs, StationId } from "../../models/units.ts";
import { signerFromSeed } from "../adapters/crypto.ts";
import { exchangeReleases } from "./exchange.ts";
import { createReleaseExchange, type ReleaseExchange } from "./exchange-state.ts";
import { choose, install, readPointer, writePointer } from "./install.ts";
import { PROGRAM_FILE, type Release, verifyRelease } from "./manifest.ts";
import { kept, type Pointer } from "./pointer.ts";
import { crypto, Disk, ISSUED_S, NAMED, OPERATORS, releaseOf, signedRelease } from "./update.testing.ts";

const N = 5;
const FIRST_EPOCH = 1_000;
const EPOCH_S = 10;
export const signers = Array.from({ length: N }, (_, i) => signerFromSeed(new Uint8Array(32).fill(100 + i)));
const made = madeRoster({ zones: [{ id: "a", n: N, f: 1 }] });
export const roster: Roster = { ...made, members: made.members.map((member, i) =>
  ({ ...member, keys: { ...member.keys, statement: signers[i]!.publicKey } })) };
export const stationOf = (at: number): StationId => roster.members[at]!.station;
export const HEAD = (at: number) =>
  ({ network: roster.network, zone: roster.zones[0]!.id, rosterVersion: roster.version, station: stationOf(at) });

/** Of three pieces and a bit. */
export const largeProgram = (sequence: number): Uint8Array =>
  Uint8Array.from({ length: 3 * PART_BYTES + 100 }, (_, i) => (i * 7 + sequence) % 251);
export const PIECES = 4;

export function largeRelease(sequence: number, changes: Partial<Release> = {}): Uint8Array {
  const program = largeProgram(sequence);
  const files = [{ name: PROGRAM_FILE, bytes: program.length, sha256: crypto.sha256(program) }];
  return signedRelease(releaseOf(sequence, { files, ...changes }));
}

/** A board that runs the release and found it healthy. */
export function runs(disk: Disk, sequence: number, manifest = largeRelease(sequence)): void {
  const verified = verifyRelease(crypto, manifest, OPERATORS);
  if (!verified.ok) throw new Error(verified.problem);
  const incoming = { manifest, verified: verified.value, program: largeProgram(sequence), signedBy: ["operator/op0"] };
  const done = install(disk, crypto, incoming);
  if (!done.ok) throw new Error(done.problem);
  choose(disk, crypto, OPERATORS);
  writePointer(disk, kept(readPointer(disk), "healthy"));
}

export interface Board {
  disk: Disk;
  exchange: ReleaseExchange;
  readonly told: string[];
}

const wordsIn = (news: readonly News[]): StationMessage[] =>
  news.flatMap((one) => (one.kind === "message" ? [one.message] : []));

export class Boards {
  readonly all: Board[];
  epoch = FIRST_EPOCH;
  /** Pieces on the wire, by sender, and how many in the epoch that had most. */
  readonly pieces = new Map<number, number>();
  mostAnEpoch = 0;
  sent = 0;
  nowS: number | undefined = ISSUED_S + 60;
  loses: (from: number, to: number) => boolean = () => false;
  /** What a liar says instead. */
  says: (from: number, message: Outgoing) => Outgoing | undefined = (_from, message) => message;
  readonly #queue: { from: number; message: Outgoing }[] = [];

  constructor(takes: (at: number) => boolean = () => true) {
    this.all = signers.map((_, at) => {
      const disk = new Disk(Infinity);
      return { disk, exchange: this.#started(at, disk, takes(at)), told: [] };
    });
  }

  #started(at: number, shelf: Disk, takes: boolean): ReleaseExchange {
    const protocol = createZoneProtocol({
      directory: directoryOf(roster, roster.zones[0]!.id), station: stationOf(at), signer: signers[at]!, crypto,
      law: PLAIN_LAW,
    });
    const exchange = createReleaseExchange({ protocol, shelf, operators: NAMED, takes });
    exchange.neighbours = new Set(roster.members.map(({ station }) => station).filter((one) => one !== stationOf(at)));
    return exchange;
  }

  /** A restart: what was in memory is gone. */
  restart(at: number): void {
    const board = this.all[at]!;
    board.exchange = this.#started(at, board.disk, board.exchange.takes);
  }

  pointer(at: number): Pointer {
    return readPointer(this.all[at]!.disk);
  }

  /** Which release each is to try or runs; undefined: the program given by hand. */
  get sequences(): (number | undefined)[] {
    return this.all.map((_, at) => {
      const { trial, active } = this.pointer(at);
      return (trial?.release ?? active)?.sequence;
    });
  }

  /** Epochs until it holds. Throws when it does not. */
  pass(holds: () => boolean, most = 200): number {
    for (let passed = 0; passed < most; passed++) {
      if (holds()) return passed;
      this.epoch += 1;
      if (this.nowS !== undefined) this.nowS += EPOCH_S;
      const before = this.#totalPieces();
      this.all.forEach(({ exchange }, at) => {
        const { news } = onEpoch(exchange.protocol, { maySign: false }, this.#now());
        this.#take(at, news);
        this.#deliver();
      });
      this.mostAnEpoch = Math.max(this.mostAnEpoch, this.#totalPieces() - before);
    }
    throw new Error(`it never holds: ${JSON.stringify(this.all.map(({ told }) => told.at(-1)))}`);
  }

  epochs(count: number): void {
    const end = this.epoch + count;
    this.pass(() => this.epoch >= end, count + 1);
  }

  say(from: number, message: Outgoing): void {
    const said = this.says(from, message);
    if (said !== undefined) this.#queue.push({ from, message: said });
  }

  #totalPieces(): number {
    return [...this.pieces.values()].reduce((sum, count) => sum + count, 0);
  }

  #now = () => ({ epoch: this.epoch as Epoch, monoMs: (this.epoch * 10_000) as MonotonicMs });

  #take(at: number, news: readonly News[]): void {
    const board = this.all[at]!;
    const { outgoing, told } =
      exchangeReleases(board.exchange, wordsIn(news), { epoch: this.epoch, nowS: this.nowS });
    board.told.push(...told);
    for (const message of outgoing) this.say(at, message);
  }

  #deliver(): void {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { from, message: { kind, station, bytes, only } } = next;
      if (kind === "piece") this.pieces.set(from, (this.pieces.get(from) ?? 0) + 1);
      for (let to = 0; to < N; to++) {
        if (to === from || only?.has(stationOf(to)) === false || this.loses(from, to)) continue;
        this.sent += 1;
        const { network, zone } = HEAD(to);
        const topic = topicText({ network, zone, kind, station });
        const { protocol } = this.all[to]!.exchange;
        this.#take(to, onMessage(protocol, { topic, bytes }, stationOf(from), this.#now()).news);
      }
    }
  }
}
