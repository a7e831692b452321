import { assert, test } from "../../build/testing.ts";
import { FlowMeter } from "./flow.ts";

function metered(): { flow: FlowMeter; to(ms: number): void } {
  let now = 5_000_000;
  const start = now;
  return { flow: new FlowMeter(() => now), to: (ms) => void (now = start + ms) };
}

test("nothing went: no rate, and no division by the time that has not passed", () => {
  assert.equal(metered().flow.stats(), { messages: 0, bytes: 0, messagesPerS: 0, bytesPerS: 0 });
});

test("in the first second the rate is what went, not a multiple of it", () => {
  const { flow, to } = metered();
  flow.add(700);
  to(10);
  assert.equal(flow.stats(), { messages: 1, bytes: 700, messagesPerS: 1, bytesPerS: 700 });
});

test("a steady flow has its rate at any moment, and totals that grow", () => {
  const { flow, to } = metered();
  for (let s = 1; s <= 600; s++) {
    to(s * 1_000);
    flow.add(100);
    flow.add(300);
    const { messages, bytes, messagesPerS, bytesPerS } = flow.stats();
    assert.equal([messages, bytes], [2 * s, 400 * s]);
    assert.ok(Math.abs(messagesPerS - 2) < 0.04 && Math.abs(bytesPerS - 400) < 8, `${s} s: ${bytesPerS}`);
  }
});

test("a burst is forgotten after two minutes, also when nobody asked meanwhile", () => {
  const { flow, to } = metered();
  for (let i = 0; i < 6_000; i++) flow.add(10);
  to(60_000);
  assert.is(flow.stats().messagesPerS, 100);
  to(119_999);
  assert.ok(flow.stats().messagesPerS > 49);
  to(120_000);
  assert.is(flow.stats().messagesPerS, 0);
  assert.is(flow.stats().messages, 6_000);
  to(3_600_000);
  flow.add(10);
  assert.ok(flow.stats().messagesPerS < 0.001, "one message in an hour");
});
