/**
 * What the zone makes of what its members state, by the shipped law, under liars, losses and partitions; and what a
 * centre that hears everything would make of the same.
 */
import { beyondFramers } from "../../../models/agree/baselines/alone-and-pooled.testing.ts";
import { sumOf } from "../../../models/agree/baselines/told.testing.ts";
import { searchRaises, WINDOW_EPOCHS } from "../../../models/agree/zone-decision.ts";
import { clipOf, isIndependent, SUPPORT_MILLINATS } from "../../../models/agree/zone-laws.ts";
import { type EvidenceKey, EVIDENCE_KEYS } from "../../../models/terms.ts";
import { type Dice, dice } from "../../sim/dice.ts";
import type { Stated } from "./zone-days.ts";

/** Who lies, what is lost, who is cut off: of n members with f. */
export interface Case {
  readonly name: string;
  readonly frame?: number;
  readonly hide?: number;
  readonly broken?: number;
  readonly loss?: number;
  readonly cutOff?: number;
}

export interface ZoneSize {
  readonly n: number;
  readonly f: number;
}

export function casesOf({ n, f }: ZoneSize): Case[] {
  return [
    { name: "no liars" }, { name: "f frame", frame: f }, { name: "f hide", hide: f },
    { name: "f-1 hide, 1 broken", hide: f - 1, broken: 1 }, { name: "20 % lost", loss: 0.2 },
    { name: "50 % lost", loss: 0.5 }, { name: "f cut off", cutOff: f }, { name: "half cut off", cutOff: n >> 1 },
  ];
}

/** What one member states at every epoch of a span; undefined: nothing came. */
type Track = readonly (Stated | undefined)[];

export interface Span {
  /** The first epoch, from which tracks count, and the last. */
  readonly first: number;
  readonly last: number;
}

/** Statements from epoch to epoch, as they are made while nothing is lost. */
function dense(stated: readonly Stated[], { first, last }: Span): Stated[] {
  let at = 0;
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const epoch = first + i;
    while ((stated[at + 1]?.epoch ?? Infinity) <= epoch) at += 1;
    return { epoch, evidence: stated[at]?.evidence ?? EVIDENCE_KEYS.map(() => 0) };
  });
}

/** Claims the most, or the least, of every key in every epoch. */
function claiming(sign: 1 | -1, { first, last }: Span): Stated[] {
  const CLAIM = 30_000;
  return Array.from({ length: last - first + 1 }, (_, i) =>
    ({ epoch: first + i, evidence: EVIDENCE_KEYS.map(() => sign * CLAIM * i) }));
}

/** Tracks of all members in a case; the dice choose who lies. */
export function tracksOf(members: readonly (readonly Stated[])[], of: Case, span: Span, seed: number): Track[] {
  const chance = dice(seed, "who lies");
  const order = shuffled(chance, members.map((_, i) => i));
  const { frame = 0, hide = 0, broken = 0, loss = 0, cutOff = 0 } = of;
  return members.map((stated, member) => {
    const place = order.indexOf(member);
    if (place < hide) return claiming(-1, span);
    if (place < hide + frame + broken) return claiming(1, span);
    if (place >= members.length - cutOff) return [];
    const all = dense(stated, span);
    return loss === 0 ? all : all.map((one) => (chance.chance(loss) ? undefined : one));
  });
}

function shuffled(chance: Dice, all: readonly number[]): number[] {
  return all.map((one) => ({ one, at: chance.next() })).sort((a, b) => a.at - b.at).map(({ one }) => one);
}

/** What rose when: keys by epoch, each in as many epochs after it as a lost statement may take. */
export type Rises = ReadonlyMap<number, ReadonlySet<EvidenceKey>>;

export function risesOf(members: readonly (readonly Stated[])[], { first, last }: Span, after: number): Rises {
  const rose = new Map<number, Set<EvidenceKey>>();
  for (const stated of members) {
    stated.forEach(({ epoch, evidence }, at) => {
      const before = stated[at - 1]?.evidence;
      if (epoch <= first || epoch > last || before === undefined) return;
      const keys = EVIDENCE_KEYS.filter((_, key) => evidence[key]! > before[key]!);
      if (keys.length === 0) return;
      for (let late = epoch; late <= Math.min(last, epoch + after); late++) {
        const known = rose.get(late) ?? new Set();
        rose.set(late, known);
        for (const key of keys) known.add(key);
      }
    });
  }
  return new Map([...rose].sort(([a], [b]) => a - b));
}

/** Keys of which the zone raises at an epoch, as its agents would. */
export function raisedAt(
  tracks: readonly Track[], { first }: Span, { n, f }: ZoneSize, epoch: number, keys: readonly EvidenceKey[],
): EvidenceKey[] {
  const from = Math.max(0, epoch - WINDOW_EPOCHS + 1 - first);
  const members = tracks.map((track) =>
    ({ statements: track.slice(from, epoch - first + 1).filter((one) => one !== undefined) }));
  return searchRaises({ n, f, epoch, members }, [...keys]).filter(({ decision }) => decision.raises)
    .map(({ key }) => key);
}

/** What each member's evidence for a key grew by since each onset of the window, millinats. */
function* growthsAt(tracks: readonly Track[], { first }: Span, epoch: number, key: EvidenceKey): Generator<number[]> {
  const keyIndex = EVIDENCE_KEYS.indexOf(key);
  const now = epoch - first;
  const newest = tracks.map((track) => track[now]?.evidence[keyIndex] ?? 0);
  for (let onset = Math.max(0, now - WINDOW_EPOCHS + 1); onset < now; onset++) {
    yield tracks.map((track, member) => newest[member]! - (track[onset]?.evidence[keyIndex] ?? 0));
  }
}

/** How many may frame, and how many of the lowest hide, as somebody knows who is safe against both. */
export interface Liars {
  readonly framers: number;
  readonly hiders: number;
}

/**
 * The pooled CUSUM of a key, nats: growth of all since the best onset of the window, each within the widest clip. With
 * framers, what is possible at most for who is safe against them (gossip/AGREEMENT.md, "What is possible"); where
 * evidence may have one cause and a mean is asked for, the sum without the highest.
 */
export function pooled(
  tracks: readonly Track[], span: Span, epoch: number, key: EvidenceKey,
  { framers = 0, hiders = 0 }: Partial<Liars> = {},
): number {
  const clip = clipOf(key, { n: 1, f: 0 });
  let most = 0;
  for (const growths of growthsAt(tracks, span, epoch, key)) {
    const nats = Float64Array.from(growths, (growth) => Math.max(-clip, Math.min(clip, growth)) / 1_000).sort();
    const heard = nats.subarray(hiders);
    most = Math.max(most, isIndependent(key) ? beyondFramers(heard, framers) : sumOf(heard, 0, heard.length - framers));
  }
  return most;
}

/** Members that support a raise of a key since one onset of the window, at the most. */
export function supporting(tracks: readonly Track[], span: Span, epoch: number, key: EvidenceKey): number {
  let most = 0;
  for (const growths of growthsAt(tracks, span, epoch, key)) {
    most = Math.max(most, growths.filter((growth) => growth > SUPPORT_MILLINATS).length);
  }
  return most;
}
