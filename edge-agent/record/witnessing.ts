/**
 * Neighbours as witnesses of each other's logs (SPEC.md, section 9). As a witness: a neighbour's checkpoints are judged
 * as they come; at the next epoch the good one becomes an entry of this log, cosigned, together with the epoch's
 * statement in one write, and the answer goes out after it. As a log: see offers.ts.
 */
import { compose } from "../../gossip/agreement-protocol.ts";
import type { Neighbour } from "../../gossip/membership.ts";
import type { News, Outgoing, ProtocolState, StationMessage } from "../../gossip/protocol-state.ts";
import type { Crypto, Signer } from "../../models/crypto.ts";
import { type Epoch, epochOf, type Now, SECOND_MS, type StationId } from "../../models/units.ts";
import { keyName } from "../member-file.ts";
import type { Effect } from "../ports.ts";
import { openCheckpoint, originOf, type SignedCheckpoint } from "./checkpoint.ts";
import { cosign, cosignerKeyOf } from "./cosignature.ts";
import { readCosigned } from "./cosigned.ts";
import type { Entry } from "./entry.ts";
import { createGrowth, type Growth } from "./growth.ts";
import { type JournalState, recordNamed } from "./journal.ts";
import { type VerifierKey, verifierKeyOf } from "./note.ts";
import { ask, collect, type Collected, createCollected, offer, save } from "./offers.ts";
import type { RecordState } from "./record.ts";
import { judge, type Refusal } from "./witness.ts";

/** A neighbour in both parts: its log is witnessed here, and it is a witness of the own log. */
export interface Partner {
  readonly station: StationId;
  readonly logKey: VerifierKey;
  readonly witnessKey: VerifierKey;
  /** The newest checkpoint of its log that was cosigned here; its entry is durable. */
  held: SignedCheckpoint | undefined;
  /** To be cosigned at the next epoch. */
  taken: SignedCheckpoint | undefined;
  /** It asked from elsewhere than from what is held: to be told at the next epoch. */
  mustBeTold: boolean;
  /** Its log was found to contradict itself, which is recorded once. */
  forked: boolean;
  /** The size of the own log that it cosigned last, as far as is known, and the epoch in which it said so. */
  holds: number;
  saidIn: number;
  /** The size that was offered to it last. */
  offered: number;
}

export interface Witnessing {
  readonly protocol: ProtocolState;
  readonly log: RecordState;
  readonly growth: Growth;
  /** The own log's key, as others verify it. */
  readonly logKey: VerifierKey;
  /** Of the own witness key. */
  readonly name: string;
  readonly signer: Signer;
  /** By station; of the roster in force. */
  partners: ReadonlyMap<string, Partner>;
  readonly witnessed: Witnessed;
  readonly collected: Collected;
  epoch: number;
  readonly refused: Map<Refused, number>;
  forks: number;
}
/** What is counted and has no other effect. */
type Refused = Refusal | "stranger" | "bad-cosignature";

export interface WitnessingOptions {
  readonly protocol: ProtocolState;
  readonly log: RecordState;
  /** The own log's public key, and the signer with the witness key. */
  readonly logKey: Uint8Array;
  readonly signer: Signer;
  readonly neighbours: readonly Neighbour[];
  /** What the log tells at a start. */
  readonly witnessed?: Witnessed;
  /** What witnesses held when that was remembered last. */
  readonly remembered?: Readonly<Record<string, number>>;
}

/** What the own log holds of others. */
export interface Witnessed {
  /** By origin: the newest checkpoint that was cosigned, as a note. */
  readonly notes: Map<string, string>;
  /** Origins of logs that were found to contradict themselves. */
  readonly forked: Set<string>;
}

/** Takes note of one entry of the own log; entries come in its order. */
export function noteWitnessed({ notes, forked: contradicting }: Witnessed, entry: Entry): void {
  const originIn = (note: string): string => note.slice(0, note.indexOf("\n"));
  if (entry.kind === "witness") notes.set(originIn(entry.note), entry.note);
  if (entry.kind === "fork") contradicting.add(originIn(entry.first));
}

export function createWitnessing(options: WitnessingOptions): Witnessing {
  const { protocol, log, logKey: ownKey, signer, neighbours, remembered = {} } = options;
  const { crypto, station, directory } = protocol;
  const witnessed = options.witnessed ?? { notes: new Map(), forked: new Set() };
  const partners = partnersOf(crypto, neighbours, witnessed, (name) => remembered[name] ?? 0);
  const logKey = verifierKeyOf(crypto, log.origin, ownKey);
  const stored = readCosigned(crypto, log.cosigned ?? "", logKey, [...partners.values()]);
  log.asking = log.stored !== undefined && partners.size > 0;
  return {
    protocol, log, growth: log.growth ??= createGrowth(log.frontier), logKey, name: keyName(station, "witness"), signer,
    partners, witnessed, epoch: -1, refused: new Map(), forks: 0,
    collected: createCollected(directory.zone.f + 1, stored.ok ? stored.value : undefined,
      [...partners.values()].map((partner) => partner.station)),
  };
}

/** Another roster came into force, and the protocol has its directory. Who stays a neighbour is known as before. */
export function setWitnesses(state: Witnessing, neighbours: readonly Neighbour[]): void {
  const { protocol: { crypto, directory }, witnessed, partners, collected } = state;
  state.partners = partnersOf(crypto, neighbours, witnessed, (station) => partners.get(station)?.holds ?? 0);
  collected.needed = directory.zone.f + 1;
}

function partnersOf(
  crypto: Crypto, neighbours: readonly Neighbour[], { notes, forked: contradicting }: Witnessed,
  holds: (station: string) => number,
): ReadonlyMap<string, Partner> {
  return new Map(neighbours.filter(({ link }) => link !== "bridge").map(({ member: { station, keys } }) => {
    const origin = originOf(station);
    const logKey = verifierKeyOf(crypto, origin, keys.log);
    // What another key of the station signed, before it was enrolled anew, is another log.
    const held = openCheckpoint(crypto, notes.get(origin) ?? "", logKey);
    return [station, {
      station, logKey, witnessKey: cosignerKeyOf(crypto, keyName(station, "witness"), keys.witness),
      held: held.ok ? held.value : undefined, taken: undefined, mustBeTold: false,
      forked: contradicting.has(origin), holds: holds(station), saidIn: -1, offered: 0,
    }];
  }));
}

export interface WitnessStep {
  readonly entries: readonly Uint8Array[];
  readonly outgoing: readonly Outgoing[];
  readonly effects: readonly Effect[];
}
const NOTHING: WitnessStep = { entries: [], outgoing: [], effects: [] };

/** What neighbours' checkpoints and cosignatures come to in one step; nothing when this log may not be signed. */
export function witness(
  state: Witnessing | undefined, journal: JournalState, news: readonly News[], now: Now,
): WitnessStep {
  if (state === undefined || state.log.refused !== undefined) return NOTHING;
  const epoch = epochIn(state, now);
  const begins = epoch !== state.epoch && state.protocol.maySign;
  const begun = begins ? beginEpoch(state, journal, epoch, now) : NOTHING;
  const heard: WitnessStep[] = [];
  for (const one of news) if (one.kind === "message") heard.push(hear(state, journal, one.message, now));
  if (heard.length === 0) return begun;
  return {
    entries: [...begun.entries, ...heard.flatMap(({ entries }) => entries)], outgoing: begun.outgoing,
    effects: [...begun.effects, ...heard.flatMap(({ effects }) => effects)],
  };
}

/** After the step's checkpoint, if there is one: what neighbours are asked to cosign. */
export function offerToWitnesses(state: Witnessing | undefined, journal: JournalState, now: Now): Outgoing[] {
  if (state === undefined || state.log.refused !== undefined) return [];
  const epoch = epochIn(state, now);
  return [...ask(state, epoch), ...(state.protocol.maySign ? offer(state, journal, epoch, now.monoMs) : [])];
}

const epochIn = ({ protocol }: Witnessing, now: Now): Epoch => epochOf(now.wallMs, protocol.directory.epochS);

/** Answers for the epoch that ended: first what was taken becomes durable, then it is cosigned to everybody. */
function beginEpoch(state: Witnessing, journal: JournalState, epoch: Epoch, now: Now): WitnessStep {
  const { protocol, name, signer } = state;
  state.epoch = epoch;
  const entries: Uint8Array[] = [];
  const outgoing: Outgoing[] = [];
  for (const partner of state.partners.values()) {
    const { station, taken, mustBeTold } = partner;
    if (taken === undefined && !mustBeTold) continue;
    const said = taken ?? partner.held;
    const line = said && cosign(protocol.crypto, said.text, name, signer, Math.floor(now.wallMs / SECOND_MS));
    if (taken !== undefined) {
      const entry = { kind: "witness", at: now.wallMs, note: taken.note, cosignature: line! } as const;
      entries.push(...recordNamed(journal, entry).entries);
      partner.held = taken;
      state.witnessed.notes.set(taken.origin, taken.note);
    }
    outgoing.push(compose(protocol, "cosignature", { epoch, log: station, note: said ? `${said.note}${line}\n` : "" }));
    partner.taken = undefined;
    partner.mustBeTold = false;
  }
  return { entries, outgoing, effects: save(state.collected) };
}

function hear(state: Witnessing, journal: JournalState, message: StationMessage, now: Now): WitnessStep {
  const partner = state.partners.get(message.station);
  if (message.kind === "checkpoint") {
    return partner === undefined ? refuse(state, "stranger") : judgeFor(state, journal, partner, message.content, now);
  }
  if (message.kind !== "cosignature" || message.content.log !== state.protocol.station) return NOTHING;
  if (partner === undefined) return refuse(state, "stranger");
  // Looking up what it holds costs some thousand hashes at worst: an honest witness answers once an epoch.
  if (message.content.epoch <= partner.saidIn) return refuse(state, "too-soon");
  const effects = collect(state, partner, message.content);
  if (effects === undefined) return refuse(state, "bad-cosignature");
  partner.saidIn = message.content.epoch;
  return { ...NOTHING, effects };
}

function refuse({ refused }: Witnessing, why: Refused): WitnessStep {
  refused.set(why, (refused.get(why) ?? 0) + 1);
  return NOTHING;
}

function judgeFor(
  state: Witnessing, journal: JournalState, partner: Partner, content: Parameters<typeof judge>[3], now: Now,
): WitnessStep {
  const judged = judge(state.protocol.crypto, partner.logKey, partner, content);
  if ("take" in judged) {
    partner.taken = judged.take;
    return NOTHING;
  }
  const why = judged.refuse;
  if (why === "old-size" || why === "smaller" || why === "nothing-new") partner.mustBeTold = true;
  refuse(state, why);
  return why === "fork" || why === "bad-proof" ? forked(state, journal, partner, judged.seen!, now) : NOTHING;
}

/** The log is at fault, not whoever told it: both notes are kept, once, and it is said once. */
function forked(
  state: Witnessing, journal: JournalState, partner: Partner, seen: SignedCheckpoint, now: Now,
): WitnessStep {
  const before = partner.taken?.size === seen.size ? partner.taken : partner.held;
  state.forks += 1;
  partner.taken = undefined;
  if (partner.forked || before === undefined) return NOTHING;
  partner.forked = true;
  state.witnessed.forked.add(seen.origin);
  const text = `witness: the log of ${partner.station} contradicts itself: what it signed for ${seen.size} entries ` +
    `does not go with what it signed for ${before.size}; the second is not cosigned, and this log keeps both`;
  const entry = { kind: "fork", at: now.wallMs, first: before.note, second: seen.note } as const;
  return { ...NOTHING, entries: recordNamed(journal, entry).entries, effects: [{ kind: "notice", text }] };
}

/** For the memory: what each witness holds of the own log. */
export function heldByWitnesses({ partners }: Witnessing): Record<string, number> {
  return Object.fromEntries([...partners.values()].map(({ station, holds }) => [station, holds]));
}

/** For the status. */
export interface WitnessReport {
  /** Entries of the own log that enough witnesses cosigned, and who did. */
  readonly cosignedSize: number;
  readonly cosigners: readonly StationId[];
  /** Witnesses that there are, and how many must have cosigned. */
  readonly witnesses: number;
  readonly needed: number;
  /** Witnesses that hold what this agent cannot prove anything from until its next start. */
  readonly outOfReach: readonly StationId[];
  /** Of how many neighbours' logs a cosigned checkpoint is held. */
  readonly heldOf: number;
  readonly refused: Readonly<Partial<Record<Refused, number>>>;
  /** Times that neighbours' logs contradicted themselves, and whose did. */
  readonly forks: number;
  readonly forked: readonly StationId[];
}

export function witnessReport({ partners, collected, growth, refused, forks }: Witnessing): WitnessReport {
  const all = [...partners.values()];
  const those = (which: (partner: Partner) => boolean): StationId[] =>
    all.filter(which).map(({ station }) => station);
  return {
    cosignedSize: collected.best?.size ?? 0, cosigners: [...collected.best?.lines.keys() ?? []].sort(),
    witnesses: all.length, needed: collected.needed,
    outOfReach: those(({ holds }) => holds > 0 && growth.provers.get(holds) === undefined),
    heldOf: those(({ held }) => held !== undefined).length,
    refused: Object.fromEntries(refused), forks, forked: those((partner) => partner.forked),
  };
}
