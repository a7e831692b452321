/**
 * One real agent, and everything that can be thrown at its mesh over the wire: each is counted under its name, changes
 * nothing, is passed on to nobody, and the agent answers and forwards frames all the while.
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { askStatus } from "../../edge-agent/adapters/agent-client.ts";
import { signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { until } from "../../edge-agent/adapters/mesh.testing.ts";
import { startAgent } from "../../edge-agent/agent.ts";
import { entriesOf } from "../../edge-agent/agent.testing.ts";
import { encodeRoster, type Roster } from "../../gossip/roster.ts";
import { encodeRosterFile, signRoster } from "../../gossip/roster-file.ts";
import { EVIDENCE_KEYS } from "../../models/terms.ts";
import type { Epoch, StationId } from "../../models/units.ts";
import { alertsOf, configOf, fourHouses, signed } from "../bench/four-houses.testing.ts";
import { CONNECTIONS, STATEMENTS } from "./mesh-attacks.ts";
import { SIEGES } from "./mesh-sieges.ts";
import {
  counted, fence, heardAt, memberAt, publish, says, statementOf, topicOf, unmoved, wholeOf, withStage,
} from "./mesh-stage.ts";

test("at the door: each of them is refused and counted once, and changes nothing", () => withStage(async (stage) => {
  for (const attack of CONNECTIONS) await unmoved(stage, attack);
  assert.equal(stage.agent.status().mesh?.broker?.connected, ["CP-2", "CP-3", "CP-4"], "nobody was pushed out");
}));

test("statements over a member's own link: each of them is refused and counted once, and changes nothing", () =>
  withStage(async (stage) => {
    for (const attack of STATEMENTS) await unmoved(stage, attack);
    const { agent, thief, listener, house } = stage;
    const good = says(() => wholeOf(statementOf(thief)))(stage);
    await until(() => heardAt(listener, good), "what is without fault is taken, and passed on");
    await until(() => memberAt(agent, thief)?.lastEpoch !== undefined, "it is in the view");
    assert.ok(agent.status().mesh!.traffic.refusedFrom.every(({ from }) => from === thief.station), "it is to blame");
    assert.is((await askStatus(house.folder, 20_000)).kind, "status", "the agent answers");
  }));

test("replayed: a repeat, from somebody else a duplicate; twice different: named, with proof, and no more", () =>
  withStage(async (stage) => {
    const { thief, attacker, friend, speaker, deaf, listener, house, agent } = stage;
    const statement = statementOf(thief);
    const whole = wholeOf(statement);
    for (const _ of [1, 2]) publish(attacker, topicOf(thief.station), whole);
    await until(() => heardAt(listener, whole), "it is taken");
    await until(() => counted(stage, "repeats", "") === 1, "and its copy is counted");
    await fence(stage);
    assert.is(listener.texts().filter((text) => text === String(Buffer.from(whole))).length, 1, "passed on once");
    // Three others that agree on the time: the agent knows that its clock is right, and may sign.
    publish(speaker, topicOf(friend.station), wholeOf(statementOf(friend)));
    publish(listener, topicOf(deaf.station), wholeOf(statementOf(deaf)));
    await until(() => memberAt(agent, house)?.lastEpoch !== undefined, "the agent states");
    await unmoved(stage, { name: "replayed by another", where: "traffic", why: "duplicate",
      throws: () => publish(speaker, topicOf(thief.station), whole) });
    const { epoch, seq } = statement.body;
    const other = wholeOf(statementOf(thief, { epoch, seq, evidence: EVIDENCE_KEYS.map(() => 1) }));
    publish(attacker, topicOf(thief.station), other);
    await until(() => alertsOf(house).length > 0, "the author is named");
    await fence(stage);
    assert.equal(alertsOf(house).map(({ threat, stations }) => ({ threat, stations })),
      [{ threat: "agent-misbehaviour", stations: [thief.station] }]);
    assert.is(entriesOf(house.folder).filter(({ kind }) => kind === "proof").length, 1);
    assert.is(heardAt(listener, other), false, "the second is not passed on: the proof is");
    await unmoved(stage, { name: "after that", where: "traffic", why: "guilty-author",
      throws: says(() => wholeOf(statementOf(thief, { epoch: epoch + 1 as Epoch, seq: 1 }))) });
    assert.equal(agent.status().mesh?.incidents, []);
  }));

for (const { name, play } of SIEGES) {
  test(`played to its end: ${name}`, () => withStage(async (stage) => assert.ok((await play(stage)).length > 0)));
}

/** The neutral element as a key: any signature of small order would be good under it. */
const IDENTITY = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));

const WRONG_ROSTERS: readonly { name: string; says: RegExp; file(roster: Roster): Uint8Array }[] = [
  { name: "unreadable", says: /^mesh\.roster: \S+: roster file: CBOR: /,
    file: () => randomBytes(300).fill(0xff, 0, 1) },
  { name: "cut off", says: /^mesh\.roster: \S+: roster file: CBOR: ends too early/,
    file: (roster) => signed(roster).subarray(0, 400) },
  { name: "foreign", says: /^mesh\.roster: \S+: signatures: /, file: (roster) => {
    const bytes = encodeRoster(roster);
    return encodeRosterFile({ bytes, signatures: [signRoster(bytes, signerFromSeed(new Uint8Array(32).fill(9)))] });
  } },
  { name: "with a key of small order", says: /^mesh\.roster: \S+: members\[1\]\.tls key: found .*; allowed: /,
    file: (roster) => signed({ ...roster, members: roster.members.map((member) => (member.station !== "CP-2" ? member
      : { ...member, keys: { ...member.keys, tls: IDENTITY } })) }) },
  { name: "without this station", says: /^mesh\.roster: \S+ has no member CP-1; have it enrolled$/,
    file: (roster) => signed({ ...roster, members: roster.members.map((member) =>
      (member.station === "CP-1" ? { ...member, station: "CP-0" as StationId } : member)) }) },
  { name: "with another key", says: /^mesh\.roster: the tls key of CP-1 is not this device's; put back /,
    file: (roster) => {
      const tls = signerFromSeed(new Uint8Array(32).fill(5)).publicKey;
      return signed({ ...roster, members: roster.members.map((member) =>
        (member.station === "CP-1" ? { ...member, keys: { ...member.keys, tls } } : member)) });
    } },
];

test("a roster that is not to be believed: one line at start that says so, and nothing is left running", async () => {
  const street = await fourHouses();
  try {
    const house = street.houses[0]!;
    const config = configOf(house, "ws://127.0.0.1:1");
    const output = { notice: () => undefined, out: () => undefined, colour: false, env: {} };
    for (const { name, says: expected, file } of WRONG_ROSTERS) {
      const roster = join(street.folder, "wrong.kw");
      writeFileSync(roster, file(street.roster));
      const failed = await startAgent({ ...config, mesh: { ...config.mesh!, roster } }, output).then(
        async (agent) => await agent.stop(), (error: Error) => error);
      assert.instance(failed, Error, `${name}: it started`);
      assert.match((failed as Error).message, expected, name);
      assert.not.match((failed as Error).message, /\n/, name);
    }
    const agent = await startAgent(config, output);
    await agent.stop();
  } finally {
    street.remove();
  }
});
