import { assert, test } from "../../build/testing.ts";
import type { Alert } from "../../models/terms.ts";
import { incidentsOf, placeOf, raisedTwice } from "./street-incidents.ts";

function alert(id: string, second: number, more: Partial<Alert> = {}): Alert {
  return {
    schemaVersion: "1.0", time: `2026-03-01T09:00:${String(second).padStart(2, "0")}.000Z`, incidentId: id,
    state: "raised", scope: "zone", threat: "authorization-abuse", region: "town", zone: "south", stations: ["S-1"],
    onset: "2026-03-01T09:00:00.000Z", severity: "medium", confidence: 0.9, summary: "", explanation: [], evidence: [],
    nextStep: "", agent: "S-1", ...more,
  };
}

test("one incident at several agents is one, raised when the first said it, told as each said it last", () => {
  const [one, ...more] = incidentsOf([
    ["S-1", [alert("x", 5), alert("x", 9, { state: "updated", stations: ["S-1", "S-2"] })]],
    ["S-2", [alert("x", 4)]],
  ]);
  assert.is(more.length, 0);
  assert.is(one?.raisedMs, Date.parse("2026-03-01T09:00:04.000Z"));
  assert.equal([...one!.by].map(([agent, { stations }]) => `${agent}: ${stations}`), ["S-1: S-1,S-2", "S-2: S-1"]);
});

test("what was known before is left out, and clearing is no news", () => {
  assert.equal(incidentsOf([["S-1", [alert("old", 1), alert("old", 2, { state: "updated" })]]], new Set(["old"])), []);
  assert.equal(incidentsOf([["S-1", [alert("over", 1, { state: "cleared" })]]]), []);
  const cleared = incidentsOf([["S-1", [alert("x", 1), alert("x", 2, { state: "cleared" })]]]);
  assert.is(cleared[0]?.by.get("S-1")?.state, "raised");
});

test("different incidents stand in the order in which they were raised", () => {
  const found = incidentsOf([["S-1", [alert("late", 9), alert("early", 2)]], ["S-2", [alert("middle", 5)]]]);
  assert.equal(found.map(({ id }) => id), ["early", "middle", "late"]);
});

test("an incident that an agent raised again is counted, one that several raised once is not", () => {
  assert.is(raisedTwice([["S-1", [alert("x", 1), alert("y", 2)]], ["S-2", [alert("x", 1)]]]), 0);
  assert.is(raisedTwice([["S-1", [alert("x", 1), alert("x", 2, { state: "updated" }), alert("x", 3)]]]), 1);
});

test("a zone's incident is told by its zone, a station's by its station", () => {
  const place = (more: Partial<Alert>): string => placeOf(incidentsOf([["S-1", [alert("x", 1, more)]]])[0]!);
  assert.is(place({}), "authorization-abuse in south");
  assert.is(place({ scope: "station", stations: ["N-2"], threat: "energy-theft" }), "energy-theft at N-2");
});
