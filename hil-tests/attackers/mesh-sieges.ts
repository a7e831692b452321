/**
 * Attacks on a real agent over real sockets that take more than one message. Each is played to its end and held to what
 * must be true then; what happened is told in words.
 */
import { strict as check } from "node:assert";
import { randomBytes } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { nodeCrypto } from "../../edge-agent/adapters/crypto.ts";
import { closeOf, RawClient, until } from "../../edge-agent/adapters/mesh.testing.ts";
import { tlsIdentity } from "../../edge-agent/adapters/tls-identity.ts";
import { entriesOf } from "../../edge-agent/agent.testing.ts";
import { decodeMessage, encodeMessage, type Kind, MOST_BYTES } from "../../gossip/message.ts";
import type { Contents } from "../../gossip/message-content.ts";
import { byText, encodeRoster } from "../../gossip/roster.ts";
import { rosterHash } from "../../gossip/roster-file.ts";
import { type Statement, statementHash } from "../../gossip/statement.ts";
import { EVIDENCE_KEYS } from "../../models/terms.ts";
import type { Epoch } from "../../models/units.ts";
import { alertsOf, type NewHouse, signed } from "../bench/four-houses.testing.ts";
import {
  connected, counted, epochNow, fence, GOOD_TOKEN, heardAt, memberAt, picture, publish, type Stage, statementOf,
  topicOf, wholeOf,
} from "./mesh-stage.ts";

export interface Siege {
  readonly name: string;
  /** Plays it, throws when something is not as it must be, and tells what happened. */
  play(stage: Stage): Promise<string>;
}

const crypto = nodeCrypto();
const REFUSALS = EVIDENCE_KEYS.indexOf("refusals");
const evidence = (millinats: number): number[] => EVIDENCE_KEYS.map((_, i) => (i === REFUSALS ? millinats : 0));

/** After its first epochs, in which it listens, the agent states, votes and proposes. */
async function speaks({ agent, house }: Stage): Promise<void> {
  await until(() => memberAt(agent, house)?.lastEpoch !== undefined, "the agent states");
}

const sent = (stage: Stage, kind: Kind): number => stage.listener.of("publish")
  .filter((packet) => (packet as { topic: string }).topic === topicOf(stage.house.station, kind)).length;

function proposed(by: NewHouse, onset: number, items: Contents["proposal"]["items"], epoch: number): Uint8Array {
  const head = { network: "town", zone: by.member.zone, rosterVersion: 1, station: by.station };
  return encodeMessage("proposal", { epoch, keyIndex: REFUSALS, onset, items }, head, by.keys.signers.statement).whole;
}

/** All but the agent, in the roster's order: a member's index is its place there. */
const membersOf = ({ attacker, thief, speaker, friend, listener, deaf }: Stage): readonly [RawClient, NewHouse][] =>
  ([[attacker, thief], [speaker, friend], [listener, deaf]] as [RawClient, NewHouse][])
    .sort(([, a], [, b]) => byText(a.station, b.station));

/** The statements of three members before a rise and after it; in this epoch it is there still, or has fallen back. */
async function rise(stage: Stage, falls: boolean): Promise<{ before: Statement[]; risen: Statement[]; epoch: number }> {
  const members = membersOf(stage);
  await until(() => Date.now() % 1_000 < 200, "an epoch has just begun");
  const epoch = epochNow();
  const say = (back: number, millinats: number): Statement[] => members.map(([client, one]) => {
    const statement = statementOf(one, {
      epoch: epoch - back as Epoch, seq: epoch - back, evidence: evidence(millinats) });
    publish(client, topicOf(one.station), wholeOf(statement));
    return statement;
  });
  const before = say(5, 0);
  const risen = say(2, 12_000);
  say(0, falls ? 0 : 12_000);
  await until(() => members.every(([, one]) => memberAt(stage.agent, one)?.lastEpoch === epoch), "all is heard");
  return { before, risen, epoch };
}

const itemsOf = (before: readonly Statement[], risen: readonly Statement[]): Contents["proposal"]["items"] =>
  before.map((older, i) => ({ index: i + 1, older: statementHash(crypto, older.bytes),
    newer: statementHash(crypto, risen[i]!.bytes) }));

/** Says it as the friend, whose keys are honest: what is wrong is in the proposal. */
async function judged(stage: Stage, whole: Uint8Array): Promise<number> {
  const before = sent(stage, "vote");
  publish(stage.speaker, topicOf(stage.friend.station, "proposal"), whole);
  await until(() => heardAt(stage.listener, whole), "the proposal is passed on");
  await fence(stage);
  return sent(stage, "vote") - before;
}

const selective: Siege = {
  name: "a proposal that leaves out what speaks against it",
  async play(stage) {
    await speaks(stage);
    const { before, risen, epoch } = await rise(stage, true);
    const votes = await judged(stage, proposed(stage.friend, epoch - 4, itemsOf(before, risen), epoch));
    check.equal(votes, 0, "no vote where the newest statements say otherwise");
    return "the agent holds newer statements, in which nothing rises: no vote";
  },
};

const forged: Siege = {
  name: "a proposal of statements that nobody made",
  async play(stage) {
    await speaks(stage);
    const epoch = epochNow();
    const asked = sent(stage, "request");
    const items = [1, 2, 3].map((index) => ({ index, newer: randomBytes(32), older: randomBytes(32) }));
    check.equal(await judged(stage, proposed(stage.friend, epoch - 4, items, epoch)), 0);
    await until(() => sent(stage, "request") > asked, "it asks for them");
    return "the statements are asked for, nobody has them: no vote";
  },
};

/** What shows that the two before can fail. */
const borneOut: Siege = {
  name: "(an honest proposal, for comparison)",
  async play(stage) {
    await speaks(stage);
    const { before, risen, epoch } = await rise(stage, false);
    check.equal(await judged(stage, proposed(stage.friend, epoch - 4, itemsOf(before, risen), epoch)), 1);
    return "its statements bear it out: one vote";
  },
};

const withheld: Siege = {
  name: "signatures withheld: nobody else votes",
  async play(stage) {
    const { before, risen, epoch } = await speaks(stage).then(() => rise(stage, false));
    await judged(stage, proposed(stage.friend, epoch - 4, itemsOf(before, risen), epoch));
    await until(() => epochNow() > epoch + 3, "some epochs");
    await fence(stage);
    const { incidents, provisional } = stage.agent.status().mesh!;
    check.deepEqual(incidents, [], "nothing is certified without a quorum");
    check.deepEqual(alertsOf(stage.house), []);
    return `two votes of three: nothing is certified; provisional: ${provisional.length > 0 ? "shown" : "nothing"}`;
  },
};

const revoked: Siege = {
  name: "a key that was revoked",
  async play(stage) {
    const { attacker, thief, port, roster, folder, agent } = stage;
    const { keys } = thief.member;
    const next = { ...roster, version: 2, previous: rosterHash(crypto, encodeRoster(roster)),
      zones: roster.zones.map((zone) => ({ ...zone, f: 0 })),
      members: roster.members.filter(({ station }) => station !== thief.station),
      revoked: [keys.statement, keys.log, keys.witness, keys.tls] };
    writeFileSync(join(folder, "next.kw"), signed(next));
    renameSync(join(folder, "next.kw"), join(folder, "roster.kw"));
    await attacker.closed;
    const before = counted(stage, "broker", "stranger");
    const again = await RawClient.secure(port, tlsIdentity(thief.station, thief.keys.tlsSeed));
    await again.closed;
    await until(() => counted(stage, "broker", "stranger") > before, "it is a stranger now");
    check.ok(!agent.status().mesh!.members.some(({ station }) => station === thief.station));
    return "its connection ends with the roster's epoch; at the door it is a stranger";
  },
};

const beforeReboot: Siege = {
  name: "a replay from before a reboot, of a silent neighbour's words",
  async play(stage) {
    const { friend, house, speaker, listener, thief, port } = stage;
    await speaks(stage);
    const old = wholeOf(statementOf(friend, { epoch: epochNow() as Epoch }));
    publish(speaker, topicOf(friend.station), old);
    await until(() => heardAt(listener, old), "it is heard");
    const heard = epochNow();
    await stage.restart();
    await until(() => epochNow() > heard + 6, "its epoch is over");
    const attacker = await connected(thief, port);
    const past = counted(stage, "traffic", "past");
    for (let n = 0; n < 5; n++) {
      publish(attacker, topicOf(friend.station), old);
      await until(() => counted(stage, "traffic", "past") + counted(stage, "repeats", "") > past + n, "refused");
    }
    check.equal(memberAt(stage.agent, friend)?.lastEpoch, undefined, "the neighbour counts as silent");
    check.deepEqual(alertsOf(house), []);
    await attacker.end();
    return "past; the neighbour counts as silent, which is the lowest value";
  },
};

const eclipse: Siege = {
  name: "a restarted agent that hears a liar alone",
  async play(stage) {
    const { friend, deaf, house, thief, port, speaker, listener } = stage;
    await speaks(stage);
    await Promise.all([speaker.end(), listener.end()]);
    const stated = entriesOf(house.folder).filter(({ kind }) => kind === "statement").length;
    await stage.restart();
    const attacker = await connected(thief, port);
    let seq = 0;
    const began = epochNow();
    let last = 0;
    await until(() => {
      if (epochNow() === last) return false;
      last = epochNow();
      publish(attacker, topicOf(thief.station), wholeOf(statementOf(thief, {
        seq: seq++, evidence: evidence(seq * 12_000) })));
      return last > began + 6;
    }, "six epochs of it");
    const { incidents, members } = stage.agent.status().mesh!;
    check.deepEqual([incidents, alertsOf(house)], [[], []], "nothing is raised");
    const silent = members.filter(({ lastEpoch }) => lastEpoch === undefined).map(({ station }) => station);
    check.deepEqual(silent.filter((station) => station !== house.station), [friend.station, deaf.station].sort());
    const now = entriesOf(house.folder).filter(({ kind }) => kind === "statement").length;
    await attacker.end();
    return `nothing is raised; ${silent.length} are shown as not heard; it states ${now - stated} times itself`;
  },
};

const sybils: Siege = {
  name: "two hundred strangers at the door at once",
  async play(stage) {
    const { port, agent, station, friend } = stage;
    const before = agent.status().mesh!.broker!.refused;
    const sum = (of: Readonly<Record<string, number | undefined>>): number =>
      Object.values(of).reduce<number>((all, one) => all + (one ?? 0), 0);
    const strangers = await Promise.all(Array.from({ length: 200 }, () =>
      RawClient.secure(port, tlsIdentity(friend.station, randomBytes(32)))));
    await Promise.all(strangers.map((one) => one.closed));
    await until(() => sum(agent.status().mesh!.broker!.refused) >= sum(before) + 200, "each is counted");
    check.deepEqual(agent.status().mesh!.broker!.connected.length, 3, "no member was pushed out");
    check.equal(await station.authorize(GOOD_TOKEN), "Accepted");
    await fence(stage);
    const { refused } = agent.status().mesh!.broker!;
    const kinds = ["stranger", "too-many", "too-fast"] as const;
    const told = kinds.filter((kind) => refused[kind] !== undefined).map((kind) => `${refused[kind]} ${kind}`);
    return `${told.join(", ")}; members stay connected`;
  },
};

const flood: Siege = {
  name: "a flood of 2,000 junk messages from a member",
  async play(stage) {
    const { thief, attacker, agent, station } = stage;
    const before = picture(stage);
    for (let i = 0; i < 2_000; i++) publish(attacker, topicOf(thief.station), randomBytes(300));
    await until(() => counted(stage, "broker", "rate") > 1_500, "what is too much is counted");
    await fence(stage);
    check.deepEqual(picture(stage), before);
    check.ok(agent.status().mesh!.broker!.connected.includes(thief.station), "it stays connected");
    check.equal(await station.authorize(GOOD_TOKEN), "Accepted");
    return `${counted(stage, "broker", "rate")} left out for their rate; others are heard`;
  },
};

const twoFaced: Siege = {
  name: "two statements for one epoch",
  async play(stage) {
    const { thief, attacker, house, listener } = stage;
    await speaks(stage);
    const epoch = epochNow() + 1 as Epoch;
    for (const millinats of [0, 1]) {
      const whole = wholeOf(statementOf(thief, { epoch, seq: 7, evidence: evidence(millinats) }));
      publish(attacker, topicOf(thief.station), whole);
    }
    await until(() => alertsOf(house).length > 0, "the author is named");
    check.deepEqual(alertsOf(house).map(({ threat, stations }) => [threat, stations]),
      [["agent-misbehaviour", [thief.station]]]);
    const proofs = listener.of("publish").map((packet) => packet as unknown as { topic: string; payload: Buffer })
      .filter(({ topic }) => topic.includes("/proof/"));
    await until(() => listener.texts().length > 0, "what it says is heard");
    check.ok(proofs.every(({ payload }) => decodeMessage("proof", payload).ok && payload.length <= MOST_BYTES.proof));
    return "its author is named with the proof, at once and for good";
  },
};

const slow: Siege = {
  name: "slow lorises: connections that never say CONNECT",
  async play(stage) {
    const { port, thief } = stage;
    const idle = Array.from({ length: 8 }, () => connectTcp(port, "127.0.0.1").on("error", () => undefined));
    const half = await RawClient.secure(port, tlsIdentity(thief.station, thief.keys.tlsSeed));
    half.socket.write(Uint8Array.of(0x10, 20, 0, 4));
    await Promise.all([...idle.map(closeOf), half.closed]);
    check.equal(counted(stage, "broker", "too-slow"), 9);
    await fence(stage);
    return "each is gone after five seconds, counted; members are heard meanwhile";
  },
};

export const SIEGES: readonly Siege[] = [
  revoked, beforeReboot, twoFaced, slow, forged, selective, borneOut, withheld, flood, sybils, eclipse,
];
