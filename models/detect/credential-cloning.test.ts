import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { credentialCloning, type CredentialCloning, HEARD_MS, NOTE_MS } from "./credential-cloning.ts";
import { at, Bench, type Seen, survivesRestarts, token, withstands } from "./detector.testing.ts";

const HOUR = 3_600;
const KEY = "credential-cloning";

const start = (id: string, card: number, evseId: number): Seen =>
  ({ kind: "transaction-started", transactionId: id, evseId, token: token(card), offline: false });
const end = (id: string, evseId: number): Seen =>
  ({ kind: "transaction-ended", transactionId: id, evseId, offline: false });
const create = (): Bench<CredentialCloning> => new Bench(credentialCloning);

/** Two EVSEs over many days, each card in one transaction at a time. */
function ordinaryDays(bench: Bench<CredentialCloning>, days: number): void {
  for (let hour = 0; hour < days * 24; hour += 3) {
    for (const evseId of [1, 2]) {
      bench.see(start(`t${hour}-${evseId}`, hour + evseId, evseId), hour * HOUR + evseId);
      bench.see(end(`t${hour}-${evseId}`, evseId), (hour + 2) * HOUR + evseId);
    }
  }
}

test("cards in one transaction each, one after the other, stay quiet", () => {
  const bench = create();
  ordinaryDays(bench, 30);
  assert.is(bench.peak(KEY), 0);
});

test("a household with one card for two cars has its habit learned", () => {
  const bench = create();
  let raised = 0;
  for (let day = 0; day < 200; day++) {
    for (let session = 0; session < 6; session++) {
      const at = day * 24 * HOUR + session * 3 * HOUR;
      bench.see(start(`a${day}-${session}`, 1, 1), at);
      if (session === 0 && day % 4 === 0) {
        bench.see(start(`b${day}`, 1, 2), at + 60);
        bench.see(end(`b${day}`, 2), at + 2 * HOUR);
      }
      bench.see(end(`a${day}-${session}`, 1), at + 2 * HOUR);
    }
  }
  raised += bench.raisedAt.size;
  assert.is(raised, 0);
  assert.ok(bench.peak(KEY) < 0.6, `${bench.peak(KEY)}`);
});

/** A transaction that begins with the cable, and its card half a minute later. */
function startByCable(bench: Bench<CredentialCloning>, id: string, card: number, evseId: number, s: number): void {
  bench.see({ kind: "transaction-started", transactionId: id, evseId, offline: false }, s);
  bench.see({ kind: "transaction-token", transactionId: id, evseId, token: token(card), offline: false }, s + 30);
}

test("a card that is suddenly always in two places is told within a dozen transactions, however they begin", () => {
  for (const byCable of [false, true]) {
    const bench = create();
    ordinaryDays(bench, 30);
    const from = 30 * 24 * HOUR;
    for (let n = 0; n < 12; n++) {
      const evseId = 1 + n % 2;
      if (byCable) startByCable(bench, `x${n}`, 77, evseId, from + n * HOUR);
      else bench.see(start(`x${n}`, 77, evseId), from + n * HOUR);
    }
    assert.ok(bench.raisedAt.get(KEY) !== undefined, `${bench.peak(KEY)}`);
    assert.is(bench.state.notes.filter((note) => note.token === token(77)).length, 12, "noted for neighbours, too");
  }
});

test("a lost stop does not make a clone: a new transaction on an EVSE ends the one before", () => {
  const bench = create();
  for (let n = 0; n < 50; n++) bench.see(start(`t${n}`, 5, 1), n * HOUR);
  assert.is(bench.peak(KEY), 0);
});

test("a start that is sent again is no second use", () => {
  const bench = create();
  for (let again = 0; again < 5; again++) bench.see(start("t", 5, 1), again);
  assert.is(bench.peak(KEY), 0);
});

test("without an idToken there is nothing to compare", () => {
  const bench = create();
  assert.equal(bench.see({ kind: "transaction-started", transactionId: "t", evseId: 1, offline: false }, 0), []);
  assert.equal(bench.state.notes, []);
});

test("a note is kept for 48 hours, opened by the start and closed by the end", () => {
  const bench = create();
  bench.see(start("old", 1, 1), 0);
  bench.see(end("old", 1), HOUR);
  assert.is(bench.state.notes[0]!.to! - bench.state.notes[0]!.from, HOUR * 1_000);
  bench.see(start("new", 2, 1), NOTE_MS / 1_000 - 1);
  assert.equal(bench.state.notes.map(({ transactionId }) => transactionId), ["old", "new"]);
  bench.see(start("newer", 3, 1), NOTE_MS / 1_000);
  assert.equal(bench.state.notes.map(({ transactionId }) => transactionId), ["new", "newer"]);
});

test("a note ends after 48 hours though nothing follows it", () => {
  const bench = create();
  bench.see(start("last", 1, 1), 0);
  bench.see({ kind: "tick" }, NOTE_MS / 1_000 - 1);
  assert.is(bench.state.notes.length, 1);
  bench.see({ kind: "tick" }, NOTE_MS / 1_000);
  assert.equal(bench.state.notes, []);
});

test("notes are bounded, the newest are kept", () => {
  const bench = create();
  for (let n = 0; n < 700; n++) bench.see(start(`t${n}`, n, 1 + n % 2), n);
  assert.is(bench.state.notes.length, 256);
  assert.is(bench.state.notes.at(-1)?.transactionId, "t699");
});

test("transaction ids from the wire are only ever compared", () => {
  const bench = create();
  for (const id of ["__proto__", "constructor", "", "-1"]) {
    bench.see(start(id, 1, 1), 0);
    bench.see(end(id, 1), 1);
  }
  assert.ok(bench.state.notes.every(({ to }) => to !== undefined));
});

test("a backlog in any order is noted with its own times, and holds nothing against its drivers", () => {
  const bench = create();
  const flushed = (seen: Seen, saidS: number): Seen =>
    ({ ...seen, offline: true, saidAt: at(saidS).wallMs }) as unknown as Seen;
  for (let n = 0; n < 40; n++) {
    const from = n * 6 * HOUR;
    bench.see(flushed(start(`a${n}`, 7, 1), from), from + 5 * HOUR);
    bench.see(flushed(start(`b${n}`, 7, 2), from + HOUR), from + 5 * HOUR + 1);
    bench.see(flushed(end(`a${n}`, 1), from + HOUR - 60), from + 5 * HOUR + 2);
    bench.see(flushed(end(`b${n}`, 2), from + 2 * HOUR), from + 5 * HOUR + 3);
  }
  assert.is(bench.peak(KEY), 0);
  const [last] = bench.state.notes.slice(-2);
  assert.is(last!.to! - last!.from, (HOUR - 60) * 1_000);
});

/** A use at a neighbour's, 5 km away, told by its note. */
const heard = (station: string, card: number, fromS: number, toS?: number, more: object = {}): Seen => ({
  kind: "neighbours-use", station, token: token(card), from: at(fromS).wallMs, liars: 1, km: 5,
  ...(toS !== undefined && { to: at(toS).wallMs }), ...more,
});

/** Sessions of cards of their own, here and at a neighbour's, every three hours; a session is two hours long. */
function neighbourlyDays(bench: Bench<CredentialCloning>, days: number, fromDay = 0): void {
  for (let hour = fromDay * 24; hour < (fromDay + days) * 24; hour += 3) {
    bench.see(heard("B", 100_000 + hour, hour * HOUR, (hour + 1) * HOUR), (hour + 1) * HOUR);
    bench.see(start(`d${hour}`, hour, 1), (hour + 1) * HOUR + 1);
    bench.see({ kind: "tick" }, (hour + 1.5) * HOUR);
    bench.see(end(`d${hour}`, 1), (hour + 2) * HOUR);
  }
}

/** A card in use at `station` since half an hour starts here. */
function meets(bench: Bench<CredentialCloning>, station: string, card: number, atS: number, more: object = {}): void {
  bench.see(heard(station, card, atS - HOUR / 2, undefined, more), atS - 60);
  bench.see(start(`m${atS}`, card, 1), atS);
  bench.see({ kind: "tick" }, atS + 180);
  bench.see(heard(station, card, atS - HOUR / 2, atS + 200, more), atS + 200);
  bench.see(end(`m${atS}`, 1), atS + 240);
}

test("a copy that meets its card at a neighbour's five times within days is told here, and not to the zone", () => {
  const bench = create();
  neighbourlyDays(bench, 30);
  assert.is(bench.peak(KEY), 0);
  for (let n = 0; n < 6; n++) {
    neighbourlyDays(bench, 1, 30 + n);
    meets(bench, "B", 7, (31 + n) * 24 * HOUR + 60);
  }
  assert.ok(bench.raisedAt.has(KEY), `${bench.peak(KEY)}`);
  assert.ok(bench.findings.at(-1)!.says.endsWith("here, and at B by its own word"), bench.findings.at(-1)!.says);
  assert.is(bench.peak("clones"), 0, "one neighbour's word");
});

test("a copy that goes on is told meeting after meeting, since an incident before it may be over", () => {
  const bench = create();
  neighbourlyDays(bench, 30);
  for (let n = 0; n < 24; n++) {
    const before = bench.total(KEY);
    meets(bench, "B", 7, 30 * 24 * HOUR + 60 + n * HOUR);
    assert.ok(bench.total(KEY) - before > 0.5 || n < 2, `meeting ${n}: ${bench.total(KEY) - before}`);
  }
  assert.ok(bench.state.elsewhere <= 26);
});

test("what more neighbours say than may lie is told to the zone, and only that", () => {
  for (const [liars, least, most] of [[0, 8, 12], [1, 5, 9], [2, 2, 5], [3, 0, 0]] as const) {
    const bench = create();
    neighbourlyDays(bench, 30);
    const atS = 30 * 24 * HOUR + 60;
    for (const station of ["B", "C", "D"]) bench.see(heard(station, 7, atS - HOUR, undefined, { liars }), atS - 60);
    bench.see(start("m", 7, 1), atS);
    bench.see({ kind: "tick" }, atS + 180);
    const told = bench.total("clones") - bench.findings.filter(({ key }) => key === "clones")
      .reduce((sum, { nats }) => sum + Math.min(0, nats), 0);
    const [found] = bench.findings.filter(({ key }) => key === "clones");
    assert.ok((found?.nats ?? 0) >= least && (found?.nats ?? 0) <= most, `${liars} liars: ${found?.nats} of ${told}`);
  }
});

test("an account that all payments without a card share is known before anything is said of it", () => {
  const bench = create();
  for (let n = 0; n < 400; n++) meets(bench, `S${n % 5}`, 1, (n + 1) * 4 * HOUR);
  assert.ok(bench.peak(KEY) < 0.5 && bench.peak("clones") < 0.5, `${bench.peak(KEY)} ${bench.peak("clones")}`);
});

test("a new habit is told once, and is one after a fortnight", () => {
  const bench = create();
  neighbourlyDays(bench, 30);
  for (let n = 0; n < 180; n++) meets(bench, "B", 7, 30 * 24 * HOUR + (n + 1) * 4 * HOUR);
  assert.ok(bench.raisedAt.has(KEY));
  neighbourlyDays(bench, 60, 61);
  assert.ok(bench.state.elsewhere < 5, "and is over");
  for (let n = 0; n < 30; n++) meets(bench, "B", 7, 122 * 24 * HOUR + n * 4 * HOUR);
  assert.ok(bench.state.elsewhere < 5, `${bench.state.elsewhere} nats of thirty that are usual here`);
});

test("who hears of the end of the use before in time, or of the use afterwards only, meets nobody", () => {
  const bench = create();
  neighbourlyDays(bench, 30);
  const day = 31 * 24 * HOUR;
  bench.see(heard("B", 7, day - HOUR), day - HOUR);
  bench.see(start("next-door", 7, 1), day);
  bench.see(heard("B", 7, day - HOUR, day - 20), day + 20);
  bench.see(start("copied", 8, 2), day + 30);
  bench.see(heard("C", 8, day - HOUR), day + 40);
  bench.see({ kind: "tick" }, day + 300);
  assert.is(bench.peak(KEY), 0);
  assert.is(bench.state.met.length, 0);
});

test("notes that cannot be teach nothing: of the future, too old, ended before they began", () => {
  const bench = create();
  const day = 10 * 24 * HOUR;
  bench.see(heard("B", 7, day + 600), day);
  bench.see(heard("B", 7, day - HEARD_MS / 1_000), day);
  bench.see(heard("B", 7, day - 60, day - 120), day);
  bench.see(heard("B", 7, day - 60, day + 600), day);
  assert.equal(bench.state.heard, []);
});

test("whoever claims more idTokens at once than a station has EVSEs keeps the newest four", () => {
  const bench = create();
  for (let n = 0; n < 20; n++) bench.see(heard("B", n, n), n);
  for (let n = 0; n < 30; n++) bench.see(heard("C", n, n), n);
  assert.is(bench.state.heard.filter(({ station, to }) => station === "B" && to === undefined).length, 4);
  for (let n = 0; n < 5_000; n++) bench.see(heard(`S${n % 60}`, n, n), n);
  assert.ok(bench.state.heard.length <= 384);
  assert.ok(bench.state.heard.filter(({ station }) => station === "S1").length <= 48);
});

test("a restart after every step changes nothing", () => {
  survivesRestarts(credentialCloning, (bench) => {
    ordinaryDays(bench, 3);
    for (let n = 0; n < 8; n++) bench.see(start(`x${n}`, 77, 1 + n % 2), 4 * 24 * HOUR + n);
    for (let n = 0; n < 70; n++) meets(bench, `S${n % 5}`, 1, 5 * 24 * HOUR + n * HOUR);
  });
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(credentialCloning, seeded(21), 100_000);
});
