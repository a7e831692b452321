/** Real frames at thirty-six stations of six zones, real cores: what the region makes of them. */
import { assert, test } from "../../build/testing.ts";
import { parseTraceLine } from "../../edge-agent/observe/trace.ts";
import { parseRegion } from "../../edge-agent/region.ts";
import type { Alert } from "../../models/terms.ts";
import { MINUTE_MS, SECOND_MS, type WallMs } from "../../models/units.ts";
import { callLine, resultLine, type TimedLine } from "./capture.ts";
import { dice } from "./dice.ts";
import { dialectOf } from "./dialects.ts";
import { RegionRun } from "./region-run.ts";

const START = Date.UTC(2026, 2, 2, 10) as WallMs;
const EPOCH_S = 5;
const LENGTH_MS = 4 * MINUTE_MS;
const ZONES = ["a", "b", "c", "d", "e", "f"];
const stationsOf = (zone: string): string[] => Array.from({ length: 6 }, (_, index) => `${zone}-${index + 1}`);

const REGION = parseRegion(JSON.stringify({
  version: 1, region: "town", timezone: "UTC", zones: ZONES.map((id, at) => ({
    id, ratingW: 200_000, liarsTolerated: 1, stations: stationsOf(id).map((station, index) => ({
      id: station, lat: 36.7 + at / 100 + index / 10_000, lon: -4.42, ratedW: 22_000, evses: 1, ocppVersion: "1.6",
    })),
  })),
}));

function exchange(station: string, at: number, call: Parameters<typeof callLine>[4], reply: object): TimedLine[] {
  const origin = { station, ocppVersion: "1.6" as const };
  const answered = (at + 40) as WallMs;
  const id = `${station}-${at}`;
  return [
    { at: at as WallMs, line: callLine(origin, at as WallMs, "cp-to-csms", id, call) },
    { at: answered, line: resultLine(origin, answered, "csms-to-cp", id, reply) },
  ];
}

function quiet(): TimedLine[] {
  const lines: TimedLine[] = [];
  for (let at = START as number; at < START + LENGTH_MS; at += MINUTE_MS) {
    ZONES.flatMap(stationsOf).forEach((station, index) => lines.push(...exchange(station, at + 100 * index,
      { action: "Heartbeat", payload: {} }, { currentTime: new Date(at).toISOString() })));
  }
  return lines;
}

/** So many refused idTokens, one in half a minute, at each of so many stations of a zone. */
function spray(zone: string, stations: number, guesses: number): TimedLine[] {
  const chance = dice(3, `spray ${zone}`);
  const dialect = dialectOf("1.6");
  return stationsOf(zone).slice(0, stations).flatMap((station) => Array.from({ length: guesses }, (_, guess) =>
    exchange(station, START + MINUTE_MS + Math.round(chance.uniform(0, 30_000)) + 30_000 * guess,
      dialect.authorize(chance.hex(8)), dialect.authorizeReply("Invalid"))).flat());
}

function raised(lines: readonly TimedLine[], loss = 0): string[] {
  const alerts: Alert[] = [];
  const run = new RegionRun({ region: REGION, epochS: EPOCH_S, loss, liars: [], seed: 1 }, (one) => alerts.push(one));
  for (const { line } of [...lines].sort((a, b) => a.at - b.at)) {
    const parsed = parseTraceLine(line);
    if (!parsed.ok) throw new Error(parsed.what);
    run.take(parsed);
  }
  run.runUntil(START + LENGTH_MS + 2 * SECOND_MS);
  return alerts.filter(({ state }) => state === "raised")
    .map(({ scope, zone, threat }) => `${scope} ${scope === "region" ? "town" : zone} ${threat}`);
}

test("one refused idToken at four stations of each zone is raised once by the region, with and without loss", () => {
  for (const loss of [0, 0.2]) {
    const found = raised([...quiet(), ...ZONES.flatMap((zone) => spray(zone, 4, 1))], loss);
    const ofRegion = found.filter((one) => one.startsWith("region"));
    assert.equal(ofRegion, ["region town authorization-abuse"], `loss ${loss}: ${found.join()}`);
    assert.not(found.some((one) => one.startsWith("station")), found.join());
  }
});

test("one zone's incident is the zone's", () => {
  const found = raised([...quiet(), ...spray("c", 6, 4)]);
  assert.ok(found.includes("zone c authorization-abuse"), found.join());
  assert.not(found.some((one) => one.startsWith("region")), found.join());
});
