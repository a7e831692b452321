/**
 * The log's side of witnessing: its newest checkpoint is told to the neighbours with a proof from each size that one of
 * them holds, their cosignatures are collected, and the newest checkpoint that enough of them cosigned is kept.
 */
import { compose } from "../../gossip/agreement-protocol.ts";
import { sameBytes } from "../../gossip/bytes.ts";
import type { Contents } from "../../gossip/message-content.ts";
import type { Outgoing } from "../../gossip/protocol-state.ts";
import { type Epoch, MINUTE_MS, type MonotonicMs, type StationId } from "../../models/units.ts";
import type { Effect } from "../ports.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { cosignedAt } from "./cosignature.ts";
import type { Cosigned } from "./cosigned.ts";
import { keepOnly, proofFrom, rootAt } from "./growth.ts";
import type { JournalState } from "./journal.ts";
import { lineOf } from "./note.ts";
import type { Partner, Witnessing } from "./witnessing.ts";

/** A checkpoint of the own log and who cosigned it. */
export interface Offered {
  readonly size: number;
  /** Signed by this log alone. */
  readonly note: string;
  readonly lines: Map<StationId, string>;
}

export interface Collected {
  /** Cosignatures that a checkpoint needs to be kept: f + 1, so that one at least is of an honest witness. */
  needed: number;
  /** Checkpoints that were offered lately, oldest first. */
  recent: readonly Offered[];
  /** Messages that wait for the next epoch. */
  outbox: readonly Omit<Contents["checkpoint"], "epoch">[];
  /** When some went out last. */
  sentIn: number;
  /** When a checkpoint was prepared for them last, by the monotonic clock. */
  preparedMs: number;
  /** The newest with enough cosignatures, and whether it is on disk as it is. */
  best: Offered | undefined;
  saved: boolean;
  /** After a start: who has not said yet what it holds, and in how many epochs it was asked. */
  readonly silent: Set<StationId>;
  asked: number;
}

const MOST_RECENT = 4;
/** Without anything that witnesses should see, a checkpoint is told no sooner after the last. */
const QUIET_MS = 10 * MINUTE_MS;
/** On a metered link, where one is signed each ten minutes: each third is told, since all witnesses' answers cost. */
const METERED_QUIET_MS = 25 * MINUTE_MS;
/** The quota of checkpoint messages that neighbours grant for an epoch. */
const MOST_AN_EPOCH = 4;
/** Who does not answer until the epoch after so many is not waited for. */
const MOST_ASKED = 2;

export function createCollected(
  needed: number, stored: Cosigned | undefined, silent: Iterable<StationId>,
): Collected {
  return {
    needed, recent: [], outbox: [], sentIn: -1, preparedMs: -QUIET_MS, best: stored, saved: true,
    silent: new Set(silent), asked: 0,
  };
}

/**
 * After a start the stored checkpoint is told from its own size: whatever a witness holds, it says so. A log that was
 * put back from an older copy learns of it before it states anything for a second time.
 */
export function ask({ collected, log, protocol }: Witnessing, epoch: Epoch): Outgoing[] {
  if (!log.asking || collected.sentIn === epoch || protocol.epoch !== epoch) return [];
  log.asking = collected.asked < MOST_ASKED && collected.silent.size > 0;
  if (!log.asking) return [];
  collected.asked += 1;
  collected.sentIn = epoch;
  return [compose(protocol, "checkpoint", { epoch, note: log.stored!, proof: [], oldSize: log.attestedSize })];
}

/** The checkpoint that was just signed, and what an earlier epoch had no room for. At most four messages an epoch. */
export function offer(state: Witnessing, journal: JournalState, epoch: Epoch, nowMs: MonotonicMs): Outgoing[] {
  const { collected, log, protocol, partners } = state;
  const note = journal.checkpointNote;
  // Proofs lead to the tree as it is: once it has grown, the next checkpoint is offered.
  const isNew = note !== collected.recent.at(-1)?.note && log.frontier.size === log.signedSize;
  const isDue = log.unseen || nowMs - collected.preparedMs >= (protocol.metered ? METERED_QUIET_MS : QUIET_MS);
  if (note !== "" && isNew && isDue) {
    collected.preparedMs = nowMs;
    log.unseen = false;
    prepare(state, { size: log.signedSize, note, lines: new Map() });
  }
  if (collected.outbox.length === 0 || collected.sentIn === epoch) return [];
  const now = collected.outbox.slice(0, MOST_AN_EPOCH);
  collected.outbox = collected.outbox.slice(MOST_AN_EPOCH);
  collected.sentIn = epoch;
  const { size } = collected.recent.at(-1)!;
  for (const { oldSize } of now) for (const one of partners.values()) if (one.holds === oldSize) one.offered = size;
  return now.map((content) => compose(protocol, "checkpoint", { epoch, ...content }));
}

/** One message for each size that witnesses hold; who was offered something longest ago comes first. */
function prepare(state: Witnessing, offered: Offered): void {
  const { collected, growth, log: { crypto, frontier } } = state;
  const waiting = [...state.partners.values()].sort((a, b) => a.offered - b.offered);
  if (waiting.length === 0) return;
  collected.recent = [...collected.recent, offered].slice(-MOST_RECENT);
  rootAt(crypto, growth, frontier, offered.size);
  for (const { holds } of waiting) rootAt(crypto, growth, frontier, holds);
  collected.outbox = [...new Set(waiting.map(({ holds }) => holds))].flatMap((oldSize) => {
    const proof = proofFrom(crypto, growth, oldSize);
    return proof === undefined ? [] : [{ note: offered.note, proof, oldSize }];
  });
  forget(state);
}

function forget({ collected, growth, partners }: Witnessing): void {
  const recent = collected.recent.map(({ size }) => size);
  keepOnly(growth, new Set([...recent, ...[...partners.values()].map(({ holds }) => holds)]));
}

/** Takes a witness's answer; undefined when it is none. */
export function collect(
  state: Witnessing, witness: Partner, { epoch, note }: Contents["cosignature"],
): Effect[] | undefined {
  const { log, growth, collected, logKey, protocol: { crypto, directory } } = state;
  if (note === "") {
    witness.holds = 0;
    log.unseen = true;
    hasSaid(state, witness);
    return [];
  }
  const opened = openCheckpoint(crypto, note, logKey);
  if (!opened.ok) return undefined;
  const { size, root, text, signatures: [, signature, ...more] } = opened.value;
  const timeS = signature && cosignedAt(crypto, text, signature, witness.witnessKey);
  if (signature === undefined || timeS === undefined || more.length > 0) return undefined;
  if (Math.floor(timeS / directory.epochS) !== epoch) return undefined;
  const own = rootAt(crypto, growth, log.frontier, size);
  if (size > log.frontier.size || (own !== undefined && !sameBytes(own, root))) {
    const has = size > log.frontier.size ? `it has ${log.frontier.size}` : "they are others now";
    const why = `${witness.station} cosigned ${size} entries that this log had signed, and ${has}`;
    return [{ kind: "refuse", why }];
  }
  witness.holds = size;
  hasSaid(state, witness);
  const offered = collected.recent.find((one) => one.size === size);
  offered?.lines.set(witness.station, lineOf(signature));
  if (offered !== collected.recent.at(-1)) log.unseen = true;
  if (offered !== undefined && offered.lines.size >= collected.needed && offered.size >= (collected.best?.size ?? 0)) {
    collected.best = offered;
    collected.saved = false;
  }
  forget(state);
  return [];
}

function hasSaid({ collected: { silent }, log }: Witnessing, { station }: Partner): void {
  silent.delete(station);
  log.asking &&= silent.size > 0;
}

/** Keeps what came since. Once an epoch, since answers come together. */
export function save(collected: Collected): Effect[] {
  const { best, saved } = collected;
  if (saved || best === undefined) return [];
  collected.saved = true;
  const lines = [...best.lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => `${line}\n`);
  return [{ kind: "cosigned", note: `${best.note}${lines.join("")}` }];
}
