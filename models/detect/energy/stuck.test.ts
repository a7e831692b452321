import { assert, test } from "../../../build/testing.ts";
import { Bench } from "../detector.testing.ts";
import { energyTheft } from "../energy-theft.ts";

const KEY = "energy-theft";
const EVERY_S = 60;
const HOUR = 3_600;

interface Told {
  /** Share of what flows that the register moves by. */
  readonly share: number;
  /** Whether MeterValues tell of power. */
  readonly power: boolean;
  /** Whether the register moves with the stop alone. */
  readonly atStop?: boolean;
  /** Power is told when it begins and when it has ended, with the register, and not in between. */
  readonly byChange?: boolean;
  readonly minutes?: number;
  /** Length of those after the first that is as told. */
  readonly laterMinutes?: number;
}

/** Twenty honest sessions at 11 kW, and then five as told. */
function after(told: Told): Bench<unknown> {
  const { share, power, atStop = false, byChange = false, minutes = 60, laterMinutes = minutes } = told;
  const bench = new Bench<unknown>(energyTheft);
  let [s, deliveredWh, registerWh] = [0, 0, 70_000];
  for (let n = 0; n < 25; n++) {
    const moves = n < 20 ? 1 : share;
    const transaction = { transactionId: `t${n}`, evseId: 1, offline: false };
    const meter = (powerW: number): unknown => bench.see({ kind: "meter-reading", side: "evse-output",
      reading: { evseId: 1, powerW, energyImportWh: Math.round(deliveredWh) } }, s);
    for (let idle = 0; idle < 60; idle++, s += 120) meter(5);
    bench.see({ kind: "transaction-started", ...transaction, registerWh: Math.round(registerWh) }, s);
    const report = (said: object): unknown => bench.see({ kind: "reported-reading", transactionId: `t${n}`,
      offline: false, reading: { evseId: 1, ...said } }, s);
    const fromWh = registerWh;
    for (let at = 0; at < (n < 20 ? 60 : n === 20 ? minutes : laterMinutes) * 60; at += EVERY_S) {
      s += EVERY_S;
      deliveredWh += (11_000 * EVERY_S) / HOUR;
      registerWh += (moves * 11_000 * EVERY_S) / HOUR;
      meter(11_000);
      const energyImportWh = Math.round(atStop && n >= 20 ? fromWh : registerWh);
      if (byChange ? at > 0 : at % 300 !== 0) continue;
      report({ energyImportWh, ...(power && { powerW: 11_000 }) });
    }
    if (byChange) report({ energyImportWh: Math.round(registerWh), powerW: 0 });
    bench.see({ kind: "transaction-ended", ...transaction, registerWh: Math.round(registerWh) }, s + 1);
    s += 20;
    meter(0);
  }
  return bench;
}

test("a register that stands while the station tells of power is a fault, in long sessions and short ones", () => {
  for (const minutes of [60, 15]) {
    const bench = after({ share: 0, power: true, minutes });
    assert.not.ok(bench.raisedAt.has(KEY), `${minutes} min: ${bench.peak(KEY)}`);
  }
});

test("one that stands while power is told at its beginning alone is a fault; one that moves too little, theft", () => {
  const [stuck, slowed] = [0, 0.7].map((share) => after({ share, power: true, byChange: true }));
  assert.not.ok(stuck!.raisedAt.has(KEY), `${stuck!.peak(KEY)}`);
  assert.ok(slowed!.raisedAt.has(KEY), `${slowed!.peak(KEY)}`);
});

test("a register that stood goes on standing in sessions too short to show it", () => {
  const bench = after({ share: 0, power: true, laterMinutes: 2 });
  assert.not.ok(bench.raisedAt.has(KEY), `${bench.peak(KEY)}`);
  const alone = after({ share: 0, power: true, minutes: 2 });
  assert.ok(alone.raisedAt.has(KEY), `${alone.peak(KEY)}`);
});

test("one that stands without a word, or that moves too little, is theft all the same", () => {
  const thefts: Told[] = [{ share: 0, power: false }, { share: 0.7, power: true },
    { share: 0.7, power: true, atStop: true }];
  for (const told of thefts) {
    const bench = after(told);
    assert.ok(bench.raisedAt.has(KEY), `${JSON.stringify(told)}: ${bench.peak(KEY)}`);
  }
});

test("a register that moves with the stop alone, by all that flowed, is honest", () => {
  const bench = after({ share: 1, power: true, atStop: true });
  assert.not.ok(bench.raisedAt.has(KEY), `${bench.peak(KEY)}`);
});
