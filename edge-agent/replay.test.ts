import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, test } from "../build/testing.ts";
import { repoRoot } from "../build/paths.ts";
import { HOUR_MS, type StationId, type WallMs } from "../models/units.ts";
import { signerFromSeed } from "./adapters/crypto.ts";
import { crypto, eventfulStory, START } from "./core.testing.ts";
import type { Memory } from "./memory.ts";
import { type CaptureLine, parseTraceLine } from "./observe/trace.ts";
import type { AgentEvent } from "./ports.ts";
import { Replay, type ReplayLine } from "./replay.ts";

function run(lines: Iterable<CaptureLine>, memory?: Memory, epochS = 10): { replay: Replay; told: ReplayLine[] } {
  const told: ReplayLine[] = [];
  const options = { crypto, signer: signerFromSeed(new Uint8Array(32)), epochS };
  const replay = new Replay({ ...options, ...(memory !== undefined && { memory }) }, (line) => told.push(line));
  for (const line of lines) replay.take(line);
  return { replay, told };
}

const line = (s: number, event: AgentEvent, station = "CP-001"): CaptureLine =>
  ({ ok: true, at: (START + s * 1_000) as WallMs, station: station as StationId, event });
const heartbeat = (s: number, id: number | string = s, station?: string): CaptureLine => line(s,
  { kind: "frame", direction: "cp-to-csms", text: JSON.stringify([2, `h${id}`, "Heartbeat", {}]), ocppVersion: "1.6" },
  station);
const raisedIn = (told: readonly ReplayLine[]): string[] =>
  told.flatMap((one) => ("state" in one && one.state === "raised" ? [one.threat] : []));
const THREATS_PLAYED = ["authorization-abuse", "firmware-tampering", "energy-theft", "configuration-tampering"];
/** The story, without its ticks: a replay makes its own. */
const CAPTURE = eventfulStory().filter(({ event }) => event.kind !== "tick").map(({ s, event }) => line(s, event));

test("a capture tells what was played, the same bytes twice", () => {
  const [first, second] = [run(CAPTURE), run(CAPTURE)];
  assert.equal(JSON.stringify(first.told), JSON.stringify(second.told));
  assert.equal(raisedIn(first.told), THREATS_PLAYED);
  assert.equal([first.replay.counts.raised, first.replay.counts.late, first.replay.counts.beyond], [4, 0, 0]);
  for (const one of first.told) {
    if (!("explanation" in one)) continue;
    let shares = 0;
    for (const { share } of one.explanation) shares += share;
    assert.ok(Math.abs(shares - 1) < 1e-9, `${shares}`);
  }
});

test("each station has an agent of its own", () => {
  const other = CAPTURE.map((one) => ({ ...one, station: "CP-002" as StationId }));
  const both = CAPTURE.flatMap((one, i) => [one, other[i]!]);
  const { replay, told } = run(both);
  assert.equal(replay.stations(), ["CP-001", "CP-002"]);
  const of = (station: string) => told.filter((one) => "agent" in one && one.agent === station).length;
  assert.is(of("CP-001"), of("CP-002"));
  assert.ok(of("CP-001") >= 3);
});

test("stations beyond the bound are counted and left out", () => {
  const { replay } = run(Array.from({ length: 300 }, (_, n) => heartbeat(n, n, `S-${n}`)));
  assert.equal([replay.stations().length, replay.counts.beyond], [256, 44]);
});

test("a late line is counted and taken when it comes; time never goes back", () => {
  const { replay } = run([heartbeat(100), heartbeat(50), heartbeat(101), heartbeat(100.5)]);
  assert.equal([replay.counts.late, replay.counts.frames], [2, 4]);
  assert.is(replay.memoryOf("CP-001" as StationId)!.savedAt, START + 101_000);
  assert.is(replay.memoryOf("CP-009" as StationId), undefined);
});

test("over a silence the clock ticks on, so that hours are learned from and incidents end", () => {
  const rateAfter = (hours: number): number => {
    const { replay } = run([heartbeat(0), heartbeat(hours * 3_600)]);
    const { state } = replay.memoryOf("CP-001" as StationId)!.detect["authorization-abuse"] as
      { state: { refusedVisits: { hours: number } } };
    return state.refusedVisits.hours;
  };
  assert.ok(rateAfter(48) - rateAfter(0) > 40);
  const { told } = run([...CAPTURE, heartbeat(30_000)]);
  const cleared = told.filter((one) => "state" in one && one.state === "cleared");
  assert.ok(cleared.length >= 3);
  for (const { time } of cleared) assert.ok(Date.parse(time) < START + 20_000_000, "in time, not at the next line");
});

test("a meter without a line is lost while frames go on, and not over a cut of both", () => {
  const reading = { evseId: 1, energyImportWh: 5 };
  const meter = (s: number) => line(s, { kind: "meter", side: "evse-output", reading });
  const [hour, day] = [3_600, 24 * 3_600];
  const beats = (from: number, to: number) =>
    Array.from({ length: (to - from) / 300 }, (_, n) => heartbeat(from + 300 * n));
  const lost = (...lines: CaptureLine[]) =>
    run(lines).told.filter((one) => "kind" in one && one.kind === "fault" && one.fault === "meter-lost").length;
  assert.is(lost(meter(0), ...beats(1, 2 * hour + 1), meter(2 * hour)), 1);
  assert.is(lost(...beats(0, hour), meter(hour), ...beats(day, day + 1_800), meter(day + 1_800)), 0);
  assert.is(lost(...beats(0, day)), 0, "there is none");
});

test("a recording that stopped for years is not ticked through, and harms nothing", () => {
  const years = 10 * 365 * 24 * 3_600;
  const { replay } = run([heartbeat(0), heartbeat(years), heartbeat(years + 1)], undefined, 300);
  assert.equal([replay.counts.frames, replay.counts.late], [3, 0]);
});

test("what was learned before is where it goes on, and it is not changed by that", () => {
  const first = run(CAPTURE.filter(({ at }) => at < START + 4_000_000));
  const memory = first.replay.memoryOf("CP-001" as StationId)!;
  const before = JSON.stringify(memory);
  const second = run([heartbeat(4_000), heartbeat(8_000)], memory);
  assert.is(JSON.stringify(memory), before);
  const again = second.replay.memoryOf("CP-001" as StationId)!;
  assert.is(again.since, memory.since);
  assert.is(again.monoMs - memory.monoMs, again.savedAt - memory.savedAt);
  assert.ok(again.savedAt - memory.savedAt >= HOUR_MS);
});

const TRACES = join(repoRoot, "../shared/data/traces/fixtures");

if (!existsSync(TRACES)) test.skip("reference traces", "no ../shared");
else {
  const files = readdirSync(TRACES, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".jsonl"));
  test(`the ${files.length} reference traces raise nothing`, () => {
    assert.ok(files.length >= 16);
    for (const file of files) {
      const parsed = readFileSync(join(TRACES, file), "utf8").split("\n").filter((text) => text !== "")
        .map((text) => parseTraceLine(text));
      const good = parsed.filter((one): one is CaptureLine => one.ok);
      assert.ok(good.length > 0, file);
      assert.equal(raisedIn(run(good).told), [], file);
    }
  });

  const faultsIn = (file: string) => {
    const lines = readFileSync(join(TRACES, file, "trace.jsonl"), "utf8").split("\n").filter((text) => text !== "");
    const good = lines.map((text) => parseTraceLine(text)).filter((one): one is CaptureLine => one.ok);
    return run(good).told.flatMap((one) =>
      ("kind" in one && one.kind === "fault" ? [`${one.fault} ${one.evseId}`] : []));
  };

  test("a plain fault in a reference trace is named as one, and a healthy session has none", () => {
    const named = {
      "connector-fault": ["connector-fault 1"], "diagnostics-failure": ["upload-failed 0"],
      // It is also silent for 20 minutes, with a heartbeat asked for every five.
      "meter-anomaly": ["register-stepped-back 1", "heartbeat-late 0"],
      "meter-value-gap": ["heartbeat-late 0", "no-meter-values 1"], "slow-csms-response": ["csms-slow 0"],
      "failed-auth": ["connector-fault 1"],
      "normal-session": [], "heartbeat-irregular": [], "orphan-response": [], "short-session": [],
    };
    for (const [file, faults] of Object.entries(named)) assert.equal(faultsIn(file), faults, file);
  });
}
