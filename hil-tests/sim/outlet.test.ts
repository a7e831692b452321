import { assert, test } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import { HOUR_MS, type WallMs } from "../../models/units.ts";
import { Outlet } from "./outlet.ts";

const at = (hours: number): WallMs => (hours * HOUR_MS) as WallMs;

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected} ± ${tolerance}`);
}

test("a vehicle left alone takes what it wants, then draws nothing", () => {
  const outlet = new Outlet(at(0));
  outlet.close(at(0), 10_000, 7_000);
  outlet.advance(at(48));
  near(outlet.deliveredWh, 10_000, 1);
  assert.is(outlet.powerW, 0);
});

test("energy before the taper is power times time", () => {
  const outlet = new Outlet(at(0));
  outlet.close(at(0), 10_000, 7_000);
  outlet.advance(at(1));
  near(outlet.deliveredWh, 7_000, 1e-6);
  assert.is(outlet.powerW, 7_000);
});

test("the same energy flows however finely time is cut (property, 200 runs)", () => {
  const random = seeded(41);
  for (let run = 0; run < 200; run++) {
    const energyWh = 100 + random.int(60_000);
    const fullW = 1_400 + random.int(50_000);
    const limitW = random.int(2) === 0 ? Number.POSITIVE_INFINITY : fullW * (0.2 + 0.8 * random.next());
    const hours = random.next() * 10;
    const [coarse, fine] = [new Outlet(at(0)), new Outlet(at(0))];
    for (const outlet of [coarse, fine]) {
      outlet.limitW = limitW;
      outlet.close(at(0), energyWh, fullW);
    }
    for (let t = 0; t < hours; t += random.next() * 0.1) fine.advance(at(t));
    fine.advance(at(hours));
    coarse.advance(at(hours));
    near(fine.deliveredWh, coarse.deliveredWh, 0.01 * energyWh * 0.04 + 0.01);
    assert.ok(coarse.deliveredWh <= energyWh + 1 && coarse.powerW <= Math.min(limitW, fullW));
  }
});

test("energy is the integral of power, by a naive sum", () => {
  const outlet = new Outlet(at(0));
  outlet.limitW = 5_000;
  outlet.close(at(0), 20_000, 11_000);
  let sumWh = 0;
  const step = 1 / 3600;
  for (let t = 0; t < 8; t += step) {
    sumWh += outlet.powerW * step;
    outlet.advance(at(t + step));
  }
  near(sumWh, outlet.deliveredWh, 20);
});

test("no limit, no vehicle, no energy: nothing flows, and time may stand still", () => {
  const outlet = new Outlet(at(0));
  outlet.advance(at(5));
  outlet.close(at(5), 0, 7_000);
  outlet.advance(at(6));
  outlet.close(at(6), 5_000, 7_000);
  outlet.limitW = 0;
  outlet.advance(at(7));
  outlet.advance(at(7));
  assert.is(outlet.deliveredWh, 0);
  outlet.limitW = 7_000;
  outlet.advance(at(8));
  assert.ok(outlet.deliveredWh > 4_900);
});
