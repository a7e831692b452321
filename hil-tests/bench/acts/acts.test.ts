import { assert, test } from "../../../build/testing.ts";
import type { Alert, AlertCertificate } from "../../../models/terms.ts";
import { type Incident, incidentsOf } from "../street-incidents.ts";
import { ACT_IDS, outcomeOf } from "./act.ts";
import { ACTS, actOfSabotage, actsFor } from "./acts.ts";
import { certifiedBy, isZones, mapIs, nothing, nothingElse } from "./checks.ts";
import { sprayedWords } from "./wrong-cards.ts";

const certificate: AlertCertificate = { epoch: 7, rosterVersion: 1, quorum: 4, file: "sha256:00" as never };

function incident(agents: readonly string[], more: Partial<Alert> = {}): Incident {
  const alert = (agent: string): Alert => ({
    schemaVersion: "1.0", time: "2026-03-01T09:00:00.000Z", incidentId: "x", state: "raised", scope: "zone",
    threat: "load-manipulation", region: "town", zone: "north", stations: ["N-1", "N-2"],
    onset: "2026-03-01T09:00:00.000Z", severity: "high", confidence: 0.9, summary: "", explanation: [], evidence: [],
    nextStep: "", agent, certificate, ...more,
  });
  return incidentsOf(agents.map((agent) => [agent, [alert(agent)]] as const))[0]!;
}

test("an outcome is as told only when every check is, and says which one is not", () => {
  assert.equal(outcomeOf([{ saw: "four bills", ok: true }, { saw: "nothing raised", ok: true }]),
    { observed: "four bills; nothing raised", asTold: true });
  assert.equal(outcomeOf([{ saw: "four bills", ok: true }, { saw: "no certificate", ok: false }]),
    { observed: "four bills; BUT no certificate", asTold: false });
  assert.is(outcomeOf([]).asTold, false, "who looked at nothing knows nothing");
});

test("nothing is nothing at all", () => {
  assert.equal(nothing([]), { saw: "nothing raised", ok: true });
  assert.equal(nothing([incident(["N-1"])]), { saw: "raised: load-manipulation in north", ok: false });
});

test("nothing else is told from what was expected", () => {
  const [north, south] = [incident(["N-1"]), incident(["S-1"], { zone: "south" })];
  const isNorths = (one: Incident): boolean => isZones(one, "north", "load-manipulation");
  assert.is(nothingElse([north], isNorths).ok, true);
  assert.equal(nothingElse([north, south], isNorths), { saw: "raised: load-manipulation in south", ok: false });
});

test("a zone's verdict is of that zone, that scope and that threat", () => {
  assert.is(isZones(incident(["N-1"]), "north", "load-manipulation"), true);
  assert.is(isZones(incident(["N-1"], { scope: "station" }), "north", "load-manipulation"), false);
  assert.is(isZones(incident(["N-1"]), "south", "load-manipulation"), false);
  assert.is(isZones(incident(["N-1"]), "north", "authorization-abuse"), false);
});

test("certified is what every agent holds a certificate of", () => {
  assert.equal(certifiedBy(incident(["N-1", "N-2"]), ["N-1", "N-2"]), { saw: "certified at 2 of 2 agents", ok: true });
  assert.equal(certifiedBy(incident(["N-1"]), ["N-1", "N-2"]),
    { saw: "certified at 1 of 2 agents, not at N-2", ok: false });
  assert.is(certifiedBy(undefined, ["N-1"]).ok, false);
  const { certificate: none, ...uncertified } = [...incident(["N-1"]).by.values()][0]!;
  assert.is(certifiedBy({ ...incident(["N-1"]), by: new Map([["N-1", uncertified]]) }, ["N-1"]).ok, false, `${!!none}`);
});

test("a map is right when all drew it alike and it has exactly those stations", () => {
  assert.is(mapIs(incident(["N-1", "N-2"]), ["N-2", "N-1"]).ok, true);
  assert.is(mapIs(incident(["N-1"]), ["N-1"]).ok, false, "one too many");
  assert.is(mapIs(incident(["N-1"]), ["N-1", "N-2", "N-3"]).ok, false, "one too few");
  assert.is(mapIs(undefined, []).ok, false);
  const [a, b] = [incident(["N-1"]), incident(["N-2"], { stations: ["N-1"] })];
  assert.equal(mapIs({ ...a, by: new Map([...a.by, ...b.by]) }, ["N-1", "N-2"]),
    { saw: "2 different maps", ok: false });
});

test("how many cards were refused is told as it was", () => {
  assert.is(sprayedWords({ refused: new Map() }), "no card was refused");
  assert.is(sprayedWords({ refused: new Map([[{}, 2], [{}, 1]]) as never }), "1 or 2 refused at each of 2 chargers");
});

test("acts stand in order, need only what comes before, and each can be made to fail", () => {
  assert.equal(ACTS.map(({ id }) => id), [...ACT_IDS]);
  for (const { id, needs, sabotages } of ACTS) {
    assert.ok(needs.every((before) => before < id), `${id} needs ${needs.join()}`);
    assert.ok(Object.keys(sabotages).length > 0, `${id} cannot be made to fail`);
    for (const name of Object.keys(sabotages)) assert.is(actOfSabotage(name)?.id, id);
  }
  const names = ACTS.flatMap(({ sabotages }) => Object.keys(sabotages));
  assert.is(new Set(names).size, names.length);
  assert.is(actOfSabotage("toString"), undefined);
});

test("one act is played with what it needs beforehand, in order", () => {
  const played = (only: Parameters<typeof actsFor>[0]): string => actsFor(only).map(({ id }) => id).join("");
  assert.is(played(undefined), "abcdefg");
  assert.is(played("c"), "c");
  assert.is(played("f"), "ef");
  assert.is(played("g"), "cdg");
});
