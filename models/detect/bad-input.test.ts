/** Bad input to all detectors together: each kind has a sane outcome, and what is remembered stays small and finite. */
import { seeded, type Seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { createOpine, opine } from "../opine/opine.ts";
import { type Finding, type Observation, THREATS } from "../terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type MonotonicMs, type Now, type WallMs } from "../units.ts";
import { createDetect, detect } from "./detect.ts";
import { hostileObservation, type Seen, START, token } from "./detector.testing.ts";

const MOST_BYTES = 128 * 1024;
const DAYS = 10;

/** One thing that is seen, and when, ms after the start. */
type Line = readonly [atMs: number, seen: Seen];

/** Honest days of one EVSE: sessions by day, heartbeats, reports and a meter that agree. */
function honest(days = DAYS): Line[] {
  const lines: Line[] = [[0, { kind: "link", state: "connect" }],
    [5_000, { kind: "boot", vendor: "V", model: "M", firmwareVersion: "2.4.0", outcome: "accepted", heartbeatS: 300 }]];
  let wh = 100_000;
  for (let at = MINUTE_MS; at < days * DAY_MS; at += MINUTE_MS) {
    const minute = Math.floor(at / MINUTE_MS) % 1_440;
    const id = `t${Math.floor(at / DAY_MS)}-${Math.floor(minute / 360)}`;
    const into = minute % 360;
    const charging = minute < 1_080 && into >= 20 && into < 140;
    if (charging) wh += 7_000 / 60;
    lines.push([at, { kind: "tick", traffic: { asked: 1, late: 0, heard: 1, answered: 1, unanswered: 0 } }]);
    const reading = { evseId: 1, powerW: charging ? 7_000 : 15, energyImportWh: Math.round(wh) };
    if (minute % 5 === 0) lines.push([at + 1, { kind: "heartbeat" }]);
    lines.push([at + 2, { kind: "meter-reading", side: "evse-output", reading }]);
    const common = { transactionId: id, evseId: 1, offline: false } as const;
    const who = token(minute);
    if (minute < 1_080 && into === 19) {
      lines.push([at + 3, { kind: "authorization", source: "Authorize", token: who, outcome: "accepted", status: "" }],
        [at + 4, { kind: "transaction-started", ...common, token: who, registerWh: Math.round(wh) }]);
    }
    if (charging && minute % 5 === 0) {
      lines.push([at + 5, { kind: "reported-reading", reading, transactionId: id, offline: false }]);
    }
    if (minute < 1_080 && into === 140) {
      lines.push([at + 6, { kind: "transaction-ended", ...common, token: who, registerWh: Math.round(wh) }]);
    }
  }
  return lines;
}

interface Lived {
  readonly raised: string[];
  readonly findings: number;
  readonly state: string;
  readonly says: string;
}

/** @param wall what the agent's wall clock shows, ms after the start; durations go on as they are */
function live(lines: readonly Line[], wall = (atMs: number): number => atMs): Lived {
  const [state, beliefs] = [createDetect({ csmsHost: "csms.example" }), createOpine()];
  const raised = new Set<string>();
  const says = new Set<string>();
  let findings = 0;
  let monoMs = 0;
  for (const [atMs, seen] of lines) {
    monoMs = Math.max(monoMs, atMs);
    const now: Now = { wallMs: START + wall(atMs) as WallMs, monoMs: monoMs as MonotonicMs };
    const found: Finding[] = detect(state, [{ ...seen, at: now.wallMs } as Observation], now);
    findings += found.length;
    for (const finding of found) {
      assert.ok(Number.isFinite(finding.nats), `${finding.key} ${finding.nats}`);
      says.add(finding.says);
    }
    for (const { key, sinceOnsetNats, thresholdNats } of opine(beliefs, found, now)) {
      if (sinceOnsetNats >= thresholdNats && (THREATS as readonly string[]).includes(key)) raised.add(key);
    }
  }
  return { raised: [...raised], findings, state: JSON.stringify(state), says: [...says].join("\n") };
}

function sane({ raised, state }: Lived): void {
  assert.equal(raised, []);
  assert.ok(state.length < MOST_BYTES, `${state.length}`);
  assert.not.ok(/:null|\[null/.test(state), "a figure was lost to NaN or infinity");
}

const days = honest();
const kinds = (...drop: Observation["kind"][]): Line[] => days.filter(([, { kind }]) => !drop.includes(kind));

test("honest days raise nothing", () => {
  const lived = live(days);
  sane(lived);
  assert.ok(lived.findings > 10_000);
});

test("missing: one message in five is lost", () => {
  const random = seeded(91);
  sane(live(days.filter(([, { kind }]) => kind === "meter-reading" || kind.startsWith("transaction") ||
    random.int(5) > 0)));
});

test("late and reordered: readings come up to three minutes after others that followed them", () => {
  const random = seeded(92);
  const shuffled = days.map(([at, seen]): Line =>
    [seen.kind === "meter-reading" || seen.kind === "heartbeat" ? at + random.int(3 * MINUTE_MS) : at, seen]);
  sane(live(shuffled.sort(([a], [b]) => a - b)));
});

test("duplicated: everything comes twice", () => sane(live(days.flatMap((line) => [line, line]))));

test("absurd: one reading in fifty is no number, negative, or from another world", () => {
  const random = seeded(93);
  const figures = [NaN, Infinity, -Infinity, -1, 1e12, 1e308];
  const absurd = days.map(([at, seen]): Line => {
    if (seen.kind !== "meter-reading" || random.int(50) > 0) return [at, seen];
    const reading = { evseId: 1, powerW: random.pick(figures), energyImportWh: random.pick([NaN, -1]) };
    return [at, { ...seen, reading }];
  });
  sane(live(absurd));
});

test("a station without a meter, and a meter without a station", () => {
  sane(live(kinds("meter-reading")));
  sane(live(days.filter(([, { kind, ...rest }]) => kind === "tick" ||
    (kind === "meter-reading" && (rest as { reading: { powerW: number } }).reading.powerW < 1_000))));
});

test("contradictory: the meter says that nothing flows while the station bills; the station stays chargeable", () => {
  const dead = days.map(([at, seen]): Line => (seen.kind === "meter-reading"
    ? [at, { ...seen, reading: { evseId: 1, powerW: 0, energyImportWh: 5 } }] : [at, seen]));
  const { raised, state } = live(dead);
  assert.ok(raised.every((threat) => ["billing-inflation", "session-spoofing"].includes(threat)), raised.join());
  assert.ok(state.length < MOST_BYTES);
});

const CLOCKS: Record<string, (atMs: number) => number> = {
  "of 1970": (atMs) => atMs - START,
  "that jumps a day ahead and back each week": (atMs) => atMs + (Math.floor(atMs / (7 * DAY_MS)) % 2) * DAY_MS,
  "that goes back an hour each day": (atMs) => atMs - Math.floor(atMs / DAY_MS) * HOUR_MS,
  "in the far future": (atMs) => atMs + 4_000 * 365 * DAY_MS,
};
for (const [name, wall] of Object.entries(CLOCKS)) {
  test(`a clock ${name}: durations go on, nothing is raised`, () => sane(live(days, wall)));
}

test("five weeks offline: what was learned is still there, and nothing is made of the gap", () => {
  const moved = honest(4).map(([at, seen]): Line => [at + (DAYS + 35) * DAY_MS, seen]);
  sane(live([...days, ...moved]));
});

test("another station behind the same id, other make, older version, other rating: nobody is accused", () => {
  const other = honest(10).map(([at, seen]): Line => {
    const later = at + DAYS * DAY_MS;
    if (seen.kind === "boot") return [later, { ...seen, vendor: "W", model: "N", firmwareVersion: "1.0.1" }];
    const twice = (wh = 0): number => Math.round(wh * 2);
    if (seen.kind === "meter-reading" || seen.kind === "reported-reading") {
      const { energyImportWh, powerW = 0 } = seen.reading;
      return [later, { ...seen, reading: { evseId: 1, powerW: powerW * 2, energyImportWh: twice(energyImportWh) } }];
    }
    const hasRegister = seen.kind === "transaction-started" || seen.kind === "transaction-ended";
    return [later, hasRegister ? { ...seen, registerWh: twice(seen.registerWh) } : seen];
  });
  sane(live([...days, ...other]));
});

/** Hostile observations for a long time, and the honest days after them. */
function hostile(random: Seeded, count: number): Line[] {
  let at = 0;
  const later = (): number => (at += random.pick([0, 10, 1_000, 60_000]));
  return Array.from({ length: count }, (): Line => [later(), hostileObservation(random)]);
}

test("hostile input: the state of all detectors together stays under 128 KB", () => {
  for (const seed of [94, 95]) {
    const { state } = live(hostile(seeded(seed), 60_000));
    assert.ok(state.length < MOST_BYTES, `${state.length}`);
  }
});

test("nothing of a token, a password or a key reaches a finding's words or the state", () => {
  const secrets = ["hunter2-password"];
  const set = (variable: string): Seen =>
    ({ kind: "configuration-change", variable, value: secrets[0]!, secret: true, outcome: "accepted" });
  const orders: Line[] = [[0, set("AuthorizationKey")], [1_000, set("BasicAuthPassword")]];
  const lines = [...orders, ...hostile(seeded(96), 3_000)];
  const { says, state } = live([...lines, ...honest(2).map(([at, seen]): Line => [at + DAY_MS * 30, seen])]);
  for (const secret of secrets) assert.not.ok(says.includes(secret) || state.includes(secret));
  // Pseudonyms of these days: sixteen digits that begin with zeros. An absurd figure has as many, and begins otherwise.
  assert.not.match(says, /\b0{12}[0-9a-f]{4}\b/);
});
