import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { Bench, type Seen, survivesRestarts, token, withstands } from "./detector.testing.ts";
import { sessionSpoofing, type SessionSpoofing } from "./session-spoofing.ts";

const MINUTE = 60;
const HOUR = 3_600;
const KEY = "session-spoofing";

interface Told {
  readonly minutes?: number;
  readonly powerW?: number;
  /** Steps that are left out, and what the meter does. */
  readonly vehicle?: boolean;
  readonly authorised?: boolean | "remote" | "late";
  readonly reports?: boolean;
  readonly meter?: "counts" | "stands" | "none";
  readonly id?: string;
  readonly stop?: boolean;
  readonly offline?: boolean;
  readonly registers?: boolean;
  readonly occupied?: string;
  readonly restS?: number;
}
const SPOOFED: Told = { vehicle: false, authorised: false, meter: "stands" };

class Station {
  readonly bench: Bench<SessionSpoofing>;
  s = 0;
  meterWh = 80_000;
  billedWh = 4_000;
  #no = 0;

  constructor(bench: Bench<SessionSpoofing> = new Bench(sessionSpoofing)) {
    this.bench = bench;
  }

  see(seen: Seen): number {
    return this.bench.see(seen, this.s).reduce((sum, { nats }) => sum + nats, 0);
  }

  /** One session; returns its evidence. */
  session(told: Told = {}): number {
    const { minutes = 45, powerW = 7_000, vehicle = true, authorised = true, reports = true, meter = "counts" } = told;
    const transactionId = told.id ?? `t${this.#no++}`;
    const { offline = false, registers = true, occupied = "Occupied" } = told;
    const before = this.bench.total(KEY);
    const of = { transactionId, evseId: 1, offline };
    const authorize = (): number => this.see(
      { kind: "authorization", source: "Authorize", token: token(1), outcome: "accepted", status: "Accepted" });
    if (vehicle) this.see({ kind: "status", evseId: 1, status: occupied });
    if (authorised === true) authorize();
    if (authorised === "remote") this.see({ kind: "command", command: "remote-start", outcome: "accepted" });
    this.read(meter);
    const register = () => (registers ? { registerWh: Math.round(this.billedWh) } : {});
    this.see({ kind: "transaction-started", ...of, ...register() });
    for (let minute = 1; minute <= minutes; minute++) {
      this.s += MINUTE;
      if (authorised === "late" && minute === 1) authorize();
      this.billedWh += powerW / MINUTE;
      if (meter === "counts") this.meterWh += powerW / MINUTE;
      this.read(meter);
      const reading = { evseId: 1, powerW, energyImportWh: Math.round(this.billedWh) };
      if (reports) this.see({ kind: "reported-reading", reading, transactionId, offline });
      this.see({ kind: "tick" });
    }
    if (told.stop !== false) this.see({ kind: "transaction-ended", ...of, ...register() });
    if (vehicle) this.see({ kind: "status", evseId: 1, status: "Available" });
    this.s += told.restS ?? 2 * HOUR;
    return this.bench.total(KEY) - before;
  }

  read(meter: Told["meter"]): void {
    const reading = { evseId: 1, powerW: 0, energyImportWh: Math.round(this.meterWh) };
    if (meter !== "none") this.see({ kind: "meter-reading", reading, side: "evse-output" });
  }

  lived(sessions = 40, told: Told = {}): this {
    this.see({ kind: "status", evseId: 1, status: "Available" });
    for (let n = 0; n < sessions; n++) this.session(told);
    return this;
  }
}

test("a transaction out of nothing, billed and not metered, is told by the end of the second", () => {
  for (const past of [0, 5, 40, 300]) {
    const station = new Station().lived(Math.max(1, past));
    station.session(SPOOFED);
    station.session();
    station.session(SPOOFED);
    assert.ok(station.bench.raisedAt.has(KEY), `after ${past}: ${station.bench.peak(KEY)}`);
  }
});

test("what an EVSE said before the link was lost stands, so that nobody's transactions are told after it", () => {
  const station = new Station().lived();
  station.see({ kind: "link", state: "disconnect" });
  station.s += MINUTE;
  station.see({ kind: "link", state: "connect" });
  station.s += HOUR;
  for (let n = 0; n < 4; n++) station.session({ vehicle: false, authorised: false, powerW: 0, minutes: 9 });
  assert.ok(station.bench.raisedAt.has(KEY), `${station.bench.peak(KEY)}`);
});

test("with every step of the grammar forged it takes some sessions, and says what the meter saw", () => {
  const station = new Station().lived();
  for (let n = 0; n < 16; n++) {
    station.session({ meter: "stands" });
    station.session();
  }
  assert.ok(station.bench.raisedAt.has(KEY), `${station.bench.peak(KEY)}`);
  assert.match(station.bench.findings.filter(({ nats }) => nats > 2).at(-1)!.says, /the meter saw nothing/);
});

test("a flood of empty transactions without vehicle or card is told within hours, with or without a meter", () => {
  for (const meter of ["counts", "none"] as const) {
    const station = new Station().lived(40, { meter });
    const fromS = station.s;
    for (let n = 0; n < 30; n++) {
      station.session({ vehicle: false, authorised: false, powerW: 0, minutes: 1, reports: false, restS: 60, meter });
    }
    assert.ok((station.bench.raisedAt.get(KEY) ?? Infinity) - fromS < 2 * HOUR, `${station.bench.peak(KEY)}`);
  }
});

/** Three weeks of twelve sessions a day; in the last one so many ghosts, on days or all on one. */
function hiding(ghosts: number, apartDays: number, told: Told = SPOOFED): Station {
  const station = new Station().lived(20 * 12, { restS: 75 * MINUTE });
  for (let n = 0; n < ghosts; n++) {
    station.session({ ...told, powerW: 0, minutes: 10, reports: false, restS: 60 * MINUTE });
    for (let other = 0; other < 12 * apartDays; other++) station.session({ restS: 75 * MINUTE });
  }
  return station;
}

test("four sessions out of nothing on four days hide among eighty no more; on one day they may be one visit's", () => {
  assert.ok(hiding(4, 1).bench.raisedAt.has(KEY));
  assert.not.ok(hiding(2, 1).bench.raisedAt.has(KEY));
  assert.not.ok(hiding(4, 1, { vehicle: true, authorised: true, meter: "stands" }).bench.raisedAt.has(KEY));
  assert.is(hiding(4, 0.1).bench.state.facts.nats, 0);
});

test("honest: a station that names neither vehicles nor cards, of whose sessions some come to nothing", () => {
  const random = seeded(5);
  const none = { vehicle: false, authorised: false } as const;
  for (let run = 0; run < 4; run++) {
    const station = new Station();
    for (let n = 0; n < 400; n++) {
      const empty = random.next() < 0.1;
      station.session({ ...none, ...(empty && { powerW: 0, minutes: 5 }), restS: 3 * HOUR });
    }
    assert.not.ok(station.bench.raisedAt.has(KEY), `${station.bench.peak(KEY)}`);
  }
});

test("stops of transactions that are not open here add up, and used ids do", () => {
  const station = new Station().lived();
  for (let n = 0; n < 16; n++) {
    station.s += 300;
    const stop = { transactionId: `x${n}`, evseId: 0, registerWh: 900, offline: false };
    assert.ok(station.see({ kind: "transaction-ended", ...stop }) > 1);
  }
  assert.ok(station.bench.raisedAt.has(KEY));
  const other = new Station().lived();
  for (let n = 0; n < 8; n++) other.session({ id: "t39" });
  assert.ok(other.bench.peak(KEY) > 0.25, `${other.bench.peak(KEY)}`);
});

test("billed faster than the station ever charged, or power against register, is evidence", () => {
  const station = new Station().lived();
  const honest = station.session();
  assert.ok(station.session({ powerW: 40_000, minutes: 30 }) > honest + 0.2);
  const other = new Station().lived(40, { meter: "none" });
  other.see({ kind: "transaction-started", transactionId: "c", evseId: 1, registerWh: 0, offline: false });
  for (let n = 1; n <= 30; n++) {
    other.s += MINUTE;
    const reading = { evseId: 1, powerW: 300, energyImportWh: n * 100 };
    other.see({ kind: "reported-reading", reading, transactionId: "c", offline: false });
  }
  const stop = { transactionId: "c", evseId: 1, registerWh: 3_000, offline: false };
  assert.ok(other.see({ kind: "transaction-ended", ...stop }) > 0);
});

const HONEST: Record<string, (station: Station) => void> = {
  "sessions of 1.6": (station) => void station.lived(60, { occupied: "Preparing" }),
  "sessions that the CSMS starts": (station) => void station.lived(60, { authorised: "remote" }),
  "sessions that begin with the cable": (station) => void station.lived(60, { authorised: "late" }),
  "a station that authorises from its own list": (station) => void station.lived(60, { authorised: false }),
  "a station that names no states": (station) => void station.lived(60, { vehicle: false }),
  "a station that names neither": (station) => void station.lived(60, { vehicle: false, authorised: false }),
  "a station without readings": (station) => void station.lived(60, { reports: false }),
  "a station without registers": (station) => void station.lived(60, { reports: false, registers: false }),
  "one session in seven without energy": (station) => {
    for (let n = 0; n < 200; n++) station.session(n % 7 === 3 ? { powerW: 0, minutes: 2 } : {});
  },
  "a vehicle that waits for the night": (station) => {
    for (let n = 0; n < 60; n++) station.session(n % 6 === 3 ? { powerW: 0, minutes: 90 } : {});
  },
  "a driver who tries ten times": (station) => {
    station.lived();
    for (let n = 0; n < 10; n++) station.session({ powerW: 0, minutes: 1, restS: 40 });
  },
  "a meter that is stuck for good": (station) => {
    station.lived();
    for (let n = 0; n < 60; n++) station.session({ meter: "stands" });
  },
  "a meter that never was the EVSE's": (station) => void station.lived(60, { meter: "stands" }),
  "ids of -1 and 0": (station) => {
    station.lived();
    for (let n = 0; n < 30; n++) station.session({ id: n % 2 === 0 ? "-1" : "0" });
  },
  "a backlog after an outage": (station) => {
    station.lived();
    station.see({ kind: "link", state: "disconnect" });
    station.s += HOUR;
    station.see({ kind: "link", state: "connect" });
    for (let n = 0; n < 40; n++) station.session({ id: `b${n}`, minutes: 1, offline: true, restS: 1, vehicle: false });
  },
  "a backlog whose times were not believed": (station) => {
    station.lived();
    for (let n = 0; n < 12; n++) {
      station.see({ kind: "link", state: "disconnect" });
      station.s += HOUR;
      station.see({ kind: "link", state: "connect" });
      station.session({ vehicle: false, authorised: false, minutes: 1, powerW: 300_000, reports: false, restS: 1 });
    }
  },
  "stops that are lost": (station) => {
    for (let n = 0; n < 60; n++) station.session({ stop: n % 4 !== 1 });
  },
  "an agent that comes in mid-session, and reconnects": (station) => {
    for (let n = 0; n < 6; n++) {
      station.see({ kind: "link", state: "connect" });
      station.see({ kind: "transaction-ended", transactionId: `old${n}`, evseId: 1, registerWh: 5, offline: false });
      station.s += HOUR;
    }
  },
};

for (const [name, story] of Object.entries(HONEST)) {
  test(`honest: ${name}`, () => {
    const station = new Station();
    story(station);
    assert.ok(station.bench.peak(KEY) < 0.7, `${station.bench.peak(KEY)}`);
  });
}

test("null: sessions with the shipped shares are e-values of one at most in the mean, and raise nothing", () => {
  const random = seeded(31);
  let [sum, sessions, alarms] = [0, 0, 0];
  for (let n = 0; n < 25; n++) {
    const station = new Station().lived(5);
    for (let visit = 0; visit < 200; visit++) {
      const [begin, outcome] = [random.next(), random.next()];
      // Well above nothing, where no sum is reflected: what is told is then the mixture's growth as it is.
      station.bench.state.sums = { all: 8 };
      const told = { vehicle: begin > 0.11, authorised: begin > 0.01 && begin < 0.86, minutes: 6, powerW: 9_000 };
      const nats = station.session(outcome < 0.08 ? { ...told, powerW: 0 }
        : outcome < 0.12 ? { ...told, reports: false, registers: false } : told);
      sum += Math.exp(nats);
      sessions += 1;
    }
    alarms += station.bench.raisedAt.has(KEY) ? 1 : 0;
    station.bench.findings.length = 0;
  }
  assert.ok(sum / sessions < 1.05 && alarms === 0, `${sum / sessions}, ${alarms}`);
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(sessionSpoofing, (bench) => {
    const station = new Station(bench).lived(3);
    station.session(SPOOFED);
  });
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(sessionSpoofing, seeded(46), 60_000);
});
