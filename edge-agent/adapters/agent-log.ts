/** What an agent finds at its start: its log, opened to be written on, and what it learned before. */
import type { Crypto } from "../../models/crypto.ts";
import type { Config } from "../config.ts";
import { type Logged, noteEntry, nothingLogged } from "../logged.ts";
import type { Memory } from "../memory.ts";
import type { LedgerStore } from "../ports.ts";
import { createGrowth, grow, growBy, type Growth } from "../record/growth.ts";
import { EMPTY_FRONTIER } from "../record/merkle.ts";
import { NEW_LOG, type RecoveredLog } from "../record/record.ts";
import type { heldByWitnesses } from "../record/witnessing.ts";
import { LedgerError, type LogRoom, openLedger } from "./ledger-file.ts";
import { hasMemory, readMemory } from "./memory-file.ts";
import type { Write } from "./slot-file.ts";

export interface OpenLog {
  readonly store: LedgerStore;
  readonly recovered: RecoveredLog;
  readonly logged: Logged;
  /** Absent for a lone agent. */
  readonly growth?: Growth;
  readonly room?: () => LogRoom;
  /** Why there is no log to write to. */
  readonly missing?: string;
}

export interface LogPorts {
  readonly crypto: Crypto;
  /** Of a street: its neighbours' entries are noted, and the log's growth is kept for them. */
  readonly isMember: boolean;
  readonly witnesses: Memory["witnesses"] | undefined;
  /** What neighbours hold of this log now; what they may ask about is not thinned. */
  readonly held: () => ReturnType<typeof heldByWitnesses> | undefined;
  /** In place of the system call. */
  readonly write?: Write;
}

const MB = 1024 * 1024;
const NO_STORE: LedgerStore = {
  append: () => undefined, writeCheckpoint: () => undefined, writeCosigned: () => undefined, close: () => undefined,
};

/**
 * A full or broken disk must not keep the charger from its CSMS: the agent runs without a log, and says so.
 * @throws LedgerError when a second agent has it
 */
export function openLog({ stateDir, log }: Config, { crypto, isMember, witnesses, held, write }: LogPorts): OpenLog {
  const logged = nothingLogged(isMember ? crypto : undefined);
  const growth = isMember ? createGrowth(EMPTY_FRONTIER, Object.values(witnesses ?? {})) : undefined;
  try {
    const opened = openLedger(stateDir, crypto, {
      onEntry: (entry) => noteEntry(logged, entry), ...(write !== undefined && { write }),
      ...(growth !== undefined && {
        onLeaf: (leaf, before) => grow(crypto, growth, before, leaf),
        onGone: (gone, before) => growBy(crypto, growth, before, gone),
      }),
      mostBytes: log.mostMb * MB, boundaries: () => Object.values(held() ?? {}),
    });
    return { ...opened, logged, room: () => opened.store.room(), ...(growth !== undefined && { growth }) };
  } catch (error) {
    if (!(error instanceof LedgerError) || error.failure === "locked") throw error;
    return { store: NO_STORE, recovered: NEW_LOG, logged, missing: error.message };
  }
}

/** What was learned before; of a memory that cannot be used it is said so, and the next save takes its place. */
export function recall(stateDir: string, crypto: Crypto, notice: (text: string) => void): Memory | undefined {
  if (!hasMemory(stateDir)) return undefined;
  const memory = readMemory(stateDir, crypto);
  if (memory.ok) return memory.value;
  notice(`learned normal: ${memory.problem}; begins anew from the shipped prior`);
  return undefined;
}
