/** Declared changes through the whole agent: what an operator's word holds, what it never does, and who is believed. */
import { assert, test } from "../build/testing.ts";
import { hex } from "../gossip/bytes.ts";
import { MAX_WORD_BYTES, signWord } from "../gossip/word.ts";
import type { AgreeState } from "../models/agree/agree.ts";
import { FACTS } from "../models/detect/channel-tampering.ts";
import type { Alert } from "../models/terms.ts";
import type { MonotonicMs, WallMs } from "../models/units.ts";
import { signerFromSeed } from "./adapters/crypto.ts";
import { alertWith } from "./adapters/outlets/outlets.testing.ts";
import type { AlertState } from "./alert/alert.ts";
import { createDeclared, declare, declaredOf, holdDeclared } from "./alert/declared.ts";
import { openAlerts } from "./alert/handling.ts";
import { CoreBench, type Happening, START, Story } from "./core.testing.ts";
import { noteEntry, nothingLogged } from "./logged.ts";
import { memoryOf } from "./memory.ts";
import type { Effect } from "./ports.ts";
import { decodeEntry } from "./record/entry.ts";
import { type Believed, takeWord } from "./words.ts";

const [ALICE, BOB, EVE] = [11, 12, 13].map((n) => signerFromSeed(new Uint8Array(32).fill(n)));
const PEOPLE: Believed["roster"] = { network: "example", version: 3, people: [
  { name: "alice", role: "operator", key: ALICE!.publicKey, zones: [] },
  { name: "bob", role: "installer", key: BOB!.publicKey, zones: [] },
] };
const time = (s: number): string => new Date(START + s * 1_000).toISOString();

interface Says {
  readonly changes?: readonly string[];
  readonly from?: number;
  readonly to?: number;
  readonly stations?: readonly string[];
}

function wordOf({ changes = ["firmware"], from = 0, to = 7_200, stations }: Says = {}, name = "alice", by = ALICE!) {
  const body = { changes, from: time(from), to: time(to), reason: "quarterly update", ...(stations && { stations }) };
  return signWord("example", name, { kind: "declare", atS: 1, body }, by);
}

const says = (bench: CoreBench, file: Uint8Array, s: number): string => {
  const taken = takeWord(bench.core.state, file, bench.now(s));
  if (taken.ok) bench.effects.push(...taken.value.effects);
  return taken.ok ? `taken: ${taken.value.says}` : taken.problem;
};

const alertsIn = (effects: readonly Effect[]): Alert[] =>
  effects.flatMap((effect) => (effect.kind === "alert" ? [effect.alert] : []));
const short = (alerts: readonly Alert[]): string[] =>
  alerts.map(({ threat, state, severity, declared }) => `${threat} ${state} ${severity}${declared ? " held" : ""}`);

function order(s: number, host = "198.51.100.7"): Happening[] {
  const story = new Story();
  const location = `http://${host}/fw.bin`;
  story.call(s, "csms", "UpdateFirmware", { location, retrieveDate: time(s) }, {});
  return story.inOrder();
}

function ticks(from: number, to: number): Happening[] {
  const story = new Story();
  story.ticks(from, to);
  return story.inOrder();
}

test("without a declaration the same order is told; with one it is held, in the log, and rings no bell", () => {
  const told = new CoreBench({ people: PEOPLE });
  assert.equal(short(alertsIn(told.takeAll(order(100)))), ["firmware-tampering raised critical"]);

  const bench = new CoreBench({ people: PEOPLE });
  assert.is(says(bench, wordOf(), 10), "taken: firmware everywhere here from 2026-03-02T08:00:00.000Z to "
    + "2026-03-02T10:00:00.000Z, declared by alice: quarterly update");
  const [held] = alertsIn(bench.takeAll(order(100)));
  assert.equal(short([held!]), ["firmware-tampering raised info held"]);
  assert.match(held!.summary, /^Declared by alice \(quarterly update\): Firmware that cannot be trusted at CP-001/);
  assert.equal([held!.declared?.until, held!.declared?.severity], ["2026-03-02T10:00:00.000Z", "critical"]);
  assert.equal(openAlerts(bench.core.state).map(({ severity }) => severity), ["info"]);
  const logged = bench.effects.flatMap((effect) => (effect.kind === "append" ? effect.entries : []))
    .flatMap((bytes) => { const read = decodeEntry(bytes); return read.ok ? [read.value.kind] : []; });
  assert.ok(logged.includes("word") && logged.includes("alert"), logged.join());
  const over = alertsIn(bench.takeAll(ticks(110, 7_000)));
  assert.equal(short(over), ["firmware-tampering cleared info held"], "nobody waits for an end");
});

test("a declared certificate holds what certificates explain at a station, no copies beside them, no street", () => {
  const now = { wallMs: (START + 60_000) as WallMs, monoMs: 60_000 as MonotonicMs };
  const isHeld = (of: Partial<Alert>): boolean => {
    const declared = createDeclared();
    const body = { changes: ["certificate"], from: time(0), to: time(7_200), reason: "the back end moves" };
    const window = declaredOf({ by: "alice", word: "ab", body });
    assert.ok(window.ok && declare(declared, window.value, now).ok);
    const alert = alertWith({ threat: "channel-tampering", scope: "station", stations: ["CP-001"], ...of });
    const state = { declared, alert: { open: {} } as AlertState, agree: { raised: {} } as AgreeState, zone: undefined };
    return holdDeclared(state, [alert], now)[0]!.declared !== undefined;
  };
  const parts = (...names: readonly string[]): Alert["explanation"] =>
    names.map((name) => ({ term: FACTS.facts[name]!.term, value: 9, share: 1 / names.length }));
  const cases = [["certificate"], ["certificate", "copies"], ["strange certificate"], ["copies"]];
  assert.equal(cases.map((names) => isHeld({ explanation: parts(...names) })), [true, false, false, false]);
  assert.is(isHeld({ explanation: parts("certificate"), scope: "zone" }), false);
});

test("nothing else is silenced: theft within the window of an update is told", () => {
  const bench = new CoreBench({ people: PEOPLE });
  says(bench, wordOf({ changes: ["firmware", "configuration", "reboot", "set-points"] }), 0);
  const story = new Story();
  story.boot(1);
  story.session(600, 60, "CARD-1", 1.5);
  story.ticks(0, 6_000);
  const told = short(alertsIn(bench.takeAll(story.inOrder())));
  assert.ok(told.includes("energy-theft raised high"), told.join());
});

test("what goes on after the window is told then, as raised; what does not is cleared unheard", () => {
  const bench = new CoreBench({ people: PEOPLE });
  assert.match(says(bench, wordOf({ to: 600 }), 0), /^taken/);
  bench.takeAll([...order(100), ...ticks(110, 1_000)]);
  assert.equal(short(alertsIn(bench.effects)), ["firmware-tampering raised info held"], "nothing came after it");
  const after = alertsIn(bench.takeAll([...order(1_000, "198.51.100.8"), ...ticks(1_010, 1_100)]));
  assert.equal(short(after).slice(0, 1), ["firmware-tampering raised critical"]);
  assert.not.match(after[0]!.summary, "Declared");
});

test("a declaration holds its own kind, stations and time alone", () => {
  const cases: [string, Says, boolean][] = [
    ["this kind", {}, true], ["among other kinds", { changes: ["reboot", "firmware"] }, true],
    ["this station", { stations: ["CP-001", "CP-002"] }, true],
    ["another kind", { changes: ["configuration"] }, false], ["another station", { stations: ["CP-002"] }, false],
    ["before its time", { from: 200 }, false], ["after its time", { to: 50 }, false],
  ];
  for (const [name, said, isHeld] of cases) {
    const bench = new CoreBench({ people: PEOPLE });
    assert.match(says(bench, wordOf(said), 10), /^taken/, name);
    const [first] = alertsIn(bench.takeAll(order(100)));
    assert.is(first?.declared !== undefined, isHeld, name);
  }
});

test("an incident that was told before the window goes on being told", () => {
  const bench = new CoreBench({ people: PEOPLE });
  bench.takeAll([...order(100), ...ticks(110, 200)]);
  says(bench, wordOf({ from: 0 }), 200);
  const later = alertsIn(bench.takeAll([...order(300, "198.51.100.9"), ...ticks(310, 500)]));
  assert.ok(later.length > 0 && later.every(({ declared }) => declared === undefined), short(later).join());
});

test("a withdrawn declaration holds no more: what it held and stands is told", () => {
  const bench = new CoreBench({ people: PEOPLE });
  const word = wordOf();
  says(bench, word, 0);
  bench.takeAll(order(100));
  const [name] = bench.core.state.declared.windows.keys();
  const back = signWord("example", "alice", { kind: "withdraw", atS: 2, body: { word: name! } }, ALICE!);
  assert.match(says(bench, back, 120), /^taken: alice withdrew declaration/);
  assert.equal(short(alertsIn(bench.takeAll(ticks(130, 150)))), ["firmware-tampering raised critical"]);
  assert.is(says(bench, word, 160), "declare: it was withdrawn");
});

test("after a restart the log's words hold, what was held stays so, and what was told is not told again", () => {
  const bench = new CoreBench({ people: PEOPLE });
  says(bench, wordOf(), 0);
  bench.takeAll(order(100));
  for (const memory of [undefined, memoryOf(bench.core.state, bench.now(105))]) {
    const logged = nothingLogged();
    for (const effect of bench.effects) {
      if (effect.kind !== "append") continue;
      for (const bytes of effect.entries) {
        const entry = decodeEntry(bytes);
        if (entry.ok) noteEntry(logged, entry.value);
      }
    }
    const again = new CoreBench({ people: PEOPLE, logged, monoMs: 105_000, ...(memory && { memory }) }, 105);
    assert.equal([...again.core.state.declared.windows.values()].map(({ by }) => by), ["alice"]);
    assert.equal(openAlerts(again.core.state).map(({ severity, declared }) => [severity, declared?.by]),
      [["info", "alice"]]);
    const later = alertsIn(again.takeAll([...order(300, "198.51.100.9"), ...ticks(310, 6_000)]));
    assert.ok(later.length > 0 && later.every(({ declared }) => declared !== undefined), short(later).join());
  }
});

test("who is believed: an operator of this network by their own key, and nobody else", () => {
  const bench = new CoreBench({ people: PEOPLE });
  const body = { changes: ["firmware"], from: time(0), to: time(600), reason: "x" };
  const elsewhere = signWord("other", "alice", { kind: "declare", atS: 1, body }, ALICE!);
  const acknowledge = signWord("example", "alice", { kind: "acknowledge", atS: 1, body: {} }, ALICE!);
  const turned = wordOf();
  turned[40]! ^= 1;
  const cases: [string, Uint8Array, RegExp][] = [
    ["an installer", wordOf({}, "bob", BOB!), /role installer/], ["a stranger", wordOf({}, "eve", EVE!), /nobody/],
    ["another's name", wordOf({}, "alice", EVE!), /not signed/], ["another network", elsewhere, /another network/],
    ["one bit", turned, /word/], ["nothing", new Uint8Array(0), /word/],
    ["a heap", new Uint8Array(MAX_WORD_BYTES + 1), /word/], ["another kind of word", acknowledge, /allowed: declare/],
  ];
  for (const [name, file, why] of cases) assert.match(says(bench, file, 10), why, name);
  assert.is(bench.core.state.declared.windows.size, 0);
  assert.match(says(new CoreBench(), wordOf(), 10), "nobody's counts here");
  assert.is(bench.effects.length, 0, "a word that is not believed leaves nothing behind");
});

test("a word that is wrong says where, what was found and what is allowed", () => {
  const bench = new CoreBench({ people: PEOPLE });
  const good = { changes: ["firmware"], from: time(0), to: time(600), reason: "x" };
  for (const [change, why] of [
    [{ changes: [] }, /changes: found \[\]; allowed: some of firmware/], [{ changes: ["theft"] }, /changes: found/],
    [{ changes: "firmware" }, /changes: found "firmware"/], [{ from: "soon" }, /from: found "soon"/],
    [{ from: "2026-03-02T09:00:00+01:00" }, /from: found/], [{ to: time(-5) }, /to: found/],
    [{ to: time(8 * 86_400) }, /at most 7 days/], [{ from: time(-900), to: time(-600) }, /which is over/],
    [{ from: time(400 * 86_400), to: time(400 * 86_400 + 60) }, /within a year/], [{ reason: "" }, /reason: found/],
    [{ reason: 7 }, /reason: found 7/], [{ stations: [] }, /stations: found/], [{ stations: ["a b"] }, /stations/],
    [{ stations: Array(65).fill("CP") }, /stations/], [{ zones: ["z"] }, /unknown key "zones"/],
  ] as const) {
    const file = signWord("example", "alice", { kind: "declare", atS: 1, body: { ...good, ...change } }, ALICE!);
    assert.match(says(bench, file, 10), why);
  }
  for (const word of [undefined, 7, "", "zz", hex(new Uint8Array(31))]) {
    const file = signWord("example", "alice", { kind: "withdraw", atS: 1, body: { word } }, ALICE!);
    assert.match(says(bench, file, 10), /withdraw: word: found/);
  }
});

test("so many declarations and no more; the same one twice is one; what is over makes room", () => {
  const bench = new CoreBench({ people: PEOPLE });
  const word = (n: number) => wordOf({ from: n, to: n + 600 });
  for (let n = 0; n < 32; n += 1) assert.match(says(bench, word(n), 0), /^taken/);
  assert.match(says(bench, word(32), 0), /found 32 others/);
  const before = bench.effects.length;
  assert.match(says(bench, word(3), 0), /^taken: known already/);
  assert.is(bench.effects.length, before, "the log is not filled by it");
  assert.match(says(bench, wordOf({ from: 90_000, to: 90_600 }), 90_000), /^taken/);
  assert.is(bench.core.state.declared.windows.size, 1);
});
