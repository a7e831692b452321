/** Each behaviour of a liar among three honest members in virtual time: what it says, and what comes of it. */
import { assert, test } from "../../build/testing.ts";
import { nodeCrypto, signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { createZoneProtocol, provisional } from "../../gossip/agreement-protocol.ts";
import { sameBytes } from "../../gossip/bytes.ts";
import type { Directory } from "../../gossip/directory.ts";
import { createGossip, gossip, type GossipState, type Heard } from "../../gossip/gossip.ts";
import { decodeMessage, topicText } from "../../gossip/message.ts";
import type { News, Outgoing } from "../../gossip/protocol-state.ts";
import {
  decodeBody, signStatement, type Statement, type StatementBody, statementHash,
} from "../../gossip/statement.ts";
import { decide, searchRaises } from "../../models/agree/zone-decision.ts";
import { EVIDENCE_KEYS } from "../../models/terms.ts";
import type { Epoch, MonotonicMs, Now, StationId, WallMs, ZoneId } from "../../models/units.ts";
import { BEHAVIOURS, type Behaviour } from "../sim/liars.ts";
import { LiarWords, type Said } from "./liar-words.ts";

const crypto = nodeCrypto();
const EPOCH_S = 10;
const FIRST = 1_000;
const STATIONS = ["A", "B", "C", "L"] as StationId[];
const LIAR = STATIONS[3]!;
const NO_HASH = new Uint8Array(0);
const STARTS = EVIDENCE_KEYS.indexOf("starts");
const signerOf = (index: number) => signerFromSeed(new Uint8Array(32).fill(index + 1));
const directory: Directory = {
  network: "town", version: 1, epochS: EPOCH_S, zone: { id: "street" as ZoneId, f: 1 },
  members: STATIONS.map((station, index) => ({ station, statementKey: signerOf(index).publicKey })),
  indexOf: (station) => STATIONS.indexOf(station as StationId),
};

const bodyOf = (epoch: number, seq: number, previous: Uint8Array = NO_HASH): StatementBody => ({
  network: "town", zone: "street", station: LIAR, epoch: epoch as Epoch, seq, previous, rosterVersion: 1,
  evidence: EVIDENCE_KEYS.map((_, index) => 100 * index), checkpoint: NO_HASH,
});
/** What the liar's agent said before it was overpowered. */
const OLD: readonly Statement[] = [signStatement(bodyOf(FIRST - 3, 41), signerOf(3))];

/** Evidence of each honest member at an epoch, for the key `starts`. */
type Story = (epoch: number) => number;
const QUIET: Story = () => 0;
const RUSH: Story = (epoch) => Math.max(0, epoch - FIRST - 4) * 6_000;

class Zone {
  readonly honest: GossipState[];
  readonly liar: LiarWords;
  readonly news: News[] = [];
  readonly said: Said[] = [];
  readonly #queue: { readonly to: number; readonly heard: Heard }[] = [];
  readonly #story: Story;
  #epoch = FIRST;

  constructor(behaviour: Behaviour, story: Story, old = OLD) {
    this.#story = story;
    this.honest = STATIONS.slice(0, 3).map((station, index) => createGossip({
      crypto, signer: signerOf(index), network: "town", zone: directory.zone.id, station, epochS: EPOCH_S,
      earliest: 0 as WallMs, rosterVersion: 1, statedEveryMs: 0,
      protocol: createZoneProtocol({
        directory, station, signer: signerOf(index), crypto, law: { decide, search: searchRaises },
      }),
    }));
    this.liar = new LiarWords({
      behaviour, directory, station: LIAR, signer: signerOf(3), crypto, earliest: 0 as WallMs, old, checkpoint: NO_HASH,
      random: (bytes) => new Uint8Array(bytes).fill(0xff), ...(old.length > 0 && { last: old.at(-1)! }),
    });
  }

  play(epochs: number, junk = 0): this {
    for (const end = this.#epoch + epochs; this.#epoch < end; this.#epoch++) {
      this.honest.forEach((_, index) => this.#honestly(index, undefined));
      this.#lie([...this.liar.begin(this.#now()), ...this.liar.junk(junk)]);
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        if (next.to < 3) this.#honestly(next.to, next.heard);
        else this.#lie(this.liar.hear(next.heard, this.#now()));
      }
    }
    return this;
  }

  refused(index: number): Readonly<Record<string, number>> {
    return Object.fromEntries(this.protocol(index).traffic.refused);
  }

  protocol(index: number) {
    return this.honest[index]!.protocol!;
  }

  #now(): Now {
    return { wallMs: this.#epoch * EPOCH_S * 1_000 as WallMs, monoMs: this.#epoch * EPOCH_S * 1_000 as MonotonicMs };
  }

  #honestly(index: number, heard: Heard | undefined): void {
    const evidence = () => EVIDENCE_KEYS.map((_, key) => (key === STARTS ? this.#story(this.#epoch) : 0));
    const { outgoing, news } = gossip(this.honest[index]!, heard, evidence, NO_HASH, this.#now());
    this.news.push(...news);
    for (const one of outgoing) for (let to = 0; to < 4; to++) if (to !== index) this.#send(index, to, one);
  }

  #lie(all: readonly Said[]): void {
    this.said.push(...all);
    for (const { message, half } of all) {
      for (let to = 0; to < 3; to++) if (half === undefined || to % 2 === half) this.#send(3, to, message);
    }
  }

  #send(from: number, to: number, { kind, station, bytes, from: except }: Outgoing): void {
    if (except === STATIONS[to]) return;
    const topic = topicText({ network: "town", zone: "street", kind, station });
    this.#queue.push({ to, heard: { topic, bytes, from: STATIONS[from]! } });
  }
}

const namedBy = ({ news }: Zone) => news.filter((one) => one.kind === "guilty").map(({ station }) => station);
const stated = ({ said }: Zone) =>
  said.filter(({ message: { kind, station } }) => kind === "statement" && station === LIAR);
const bodyIn = ({ message }: Said) => {
  const decoded = decodeMessage("statement", message.bytes);
  return decoded.ok ? decodeBody(decoded.message.bytes) : undefined;
};

test("alone no behaviour raises anything, and only who contradicts itself is named: by all, once", () => {
  for (const behaviour of BEHAVIOURS) {
    const zone = new Zone(behaviour, QUIET).play(20, behaviour === "flood" ? 64 : 0);
    zone.honest.forEach((_, index) => {
      const { incidents, view } = zone.protocol(index);
      assert.is(incidents.size, 0, behaviour);
      assert.equal(provisional(zone.protocol(index)), [], behaviour);
      assert.is(view.members.slice(0, 3).every(({ guilt }) => guilt === undefined), true, behaviour);
      assert.is(view.members[3]!.guilt !== undefined, behaviour === "equivocate", behaviour);
    });
    assert.equal(namedBy(zone), behaviour === "equivocate" ? [LIAR, LIAR, LIAR] : [], behaviour);
  }
});

test("no behaviour keeps three honest members from certifying what they see", () => {
  for (const behaviour of BEHAVIOURS) {
    const zone = new Zone(behaviour, RUSH).play(25, behaviour === "flood" ? 64 : 0);
    const found = zone.honest.map((_, index) => [...zone.protocol(index).incidents.values()]
      .map(({ first }) => `${first.key} ${first.epoch}`));
    assert.is(found[0]?.length, 1, `${behaviour}: ${found[0]}`);
    assert.match(found[0]![0]!, /^starts /);
    assert.equal(found, [found[0], found[0], found[0]], behaviour);
  }
});

test("a framer: its own chain without fault, every key risen by the maximum; proposals that nobody votes for", () => {
  const zone = new Zone("frame", QUIET).play(8);
  const bodies = stated(zone).map(bodyIn);
  assert.is(bodies.length, 8);
  bodies.forEach((body, place) => {
    const before = place === 0 ? OLD[0]!.body : bodies[place - 1]!;
    const { bytes } = signStatement(before, signerOf(3));
    assert.is(body?.seq, 42 + place);
    assert.ok(sameBytes(body!.previous, statementHash(crypto, bytes)), "the chain goes on from the log");
    assert.equal(body!.evidence.map((sum, key) => sum - before.evidence[key]!), EVIDENCE_KEYS.map(() => 25_000));
  });
  const proposals = [...zone.protocol(0).proposals.values()];
  assert.ok(proposals.length > 8);
  for (const { author, judged, message } of proposals) {
    assert.equal([author, judged], [3, "refused"]);
    const votes = [...zone.protocol(0).votes].filter(([, { epoch }]) => epoch === message.content.epoch);
    assert.ok(votes.every(([, { by }]) => [...by.keys()].join() === "3"), "its own vote alone");
  }
  assert.ok(zone.refused(1)["bad-certificate"]! >= 6, "one forged certificate an epoch");
  assert.is(zone.refused(1)["too-fast"], undefined, "it stays within its allowance");
});

test("a framer signs whatever is proposed", () => {
  const zone = new Zone("frame", RUSH).play(20);
  const others = zone.said.filter(({ what }) => what === "vote for another's");
  assert.ok(others.length > 0);
  const [incident] = [...zone.protocol(0).incidents.values()];
  assert.ok(incident!.first.signers.filter((index) => index < 3).length >= 2, "two honest votes are in any quorum");
});

test("hide, and silent: nothing that rises, and no vote; nothing at all", () => {
  const hides = new Zone("hide", RUSH).play(20);
  for (const said of stated(hides)) assert.equal(bodyIn(said)?.evidence, OLD[0]!.body.evidence);
  assert.is(stated(hides).length, 20);
  assert.is(hides.said.some(({ message: { kind, station } }) => station === LIAR && kind === "vote"), false);
  assert.equal(new Zone("silent", RUSH).play(20).said, []);
});

test("an equivocator contradicts itself in each epoch, one statement to each half", () => {
  const zone = new Zone("equivocate", QUIET).play(4);
  const said = stated(zone);
  assert.is(said.length, 8);
  for (let epoch = 0; epoch < 8; epoch += 2) {
    const [one, other] = [said[epoch]!, said[epoch + 1]!];
    assert.equal([one.half, other.half], [0, 1]);
    const [a, b] = [bodyIn(one)!, bodyIn(other)!];
    assert.equal([a.seq, a.epoch], [b.seq, b.epoch]);
    assert.ok(a.evidence.some((sum, key) => sum !== b.evidence[key]));
  }
  assert.is(zone.said.some(({ message }) => message.kind === "proof"), false, "it does not carry its own proof");
});

test("a replayer says what was said before, its own and others', and of its own nothing new", () => {
  const zone = new Zone("replay", QUIET).play(5);
  assert.equal(new Set(stated(zone).map((said) => bodyIn(said)?.seq)), new Set([41]));
  assert.is(stated(zone).length, 5);
  const others = zone.said.filter(({ what, message }) => what === "old statement" && message.station !== LIAR);
  assert.ok(others.length > 0);
  assert.ok(zone.refused(0)["duplicate"]! > 0);
  // Without a log it states once.
  const first = new Zone("replay", QUIET, []).play(5);
  assert.equal(new Set(stated(first).map((said) => bodyIn(said)?.seq)), new Set([0]));
  assert.ok(stated(first).length >= 5);
});

test("a flooder's junk is counted against it, by its content and then by its rate", () => {
  const zone = new Zone("flood", QUIET).play(3, 2_000);
  const { "not-cbor": junk = 0, "too-fast": tooFast = 0 } = zone.refused(0);
  assert.ok(junk > 0 && tooFast > junk, `${junk}, ${tooFast}`);
  const { senders } = zone.protocol(0).traffic;
  assert.equal(["B", "C", "L"].map((from) => (senders.get(from)?.refused ?? 0) > 0), [false, false, true]);
});
