import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, test } from "../../../build/testing.ts";
import type { Random } from "../../ports.ts";
import { HandTime } from "../mesh.testing.ts";
import {
  CARRY_WITHIN_MS, type Carrier, Courier, FIRST_WAIT_MS, LAST_WAIT_MS, type Load, Refused, Unwilling, waitMs,
} from "./courier.ts";
import { MOST_WAITING } from "./outbox.ts";
import { alertWith, freshFolder } from "./outlets.testing.ts";

const NO_CHANCE: Random = { bytes: (length) => new Uint8Array(length) };
const DAY_MS = 86_400_000;

/** Lets promises that are settled run on. */
const settle = async (): Promise<void> => {
  for (let n = 0; n < 20; n += 1) await Promise.resolve();
};

/** A receiver that does what the test says next: takes it, or throws. */
class Hand implements Carrier {
  readonly loads: Load[] = [];
  answer: (load: Load, signal: AbortSignal) => Promise<void> = () => Promise.resolve();

  carry(load: Load, signal: AbortSignal): Promise<void> {
    this.loads.push(load);
    return this.answer(load, signal);
  }

  probe(): Promise<string> {
    return Promise.resolve("there");
  }

  get ids(): string[] {
    return this.loads.map(({ id }) => id);
  }
}

function world(digestMs = 0, file = join(freshFolder(), "box.jsonl")) {
  const [time, carrier, notices] = [new HandTime(), new Hand(), [] as string[]];
  const ports = { clock: time, timers: time, random: NO_CHANCE, notice: (text: string) => void notices.push(text) };
  const courier = new Courier({ name: "hook", carrier, file, digestMs }, ports);
  const later = async (ms: number): Promise<void> => {
    time.advance(ms);
    await settle();
  };
  return { time, carrier, notices, courier, later, file, ports };
}

test("each alert is brought once, in order, and nothing is left in the file", async () => {
  const { courier, carrier, file } = world();
  for (const id of ["a", "b", "c"]) courier.send(alertWith(), id);
  await settle();
  assert.equal(carrier.ids, ["a", "b", "c"]);
  assert.equal(courier.stats(), { sent: 3, dropped: 0 });
  assert.is(readFileSync(file, "utf8"), "");
});

test("a receiver that is away is tried again after twice the time, up to five minutes, with the same id", async () => {
  const { courier, carrier, later, notices } = world();
  carrier.answer = () => Promise.reject(new Error("connect ECONNREFUSED"));
  courier.send(alertWith(), "a");
  await settle();
  courier.send(alertWith(), "b");
  await settle();
  assert.is(carrier.loads.length, 1, "another alert is no reason to knock sooner");
  for (let wait = FIRST_WAIT_MS, tried = 1; tried < 12; wait = Math.min(LAST_WAIT_MS, wait * 2), tried += 1) {
    await later(wait - 1);
    assert.is(carrier.loads.length, tried);
    await later(1);
    assert.is(carrier.loads.length, tried + 1);
  }
  assert.equal([...new Set(carrier.ids)], ["a"]);
  assert.is(courier.stats().waiting, 2);
  assert.match(courier.stats().lastError ?? "", "ECONNREFUSED");
  assert.is(notices.length, 2, "and it is said now and then");
  carrier.answer = () => Promise.resolve();
  await later(LAST_WAIT_MS);
  assert.equal([courier.stats().sent, courier.stats().dropped], [2, 0]);
});

test("the wait is shorter by up to half, by chance", () => {
  const of = (byte: number) => waitMs(2, { bytes: () => Uint8Array.of(byte) });
  assert.equal([of(0), of(128), of(255)], [4_000, 3_000, 2_008]);
  assert.is(waitMs(1_000, NO_CHANCE), LAST_WAIT_MS);
});

test("beyond the bound it drops and counts, and delays nobody", async () => {
  const { courier, carrier } = world();
  carrier.answer = () => new Promise(() => undefined);
  for (let n = 0; n < MOST_WAITING + 10; n += 1) courier.send(alertWith(), `i${n}`);
  assert.equal(courier.stats(), { sent: 0, dropped: 10, waiting: MOST_WAITING });
});

test("a receiver that never answers is given up after half a minute", async () => {
  const { courier, carrier, later } = world();
  carrier.answer = (_load, signal) => new Promise((_resolve, reject) =>
    signal.addEventListener("abort", () => reject(new Error("aborted"))));
  courier.send(alertWith(), "a");
  await later(CARRY_WITHIN_MS);
  assert.is(courier.stats().lastError, "took longer than 30 s");
  carrier.answer = () => Promise.resolve();
  await later(FIRST_WAIT_MS);
  assert.is(courier.stats().sent, 1);
});

test("an alert that would never be taken is left out, counted, and the next goes", async () => {
  const { courier, carrier, notices } = world();
  carrier.answer = ({ id }) => (id === "bad" ? Promise.reject(new Refused("HTTP 422")) : Promise.resolve());
  for (const id of ["bad", "good"]) courier.send(alertWith(), id);
  await settle();
  assert.equal(courier.stats(), { sent: 1, dropped: 1, lastError: "HTTP 422" });
  assert.match(notices[0] ?? "", "was refused and left out (HTTP 422)");
});

test("a receiver that knows no such thing is asked no more, and what is not sent is counted", async () => {
  const { courier, carrier, later, notices } = world();
  carrier.answer = () => Promise.reject(new Unwilling("the CSMS does not know it (NotImplemented)"));
  for (const id of ["a", "b"]) courier.send(alertWith(), id);
  await settle();
  courier.send(alertWith(), "c");
  await later(DAY_MS);
  assert.is(carrier.loads.length, 1);
  assert.equal([courier.stats().dropped, courier.stats().waiting], [3, undefined]);
  assert.match(notices[0] ?? "", /NotImplemented.*nothing more is sent there until the next start/);
});

test("after a stop in the middle, the next start brings the rest; what was under way comes again", async () => {
  const first = world();
  first.carrier.answer = (_load, signal) => new Promise((_resolve, reject) =>
    signal.addEventListener("abort", () => reject(new Error("aborted"))));
  for (const id of ["a", "b"]) first.courier.send(alertWith(), id);
  await first.courier.close();
  first.courier.send(alertWith(), "late");
  const second = world(0, first.file);
  await second.later(FIRST_WAIT_MS);
  assert.equal(second.carrier.ids, ["a", "b"]);
});

test("what is low goes together at the end of the day, and what is not goes at once", async () => {
  const { courier, carrier, later, time } = world(DAY_MS);
  for (const id of ["l1", "l2"]) courier.send(alertWith({ severity: "low" }), id);
  courier.send(alertWith({ severity: "high" }), "h");
  courier.send(alertWith({ severity: "info" }), "i1");
  await settle();
  assert.equal(carrier.ids, ["h"]);
  await later(DAY_MS - time.wallMs() - 1);
  assert.is(carrier.loads.length, 1);
  await later(1);
  assert.equal(carrier.loads.slice(1).map(({ alerts }) => alerts.length), [3]);
  assert.equal(courier.stats(), { sent: 4, dropped: 0 });
});

test("a clock that was set back by years holds no digest back for years", async () => {
  const first = world(DAY_MS);
  first.time.advance(900 * DAY_MS);
  first.courier.send(alertWith({ severity: "low" }), "l");
  await first.courier.close();
  const second = world(DAY_MS, first.file);
  await second.later(FIRST_WAIT_MS);
  assert.equal(second.carrier.ids, ["l"]);
});
