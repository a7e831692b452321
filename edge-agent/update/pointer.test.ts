import { assert, test } from "../../build/testing.ts";
import {
  decodePointer, encodePointer, kept, MOST_STARTS, nextStart, NO_RELEASES, type Pointer, rolledBack, type ReleaseRef,
  takenBack, withTrial,
} from "./pointer.ts";

const ref = (sequence: number): ReleaseRef =>
  ({ hash: String(sequence).repeat(64).slice(0, 64), sequence, name: `0.${sequence}.0` });
const whole = (): boolean => true;
const tried = (sequence: number, before: Pointer = NO_RELEASES): Pointer =>
  withTrial(before, ref(sequence), ["operator/a"]);
const running = (sequence: number, before: Pointer = NO_RELEASES): Pointer =>
  kept(nextStart(tried(sequence, before), whole).pointer, "well");

test("a trial that is never found healthy is started three times, and then what ran before", () => {
  let pointer = tried(2, running(1));
  const started: (number | undefined)[] = [];
  for (let start = 0; start < MOST_STARTS + 2; start++) {
    const next = nextStart(pointer, whole);
    started.push(next.release?.sequence);
    pointer = next.pointer;
  }
  assert.equal(started, [2, 2, 2, 1, 1]);
  assert.is(pointer.trial, undefined);
  assert.match(pointer.steps.at(-1) ?? "", /taken back, started 3 times and never found healthy; release 1/);
});

test("a trial that was kept runs, and what ran before stays for the way back", () => {
  const pointer = running(2, running(1));
  assert.is(nextStart(pointer, whole).release?.sequence, 2);
  assert.not.ok(nextStart(pointer, whole).onTrial);
  assert.is(rolledBack(pointer).active?.sequence, 1);
  assert.is(rolledBack(rolledBack(pointer)).active, undefined);
  assert.is(rolledBack(NO_RELEASES), NO_RELEASES);
});

test("what is damaged is never started: of the trial, of what runs, of all", () => {
  const pointer = tried(3, running(2, running(1)));
  const without = (...sequences: number[]) => ({ sequence }: ReleaseRef): boolean => !sequences.includes(sequence);
  assert.is(nextStart(pointer, without(3)).release?.sequence, 2);
  assert.is(nextStart(pointer, without(2, 3)).release?.sequence, 1);
  assert.is(nextStart(pointer, () => false).release, undefined);
  assert.match(nextStart(pointer, () => false).pointer.steps.join("\n"), /damaged and not started/);
});

test("the highest number stays, whatever is taken back: no release comes twice", () => {
  const pointer = takenBack(tried(5, running(4)), "no frames");
  assert.is(pointer.newest, 5);
  assert.is(rolledBack(pointer).newest, 5);
  assert.is(pointer.active?.sequence, 4);
});

test("steps that nobody logs stay bounded", () => {
  let pointer = NO_RELEASES;
  for (let round = 0; round < 100; round++) pointer = takenBack(tried(round, pointer), "no frames");
  assert.is(pointer.steps.length, 32);
});

test("a pointer is read as it was written, and nothing else is", () => {
  const pointer = tried(3, running(2, running(1)));
  assert.equal(decodePointer(encodePointer(pointer)), pointer);
  const wrong = [
    "", "{", "[]", "null", "{}", encodePointer({ ...pointer, version: 2 } as unknown as Pointer),
    encodePointer({ ...pointer, active: { ...ref(1), hash: "../../etc/passwd" } }),
    encodePointer({ ...pointer, steps: [1] } as unknown as Pointer),
    encodePointer({ ...pointer, trial: { release: ref(1) } } as unknown as Pointer),
  ];
  for (const text of wrong) assert.is(decodePointer(text), undefined, text);
});
