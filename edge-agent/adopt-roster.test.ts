/** Rosters that come into force in running cores: incidents, maps and statements follow, and who is out is alone. */
import { assert, test } from "../build/testing.ts";
import type { Roster } from "../gossip/roster.ts";
import type { StationId, ZoneId } from "../models/units.ts";
import { bringInto, type NewForce } from "./adapters/followed-roster.ts";
import type { Street } from "./adapters/membership.ts";
import { adoptRoster, changeText } from "./adopt-roster.ts";
import type { AgentState } from "./pipeline.ts";
import { rosterOf, stationAt, ZONE, ZoneCores } from "./zone-cores.testing.ts";

const without = (roster: Roster, ...gone: number[]): Roster =>
  ({ ...roster, members: roster.members.filter(({ station }) => !gone.map(stationAt).includes(station)) });
const stateOf = (cores: ZoneCores, index: number): AgentState => cores.house(index).core!.state;
const raised = (cores: ZoneCores, index: number) =>
  cores.house(index).alerts.filter(({ state, scope }) => state === "raised" && scope === "zone");

/** An attack on these, which they all feel. */
function attack(cores: ZoneCores, members: readonly number[]): void {
  for (let epoch = 0; epoch < 4; epoch++) {
    cores.suspect("starts", 6_000, members);
    cores.pass(1);
  }
  cores.pass(6);
}

test("members that stay go on under the new roster, and its order is the map's", () => {
  const cores = new ZoneCores(6, 1);
  cores.pass(5);
  const next = without(rosterOf(6, 1, 2), 1);
  for (const { index } of cores.houses) adoptRoster(stateOf(cores, index), next, index === 1 ? undefined : ZONE);
  cores.roster = next;
  cores.pass(2);
  assert.is(stateOf(cores, 0).gossip.rosterVersion, 2);
  attack(cores, [2, 3, 4, 5]);
  for (const index of [0, 2, 3, 4, 5]) {
    const [alert] = raised(cores, index);
    assert.is(alert?.certificate?.rosterVersion, 2);
    assert.equal(alert?.stations, [2, 3, 4, 5].map(stationAt));
    assert.match(alert!.summary, /^4 of 5 chargers on feeder-7 /);
    assert.not(alert!.explanation.some(({ term }) => term.endsWith("CP-1")));
  }
  assert.equal(raised(cores, 1), []);
});

test("who is listed no more says nothing, states to its own log alone, and clears what it knew of", () => {
  const cores = new ZoneCores(5, 1);
  cores.pass(5);
  attack(cores, [0, 1, 2, 3, 4]);
  assert.is(raised(cores, 4).length, 1);
  const next = without(rosterOf(5, 1, 2), 4);
  for (const { index } of cores.houses) adoptRoster(stateOf(cores, index), next, index === 4 ? undefined : ZONE);
  const { published, log, alerts } = cores.house(4);
  const [said, logged] = [published.length, log.length];
  cores.pass(40);
  assert.is(published.length, said);
  assert.ok(log.length <= logged + 4, `${log.length - logged} entries in 40 epochs`);
  assert.is(alerts.at(-1)?.state, "cleared");
  // Listed again it states in every epoch.
  const again = rosterOf(5, 1, 3);
  for (const { index } of cores.houses) adoptRoster(stateOf(cores, index), again, ZONE);
  cores.roster = again;
  cores.pass(8);
  assert.ok(published.length >= said + 6);
  assert.is(stateOf(cores, 4).zone!.protocol.view.members.filter(({ statements }) => statements.length > 0).length, 5);
});

test("who is moved begins in its new zone: the old one's incidents are over, its chain of statements goes on", () => {
  const cores = new ZoneCores(5, 1);
  cores.pass(5);
  attack(cores, [0, 1, 2, 3, 4]);
  const state = stateOf(cores, 4);
  const { seq, lastEpoch } = state.gossip;
  assert.is(state.zone!.open.size, 1);
  const hill = "hill" as ZoneId;
  const five = rosterOf(5, 1, 2);
  const next: Roster = {
    ...five, zones: [...five.zones, { id: hill, ratingW: 0, f: 0 }],
    members: five.members.map((one) => (one.station === stationAt(4) ? { ...one, zone: hill } : one)),
  };
  for (const { index } of cores.houses) adoptRoster(stateOf(cores, index), next, index === 4 ? hill : ZONE);
  cores.roster = next;
  const log = cores.house(4).log.length;
  cores.pass(3);
  assert.equal([state.gossip.zone, state.agree.zone, state.alert.zone], [hill, hill, hill]);
  assert.is(cores.house(4).alerts.at(-1)?.state, "cleared");
  assert.equal(state.zone!.protocol.view.members.map(({ station }) => station), [stationAt(4)]);
  assert.equal([state.gossip.seq, state.gossip.lastEpoch], [seq + 3, lastEpoch + 3]);
  assert.ok(cores.house(4).log.length > log);
  for (const index of [0, 1, 2, 3]) {
    assert.is(stateOf(cores, index).zone!.protocol.view.members.length, 4);
    assert.is(stateOf(cores, index).zone!.open.size, 1, "the others' incident goes on");
    assert.not(stateOf(cores, index).zone!.protocol.view.members.some(({ guilt }) => guilt !== undefined));
  }
});

function force(state: AgentState, more: Partial<NewForce>, street = true): { says: string[]; heard: unknown[] } {
  const [says, heard]: [string[], unknown[]] = [[], []];
  const follow: Street["follow"] = (roster) => heard.push(roster?.version);
  const before = rosterOf(4, 1);
  const taken: NewForce = { before, roster: rosterOf(4, 1, 2), name: "", member: before.members[0], ...more };
  bringInto(state, street ? { follow } as Street : undefined, taken, (text) => says.push(text));
  return { says, heard };
}

test("what is said, and whom the transport hears: as a member, gone, moved, and alone from the start", () => {
  const zone = "feeder-8" as ZoneId;
  const cores = new ZoneCores(4, 1);
  const state = stateOf(cores, 0);
  assert.equal(force(state, {}),
    { says: ["roster: version 2 is in force: 4 members in zone feeder-7"], heard: [2] });
  const gone = force(state, { member: undefined, problem: "version 2 has no member CP-0; have it enrolled" });
  assert.equal(gone,
    { says: ["roster: version 2 has no member CP-0; have it enrolled; watches alone"], heard: [undefined] });
  assert.is(state.zone!.protocol.self, -1);
  const four = rosterOf(4, 1, 2);
  const members = [{ ...four.members[0]!, zone }, ...four.members.slice(1)];
  const zones = [four.zones[0]!.id, zone].map((id) => ({ id, ratingW: 0, f: 0 }));
  const roster = { ...four, members, zones };
  assert.equal(force(state, { roster, member: members[0]! }), { heard: [2], says: [
    "roster: version 2 is in force: CP-0 moves from zone feeder-7; 1 members in zone feeder-8; new: CP-0"] });
  const alone = force({ ...state, zone: undefined }, {}, false);
  assert.equal(alone, { says: ["roster: version 2 lists CP-0: start the agent anew to join its zone"], heard: [] });
});

test("who came and who went, named as far as a line goes", () => {
  const six = rosterOf(6, 1);
  const cases: [Roster, Roster, string][] = [
    [six, six, "6 members in zone feeder-7"],
    [six, without(six, 2), "5 members in zone feeder-7; gone: CP-2"],
    [without(six, 0, 3), without(six, 2), "5 members in zone feeder-7; new: CP-0, CP-3; gone: CP-2"],
    [without(six, 0, 1, 2, 3, 4, 5), six,
      "6 members in zone feeder-7; new: CP-0, CP-1, CP-2, CP-3, CP-4 and 1 more"],
  ];
  for (const [before, after, says] of cases) assert.is(changeText(before, after, "feeder-7" as StationId), says);
});
