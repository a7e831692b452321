import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { credentialCloning, type CredentialCloning, NOTE_MS } from "./credential-cloning.ts";
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

test("a card that is suddenly always in two places is told within a dozen transactions", () => {
  const bench = create();
  ordinaryDays(bench, 30);
  const from = 30 * 24 * HOUR;
  for (let n = 0; n < 12; n++) {
    const evseId = 1 + n % 2;
    bench.see(start(`x${n}`, 77, evseId), from + n * HOUR);
  }
  assert.ok(bench.raisedAt.get(KEY) !== undefined, `${bench.peak(KEY)}`);
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
  assert.is(bench.state.notes.length, 512);
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

test("a restart after every step changes nothing", () => {
  survivesRestarts(credentialCloning, (bench) => {
    ordinaryDays(bench, 3);
    for (let n = 0; n < 8; n++) bench.see(start(`x${n}`, 77, 1 + n % 2), 4 * 24 * HOUR + n);
  });
});

test("hostile observations: never a throw, sound findings, small state", () => {
  withstands(credentialCloning, seeded(21), 100_000);
});
