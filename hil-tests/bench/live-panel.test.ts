import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { MESH, STATUS } from "../../edge-agent/status.testing.ts";
import type { Status } from "../../edge-agent/status.ts";
import { EVIDENCE_KEYS } from "../../models/terms.ts";
import { CERTIFIED, panel, row } from "./live.testing.ts";
import { type Panel, panelLines, powerText, type Size, type Style } from "./live-panel.ts";
import { awayRow, type Row, rowOf } from "./live-row.ts";
import { cut, fit, rendered, widthOf } from "./live-text.ts";

const lines = (of: Panel, more: Partial<Size & Style> = {}): string[] =>
  panelLines(of, { columns: 100, colour: false, ...more });
const lineWith = (text: string, rows: readonly Row[], more: Partial<Size & Style> = {}): string =>
  lines(panel({ rows }), more).find((line) => line.includes(text)) ?? "";

test("a street at work, at 100 columns", () => {
  const rows = panel().rows.map((one, i): Row => ({
    ...one, ...(i < 6 && { certified: [CERTIFIED] }),
    ...(i === 0 && { opinions: [{ key: "refusals", opinion: 1 }, { key: "authorization-abuse", opinion: 0.4 }] }),
    ...(i === 3 && { incidents: [{ threat: "energy-theft", severity: "high" }], links: { up: 3, all: 5 } }),
    ...(i === 7 && { answers: false }), ...(i === 9 && { silentEpochs: 12 }), ...(i === 10 && { charger: false }),
  }));
  const act = { no: 3, of: 6, name: "refused idTokens", told: "feeder-7 certifies it", state: "playing" as const };
  const stations = ["CP-101", "CP-104"];
  const told = rows.map((one) => ({ ...one, certified: one.certified.map((held) => ({ ...held, stations })) }));
  assert.equal(lines(panel({ rows: told, act, events: ["12:03:50 certified"] })), `\
 kerbwatch: a street                                                                  12:04:31 UTC
 Act 3 of 6  refused idTokens  playing
   told: feeder-7 certifies it
───────────────────────────────────────────────────────────────────────────────────────────────────
 station     OCPP       power  heard  leans to                      here         zone    links   MB

 ● feeder-7 ■□□■□□  CERTIFIED authorization-abuse since 12:03:50, 2/6 affected
 CP-101      1.6         idle    now  ━━━━ refusals  ━━── auth      –            ●1        5/5   61
 CP-102      2.0.1     3.7 kW    now                                –            ●1        5/5   61
 CP-103      1.6       7.4 kW    now                                –            ●1        5/5   61
 CP-104      2.0.1    11.1 kW    now                                theft        ●1        3/5   61
 CP-105      1.6      14.8 kW    now                                –            ●1        5/5   61
 CP-106      2.0.1    18.5 kW    now                                –            ●1        5/5   61

 ○ feeder-8 □·□□□□  quiet
 CP-201      1.6         idle    now                                –            –         5/5   61
 CP-202      does not answer
 CP-203      1.6       7.4 kW    now                                –            –         5/5   61
 CP-204      2.0.1    11.1 kW     12                                –            –         5/5   61
 CP-205      1.6    unplugged    now                                –            –         5/5   61
 CP-206      2.0.1    18.5 kW    now                                –            –         5/5   61

───────────────────────────────────────────────────────────────────────────────────────────────────
 12:03:50 certified`.split("\n"));
});

test("the same row at 80 columns, in ASCII, and at the widest", () => {
  const one = row("a-station-with-a-long-name", {
    opinions: [{ key: "starts", opinion: 0.3 }], provisional: [{ ...CERTIFIED, since: CERTIFIED.since }],
  });
  assert.is(lineWith("a-st", [one], { columns: 80 }),
    " a-station-wi… 1.6     11.0 kW   now ━━── starts   –           ◐1       5/5  61");
  assert.is(lineWith("a-st", [one], { columns: 80, ascii: true }),
    " a-station-wi~ 1.6     11.0 kW   now ==-- starts   -           ?1       5/5  61");
  assert.match(lineWith("a-st", [one], { columns: 300 }), /^ a-station-with-a-lo…  1\.6 /);
});

test("without colour there is no escape, in ASCII nothing beyond ASCII; with colour the same text", () => {
  const rows = panel().rows.map((one, i): Row => ({
    ...one, opinions: [{ key: "starts", opinion: i / 10 }], ...(i % 3 === 0 && { certified: [CERTIFIED] }),
    ...(i % 4 === 0 && { answers: false, guilty: ["CP-103"] }),
  }));
  const one = panel({ rows, events: ["plain"] });
  const plain = lines(one);
  assert.not.match(plain.join("\n"), "\u001b");
  assert.not.match(lines(one, { ascii: true }).join("\n"), /[^\n -~]/);
  const coloured = lines(one, { colour: true });
  assert.match(coloured.join("\n"), "\u001b[");
  assert.equal(coloured.map((line) => line.replace(/\u001b\[[0-9;]*m/g, "").trimEnd()), plain);
  for (const line of coloured) assert.ok(!/\u001b\[/.test(line) || line.includes("\u001b[0m"), "colour ends with it");
});

/** Everything that an agent may say, and more. */
function wildRow(seed: number): Row {
  const random = seeded(seed);
  const texts = ["CP-001", "x".repeat(60), "漢字".repeat(9), "e\u0301".repeat(30), "\u001b[2J\n", ""];
  const text = (): string => random.pick(texts);
  const number = (): number => random.pick([0, -1, 0.5, 7, 999_949, 12_345_678, -4e9, 9e15, Infinity, Number.NaN]);
  const key = random.pick(EVIDENCE_KEYS);
  const incident = { ...CERTIFIED, key, since: random.pick([CERTIFIED.since, "", "junk"]), stations: [text(), text()] };
  const some = <T>(one: T): T[] => Array.from({ length: random.int(4) }, () => one);
  return {
    station: text(), zone: random.pick(["a", "b", text()]), answers: random.int(5) > 0, charger: random.int(3) > 0,
    ...(random.int(3) > 0 && { ocppVersion: text(), powerW: number(), silentEpochs: number() }),
    opinions: some({ key, opinion: number() }), incidents: some({ threat: "firmware-tampering", severity: "critical" }),
    certified: some(incident), provisional: some(incident), guilty: some(text()),
    links: { up: number(), all: number() }, residentBytes: number(),
  };
}

test("whatever agents say: no line as wide as the terminal, no more lines than it has, no control characters", () => {
  for (let seed = 0; seed < 400; seed++) {
    const random = seeded(seed);
    const [columns, rows] = [20 + random.int(120), 2 + random.int(50)];
    const wild = panel({
      title: random.pick(["t", "t".repeat(300), ""]), time: random.pick(["", "2026-11-01T12:04:31.000Z"]),
      rows: Array.from({ length: random.int(40) }, (_, i) => wildRow(seed * 100 + i)),
      events: Array.from({ length: random.int(9) }, () => random.pick(["e", "漢".repeat(99), "\u001b[31m\nx"])),
      ...(random.int(2) === 0 && { act: { no: 1, of: 9, name: "\u0007n".repeat(99), told: "", state: "playing" } }),
    });
    const made = panelLines(wild, { columns, rows, colour: false, ascii: random.int(2) === 0 });
    const says = `seed ${seed}: ${columns} x ${rows}`;
    assert.ok(made.length >= 1 && made.length < rows, `${says}: ${made.length} lines`);
    for (const line of made) {
      assert.ok(widthOf(line) < columns, `${says}: ${widthOf(line)} in ${line}`);
      assert.not.match(line, /[\u0000-\u001f\u007f]/, says);
    }
  }
});

test("a lower terminal loses events and air first, then agents, and never a headline", () => {
  const events = ["e1", "e2", "e3", "e4", "e5", "e6"];
  const act = { no: 1, of: 1, name: "act", told: "foretold", state: "as told" as const };
  const rows = panel().rows.map((one, i): Row => (i === 4 ? { ...one, certified: [CERTIFIED] } : one));
  const at = (height: number): string[] => lines(panel({ rows, act, events }), { rows: height });
  const count = (height: number, pattern: RegExp): number => at(height).filter((line) => pattern.test(line)).length;
  assert.equal([40, 27, 24, 21, 12, 6].map((height) => count(height, /^ e\d/)), [5, 3, 3, 0, 0, 0]);
  assert.equal([40, 27, 24, 21, 12, 6].map((height) => count(height, /^ CP-/)), [12, 12, 12, 12, 2, 0]);
  for (const height of [40, 24, 12, 6, 5]) assert.is(count(height, /feeder-[78] [■□]/), 2, `${height}`);
  assert.ok(at(40).includes(""), "with air");
  assert.not(at(24).includes(""));
  assert.match(at(12).join("\n"), /CP-105/, "who has something to tell is kept");
  assert.match(at(12).join("\n"), /^ {3}and 5 more$/m);
  assert.equal([count(6, /told: foretold/), count(5, /told: foretold/), count(5, /Act 1/)], [1, 0, 1]);
  assert.is(at(2).length, 1);
});

const headline = (rows: readonly Row[]): string => lineWith("feeder-7", rows).trim();

test("headlines: the oldest thing that is certified, who holds it, how much more; guilt; provisional; quiet", () => {
  const starts = { key: "starts", threat: "load-manipulation" } as const;
  const other = { ...CERTIFIED, ...starts, since: "2026-11-01T12:04:00.000Z" };
  const late = { ...CERTIFIED, certificateEpoch: 20, since: "2026-11-01T12:03:51.000Z", stations: ["B"] };
  const rows = [row("A", { certified: [other, CERTIFIED] }), row("B", { certified: [late] }), row("C")];
  assert.is(headline(rows),
    "● feeder-7 □■□  CERTIFIED authorization-abuse since 12:03:50, 1/3 affected, held by 2/3, 1 more");
  assert.is(headline([row("A", { guilty: ["B"] }), row("B")]), "○ feeder-7 □×  quiet; B contradicted itself");
  const wait = { ...starts, since: "2026-11-01T12:03:00.000Z" };
  assert.is(headline([row("A", { provisional: [wait] }), row("B"), row("C", { answers: false, provisional: [wait] })]),
    "◐ feeder-7 □□·  provisional: load-manipulation since 12:03:00, seen by 1/2");
  assert.is(headline([row("A")]), "○ feeder-7 □  quiet");
  const yesterday = { ...CERTIFIED, since: "2026-10-31T23:59:00.000Z" };
  assert.match(headline([row("A", { certified: [yesterday] })]), /since 10-31 23:59:00, 2\/1 affected$/);
});

test("opinions: something is never nothing, and only a verdict fills the bar", () => {
  const bar = (opinion: number): string =>
    lineWith("A ", [row("A", { opinions: [{ key: "stops", opinion }] })]).replace(/.*now {2}(\S*) .*/, "$1");
  assert.equal([0, 0.01, 0.25, 0.26, 0.5, 0.75, 0.99, 1, 7].map(bar),
    ["────", "━───", "━───", "━━──", "━━──", "━━━─", "━━━─", "━━━━", "━━━━"]);
});

const POWERS: [number, string][] = [
  [0, "0.0 kW"], [99_949, "99.9 kW"], [999_940, "999.9 kW"], [999_960, "1.0 MW"], [-7_040, "-7.0 kW"],
  [999_960_000, "1.0 GW"], [-999_940_000, "-999.9 MW"], [1e15, "? GW"], [Infinity, "? GW"], [Number.NaN, "? GW"],
];
for (const [powerW, told] of POWERS) {
  test(`${powerW} W is ${told}`, () => {
    assert.is(powerText(powerW), told);
    assert.ok(told.length <= 9);
  });
}

test("texts are cut and filled by the columns that they take", () => {
  assert.equal([widthOf("abc"), widthOf("漢字"), widthOf("e\u0301"), widthOf("\u001b[1;31mx\u001b[0m")], [3, 4, 1, 1]);
  assert.equal([cut("abcdef", 6, "…"), cut("abcdef", 5, "…"), cut("abcdef", 1, "…"), cut("abcdef", 0, "…")],
    ["abcdef", "abcd…", "…", ""]);
  assert.is(widthOf(cut("漢字漢字", 4, "…")), 3);
  assert.equal([fit("ab", 4, "…"), fit("ab", 4, "…", "end"), fit("漢字漢", 4, "…")], ["ab  ", "  ab", "漢… "]);
  assert.is(rendered([["ab", "bad"], ["  ", "dim"], ["cd"]], 5, "~", true), "\u001b[1;31mab\u001b[0m  ~");
  assert.is(rendered([["ab"], ["cd"]], 2, "~", false), "ab");
});

test("a row from a status: the street's zone, own statements, links, and power of the whole station", () => {
  const status: Status = { ...STATUS, mesh: {
    ...MESH, zone: "of-the-roster",
    links: [MESH.links[0]!, { ...MESH.links[1]!, up: false }],
    members: MESH.members.map((one) => (one.station === "CP-001" ? { ...one, silentEpochs: 3 }
      : one.station === "CP-004" ? { ...one, guilty: true } : one)),
  } };
  const { opinions, incidents, ...made } = rowOf(status);
  assert.equal(made, {
    station: "CP-001", zone: "of-the-roster", answers: true, charger: true, ocppVersion: "1.6", powerW: 7204.4,
    silentEpochs: 3, certified: [], provisional: [], guilty: ["CP-004"], links: { up: 1, all: 2 },
    residentBytes: 63_963_136,
  });
  assert.equal(opinions.map(({ key }) => key), ["energy-theft", "authorization-abuse"], "the strongest first");
  assert.is(incidents[0]?.threat, "energy-theft");
  const whole = { ...STATUS.meters[0]!, evse: 0, powerW: 9 };
  assert.is(rowOf({ ...status, meters: [...STATUS.meters, whole] }).powerW, 9);
});

test("a row of a lone agent, of a young one, and of one that does not answer", () => {
  const { zone, links, silentEpochs, powerW } = rowOf({ ...STATUS, meters: [] });
  assert.equal([zone, links, silentEpochs, powerW], ["feeder-7", { up: 0, all: 0 }, undefined, undefined]);
  const members = MESH.members.map(({ lastEpoch: _l, ...one }) => one);
  assert.is("silentEpochs" in rowOf({ ...STATUS, mesh: { ...MESH, members } }), false);
  const last = row("A", { powerW: 5 });
  assert.equal(awayRow("A", "z", last), { ...last, answers: false });
  assert.equal([awayRow("A", "z").zone, awayRow("A", "z").answers], ["z", false]);
});
