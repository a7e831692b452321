import { assert, test } from "../build/testing.ts";
import type { Alert, Belief, Observation, Threat } from "../models/terms.ts";
import type { MonotonicMs, Now, WallMs } from "../models/units.ts";
import { crypto } from "./core.testing.ts";
import { signerFromSeed } from "./adapters/crypto.ts";
import {
  createDuties, csmsCertificates, notableBeliefs, schemaErrors, unreadMessages, wantsCheckpoint, wantsRemembering,
} from "./duties.ts";
import { createJournal, recordOne, signCheckpoint } from "./record/journal.ts";
import { createRecord, NEW_LOG } from "./record/record.ts";

const at = (s: number): Now => ({ wallMs: (1.7e12 + s * 1_000) as WallMs, monoMs: (s * 1_000) as MonotonicMs });
const ALERT = {} as Alert;
const newLog = () => createRecord(
  { origin: "kerbwatch/CP", crypto, signer: signerFromSeed(new Uint8Array(32)), recovered: NEW_LOG });
const tick = (s: number): Observation => ({ kind: "tick", at: at(s).wallMs });
const started = (s: number): Observation =>
  ({ kind: "transaction-started", at: at(s).wallMs, transactionId: "t", evseId: 1, offline: false });

test("a checkpoint once a minute and with an alert, and only over entries that are new", () => {
  const log = newLog();
  const journal = createJournal(log);
  const duties = createDuties(at(0));
  const signed = (s: number, alerts: Alert[] = []) => wantsCheckpoint(duties, journal, alerts, at(s)).length;
  const add = (s: number) => recordOne(journal, { kind: "notice", at: at(s).wallMs, text: "so" });
  assert.is(signed(60), 0);
  add(61);
  assert.equal([signed(61), signed(119.9), signed(120), signed(180), signed(240)], [0, 0, 1, 0, 0]);
  add(241);
  assert.equal([signed(242), signed(242, [ALERT]), signed(243, [ALERT])], [0, 1, 0]);
  add(244);
  assert.equal([signed(250), signed(303)], [0, 1]);
});

test("where nothing is new but statements, which neighbours hold anyway: a checkpoint in ten minutes", () => {
  const log = newLog();
  const journal = createJournal(log);
  const duties = createDuties(at(0));
  const signs = (s: number): boolean => wantsCheckpoint(duties, journal, [], at(s)).length > 0;
  log.unseen = false; // as once the first was told
  const statement = (s: number) => recordOne(journal, {
    kind: "statement", at: at(s).wallMs, signedBytes: new Uint8Array(1), signature: new Uint8Array(64) });
  statement(1);
  assert.equal([signs(60), signs(300), signs(599), signs(600)], [false, false, false, true]);
  statement(610);
  recordOne(journal, { kind: "notice", at: at(620).wallMs, text: "so" });
  assert.equal([signs(659), signs(660)], [false, true]);
  log.unseen = false;
  statement(670);
  assert.equal([signs(720), signs(1_259), signs(1_260)], [false, false, true]);
});

test("neighbours' checkpoints alone ask for no checkpoint, however many; the next one covers them", () => {
  const log = newLog();
  const journal = createJournal(log);
  const duties = createDuties(at(0));
  const signs = (s: number): boolean => wantsCheckpoint(duties, journal, [], at(s)).length > 0;
  const witness = (s: number) =>
    recordOne(journal, { kind: "witness", at: at(s).wallMs, note: "n", cosignature: "c" });
  const notice = (s: number) => recordOne(journal, { kind: "notice", at: at(s).wallMs, text: "so" });
  notice(1);
  assert.ok(signs(60));
  witness(61);
  witness(62);
  assert.equal([signs(120), signs(180), signs(240)], [false, false, false]);
  witness(241);
  notice(242);
  witness(243);
  assert.ok(signs(300));
  assert.is(log.signedSize, 6);
  witness(301);
  notice(302);
  assert.ok(signs(360), "also when the witness came first");
  witness(361);
  assert.not(signs(420));
  assert.is(signCheckpoint(journal).length, 1, "but an agent that stops signs all of it");
});

test("what is known is saved with an alert at once, soon after a transaction, and otherwise four times an hour", () => {
  const duties = createDuties(at(0));
  const saves = (s: number, seen: Observation[] = [tick(s)], alerts: Alert[] = []) =>
    wantsRemembering(duties, seen, alerts, at(s)).length;
  for (let s = 0; s < 800; s += 10) assert.is(saves(s), 0);
  assert.is(saves(900), 1);
  assert.is(saves(905, [started(905)]), 0, "not once for each of a backlog");
  assert.equal([saves(910), saves(919), saves(920), saves(930)], [0, 0, 1, 0], "but not forgotten either");
  assert.is(saves(931, [tick(931)], [ALERT]), 1);
  assert.equal([saves(1_000), saves(1_830), saves(1_831)], [0, 0, 1]);
});

function belief(opinion: number, key: Threat | "starts" = "energy-theft"): Belief {
  return {
    key, cumulativeMillinats: 0, sinceOnsetNats: 1, onset: 0 as WallMs, thresholdNats: 1, opinion, terms: [],
    frames: [], says: "",
  };
}

test("evidence is mentioned once on its way up, and again after it had gone back", () => {
  const duties = createDuties(at(0));
  const mentioned = [0.49, 0.5, 0.8, 1, 0.3, 0.6, 0.24, 0.49, 0.5].map((opinion) =>
    notableBeliefs(duties, [belief(opinion)], at(1)).length);
  assert.equal(mentioned, [0, 1, 0, 0, 0, 0, 0, 0, 1]);
  assert.equal(notableBeliefs(duties, [belief(1, "starts")], at(2)), []);
  assert.is(notableBeliefs(duties, [belief(1, "firmware-tampering")], at(2)).length, 1);
});

test("another certificate of the CSMS is told and logged, eight times a day at most", () => {
  const log = newLog();
  const journal = createJournal(log);
  const duties = createDuties(at(0));
  const change = (s: number): Observation[] =>
    [started(s), { kind: "csms-certificate", at: at(s).wallMs, before: "a".repeat(64), now: "b".repeat(64) }];
  const told = (s: number) => csmsCertificates(duties, journal, change(s), at(s));
  const texts = [1, 2, 3, 4, 5, 6, 7, 8, 9, 86_399].map((s) => told(s).map(({ kind }) => kind).join());
  assert.equal(texts, [...Array.from({ length: 8 }, () => "append,notice"), "", ""]);
  assert.is(log.frontier.size, 8);
  assert.equal(csmsCertificates(duties, journal, [started(1)], at(1)), []);
  const [, notice] = told(86_400);
  assert.match(notice?.kind === "notice" ? notice.text : "", /another certificate .*b{64}, before a{64}\): renewed,/);
  assert.is(wantsRemembering(duties, change(86_401), [], at(86_421)).length, 1, "and worth saving soon");
});

test("of messages that nobody could read the first of each kind is told", () => {
  const duties = createDuties(at(0));
  const odd = (oddity: "binary" | "not-json" | "unknown-action"): Observation =>
    ({ kind: "oddity", at: at(0).wallMs, oddity, detail: "9 bytes" });
  const told = (seen: Observation[]) => unreadMessages(duties, seen).length;
  assert.equal([told([odd("binary"), odd("binary")]), told([odd("binary")]), told([odd("not-json")])], [1, 0, 1]);
  assert.is(told([odd("unknown-action"), tick(1)]), 0);
});

test("of messages that break their schema the first of each is told, of five at most", () => {
  const duties = createDuties(at(0));
  const odd = (what: string): Observation =>
    ({ kind: "oddity", at: at(0).wallMs, oddity: "schema-error", detail: `${what}: a.b: found null; allowed: a text` });
  const told = (...seen: Observation[]) =>
    schemaErrors(duties, seen).map((effect) => (effect.kind === "notice" ? effect.text : effect.kind));
  assert.equal(told(odd("Authorize"), odd("Authorize"), tick(1)), ["schema: Authorize: a.b: found null; allowed: "
    + "a text; it passed untouched, and status counts more like it"]);
  assert.equal(["Authorize", "the result of Authorize", "B", "C", "D", "E"].map((what) => told(odd(what)).length),
    [0, 1, 1, 1, 1, 0]);
});
