import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, test } from "../../../build/testing.ts";
import { seeded } from "../../../build/seeded.ts";
import { MOST_WAITING, Outbox } from "./outbox.ts";
import { alertWith, freshFolder } from "./outlets.testing.ts";

const fileOf = (): string => join(freshFolder(), "box.jsonl");
const ids = (box: Outbox): string[] => box.all().map(({ id }) => id);

test("what waits is there after a restart, in order, and what was brought is not", () => {
  const file = fileOf();
  const box = new Outbox(file);
  for (const id of ["a", "b", "c"]) box.add({ id, alert: alertWith({ summary: id }) });
  box.done("b");
  const again = new Outbox(file);
  assert.equal(ids(again), ["a", "c"]);
  assert.is(again.all()[1]!.alert.summary, "c");
  again.done("a");
  again.done("c");
  assert.is(readFileSync(file, "utf8"), "", "nothing waits: nothing is kept");
  assert.is(new Outbox(file).size, 0);
});

test("half a line, noise and foreign lines cost only themselves", () => {
  const file = fileOf();
  new Outbox(file).add({ id: "whole", alert: alertWith() });
  appendFileSync(file, `null\n[]\n{"id":"x"}\n{"id":7,"alert":{}}\n-none\n\u0000\n{"id":"half","alert":{"schemaVer`);
  assert.equal(ids(new Outbox(file)), ["whole"]);
  const other = new Outbox(file);
  other.add({ id: "next", alert: alertWith() });
  assert.equal(ids(new Outbox(file)), ["whole", "next"]);
});

test("past the bound updates go first, then the oldest; each is counted", () => {
  const box = new Outbox(fileOf());
  const added = (id: string, state: "raised" | "updated") => box.add({ id, alert: alertWith({ state }) });
  added("old", "raised");
  added("up", "updated");
  for (let n = 2; n < MOST_WAITING; n += 1) assert.is(added(`r${n}`, "raised"), 0);
  assert.is(added("over1", "raised"), 1);
  assert.not(ids(box).includes("up"));
  assert.is(added("over2", "raised"), 1);
  assert.not(ids(box).includes("old"));
  assert.is(box.size, MOST_WAITING);
});

test("a file that cannot be written costs the restart, and nothing else", () => {
  const box = new Outbox(join(freshFolder(), "away", "box.jsonl"));
  assert.is(box.add({ id: "a", alert: alertWith() }), 0);
  assert.equal(ids(box), ["a"]);
  box.done("a");
  assert.is(box.size, 0);
});

test("a folder where the file should be, or an enormous file, is no end", () => {
  assert.is(new Outbox(freshFolder()).size, 0);
  const file = fileOf();
  writeFileSync(file, "x".repeat(20 * 1024 * 1024));
  assert.is(new Outbox(file).size, 0);
});

for (const seed of [1, 2, 3]) {
  test(`whatever is added and done, a restart finds what waits (seed ${seed})`, () => {
    const [dice, file] = [seeded(seed), fileOf()];
    let box = new Outbox(file);
    for (let n = 0; n < 400; n += 1) {
      if (dice.next() < 0.55) box.add({ id: `i${n}`, alert: alertWith({ state: dice.pick(["raised", "updated"]) }) });
      else if (box.size > 0) box.done(dice.pick(ids(box)));
      if (dice.next() > 0.02) continue;
      const before = ids(box);
      box = new Outbox(file);
      assert.equal(ids(box), before);
    }
  });
}
