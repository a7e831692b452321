/**
 * Memory and traffic are bounded, whoever floods: what an agent holds stays below what SPEC.md grants, and what it
 * publishes in an epoch below its own quotas, its repairs, and once what it heard.
 */
import { MOST_PROPOSALS } from "../../../../gossip/proposals.ts";
import type { Kind } from "../../../../gossip/message.ts";
import type { ProtocolState } from "../../../../gossip/protocol-state.ts";
import { HELD_EPOCHS } from "../../../../gossip/zone-view.ts";
import { EVIDENCE_KEYS } from "../../../../models/terms.ts";
import type { SimAgent } from "../sim-agent.ts";
import { type Checker, CheckFailure, type World } from "../world.ts";

const NAME = "memory and traffic bounded";
const EVERY_EPOCHS = 8;
/** SPEC.md, section 3: what others take of one author for one epoch. */
const GRANTED: Readonly<Record<Kind, number>> = {
  statement: 1, proof: 64, note: 4, proposal: 32, vote: 32, certificate: 32, digest: 1, request: 8, checkpoint: 4,
  cosignature: 16, attestation: 32, summary: 32, roster: 4, part: 4, release: 4, fetch: 4, piece: 2,
};
/** Epochs for which messages count at one time: six back, one ahead, and the one that is pruned next. */
const WINDOW = 9;
const REPAIRS = 256;
/** Of other zones, looked at in an epoch: SPEC.md, section 12. */
const FOREIGN_SUMMARIES = 128;
/** Own proposals and votes are said again while they are open. */
const REPEATED = 6 * (GRANTED.proposal + GRANTED.vote);

export function bounded(world: World): Checker {
  const published = new Map<number, Counted>();
  return {
    name: NAME,
    said(by, { kind, station, bytes }) {
      if (!world.isHonest(by)) return;
      const counted = published.get(by.index) ?? startCount();
      published.set(by.index, counted);
      counted.total += 1;
      if (by.isMetered && !isMeteredWord(kind, station === by.station)) fail(by, `it is metered, and told a ${kind}`);
      if (station !== by.station || counted.own.has(bytes)) return;
      counted.own.add(bytes);
      counted.kinds.set(kind, (counted.kinds.get(kind) ?? 0) + 1);
    },
    epoch(epoch) {
      for (const agent of world.agents) {
        if (!world.isHonest(agent)) continue;
        checkTraffic(agent, published.get(agent.index));
        if (epoch % EVERY_EPOCHS === 0 && agent.protocol !== undefined) checkMemory(agent, agent.protocol);
      }
      published.clear();
    },
  };
}

/** SPEC.md, section 7a. */
const METERED_WORDS: ReadonlySet<Kind> = new Set<Kind>([
  "statement", "digest", "request", "checkpoint", "cosignature", "roster", "part", "proof",
]);

function isMeteredWord(kind: Kind, isOwn: boolean): boolean {
  return isOwn ? METERED_WORDS.has(kind) : kind === "proof";
}

interface Counted {
  total: number;
  readonly kinds: Map<Kind, number>;
  readonly own: Set<Uint8Array>;
}

function startCount(): Counted {
  return { total: 0, kinds: new Map(), own: new Set() };
}

/** An epoch of the world can hold the ends of two of the agent's: everything twice. */
function checkTraffic(agent: SimAgent, counted: Counted | undefined): void {
  if (counted === undefined) return;
  const { members: { length: n } } = agent.protocol?.directory ?? { members: [] };
  const granted = Object.values(GRANTED).reduce((a, b) => a + b, 0);
  // Each kind is taken from each author in at most so many a window, and passed on once.
  const passedOn = n * (granted + GRANTED.proposal + GRANTED.vote) * 2;
  const most = 2 * (granted + REPEATED + REPAIRS + FOREIGN_SUMMARIES) + passedOn;
  if (counted.total > most) fail(agent, `it published ${counted.total} messages in an epoch, of at most ${most}`);
  for (const kind of ["statement", "digest", "request", "checkpoint", "cosignature"] as const) {
    const own = counted.kinds.get(kind) ?? 0;
    const allowed = kind === "statement" ? 2 + HELD_EPOCHS : 2 * GRANTED[kind];
    if (own > allowed) fail(agent, `it published ${own} ${kind} messages in an epoch, of at most ${allowed}`);
  }
}

function checkMemory(agent: SimAgent, protocol: ProtocolState): void {
  const { members: { length: n } } = protocol.directory;
  const authors = n * WINDOW;
  const held = HELD_EPOCHS + WINDOW;
  const sizes: readonly (readonly [string, number, number])[] = [
    ["statements of one author", Math.max(...protocol.view.members.map((one) => one.statements.length)), held],
    ["statements by hash", protocol.view.byHash.size, n * held],
    ["proposals", protocol.proposals.size, MOST_PROPOSALS],
    ["proposals with votes", protocol.votes.size, authors * GRANTED.vote],
    ["own votes", protocol.voted.size, WINDOW * EVIDENCE_KEYS.length],
    ["waits", protocol.waits.size, EVIDENCE_KEYS.length],
    ["incidents", protocol.incidents.size, EVIDENCE_KEYS.length],
    ["messages seen", protocol.seen.size, authors * 170 + 220 * EVIDENCE_KEYS.length
      + WINDOW * FOREIGN_SUMMARIES],
    ["hashes wanted", protocol.wanted.size, n * 2 * 64],
    ["messages sent again", protocol.resent.size, REPAIRS],
    ["awaited certificates", protocol.awaited.size, 13 * EVIDENCE_KEYS.length],
    ["senders", protocol.traffic.senders.size, 1_024],
    ["quotas", protocol.traffic.accepted.size, authors * 10],
    ["clocks", protocol.clock.heard.size, n],
    ["frames of the log", agent.core!.state.journal.frames.size, 512],
  ];
  for (const [what, found, most] of sizes) if (found > most) fail(agent, `${what}: ${found}, of at most ${most}`);
}

function fail({ index }: SimAgent, text: string): never {
  throw new CheckFailure(NAME, `agent ${index}: ${text}`);
}
