/** What one agent knows of its zone's protocol, and what a step of it gives back. */
import type { Crypto, Signer } from "../models/crypto.ts";
import type { EvidenceKey } from "../models/terms.ts";
import { type Epoch, type MonotonicMs, SECOND_MS, type StationId, type ZoneId } from "../models/units.ts";
import { type Certificate, headOf } from "./certificate.ts";
import type { ClockNews, ClockRule } from "./clock-rule.ts";
import type { Directory } from "./directory.ts";
import { type Change, type Incidents, isHeld } from "./incidents.ts";
import {
  type ComposedKind, encodeMessage, type Kind, type Message, type MessageOf, type Topic,
} from "./message.ts";
import type { Contents } from "./message-content.ts";
import type { MeteredNews } from "./metered.ts";
import type { Reader } from "./reading.ts";
import type { RegionNews, RegionState } from "./region.ts";
import type { Statement } from "./statement.ts";
import type { Problem, Traffic } from "./traffic.ts";
import type { ZoneLaw } from "./zone-law.ts";
import type { Held, ZoneView } from "./zone-view.ts";

/** Time as the protocol needs it: the epoch of the wall clock, and monotonic milliseconds for rates. */
export interface ProtocolNow {
  readonly epoch: Epoch;
  readonly monoMs: MonotonicMs;
}

/** One message to publish on the topic of its kind and author. */
export interface Outgoing {
  readonly kind: Kind;
  /** The author: this agent, or whose message is passed on. */
  readonly station: StationId;
  /** The author's zone, where it is another than this agent's. */
  readonly zone?: ZoneId;
  /** The whole message. */
  readonly bytes: Uint8Array;
  readonly relayed?: true;
  /** Whom alone it is for; absent: everybody. */
  readonly only?: ReadonlySet<string>;
  /** Who handed it over just now, where it is passed on: the one who needs it no more. */
  readonly from?: string;
  /** Which way a summary goes along the rings (region.ts). */
  readonly turn?: 0 | 1;
}

export interface CertificateNews {
  readonly kind: "certificate";
  /** `completed`: nothing new, but the last of its statements came; `given-up`: the rest did not. */
  readonly change: Change | "completed" | "given-up";
  /** False while statements that it lists are asked for: it will be told again. */
  readonly complete: boolean;
  readonly key: EvidenceKey;
  /** Identity of the incident: the epoch of its first certificate. */
  readonly incident: number;
  readonly certificate: Certificate;
  /** Evidence newer less older, millinats, by member's index; undefined for who is not listed or not known here. */
  readonly growths: readonly (number | undefined)[];
  readonly signers: readonly StationId[];
}

/** Messages that the zone's protocol only carries. */
export type CarriedKind = "note" | "checkpoint" | "cosignature" | "roster" | "part" | "release" | "fetch" | "piece";
export type StationMessage = { [K in CarriedKind]: MessageOf<K> }[CarriedKind];

export type News =
  | { readonly kind: "statement"; readonly statement: Statement }
  | CertificateNews
  | { readonly kind: "lapsed"; readonly key: EvidenceKey; readonly incident: number; readonly certificate: Certificate }
  /** `proof`: the whole message that proves it. */
  | { readonly kind: "guilty"; readonly station: StationId; readonly proof: Uint8Array }
  /** A valid message, for whoever uses its kind. */
  | { readonly kind: "message"; readonly message: StationMessage }
  | RegionNews
  | ClockNews
  | MeteredNews
  /** A message that changed nothing. */
  | { readonly kind: "problem"; readonly problem: Problem; readonly from: string };

export interface Output {
  readonly outgoing: Outgoing[];
  readonly news: News[];
}

export function emptyOutput(): Output {
  return { outgoing: [], news: [] };
}

/** A proposal on the way to a certificate. */
export interface OpenProposal {
  readonly message: MessageOf<"proposal">;
  readonly hash: Uint8Array;
  /** The same in hexadecimal. */
  readonly name: string;
  /** Index of its author. */
  readonly author: number;
  /** Statements that it lists and that are not here, in hex. */
  readonly lacking: Set<string>;
  judged: "not-yet" | "raises" | "refused";
}

/** A hash that was heard of and is being asked for. */
export interface Wanted {
  readonly hash: Uint8Array;
  /** Index of the member whose message named it. */
  readonly by: number;
  readonly since: number;
  askedAt: number;
}

/** An accepted certificate whose statements are not all here. */
export interface Awaited {
  readonly certificate: Certificate;
  readonly since: number;
}

/** A raise that this agent sees and that no certificate says: provisional. */
export interface Wait {
  /** Of the threat's keys, the one by which it would be proposed now. */
  readonly key: EvidenceKey;
  readonly since: number;
  /** The epoch to propose in: the first of the wait and the rank. */
  readonly turn: number;
  readonly onset: number;
}

export interface ProtocolState {
  directory: Directory;
  readonly station: StationId;
  readonly signer: Signer;
  readonly crypto: Crypto;
  readonly law: ZoneLaw<Held>;
  readonly reader: Reader;
  /** Members' topics, by their text. */
  readonly topics: Map<string, Topic>;
  /** The last epoch that is known to have been signed before the start; -1: none. */
  readonly signedBefore: number;
  /** The first epoch of this run, by the earliest clock that it had. */
  began: number;
  /** Nothing of this epoch, or the one after, is proposed or voted for: it may have been, before a restart. */
  signedThrough: number;
  /** On a metered link: states by exception, and neither proposes nor votes (metered.ts). */
  readonly metered: boolean;
  /** The epoch of each such member's last digest, by station. */
  readonly meteredSince: Map<string, number>;
  /** The operator knows that there are more of these than the zone bears. */
  tooManyMetered: boolean;
  /** The agent's own index; -1 when it is no member. */
  self: number;
  maySign: boolean;
  /** Two rosters of one version are signed (SPEC.md, section 2): nothing is certified, here or by anybody. */
  frozen: boolean;
  /** The epoch that began last: the highest that was seen, unless the clock was set back. */
  epoch: number;
  /** The last epoch in which anything could be signed. */
  signing: number;
  readonly clock: ClockRule;
  view: ZoneView;
  readonly traffic: Traffic;
  /** Hashes of accepted messages that are no statements, by epoch: each is passed on once. */
  readonly seen: Map<string, number>;
  readonly wanted: Map<string, Wanted>;
  /** When a message was last sent on request or repair, by hash. */
  readonly resent: Map<string, number>;
  /** Requests sent in this epoch. */
  requestsSent: number;
  /** By hash in hex. */
  readonly proposals: Map<string, OpenProposal>;
  /** Votes by `<hash of the proposal>/<epoch that they name>`, then by voter's index. */
  readonly votes: Map<string, { readonly epoch: number; readonly by: Map<number, Uint8Array> }>;
  /** Own votes, by `<threat's number>/<epoch>`. */
  readonly voted: Map<string, MessageOf<"vote">>;
  /** Authors who proposed two different things for one threat and epoch, and when: nothing of theirs gets a vote. */
  readonly unruly: Map<number, number>;
  /** Who proposed without coming to a certificate, by `<threat's number>/<author's index>`: for which epoch. */
  readonly inVain: Map<string, number>;
  /** Raises that this agent sees and waits to propose, by the threat's number. */
  readonly waits: Map<number, Wait>;
  readonly incidents: Incidents;
  /** Absent where nobody asks for more than the zone. */
  readonly region: RegionState | undefined;
  /** By the certificate's name. */
  readonly awaited: Map<string, Awaited>;
}

export function epochMsOf({ directory }: ProtocolState): number {
  return directory.epochS * SECOND_MS;
}

/** Under what a certificate is remembered in `seen`, whoever put it together: by its proposal. */
export function certificateMark(name: string): string {
  return `certificate ${name}`;
}

export function isKnownCertificate(state: ProtocolState, name: string): boolean {
  if (state.seen.has(certificateMark(name))) return true;
  for (const incident of state.incidents.values()) if (isHeld(incident, name)) return true;
  return false;
}

/** Signs a message of this agent and publishes it. */
export function publish<K extends ComposedKind>(
  state: ProtocolState, kind: K, content: Contents[K], out: Output,
): MessageOf<K> {
  const message = encodeMessage(kind, content, headOf(state.directory, state.station), state.signer);
  out.outgoing.push({ kind, station: state.station, bytes: message.whole });
  return message;
}

type Passed = Pick<Message, "kind" | "station" | "whole"> & { readonly zone?: ZoneId; readonly turn?: 0 | 1 };

/** Publishes a message as it is: another's, passed on, or an own one again. */
export function relay(
  state: ProtocolState, { kind, station, whole, zone, turn }: Passed, out: Output,
): void {
  const own = station === state.station;
  const isForeign = zone !== undefined && zone !== state.directory.zone.id;
  out.outgoing.push({
    kind, station, bytes: whole, ...(!own && { relayed: true as const }), ...(isForeign && { zone }),
    ...(turn !== undefined && { turn }),
  });
}
