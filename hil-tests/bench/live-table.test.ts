import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { CERTIFIED, panel, row, Screen } from "./live.testing.ts";
import { type Panel, panelLines } from "./live-panel.ts";
import { LiveTable } from "./live-table.ts";

const PLAIN = { tty: true, colour: false };
const SIZE = { columns: 100, rows: 40 };

test("the first picture is printed as it is; nothing new is nothing to write", () => {
  const table = new LiveTable(PLAIN);
  const first = table.show(panel(), SIZE);
  assert.is(first, panelLines(panel(), { ...SIZE, colour: false }).map((line) => `${line}\n`).join(""));
  assert.is(table.show(panel(), SIZE), "");
});

test("only what changed is written: one row, in place", () => {
  const table = new LiveTable(PLAIN);
  const before = panel();
  const lines = table.show(before, SIZE).split("\n").length - 1;
  const rows = before.rows.map((one) => (one.station === "CP-103" ? { ...one, powerW: 50_000 } : one));
  const written = table.show({ ...before, rows }, SIZE);
  assert.ok(written.startsWith(`\u001b[${lines}A\r`));
  assert.equal(written.match(/CP-\d+/g), ["CP-103"]);
  assert.match(written, "50.0 kW");
  assert.is(written.match(/\u001b\[K/g)?.length, 1);
  assert.not.match(written, "\u001b[J");
});

test("whatever follows whatever, the terminal shows the last picture and nothing of those before", () => {
  for (let seed = 0; seed < 40; seed++) {
    const random = seeded(seed);
    const table = new LiveTable({ tty: true, colour: random.int(2) === 0 });
    const screen = new Screen(40);
    let size = SIZE;
    const events: string[] = [];
    for (let step = 0; step < 25; step++) {
      if (random.int(4) === 0) events.push(`event ${step} ${"x".repeat(random.int(200))}`);
      if (random.int(10) === 0) size = { columns: 100 + random.int(20), rows: 10 + random.int(30) };
      const rows = panel().rows.slice(0, 1 + random.int(12)).map((one) => ({
        ...one, powerW: random.int(3) * 40_000, answers: random.int(9) > 0,
        certified: random.int(3) === 0 ? [CERTIFIED] : [],
      }));
      const now: Panel = { ...panel(), rows, events: [...events] };
      screen.write(table.show(now, size));
      const wanted = panelLines(now, { ...size, colour: false });
      assert.equal(screen.shown(), wanted, `seed ${seed}, step ${step}`);
      assert.ok(wanted.length < size.rows, `seed ${seed}, step ${step}: ${wanted.length} of ${size.rows}`);
    }
  }
});

test("a terminal that became lower: the picture that was too high is wiped as far as it is seen", () => {
  const table = new LiveTable(PLAIN);
  const screen = new Screen(10);
  screen.write(table.show(panel(), { columns: 100, rows: 40 }));
  const small = { columns: 100, rows: 10 };
  screen.write(table.show(panel(), small));
  assert.equal(screen.shown().slice(-9).filter((line) => line.includes("feeder")).length, 2);
  assert.equal(screen.shown().slice(-panelLines(panel(), { ...small, colour: false }).length),
    panelLines(panel(), { ...small, colour: false }));
});

test("a terminal that became narrower has broken the lines: they are gone over whole, and wiped", () => {
  const table = new LiveTable(PLAIN);
  const rows = [row("CP-1")];
  const before = panelLines(panel({ rows }), { columns: 100, rows: 40, colour: false });
  table.show(panel({ rows }), SIZE);
  const broken = before.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / 50)), 0);
  assert.ok(broken > before.length);
  assert.ok(table.show(panel({ rows }), { columns: 50, rows: 40 }).startsWith(`\u001b[${broken}A\r\u001b[J`));
});

test("a terminal that does not know its width is taken for one of 80 columns", () => {
  const table = new LiveTable(PLAIN);
  assert.is(table.show(panel(), { columns: 0 }), new LiveTable(PLAIN).show(panel(), { columns: 80 }));
  assert.ok(table.show(panel({ events: ["x"] }), { columns: 0 }).startsWith("\u001b[19A\r"));
});

test("the end shows everything, however low the terminal is, and what follows stands below", () => {
  const table = new LiveTable(PLAIN);
  const screen = new Screen(12);
  const low = { columns: 100, rows: 12 };
  screen.write(table.show(panel(), low));
  assert.ok(!screen.shown().some((line) => line.includes("CP-101")) || screen.shown().length < 12);
  screen.write(table.end(panel(), low));
  screen.write("done\n");
  const all = panelLines(panel(), { columns: 100, colour: false });
  assert.equal(screen.shown(), [...all, "done"]);
  screen.write(table.show(panel(), low));
  assert.is(screen.shown()[all.length], "done", "nothing above is touched any more");
});

test("no terminal: what is new in plain lines, once each; no escape, no picture until the end", () => {
  const table = new LiveTable({ tty: false, colour: false });
  const act = { no: 1, of: 2, name: "refusals", told: "feeder-7 says so", state: "playing" as const };
  const events = ["one"];
  let now = panel({ act, events });
  const show = (): string[] => table.show(now, SIZE).split("\n").slice(0, -1);
  assert.equal(show(), [
    "Act 1 of 2: refusals", "  told: feeder-7 says so",
    "12:04:31 zone feeder-7: quiet", "12:04:31 zone feeder-8: quiet", "one",
  ]);
  assert.equal(show(), []);
  events.push("two"); // the same list, grown
  now = { ...now, rows: now.rows.map((one) => ({ ...one, powerW: 1 })) };
  assert.equal(show(), ["two"]);
  now = { ...now, rows: now.rows.map((one, i) => (i < 6 ? { ...one, certified: [CERTIFIED] } : one)) };
  assert.equal(show(), ["12:04:31 zone feeder-7: CERTIFIED authorization-abuse since 12:03:50, 2/6 affected"]);
  now = { ...now, act: { ...act, state: "as told" } };
  assert.equal(show(), ["Act 1: as told"]);
  now = { ...now, act: { ...act, no: 2, state: "NOT AS TOLD" }, rows: panel().rows };
  assert.equal(show(), [
    "Act 2 of 2: refusals", "  told: feeder-7 says so", "12:04:31 zone feeder-7: quiet", "Act 2: NOT AS TOLD",
  ]);
  const last = table.end(now, SIZE);
  assert.is(last, panelLines(now, { columns: 100, colour: false }).map((line) => `${line}\n`).join(""));
  assert.not.match(last, "\u001b");
});
