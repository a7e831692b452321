/**
 * Whom the map of an incident shows, against who was attacked: a two-sided street, posts 20 m apart, 30 to 60 % of them
 * attacked, beside one another or anywhere, with the street's honest traffic going on. Counted over all trials.
 */
import type { StationId } from "../../units.ts";
import { HOUR_S, type Street, wideClip } from "../street.testing.ts";
import { drawMap, type MapMember } from "../opinion-map.ts";
import { clipOf, SUPPORT_MILLINATS, zoneThreshold } from "../zone-laws.ts";
import type { Diced } from "./gaussian-table.testing.ts";
import { type StreetAttack, together } from "./street-attacks.testing.ts";
import { forked, rowsOf, type StreetZone } from "./street-stage.testing.ts";
import { commonOnset } from "./sums.testing.ts";
import { type Lie, tell } from "./told.testing.ts";
import { f1Of } from "./votes.testing.ts";

const POST_M = 20;
const METRE_E6 = 9;
const TRUST = 1_000;
/** A certificate is first renewed after 15 epochs, and the map is drawn anew. */
const RENEWED_S = 150;

interface Score {
  /** F1 over the members that tell the truth, and over all. */
  readonly honest: number;
  readonly all: number;
}

export interface MapRow {
  readonly attack: string;
  readonly layout: string;
  readonly case: string;
  readonly trials: number;
  /** Share of the trials in which the zone raised. */
  readonly raised: number;
  readonly first: Score;
  readonly renewed: Score;
}

/** Beside one another: a stretch of the street that begins anywhere. */
function stretch(street: Street): number[] {
  const { length } = street.stations;
  const from = street.dice.int(length);
  return street.stations.map((_, at) => (from + at) % length);
}

function membersOf(growths: Float64Array): MapMember[] {
  return [...growths].map((growth, at) => ({
    station: `s${String(at).padStart(2, "0")}` as StationId,
    latE6: 52_000_000 + METRE_E6 * POST_M * (at % 2), lonE6: 13_000_000 + 15 * POST_M * Math.floor(at / 2),
    trust: TRUST, growth: Math.round(1_000 * growth),
  }));
}

/** Who is shown as affected, by place; where the map shows nobody, whoever supports the raise. */
function shown(growths: Float64Array, { key }: StreetAttack, size: { n: number; f: number }): Set<number> {
  const { affected } = drawMap(membersOf(growths), key, size);
  const drawn = affected.map((station) => Number(station.slice(1)));
  const supporters = [...growths.keys()].filter((at) => 1_000 * (growths[at] as number) > SUPPORT_MILLINATS);
  return new Set(drawn.length > 0 ? drawn : supporters);
}

class Counts {
  readonly honest = { hits: 0, falseAlarms: 0, misses: 0 };
  readonly all = { hits: 0, falseAlarms: 0, misses: 0 };

  add(told: ReadonlySet<number>, hit: ReadonlySet<number>, { n, liars }: { n: number; liars: number }): void {
    for (let member = 0; member < n; member++) {
      const [isShown, isHit] = [told.has(member), hit.has(member)];
      if (!isShown && !isHit) continue;
      const what = isShown && isHit ? "hits" : isShown ? "falseAlarms" : "misses";
      this.all[what] += 1;
      if (member >= liars) this.honest[what] += 1;
    }
  }

  get score(): Score {
    return { honest: f1Of(this.honest), all: f1Of(this.all) };
  }
}

interface Asked {
  readonly zone: StreetZone;
  readonly attack: StreetAttack;
  readonly lie?: Lie | undefined;
  readonly diced: Diced;
}

/** The best onset's growths when the zone first raises, and when that is renewed; who was hit. */
function watch({ zone, attack, lie, diced }: Asked, seed: number) {
  const { f, n } = zone.size;
  const street = forked({ learned: zone.learned, seed, diced });
  const fromS = street.seconds + HOUR_S / 6;
  const hit = new Set(attack.plan(street, fromS));
  const threshold = zoneThreshold(attack.key, { n, f }) / 1_000;
  let first: Float64Array | undefined;
  let renewed: Float64Array | undefined;
  let untilS = fromS + HOUR_S;
  street.live(1, (key, seconds) => {
    if (key !== attack.key || seconds <= fromS || seconds > untilS) return;
    const clips = { clip: wideClip(key), zoneClip: clipOf(key, zone.size) / 1_000 };
    const told = tell(rowsOf(street, key, seconds), { f, ...clips, lie });
    const sums = told.growths.map((growths, at) =>
      commonOnset({ ...told, growths: [growths], sorted: told.sorted.slice(at, at + 1) }));
    const best = Math.max(0, ...sums);
    if (best < threshold) return;
    renewed = told.growths[sums.lastIndexOf(best)];
    if (first === undefined) untilS = seconds + RENEWED_S;
    first ??= renewed;
  });
  return { hit, first, renewed };
}

function rowOf(asked: Asked, names: { layout: string; case: string }, trials: number): MapRow {
  const { zone: { size }, attack, lie } = asked;
  const [first, renewed] = [new Counts(), new Counts()];
  const members = { n: size.n, liars: lie?.members ?? 0 };
  let raised = 0;
  for (let trial = 0; trial < trials; trial++) {
    const seen = watch(asked, 600_000 + trial);
    if (seen.first === undefined || seen.renewed === undefined) continue;
    raised += 1;
    first.add(shown(seen.first, attack, size), seen.hit, members);
    renewed.add(shown(seen.renewed, attack, size), seen.hit, members);
  }
  return { attack: attack.name, ...names, trials, raised: raised / trials, first: first.score, renewed: renewed.score };
}

/** Only maps of incidents that were raised are scored. */
export function localisation(zone: StreetZone, trials: number, diced: Diced): MapRow[] {
  const { f } = zone.size;
  const lies: [string, Lie | undefined][] = [
    ["no liars", undefined], ["f frame", { members: f, claim: 1 }], ["f hide", { members: f, claim: -1 }],
  ];
  return (["starts", "power-step"] as const).flatMap((key) => [0.3, 0.45, 0.6].flatMap((share) =>
    [true, false].flatMap((isStretch) => {
      const attack = isStretch ? together(key, "strong", share, stretch) : together(key, "strong", share);
      const layout = isStretch ? "a stretch" : "anywhere";
      return lies.map(([name, lie]) => rowOf({ zone, attack, lie, diced }, { layout, case: name }, trials));
    })));
}
