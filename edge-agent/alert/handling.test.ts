import { assert, test } from "../../build/testing.ts";
import type { Alert, Verdict } from "../../models/terms.ts";
import type { Epoch, MonotonicMs, Now, StationId, WallMs, ZoneId } from "../../models/units.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { alertWith, HOSTILE } from "../adapters/outlets/outlets.testing.ts";
import { createJournal } from "../record/journal.ts";
import { createRecord, NEW_LOG } from "../record/record.ts";
import { decodeEntry, type Entry } from "../record/entry.ts";
import { alert, COMES_BACK_MS, createAlert } from "./alert.ts";
import { createDeclared } from "./declared.ts";
import { type Handle, type Handled, handleIncident, noteHandled, openAlerts } from "./handling.ts";
import { createAgree } from "../../models/agree/agree.ts";
import { createOpine } from "../../models/opine/opine.ts";

const crypto = nodeCrypto();
const [station, zone] = ["CP-001" as StationId, "feeder-7" as ZoneId];
const at = (ms: number): Now =>
  ({ wallMs: (Date.UTC(2026, 2, 1, 9) + ms) as WallMs, monoMs: (1_000_000 + ms) as MonotonicMs });

function verdict(nats: number, ms: number): Verdict {
  const onset = at(ms).wallMs;
  return {
    threat: "energy-theft", scope: "station", zone, stations: [station], epoch: (1 + ms) as Epoch, onset,
    confidence: 0.99, belief: {
      key: "energy-theft", cumulativeMillinats: 0, sinceOnsetNats: nats, onset, thresholdNats: 9, opinion: 1,
      terms: [{ term: "meter", nats }], frames: [], says: "30 % more",
    },
  };
}

function world() {
  const log = createRecord({ origin: "o", crypto, recovered: NEW_LOG });
  const parts = {
    alert: createAlert({ crypto, region: "r", zone, station }), agree: createAgree(station, zone), opine: createOpine(),
    journal: createJournal(log), zone: undefined, declared: createDeclared(),
  };
  const tell = (ms: number): Alert[] => alert(parts.alert, [verdict(12, ms)], [], new Map(), at(ms));
  const handle = (asked: Partial<Handle>, ms = 0) => handleIncident(parts, {
    incidentId: openAlerts(parts)[0]?.incidentId ?? "", action: "acknowledge", by: "alice", reason: "on site", ...asked,
  }, at(ms));
  return { parts, tell, handle };
}

const entriesOf = (outcome: ReturnType<typeof handleIncident>): Entry[] => (outcome.ok ? outcome.effects : [])
  .flatMap((effect) => (effect.kind === "append" ? effect.entries : [])).flatMap((bytes) => {
    const read = decodeEntry(bytes);
    return read.ok ? [read.value] : [];
  });

test("who acknowledges first has it; the second learns who, when and why", () => {
  const { tell, handle } = world();
  tell(0);
  const first = handle({});
  assert.ok(first.ok);
  assert.equal(entriesOf(first).map((entry) => entry.kind === "handled" && [entry.action, entry.by, entry.reason]),
    [["acknowledge", "alice", "on site"]]);
  const second = handle({ by: "bob" }, 5);
  assert.equal([second.ok, !second.ok && second.why], [false, "conflict"]);
  assert.match(second.ok ? "" : second.says, /^alice acknowledged it first, at 2026-03-01T09:00:00.000Z: on site$/);
});

test("to close clears, forgets the evidence, and what comes next is another incident", () => {
  const { tell, handle, parts } = world();
  const [raised] = tell(0);
  const closed = handle({ action: "close" }, 10);
  assert.ok(closed.ok);
  const told = closed.ok ? closed.effects.flatMap((effect) => (effect.kind === "alert" ? [effect.alert] : [])) : [];
  assert.equal(told.map(({ state, incidentId }) => [state, incidentId]), [["cleared", raised!.incidentId]]);
  assert.match(told[0]!.summary, /Closed by alice: on site$/);
  assert.equal([parts.alert.open, parts.agree.raised, entriesOf(closed).map(({ kind }) => kind)],
    [{}, {}, ["handled", "alert"]]);
  const [next] = tell(60_000);
  assert.is(next!.state, "raised");
  assert.is.not(next!.incidentId, raised!.incidentId);
});

test("a zone's incident is acknowledged, and closed by nobody", () => {
  const { parts } = world();
  const zoneAlert = alertWith({ incidentId: "c".repeat(64) });
  const withZone = { ...parts, zone: { open: new Map([["starts", zoneAlert]]), region: { open: new Map() } } as never };
  const ask = (action: Handle["action"]) =>
    handleIncident(withZone, { incidentId: "cccccc", action, by: "alice", reason: "x" }, at(0));
  const refused = ask("close");
  assert.equal([refused.ok, !refused.ok && refused.why], [false, "standing"]);
  assert.ok(ask("acknowledge").ok);
});

for (const [name, asked, why, says] of [
  ["no name", { by: " \u0000" }, "bad", "a name is missing"],
  ["no reason", { reason: "\n" }, "bad", "a reason is missing"],
  ["an id of five digits", { incidentId: "abcde" }, "bad", "an incident id has 6 hexadecimal digits at least"],
  ["an id with markup", { incidentId: "<b>" }, "bad", "an incident id has 6 hexadecimal digits at least"],
  ["an incident that is not open", { incidentId: "ffffffff" }, "unknown", "no open incident begins with ffffffff"],
] as const) {
  test(`refused: ${name}`, () => {
    const { tell, handle } = world();
    tell(0);
    assert.equal(handle(asked), { ok: false, why, says });
  });
}

test("what is said goes into the log cut and clean, and is known again after a restart", () => {
  const { tell, handle } = world();
  tell(0);
  const [entry] = entriesOf(handle({ by: HOSTILE, reason: HOSTILE.repeat(50) }));
  assert.ok(entry?.kind === "handled" && entry.by.length <= 48 && entry.reason.length <= 300);
  assert.not.match(entry?.kind === "handled" ? entry.by + entry.reason : "\n", /[\r\n\u2028\u202e]/);
  const handled = new Map<string, Handled>();
  noteHandled(handled, entry!);
  noteHandled(handled, { kind: "handled", at: at(0).wallMs, incidentId: "x", action: "explode", by: "b", reason: "r" });
  assert.equal([...handled.values()].map(({ action }) => action), ["acknowledge"]);
  for (let n = 0; n < 1_000; n += 1) {
    const incidentId = `i${n}`;
    noteHandled(handled, { kind: "handled", at: at(n).wallMs, incidentId, action: "close", by: "b", reason: "r" });
  }
  assert.is(handled.size, 256, "and only so many");
});

test("energy that clears and is raised again within a day and a half is the same incident, told as an update", () => {
  const { parts, tell } = world();
  const [raised] = tell(0);
  const clear = (ms: number) => alert(parts.alert, [], ["energy-theft"], new Map(), at(ms));
  assert.is(clear(1_000)[0]!.state, "cleared");
  const [again] = tell(COMES_BACK_MS);
  assert.equal([again!.state, again!.incidentId], ["updated", raised!.incidentId]);
  clear(COMES_BACK_MS + 1_000);
  const [later] = tell(2 * COMES_BACK_MS + 1_000);
  assert.is(later!.state, "raised");
  assert.is.not(later!.incidentId, raised!.incidentId);
});
