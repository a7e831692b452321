import { createHash } from "node:crypto";
import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { decide, searchRaises } from "../models/agree/zone-decision.ts";
import { EVIDENCE_KEYS } from "../models/terms.ts";
import { headOf, verifyCertificate } from "./certificate.ts";
import { encodeMessage, type Kind, KINDS, messageOfStatement } from "./message.ts";
import type { CertificateNews } from "./protocol-state.ts";
import {
  createNetwork, hashedCrypto, honest, incomingOf, type Liar, type Network, type NetworkOptions, nextStatement,
  PLAIN_LAW, run, send, sendAll, type Story,
} from "./zone-network.testing.ts";
import { historyOf } from "./zone-view.ts";

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const hashed = hashedCrypto(sha256);
const STARTS = EVIDENCE_KEYS.indexOf("starts");

/** Quiet evidence falls a little, with noise that is the same for everyone who asks. */
function quiet(member: number, epoch: number): number {
  return -150 * epoch + ((member * 7_919 + epoch * 104_729) % 400);
}

/** All members rise together from one epoch to another. */
const jointRise = (from: number, to: number, members = (_: number): boolean => true): Story => (member, epoch) =>
  quiet(member, epoch) + (members(member) ? 1_500 * Math.max(0, Math.min(epoch, to) - from) : 0);

function network(seed: number, more: Partial<NetworkOptions>): Network {
  const random = seeded(seed);
  return createNetwork({
    crypto: hashed.crypto, signerOf: hashed.signerOf, int: (n) => random.int(n), n: 6, f: 1, lossPercent: 0,
    keyIndex: STARTS, story: quiet, ...more,
  });
}

const certificatesOf = (agent: Network["agents"][number]): CertificateNews[] =>
  agent.news.flatMap((news) => (news.kind === "certificate" ? [news] : []));

/** Checker: every honest agent ends with the same certificates, and its news ended with the same incident. */
function assertAgreement(zone: Network, says: string): void {
  const held = honest(zone).map(({ state }) => [...state.incidents].map(([keyIndex, { first, newest, lapsed }]) =>
    [keyIndex, first.name, first.epoch, newest.name, newest.epoch, lapsed]));
  for (const one of held) assert.equal(one, held[0], says);
  const told = honest(zone).map((agent) => certificatesOf(agent).at(-1)?.incident);
  for (const one of told) assert.is(one, told[0], says);
}

/** Checker: nobody honest is named guilty. */
function assertNobodyFramed(zone: Network, culprits: readonly string[], says: string): void {
  for (const { news } of honest(zone)) {
    const named = news.flatMap((one) => (one.kind === "guilty" ? [one.station as string] : []));
    assert.ok(named.every((station) => culprits.includes(station)), `${says}: ${named.join()}`);
  }
}

/** Checker: everything that is kept stays below what the limits add up to. */
function assertBounded(zone: Network, says: string): void {
  const n = zone.agents.length;
  for (const { state } of honest(zone)) {
    assert.ok(state.view.byHash.size <= n * 188, `${says}: statements ${state.view.byHash.size}`);
    for (const { statements } of state.view.members) assert.ok(statements.length <= 188, says);
    assert.ok(state.proposals.size <= 64, `${says}: proposals ${state.proposals.size}`);
    assert.ok(state.votes.size <= n * 32 * 8, `${says}: votes ${state.votes.size}`);
    assert.ok(state.voted.size <= 32 * 8, says);
    assert.ok(state.seen.size <= n * 160 * 8, `${says}: seen ${state.seen.size}`);
    assert.ok(state.wanted.size <= n * 128, `${says}: wanted ${state.wanted.size}`);
    assert.ok(state.resent.size <= 256, says);
    assert.ok(state.traffic.senders.size <= n, says);
    assert.ok(state.traffic.accepted.size <= n * (7 * 8 + 211), `${says}: quotas ${state.traffic.accepted.size}`);
    assert.ok(state.incidents.size <= EVIDENCE_KEYS.length && state.waits.size <= EVIDENCE_KEYS.length, says);
  }
}

test("a joint rise without loss is certified within two epochs of being seen, and clears when its lease ends", () => {
  const zone = network(1, { story: jointRise(10, 40) });
  run(zone, 10);
  for (const agent of zone.agents) assert.is(certificatesOf(agent).length, 0);
  run(zone, 8);
  const first = certificatesOf(zone.agents[0]!)[0]!;
  assert.is(first.change, "new");
  assert.is(first.incident, first.certificate.epoch);
  assert.is(first.key, "starts");
  assert.ok(first.certificate.onset >= 1_008 && first.certificate.onset <= 1_011, `${first.certificate.onset}`);
  assert.ok(first.signers.length >= 4);
  assert.is(first.growths.filter((growth) => growth !== undefined && growth > 1_000).length, 6);
  assertAgreement(zone, "raised");
  run(zone, 92);
  assertAgreement(zone, "cleared");
  for (const agent of zone.agents) {
    const lapsed = agent.news.filter((news) => news.kind === "lapsed");
    assert.is(lapsed.length, 1);
    assert.is(lapsed[0]!.incident, first.incident);
    assert.ok(certificatesOf(agent).some(({ change }) => change === "renewed"));
    assert.ok(certificatesOf(agent).every(({ incident }) => incident === first.incident));
  }
});

test("with loss of 0 to 50 %, late and doubled messages: all end with the same certificates", () => {
  for (const lossPercent of [0, 20, 35, 50]) {
    for (const seed of [1, 2]) {
      const zone = network(seed, { lossPercent, story: jointRise(10, 25) });
      run(zone, 38);
      const says = `loss ${lossPercent}, seed ${seed}`;
      for (const agent of zone.agents) assert.ok(certificatesOf(agent).length > 0, `${says}: ${agent.index}`);
      assertAgreement(zone, says);
      assertNobodyFramed(zone, [], says);
      assertBounded(zone, says);
    }
  }
});

test("with the real decision: a joint rise is certified, one broken member and a quiet zone are not", () => {
  const law = { decide, search: searchRaises };
  const zone = network(21, { law, lossPercent: 20, story: jointRise(10, 25) });
  run(zone, 10);
  for (const agent of zone.agents) assert.is(certificatesOf(agent).length, 0);
  run(zone, 28);
  for (const agent of zone.agents) assert.ok(certificatesOf(agent).length > 0);
  assertAgreement(zone, "the real decision");
  const broken = network(22, { law, story: jointRise(10, 40, (member) => member === 4) });
  run(broken, 40);
  for (const agent of broken.agents) assert.is(certificatesOf(agent).length, 0);
});

test("over few links each, and with one member cut off until later", () => {
  let isCut = true;
  const linked = (a: number, b: number): boolean =>
    (!isCut || (a !== 5 && b !== 5)) && [1, 2, 5, 4].includes((a - b + 6) % 6);
  const zone = network(4, { lossPercent: 10, story: jointRise(10, 30), linked });
  run(zone, 30);
  assert.is(certificatesOf(zone.agents[5]!).length, 0);
  isCut = false;
  run(zone, 12);
  assertAgreement(zone, "after the cut");
  assert.ok(certificatesOf(zone.agents[5]!).length > 0);
});

/** Proposals that contradict each other, one to each half, at every epoch. */
function selectiveProposer(): Liar {
  return {
    atEpoch: (agent, zone, epoch) => {
      const { state } = agent;
      const found = PLAIN_LAW.search(historyOf(state.view, 1, epoch), EVIDENCE_KEYS)[0];
      if (found === undefined) return;
      const items = found.pairs.flatMap((pair, index) =>
        (pair === undefined ? [] : [{ index, newer: pair.newer.hash, older: pair.older.hash }]));
      const head = headOf(zone.directory, state.station);
      [items, items.slice(1)].forEach((list, half) => {
        const content = { epoch, keyIndex: STARTS, onset: found.onset, items: list };
        const { kind, station, whole } = encodeMessage("proposal", content, head, agent.signer);
        for (const to of [0, 1, 2, 3, 4, 5].filter((index) => index % 2 === half)) {
          send(zone, agent.index, to, incomingOf(zone.directory, { kind, station, bytes: whole }));
        }
      });
    },
    sends: ({ kind }) => kind !== "proposal" && kind !== "vote",
  };
}

/** Two statements an epoch, each to one half. */
function equivocator(): Liar {
  return {
    sends: ({ kind, relayed }) => kind !== "statement" || relayed === true,
    atEpoch: (agent, zone) => {
      for (const half of [0, 1]) {
        const statement = nextStatement(zone, agent, half * 10_000);
        const message = messageOfStatement(statement);
        const outgoing = { kind: message.kind, station: message.station, bytes: message.whole };
        for (const to of [0, 1, 2, 3, 4, 5].filter((index) => index % 2 === half)) {
          send(zone, agent.index, to, incomingOf(zone.directory, outgoing));
        }
      }
    },
  };
}

/** Sends everything that it ever heard again, at random. */
function replayer(seed: number): Liar {
  const random = seeded(seed);
  const heard: Parameters<NonNullable<Liar["hears"]>>[0][] = [];
  return {
    hears: (incoming) => {
      if (heard.length < 3_000) heard.push(incoming);
    },
    atEpoch: (agent, zone) => {
      for (let i = 0; i < 60 && heard.length > 0; i++) sendAll(zone, agent.index, random.pick(heard));
    },
  };
}

/** Garbage, and validly signed nonsense of every kind, as fast as it can. */
function flooder(seed: number): Liar {
  const random = seeded(seed);
  const hash = (): Uint8Array => random.bytes(32);
  return {
    atEpoch: (agent, zone, epoch) => {
      const head = headOf(zone.directory, agent.state.station);
      const item = { index: random.int(6), newer: hash(), older: hash() };
      const signed = [
        ...Array.from({ length: 40 }, () => encodeMessage("vote", { epoch, proposal: hash() }, head, agent.signer)),
        ...Array.from({ length: 40 }, (_, i) => encodeMessage("proposal",
          { epoch, keyIndex: i % 23, onset: epoch - random.int(9), items: [item] }, head, agent.signer)),
        ...Array.from({ length: 20 }, () => encodeMessage("request",
          { epoch, hashes: Array.from({ length: 64 }, hash) }, head, agent.signer)),
        encodeMessage("digest", {
          epoch, newest: [0, 1, 2, 3, 4, 5].map((index) => ({ index, epoch: epoch + 1, hash: hash() })),
          certificates: Array.from({ length: 32 }, hash), guilty: [0, 1, 2],
        }, head, agent.signer),
        encodeMessage("proof", { first: hash(), second: hash() }, head, agent.signer),
      ];
      for (const { kind, station, whole } of signed) {
        sendAll(zone, agent.index, incomingOf(zone.directory, { kind, station, bytes: whole }));
      }
      for (let i = 0; i < 300; i++) {
        const kind: Kind = random.pick(KINDS);
        const bytes = random.bytes(random.int(200));
        sendAll(zone, agent.index, incomingOf(zone.directory, { kind, station: agent.state.station, bytes }));
      }
    },
  };
}

const LIARS: Readonly<Record<string, (seed: number) => Liar>> = {
  silent: () => ({ sends: () => false }),
  frame: () => ({ says: (epoch) => 3_000 * epoch }),
  hide: () => ({ says: (epoch) => -3_000 * epoch }),
  equivocate: equivocator,
  replay: replayer,
  flood: flooder,
  "selective proposals": selectiveProposer,
};

test("each liar in a zone that is attacked: the rise is certified all the same, and nobody honest is named", () => {
  for (const [name, make] of Object.entries(LIARS)) {
    for (const lossPercent of [0, 30]) {
      const says = `${name}, loss ${lossPercent}`;
      const zone = network(11, { lossPercent, story: jointRise(10, 30), liars: new Map([[2, make(5)]]) });
      // Ends well before or after the epochs of renewal: a certificate on its way is not at all agents yet.
      run(zone, 38);
      for (const agent of honest(zone)) assert.ok(certificatesOf(agent).length > 0, `${says}: ${agent.index}`);
      assertAgreement(zone, says);
      assertNobodyFramed(zone, name === "equivocate" ? ["CP-2"] : [], says);
      assertBounded(zone, says);
    }
  }
});

test("each liar in a quiet zone, or one broken member: nothing is certified", () => {
  for (const [name, make] of Object.entries(LIARS)) {
    const zone = network(12, { lossPercent: 20, liars: new Map([[3, make(6)]]) });
    run(zone, 30);
    for (const agent of honest(zone)) assert.is(certificatesOf(agent).length, 0, name);
    assertNobodyFramed(zone, name === "equivocate" ? ["CP-3"] : [], name);
    assertBounded(zone, name);
  }
  const broken = network(13, { story: jointRise(10, 50, (member) => member === 4) });
  run(broken, 60);
  for (const agent of broken.agents) assert.is(certificatesOf(agent).length, 0);
});

test("the equivocator is named by everyone, with a proof", () => {
  const zone = network(14, { lossPercent: 20, liars: new Map([[1, equivocator()]]) });
  run(zone, 20);
  for (const { news, index } of honest(zone)) {
    const named = news.flatMap((one) => (one.kind === "guilty" ? [one.station] : []));
    assert.equal(named, ["CP-1"], `${index}`);
  }
});

test("a minority cannot certify: what it sees stays provisional", () => {
  const alone = new Map([0, 1, 2].map((index): [number, Liar] => [index, { sends: () => false }]));
  const zone = network(15, { story: jointRise(10, 30), liars: alone });
  run(zone, 40);
  for (const agent of honest(zone)) assert.is(certificatesOf(agent).length, 0);
});

test("evidence that was certified once does not raise again when its lease ended", () => {
  const zone = network(16, { story: (member, epoch) => (epoch < 10 ? 0 : 12_000) + member });
  run(zone, 120);
  for (const agent of zone.agents) {
    assert.is(certificatesOf(agent).filter(({ change }) => change === "new").length, 1);
    assert.is(agent.news.filter((news) => news.kind === "lapsed").length, 1);
  }
});

test("a certificate can be checked offline, with its statements; changed in any byte it cannot", () => {
  const zone = network(17, { story: jointRise(10, 30) });
  run(zone, 20);
  const { certificate } = certificatesOf(zone.agents[0]!)[0]!;
  const { byHash } = zone.agents[3]!.state.view;
  const names = new Set(certificate.items.flatMap(({ newer, older }) => [newer, older])
    .map((hash) => Buffer.from(hash).toString("hex")));
  const statements = [...names].map((name) => byHash.get(name)!.whole);
  const beside = { decide: PLAIN_LAW.decide, statements };
  const good = verifyCertificate(certificate.whole, zone.directory, hashed.crypto, beside);
  assert.ok(good.ok && good.decision?.raises === true);
  // One pair of statements is a member: it counts as the lowest value, and of six one is dropped as lowest anyway.
  const verify = (some: readonly Uint8Array[]) => verifyCertificate(certificate.whole, zone.directory, hashed.crypto,
    { ...beside, statements: some });
  const lacks = verify(statements.slice(1));
  assert.ok(lacks.ok && lacks.missing === 1 && lacks.decision!.sum < good.decision!.sum);
  const few = verify(statements.slice(6));
  assert.ok(!few.ok && few.problem.endsWith("those of 3 members are missing"));
  const other = [...byHash.values()].find(({ whole }) => !statements.includes(whole))!;
  assert.not(verify([...statements, other.whole]).ok, "one that it does not list");
  const random = seeded(3);
  for (let i = 0; i < 200; i++) {
    const bytes = certificate.whole.slice();
    bytes[random.int(bytes.length)]! ^= 1 << random.int(8);
    assert.not(verifyCertificate(bytes, zone.directory, hashed.crypto).ok, `run ${i}`);
  }
  const strict = { decide: () => ({ sum: 0, margin: -1, supporters: 0, raises: false }), statements };
  assert.not(verifyCertificate(certificate.whole, zone.directory, hashed.crypto, strict).ok);
});
