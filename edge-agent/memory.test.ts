import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import type { WallMs } from "../models/units.ts";
import { CoreBench, crypto, eventfulStory, START, Story } from "./core.testing.ts";
import {
  decodeMemory, encodeMemory, learnedOnly, MAX_MEMORY_CHARS, type Memory, memoryOf, resumedMono,
} from "./memory.ts";

function decoded(text: string): Memory {
  const memory = decodeMemory(text, crypto);
  if (!memory.ok) throw new Error(memory.problem);
  return memory.value;
}

/** A bench that goes on from what another one would have saved. */
function restarted(bench: CoreBench, s: number): CoreBench {
  const memory = decoded(encodeMemory(memoryOf(bench.core.state, bench.now(s)), crypto));
  return new CoreBench({ memory, monoMs: resumedMono(memory, bench.now(s).wallMs) }, s);
}

test("round trip", () => {
  const bench = new CoreBench();
  bench.takeAll(eventfulStory());
  const memory = memoryOf(bench.core.state, bench.now(20_000));
  const again = decoded(encodeMemory(memory, crypto));
  assert.equal(JSON.stringify(again), JSON.stringify({ version: 1, ...memory }));
  assert.ok(encodeMemory(memory, crypto).length < 100_000, "some tens of kilobytes");
});

/** What is told; frames from before a restart are gone, and logs begin anew with each bench. */
function toldBy(bench: CoreBench): unknown[] {
  return bench.effects.flatMap((effect) => (effect.kind === "alert" ? [{ ...effect.alert, evidence: [] }] : []));
}

test("restarts in mid-session, in mid-attack and while incidents are open change nothing of what follows", () => {
  const story = eventfulStory();
  for (const cutS of [1_500, 4_020, 7_000, 10_001, 12_005]) {
    const before = new CoreBench();
    before.takeAll(story.filter(({ s }) => s < cutS));
    const after = restarted(before, cutS);
    after.takeAll(story.filter(({ s }) => s >= cutS));
    before.effects.length = 0;
    before.takeAll(story.filter(({ s }) => s >= cutS));
    assert.equal(toldBy(after), toldBy(before), `cut at ${cutS}`);
    assert.ok(toldBy(after).length > 0);
    const learned = (bench: CoreBench) => JSON.parse(JSON.stringify(bench.core.state.detect)) as unknown;
    assert.equal(learned(after), learned(before), `cut at ${cutS}`);
  }
});

test("evidence from before a restart never points at a frame that came after it", () => {
  const before = new CoreBench();
  const story = new Story();
  for (let n = 0; n < 8; n++) story.guess(5 * n, `G-${n}`);
  before.takeAll(story.inOrder());
  const after = restarted(before, 60);
  const rest = new Story();
  for (let n = 0; n < 30; n++) rest.call(61 + 0.3 * n, "station", "Heartbeat", {}, { currentTime: "" });
  for (let n = 0; n < 20; n++) rest.guess(80 + 4 * n, `H-${n}`);
  const alert = after.takeAll(rest.inOrder()).flatMap((one) => (one.kind === "alert" ? [one.alert] : []))[0]!;
  const logged = after.effects.flatMap((one) => (one.kind === "append" ? [...one.entries] : []))
    .map((bytes) => Buffer.from(bytes).toString("latin1"));
  assert.ok(alert.evidence.length > 0);
  assert.not.ok(logged.some((entry) => entry.includes("Heartbeat")), "no frame that has nothing to do with it");
});

test("what `learn` hands on is what was learned and nothing else", () => {
  const bench = new CoreBench();
  bench.takeAll(eventfulStory().filter(({ s }) => s < 10_500));
  const memory = memoryOf(bench.core.state, bench.now(10_500));
  const learned = learnedOnly(memory);
  assert.ok(memory.transactions.length > 0 && Object.keys(memory.raised).length > 0);
  const rest = [learned.opine, learned.raised, learned.incidents, learned.transactions, learned.evses];
  assert.equal(rest, [{}, {}, {}, [], []]);
  assert.is(learned.detect, memory.detect);
});

test("damage is told: every byte flipped, every cut, and what never was one", () => {
  const whole = encodeMemory(memoryOf(new CoreBench().core.state, new CoreBench().now(0)), crypto);
  const bytes = Buffer.from(whole);
  const random = seeded(1);
  for (let at = 0; at < bytes.length; at += at < 200 ? 1 : 7) {
    const damaged = Buffer.from(bytes);
    damaged[at] = damaged[at]! ^ (1 << random.int(7));
    assert.not.ok(decodeMemory(damaged.toString(), crypto).ok, `byte ${at}`);
  }
  for (let length = 0; length < whole.length; length += length < 200 ? 1 : 13) {
    assert.not.ok(decodeMemory(whole.slice(0, length), crypto).ok, `cut at ${length}`);
  }
  for (const text of ["", "\n\n", "{}", "sha256:00\n{}\n", `${whole}\n`, `\n${whole}`, whole.replace("\n", "\r\n")]) {
    assert.not.ok(decodeMemory(text, crypto).ok, JSON.stringify(text.slice(0, 20)));
  }
  assert.ok(decodeMemory(whole, crypto).ok);
});

test("another version and a monstrous file are refused with the reason", () => {
  const memory = memoryOf(new CoreBench().core.state, new CoreBench().now(0));
  const other = decodeMemory(encodeMemory({ ...memory, version: 2 } as unknown as Memory, crypto), crypto);
  assert.match(other.ok ? "" : other.problem, /version 2/);
  const monstrous = decodeMemory("x".repeat(MAX_MEMORY_CHARS + 1), crypto);
  assert.match(monstrous.ok ? "" : monstrous.problem, /characters/);
});

test("durations go on over an absence, which never counts backwards and ends after ninety days", () => {
  const memory = memoryOf(new CoreBench().core.state, { ...new CoreBench().now(0), monoMs: 5_000 as never });
  const after = (seconds: number): number => resumedMono(memory, (START + seconds * 1_000) as WallMs) - 5_000;
  assert.equal([0, 1, 3_600, -3_600, -1e9].map(after), [0, 1_000, 3_600_000, 0, 0]);
  assert.is(after(1e12), 90 * 86_400_000);
});

test("a memory that is whole and lacks a part, as another release's might, is refused by that part's name", () => {
  const memory = memoryOf(new CoreBench().core.state, new CoreBench().now(0));
  const parts =
    ["since", "savedAt", "monoMs", "detect", "opine", "raised", "incidents", "transactions", "evses"] as const;
  for (const part of parts) {
    for (const value of [undefined, null, "x"]) {
      const found = decodeMemory(encodeMemory({ ...memory, [part]: value } as unknown as Memory, crypto), crypto);
      assert.is(found.ok ? "" : found.problem, `${part} is missing or malformed`);
    }
  }
});
