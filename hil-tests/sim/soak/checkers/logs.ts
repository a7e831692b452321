/**
 * Logs are consistent: what an honest agent said is in its log, every checkpoint that it ever signed is one of the log
 * as it ended, what others cosigned of it is too, and nobody refuses to sign without a disk that failed.
 */
import { sameBytes } from "../../../../gossip/bytes.ts";
import { parseCheckpoint, originOf } from "../../../../edge-agent/record/checkpoint.ts";
import type { Entry } from "../../../../edge-agent/record/entry.ts";
import { appendLeaf, EMPTY_FRONTIER, type Frontier, rootOf } from "../../../../edge-agent/record/merkle.ts";
import { parseNote } from "../../../../edge-agent/record/note.ts";
import type { Outgoing } from "../../../../gossip/protocol-state.ts";
import { entryOf, leafOf } from "../disk.ts";
import type { SimAgent } from "../sim-agent.ts";
import { type Checker, CheckFailure, type World } from "../world.ts";

const NAME = "logs consistent";
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

export function consistentLogs(world: World): Checker {
  const stated = new Map<number, Set<string>>();
  const notes = new Map<number, Set<string>>();
  const keep = (of: Map<number, Set<string>>, agent: number, what: string): void => {
    of.set(agent, (of.get(agent) ?? new Set()).add(what));
  };
  return {
    name: NAME,
    said(by, message: Outgoing) {
      if (!world.isHonest(by) || message.station !== by.station) return;
      const { kind, bytes } = message;
      const statement = kind === "statement" ? world.read(kind, bytes) : undefined;
      if (statement !== undefined) keep(stated, by.index, latin1(statement.message.bytes));
      const checkpoint = kind === "checkpoint" ? world.read(kind, bytes) : undefined;
      if (checkpoint !== undefined) keep(notes, by.index, checkpoint.message.content.note);
    },
    end() {
      const honest = world.agents.filter((agent) => world.isHonest(agent));
      const witnessed = witnessedNotes(honest);
      for (const agent of honest) {
        const all = [...notes.get(agent.index) ?? [], ...agent.disk.checkpoints, ...witnessed.get(agent.station) ?? []];
        checkNotes(world, agent, all);
        checkSaid(agent, stated.get(agent.index) ?? new Set());
        checkRefusals(world, agent);
      }
    },
  };
}

function fail({ index }: SimAgent, text: string): never {
  throw new CheckFailure(NAME, `agent ${index} is honest: ${text}`);
}

const entriesOf = ({ disk }: SimAgent): Entry[] => disk.log.map(entryOf);

/** By station: the notes of its log that honest witnesses have in theirs. */
function witnessedNotes(honest: readonly SimAgent[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const witness of honest) {
    for (const entry of entriesOf(witness)) {
      const list = entry.kind === "witness" ? [entry.note] : entry.kind === "fork" ? [entry.first, entry.second] : [];
      for (const note of list) {
        const origin = note.slice(0, note.indexOf("\n"));
        const of = honest.find(({ station }) => originOf(station) === origin);
        if (of === undefined) continue;
        if (entry.kind === "fork") fail(of, `agent ${witness.index} holds two histories of its log`);
        found.set(of.station, [...found.get(of.station) ?? [], note]);
      }
    }
  }
  return found;
}

function checkNotes(world: World, agent: SimAgent, notes: readonly string[]): void {
  const { crypto } = world.street.keys;
  const bySize = new Map<number, Uint8Array[]>();
  for (const note of notes) {
    const parsed = parseNote(note);
    const checkpoint = parsed.ok ? parseCheckpoint(parsed.value.text) : parsed;
    if (!checkpoint.ok) return fail(agent, "one of its checkpoints is none");
    const { size, root } = checkpoint.value;
    bySize.set(size, [...bySize.get(size) ?? [], root]);
  }
  let frontier: Frontier = EMPTY_FRONTIER;
  for (const bytes of agent.disk.log) {
    frontier = appendLeaf(crypto, frontier, leafOf(crypto, bytes));
    const roots = bySize.get(frontier.size);
    if (roots === undefined) continue;
    const root = rootOf(crypto, frontier);
    if (!roots.every((one) => sameBytes(one, root))) fail(agent, `it signed ${frontier.size} other entries`);
    bySize.delete(frontier.size);
  }
  for (const size of bySize.keys()) fail(agent, `it signed ${size} entries and has ${frontier.size}`);
}

/** What it said is there, and the chain has no gap. */
function checkSaid(agent: SimAgent, stated: ReadonlySet<string>): void {
  const logged = entriesOf(agent).flatMap((entry) => (entry.kind === "statement" ? [latin1(entry.signedBytes)] : []));
  const all = new Set(logged);
  for (const one of stated) if (!all.has(one)) fail(agent, "it published a statement that its log does not have");
  if (all.size !== logged.length) fail(agent, "its log has one statement twice");
}

function checkRefusals({ scenario: { faults } }: World, agent: SimAgent): void {
  const hadNoRoom = faults.some((fault) => fault.kind === "full-disk" && fault.agent === agent.index);
  const [why] = agent.refusals;
  if (why !== undefined && !hadNoRoom) fail(agent, `it signs nothing more: ${why}`);
}
