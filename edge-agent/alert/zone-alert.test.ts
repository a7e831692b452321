/** What the zone's news become: entries always, alerts when there is something to tell. */
import { assert, test } from "../../build/testing.ts";
import { statementByHash } from "../../gossip/zone-view.ts";
import type { CertificateNews } from "../../gossip/protocol-state.ts";
import { EVIDENCE_KEYS, threatIndexOf } from "../../models/terms.ts";
import type { MonotonicMs, Now, WallMs } from "../../models/units.ts";
import { decodeEntry } from "../record/entry.ts";
import { type House, ZoneCores } from "../zone-cores.testing.ts";
import { trustIn, zoneAlert, type ZoneTold } from "./zone-alert.ts";

const KEY = "refusals";
const KEY_INDEX = EVIDENCE_KEYS.indexOf(KEY);
const NOW: Now = { wallMs: Date.UTC(2026, 2, 2, 12) as WallMs, monoMs: 1e8 as MonotonicMs };

/** An agent of a zone whose incident was certified and never told here. */
function untold() {
  const zone = new ZoneCores(4, 1);
  zone.pass(8);
  zone.pass(8, () => zone.suspect(KEY, 3_000));
  const { state } = (zone.house(1) as House).core!;
  const incident = state.zone!.protocol.incidents.get(threatIndexOf(KEY_INDEX))!;
  state.zone!.open.clear();
  const news = (more: Partial<CertificateNews> = {}): CertificateNews => ({
    kind: "certificate", change: "completed", complete: true, key: KEY, incident: incident.first.epoch, signers: [],
    certificate: incident.newest, growths: [9_000, 9_000, 9_000, 0], ...more,
  });
  const tell = (one: CertificateNews): ZoneTold => zoneAlert(state.zone, state.alert, state.journal, [one], NOW);
  return { state, incident, news, tell };
}

const says = ({ entries, alerts }: ZoneTold): unknown[] => [entries.length, ...alerts.map(({ state }) => state)];

test("complete, it is recorded and told; while statements are fetched it is neither", () => {
  const { news, tell } = untold();
  assert.equal(says(tell(news({ complete: false, change: "new", growths: [] }))), [0]);
  assert.equal(says(tell(news())), [1, "raised"]);
  assert.equal(says(tell(news({ change: "renewed" }))), [1], "nothing more to tell");
});

test("an incident that was over before its statements came is recorded and not told: nothing would clear it", () => {
  const { incident, news, tell, state } = untold();
  incident.lapsed = true;
  assert.equal(says(tell(news())), [1]);
  state.zone!.protocol.incidents.clear();
  assert.equal(says(tell(news({ change: "given-up" }))), [1]);
});

test("a certificate that is no part of the incident that stands is recorded and not told", () => {
  const { incident, news, tell } = untold();
  assert.equal(says(tell(news({ certificate: { ...incident.newest, name: "other" } }))), [1]);
});

test("it is told also when statements were given up: who is affected is told as far as it is known", () => {
  const { news, tell } = untold();
  const told = tell(news({ change: "given-up", growths: [9_000, 9_000, undefined, undefined] }));
  assert.equal(says(told), [1, "raised"]);
  const { stations, confidence, explanation } = told.alerts[0]!;
  assert.equal(stations, ["CP-0", "CP-1"]);
  assert.ok(confidence >= 0 && confidence <= 1);
  assert.ok(Math.abs(explanation.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
});

test("evidence so even that the map shows nobody: whoever supports the raise is told", () => {
  const { news, tell } = untold();
  const even = tell(news({ growths: [1_200, 1_100, 1_050, 900] })).alerts[0]!;
  assert.equal(even.stations, ["CP-0", "CP-1", "CP-2"]);
});

test("what an older certificate shows updates nothing", () => {
  const { incident, news, tell } = untold();
  const at = (epoch: number) => {
    incident.newest = { ...incident.newest, epoch, name: `${epoch}` };
    return incident.newest;
  };
  const { epoch } = incident.newest;
  const wide = [9_000, 9_000, 9_000, 9_000];
  const narrow = [0, 9_000, 9_000, 9_000];
  assert.equal(says(tell(news({ certificate: at(epoch + 15), growths: narrow }))), [1, "raised"]);
  assert.equal(says(tell(news({ certificate: at(epoch), growths: wide }))), [1]);
  assert.equal(says(tell(news({ certificate: at(epoch + 30), growths: wide }))), [1, "updated"]);
});

test("what clears and comes back within the hold-down goes on, under the name that all agents give it", () => {
  for (const [minutes, state] of [[10, "updated"], [31, "raised"]] as const) {
    const { state: agent, news, tell } = untold();
    const [before] = tell(news()).alerts;
    const time = new Date(NOW.wallMs - minutes * 60_000).toISOString();
    agent.zone!.open.clear();
    agent.zone!.closed.set(before!.threat, { ...before!, incidentId: "e".repeat(64), state: "cleared", time });
    const [again] = tell(news()).alerts;
    assert.equal([again!.state, again!.formerly], [state, state === "updated" ? "e".repeat(64) : undefined]);
    assert.is(again!.incidentId, before!.incidentId);
  }
});

test("its severity counts how far it reaches", () => {
  const { news, tell } = untold();
  const { severity, reach } = tell(news()).alerts[0]!;
  assert.equal([severity, reach?.stations, reach?.of], ["high", 3, 4]);
  assert.equal([reach?.ratedW, reach?.ratingW], [66_000, 0]);
});

test("the entry holds each statement once, and only those that the certificate lists", () => {
  const { state, incident, news, tell } = untold();
  const [one, two] = incident.newest.items;
  const items = [{ ...one!, older: one!.newer }, two!];
  const { entries } = tell(news({ certificate: { ...incident.newest, items } }));
  const decoded = decodeEntry(entries[0]!);
  if (!decoded.ok || decoded.value.kind !== "certificate") throw new Error("no certificate");
  assert.equal(decoded.value.message, incident.newest.whole);
  const { view } = state.zone!.protocol;
  assert.equal(decoded.value.statements, [one!.newer, two!.newer, two!.older].map((hash) =>
    statementByHash(view, hash)!.whole));
});

test("who claims what no meter shows at once weighs less in the map, alike at all agents and after a restart", () => {
  const zone = new ZoneCores(4, 1);
  zone.pass(8);
  zone.pass(8, () => {
    zone.suspect(KEY, 3_000);
    for (const key of ["energy-theft", "billing-inflation"] as const) zone.suspect(key, 3_000, [3]);
  });
  const trusts = (index: number): number[] => {
    const { zone: state } = (zone.house(index) as House).core!.state;
    return state!.places.map(({ station }) => trustIn(state!, station, state!.protocol.epoch));
  };
  assert.equal(trusts(1), trusts(2));
  assert.equal(trusts(1).slice(0, 3), [1_000, 1_000, 1_000]);
  assert.ok(trusts(1)[3]! > 499 && trusts(1)[3]! <= 510, `${trusts(1)[3]}`);
  const before = trusts(1);
  zone.kill(1);
  zone.start(1);
  zone.pass(1);
  assert.ok(trusts(1)[3]! >= before[3]! && trusts(1)[3]! < before[3]! + 10, `${trusts(1)[3]} and ${before[3]}`);
});
