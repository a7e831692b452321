import { assert, test } from "../../build/testing.ts";
import { parseTraceLine } from "../../edge-agent/observe/trace.ts";
import { parseRegion } from "../../edge-agent/region.ts";
import type { Alert } from "../../models/terms.ts";
import { MINUTE_MS, SECOND_MS, type WallMs } from "../../models/units.ts";
import { callLine, resultLine, type TimedLine } from "./capture.ts";
import { dice } from "./dice.ts";
import { dialectOf } from "./dialects.ts";
import type { Behaviour, Liar } from "./liars.ts";
import { RegionRun } from "./region-run.ts";

const START = Date.UTC(2026, 2, 2, 10) as WallMs;
const LENGTH_MS = 3.5 * MINUTE_MS;
const SHORT_MS = 30 * SECOND_MS;
const ZONES = ["east", "west"];
const STATIONS = ZONES.flatMap((zone) => Array.from({ length: 6 }, (_, index) => `${zone}-${index + 1}`));

const REGION = parseRegion(JSON.stringify({
  version: 1, region: "street", timezone: "UTC", zones: ZONES.map((zone) => ({
    id: zone, ratingW: 200_000, liarsTolerated: 1,
    stations: STATIONS.filter((id) => id.startsWith(zone)).map((id, index) => ({
      id, lat: 36.72 + index / 10_000, lon: -4.42, ratedW: 22_000, evses: 1, ocppVersion: index % 2 ? "2.0.1" : "1.6",
    })),
  })),
}));

/** One heartbeat a minute at each station: honest and dull. */
function quiet(): TimedLine[] {
  const lines: TimedLine[] = [];
  for (let at = START as number; at < START + LENGTH_MS; at += MINUTE_MS) {
    STATIONS.forEach((station, index) => lines.push(...exchange(station, index, at + 100 * index, {
      call: { action: "Heartbeat", payload: {} }, reply: { currentTime: new Date(at).toISOString() },
    })));
  }
  return lines;
}

interface Exchange {
  readonly call: { readonly action: string; readonly payload: object };
  readonly reply: object;
}

function exchange(station: string, index: number, at: number, { call, reply }: Exchange): TimedLine[] {
  const origin = { station, ocppVersion: index % 2 ? "2.0.1" as const : "1.6" as const };
  const answered = (at + 40) as WallMs;
  const id = `${station}-${at}`;
  return [
    { at: at as WallMs, line: callLine(origin, at as WallMs, "cp-to-csms", id, call) },
    { at: answered, line: resultLine(origin, answered, "csms-to-cp", id, reply) },
  ];
}

/** Three refused idTokens at each station of a zone within two minutes: at none of them enough to be said. */
function sprinkle(zone: string): TimedLine[] {
  const chance = dice(3, `sprinkle ${zone}`);
  return STATIONS.flatMap((station, index) => {
    if (!station.startsWith(zone)) return [];
    const dialect = dialectOf((index % 6) % 2 ? "2.0.1" : "1.6");
    return [0, 1, 2].flatMap((guess) => exchange(station, index % 6, START + MINUTE_MS + 40_000 * guess +
      Math.round(chance.uniform(0, 30_000)), {
      call: dialect.authorize(chance.hex(8)), reply: dialect.authorizeReply("Invalid"),
    }));
  });
}

function liar(station: string, behaviour: Behaviour): Liar {
  return { station: station as Liar["station"], from: START, to: (START + 60 * MINUTE_MS) as WallMs, behaviour };
}

interface Played {
  readonly alerts: readonly Alert[];
  readonly run: RegionRun;
}

interface PlayOptions {
  readonly loss?: number;
  readonly liars?: readonly Liar[];
  readonly seed?: number;
  readonly lengthMs?: number;
}

function play(lines: readonly TimedLine[], options: PlayOptions = {}): Played {
  const alerts: Alert[] = [];
  const { loss = 0, liars = [], seed = 1, lengthMs = LENGTH_MS } = options;
  const run = new RegionRun({ region: REGION, epochS: 1, loss, liars, seed }, (alert) => alerts.push(alert));
  for (const { at, line } of [...lines].sort((a, b) => a.at - b.at)) {
    if (at > START + lengthMs) break;
    const parsed = parseTraceLine(line);
    if (!parsed.ok) throw new Error(parsed.what);
    run.take(parsed);
  }
  run.runUntil(START + lengthMs + 2 * SECOND_MS);
  return { alerts, run };
}

const raisedIn = (alerts: readonly Alert[]) =>
  alerts.filter(({ state }) => state === "raised").map(({ scope, zone, threat }) => `${scope} ${zone} ${threat}`);

test("a quiet street is quiet", () => {
  const { alerts, run } = play(quiet());
  assert.equal(alerts, []);
  assert.equal(run.disagreements(), []);
  assert.ok(run.counts.statements >= 12 * (LENGTH_MS / SECOND_MS - 5), "everybody states in every epoch");
});

test("what no station says, its zone does; the other zone does not; with 0 and 20 % loss", () => {
  for (const loss of [0, 0.2]) {
    const { alerts, run } = play([...quiet(), ...sprinkle("east")], { loss });
    const raised = raisedIn(alerts);
    assert.ok(raised.includes("zone east authorization-abuse"), raised.join());
    assert.not(raised.some((one) => one.startsWith("station") || one.includes("west")), raised.join());
    const alert = alerts.find(({ state }) => state === "raised")!;
    assert.is(alert.certificate?.quorum, 4);
    assert.ok(alert.stations.length >= 4, alert.stations.join());
    assert.ok(Math.abs(alert.explanation.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
    assert.equal(run.disagreements(), []);
  }
});

test("one liar in each zone raises nothing on a quiet street, whatever it does", () => {
  for (const behaviour of ["silent", "frame", "hide", "replay", "flood"] as const) {
    const liars = [liar("east-2", behaviour), liar("west-3", behaviour)];
    const { alerts } = play(quiet(), { liars, lengthMs: SHORT_MS });
    assert.equal(raisedIn(alerts), [], behaviour);
  }
});

test("an equivocator is named, with proof, and nobody else is", () => {
  const { alerts } = play(quiet(), { liars: [liar("east-2", "equivocate")], lengthMs: SHORT_MS });
  assert.equal(raisedIn(alerts), ["zone east agent-misbehaviour"]);
  assert.equal(alerts[0]?.stations, ["east-2"]);
});

test("a hiding liar does not keep the zone from raising", () => {
  const { alerts } = play([...quiet(), ...sprinkle("east")], { liars: [liar("east-6", "hide")] });
  assert.ok(raisedIn(alerts).includes("zone east authorization-abuse"));
});

test("the same inputs and seed give the same bytes; another seed loses other messages", () => {
  const played = (seed: number) => {
    const liars = [liar("east-2", "equivocate")];
    const { alerts, run } = play(quiet(), { loss: 0.2, seed, liars, lengthMs: SHORT_MS });
    return JSON.stringify([alerts, run.counts]);
  };
  assert.is(played(7), played(7));
  assert.is.not(played(7), played(8));
});
