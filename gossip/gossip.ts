/**
 * The step *gossip*: what this agent states for the epoch, signed; and in a zone, what it hears and passes on
 * (agreement-protocol.ts). A lone agent has nobody to tell: its statements go into its own log, on change and otherwise
 * once in a while.
 *
 * The log is the reservation of epochs: a statement is durable before anything that rests on it is sent, and one
 * epoch is never signed twice, also across restarts and a clock that jumps back.
 */
import type { Crypto, Signer } from "../models/crypto.ts";
import { type EvidenceKey, EVIDENCE_KEYS } from "../models/terms.ts";
import {
  type Epoch, epochOf, MINUTE_MS, type Now, SECOND_MS, type StationId, type WallMs, type ZoneId,
} from "../models/units.ts";
import { judgeOwnClock, onEpoch, onMessage, wasSetBack } from "./agreement-protocol.ts";
import { noteOwnClock } from "./clock-rule.ts";
import type { Incoming } from "./intake.ts";
import { isWorthStating } from "./metered.ts";
import type { News, Outgoing, ProtocolState } from "./protocol-state.ts";
import { type Statement, type StatementBody, signStatement, statementHash } from "./statement.ts";

export interface GossipState {
  readonly crypto: Crypto;
  readonly signer: Signer;
  readonly network: string;
  zone: ZoneId;
  readonly station: StationId;
  readonly epochS: number;
  readonly earliest: WallMs;
  /** The roster in force; 0 without one. */
  rosterVersion: number;
  /** A statement is made at least this often, however quiet it is. */
  statedEveryMs: number;
  /** The last epoch that was stated, and its statement's place in the chain. */
  lastEpoch: Epoch;
  seq: number;
  previous: Uint8Array;
  lastEvidence: readonly number[];
  lastStatedMs: number;
  /** The zone's protocol as this agent runs it; absent for a lone agent. */
  readonly protocol: ProtocolState | undefined;
}

/** A message from the transport, and who handed it over. */
export interface Heard extends Incoming {
  readonly from: string;
}

export interface Told {
  /** This agent's own, of this epoch: to be made durable before anything goes out. */
  readonly statement: Statement | undefined;
  readonly outgoing: readonly Outgoing[];
  readonly news: readonly News[];
}

export interface GossipOptions {
  readonly crypto: Crypto;
  readonly signer: Signer;
  readonly network: string;
  readonly zone: ZoneId;
  readonly station: StationId;
  readonly epochS: number;
  /** Nothing is stated by a clock before this, which was never set: the day of the release; 0 in a replay. */
  readonly earliest: WallMs;
  /** The roster in force; absent for a lone agent. */
  readonly rosterVersion?: number;
  /** How long quiet may last between two statements; an hour unless said. A zone counts who is silent as lowest. */
  readonly statedEveryMs?: number;
  readonly protocol?: ProtocolState;
  /** The last statement in the log, where there is one. */
  readonly last?: { readonly body: StatementBody; readonly bytes: Uint8Array };
}

/** Evidence that rose less than this since the last statement can wait, millinats; quiet can wait for the hour. */
const WORTH_STATING = 500;
/** What an integer of the wire carries; a clock beyond it is wrong by centuries. */
const LAST_EPOCH = 2 ** 32 - 1;
export const AT_LEAST_EVERY_MS = 60 * MINUTE_MS;

export function createGossip(options: GossipOptions): GossipState {
  const { last, protocol, rosterVersion = 0, statedEveryMs = AT_LEAST_EVERY_MS, ...fixed } = options;
  return {
    ...fixed,
    protocol,
    rosterVersion,
    statedEveryMs,
    lastEpoch: last?.body.epoch ?? (-1 as Epoch),
    seq: last === undefined ? 0 : last.body.seq + 1,
    previous: last === undefined ? new Uint8Array(0) : statementHash(options.crypto, last.bytes),
    lastEvidence: last?.body.evidence ?? EVIDENCE_KEYS.map(() => 0),
    lastStatedMs: -statedEveryMs,
  };
}

/** What is said and heard in one step: once an epoch a statement, and whatever the zone's protocol asks for. */
export function gossip(
  state: GossipState, heard: Heard | undefined, evidence: (keys: readonly EvidenceKey[]) => readonly number[],
  checkpoint: Uint8Array | undefined, now: Now,
): Told {
  const { protocol } = state;
  const time = { epoch: epochOf(now.wallMs, state.epochS), monoMs: now.monoMs };
  if (protocol === undefined) return { ...NOTHING, statement: makeStatement(state, evidence, checkpoint, now) };
  if (now.wallMs < state.earliest || time.epoch > LAST_EPOCH) return NOTHING;
  noteOwnClock(protocol.clock, now, state.epochS * SECOND_MS);
  const isNewEpoch = time.epoch > protocol.epoch || wasSetBack(protocol, time.epoch);
  const begun = isNewEpoch ? begin(state, protocol, evidence, checkpoint, now) : NOTHING;
  if (heard === undefined) return begun;
  const answered = onMessage(protocol, heard, heard.from, time);
  if (begun === NOTHING) return { statement: undefined, outgoing: answered.outgoing, news: answered.news };
  return {
    statement: begun.statement, outgoing: [...begun.outgoing, ...answered.outgoing],
    news: [...begun.news, ...answered.news],
  };
}

const NOTHING: Told = { statement: undefined, outgoing: [], news: [] };

/** An epoch of the zone begins. Whose clock is off, or who does not know yet, states and signs nothing in it. */
function begin(
  state: GossipState, protocol: ProtocolState, evidence: (keys: readonly EvidenceKey[]) => readonly number[],
  checkpoint: Uint8Array | undefined, now: Now,
): Told {
  const turned = judgeOwnClock(protocol, now.monoMs);
  const goodFor = protocol.clock.standing.state === "good" ? checkpoint : undefined;
  const statement = makeStatement(state, evidence, goodFor, now);
  const own = { maySign: goodFor !== undefined, ...(statement !== undefined && { statement }) };
  const { outgoing, news } = onEpoch(protocol, own, { epoch: epochOf(now.wallMs, state.epochS), monoMs: now.monoMs });
  return { statement, outgoing, news: turned === undefined ? news : [turned, ...news] };
}

/**
 * The statement of this epoch, or none: the epoch was stated, the clock is unset or behind, nothing is new, or
 * nothing may be signed.
 * @param checkpoint SHA-256 of the last signed checkpoint; undefined when the log may not be signed any more
 */
export function makeStatement(
  state: GossipState, evidence: (keys: readonly EvidenceKey[]) => readonly number[],
  checkpoint: Uint8Array | undefined, now: Now,
): Statement | undefined {
  if (checkpoint === undefined) return undefined;
  const epoch = epochOf(now.wallMs, state.epochS);
  if (now.wallMs < state.earliest || epoch <= state.lastEpoch || epoch > LAST_EPOCH) return undefined;
  const values = evidence(EVIDENCE_KEYS);
  const { protocol } = state;
  if (protocol?.metered === true && !isWorthStating(protocol, epoch, values, state.lastEvidence, state.lastEpoch)) {
    return undefined;
  }
  const rose = values.some((value, index) => value - (state.lastEvidence[index] ?? 0) >= WORTH_STATING);
  if (!rose && now.monoMs - state.lastStatedMs < state.statedEveryMs) return undefined;
  const statement = signStatement({
    network: state.network, zone: state.zone, station: state.station, epoch, seq: state.seq, previous: state.previous,
    rosterVersion: state.rosterVersion, evidence: values, checkpoint,
  }, state.signer);
  state.lastEpoch = epoch;
  state.seq += 1;
  state.previous = statementHash(state.crypto, statement.bytes);
  state.lastEvidence = values;
  state.lastStatedMs = now.monoMs;
  return statement;
}
