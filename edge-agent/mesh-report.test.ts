import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { messageOfStatement } from "../gossip/message.ts";
import {
  createNetwork, epochAt, FIRST_EPOCH, hashedCrypto, incomingOf, type Liar, type Network, type NetworkOptions,
  nextStatement, run, send, sendAll,
} from "../gossip/zone-network.testing.ts";
import { type Alert, EVIDENCE_KEYS } from "../models/terms.ts";
import { rfc3339, SECOND_MS, type WallMs } from "../models/units.ts";
import { nodeCrypto } from "./adapters/crypto.ts";
import { type MeshCounts, reportMesh } from "./mesh-report.ts";
import type { MeshStatus } from "./status.ts";

const EPOCH_S = 10;
const hashed = hashedCrypto(nodeCrypto().sha256);
const FLOW = { messages: 7, bytes: 700, messagesPerS: 1.234, bytesPerS: 12.34 };
const COUNTS: MeshCounts = {
  port: 8_883, broker: { connected: ["CP-1"], refused: { stranger: 2 } },
  links: [{
    name: "CP-2", address: { host: "::1", port: 1 }, up: false, since: 5_000 as WallMs, dropped: 3, refused: {},
  }],
  sent: FLOW, received: { ...FLOW, messages: 8 }, repeats: 4,
};

const timeOf = (epoch: number): string => rfc3339(epoch * EPOCH_S * SECOND_MS as WallMs);
const rising = (from: number) => (member: number, epoch: number): number => 2_000 * Math.max(0, epoch - from) + member;

function zoneOf(more: Partial<NetworkOptions>): Network {
  const random = seeded(4);
  return createNetwork({
    crypto: hashed.crypto, signerOf: hashed.signerOf, int: (n) => random.int(n), n: 4, f: 1, lossPercent: 0,
    keyIndex: EVIDENCE_KEYS.indexOf("refusals"), story: rising(Infinity), ...more,
  });
}

interface More {
  readonly open?: Alert;
  readonly counts?: MeshCounts;
  readonly listen?: { readonly host: string; readonly port: number };
}

/** As the agent of that index sees it, which has listened since the zone's first epoch. */
function reported(zone: Network, index: number, { open, counts = COUNTS, listen }: More = {}): MeshStatus {
  const { state: protocol } = zone.agents[index]!;
  const state = {
    protocol, epochS: EPOCH_S, places: [], ratingW: 0, closed: new Map(), contradictions: new Map(),
    region: { epochS: EPOCH_S, zones: 1, open: new Map() },
    open: new Map(open === undefined ? [] : [["authorization-abuse" as const, open]]),
  };
  const at = (epoch: number): WallMs => epoch * EPOCH_S * SECOND_MS as WallMs;
  return reportMesh({
    zone: state, counts, listen, wallMs: at(epochAt(zone)), startedAt: at(FIRST_EPOCH),
  });
}

test("a quiet zone: who, how many, and everybody heard", () => {
  const zone = zoneOf({});
  run(zone, 12);
  zone.tick -= 1; // the last moment of the twelfth epoch
  const { members, incidents, provisional, ...rest } = reported(zone, 0);
  assert.equal([rest.network, rest.zone, rest.rosterVersion, rest.n, rest.f, rest.quorum, rest.epoch, rest.epochS],
    ["example", "feeder-7", 1, 4, 1, 3, FIRST_EPOCH + 11, EPOCH_S]);
  assert.equal(members, ["CP-0", "CP-1", "CP-2", "CP-3"].map((station) =>
    ({ station, lastEpoch: FIRST_EPOCH + 11, silentEpochs: 0, suspected: false, guilty: false,
      trust: 1_000 })));
  assert.equal([incidents, provisional], [[], []]);
});

test("the transport: own broker as bound or deaf, links with times, rates in epochs", () => {
  const zone = zoneOf({});
  const listen = { host: "127.0.0.1", port: 0 };
  const status = reported(zone, 0, { listen });
  assert.equal(status.broker, { listen: "127.0.0.1:8883", connected: ["CP-1"], refused: { stranger: 2 } });
  assert.equal(status.links, [
    { to: "CP-2", address: "[::1]:1", up: false, since: "1970-01-01T00:00:05.000Z", dropped: 3, refused: {} },
  ]);
  assert.equal(status.traffic.sent, { messages: 7, bytes: 700, messagesPerEpoch: 12.3, bytesPerEpoch: 123 });
  assert.equal([status.traffic.received.messages, status.traffic.repeats], [8, 4]);
  const { port: _p, broker: _b, ...off } = COUNTS;
  const deaf = reported(zone, 0, { listen, counts: { ...off, port: undefined, broker: undefined } });
  assert.equal(deaf.broker, { connected: [], refused: {} });
  assert.is("broker" in reported(zone, 0), false);
});

const silent: Liar = { sends: () => false };

test("a silent member is suspected from the seventh epoch on, and never guilty; who never spoke has no epoch", () => {
  const zone = zoneOf({ liars: new Map([[2, silent]]) });
  const seen: [boolean, number][] = [];
  run(zone, 9, () => {
    const { suspected, silentEpochs, guilty, lastEpoch } = reported(zone, 0).members[2]!;
    assert.equal([guilty, lastEpoch], [false, undefined]);
    seen.push([suspected, silentEpochs]);
  });
  assert.equal(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8].map((epochs) => [epochs > 6, epochs]));
  assert.is(reported(zone, 2).members[2]!.silentEpochs, 1, "itself it hears");
});

test("what was heard long ago is still known when the statements are forgotten", () => {
  let gone = false;
  const zone = zoneOf({ liars: new Map([[1, { sends: () => !gone }]]) });
  run(zone, 3);
  gone = true;
  run(zone, 200);
  zone.tick -= 1;
  const { lastEpoch, silentEpochs, suspected } = reported(zone, 0).members[1]!;
  assert.equal([lastEpoch, silentEpochs, suspected], [FIRST_EPOCH + 2, 200, true]);
});

/** Two statements an epoch, each to some. */
const equivocator: Liar = {
  sends: ({ kind }) => kind !== "statement",
  atEpoch: (agent, zone) => {
    for (const half of [0, 1]) {
      const { kind, station, whole: bytes } = messageOfStatement(nextStatement(zone, agent, half * 10_000));
      for (const to of [half, half + 2]) {
        send(zone, agent.index, to, incomingOf(zone.directory, { kind, station, bytes }));
      }
    }
  },
};

test("who contradicted itself is guilty, and nobody else is", () => {
  const zone = zoneOf({ liars: new Map([[3, equivocator]]) });
  run(zone, 4);
  for (const index of [0, 1, 2]) {
    assert.equal(reported(zone, index).members.map(({ guilty }) => guilty), [false, false, false, true]);
  }
});

test("a certified rise: key, threat, times of its epochs and of its lease; with the alert, its id and stations", () => {
  const zone = zoneOf({ story: rising(5) });
  run(zone, 20);
  zone.tick -= 1;
  const [incident] = reported(zone, 1).incidents;
  const { first, newest } = [...zone.agents[1]!.state.incidents.values()][0]!;
  assert.equal(incident, {
    key: "refusals", threat: "authorization-abuse", onset: timeOf(newest.onset), since: timeOf(first.epoch),
    stations: [], certificateEpoch: newest.epoch, leaseEnds: timeOf(newest.epoch + 30),
  });
  const open = { incidentId: "3fa2", summary: "All.", onset: timeOf(3), stations: ["CP-0"] } as unknown as Alert;
  const told = reported(zone, 1, { open }).incidents[0];
  assert.equal([told?.incidentId, told?.summary, told?.onset, told?.stations], ["3fa2", "All.", timeOf(3), ["CP-0"]]);
});

test("an incident is open up to its lease's last epoch, and what awaits renewal is not provisional as well", () => {
  const zone = zoneOf({ story: (member, epoch) => (epoch < 5 ? 0 : 12_000) + member });
  let renewing = 0;
  const open: number[] = [];
  run(zone, 90, (epoch) => {
    const { incidents, provisional } = reported(zone, 0);
    if (incidents.length > 0) open.push(epoch);
    if (incidents.length > 0 && zone.agents[0]!.state.waits.size > 0) renewing += 1;
    assert.ok(incidents.length + provisional.length <= 1, `epoch ${epoch}`);
  });
  const { newest } = [...zone.agents[0]!.state.incidents.values()][0]!;
  assert.is(open.at(-1), newest.epoch + 29);
  assert.ok(newest.epoch + 29 < FIRST_EPOCH + 89, "it was seen to end");
  const rise = zoneOf({ story: rising(5) });
  run(rise, 60, () => {
    for (const { index, state } of rise.agents) {
      const { incidents, provisional } = reported(rise, index);
      if (incidents.length > 0 && state.waits.size > 0) renewing += 1;
      assert.ok(incidents.length === 0 || provisional.length === 0);
    }
  });
  assert.ok(renewing > 0, "a renewal was waited for");
});

test("what a minority sees is provisional, with the times of its epochs", () => {
  const zone = zoneOf({ story: rising(5), liars: new Map([[0, silent], [1, silent]]) });
  run(zone, 20);
  const status = reported(zone, 1);
  const [wait] = [...zone.agents[1]!.state.waits.values()];
  assert.equal(status.incidents, []);
  assert.equal(status.provisional, [{
    key: "refusals", threat: "authorization-abuse", onset: timeOf(wait!.onset), since: timeOf(wait!.since),
  }]);
});

test("refused messages by why; by sender without the copies that honest neighbours pass on", () => {
  const junk: Liar = {
    atEpoch: (agent, zone) => {
      for (let i = 0; i < 20; i++) {
        const bytes = Uint8Array.of(i);
        sendAll(zone, agent.index, incomingOf(zone.directory, { kind: "vote", station: agent.state.station, bytes }));
      }
    },
  };
  const zone = zoneOf({ liars: new Map([[2, junk]]) });
  run(zone, 3);
  const { refused, refusedFrom } = reported(zone, 0).traffic;
  assert.ok((refused["duplicate"] ?? 0) > 0, "neighbours do pass copies on");
  assert.equal(refusedFrom.map(({ from }) => from), ["CP-2"]);
  const others = Object.entries(refused).reduce((sum, [why, count]) => sum + (why === "duplicate" ? 0 : count), 0);
  assert.is(refusedFrom[0]!.messages, others);
  assert.ok(others >= 40, `${others}`);
});

test("the worst eight senders, the worst first, however many there are", () => {
  const zone = zoneOf({});
  const { senders } = zone.agents[0]!.state.traffic;
  for (let i = 0; i < 100; i++) {
    senders.set(`X-${i}`, { rate: { perS: 1, burst: 1 }, tokens: 1, atMs: 0, refused: (i * 37) % 100 });
  }
  assert.equal(reported(zone, 0).traffic.refusedFrom.map(({ messages }) => messages), [99, 98, 97, 96, 95, 94, 93, 92]);
});
