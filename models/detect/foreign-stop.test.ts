import { assert, test } from "../../build/testing.ts";
import { Bench, type Seen, token } from "./detector.testing.ts";
import { sessionSpoofing, type SessionSpoofing } from "./session-spoofing.ts";

const MINUTE = 60;
const HOUR = 3_600;
const KEY = "session-spoofing";

/** One EVSE with a meter: sessions that are stopped, and what comes after. */
class Charger {
  readonly bench: Bench<SessionSpoofing> = new Bench(sessionSpoofing);
  s = 0;
  wh = 40_000;
  #no = 0;
  #said = 0;

  see(seen: Seen): number {
    const nats = this.bench.see(seen, this.s).reduce((sum, one) => sum + one.nats, 0);
    this.#said += nats;
    return nats;
  }

  run(minutes: number, powerW: number, transactionId?: string): void {
    for (let n = 0; n < minutes; n++) {
      this.s += MINUTE;
      this.wh += powerW / MINUTE;
      const reading = { evseId: 1, powerW, energyImportWh: Math.round(this.wh) };
      this.see({ kind: "meter-reading", side: "evse-output", reading });
      if (transactionId !== undefined) this.see({ kind: "reported-reading", reading, transactionId, offline: false });
      this.see({ kind: "tick" });
    }
  }

  /** What is said meanwhile, nats. */
  rise(doing: () => void): number {
    const before = this.#said;
    doing();
    return this.#said - before;
  }

  start(): string {
    const transactionId = `t${this.#no++}`;
    this.see({ kind: "status", evseId: 1, status: "Occupied" });
    this.see({ kind: "authorization", source: "Authorize", token: token(1), outcome: "accepted", status: "Accepted" });
    this.see({ kind: "transaction-started", transactionId, evseId: 1, token: token(1), offline: false,
      registerWh: Math.round(this.wh) });
    return transactionId;
  }

  stop(transactionId: string, by = 1, offline = false): void {
    this.see({ kind: "transaction-ended", transactionId, evseId: 1, token: token(by), offline,
      registerWh: Math.round(this.wh) });
  }

  session(): void {
    const id = this.start();
    this.run(40, 7_000, id);
    this.stop(id);
    this.see({ kind: "status", evseId: 1, status: "Available" });
    this.run(60, 5);
  }

  lived(): this {
    for (let n = 0; n < 20; n++) this.session();
    return this;
  }
}

test("a transaction that is stopped in its station's name and charges on is told in minutes, whosever the card", () => {
  for (const by of [1, 2]) {
    const charger = new Charger().lived();
    const id = charger.start();
    charger.run(20, 7_000, id);
    charger.stop(id, by);
    const fromS = charger.s;
    charger.run(30, 7_000, id);
    assert.ok((charger.bench.raisedAt.get(KEY) ?? Infinity) - fromS < 10 * MINUTE, `${charger.bench.peak(KEY)}`);
    const { says } = charger.bench.findings.filter(({ nats }) => nats > 3).at(-1)!;
    assert.is(says, "a transaction was stopped, and the charging went on");
  }
});

test("where a station reports at the end alone, the stop that comes hours later tells of one that charged on", () => {
  const charger = new Charger().lived();
  const id = charger.start();
  charger.run(20, 7_000);
  charger.stop(id);
  charger.run(200, 7_000);
  charger.run(30, 5);
  assert.ok(!charger.bench.raisedAt.has(KEY));
  charger.stop(id);
  assert.ok(charger.bench.raisedAt.has(KEY), `${charger.bench.peak(KEY)}`);
});

test("what else the meter feeds is no current that flows on after a stop, and hides none that does", () => {
  const charger = new Charger().lived();
  const ended = (restW: number, afterW: number): number => {
    charger.run(30, restW);
    const id = charger.start();
    charger.run(40, restW + 7_000, id);
    charger.run(20, restW + 200, id);
    charger.run(10, afterW, id);
    charger.stop(id);
    return charger.rise(() => charger.run(10, afterW));
  };
  assert.ok(ended(4_000, 4_000) <= 0);
  assert.ok(ended(4_000, 4_200) <= 0);
  assert.ok(ended(4_000, 11_000) > 3);
});

test("without a meter, stop after stop of transactions that are reported on add up", () => {
  const charger = new Charger();
  const told = (id: string): void => void charger.see({ kind: "reported-reading", transactionId: id, offline: false,
    reading: { evseId: 1, powerW: 7_000, energyImportWh: Math.round((charger.wh += 600)) } });
  for (let n = 0; n < 6; n++) {
    const id = charger.start();
    told(id);
    charger.stop(id, 2);
    charger.s += 5 * MINUTE;
    told(id);
    charger.s += 2 * HOUR;
  }
  assert.ok(charger.bench.raisedAt.has(KEY), `${charger.bench.peak(KEY)}`);
});

const HONEST: Record<string, (charger: Charger) => void> = {
  "sessions that end with their current": (charger) => void charger.lived(),
  "a household whose members stop each other's": (charger) => {
    for (let n = 0; n < 40; n++) {
      const id = charger.start();
      charger.run(40, 7_000, id);
      charger.stop(id, n % 3 === 0 ? 2 : 1);
      charger.run(60, 5);
    }
  },
  "the next vehicle at once": (charger) => {
    for (let n = 0; n < 40; n++) {
      const id = charger.start();
      charger.run(30, 7_000, id);
      charger.stop(id);
      charger.run(2, 0);
    }
  },
  "a transaction that is split in two": (charger) => {
    for (let n = 0; n < 40; n++) {
      const id = charger.start();
      charger.run(30, 7_000, id);
      charger.stop(id);
    }
  },
  "readings after the stop, and stops that are sent again": (charger) => {
    for (let n = 0; n < 40; n++) {
      const id = charger.start();
      charger.run(30, 7_000, id);
      charger.stop(id);
      charger.run(5, 3, id);
      charger.stop(id);
      charger.run(20, 3);
    }
  },
  "stops that waited for the link": (charger) => {
    for (let n = 0; n < 10; n++) {
      const id = charger.start();
      charger.run(30, 7_000, id);
      charger.stop(id, 1, true);
      charger.run(10, 7_000);
      charger.run(30, 5);
    }
  },
  "a link that breaks with the stop": (charger) => {
    charger.lived();
    for (let n = 0; n < 10; n++) {
      const id = charger.start();
      charger.run(30, 7_000, id);
      charger.stop(id);
      charger.see({ kind: "link", state: "disconnect" });
      charger.run(5, 7_000);
      charger.see({ kind: "link", state: "connect" });
      charger.run(200, 5);
    }
  },
};

for (const [name, story] of Object.entries(HONEST)) {
  test(`honest: ${name}`, () => {
    const charger = new Charger();
    story(charger);
    assert.ok(charger.bench.peak(KEY) < 0.7, `${charger.bench.peak(KEY)}`);
  });
}

test("another's starts under the id of a transaction that runs are told by the third", () => {
  const charger = new Charger().lived();
  const id = charger.start();
  charger.run(5, 7_000, id);
  for (let n = 0; n < 3; n++) {
    charger.s += 30;
    const of = { transactionId: id, evseId: 1, token: token(7 + n), registerWh: 1, offline: false };
    charger.see({ kind: "transaction-started", ...of });
  }
  assert.ok(charger.bench.raisedAt.has(KEY), `${charger.bench.peak(KEY)}`);
});
