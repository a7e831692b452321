/**
 * How fast what is for a whole region (a summary, say) reaches all of it, by the links that a roster gives and the rule
 * by which agents pass on (gossip/membership.ts, `leftOut`). Messages alone, no cores: so a region may be larger here
 * than a roster's file is.
 *
 * A hop takes what it took over embedded brokers with TLS on one machine plus a way through the street's network. What
 * TCP loses comes late, after its least retransmission timeout (RFC 6298, 2.4, as Linux has it); for comparison also
 * as if it were lost for good, as it is for gossip over UDP. Of that no three copies can reach 99.99 %: 0.05^3 is 1 in
 * 8,000. Then the next renewal, which goes the other way round, has to. Reference: Serf's formula for its defaults on a
 * LAN.
 */
import { nodeCrypto } from "../../../edge-agent/adapters/crypto.ts";
import { leftOut, type Neighbour, neighboursOfAll, reachOf } from "../../../gossip/membership.ts";
import type { StationId } from "../../../models/units.ts";
import { type Dice, dice } from "../dice.ts";
import { simulatedKeys } from "../soak/sim-crypto.ts";
import { Queue } from "../timeline.ts";
import type { WallMs } from "../../../models/units.ts";
import { rosterOf, ZONE_SIZE } from "./scale-plan.ts";

/** A hop, ms: median and spread of a log-normal. */
const HOP = { medianMs: 20, sigma: 0.7 };
const RESENT_MS = 200;
const SHARE = 0.9999;
const ROUNDS = 20;

export interface SpreadCase {
  readonly agents: number;
  readonly loss: number;
  /** Whether what is lost is sent again, as TCP does. */
  readonly resent: boolean;
  readonly serfS: number;
}

export const SPREAD_CASES: readonly SpreadCase[] = [
  { agents: 1_000, serfS: 2.2 }, { agents: 10_000, serfS: 2.6 },
].flatMap(({ agents, serfS }) => [true, false].map((resent) => ({ agents, serfS, loss: 0.05, resent })));

export interface SpreadRow extends SpreadCase {
  /** Of ROUNDS rounds from different members: seconds until SHARE of all have it, mean and longest; Infinity: never. */
  readonly meanS: number;
  readonly longestS: number;
  /** Members that have it at the end, the least of all rounds. */
  readonly leastReached: number;
  readonly copies: number;
}

type Links = ReadonlyMap<StationId, readonly Neighbour[]>;

const known = new Map<number, Links>();

function linksOf(agents: number): Links {
  const roster = rosterOf(simulatedKeys(), "spread", Math.ceil(agents / ZONE_SIZE));
  const links = known.get(agents) ?? neighboursOfAll(nodeCrypto(), roster);
  known.set(agents, links);
  return links;
}

export function spreadRow(of: SpreadCase): SpreadRow {
  const links = linksOf(of.agents);
  const stations = [...links.keys()];
  const chance = dice(1, `spread ${of.agents} ${of.resent}`);
  const rounds = Array.from({ length: ROUNDS }, () => spread(links, chance.pick(stations), of, chance));
  return {
    ...of, agents: stations.length, copies: mean(rounds.map(({ sent }) => sent / (stations.length - 1))),
    meanS: mean(rounds.map(({ reachedS }) => reachedS)), longestS: Math.max(...rounds.map(({ reachedS }) => reachedS)),
    leastReached: Math.min(...rounds.map(({ reached }) => reached)),
  };
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function spread(links: Links, from: StationId, { loss, resent }: SpreadCase, chance: Dice) {
  const queue = new Queue<{ readonly to: StationId; readonly from: StationId }>();
  const reaches = new Map([...links].map(([station, neighbours]) => [station, reachOf(neighbours)]));
  const have = new Set<StationId>([from]);
  const enough = Math.ceil(SHARE * links.size);
  const turn: 0 | 1 = chance.chance(0.5) ? 0 : 1;
  let [sent, reachedS] = [0, have.size >= enough ? 0 : Infinity];
  const say = (at: number, who: StationId, heardFrom: StationId | undefined): void => {
    const passed = heardFrom !== undefined && { from: heardFrom, turn };
    const message = { kind: "summary" as const, station: from, ...passed };
    const except = leftOut(message, reaches.get(who)!);
    for (const { member: { station: to } } of links.get(who)!) {
      if (except.has(to)) continue;
      sent += 1;
      const isLost = chance.chance(loss);
      if (isLost && !resent) continue;
      const ms = chance.logNormal(HOP.medianMs, HOP.sigma) + (isLost ? RESENT_MS : 0);
      queue.push((at + ms) as WallMs, { to, from: who });
    }
  };
  say(0, from, undefined);
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { at, value: { to, from: by } } = next;
    if (have.has(to)) continue;
    have.add(to);
    if (have.size === enough) reachedS = at / 1_000;
    say(at, to, by);
  }
  return { sent, reachedS, reached: have.size };
}

export function spreadTable(rows: readonly SpreadRow[]): string {
  const lines = rows.map((row) => [
    `${row.agents}`, `${100 * row.loss} % ${row.resent ? "late" : "gone"}`, row.meanS.toFixed(2),
    row.longestS.toFixed(2), row.serfS.toFixed(1), row.copies.toFixed(2), `${row.leastReached}`,
  ]);
  const head = ["agents", "lost", "s to 99.99 %", "longest", "Serf s", "copies", "least reached"];
  const widths = head.map((name, at) => Math.max(name.length, ...lines.map((line) => line[at]!.length)));
  return ["", "A record for the whole region", ...[head, ...lines].map((line) =>
    line.map((cell, at) => cell.padStart(widths[at]!)).join("  "))].join("\n");
}
