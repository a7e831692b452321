/**
 * One station of a zone is broken, odd or attacked, the others are honest: whatever it is, its zone may not raise. Each
 * station lives through a capture by itself, as a lone agent would; what each would state at each epoch is what the
 * zone's decision works on. That is what a zone without losses decides: messages add nothing to it.
 */
import { searchRaises } from "../../../models/agree/zone-decision.ts";
import { evidenceVector } from "../../../models/opine/opine.ts";
import { type EvidenceKey, EVIDENCE_KEYS, type Threat } from "../../../models/terms.ts";
import { DAY_MS, epochOf, type WallMs } from "../../../models/units.ts";
import { attacked, ATTACKS } from "../../attackers/catalogue.ts";
import { Watch } from "../../bench/detection/watch.ts";
import { type Capture, type CaptureItem, collect, type SimVersion } from "../capture.ts";
import { dice, purposeSeed } from "../dice.ts";
import { honestCapture, type HonestSpec } from "../honest.ts";
import { changeAt, LOOK_ALIKES } from "../look-alikes/catalogue.ts";
import { PROFILES } from "../profile.ts";

export const FROM = Date.UTC(2026, 2, 2) as WallMs;
const EPOCH_S = 10;
const METER_EVERY_S = 30;
/** A zone looks back over this many epochs (gossip/zone-view.ts). */
const HELD_EPOCHS = 180;

/** What one station would state from an epoch on, as long as it states nothing else. */
interface Stated {
  readonly epoch: number;
  readonly evidence: readonly number[];
}

export interface Lived {
  readonly stated: readonly Stated[];
  readonly raised: ReadonlySet<Threat>;
}

export interface Plan {
  readonly days: number;
  /** When the fault begins, days. */
  readonly faultAt: number;
  readonly seed: number;
}

/** `look-alike`: a fault or an odd habit of the look-alikes; `attack`: one of station scope, at its strongest. */
export type Kind = "honest" | "look-alike" | "attack";

/** Every single fault that the simulator knows. */
export function singleFaults(): { readonly kind: Kind; readonly name: string }[] {
  const named = (kind: Kind, all: Readonly<Record<string, { readonly scope: string }>>) =>
    Object.entries(all).flatMap(([name, { scope }]) => (scope === "station" ? [{ kind, name }] : []));
  return [{ kind: "honest", name: "nothing" }, ...named("look-alike", LOOK_ALIKES), ...named("attack", ATTACKS)];
}

function specOf({ days, seed }: Plan, index: number): HonestSpec {
  const profiles = Object.values(PROFILES);
  return {
    station: `CP-${index}`, ocppVersion: index % 2 === 0 ? "1.6" : "2.0.1", evses: 1 + (index % 2), from: FROM, days,
    meterEveryS: METER_EVERY_S, timezone: "Europe/Madrid", profile: profiles[index % profiles.length]!,
    seed: purposeSeed(seed, `single ${index}`), fleetSeed: seed,
  };
}

const startOf = ({ faultAt }: Plan): WallMs => (FROM + faultAt * DAY_MS) as WallMs;
const endOf = ({ days }: Plan): WallMs => (FROM + days * DAY_MS) as WallMs;

/** A station's life with that fault. @throws Error when an attack finds no opportunity in its capture */
export function live(plan: Plan, index: number, { kind, name }: { readonly kind: Kind; readonly name: string }): Lived {
  const spec = specOf(plan, index);
  const [from, to] = [startOf(plan), endOf(plan)];
  if (kind === "look-alike") {
    const { lengthMs } = LOOK_ALIKES[name]!;
    const occasion = { name, seed: plan.seed, from, to: Math.min(to, from + lengthMs) as WallMs };
    return watched(plan, spec.station, honestCapture({ ...spec, changes: [changeAt(spec.station, occasion)] }).items);
  }
  const { items } = honestCapture(spec);
  if (kind === "honest") return watched(plan, spec.station, items);
  const before = collect({ station: spec.station, ocppVersion: spec.ocppVersion as SimVersion }, items);
  const { captures } = attacked(name, [before], dice(plan.seed, name), 1, { from, to, soon: true });
  return watched(plan, spec.station, inOrder(captures[0]!));
}

/** Both streams of a capture as one. */
function* inOrder({ ocpp, meter }: Capture): Generator<CaptureItem> {
  let at = 0;
  for (const one of ocpp) {
    for (; at < meter.length && meter[at]!.at < one.at; at++) yield { stream: "meter", ...meter[at]! };
    yield { stream: "ocpp", ...one };
  }
  for (; at < meter.length; at++) yield { stream: "meter", ...meter[at]! };
}

function watched(plan: Plan, station: string, items: Iterable<CaptureItem>): Lived {
  const watch = new Watch({ station, epochS: EPOCH_S, from: FROM });
  const stated: Stated[] = [];
  const raised = new Set<Threat>();
  const witness: Parameters<Watch["take"]>[1] = {
    epoch: (state, { wallMs }) => {
      const evidence = evidenceVector(state, EVIDENCE_KEYS);
      const last = stated.at(-1)?.evidence;
      if (last?.every((sum, key) => sum === evidence[key]) === true) return;
      stated.push({ epoch: epochOf(wallMs, EPOCH_S), evidence });
    },
    raised: ({ threat, at }) => {
      if (at >= startOf(plan)) raised.add(threat);
    },
  };
  for (const item of items) watch.take(item, witness);
  watch.tickTo(endOf(plan), witness);
  return { stated, raised };
}

export interface Judged {
  /** Epochs in which the zone would raise, by key. */
  readonly raises: ReadonlyMap<EvidenceKey, number>;
  readonly epochs: number;
}

/** What the zone decides at every epoch from the fault's beginning on in which anything rose. */
export function judge(plan: Plan, members: readonly Lived[], f: number): Judged {
  const [first, last] = [epochOf(startOf(plan), EPOCH_S), epochOf(endOf(plan), EPOCH_S)];
  const tracks = members.map(() => [] as Stated[]);
  const places = members.map(() => -1);
  const raises = new Map<EvidenceKey, number>();
  for (let epoch = first - HELD_EPOCHS; epoch < last; epoch++) {
    let rose = false;
    members.forEach(({ stated }, index) => {
      const before = stated[places[index]!]?.evidence;
      while ((stated[places[index]! + 1]?.epoch ?? Infinity) <= epoch) places[index]! += 1;
      const evidence = stated[places[index]!]?.evidence;
      if (evidence === undefined) return;
      rose ||= before !== evidence && evidence.some((sum, key) => sum > (before?.[key] ?? 0));
      const track = tracks[index]!;
      track.push({ epoch, evidence });
      if (track[0]!.epoch <= epoch - HELD_EPOCHS) track.shift();
    });
    if (epoch < first || !rose) continue;
    const zone = { n: members.length, f, epoch, members: tracks.map((statements) => ({ statements })) };
    for (const { key, decision } of searchRaises(zone)) {
      if (decision.raises) raises.set(key, (raises.get(key) ?? 0) + 1);
    }
  }
  return { raises, epochs: last - first };
}
