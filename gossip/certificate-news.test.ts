/** When a certificate is told complete: with the last of its statements, or when they are given up; always once. */
import { createHash } from "node:crypto";
import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { EVIDENCE_KEYS } from "../models/terms.ts";
import type { Epoch, MonotonicMs } from "../models/units.ts";
import { createZoneProtocol, onEpoch, onMessage } from "./agreement-protocol.ts";
import { hex } from "./bytes.ts";
import { headOf, readMessage } from "./certificate.ts";
import { makeProof } from "./equivocation.ts";
import { messageOfStatement } from "./message.ts";
import type { News, Outgoing, ProtocolState } from "./protocol-state.ts";
import {
  createNetwork, epochAt, hashedCrypto, honest, incomingOf, type Liar, type Network, type NetworkOptions,
  nextStatement, PLAIN_LAW, run, send, type Story,
} from "./zone-network.testing.ts";

const { crypto, signerOf } = hashedCrypto((...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
});

const rising: Story = (member, epoch) => 1_500 * Math.max(0, Math.min(epoch, 24) - 10) + member;

function zoneOf(seed: number, more: Partial<NetworkOptions> = {}): Network {
  const random = seeded(seed);
  return createNetwork({
    crypto, signerOf, int: (n) => random.int(n), n: 6, f: 1, lossPercent: 0, story: rising,
    keyIndex: EVIDENCE_KEYS.indexOf("starts"), ...more,
  });
}

const told = (news: readonly News[]): string[] =>
  news.flatMap((one) => (one.kind === "certificate" ? [`${one.change}${one.complete ? "" : ", incomplete"}`] : []));

/** A certificate of a zone, all its statements, and an agent that has heard nothing yet. */
function newcomer() {
  const zone = zoneOf(1);
  run(zone, 18);
  const certificate = [...zone.agents[0]!.state.incidents.values()][0]!.newest;
  const { directory } = zone;
  const state = createZoneProtocol({
    directory, station: directory.members[2]!.station, signer: signerOf(2), crypto, law: PLAIN_LAW,
  });
  const hashes = [...new Set(certificate.items.flatMap(({ newer, older }) => [hex(newer), hex(older)]))];
  const statements = hashes.map((hash) => zone.agents[0]!.state.view.byHash.get(hash)!);
  const nowOf = (epoch: number) => ({ epoch: epoch as Epoch, monoMs: 10_000 * (epoch - 1_000) as MonotonicMs });
  const hear = (kind: Outgoing["kind"], index: number, bytes: Uint8Array, epoch: number): readonly News[] =>
    onMessage(state, incomingOf(directory, { kind, station: directory.members[index]!.station, bytes }), "CP-0",
      nowOf(epoch)).news;
  const begin = (epoch: number) => onEpoch(state, { maySign: true }, nowOf(epoch));
  const tell = (epoch: number): readonly News[] =>
    hear("certificate", directory.indexOf(certificate.station), certificate.whole, epoch);
  return { zone, certificate, state, statements, hear, begin, tell, from: epochAt(zone) };
}

const wantedBy = ({ outgoing }: { readonly outgoing: readonly Outgoing[] }): string[] => outgoing.flatMap((one) =>
  (one.kind === "request" ? readMessage("request", one.bytes)!.content.hashes.map(hex) : []));

test("told as incomplete when it comes, complete when the last statement has come; each is asked for", () => {
  const { state, statements, hear, begin, tell, from, certificate } = newcomer();
  begin(from);
  assert.equal(told(tell(from)), ["new, incomplete"]);
  const [last, ...others] = statements;
  assert.equal(wantedBy(begin(from + 1)).sort(), statements.map(({ hash }) => hex(hash)).sort());
  for (const { index, whole } of others) hear("statement", index, whole, from + 1);
  const begun = begin(from + 2);
  assert.equal([told(begun.news), wantedBy(begun)], [[], [hex(last!.hash)]]);
  hear("statement", last!.index, last!.whole, from + 2);
  const { news } = begin(from + 3);
  assert.equal(told(news), ["completed"]);
  const growths = news.flatMap((one) => (one.kind === "certificate" ? one.growths : []));
  assert.ok(growths.length === 6 && growths.every((growth) => growth !== undefined));
  assert.equal(told(begin(from + 4).news), []);
  assert.equal(told(tell(from + 4)), [], "a second copy");
  assert.is(state.awaited.size, 0);
  assert.is([...state.incidents.values()][0]!.newest.name, certificate.name);
});

test("asked for in every epoch, and given up after twelve: told with what is here", () => {
  const { state, statements, hear, begin, tell, from } = newcomer();
  begin(from);
  tell(from);
  for (const { index, whole } of statements.slice(2)) hear("statement", index, whole, from);
  const missing = statements.slice(0, 2).map(({ hash }) => hex(hash)).sort();
  for (let epoch = from + 1; epoch < from + 12; epoch++) {
    const begun = begin(epoch);
    assert.equal([told(begun.news), wantedBy(begun).sort()], [[], missing], `epoch ${epoch - from}`);
  }
  const { news } = begin(from + 12);
  assert.equal(told(news), ["given-up"]);
  const known = news.flatMap((one) => (one.kind === "certificate" ? one.growths : []));
  assert.equal(known.map((growth) => growth !== undefined), [false, true, true, true, true, true]);
  assert.equal([told(begin(from + 13).news), state.awaited.size], [[], 0]);
});

test("statements of a guilty member are not waited for: nobody would take them", () => {
  const { zone, statements, hear, begin, tell, from } = newcomer();
  const culprit = zone.agents[3]!;
  const [first, second] = [1, 2].map((value) => messageOfStatement(nextStatement(zone, culprit, value)).whole);
  const proof = makeProof(first!, second!, headOf(zone.directory, zone.directory.members[0]!.station), signerOf(0));
  begin(from);
  tell(from);
  for (const { index, whole } of statements) if (index !== 3) hear("statement", index, whole, from);
  assert.equal(told(begin(from + 1).news), [], "waited for");
  hear("proof", 0, proof.whole, from + 1);
  assert.equal(told(begin(from + 2).news), ["completed"]);
});

/** Two statements an epoch, each to one half: some hold what others can never have. */
const equivocator: Liar = {
  sends: ({ kind, relayed }) => kind !== "statement" || relayed === true,
  atEpoch: (agent, zone) => {
    for (const half of [0, 1]) {
      const { kind, station, whole } = messageOfStatement(nextStatement(zone, agent, 3_000 + half));
      for (const to of [0, 1, 2, 3, 4, 5].filter((index) => index % 2 === half)) {
        send(zone, agent.index, to, incomingOf(zone.directory, { kind, station, bytes: whole }));
      }
    }
  },
};

/** Checker: whatever was told new was told complete, once, and everybody honest was told the same. */
function assertAllComplete(agents: readonly { readonly news: readonly News[]; readonly state: ProtocolState }[]): void {
  const names = agents.map(({ news }) => news.flatMap((one) =>
    (one.kind === "certificate" && one.complete ? [one.certificate.name] : [])).sort());
  for (const [place, one] of names.entries()) {
    assert.equal(one, [...new Set(one)], `${place}: once`);
    assert.equal(one, names[0], `${place}: the same`);
    assert.is(agents[place]!.state.awaited.size, 0);
  }
  assert.ok(names[0]!.length > 0);
}

test("in lossy zones, with an equivocator or without, all end with the same certificates, each told whole once", () => {
  for (const [lossPercent, seed] of [[0, 2], [30, 3], [50, 4]] as const) {
    for (const liars of [new Map<number, Liar>(), new Map([[4, equivocator]])]) {
      const zone = zoneOf(seed, { lossPercent, liars });
      // Ends between two renewals, which are still on their way to some otherwise.
      run(zone, 56);
      assertAllComplete(honest(zone));
    }
  }
});
