/** What an agent takes over from its log, and what it then learns from its neighbours. */
import { createHash } from "node:crypto";
import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { decide, searchRaises } from "../models/agree/zone-decision.ts";
import { EVIDENCE_KEYS, threatIndexOf } from "../models/terms.ts";
import { headOf, readCertificate } from "./certificate.ts";
import { createZoneProtocol } from "./agreement-protocol.ts";
import { certificatesOf, type Incidents, REMEMBERED_EPOCHS, takeCertificate } from "./incidents.ts";
import { encodeMessage } from "./message.ts";
import type { CertificateNews } from "./protocol-state.ts";
import { restoreIncidents } from "./restore.ts";
import {
  type Agent, createNetwork, epochAt, hashedCrypto, incomingOf, type Liar, madeDirectory, type Network,
  type NetworkOptions, PLAIN_LAW, restart, run, send, type Story,
} from "./zone-network.testing.ts";

const { crypto, signerOf } = hashedCrypto((...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
});
const STARTS = EVIDENCE_KEYS.indexOf("starts");
const LOAD = threatIndexOf(STARTS);

/** All rise together from an epoch on, so that certificates are renewed, until it is over. */
const risingUntil = (end: number): Story => (member, epoch) =>
  1_500 * Math.max(0, Math.min(epoch, end) - 10) - 100 * epoch + member;

function zoneOf(seed: number, more: Partial<NetworkOptions> = {}): Network {
  const random = seeded(seed);
  return createNetwork({
    crypto, signerOf, int: (n) => random.int(n), n: 6, f: 1, lossPercent: 0, keyIndex: STARTS,
    story: risingUntil(Infinity), law: { decide, search: searchRaises }, ...more,
  });
}

/** What the log gains: every certificate that was told complete, in the order of telling. */
const recordedBy = ({ news }: Pick<Agent, "news">): CertificateNews[] =>
  news.flatMap((one) => (one.kind === "certificate" && one.complete ? [one] : []));
const namesOf = (certificates: readonly CertificateNews[]): string[] =>
  certificates.map(({ certificate: { name } }) => name).sort();

function readBack(certificates: readonly CertificateNews[]): Incidents {
  const incidents: Incidents = new Map();
  for (const { certificate: { whole } } of certificates) {
    const read = readCertificate(whole, crypto)!;
    takeCertificate(incidents, read, read.epoch);
  }
  return incidents;
}

test("down for a while in an incident: each certificate is recorded once over both lives, with loss, few links", () => {
  for (const [lossPercent, down, seed] of [[0, 20, 1], [20, 20, 2], [35, 28, 3], [35, 20, 4], [20, 45, 5]] as const) {
    let isDown = false;
    const ring = (a: number, b: number): boolean => [1, 2, 4, 5].includes((a - b + 6) % 6);
    const zone = zoneOf(seed, {
      lossPercent, linked: (a, b) => (seed % 2 === 0 || ring(a, b)) && !(isDown && (a === 2 || b === 2)),
    });
    run(zone, 40);
    const before = zone.agents[2]!;
    isDown = true;
    run(zone, down);
    const { seq, previous } = before;
    const told = recordedBy(before);
    const after = Object.assign(restart(zone, 2), { seq, previous });
    restoreIncidents(after.state, readBack(told), epochAt(zone));
    isDown = false;
    // Ends between two renewals, which are still on their way to some otherwise.
    run(zone, 14);
    const { newest } = zone.agents[0]!.state.incidents.get(LOAD)!;
    if (newest.epoch + 9 > epochAt(zone)) run(zone, 9);
    const says = `loss ${lossPercent}, down ${down}, seed ${seed}`;
    const names = namesOf([...told, ...recordedBy(after)]);
    assert.equal(names, [...new Set(names)], `${says}: each once`);
    assert.equal(names, namesOf(recordedBy(zone.agents[0]!)), says);
    const [mine, theirs] = [2, 0].map((index) => zone.agents[index]!.state.incidents.get(LOAD)!);
    assert.equal([mine!.first.name, mine!.newest.name], [theirs!.first.name, theirs!.newest.name], says);
    assert.ok(zone.agents.every(({ news }) => news.every(({ kind }) => kind !== "guilty")), says);
  }
});

test("down for so long that most is gone: what comes hangs together in the end, and nothing is recorded twice", () => {
  let isDown = false;
  const zone = zoneOf(9, { lossPercent: 20, linked: (a, b) => !(isDown && (a === 2 || b === 2)) });
  run(zone, 40);
  isDown = true;
  run(zone, 150);
  const { seq, previous } = zone.agents[2]!;
  const told = recordedBy(zone.agents[2]!);
  const after = Object.assign(restart(zone, 2), { seq, previous });
  restoreIncidents(after.state, readBack(told), epochAt(zone));
  isDown = false;
  run(zone, 60);
  const names = namesOf([...told, ...recordedBy(after)]);
  const all = namesOf(recordedBy(zone.agents[0]!));
  assert.equal(names, [...new Set(names)]);
  assert.ok(names.every((name) => all.includes(name)) && names.length >= told.length + 8, `${names.length}`);
  assert.is(after.news.filter(({ kind }) => kind === "lapsed").length, 1, "the lease that ended meanwhile");
});

test("who remembers nothing of a long incident takes what hangs together, and is not sent the rest for ever", () => {
  const zone = zoneOf(6);
  run(zone, 160);
  const { seq, previous } = zone.agents[2]!;
  const agent = Object.assign(restart(zone, 2), { seq, previous });
  run(zone, 80);
  assert.is(agent.state.traffic.refused.get("past"), undefined, "nothing comes too late that it did not ask for");
  const names = namesOf(recordedBy(agent));
  assert.equal(names, [...new Set(names)]);
  const { first, newest } = agent.state.incidents.get(LOAD)!;
  assert.ok(newest.epoch - first.epoch > 120, "the last eight between led back");
  // The first of all hangs together with nothing that it has: it is asked for each time that it is forgotten.
  const refused = (): number => agent.state.traffic.refused.get("stale-certificate") ?? 0;
  const before = refused();
  run(zone, 80);
  assert.ok(refused() > before && refused() - before <= 80 / 8, `${refused() - before}`);
});

test("in an incident that goes on for ever nobody asks for what it has", () => {
  const zone = zoneOf(10, { n: 4, law: { decide, search: searchRaises } });
  run(zone, 20 + REMEMBERED_EPOCHS);
  const [before] = zone.agents.map(({ state }) => state.requestsSent);
  run(zone, 16);
  assert.is(before, 0);
  for (const { state, news } of zone.agents) {
    assert.is(state.traffic.refused.get("stale-certificate"), undefined);
    assert.is(new Set(namesOf(recordedBy({ news }))).size, recordedBy({ news }).length);
  }
});

/** Keeps the first certificate that it hears, and offers it in its digests from an epoch on. */
function hoarder(from: number): Liar {
  let kept: Parameters<NonNullable<Liar["hears"]>>[0] | undefined;
  return {
    sends: ({ kind }) => kind !== "digest",
    hears: (incoming) => {
      if (incoming.topic.includes("/certificate/")) kept ??= incoming;
    },
    atEpoch: (agent, zone, epoch) => {
      if (kept === undefined || epoch < from) return;
      const certificates = [readCertificate(kept.bytes, crypto)!.hash];
      const digest = encodeMessage("digest", { epoch, newest: [], certificates, guilty: [] },
        headOf(zone.directory, agent.state.station), agent.signer);
      for (const to of [0, 1, 2, 3, 4]) {
        send(zone, agent.index, to, incomingOf(zone.directory, { ...digest, bytes: digest.whole }));
        send(zone, agent.index, to, kept);
      }
    },
  };
}

test("a certificate that somebody kept is taken by nobody when its incident is over, or forgotten", () => {
  for (const from of [1_090, 1_000 + 60 + REMEMBERED_EPOCHS]) {
    const zone = zoneOf(7, { story: risingUntil(18), liars: new Map([[5, hoarder(from)]]) });
    run(zone, from - 1_000);
    const before = [0, 1, 2, 3, 4].map((index) => zone.agents[index]!.news.length);
    assert.ok(before[0]! > 1, "it was certified, and cleared");
    run(zone, 30);
    const asked = zone.agents[0]!.state.traffic.refused;
    assert.ok((asked.get("stale-certificate") ?? 0) + (asked.get("duplicate") ?? 0) > 0, "it was offered");
    assert.equal([0, 1, 2, 3, 4].map((index) => zone.agents[index]!.news.length), before, `from ${from}`);
  }
});

test("only what this roster's members signed is taken over, and only while it is remembered", () => {
  const zone = zoneOf(8);
  run(zone, 60);
  const told = recordedBy(zone.agents[0]!);
  assert.ok(told.length >= 3);
  const restored = (change: (bytes: Uint8Array, place: number) => Uint8Array, version = 1, later = 0) => {
    const directory = madeDirectory([0, 1, 2, 3, 4, 5].map(signerOf), 1, version);
    const state = createZoneProtocol({
      directory, station: directory.members[2]!.station, signer: signerOf(2), crypto, law: PLAIN_LAW,
    });
    const changed = told.map((one, place) =>
      ({ ...one, certificate: { ...one.certificate, whole: change(one.certificate.whole, place) } }));
    restoreIncidents(state, readBack(changed), epochAt(zone) + later);
    return [...state.incidents.values()].flatMap((incident) => certificatesOf(incident).map(({ name }) => name)).sort();
  };
  const forge = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte));
  const whole = (bytes: Uint8Array): Uint8Array => bytes;
  const names = told.map(({ certificate: { name } }) => name);
  assert.equal(restored(whole), names.toSorted());
  assert.equal(restored(forge), []);
  for (const bad of names.keys()) {
    const rest = names.filter((_, place) => place !== bad).sort();
    assert.equal(restored((bytes, place) => (place === bad ? forge(bytes) : bytes)), rest, `${bad} forged`);
  }
  assert.equal(restored(whole, 2), []);
  const { newest } = zone.agents[0]!.state.incidents.get(LOAD)!;
  const until = newest.epoch + REMEMBERED_EPOCHS - epochAt(zone);
  assert.equal([restored(whole, 1, until).length, restored(whole, 1, until + 1).length], [names.length, 0]);
});
