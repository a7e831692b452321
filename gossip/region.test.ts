/** Region scope (SPEC.md, section 12): zones of agents whose quorums tell each other, over bridges, what they see. */
import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { nodeCrypto, signerFromSeed } from "../edge-agent/adapters/crypto.ts";
import { decideRegion, levelsOf } from "../models/agree/region-decision.ts";
import { decide, searchRaises } from "../models/agree/zone-decision.ts";
import { zoneThreshold } from "../models/agree/zone-laws.ts";
import type { Crypto, Signer } from "../models/crypto.ts";
import { type EvidenceKey, EVIDENCE_KEYS } from "../models/terms.ts";
import type { Epoch, MonotonicMs, StationId, ZoneId } from "../models/units.ts";
import { createZoneProtocol, onEpoch, onMessage } from "./agreement-protocol.ts";
import { hex } from "./bytes.ts";
import { readMessage } from "./certificate.ts";
import type { Directory } from "./directory.ts";
import { encodeMessage, topicText } from "./message.ts";
import type { Contents } from "./message-content.ts";
import type { News, Outgoing, Output, ProtocolState } from "./protocol-state.ts";
import { createRegion, MOST_OF_A_ZONE, type RegionLaw, restoreRegion, summaryProblem } from "./region.ts";
import { signStatement } from "./statement.ts";

const plain = nodeCrypto();
/** Thirty-six agents of one process need not verify one signature thirty-six times. */
const verified = new Map<string, boolean>();
const crypto: Crypto = { ...plain, verify: (key, message, signature) => {
  const name = hex(plain.sha256(key, message, signature));
  const good = verified.get(name) ?? plain.verify(key, message, signature);
  verified.set(name, good);
  return good;
} };
const FIRST = 1_000;
const EPOCH_MS = 10_000;
const LAW: RegionLaw = { levels: levelsOf, decide: decideRegion };
const KEY = "refusals";
const keyIndex = EVIDENCE_KEYS.indexOf(KEY);
/** Attests the highest level for every key, whatever it holds. */
const LIAR: RegionLaw = { ...LAW, levels: () => EVIDENCE_KEYS.map((_, index) => ({ keyIndex: index, level: 20_000 })) };

interface Agent {
  readonly state: ProtocolState;
  readonly zone: number;
  readonly index: number;
  readonly signer: Signer;
  readonly news: News[];
  readonly evidence: number[];
  readonly isLiar: boolean;
}

interface Town {
  readonly directories: readonly Directory[];
  readonly agents: readonly Agent[];
  /** Share of deliveries that are lost. */
  readonly loss: number;
  readonly random: () => number;
  epoch: number;
}

const nameOf = (zone: number, index: number): StationId => `CP-${zone}-${index}` as StationId;
const signerOf = (zone: number, index: number): Signer =>
  signerFromSeed(new Uint8Array(32).fill(1 + index).fill(1 + zone, 16));

/** Zones of six, one of which may lie; member 0 and 1 of each are linked with those of the zones beside it. */
function town(zones: number, isLiar: (zone: number, index: number) => boolean = () => false, loss = 0): Town {
  const directories = Array.from({ length: zones }, (_, zone): Directory => {
    const members = Array.from({ length: 6 }, (_unused, index) =>
      ({ station: nameOf(zone, index), statementKey: signerOf(zone, index).publicKey }));
    return {
      network: "town", version: 1, epochS: EPOCH_MS / 1_000, zone: { id: `z-${zone}` as ZoneId, f: 1 }, members,
      indexOf: (station) => members.findIndex((one) => one.station === station),
    };
  });
  const agents = directories.flatMap((directory, zone) => directory.members.map(({ station }, index): Agent => {
    const signer = signerOf(zone, index);
    const region = createRegion(isLiar(zone, index) ? LIAR : LAW, { directories, isBridge: index < 2 });
    const state = createZoneProtocol({
      directory, station, signer, crypto, law: { decide, search: searchRaises }, region,
    });
    const evidence = EVIDENCE_KEYS.map(() => 0);
    return { state, zone, index, signer, news: [], evidence, isLiar: isLiar(zone, index) };
  }));
  return { directories, agents, loss, random: seeded(zones).next, epoch: FIRST };
}

const nowOf = ({ epoch }: Town) => ({ epoch: epoch as Epoch, monoMs: epoch * EPOCH_MS as MonotonicMs });

function run(one: Town, epochs: number, grow: (agent: Agent, epoch: number) => number, key: EvidenceKey = KEY): void {
  for (const end = one.epoch + epochs; one.epoch < end; one.epoch++) {
    const wire: { readonly to: Agent; readonly from: Agent; readonly message: Outgoing }[] = [];
    const say = (from: Agent, { outgoing, news }: Output): void => {
      from.news.push(...news);
      for (const message of outgoing) {
        for (const to of peersOf(one, from, message)) {
          if (one.random() >= one.loss) wire.push({ to, from, message });
        }
      }
    };
    for (const agent of one.agents) {
      agent.evidence[EVIDENCE_KEYS.indexOf(key)]! += grow(agent, one.epoch - FIRST);
      const { directory, station } = agent.state;
      const statement = signStatement({
        network: "town", zone: directory.zone.id, station, epoch: one.epoch as Epoch, seq: one.epoch - FIRST,
        previous: new Uint8Array(0), rosterVersion: 1, evidence: [...agent.evidence], checkpoint: new Uint8Array(0),
      }, agent.signer);
      say(agent, onEpoch(agent.state, { maySign: true, statement }, nowOf(one)));
    }
    for (const { to, from, message } of wire) say(to, onMessage(to.state, incoming(from, message), from.state.station,
      nowOf(one)));
  }
}

function incoming({ state }: Agent, { kind, station, zone = state.directory.zone.id, bytes }: Outgoing) {
  return { topic: topicText({ network: "town", zone, kind, station }), bytes };
}

function peersOf({ agents, directories }: Town, { zone, index }: Agent, { kind, from }: Outgoing): Agent[] {
  const beside = [1, directories.length - 1].map((step) => (zone + step) % directories.length);
  return agents.filter((to) => to.state.station !== from && (to.zone === zone ? to.index !== index
    : kind === "summary" && index < 2 && to.index === index && beside.includes(to.zone)));
}

const changes = ({ news }: Agent): string[] =>
  news.flatMap((one) => (one.kind === "region" && one.key === KEY ? [one.change] : []));
const certified = ({ news }: Agent): boolean => news.some(({ kind }) => kind === "certificate");
const EPOCHS = 6;
/** At each member in each of six epochs: the four that are counted then lack 1.1 nats of what raises their zone. */
const EACH = Math.floor((zoneThreshold(KEY, { n: 6, f: 1 }) - 1_100) / (4 * EPOCHS));
const THIN = (_: Agent, epoch: number): number => (epoch >= 4 && epoch < 4 + EPOCHS ? EACH : 0);

test("a spray thin in each of six zones is found at region scope by everybody, and in no zone", () => {
  const one = town(6);
  run(one, 24, THIN);
  for (const agent of one.agents) {
    assert.not(certified(agent), agent.state.station);
    assert.is(changes(agent)[0], "raised", agent.state.station);
    assert.is(changes(agent).filter((change) => change === "raised").length, 1);
  }
  const ids = one.agents.map(({ news }) => news.find((each) => each.kind === "region")).map((each) =>
    each?.kind === "region" ? each.incident : undefined);
  assert.is(new Set(ids).size, 1, "one incident, the same identity at all");
});

test("with a fifth of all messages lost it takes a little longer", () => {
  const one = town(6, undefined, 0.2);
  run(one, 30, THIN);
  for (const agent of one.agents) assert.is(changes(agent)[0], "raised", agent.state.station);
});

test("it clears when no zone claims anything any more", () => {
  const one = town(6);
  run(one, 20, THIN);
  // As another e-value speaks for honesty.
  run(one, 50, (_, epoch) => (epoch === 20 ? -EPOCHS * EACH : 0));
  for (const agent of one.agents) assert.equal([changes(agent)[0], changes(agent).at(-1)], ["raised", "lapsed"]);
});

/** As after a kill: what its log has of the region is all that it knows. */
function restarted(one: Town, agent: Agent, change: (whole: Uint8Array) => Uint8Array = (whole) => whole): Agent {
  const { directory, station } = agent.state;
  const told = agent.news.flatMap((news) => (news.kind === "region" ? [news] : []));
  const summaries = told.flatMap(({ zones }) => zones.flatMap(({ whole }) =>
    (whole === undefined ? [] : [readMessage("summary", change(whole))!])));
  const region = createRegion(LAW, { directories: one.directories, isBridge: agent.index < 2 });
  const state = createZoneProtocol({
    directory, station, signer: agent.signer, crypto, law: { decide, search: searchRaises }, region,
  });
  restoreRegion(state, { summaries, open: [{ keyIndex, since: told[0]!.since }] }, one.epoch);
  return Object.assign(agent, { state, news: [] });
}

test("after a restart an incident that was told is not told again, and clears with the others'", () => {
  const one = town(6);
  run(one, 20, THIN);
  const before = one.agents.map(({ state }) => state.region!.incidents.get(keyIndex)!.first);
  for (const agent of one.agents.filter(({ index }) => index === 3)) restarted(one, agent);
  assert.equal(one.agents.map(({ state }) => state.region!.incidents.get(keyIndex)!.first), before);
  run(one, 6, () => 0);
  for (const agent of one.agents) assert.not(changes(agent).slice(agent.index === 3 ? 0 : 1).includes("raised"));
  run(one, 50, (_, epoch) => (epoch === 26 ? -EPOCHS * EACH : 0));
  for (const agent of one.agents) assert.is(changes(agent).at(-1), "lapsed", agent.state.station);
});

test("after a restart only good summaries are taken over; what none holds open lapses at once", () => {
  const one = town(6);
  run(one, 20, THIN);
  const [agent] = one.agents.filter(({ index }) => index === 3);
  const claims = (): number => [...agent!.state.region!.claims.values()].reduce((sum, { size }) => sum + size, 0);
  const { news } = agent!;
  restarted(one, agent!);
  assert.ok(claims() >= 4);
  const forge = (whole: Uint8Array): Uint8Array => whole.map((byte, i) => (i === whole.length - 1 ? byte ^ 1 : byte));
  restarted(one, Object.assign(agent!, { news }), forge);
  assert.is(claims(), 0);
  const later = { ...one, epoch: one.epoch + 40 };
  restarted(later, Object.assign(agent!, { news }));
  assert.is(claims(), 0, "their leases are over");
  onEpoch(agent!.state, { maySign: false }, nowOf(later)).news.forEach((each) => agent!.news.push(each));
  assert.equal(changes(agent!), ["lapsed"]);
});

test("one zone's incident is its own; a thin spray in two of six is nobody's", () => {
  const alone = town(6);
  run(alone, 20, ({ zone }, epoch) => (zone === 2 && epoch >= 4 && epoch < 10 ? 2_000 : 0));
  for (const agent of alone.agents) {
    assert.is(certified(agent), agent.zone === 2);
    assert.equal(changes(agent), []);
  }
  const two = town(6);
  run(two, 20, (agent, epoch) => (agent.zone < 2 ? THIN(agent, epoch) : 0));
  for (const agent of two.agents) assert.equal(changes(agent), []);
});

test("f liars in each zone, who claim everything and attest everything, raise nothing in the region", () => {
  const one = town(6, (_, index) => index === 5);
  run(one, 24, ({ isLiar }) => (isLiar ? 2_000 : 0));
  for (const agent of one.agents) assert.equal(agent.news.filter(({ kind }) => kind === "region"), []);
});

test("nor do they hide what the others see", () => {
  const one = town(6, (_, index) => index === 0);
  run(one, 24, (agent, epoch) => (agent.isLiar ? -2_000 : THIN(agent, epoch) + (THIN(agent, epoch) > 0 ? 20 : 0)));
  for (const agent of one.agents) if (!agent.isLiar) assert.is(changes(agent)[0], "raised", agent.state.station);
});

test("a captured zone, more than f of whom lie, raises nothing alone, nor beside one thin honest zone", () => {
  const one = town(6, (zone) => zone === 3);
  run(one, 24, (agent, epoch) => (agent.isLiar ? 2_000 : agent.zone === 0 ? THIN(agent, epoch) : 0));
  const { claims } = one.agents[0]!.state.region!;
  assert.is(claims.get("z-3" as ZoneId)?.get(keyIndex)?.level, 20_000, "its lie was heard");
  for (const agent of one.agents) if (!agent.isLiar) assert.equal(changes(agent), []);
});

/** As a quorum of the zone would put it together. */
function summaryOf({ directories }: Town, zone: number, more: Partial<Contents["summary"]> = {}): Contents["summary"] {
  const head = (index: number) =>
    ({ network: "town", zone: directories[zone]!.zone.id, rosterVersion: 1, station: nameOf(zone, index) });
  const attested = [0, 1, 2, 3].map((index) => {
    const said = { epoch: FIRST, keyIndex, level: 9 };
    const { signature } = encodeMessage("attestation", said, head(index), signerOf(zone, index));
    return { index, epoch: FIRST, level: 9, signature };
  });
  return { epoch: FIRST, keyIndex, level: 9, attested, ...more };
}

test("a summary is believed by a quorum's signatures alone: fewer, lower, older, or of others make none", () => {
  const one = town(2);
  const good = summaryOf(one, 1);
  const problem = (content: Contents["summary"], zone = 1): string =>
    summaryProblem(content, one.directories[zone]!, crypto) ?? "none";
  assert.is(problem(good), "none");
  assert.match(problem({ ...good, attested: good.attested.slice(1) }), /3 attestations; the quorum is 4/);
  assert.match(problem({ ...good, level: 10 }), /attests 9, below 10/);
  assert.match(problem({ ...good, keyIndex: keyIndex + 1 }), /is wrong/);
  assert.match(problem({ ...good, epoch: FIRST + 60 }), /of epoch 1000; the summary is of 1060/);
  assert.match(problem(good, 0), /is wrong/);
  const moved = good.attested.map((each) => ({ ...each, level: 12 }));
  assert.match(problem({ ...good, attested: moved }), /is wrong/);
});

test("of another zone only summaries are taken, at most so many an epoch, and none without a quorum", () => {
  const one = town(3);
  const listener = one.agents[0]!;
  onEpoch(listener.state, { maySign: true }, nowOf(one));
  const tell = (content: Contents["summary"]): string[] => {
    const head = { network: "town", zone: "z-1" as ZoneId, rosterVersion: 1, station: nameOf(1, 4) };
    const { whole } = encodeMessage("summary", content, head, signerOf(1, 4));
    const topic = topicText({ network: "town", zone: "z-1", kind: "summary", station: nameOf(1, 4) });
    return onMessage(listener.state, { topic, bytes: whole }, "CP-1-0", nowOf(one)).news
      .flatMap((each) => (each.kind === "problem" ? [each.problem] : []));
  };
  const statement = topicText({ network: "town", zone: "z-1", kind: "statement", station: nameOf(1, 4) });
  const other = onMessage(listener.state, { topic: statement, bytes: new Uint8Array(9) }, "CP-1-0", nowOf(one));
  assert.equal(other.news, [{ kind: "problem", problem: "foreign-zone", from: "CP-1-0" }]);
  const good = summaryOf(one, 1);
  assert.equal(tell({ ...good, attested: good.attested.slice(1) }), ["bad-summary"]);
  assert.equal(tell(good), []);
  assert.equal(tell({ ...good, attested: good.attested.toReversed().toSorted((a, b) => a.index - b.index) }),
    ["duplicate"]);
  for (let again = 2; again < MOST_OF_A_ZONE; again++) tell({ ...good, keyIndex: 3, level: again });
  assert.equal(tell({ ...good, keyIndex: 20 }), ["too-many"]);
  assert.is(listener.state.region!.claims.get("z-1" as ZoneId)!.size, 1);
});
