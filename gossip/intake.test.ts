import { assert, test } from "../build/testing.ts";
import { nodeCrypto, signerFromSeed, tweetnaclCrypto } from "../edge-agent/adapters/crypto.ts";
import { decide, searchEveryKey } from "../models/agree/zone-decision.ts";
import type { Crypto } from "../models/crypto.ts";
import { EVIDENCE_KEYS } from "../models/terms.ts";
import type { Epoch, MonotonicMs, StationId, ZoneId } from "../models/units.ts";
import { compose, createZoneProtocol, onEpoch, onMessage, setDirectory } from "./agreement-protocol.ts";
import { encodeCbor } from "./cbor.ts";
import { headOf } from "./certificate.ts";
import { makeProof } from "./equivocation.ts";
import type { Incoming } from "./intake.ts";
import {
  type ComposedKind, encodeMessage, type Head, type Kind, type Message, messageOfStatement, topicText,
} from "./message.ts";
import type { Contents } from "./message-content.ts";
import type { News, Output, ProtocolState } from "./protocol-state.ts";
import { type Statement, type StatementBody, signStatement } from "./statement.ts";
import { BURST, MESSAGES_PER_S, type Problem, SITE_AUTHOR } from "./traffic.ts";
import { madeDirectory } from "./zone-network.testing.ts";

const signers = Array.from({ length: 6 }, (_, i) => signerFromSeed(new Uint8Array(32).fill(i + 1)));
const directory = madeDirectory(signers, 1, 3);
const EPOCH = 1_000;
const stationOf = (index: number): StationId => `CP-${index}` as StationId;

function agent(index = 0, crypto = nodeCrypto()): ProtocolState {
  const state = createZoneProtocol({
    directory, station: stationOf(index), signer: signers[index]!, crypto,
    law: { decide, search: searchEveryKey },
  });
  begin(state, EPOCH);
  return state;
}

const begin = (state: ProtocolState, epoch: number): Output =>
  onEpoch(state, { maySign: true }, { epoch: epoch as Epoch, monoMs: 0 as MonotonicMs });

function statement(by: number, epoch: number, more: Partial<StatementBody> = {}): Statement {
  return signStatement({
    network: directory.network, zone: directory.zone.id, station: stationOf(by), epoch: epoch as Epoch,
    seq: epoch - EPOCH + 500, previous: new Uint8Array(0), rosterVersion: 3, evidence: EVIDENCE_KEYS.map(() => 0),
    checkpoint: new Uint8Array(0), ...more,
  }, signers[by]!);
}

function made<K extends ComposedKind>(by: number, kind: K, content: Contents[K], more: Partial<Head> = {}): Message {
  return encodeMessage(kind, content, { ...headOf(directory, stationOf(by)), ...more }, signers[by]!) as Message;
}

function incoming({ kind, station, whole }: Pick<Message, "kind" | "station" | "whole">): Incoming {
  return { topic: topicText({ network: directory.network, zone: directory.zone.id, kind, station }), bytes: whole };
}

function hear(state: ProtocolState, what: Incoming, epoch = EPOCH, from = "CP-5", monoMs = 0): Output {
  return onMessage(state, what, from, { epoch: epoch as Epoch, monoMs: monoMs as MonotonicMs });
}

const tell = (state: ProtocolState, own: Statement, epoch = EPOCH): Output =>
  hear(state, incoming(messageOfStatement(own)), epoch);

const problemsOf = ({ news }: Output): Problem[] =>
  news.flatMap((one) => (one.kind === "problem" ? [one.problem] : []));
const kindsOf = ({ news }: Output): News["kind"][] => news.map(({ kind }) => kind);

/** What a refused message must leave as it was. */
const snapshot = (state: ProtocolState): unknown[] => [
  state.view.byHash.size, state.seen.size, state.proposals.size, state.votes.size, state.wanted.size,
  state.incidents.size, state.traffic.accepted.size,
];

/** S + L in place of S: the twin that an engine without the rule takes as well (RFC 8032, 5.1.7). */
function twin(signature: Uint8Array): Uint8Array {
  const l = Buffer.from("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", "hex");
  const sum = signature.slice();
  let carry = 0;
  for (let i = 0; i < 32; i++) {
    const byte = signature[32 + i]! + l[i]! + carry;
    sum[32 + i] = byte & 255;
    carry = byte >> 8;
  }
  assert.is(carry, 0);
  return sum;
}

const at = (kind: Kind, station: string, bytes: Uint8Array, zone = "feeder-7", network = "example"): Incoming =>
  ({ topic: `kw1/${network}/${zone}/${kind}/${station}`, bytes });
const whole = (own: Statement): Uint8Array => messageOfStatement(own).whole;
const good = statement(1, EPOCH);
const vote = made(1, "vote", { epoch: EPOCH, proposal: new Uint8Array(32) });

const REFUSED: readonly (readonly [string, Problem, Incoming])[] = [
  ["from the future", "future", incoming(messageOfStatement(statement(1, EPOCH + 2)))],
  ["from the past", "past", incoming(messageOfStatement(statement(1, EPOCH - 7)))],
  ["a vote from the future", "future", incoming(made(1, "vote", { epoch: EPOCH + 2, proposal: new Uint8Array(32) }))],
  ["a note from the past", "past", incoming(made(1, "note", { epoch: EPOCH - 7, seq: 1, sightings: [] }))],
  ["unsigned", "bad-signature", at("statement", "CP-1", encodeCbor([good.bytes, new Uint8Array(64)]))],
  ["without a signature", "bad-shape", at("statement", "CP-1", encodeCbor([good.bytes]))],
  ["signed by another", "bad-signature", at("statement", "CP-1",
    encodeCbor([good.bytes, signers[2]!.sign(good.bytes)]))],
  ["signed under another kind", "bad-signature", at("vote", "CP-1", encodeCbor([vote.bytes, good.signature]))],
  ["a signature's twin", "bad-signature", at("statement", "CP-1", encodeCbor([good.bytes, twin(good.signature)]))],
  ["over-long", "too-long", at("statement", "CP-1", encodeCbor([new Uint8Array(2_048), new Uint8Array(64)]))],
  ["far over-long", "too-long", at("statement", "CP-1", new Uint8Array(1e6))],
  ["not canonical", "not-cbor", at("statement", "CP-1", Uint8Array.from([0x98, 2, ...whole(good).slice(1)]))],
  ["garbage", "not-cbor", at("statement", "CP-1", new Uint8Array(50).fill(0xff))],
  ["nothing", "not-cbor", at("statement", "CP-1", new Uint8Array(0))],
  ["another author's topic", "wrong-author", at("statement", "CP-2", whole(good))],
  ["a stranger's topic", "unknown-author", at("statement", "CP-9", whole(good))],
  ["a topic of another protocol", "bad-topic", { topic: "everest_api/1/x", bytes: whole(good) }],
  ["a foreign network's topic", "foreign-network", at("statement", "CP-1", whole(good), "feeder-7", "other")],
  ["a foreign zone's topic", "foreign-zone", at("statement", "CP-1", whole(good), "feeder-8")],
  ["a foreign network inside", "foreign-network", at("statement", "CP-1",
    whole(statement(1, EPOCH, { network: "other" })))],
  ["a foreign zone inside", "foreign-zone", at("statement", "CP-1", whole(statement(1, EPOCH, { zone: "feeder-8" })))],
  ["a foreign zone in a vote", "foreign-zone", at("vote", "CP-1",
    made(1, "vote", { epoch: EPOCH, proposal: new Uint8Array(32) }, { zone: "feeder-8" as ZoneId }).whole)],
  ["an older roster", "wrong-roster", incoming(messageOfStatement(statement(1, EPOCH, { rosterVersion: 2 })))],
  ["a newer roster", "wrong-roster", incoming(messageOfStatement(statement(1, EPOCH, { rosterVersion: 4 })))],
  ["a proposal of an unknown key", "bad-proposal", incoming(made(1, "proposal",
    { epoch: EPOCH, keyIndex: EVIDENCE_KEYS.length, onset: EPOCH, items: [] }))],
  ["a proposal with an onset to come", "bad-proposal", incoming(made(1, "proposal",
    { epoch: EPOCH, keyIndex: 1, onset: EPOCH + 1, items: [] }))],
  ["a certificate that holds no proposal", "bad-certificate", incoming(made(1, "certificate",
    { epoch: EPOCH, proposal: new Uint8Array(9), votes: [] }))],
  ["a certificate without votes", "bad-certificate", incoming(made(1, "certificate", {
    epoch: EPOCH, votes: [],
    proposal: made(1, "proposal", { epoch: EPOCH, keyIndex: 1, onset: EPOCH, items: [] }).whole,
  }))],
  ["a proof of nothing", "bad-proof", incoming(made(1, "proof", { first: whole(good), second: whole(good) }))],
];

test("bad input, as a table: each is counted, passed on to nobody, and changes nothing", () => {
  for (const [says, problem, what] of REFUSED) {
    const state = agent();
    const before = snapshot(state);
    const result = hear(state, what);
    assert.equal(problemsOf(result), [problem], says);
    assert.equal(result.outgoing, [], says);
    assert.is(result.news.length, 1, says);
    assert.is(state.traffic.refused.get(problem), 1, says);
    // What was validly signed counts against its author's quota, and is not looked at twice.
    const signed = problem === "bad-proposal" || says === "a certificate without votes";
    if (!signed) assert.equal(snapshot(state), before, says);
    // And the good one is still taken.
    assert.equal(kindsOf(tell(state, good)), ["statement"], says);
  }
});

test("what is new and valid is passed on once, as it came; replayed it is a duplicate", () => {
  const state = agent();
  for (const message of [messageOfStatement(good) as Message, vote,
    made(2, "note", { epoch: EPOCH, seq: 0, sightings: [] })]) {
    const first = hear(state, incoming(message));
    assert.equal(problemsOf(first), [], message.kind);
    const passed = first.outgoing.filter(({ relayed }) => relayed === true);
    const { kind, station, whole: bytes } = message;
    assert.equal(passed, [{ kind, station, bytes, relayed: true, from: "CP-5" }], "not back to whom it came from");
    assert.equal(problemsOf(hear(state, incoming(message))), ["duplicate"], message.kind);
  }
  // Signed again with another nonce it is still the same statement: messages are named by what they say.
  const again = encodeCbor([good.bytes, new Uint8Array(64).fill(1)]);
  assert.equal(problemsOf(hear(state, at("statement", "CP-1", again))), ["duplicate"]);
  // Much later it is from the past, also when it is held no more.
  begin(state, EPOCH + 300);
  assert.equal(problemsOf(tell(state, good, EPOCH + 300)), ["past"]);
});

test("what witnesses say to neighbours is news, and goes no further", () => {
  const state = agent();
  for (const message of [made(2, "checkpoint", { epoch: EPOCH, note: "x", proof: [], oldSize: 0 }),
    made(2, "cosignature", { epoch: EPOCH, log: stationOf(1), note: "" })]) {
    const { outgoing, news } = hear(state, incoming(message));
    assert.equal([outgoing, news.map(({ kind }) => kind)], [[], ["message"]], message.kind);
    assert.equal(problemsOf(hear(state, incoming(message))), ["duplicate"], message.kind);
  }
});

test("a statement that is passed on by everybody costs a comparison; what differs in a byte is looked at", () => {
  const hashed: number[] = [];
  const plain = nodeCrypto();
  const counting = agent(0, { ...plain, sha256: (...parts) => {
    hashed.push(parts.length);
    return plain.sha256(...parts);
  } });
  tell(counting, good);
  assert.is(hashed.length, 1);
  for (let again = 0; again < 8; again++) assert.equal(problemsOf(tell(counting, good)), ["duplicate"]);
  assert.is(hashed.length, 1, "not read again");
  const heard = (station: string, bytes: Uint8Array): Problem[] =>
    problemsOf(hear(counting, at("statement", station, bytes)));
  assert.equal(heard("CP-2", whole(good)), ["wrong-author"]);
  for (const place of [0, 40, whole(good).length - 1]) {
    const bytes = whole(good).slice();
    bytes[place]! ^= 1;
    assert.is.not(heard("CP-1", bytes)[0], undefined, `${place}`);
  }
  assert.equal(heard("CP-1", whole(good).subarray(1)), ["not-cbor"]);
  assert.equal(problemsOf(tell(counting, statement(1, EPOCH + 1), EPOCH + 1)), []);
  assert.equal(problemsOf(tell(counting, good, EPOCH + 1)), ["duplicate"], "no longer the newest");
});

test("outside of the window a statement tells its author's clock, once verified, and nothing else", () => {
  const verified: Uint8Array[] = [];
  const plain = nodeCrypto();
  const state = agent(0, { ...plain, verify: (...asked: Parameters<Crypto["verify"]>) => {
    verified.push(asked[1]);
    return plain.verify(...asked);
  } });
  const newestOf = (by: number): number | undefined => state.clock.heard.get(stationOf(by))?.newest;
  const before = snapshot(state);
  assert.equal(problemsOf(tell(state, statement(1, EPOCH + 50))), ["future"]);
  assert.equal(problemsOf(tell(state, statement(2, EPOCH - 50))), ["past"]);
  assert.equal([newestOf(1), newestOf(2)], [EPOCH + 50, EPOCH - 50]);
  assert.is(verified.length, 2);
  // One look a sender and author in this epoch, and none at what is not newer.
  for (const epoch of [EPOCH + 50, EPOCH + 60, EPOCH - 40]) tell(state, statement(1, epoch));
  for (const from of ["CP-4", "CP-3"]) hear(state, incoming(messageOfStatement(statement(1, EPOCH - 30))), EPOCH, from);
  assert.is(verified.length, 2);
  // Forged it tells nothing, and whoever forges is looked at once an author.
  const forged = at("statement", "CP-3", encodeCbor([statement(3, EPOCH + 9).bytes, new Uint8Array(64)]));
  for (let again = 0; again < 9; again++) hear(state, forged, EPOCH, "CP-4");
  assert.equal([newestOf(3), verified.length], [undefined, 3]);
  hear(state, incoming(messageOfStatement(statement(3, EPOCH + 9))), EPOCH, "CP-5");
  assert.is(newestOf(3), EPOCH + 9);
  // Other kinds, other rosters, strangers and the guilty tell none.
  hear(state, incoming(made(4, "note", { epoch: EPOCH + 9, seq: 1, sightings: [] })));
  tell(state, statement(4, EPOCH + 9, { rosterVersion: 2 }));
  hear(state, at("statement", "CP-9", whole(statement(4, EPOCH + 9))));
  assert.is(newestOf(4), undefined);
  assert.equal(snapshot(state), before);
  tell(state, statement(4, EPOCH));
  assert.is(newestOf(4), EPOCH, "inside it tells it too");
});

test("both engines refuse the twin", () => {
  for (const crypto of [nodeCrypto(), tweetnaclCrypto()]) {
    assert.not(crypto.verify(signers[1]!.publicKey, good.bytes, twin(good.signature)));
  }
});

test("twice different: guilt with a proof that others accept, and no statement of that author any more", () => {
  const pairs: readonly (readonly [string, Statement, Statement])[] = [
    ["one epoch", good, statement(1, EPOCH, { seq: 7 })],
    ["one place in the chain", good, statement(1, EPOCH - 1, { seq: good.body.seq })],
    ["one epoch and place", good, statement(1, EPOCH, { checkpoint: new Uint8Array(32) })],
  ];
  for (const [says, one, other] of pairs) {
    const state = agent();
    assert.equal(kindsOf(tell(state, one)), ["statement"]);
    const result = tell(state, other);
    const named = result.news.find(({ kind }) => kind === "guilty");
    assert.ok(named?.kind === "guilty" && named.station === "CP-1", says);
    assert.equal(result.outgoing.map(({ kind }) => kind), ["proof"], says);
    assert.equal(problemsOf(tell(state, statement(1, EPOCH + 1))), ["guilty-author"], says);
    const neighbour = agent(3);
    const proof = { topic: "kw1/example/feeder-7/proof/CP-0", bytes: result.outgoing[0]!.bytes };
    assert.equal(kindsOf(hear(neighbour, proof)), ["guilty"], says);
    assert.equal(problemsOf(hear(neighbour, proof)), ["duplicate"], says);
  }
  const honest = agent();
  tell(honest, good);
  assert.equal(kindsOf(tell(honest, statement(1, EPOCH + 1))), ["statement"]);
});

test("proofs that prove nothing", () => {
  const other = statement(1, EPOCH, { seq: 7 });
  const forged = encodeCbor([other.bytes, signers[2]!.sign(other.bytes)]);
  const elsewhere = statement(1, EPOCH, { zone: "feeder-8" });
  const pairs: Record<string, readonly [Uint8Array, Uint8Array]> = {
    "the same twice": [whole(good), whole(good)], "two epochs": [whole(good), whole(statement(1, EPOCH + 1))],
    "two authors": [whole(good), whole(statement(2, EPOCH))], "one forged": [whole(good), forged],
    "the same with another signature": [whole(good), encodeCbor([good.bytes, new Uint8Array(64).fill(1)])],
    "of another zone": [whole(good), whole(elsewhere)], "garbage": [new Uint8Array(9), new Uint8Array(9)],
  };
  for (const [says, [first, second]] of Object.entries(pairs)) {
    const state = agent();
    const head = headOf(directory, stationOf(2));
    const { bytes, signature, ...rest } = makeProof(first, second, head, signers[2]!);
    assert.ok(bytes.length > 0 && signature.length === 64);
    assert.equal(problemsOf(hear(state, incoming(rest))), ["bad-proof"], says);
    assert.ok(state.view.members.every(({ guilt }) => guilt === undefined), says);
  }
});

test("rates: a burst, then so many a second, for each sender alone", () => {
  const state = agent();
  const junk = at("vote", "CP-1", Uint8Array.of(0xff));
  for (let i = 0; i < BURST; i++) assert.equal(problemsOf(hear(state, junk)), ["not-cbor"]);
  assert.equal(problemsOf(hear(state, junk)), ["too-fast"]);
  assert.equal(problemsOf(hear(state, junk, EPOCH, "CP-4")), ["not-cbor"]);
  for (let i = 0; i < MESSAGES_PER_S; i++) {
    assert.equal(problemsOf(hear(state, junk, EPOCH, "CP-5", 1_000)), ["not-cbor"], `${i}`);
  }
  assert.equal(problemsOf(hear(state, junk, EPOCH, "CP-5", 1_000)), ["too-fast"]);
  // A clock that jumps back gives nothing.
  assert.equal(problemsOf(hear(state, junk, EPOCH, "CP-5", 0)), ["too-fast"]);
  for (let i = 0; i < 2_000; i++) hear(state, junk, EPOCH, `client-${i}`, 1_000);
  assert.ok(state.traffic.senders.size <= 1_024);
});

test("rates at a site's broker: each author has its own, whoever else floods there", () => {
  const state = agent();
  const [site, other] = ["mqtts://site:8883", "mqtt://127.0.0.1:1883"];
  const junk = (station: string, zone?: string): Incoming => at("vote", station, Uint8Array.of(0xff), zone);
  const heard = (what: Incoming, from: string): Problem[] => problemsOf(hear(state, what, EPOCH, from));
  for (let i = 0; i < SITE_AUTHOR.burst; i++) assert.equal(heard(junk("CP-1"), site), ["not-cbor"], `${i}`);
  assert.equal(heard(junk("CP-1"), site), ["too-fast"]);
  assert.equal(heard(incoming(messageOfStatement(good)), site), ["too-fast"], "nor what is good of it");
  assert.equal(heard(incoming(messageOfStatement(good)), other), [], "another broker brings it");
  assert.equal(heard(incoming(messageOfStatement(statement(2, EPOCH))), site), [], "and this one all others");
  // What is nobody's counts as one author's: names that are made up buy nothing.
  for (let i = 0; i < SITE_AUTHOR.burst; i++) {
    const [what, problem] = i % 2 === 0 ? [junk(`X-${i}`), "unknown-author"] as const
      : [junk("CP-3", `zone-${i}`), "foreign-zone"] as const;
    assert.equal(heard(what, site), [problem]);
  }
  assert.equal(heard(junk("X"), site), ["too-fast"]);
  const blamed = (name: string): number | undefined => state.traffic.senders.get(name)?.refused;
  assert.equal([blamed(`${site} CP-1`), blamed(`${site} CP-2`)], [SITE_AUTHOR.burst + 2, 0], "the author, by name");
  assert.equal(heard(junk("CP-3"), site), ["not-cbor"]);
});

test("quotas: an author's signature does not buy endless work", () => {
  const state = agent();
  for (let i = 0; i < 32; i++) {
    const one = made(1, "vote", { epoch: EPOCH, proposal: new Uint8Array(32).fill(i + 1) });
    assert.equal(problemsOf(hear(state, incoming(one))), [], `${i}`);
  }
  const more = made(1, "vote", { epoch: EPOCH, proposal: new Uint8Array(32).fill(99) });
  assert.equal(problemsOf(hear(state, incoming(more))), ["too-many"]);
  const others = made(2, "vote", { epoch: EPOCH, proposal: new Uint8Array(32).fill(99) });
  assert.equal(problemsOf(hear(state, incoming(others))), []);
});

test("a statement that was asked for is taken late; the same unasked is not", () => {
  const late = statement(2, EPOCH - 100);
  const hash = nodeCrypto().sha256(late.bytes);
  const state = agent();
  assert.equal(problemsOf(tell(state, late)), ["past"]);
  const items = [{ index: 2, newer: hash, older: hash }];
  const result = hear(state, incoming(made(3, "proposal", { epoch: EPOCH, keyIndex: 1, onset: EPOCH, items })));
  assert.ok(result.outgoing.some(({ kind }) => kind === "request"));
  const taken = tell(state, late);
  assert.equal(kindsOf(taken), ["statement"]);
  assert.equal(taken.outgoing, []);
});

test("digests: what the sender lacks is published again, what it has and we lack is asked for", () => {
  const state = agent();
  const mine = statement(1, EPOCH - 2);
  tell(state, mine);
  const unknown = nodeCrypto().sha256(statement(2, EPOCH - 1).bytes);
  const digest = made(4, "digest", {
    epoch: EPOCH, newest: [{ index: 2, epoch: EPOCH - 1, hash: unknown }], certificates: [], guilty: [],
  });
  const { outgoing } = hear(state, incoming(digest));
  assert.equal(outgoing.map(({ kind }) => kind), ["statement", "request"]);
  assert.equal(outgoing[0]!.bytes, whole(mine));
  // What is of the digest's own epoch is still on its way to its sender.
  tell(state, statement(3, EPOCH));
  // A second digest that lacks the same moves nothing more in this epoch.
  const own = [{ index: 5, epoch: EPOCH + 1, hash: new Uint8Array(32).fill(7) }];
  const again = made(3, "digest", { epoch: EPOCH, newest: own, certificates: [], guilty: [] });
  assert.equal(hear(state, incoming(again)).outgoing, []);
  begin(state, EPOCH + 1);
  const later = made(3, "digest", { epoch: EPOCH + 1, newest: own, certificates: [], guilty: [] });
  const repairs = hear(state, incoming(later), EPOCH + 1).outgoing;
  assert.equal(repairs.map(({ kind, station }) => `${kind} ${station}`), ["statement CP-1", "statement CP-3"]);
  const request = made(5, "request", { epoch: EPOCH + 2, hashes: [nodeCrypto().sha256(mine.bytes), unknown] });
  begin(state, EPOCH + 2);
  assert.equal(hear(state, incoming(request), EPOCH + 2).outgoing.map(({ bytes }) => bytes), [whole(mine)]);
});

test("digests: a statement of the digest's own epoch is on its way, and asked for only if it contradicts", () => {
  const state = agent();
  const asked = (by: number, index: number, listed: Statement, epoch: number): number => {
    const newest = [{ index, epoch: listed.body.epoch, hash: nodeCrypto().sha256(listed.bytes) }];
    const digest = made(by, "digest", { epoch, newest, certificates: [], guilty: [] });
    const { outgoing } = hear(state, incoming(digest), epoch);
    return outgoing.filter(({ kind }) => kind === "request").length;
  };
  assert.is(asked(4, 4, statement(4, EPOCH), EPOCH), 0, "its author's own");
  assert.is(asked(3, 2, statement(2, EPOCH + 1), EPOCH), 0, "of whose epoch began earlier");
  tell(state, good);
  assert.is(asked(2, 1, statement(1, EPOCH, { seq: 7 }), EPOCH), 1, "two of one author and epoch");
  begin(state, EPOCH + 1);
  assert.is(asked(4, 3, statement(3, EPOCH), EPOCH + 1), 1, "it did not come");
});

test("an agent that may not sign says nothing of its own, and still listens and passes on", () => {
  const state = agent();
  const own = onEpoch(state, { maySign: false }, { epoch: (EPOCH + 1) as Epoch, monoMs: 0 as MonotonicMs });
  assert.equal(own.outgoing, []);
  assert.equal(tell(state, good, EPOCH + 1).outgoing.length, 1);
  const equivocation = tell(state, statement(1, EPOCH, { seq: 7 }), EPOCH + 1);
  assert.equal(equivocation.outgoing, []);
});

test("under another roster: who stayed keeps what it stated, who is new or has a new key begins", () => {
  const state = agent();
  tell(state, good);
  tell(state, statement(2, EPOCH));
  const renewed = [signers[0]!, signers[1]!, signerFromSeed(new Uint8Array(32).fill(77)), ...signers.slice(3)];
  setDirectory(state, madeDirectory(renewed, 1, 4));
  assert.equal(state.view.members.map(({ statements }) => statements.length), [0, 1, 0, 0, 0, 0]);
  assert.is(state.view.byHash.size, 1);
  assert.equal(problemsOf(tell(state, statement(3, EPOCH))), ["wrong-roster"]);
  assert.equal(kindsOf(tell(state, statement(3, EPOCH, { rosterVersion: 4 }))), ["statement"]);
});

test("messages that are only carried: composed here, handed out there", () => {
  const state = agent();
  const outgoing = compose(state, "note", { epoch: EPOCH, seq: 0, sightings: [] });
  const { news } = hear(agent(2), at("note", "CP-0", outgoing.bytes));
  assert.ok(news[0]?.kind === "message" && news[0].message.kind === "note");
});
