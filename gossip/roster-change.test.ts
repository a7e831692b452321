/** A zone whose roster changes while it runs, and one whose operators signed two of one version. */
import { createHash } from "node:crypto";
import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { EVIDENCE_KEYS } from "../models/terms.ts";
import { leaveZone, provisional, setDirectory } from "./agreement-protocol.ts";
import { quorumOf } from "./certificate.ts";
import type { CertificateNews } from "./protocol-state.ts";
import {
  type Agent, createNetwork, FIRST_EPOCH, hashedCrypto, madeDirectory, type Network, type NetworkOptions, run,
} from "./zone-network.testing.ts";

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(createHash("sha256").update(Buffer.concat(parts)).digest());

function network(seed: number, more: Partial<NetworkOptions> = {}): Network {
  const random = seeded(seed);
  return createNetwork({
    ...hashedCrypto(sha256), int: (n) => random.int(n), n: 6, f: 1, lossPercent: 20,
    keyIndex: EVIDENCE_KEYS.indexOf("starts"),
    story: (_, epoch) => 1_500 * Math.max(0, Math.min(epoch, 40) - 10), ...more,
  });
}

/** All of these go over to another version, with these members of the six. */
function change(zone: Network, version: number, agents: readonly Agent[], members = [0, 1, 2, 3, 4, 5]): void {
  const signers = [0, 1, 2, 3, 4, 5].map((index) => zone.agents[index]!.signer);
  const all = madeDirectory(signers, 1, version);
  const listed = members.map((index) => all.members[index]!);
  const indexOf = (station: string): number => listed.findIndex((one) => one.station === station);
  zone.directory = { ...all, members: listed, indexOf };
  for (const { state } of agents) setDirectory(state, zone.directory);
}

const certificates = ({ news }: Agent): CertificateNews[] =>
  news.flatMap((one) => (one.kind === "certificate" ? [one] : []));
const incidentsOf = (agent: Agent): number[] => [...new Set(certificates(agent).map(({ incident }) => incident))];

test("the roster changes in the middle of a rise: evidence from before counts, and all certify anew", () => {
  for (const at of [11, 12]) {
    const zone = network(51);
    run(zone, at);
    change(zone, 2, zone.agents);
    run(zone, 24);
    for (const agent of zone.agents) {
      const [first] = certificates(agent);
      assert.is(first!.certificate.rosterVersion, 2, `${at}: ${agent.index}`);
      assert.ok(first!.certificate.onset < FIRST_EPOCH + at, "growth from before the change");
      assert.is(incidentsOf(agent).length, 1);
    }
  }
});

test("who has not changed yet is not heard, and catches up when it has", () => {
  const zone = network(52);
  run(zone, 12);
  const slow = zone.agents[5]!;
  change(zone, 2, zone.agents.slice(0, 5));
  run(zone, 4);
  assert.ok((slow.state.traffic.refused.get("wrong-roster") ?? 0) > 0);
  change(zone, 2, [slow]);
  run(zone, 20);
  assert.ok(certificates(slow).length > 0);
  assert.is(new Set(zone.agents.map((agent) => incidentsOf(agent).join())).size, 1);
});

test("a member that leaves and a quorum of those that stay", () => {
  const zone = network(53);
  run(zone, 12);
  const gone = zone.agents[2]!;
  change(zone, 2, zone.agents.filter((agent) => agent !== gone), [0, 1, 3, 4, 5]);
  leaveZone(gone.state);
  const heardOf: number[] = [];
  run(zone, 25, () => {
    for (const { from, incoming } of [...zone.queue.values()].flat()) {
      if (from === gone.index && incoming.topic.endsWith("/CP-2")) heardOf.push(zone.tick);
    }
  });
  assert.equal(heardOf, [], "it says nothing more of its own");
  assert.is(gone.state.maySign, false);
  for (const agent of zone.agents) {
    if (agent === gone) continue;
    const [first] = certificates(agent);
    assert.ok(first!.signers.length >= quorumOf(zone.directory) && !first!.signers.includes("CP-2" as never));
    assert.is(first!.growths.length, 5);
  }
  assert.is(certificates(gone).length, 0);
});

test("an incident that stood when the agent left runs out", () => {
  let isGone = false;
  const zone = network(54, { linked: (a, b) => !isGone || (a !== 1 && b !== 1) });
  run(zone, 25);
  const gone = zone.agents[1]!;
  assert.ok(certificates(gone).length > 0);
  isGone = true;
  leaveZone(gone.state);
  run(zone, 40);
  assert.is(gone.news.filter(({ kind }) => kind === "lapsed").length, 1);
});

test("while two rosters of one version are signed nothing is certified, and what is seen stays provisional", () => {
  const zone = network(55);
  for (const { state } of zone.agents) state.frozen = true;
  run(zone, 30);
  for (const agent of zone.agents) {
    assert.equal(certificates(agent), []);
    assert.is(agent.state.proposals.size + agent.state.voted.size, 0);
    assert.is(provisional(agent.state).length, 1);
  }
  for (const { state } of zone.agents) state.frozen = false;
  run(zone, 8);
  for (const agent of zone.agents) assert.ok(certificates(agent).length > 0);
});

test("one that knows of the two takes no certificate from those that do not yet", () => {
  const zone = network(56, { lossPercent: 0 });
  const knows = zone.agents[4]!;
  knows.state.frozen = true;
  run(zone, 25);
  for (const agent of zone.agents) assert.is(certificates(agent).length > 0, agent !== knows);
  assert.ok((knows.state.traffic.refused.get("frozen") ?? 0) > 0);
  assert.not(certificates(zone.agents[0]!).some(({ signers }) => signers.includes("CP-4" as never)));
  knows.state.frozen = false;
  run(zone, 6);
  assert.ok(certificates(knows).length > 0, "digests bring it");
});
