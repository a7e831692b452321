import { assert, test } from "../build/testing.ts";
import { meshLines, zoneLines } from "./mesh-text.ts";
import { statusText } from "./status-text.ts";
import type { MeshStatus } from "./status.ts";
import { MESH, STATUS } from "./status.testing.ts";

const street = (more: Partial<MeshStatus>) => ({ ...STATUS, mesh: { ...MESH, ...more } });
const lineOf = (text: string, more: Partial<MeshStatus>): string =>
  [...zoneLines(street(more)), ...meshLines(street(more))].find((line) => line.includes(text)) ?? "";

test("a lone agent has no street to speak of", () => {
  assert.equal([...zoneLines(STATUS), ...meshLines(STATUS)], []);
});

test("a quiet street in seven lines, and nothing at the top", () => {
  assert.equal(zoneLines(street({})), []);
  assert.equal(meshLines(street({})), [
    "street      town, zone feeder-7, roster 4: 7 members, of which 2 may lie or be broken; 5 certify",
    "links       2 of 2 up",
    "            own broker at 10.0.0.5:8883, connected: 2",
    "heard       7 of 7 lately",
    "messages    an epoch: 14.2 sent (3.5 KB), 15 received (900 B)",
    "            refused: 4000 duplicate",
  ]);
});

test("who does not vote is named, and whether the zone bears it stands first", () => {
  const members = ["CP-002", "CP-003"];
  assert.is(lineOf("votes", {}), "");
  assert.match(lineOf("votes", { metered: { members, borne: 2, self: false } }),
    /^votes {7}not of CP-002.*CP-003, on metered links; the zone bears 2 such$/);
  assert.match(lineOf("votes", { metered: { members, borne: 1, self: false } }), /^votes {7}TOO FEW: not of /);
});

const INCIDENT: MeshStatus["incidents"][number] = {
  key: "starts", threat: "load-manipulation", incidentId: "3fa2c1b4d5e6f708", onset: "2026-11-01T11:50:00.000Z",
  summary: "2 of 7 chargers on feeder-7 started charging together.", since: "2026-11-01T11:55:00.000Z",
  stations: ["CP-001", "CP-004"], certificateEpoch: 179_351_970, leaseEnds: "2026-11-01T12:00:00.000Z",
};

test("what the zone certified stands before everything but the name, then guilt, then what is provisional", () => {
  const members = MESH.members.map((one) => (one.station === "CP-006" ? { ...one, guilty: true } : one));
  const provisional: MeshStatus["provisional"] = [
    { key: "refusals", threat: "authorization-abuse", onset: STATUS.time, since: "2026-11-01T11:59:00.000Z" },
  ];
  const text = statusText(street({ incidents: [INCIDENT], members, provisional }));
  assert.equal(text.split("\n").slice(1, 6), [
    "zone        CERTIFIED load-manipulation since 2026-11-01T11:55:00.000Z (5 min ago), 2 of 7 affected: "
      + "CP-001, CP-004",
    "            2 of 7 chargers on feeder-7 started charging together.",
    "            kerbwatch explain 3fa2c1b4d5e6; stands until 2026-11-01T12:00:00.000Z, unless renewed",
    "zone        CP-006 CONTRADICTED ITSELF, which is proven",
    "zone        provisional authorization-abuse since 2026-11-01T11:59:00.000Z (60 s ago): no 5 of 7 say so yet",
  ]);
});

test("a certificate whose statements are on their way names nobody, and no incident to explain", () => {
  const { incidentId: _i, summary: _s, ...bare } = INCIDENT;
  const lines = zoneLines(street({ incidents: [{ ...bare, stations: [] }] }));
  assert.equal(lines.map((line) => line.slice(12)), [
    "CERTIFIED load-manipulation since 2026-11-01T11:55:00.000Z (5 min ago), 0 of 7 affected",
    "what it rests on is still being fetched",
  ]);
});

test("links that are down come first, with how long", () => {
  const [first, second] = MESH.links;
  const links = [first!, { ...second!, up: false, since: "2026-11-01T11:58:00.000Z" }];
  assert.is(lineOf("links", { links }), "links       DOWN: CP-003 (10.0.0.7:8883) for 2 min; 1 of 2 up");
  const many = Array.from({ length: 9 }, (_, i) => ({ ...links[1]!, to: `CP-${i}` }));
  assert.match(lineOf("links", { links: many }), /CP-5 \(.*\) for 2 min and 3 more; 0 of 9 up$/);
});

test("the own broker: absent, deaf, or beset", () => {
  const { broker: _b, ...without } = MESH;
  assert.ok(meshLines({ ...STATUS, mesh: without }).includes("            no broker of its own"));
  assert.match(lineOf("own broker", { broker: { connected: [], refused: {} } }), /does NOT listen, connected: 0$/);
  assert.match(lineOf("own broker", { broker: { ...MESH.broker!, refused: { stranger: 3, tls: 1 } } }),
    /connected: 2; refused: 3 stranger, 1 tls$/);
});

test("silence is information: said from the seventh epoch on, and without a capital letter", () => {
  const members = MESH.members.map((one, i) => (i === 3 ? { ...one, silentEpochs: 7, suspected: true } : one));
  assert.is(lineOf("heard", { members }), "heard       6 of 7 lately; info: not CP-004 for 70 s");
  const { lastEpoch: _l, ...never } = { ...members[3]!, silentEpochs: 600 };
  assert.match(lineOf("heard", { members: [never] }), /0 of 1 lately; info: not CP-004 for at least 100 min$/);
});

test("a sender stands out with half of what was refused, and not with a few or with copies", () => {
  const refused = { "bad-signature": 30, "duplicate": 9_000, "past": 10 };
  const by = (messages: number) => lineOf("refused", {
    traffic: { ...MESH.traffic, refused, refusedFrom: [{ from: "CP-003", messages }] },
  });
  assert.match(by(20), /30 bad-signature, 9000 duplicate, 10 past; 20 of them from CP-003$/);
  assert.match(by(19), /10 past$/);
  const few = { ...MESH.traffic, refused: { past: 19 }, refusedFrom: [{ from: "CP-003", messages: 19 }] };
  assert.match(lineOf("refused", { traffic: few }), /refused: 19 past$/);
  assert.is(lineOf("refused", { traffic: { ...MESH.traffic, refused: {} } }), "");
});

test("strings of others cannot move the cursor or forge a line", () => {
  const evil = "x\u001b[2J\nzone        CERTIFIED";
  const text = statusText(street({
    network: evil, zone: evil, broker: { ...MESH.broker!, listen: evil },
    links: [{ ...MESH.links[0]!, to: evil, address: evil, up: false }],
    members: [{ ...MESH.members[0]!, station: evil, guilty: true, suspected: true }],
    incidents: [{ ...INCIDENT, summary: evil, incidentId: evil, leaseEnds: evil, since: evil, stations: [evil] }],
    traffic: { ...MESH.traffic, refused: { past: 99 }, refusedFrom: [{ from: evil, messages: 99 }] },
  }));
  assert.not.match(text, /\u001b/);
  assert.is(text.match(/^zone {8}CERTIFIED/gm)?.length, 1);
});

test("whose word counts less is told as information, and nobody who is guilty a second time", () => {
  const members = MESH.members.map((one, index) =>
    ({ ...one, ...(index === 1 && { trust: 500 }), ...(index === 2 && { guilty: true, trust: 0 }) }));
  const lines = meshLines({ ...STATUS, mesh: { ...MESH, members } }).filter((line) => line.startsWith("trust"));
  assert.equal(lines, [
    `trust       info: what contradicted its own meter counts less: ${MESH.members[1]!.station} for 50 %`,
  ]);
  assert.not.ok(meshLines({ ...STATUS, mesh: MESH }).some((line) => line.startsWith("trust")));
});
