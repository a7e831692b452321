import { normal, seeded, type Seeded, student } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { addBlock, createShiftGrid, jumpNats, shiftGridNats } from "./shift-grid.ts";

/** The formula of the file's header, without logarithms: only for testing, and only for a few blocks. */
function naiveNats(shifts: readonly number[], blocks: readonly { residual: number; scale: number }[]): number {
  const density = (z: number): number => (1 + (z * z) / 4) ** -2.5;
  const ratios = shifts.map((shift) => blocks.reduce(
    (product, { residual, scale }) => product * density((residual - shift) / scale) / density(residual / scale), 1,
  ));
  return Math.log(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length);
}

function natsOf(least: number, most: number, blocks: readonly { residual: number; scale: number }[]): number {
  const grid = createShiftGrid(least, most);
  for (const { residual, scale } of blocks) addBlock(grid, residual, scale);
  return shiftGridNats(grid);
}

test("the grid runs geometrically from the least shift to the most", () => {
  const { shifts } = createShiftGrid(0.04, 1.4);
  assert.is(shifts.length, 12);
  assert.ok(Math.abs(shifts[0]! - 0.04) < 1e-12 && Math.abs(shifts[11]! - 1.4) < 1e-9);
  shifts.slice(2).forEach((shift, i) => {
    assert.ok(Math.abs(shift / shifts[i + 1]! - shifts[1]! / shifts[0]!) < 1e-9);
  });
  assert.equal(new Set(createShiftGrid(2, 1.4).shifts).size, 1);
});

test("no block, no evidence", () => assert.is(natsOf(0.04, 1.4, []), 0));

test("a step is an e-value: its ratio's mean under Student's t with 8 degrees of freedom is 1", () => {
  const scale = 30;
  const constant = 35 / (32 * Math.sqrt(8)); // gamma(9/2) / (sqrt(8 pi) gamma(4))
  const honest = (excess: number): number => (constant / scale) * (1 + (excess / scale) ** 2 / 8) ** -4.5;
  let mean = 0;
  for (let excess = 50; excess < 100_000; excess *= 1.001) {
    mean += Math.exp(jumpNats(excess, scale)) * honest(excess) * 0.001 * excess;
  }
  assert.ok(Math.abs(mean - 1) < 0.01, `${mean}`);
});

test("property: the same as the product over blocks, added up directly", () => {
  const random = seeded(1);
  for (let run = 0; run < 500; run++) {
    const blocks = Array.from({ length: 1 + random.int(12) }, () => (
      { residual: (random.next() - 0.4) * 0.8, scale: 0.01 + random.next() * 0.1 }));
    const { shifts } = createShiftGrid(0.04, 1.4);
    const [fast, naive] = [natsOf(0.04, 1.4, blocks), naiveNats(shifts, blocks)];
    assert.ok(Math.abs(fast - naive) < 1e-6 * Math.max(1, Math.abs(naive)), `run ${run}: ${fast}, ${naive}`);
  }
});

const NOISES: Record<string, (random: Seeded) => number> = {
  "Student's t": (random) => student(random, 4),
  "Gaussian": normal,
  "Gaussian of half the stated scale": (random) => normal(random) / 2,
  "Gaussian with a late report now and then": (random) =>
    normal(random) / 2 + (random.next() < 0.02 ? 6 * (random.next() - 0.5) : 0),
};

for (const [name, draw] of Object.entries(NOISES)) {
  test(`a session is an e-value under noise that is ${name}`, () => {
    const random = seeded(7);
    for (const blocks of [1, 4, 12]) {
      // Shifts of the size of the noise: larger ones make the mean rest on events too rare to draw.
      const values = Array.from({ length: 8_000 }, () => Math.exp(natsOf(0.5, 1.5, Array.from(
        { length: blocks }, () => ({ residual: draw(random), scale: 1 })))));
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      assert.ok(mean <= 1 + 3 * Math.sqrt(variance / values.length), `${blocks} blocks: ${mean}`);
    }
  });
}

test("one gross outlier says a bounded amount, whatever its size, and honest blocks take it back", () => {
  const honest = Array.from({ length: 20 }, () => ({ residual: 0, scale: 0.01 }));
  for (const residual of [0.05, 0.3, 1, 1.5, 10, 1e6, 1e150]) {
    const alone = natsOf(0.04, 1.4, [{ residual, scale: 0.01 }]);
    assert.ok(alone < 22, `${residual}: ${alone}`);
    assert.ok(natsOf(0.04, 1.4, [{ residual, scale: 0.01 }, ...honest]) < 0);
  }
});

test("a common shift adds up over blocks, a shift the other way does not", () => {
  const ahead = Array.from({ length: 10 }, () => ({ residual: 0.1, scale: 0.05 }));
  const behind = ahead.map(({ scale }) => ({ residual: -0.1, scale }));
  assert.ok(natsOf(0.04, 1.4, ahead) > 8);
  assert.ok(natsOf(0.04, 1.4, behind) < -1);
});
