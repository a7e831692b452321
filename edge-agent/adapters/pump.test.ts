/** The pump alone, on streams that note what is done to them and when. */
import { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { assert, test } from "../../build/testing.ts";
import { passOn, pump } from "./pump.ts";

/** One side of a connection, in memory: what is written to it is noted at once and taken when the test says so. */
class Side extends Duplex {
  readonly got: string[] = [];
  readonly #name: string;
  readonly #log: string[];
  readonly #slow: boolean;
  readonly #taken: (() => void)[] = [];
  #stalled: (() => void) | undefined;

  constructor(name: string, log: string[], slow = false) {
    super({ highWaterMark: 8 });
    this.#name = name;
    this.#log = log;
    this.#slow = slow;
    this.on("error", () => undefined);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#log.push(`${this.#name} gets ${chunk.toString()}`);
    this.got.push(chunk.toString());
    if (this.#slow) this.#taken.push(done);
    else done();
  }

  takeAll(): void {
    this.#taken.splice(0).forEach((done) => done());
  }

  destroySoon(): void {
    this.#log.push(`${this.#name} is dropped`);
    this.destroy();
  }

  setTimeout(_ms: number, stalled: () => void): this {
    this.#stalled = stalled;
    return this;
  }

  /** As when nothing moved for `stallMs`. */
  stall(): void {
    this.#stalled?.();
  }
}

const socket = (side: Side): Socket => side as unknown as Socket;
const gone = (side: Side): Promise<void> => new Promise((resolve) => side.once("close", () => resolve()));
const NOTHING = { "cp-to-csms": Buffer.alloc(0), "csms-to-cp": Buffer.alloc(0) };
const LIMITS = { lingerMs: 60_000, stallMs: 60_000 };

test("bytes are written to the other side before anything looks at the copy, early ones too", async () => {
  const log: string[] = [];
  const [charger, csms] = [new Side("charger", log), new Side("csms", log)];
  const seen = (direction: string, chunk: Buffer): void => void log.push(`seen ${direction} ${chunk.toString()}`);
  const first = { "cp-to-csms": Buffer.from("early"), "csms-to-cp": Buffer.from("first") };
  const done = pump(socket(charger), socket(csms), first, { ...LIMITS, seen });
  charger.push("up");
  csms.push("down");
  charger.push(null);
  csms.push(null);
  await done;
  const ways = [["cp-to-csms", "csms", ["early", "up"]], ["csms-to-cp", "charger", ["first", "down"]]] as const;
  for (const [way, to, texts] of ways) {
    const mine = log.filter((line) => line.startsWith(`${to} gets`) || line.startsWith(`seen ${way}`));
    assert.equal(mine, texts.flatMap((text) => [`${to} gets ${text}`, `seen ${way} ${text}`]));
  }
});

test("a side that takes nothing stops the reading of the other, and what waits follows in order", async () => {
  const log: string[] = [];
  const [from, to] = [new Side("from", log), new Side("to", log, true)];
  passOn(socket(from), socket(to), Buffer.alloc(0), () => undefined, () => undefined);
  from.push("0123456789");
  await new Promise((resolve) => from.once("pause", resolve));
  from.push("more");
  assert.equal(to.got, ["0123456789"]);
  const resumed = new Promise((resolve) => from.once("resume", resolve));
  to.takeAll();
  await resumed;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(to.got, ["0123456789", "more"]);
});

test("a side that stalls is dropped only when data waits for it, and the other goes with it", async () => {
  const log: string[] = [];
  const [charger, csms] = [new Side("charger", log), new Side("csms", log, true)];
  const done = pump(socket(charger), socket(csms), NOTHING, { ...LIMITS, seen: () => undefined });
  charger.stall();
  csms.stall();
  assert.not.ok(charger.destroyed || csms.destroyed);
  charger.push("0123456789");
  await new Promise((resolve) => charger.once("pause", resolve));
  csms.stall();
  await Promise.all([gone(charger), done]);
  assert.equal(log.slice(1), ["charger is dropped", "csms is dropped"]);
});

test("a side that is gone before it begins drops the other", async () => {
  const log: string[] = [];
  const [charger, csms] = [new Side("charger", log), new Side("csms", log)];
  const away = gone(charger);
  charger.destroy();
  await away;
  await pump(socket(charger), socket(csms), NOTHING, { ...LIMITS, seen: () => undefined });
  assert.ok(csms.destroyed);
});
