import { assert, test } from "../build/testing.ts";
import { nodeCrypto, signerFromSeed } from "../edge-agent/adapters/crypto.ts";
import { EVIDENCE_KEYS, threatIndexOf, THREATS } from "../models/terms.ts";
import type { Epoch, MonotonicMs, StationId } from "../models/units.ts";
import { createZoneProtocol, onEpoch, onMessage, provisional } from "./agreement-protocol.ts";
import { hex } from "./bytes.ts";
import { assemble, headOf, quorumOf, verifyCertificate } from "./certificate.ts";
import {
  type ComposedKind, encodeMessage, type Message, type MessageOf, messageOfStatement, topicText,
} from "./message.ts";
import type { Contents, ProposalItem } from "./message-content.ts";
import { MOST_PROPOSALS, rankOf } from "./proposals.ts";
import type { Output, ProtocolState } from "./protocol-state.ts";
import { type Statement, signStatement } from "./statement.ts";
import { madeDirectory, PLAIN_LAW } from "./zone-network.testing.ts";

const crypto = nodeCrypto();
const signers = Array.from({ length: 6 }, (_, i) => signerFromSeed(new Uint8Array(32).fill(i + 1)));
const directory = madeDirectory(signers, 1);
const KEY = EVIDENCE_KEYS.indexOf("starts");
/** Of the same threat; its evidence is the same here. */
const OTHER = EVIDENCE_KEYS.indexOf("power-step");
const THREAT = threatIndexOf(KEY);
/** Agents begin here and may vote from two epochs later. */
const BEGIN = 1_000;
const NOW = BEGIN + 30;
const stationOf = (index: number): StationId => `CP-${index}` as StationId;

/** Cumulative evidence of every member but the agent, millinats, by epochs since the beginning. */
type Story = (member: number, epoch: number) => number;

function statement(by: number, epoch: number, evidence: number): Statement {
  return signStatement({
    network: directory.network, zone: directory.zone.id, station: stationOf(by), epoch: epoch as Epoch, seq: epoch,
    previous: new Uint8Array(0), rosterVersion: 1, checkpoint: new Uint8Array(0),
    evidence: EVIDENCE_KEYS.map((_, keyIndex) => (keyIndex === KEY || keyIndex === OTHER ? evidence : 0)),
  }, signers[by]!);
}

function hear(state: ProtocolState, { kind, station, whole }: Message, epoch = NOW): Output {
  const topic = topicText({ network: directory.network, zone: directory.zone.id, kind, station });
  const now = { epoch: epoch as Epoch, monoMs: epoch * 10_000 as MonotonicMs };
  return onMessage(state, { topic, bytes: whole }, station, now);
}

function begin(state: ProtocolState, epoch: number, own?: Statement): Output {
  const now = { epoch: epoch as Epoch, monoMs: epoch * 10_000 as MonotonicMs };
  return onEpoch(state, { maySign: true, ...(own && { statement: own }) }, now);
}

/** Agent 0 after it heard the story up to NOW; its own evidence is level. */
function agentOf(story: Story): ProtocolState {
  const state = createZoneProtocol({
    directory, station: stationOf(0), signer: signers[0]!, crypto, law: PLAIN_LAW,
  });
  begin(state, BEGIN);
  for (let epoch = BEGIN + 1; epoch <= NOW; epoch++) {
    begin(state, epoch, statement(0, epoch, 0));
    for (let by = 1; by < 6; by++) {
      hear(state, messageOfStatement(statement(by, epoch, story(by, epoch - BEGIN))) as Message, epoch);
    }
  }
  return state;
}

function made<K extends ComposedKind>(by: number, kind: K, content: Contents[K]): Message {
  return encodeMessage(kind, content, headOf(directory, stationOf(by)), signers[by]!) as Message;
}

/** A proposal for all members but the agent, with their statements of these epochs since the beginning. */
function proposal(
  by: number, story: Story, newer: (member: number) => number, older: (member: number) => number,
  more: { onset?: number; epoch?: number; keyIndex?: number; items?: (items: ProposalItem[]) => ProposalItem[] } = {},
): Message {
  const hashOf = (member: number, epoch: number): Uint8Array =>
    crypto.sha256(statement(member, BEGIN + epoch, story(member, epoch)).bytes);
  const items = [1, 2, 3, 4, 5].map((index) =>
    ({ index, newer: hashOf(index, newer(index)), older: hashOf(index, older(index)) }));
  const { onset = BEGIN + 20, epoch = NOW, keyIndex = KEY } = more;
  return made(by, "proposal", { epoch, keyIndex, onset, items: more.items?.(items) ?? items });
}

const votesIn = ({ outgoing }: Output): number => outgoing.filter(({ kind }) => kind === "vote").length;

const RISE: Story = (_, epoch) => Math.max(0, epoch - 20) * 1_000;

/** The agent as it hears a proposal: it has a vote left for the epoch, whatever it proposed itself. */
function voter(story: Story): ProtocolState {
  const state = agentOf(story);
  state.voted.clear();
  return state;
}

/** As if the statement had been lost. */
function forget({ view }: ProtocolState, { body, bytes }: Statement): void {
  const member = view.members[directory.indexOf(body.station)]!;
  member.statements = member.statements.filter(({ epoch }) => epoch !== body.epoch);
  view.byHash.delete(hex(crypto.sha256(bytes)));
}

test("a proposal that its statements bear out gets a vote, once", () => {
  const state = voter(RISE);
  const good = proposal(1, RISE, () => 29, () => 20);
  const result = hear(state, good);
  assert.is(votesIn(result), 1);
  assert.is(votesIn(hear(state, proposal(2, RISE, () => 29, () => 20))), 0);
  const vote = result.outgoing.find(({ kind }) => kind === "vote")!;
  assert.is(vote.station, "CP-0");
  assert.is(vote.relayed, undefined);
});

test("one vote a threat and epoch, whichever key is proposed; a certificate of one keeps back the other", () => {
  for (const [first, second] of [[KEY, OTHER], [OTHER, KEY]] as const) {
    const state = voter(RISE);
    const one = proposal(1, RISE, () => 29, () => 20, { keyIndex: first });
    assert.is(votesIn(hear(state, one)), 1);
    assert.is(votesIn(hear(state, proposal(2, RISE, () => 29, () => 20, { keyIndex: second }))), 0);
    const hash = crypto.sha256(one.bytes);
    for (const by of [1, 2, 3]) hear(state, made(by, "vote", { epoch: NOW, proposal: hash }));
    begin(state, NOW + 2);
    assert.equal([...state.incidents.keys()], [THREAT]);
    state.voted.clear();
    const late = proposal(3, RISE, () => 29, () => 20, { epoch: NOW + 1, keyIndex: second });
    assert.is(votesIn(hear(state, late, NOW + 2)), 0);
    assert.equal(provisional(state), []);
  }
});

test("who proposes by two keys of one threat proposed two things at once", () => {
  const state = voter(RISE);
  hear(state, proposal(1, RISE, () => 29, () => 20));
  const { news } = hear(state, proposal(1, RISE, () => 29, () => 20, { keyIndex: OTHER }));
  assert.equal(news.map((one) => one.kind === "problem" && one.problem), ["second-proposal"]);
});

test("whoever proposed in vain lets others go first, and gets its vote an epoch later when nobody came", () => {
  const state = voter(RISE);
  const offer = (by: number, epoch: number): Message => proposal(by, RISE, () => 29, () => 20, { epoch });
  assert.is(votesIn(hear(state, offer(1, NOW))), 1);
  begin(state, NOW + 1);
  assert.is(state.inVain.size, 0, "its votes may still be on their way");
  begin(state, NOW + 2);
  state.voted.clear();
  assert.is(votesIn(hear(state, offer(1, NOW + 2), NOW + 2)), 0, "kept");
  assert.is(votesIn(hear(state, offer(2, NOW + 2), NOW + 2)), 1, "the other goes first");
  begin(state, NOW + 3);
  state.voted.clear();
  const alone = offer(1, NOW + 3);
  assert.is(votesIn(hear(state, alone, NOW + 3)), 0);
  begin(state, NOW + 4);
  assert.equal(state.voted.get(`${THREAT}/${NOW + 3}`)?.content.proposal, crypto.sha256(alone.bytes));
});

test("after the clock was set back, nothing is voted for that may have been before; what surely was not, is", () => {
  const offered = (state: ProtocolState, since: number, epoch: number, by = 1): number => {
    state.voted.clear();
    return votesIn(hear(state, proposal(by, RISE, () => since, () => 20, { epoch }), epoch));
  };
  const state = voter(RISE);
  begin(state, NOW - 4);
  assert.is(state.epoch, NOW - 4);
  assert.is(offered(state, 26, NOW - 4), 0);
  begin(state, NOW + 2);
  assert.is(offered(state, 29, NOW + 2, 2), 1);
  const silent = voter(RISE);
  silent.signing = NOW - 10;
  begin(silent, NOW - 4);
  assert.is(offered(silent, 26, NOW - 4), 1);
  // It seemed to begin in the future, where nothing was signed: the time that it was set to is where it begins.
  const ahead = voter(RISE);
  ahead.began = ahead.signedThrough = NOW;
  ahead.signing = -1;
  begin(ahead, NOW - 4);
  assert.is(ahead.signedThrough, NOW - 4);
  assert.is(offered(ahead, 26, NOW - 3), 0, "an earlier run may have voted for it");
  assert.is(offered(ahead, 26, NOW - 2, 2), 1);
  // A second back and forth is no setting back: the epoch goes on.
  const adjusted = voter(RISE);
  begin(adjusted, NOW - 1);
  assert.is(adjusted.signedThrough, BEGIN);
});

test("what a proposal may not do: each gets no vote", () => {
  const dips: Story = (member, epoch) => (epoch === 5 + member ? -9_000 : 0);
  const peaks: Story = (member, epoch) => (epoch === 24 + member % 5 ? 9_000 : 0);
  const jump: Story = (_, epoch) => (epoch < 15 ? 0 : 9_000);
  assert.is(votesIn(hear(voter(jump), proposal(1, jump, () => 24, () => 10, { onset: BEGIN + 10 }))), 1);
  const bad: Record<string, readonly [Story, Message]> = {
    "no rise": [() => 0, proposal(1, () => 0, () => 29, () => 20)],
    "an older statement picked for each member": [dips, proposal(1, dips, () => 29, (member) => 5 + member)],
    "a newer statement picked for each member": [peaks, proposal(1, peaks, (member) => 24 + member % 5, () => 20)],
    "older after newer": [RISE, proposal(1, (_, epoch) => -RISE(1, epoch), () => 25, () => 29)],
    "newer than the proposal": [RISE, proposal(1, RISE, () => 29, () => 20, { epoch: NOW - 3 })],
    "not fresh": [jump, proposal(1, jump, () => 23, () => 10, { onset: BEGIN + 10 })],
    "another member's statements": [RISE, proposal(1, RISE, () => 29, () => 20, {
      items: (items) => items.map((item, at) => ({ ...items[(at + 1) % 5]!, index: item.index })),
    })],
    "too few members": [RISE, proposal(1, RISE, () => 29, () => 20, { items: (items) => items.slice(0, 2) })],
    "an onset outside the window": [RISE, proposal(1, RISE, () => 29, () => 20, { onset: NOW - 180 })],
  };
  for (const [says, [story, message]] of Object.entries(bad)) {
    assert.is(votesIn(hear(voter(story), message)), 0, says);
  }
});

test("who proposed two things at once gets no more votes; its first one stands", () => {
  const state = voter(RISE);
  const first = proposal(1, RISE, () => 29, () => 20);
  const second = proposal(1, RISE, () => 29, () => 20, { items: (items) => items.slice(1) });
  assert.is(votesIn(hear(state, first)), 1);
  assert.equal(hear(state, second).news.map((one) => one.kind === "problem" && one.problem), ["second-proposal"]);
  state.voted.clear();
  const later = proposal(1, RISE, () => 29, () => 20, { epoch: NOW - 1 });
  assert.is(votesIn(hear(state, later)), 0);
  assert.is(votesIn(hear(state, proposal(2, RISE, () => 29, () => 20, { epoch: NOW - 1 }))), 1);
});

test("who proposes two things while one is still being fetched gets no vote for it", () => {
  const state = voter(RISE);
  const held = statement(3, BEGIN + 20, RISE(3, 20));
  forget(state, held);
  hear(state, proposal(1, RISE, () => 29, () => 20));
  hear(state, proposal(1, RISE, () => 29, () => 20, { items: (items) => items.slice(1) }));
  assert.is(votesIn(hear(state, messageOfStatement(held) as Message)), 0);
});

test("nothing of the epoch of the start, of the one after, or of what was signed before is voted for", () => {
  for (const [signedThrough, votes] of [[NOW, 0], [NOW - 1, 0], [NOW - 2, 1]] as const) {
    const state = voter(RISE);
    assert.is(state.signedThrough, BEGIN);
    state.signedThrough = signedThrough;
    assert.is(votesIn(hear(state, proposal(1, RISE, () => 29, () => 20))), votes, `${signedThrough}`);
  }
});

test("statements that are lacking are asked for, and the vote follows when the last one came", () => {
  const state = voter(RISE);
  const held = statement(3, BEGIN + 20, RISE(3, 20));
  forget(state, held);
  const result = hear(state, proposal(1, RISE, () => 29, () => 20));
  assert.is(votesIn(result), 0);
  assert.ok(result.outgoing.some(({ kind }) => kind === "request"));
  assert.is(votesIn(hear(state, messageOfStatement(held) as Message)), 1);
});

test("a quorum of votes makes a certificate, one vote fewer does not; a vote of another epoch spoils nothing", () => {
  assert.is(quorumOf(directory), 4);
  const state = voter(RISE);
  const one = proposal(1, RISE, () => 29, () => 20);
  hear(state, one);
  const hash = crypto.sha256(one.bytes);
  hear(state, made(5, "vote", { epoch: NOW - 1, proposal: hash }));
  for (const by of [1, 2]) hear(state, made(by, "vote", { epoch: NOW, proposal: hash }));
  assert.equal(begin(state, NOW + 1).news, []);
  hear(state, made(3, "vote", { epoch: NOW, proposal: hash }));
  const { news, outgoing } = begin(state, NOW + 2);
  assert.ok(news[0]?.kind === "certificate" && news[0].signers.join() === "CP-0,CP-1,CP-2,CP-3");
  assert.ok(outgoing.some(({ kind }) => kind === "certificate"));
  // And while it stands nothing else for that threat gets a vote.
  state.voted.clear();
  assert.is(votesIn(hear(state, proposal(2, RISE, () => 29, () => 20, { epoch: NOW + 1 }), NOW + 2)), 0);
});

test("a certificate with a vote too few, or a vote twice, is none", () => {
  const one = proposal(1, RISE, () => 29, () => 20) as MessageOf<"proposal">;
  const head = headOf(directory, stationOf(1));
  const content = { epoch: NOW, proposal: crypto.sha256(one.bytes) };
  const votes = new Map([1, 2, 3, 4].map((by) => [by, made(by, "vote", content).signature]));
  const whole = (of: ReadonlyMap<number, Uint8Array>): Uint8Array => assemble(one, of, head, signers[1]!).whole;
  assert.ok(verifyCertificate(whole(votes), directory, crypto).ok);
  votes.set(4, votes.get(3)!);
  assert.not(verifyCertificate(whole(votes), directory, crypto).ok, "another's vote as one's own");
  votes.delete(4);
  const few = verifyCertificate(whole(votes), directory, crypto);
  assert.equal(few, { ok: false, problem: "3 votes; the quorum is 4" });
});

test("ranks are a permutation that changes with the epoch and the threat; SHA-256 as written in SPEC.md", () => {
  const ranks = (keyIndex: number, epoch: number): number[] =>
    directory.members.map(({ station }) => rankOf(directory, station, keyIndex, epoch, crypto));
  const seen = new Set<string>();
  for (let epoch = 0; epoch < 20; epoch++) {
    assert.equal([...ranks(KEY, epoch)].sort(), [0, 1, 2, 3, 4, 5]);
    seen.add(ranks(KEY, epoch).join());
  }
  assert.ok(seen.size > 15);
  assert.not.equal(ranks(KEY, 1), ranks(KEY + 1, 1));
  const named = directory.members.map(({ station }) =>
    hex(crypto.sha256(Buffer.from(`feeder-7\n${KEY}\n7\n${station}`))));
  const order = [...named].sort();
  assert.equal(ranks(KEY, 7), named.map((name) => order.indexOf(name)));
});

test("one who sees a raise alone waits its turn, proposes, and stays provisional", () => {
  const state = agentOf(RISE);
  const own = [...state.proposals.values()].filter(({ author }) => author === 0);
  assert.ok(own.length > 0);
  const [seen] = provisional(state);
  assert.is(seen?.key, "starts");
  const { keyIndex, epoch } = own[0]!.message.content;
  assert.is(epoch, seen!.since + rankOf(directory, "CP-0", threatIndexOf(keyIndex), seen!.since, crypto));
});

test("at most 64 proposals are held, and a flood drives out its author's own", () => {
  const state = voter(() => 0);
  const nothing = (by: number, keyIndex: number, epoch: number): Message =>
    made(by, "proposal", { epoch, keyIndex, onset: epoch, items: [] });
  const kept = nothing(2, 1, NOW);
  hear(state, kept);
  for (let epoch = NOW - 5; epoch <= NOW; epoch++) {
    for (let keyIndex = 0; keyIndex < THREATS.length; keyIndex++) hear(state, nothing(1, keyIndex, epoch));
  }
  assert.is(state.proposals.size, MOST_PROPOSALS);
  assert.ok(state.proposals.has(hex(crypto.sha256(kept.bytes))));
});
