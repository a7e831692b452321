/** Rosters go from neighbour to neighbour: a network of agents on a line, of which some lie. */
import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { nodeCrypto, signerFromSeed } from "../edge-agent/adapters/crypto.ts";
import type { Epoch, MonotonicMs } from "../models/units.ts";
import { createZoneProtocol, onEpoch, onMessage } from "./agreement-protocol.ts";
import { directoryOf } from "./directory.ts";
import { encodeMessage, topicText } from "./message.ts";
import { PART_BYTES } from "./message-content.ts";
import type { Outgoing, ProtocolState } from "./protocol-state.ts";
import { encodeRoster, type Roster } from "./roster.ts";
import { createRosterChain, type KnownRoster, takeForce } from "./roster-chain.ts";
import { createRosterExchange, exchangeRosters, type RosterExchange, type RosterNews } from "./roster-exchange.ts";
import { encodeRosterFile, rosterHash, signRoster } from "./roster-file.ts";
import { madeRoster } from "./roster.testing.ts";
import { PLAIN_LAW } from "./zone-network.testing.ts";

const crypto = nodeCrypto();
const [operator, retired] = [7, 8].map((fill) => signerFromSeed(new Uint8Array(32).fill(fill))) as
  [ReturnType<typeof signerFromSeed>, ReturnType<typeof signerFromSeed>];
const N = 5;
const signers = Array.from({ length: N }, (_, i) => signerFromSeed(new Uint8Array(32).fill(100 + i)));
const FIRST_EPOCH = 1_000;

const made = madeRoster({ zones: [{ id: "a", n: N, f: 1 }], operators: [operator.publicKey] });
const first: Roster = { ...made, threshold: 1, members: made.members.map((member, i) =>
  ({ ...member, keys: { ...member.keys, statement: signers[i]!.publicKey } })) };
const known = (roster: Roster, by = operator): KnownRoster => {
  const bytes = encodeRoster(roster);
  return { roster, hash: rosterHash(crypto, bytes), file: encodeRosterFile({ bytes,
    signatures: [signRoster(bytes, by)] }) };
};
const after = (last: Roster, more: Partial<Roster> = {}): Roster =>
  ({ ...last, version: last.version + 1, previous: known(last).hash, ...more });
const second = after(first, { fromEpoch: 9_000 as Epoch });
/** Of several parts. */
const event = (i: number): string => JSON.stringify({ kind: "tariff", note: `${i} `.repeat(300).slice(0, 900) });
const large = after(first, { fromEpoch: 9_000 as Epoch, events: Array.from({ length: 60 }, (_, i) => event(i)) });

interface Agent {
  readonly protocol: ProtocolState;
  readonly exchange: RosterExchange;
  readonly news: RosterNews[];
}

/** Agents in a line: each hears the ones beside it alone. */
class Line {
  readonly agents: Agent[];
  epoch = FIRST_EPOCH;
  sent = 0;
  loses: (from: number, to: number) => boolean = () => false;
  /** What a liar says instead. */
  says: (from: number, message: Outgoing) => Outgoing | undefined = (_from, message) => message;
  readonly #queue: { from: number; message: Outgoing }[] = [];

  constructor(rosters: readonly Roster[] = [first]) {
    this.agents = signers.map((signer, i) => {
      const roster = rosters[i] ?? first;
      const protocol = createZoneProtocol({
        directory: directoryOf(roster, roster.zones[0]!.id), station: roster.members[i]!.station, signer, crypto,
        law: PLAIN_LAW,
      });
      const chain = createRosterChain({ threshold: 1, keys: [operator.publicKey] }, known(roster));
      return { protocol, exchange: createRosterExchange(chain, protocol), news: [] };
    });
  }

  give(at: number, roster: KnownRoster): void {
    this.agents[at]!.exchange.chain.coming.push(roster);
  }

  /** Epochs until it holds, or an assertion. */
  pass(holds: () => boolean, most = 200): number {
    for (let passed = 0; passed < most; passed++) {
      if (holds()) return passed;
      this.epoch += 1;
      this.agents.forEach((agent, i) => {
        const { news } = onEpoch(agent.protocol, { maySign: false }, this.#now());
        this.#take(i, exchangeRosters(agent.exchange, news, this.epoch));
        this.#deliver();
      });
    }
    throw new Error("it never holds");
  }

  #now = () => ({ epoch: this.epoch as Epoch, monoMs: (this.epoch * 10_000) as MonotonicMs });

  #take(at: number, { outgoing, news }: ReturnType<typeof exchangeRosters>): void {
    this.agents[at]!.news.push(...news);
    for (const message of outgoing) this.say(at, message);
  }

  say(from: number, message: Outgoing): void {
    const said = this.says(from, message);
    if (said !== undefined) this.#queue.push({ from, message: said });
  }

  #deliver(): void {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { from, message: { kind, station, bytes } } = next;
      for (const to of [from - 1, from + 1]) {
        const agent = this.agents[to];
        if (agent === undefined || this.loses(from, to)) continue;
        this.sent += 1;
        const topic = topicText({ network: first.network, zone: first.zones[0]!.id, kind, station });
        const { news } = onMessage(agent.protocol, { topic, bytes }, this.#name(from), this.#now());
        this.#take(to, exchangeRosters(agent.exchange, news, this.epoch));
      }
    }
  }

  #name = (at: number): string => first.members[at]!.station;

  everybodyKnows = ({ hash }: KnownRoster) => (): boolean => this.agents.every(({ exchange: { chain } }) =>
    [chain.inForce, ...chain.coming].some((one) => Buffer.compare(one.hash, hash) === 0));
}

const coming = ({ exchange: { chain } }: Agent): number[] => chain.coming.map(({ roster: { version } }) => version);

test("one agent is given the next version, and the whole line has it, as it was signed", () => {
  const line = new Line();
  line.give(0, known(second));
  const passed = line.pass(line.everybodyKnows(known(second)));
  assert.ok(passed <= 4 * 3, `${passed} epochs`);
  for (const { exchange, news } of line.agents.slice(1)) {
    assert.equal(exchange.chain.coming[0]!.file, known(second).file);
    assert.equal(news.map(({ offered: { kind } }) => kind), ["accepted"]);
  }
  const { sent } = line;
  line.pass(() => line.epoch > FIRST_EPOCH + 120);
  assert.ok(line.sent - sent < 120 * 8 / 16 * 1.5, `${line.sent - sent} messages when nobody lacks anything`);
});

test("a file of several parts, with half of all messages lost", () => {
  assert.ok(known(large).file.length > 4 * PART_BYTES);
  const line = new Line();
  const random = seeded(4);
  line.loses = () => random.int(2) === 0;
  line.give(2, known(large));
  line.pass(line.everybodyKnows(known(large)), 400);
  for (const { exchange } of line.agents) assert.equal(exchange.chain.coming[0]!.file, known(large).file);
});

test("two versions wait: both come, in their order; one that is not signed by enough goes no further", () => {
  const line = new Line();
  const third = after(second);
  for (const roster of [known(second), known(third), known(after(third), retired)]) line.give(0, roster);
  line.pass(line.everybodyKnows(known(third)));
  line.pass(() => line.epoch > FIRST_EPOCH + 100);
  for (const agent of line.agents.slice(1)) assert.equal(coming(agent), [2, 3]);
  assert.equal(line.agents[2]!.news.length, 2, "who refused it does not offer it");
  const refused = line.agents[1]!.protocol.traffic.refused.get("bad-roster")!;
  assert.ok(refused >= 1 && refused <= 2, `${refused} times in a hundred epochs`);
});

test("who is versions behind is told by those who have gone on; a leap needs the last one's operators", () => {
  const third = after(second, { fromEpoch: 0 as Epoch });
  const line = new Line([first, third, third, third, third]);
  line.pass(line.everybodyKnows(known(third)));
  assert.is(takeForce(line.agents[0]!.exchange.chain, line.epoch)?.roster.version, 3);
  const handed = after(second, { operators: [retired.publicKey], fromEpoch: 0 as Epoch });
  const bySuccessor = { ...after(handed), version: 4 };
  const other = new Line([first]);
  other.give(1, known(bySuccessor, retired));
  other.pass(() => other.epoch > FIRST_EPOCH + 60);
  assert.equal(coming(other.agents[0]!), [], "whom its last one does not name may not lead it on");
});

test("a fork at one place is known at all of them, and all freeze", () => {
  const line = new Line();
  const twin = { ...second, events: [JSON.stringify({ kind: "tariff" })] };
  line.give(0, known(second));
  line.pass(line.everybodyKnows(known(second)));
  line.agents[4]!.exchange.chain.fork = known(twin);
  line.agents[4]!.exchange.chain.isForked = true;
  line.pass(() => line.agents.every(({ exchange: { chain } }) => chain.isForked));
  for (const { exchange, news } of line.agents.slice(0, 4)) {
    assert.is(news.at(-1)!.offered.kind, "fork");
    assert.equal(exchange.chain.fork!.hash, known(twin).hash);
  }
});

test("liars: who offers what there is not, answers with junk, or not at all, delays and no more", () => {
  for (const lie of ["junk", "silence", "endless versions"]) {
    const line = new Line();
    line.give(2, known(second));
    let n = 0;
    line.says = (from, message) => {
      if (from !== 2) return message;
      const head = { network: first.network, zone: first.zones[0]!.id, rosterVersion: 1,
        station: first.members[2]!.station };
      const { epoch } = line;
      if (message.kind === "part" && lie === "silence") return undefined;
      if (message.kind === "part" && lie === "junk") {
        const { whole } = encodeMessage("part", { epoch, hash: known(second).hash, place: 0, of: 1,
          bytes: Uint8Array.of(1, 2) }, head, signers[2]!);
        return { ...message, bytes: whole };
      }
      if (message.kind !== "roster" || lie !== "endless versions") return message;
      const { whole } = encodeMessage("roster", { epoch, asked: undefined,
        held: [{ version: 2, hash: new Uint8Array(32).fill(n++) }] }, head, signers[2]!);
      return { ...message, bytes: whole };
    };
    // Nobody else has it when the liar is asked: whoever has it later is asked all the same.
    line.pass(() => line.epoch > FIRST_EPOCH + 2);
    line.give(0, known(second));
    line.pass(() => coming(line.agents[1]!).includes(2));
    assert.ok(line.epoch <= FIRST_EPOCH + 20, `${lie}: ${line.epoch - FIRST_EPOCH} epochs`);
    line.pass(() => line.epoch > FIRST_EPOCH + 300, 301);
    const { offers, refused, failures } = line.agents[1]!.exchange;
    assert.ok(offers.size <= 4 && refused.size <= 64 && failures.size <= 4, lie);
  }
});

test("who went on to a later version while it was asked is asked for that one at once", () => {
  const third = after(second, { fromEpoch: 0 as Epoch });
  const line = new Line();
  line.give(1, known(second));
  const { chain } = line.agents[1]!.exchange;
  // What it has when the question comes is the next one.
  line.says = (from, message) => {
    if (from === 0 && line.agents[0]!.exchange.fetching !== undefined && chain.coming.length > 0) {
      chain.coming.length = 0;
      chain.inForce = known(third);
    }
    return message;
  };
  line.pass(() => coming(line.agents[0]!).includes(3));
  assert.ok(line.epoch <= FIRST_EPOCH + 5, `${line.epoch - FIRST_EPOCH} epochs`);
});

test("who asks for the same without end is answered so often, and others all the same", () => {
  const line = new Line();
  const [asker, honest] = [first.members[1]!.station, first.members[3]!.station];
  let parts = 0;
  line.says = (from, message) => {
    if (message.kind === "part" && from === 2) parts += 1;
    if (from !== 1 || message.kind !== "roster") return message;
    const head = { network: first.network, zone: first.zones[0]!.id, rosterVersion: 1, station: asker };
    const { whole } = encodeMessage("roster", { epoch: line.epoch, held: [], asked: {
      of: first.members[2]!.station, hash: known(first).hash, place: 0 } }, head, signers[1]!);
    return { ...message, bytes: whole };
  };
  for (let n = 0; n < 64 * 3; n++) {
    line.pass(() => line.epoch > FIRST_EPOCH + n);
    line.say(1, { kind: "roster", station: asker, bytes: new Uint8Array(1) });
  }
  assert.ok(parts >= 44 && parts <= 44 * 4, `${parts} parts in 192 epochs`);
  line.give(2, known(second));
  line.pass(() => coming(line.agents[3]!).includes(2));
  assert.ok((line.agents[2]!.exchange.served.get(honest) ?? 0) >= 1);
});

test("who is no member of the zone any more says and asks nothing", () => {
  const line = new Line();
  line.agents[0]!.protocol.self = -1;
  line.give(0, known(second));
  line.pass(() => line.epoch > FIRST_EPOCH + 40);
  for (const agent of line.agents.slice(1)) assert.equal(coming(agent), []);
});
