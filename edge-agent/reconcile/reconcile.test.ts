/** Records against a meter whose truth is known: honest ones, each kind of fraud, and what must accuse nobody. */
import { normal, seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { MeterSide } from "../../models/terms.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, type WallMs } from "../../models/units.ts";
import { billsOf } from "./bills.ts";
import type { Cdr } from "./cdr.ts";
import { type Reconciled, Reconciler } from "./reconcile.ts";

const START = Date.UTC(2026, 2, 1) as WallMs;
const CLASS_B = { own: "B", billing: "B" } as const;

interface Story {
  readonly days?: number;
  /** Billed over delivered, from a day on. */
  readonly factor?: number;
  readonly fromDay?: number;
  /** Added to each bill, Wh. */
  readonly padWh?: number;
  /** Share of records that are missing. */
  readonly missing?: number;
  /** All records' times are moved by this. */
  readonly movedMs?: number;
  readonly side?: MeterSide;
  /** Between readings. */
  readonly everyMs?: number;
  readonly classes?: { readonly own: "A" | "B" | "C"; readonly billing: "A" | "B" | "C" };
  /** Of the two meters. */
  readonly bias?: number;
  /** The meter's register begins anew on this day. */
  readonly replacedOnDay?: number;
  readonly each?: (cdr: Cdr) => readonly Cdr[];
}

interface Lived {
  readonly cdrs: Cdr[];
  readonly reconciled: Reconciled;
}

/** Three sessions a day at 7 kW, standby of 8 W, a reading a minute. */
function lived(story: Story = {}): Lived {
  const { days = 20, factor = 1, fromDay = 8, padWh = 0, missing = 0, movedMs = 0, side = "evse-output",
    everyMs = MINUTE_MS, bias = 1, classes = CLASS_B } = story;
  const random = seeded(3);
  const sessions: { from: number; to: number; powerW: number }[] = [];
  const cdrs: Cdr[] = [];
  for (let day = 0; day < days; day += 1) {
    for (const hour of [7, 12, 18]) {
      const from = START + day * DAY_MS + hour * HOUR_MS + random.int(3_600) * 1_000;
      const session = { from, to: from + (40 + random.int(120)) * MINUTE_MS, powerW: 3_500 + random.int(7_000) };
      sessions.push(session);
      const flowedWh = (session.powerW * (session.to - from)) / HOUR_MS;
      const billed = day < fromDay ? 1 : factor;
      const energyWh = Math.round(flowedWh * billed * (1 + 0.002 * normal(random)) + (day < fromDay ? 0 : padWh));
      const cdr = { id: `c${cdrs.length}`, evseUid: "E1", startMs: (from + movedMs) as WallMs,
        endMs: (session.to + movedMs) as WallMs, energyWh };
      if (day < fromDay || random.int(1_000) >= missing * 1_000) cdrs.push(...(story.each?.(cdr) ?? [cdr]));
    }
  }
  const reconciler = new Reconciler(billsOf(cdrs, new Map([["e1", 1]]), new Set([1])).bills, classes);
  let wh = 100_000;
  for (let at = START; at < START + days * DAY_MS; at = (at + everyMs) as WallMs) {
    const open = sessions.filter(({ from, to }) => at >= from - everyMs && at <= to + everyMs);
    for (const { from, to, powerW } of open) {
      wh += (bias * powerW * Math.max(0, Math.min(at, to) - Math.max(at - everyMs, from))) / HOUR_MS;
    }
    wh += (8 * everyMs) / HOUR_MS;
    if (story.replacedOnDay !== undefined && at === START + story.replacedOnDay * DAY_MS) wh = 0;
    const powerW = 8 + open.filter(({ from, to }) => at > from && at <= to).reduce((sum, one) => sum + one.powerW, 0);
    reconciler.reading(at, { evseId: 1, powerW, energyImportWh: Math.floor(wh) }, side);
  }
  return { cdrs, reconciled: reconciler.end() };
}

const states = ({ reconciled: { sessions } }: Lived) => (state: string): number =>
  sessions.filter((row) => row.state === state).length;

function told({ reconciled: { beliefs } }: Lived): string[] {
  return beliefs.filter(({ opinion }) => opinion >= 1).map(({ key }) => key);
}

test("honest records agree, session by session, day by day and by month, and nobody is accused", () => {
  const honest = [{}, { side: "ac-input" }, { bias: 1.006 }, { bias: 0.994 }, { everyMs: 5 * MINUTE_MS }] as const;
  for (const story of honest) {
    const one = lived({ ...story, days: 35 });
    assert.equal([states(one)("theft"), states(one)("inflation"), told(one)], [0, 0, []], JSON.stringify(story));
    assert.ok(states(one)("agrees") > 0.9 * one.cdrs.length, `${states(one)("agrees")} of ${one.cdrs.length}`);
    const { periods } = one.reconciled;
    assert.equal(periods.filter(({ state }) => state !== "agrees"), []);
    assert.equal(periods.filter(({ span }) => span === "month").map(({ period }) => period), ["2026-03", "2026-04"]);
    assert.ok(periods.filter(({ span }) => span === "day").length >= 34);
  }
});

test("what is charged for and what was delivered adds up: no energy is lost between days and months", () => {
  const { cdrs, reconciled: { periods } } = lived();
  const sum = (span: string, of: "billedWh" | "deliveredWh"): number =>
    Math.round(periods.filter((row) => row.span === span).reduce((all, row) => all + row[of], 0));
  assert.is(sum("day", "billedWh"), cdrs.reduce((all, { energyWh }) => all + energyWh, 0));
  for (const of of ["billedWh", "deliveredWh"] as const) assert.is(sum("month", of), sum("day", of));
});

test("records that ask for a tenth more, or for a fixed sum more, are billing-inflation; a tenth less is theft", () => {
  for (const [story, state, threat] of [[{ factor: 1.1 }, "inflation", "billing-inflation"],
    [{ padWh: 1_500 }, "inflation", "billing-inflation"], [{ factor: 0.9 }, "theft", "energy-theft"]] as const) {
    const one = lived(story);
    assert.ok(states(one)(state) > 25, `${JSON.stringify(story)}: ${states(one)(state)}`);
    assert.equal(told(one), [threat], JSON.stringify(story));
  }
});

test("sessions without a record show in their days, and add up to theft", () => {
  const one = lived({ missing: 0.5, days: 30 });
  assert.ok(one.reconciled.periods.filter(({ state }) => state === "theft").length > 8);
  assert.equal(told(one), ["energy-theft"]);
});

test("a session that is billed twice is billing-inflation: what overlaps is added", () => {
  const one = lived({ each: (cdr) => [cdr, { ...cdr, id: `${cdr.id}b` }] });
  assert.ok(states(one)("inflation") > 50);
  assert.equal(told(one), ["billing-inflation"]);
  assert.equal(one.reconciled.sessions[0]!.bill.ids, ["c0", "c0b"]);
});

test("3 % is within class A meters and beyond class C ones", () => {
  const of = (name: "A" | "C") => lived({ factor: 0.97, fromDay: 0, classes: { own: name, billing: name } });
  assert.is(states(of("A"))("theft"), 0);
  assert.ok(states(of("C"))("theft") > 50);
});

test("records in another time than the meter's are told so, and nobody is accused", () => {
  for (const hours of [-5, 1, 2, 9.5]) {
    const { reconciled: { movedMs, beliefs } } = lived({ movedMs: hours * HOUR_MS });
    assert.equal([movedMs, beliefs], [-hours * HOUR_MS, []]);
  }
  assert.is(lived({ factor: 1.3 }).reconciled.movedMs, 0);
  assert.is(lived({ missing: 0.9, days: 30 }).reconciled.movedMs, 0);
});

test("a meter that was replaced, read rarely or not at all compares nothing there, and accuses nobody", () => {
  const replaced = lived({ replacedOnDay: 10 });
  assert.equal([told(replaced), states(replaced)("theft"), states(replaced)("inflation")], [[], 0, 0]);
  assert.ok(replaced.reconciled.periods.some(({ state }) => state === "not-compared"));
  const rare = lived({ everyMs: HOUR_MS });
  assert.equal([told(rare), states(rare)("agrees") + states(rare)("not-compared")], [[], rare.cdrs.length]);
  const none = new Reconciler(billsOf(rare.cdrs, new Map([["e1", 1]]), new Set([1])).bills, CLASS_B).end();
  assert.ok(none.sessions.every(({ state }) => state === "not-compared"));
  assert.equal([none.periods, none.beliefs], [[], []]);
});

test("two EVSEs under one station meter: what they took at one time is one bill", () => {
  const at = (minutes: number): WallMs => (START + minutes * MINUTE_MS) as WallMs;
  const cdrs: Cdr[] = [
    { id: "a", evseUid: "E1", startMs: at(60), endMs: at(120), energyWh: 7_000 },
    { id: "b", evseUid: "x", evseId: "E2", startMs: at(90), endMs: at(150), energyWh: 7_000 },
    { id: "c", evseUid: "E1", startMs: at(200), endMs: at(260), energyWh: 7_000 },
    { id: "d", evseUid: "E9", startMs: at(200), endMs: at(260), energyWh: 7_000 },
  ];
  const { bills, elsewhere } = billsOf(cdrs, new Map([["e1", 1], ["e2", 2]]), new Set([0]));
  assert.equal(bills.map(({ ids, energyWh, meter }) => [ids, energyWh, meter]),
    [[["a", "b"], 14_000, 0], [["c"], 7_000, 0]]);
  assert.is(elsewhere, 1);
});

test("readings and records without order, without length, and far away, change nothing and throw nothing", () => {
  const random = seeded(29);
  for (let n = 0; n < 200; n += 1) {
    const cdrs = Array.from({ length: random.int(20) }, (_, id): Cdr => {
      const startMs = (START + random.int(40) * HOUR_MS) as WallMs;
      return { id: String(id), evseUid: "E1", startMs, endMs: (startMs + random.int(4) * HOUR_MS) as WallMs,
        energyWh: random.int(3) * 10_000 };
    }).sort((a, b) => a.startMs - b.startMs);
    const reconciler = new Reconciler(billsOf(cdrs, new Map([["e1", 1]]), new Set([1])).bills, CLASS_B);
    for (let times = 0; times < 60; times += 1) {
      reconciler.reading((START + random.int(48) * HOUR_MS) as WallMs,
        { evseId: random.int(3), energyImportWh: random.int(90_000) }, "evse-output");
    }
    const { sessions, periods } = reconciler.end();
    for (const { differenceWh, allowedWh } of [...sessions, ...periods]) {
      assert.ok(Number.isFinite(differenceWh) && Number.isFinite(allowedWh));
    }
  }
});
