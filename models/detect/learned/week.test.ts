import { seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { DAY_MS, type MonotonicMs, type Now, type WallMs } from "../../units.ts";
import { createWeek, noteSessionOf, ofWeek, tailNats, yearsOfWeek } from "./week.ts";

const at = (days: number): Now => ({ wallMs: 0 as WallMs, monoMs: Math.round(days * DAY_MS) as MonotonicMs });

/** P(X >= k), term by term. */
function tail(k: number, n: number, p: number): number {
  let [sum, term] = [0, (1 - p) ** n];
  for (let i = 0; i <= n; i++) {
    if (i >= k) sum += term;
    term *= ((n - i) * p) / ((i + 1) * (1 - p));
  }
  return sum;
}

test("the bound is above the binomial tail, and within a fifth of it where the tail is small", () => {
  for (const n of [1, 5, 30, 100, 700]) {
    for (const p of [0.002, 0.004, 0.03, 0.3]) {
      for (let k = 1; k <= Math.min(n, 40); k++) {
        const [bound, exact] = [Math.exp(tailNats(k, n, p)), tail(k, n, p)];
        assert.ok(bound >= exact * (1 - 1e-9), `${k} of ${n} at ${p}: ${bound} < ${exact}`);
        if (exact < 1e-4 && exact > 1e-250) assert.ok(bound < 1.2 * exact, `${k} of ${n} at ${p}: ${bound} / ${exact}`);
      }
    }
  }
  assert.equal([tailNats(0, 5, 0.1), tailNats(6, 5, 0.1), tailNats(1, 100, 0.5)], [0, 0, 0]);
  assert.equal([tailNats(5, 5, 1), tailNats(4, 5, 1), tailNats(5, 5, 1.2)], [0, 0, 0], "what always comes is no news");
});

test("seven days are remembered, and a clock that went back begins anew", () => {
  const week = createWeek();
  for (let day = 0; day < 30; day++) for (let n = 0; n < 3; n++) noteSessionOf(week, n === 0, at(day + n / 4));
  assert.equal([week.days.length, ofWeek(week)], [7, { befell: 7, sessions: 21 }]);
  assert.ok(week.past[1] > 55 && week.past[1] < 69 && Math.abs(3 * week.past[0] - week.past[1]) < 1e-9);
  noteSessionOf(week, true, at(0));
  assert.equal(ofWeek(week), { befell: 1, sessions: 1 });
  assert.ok(week.past[1] > 70);
});

test("honest weeks come to so many acts no oftener than the years say", () => {
  const random = seeded(71);
  const [share, aDay, years, ofYears] = [0.02, 6, 400, 20];
  let shown = 0;
  const week = createWeek();
  for (let day = 0; day < years * 365; day++) {
    for (let n = 0; n < aDay; n++) {
      const befell = random.next() < share;
      noteSessionOf(week, befell, at(day));
      if (befell && yearsOfWeek(ofWeek(week), share) >= ofYears) shown += 1;
    }
  }
  assert.ok(shown > 0 && shown <= 1.5 * (years / ofYears), `${shown}`);
});
