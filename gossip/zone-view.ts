/**
 * What an agent holds of its zone: each member's statements of the last epochs, as the exact messages that came, and
 * who is guilty. It does not grow: one statement an epoch and member, of a bounded number of epochs.
 */
import { createFloor, type Floor, lowerFloor, raiseFloor } from "../models/agree/floor.ts";
import { EVIDENCE_KEYS } from "../models/terms.ts";
import { hex } from "./bytes.ts";
import type { Directory } from "./directory.ts";
import { contradicts } from "./equivocation.ts";
import type { MessageOf } from "./message.ts";
import type { Read } from "./reading.ts";
import type { ZoneHistory } from "./zone-law.ts";

/** The decision looks back this far, epochs. */
export const WINDOW_EPOCHS = 180;
/** Statements are accepted from this many epochs back to this many ahead. */
export const EPOCHS_BACK = 6;
export const EPOCHS_AHEAD = 1;
/** A proposal that is six epochs old still looks back over its own whole window. */
export const HELD_EPOCHS = WINDOW_EPOCHS + EPOCHS_BACK;

/** One statement. */
export interface Held {
  readonly index: number;
  readonly epoch: number;
  readonly seq: number;
  /** Cumulative, millinats, in the order of EVIDENCE_KEYS; what a newer agent adds beyond is left out. */
  readonly evidence: readonly number[];
  /** Of the signed bytes. */
  readonly hash: Uint8Array;
  /** The same in hexadecimal. */
  readonly name: string;
  /** The message as it came. */
  readonly whole: Uint8Array;
}

export type Proof = Pick<MessageOf<"proof">, "station" | "whole">;

interface MemberView {
  readonly station: string;
  readonly statementKey: Uint8Array;
  /** The newest epoch of which a statement came; -1 before the first. Outlives the statement. */
  heard: number;
  /** Epochs ascending, all different. */
  statements: Held[];
  readonly floor: Floor;
  /** The highest sequence number that came. */
  seq: number;
  /** The message that proves it, kept for whoever lacks it. */
  guilt?: Proof;
}

export interface ZoneView {
  members: MemberView[];
  /** By the hash in hex. */
  readonly byHash: Map<string, Held>;
}

export type Added =
  | { readonly kind: "added"; readonly held: Held }
  | { readonly kind: "duplicate" }
  /** The author stated something else for that epoch, or at that place in its chain. */
  | { readonly kind: "equivocation"; readonly other: Held };

export function createZoneView(directory: Directory): ZoneView {
  return { members: directory.members.map(emptyView), byHash: new Map() };
}

function emptyView({ station, statementKey }: Directory["members"][number]): MemberView {
  return { station, statementKey, heard: -1, statements: [], floor: createFloor(), seq: -1 };
}

/** Takes a statement in. The caller has checked its author, epoch window and signature. */
export function addStatement(
  view: ZoneView, index: number, message: MessageOf<"statement">, { hash, name }: Pick<Read, "hash" | "name">,
): Added {
  if (view.byHash.has(name)) return { kind: "duplicate" };
  const member = view.members[index]!;
  const { statements } = member;
  const { epoch, seq } = message.content;
  // Nearly always it is later than all of them in both: nothing to look for.
  const isNext = epoch > member.heard && seq > member.seq;
  const other = isNext ? undefined : statements.find((one) => contradicts(one, message.content));
  if (other !== undefined) return { kind: "equivocation", other };
  const { evidence: stated } = message.content;
  const evidence = stated.length <= EVIDENCE_KEYS.length ? stated : stated.slice(0, EVIDENCE_KEYS.length);
  const held: Held = { index, epoch, seq, evidence, hash, name, whole: message.whole };
  // Nearly always the newest: looked for from the end.
  let place = statements.length;
  while (place > 0 && statements[place - 1]!.epoch > epoch) place -= 1;
  statements.splice(place, 0, held);
  view.byHash.set(name, held);
  member.heard = Math.max(member.heard, epoch);
  member.seq = Math.max(member.seq, seq);
  lowerFloor(member.floor, epoch, evidence);
  return { kind: "added", held };
}

/** The oldest epoch of which statements are held at `epoch`. */
export function oldestHeld(epoch: number): number {
  return epoch - HELD_EPOCHS;
}

/** Forgets what is too old. */
export function pruneView(view: ZoneView, epoch: number): void {
  for (const { statements, floor } of view.members) {
    raiseFloor(floor, oldestHeld(epoch));
    while (statements.length > 0 && statements[0]!.epoch < oldestHeld(epoch)) {
      view.byHash.delete(statements.shift()!.name);
    }
  }
}

export function statementByHash(view: ZoneView, hash: Uint8Array): Held | undefined {
  return view.byHash.get(hex(hash));
}

export function newestOf(view: ZoneView, index: number): Held | undefined {
  return view.members[index]?.statements.at(-1);
}

export function setGuilty(view: ZoneView, index: number, { station, whole }: Proof): void {
  view.members[index]!.guilt = { station, whole };
}

export function isGuilty(view: ZoneView, index: number): boolean {
  return view.members[index]?.guilt !== undefined;
}

/**
 * What the zone's decision works on.
 * @param after leaves out statements of this epoch and before
 */
export function historyOf(view: ZoneView, f: number, epoch: number, after = -1): ZoneHistory<Held> {
  const members = view.members.map(({ statements, guilt, floor }) => ({
    statements: after < 0 ? statements : statements.filter((one) => one.epoch > after),
    guilty: guilt !== undefined,
    floor: floor.values,
  }));
  return { n: members.length, f, epoch, members };
}

/** The view under another roster: members that stayed, with their keys, keep their statements and their guilt. */
export function reseat(view: ZoneView, directory: Directory): ZoneView {
  const members = directory.members.map((member, index) => {
    const before = view.members.find(({ station }) => station === member.station);
    if (before === undefined || hex(before.statementKey) !== hex(member.statementKey)) return emptyView(member);
    return { ...before, statements: before.statements.map((held) => ({ ...held, index })) };
  });
  const all = members.flatMap(({ statements }) => statements);
  return { members, byHash: new Map(all.map((held) => [held.name, held])) };
}
