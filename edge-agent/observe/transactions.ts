/** What is known of the station's transactions: which EVSE each is on, and which messages of it are repeats. */
import type { TokenPseudonym } from "../../models/units.ts";
import { defined } from "./fields.ts";

/** More than any station has EVSEs, and enough for an offline backlog's latest. */
const MAX_TRANSACTIONS = 64;
/** Characters kept to know a repeat by: two time stamps' worth, however long the station's are. */
const MAX_MARK = 96;

interface Transaction {
  readonly evseId: number;
  readonly token?: TokenPseudonym;
  /** Open until its end was seen; an ended one is kept for readings that come late. */
  readonly open: boolean;
  /** The last message of it: a retry under a new message id repeats this. */
  readonly mark?: string;
  /** The highest `seqNo` of its events (2.0.1). */
  readonly seqNo?: number;
}

export interface Transactions {
  /** By transaction id, oldest news first. */
  readonly known: Map<string, Transaction>;
  /** EVSEs or connectors that were ever named, 0 left out. */
  readonly evses: Set<number>;
}

export function createTransactions(): Transactions {
  return { known: new Map(), evses: new Set() };
}

/** Remembers that the station has this EVSE. */
export function noteEvse(transactions: Transactions, evseId: number): void {
  if (evseId > 0 && transactions.evses.size < MAX_TRANSACTIONS) transactions.evses.add(evseId);
}

function put(transactions: Transactions, id: string, transaction: Transaction): void {
  transactions.known.delete(id);
  transactions.known.set(id, transaction);
  for (const oldest of transactions.known.keys()) {
    if (transactions.known.size <= MAX_TRANSACTIONS) break;
    transactions.known.delete(oldest);
  }
}

/** A transaction is open on an EVSE, and `mark` its last message, if given. Another one there has ended unseen. */
export function noteOpen(
  transactions: Transactions, id: string, evseId: number, token?: TokenPseudonym, mark?: string,
): void {
  noteEvse(transactions, evseId);
  for (const [otherId, other] of transactions.known) {
    if (evseId > 0 && other.open && other.evseId === evseId && otherId !== id) {
      transactions.known.set(otherId, { ...other, open: false });
    }
  }
  const before = transactions.known.get(id);
  put(transactions, id, {
    ...before, evseId, open: true,
    ...defined({ token: token ?? before?.token, mark: mark?.slice(0, MAX_MARK) ?? before?.mark }),
  });
}

/** The transaction is over; its EVSE and token stay known for a while. */
export function noteEnded(transactions: Transactions, id: string): void {
  const known = transactions.known.get(id);
  if (known !== undefined) put(transactions, id, { ...known, open: false });
}

/** True when the transaction's last message was this one too; remembers it otherwise. */
export function isRepeat(transactions: Transactions, id: string, whole: string): boolean {
  const mark = whole.slice(0, MAX_MARK);
  const known = transactions.known.get(id);
  if (known?.mark === mark) return true;
  put(transactions, id, { ...(known ?? { evseId: 0, open: false }), mark });
  return false;
}

/**
 * How many of the transaction's events are missing just before `seqNo` (2.0.1, E01: it counts up by one). A number
 * below the highest is of a backlog that is being flushed. One that is first seen, or begins anew, misses nothing.
 */
export function missingBefore(transactions: Transactions, id: string, seqNo: unknown, begins: boolean): number {
  const known = transactions.known.get(id);
  if (known === undefined || !Number.isSafeInteger(seqNo)) return 0;
  const given = seqNo as number;
  const highest = begins ? given : Math.max(known.seqNo ?? given, given);
  put(transactions, id, { ...known, seqNo: highest });
  return begins || known.seqNo === undefined ? 0 : Math.max(0, given - known.seqNo - 1);
}

/**
 * The EVSE of a message that names only its transaction, or nothing. An unknown transaction (begun before the agent, or
 * −1, which some stations use offline) is on the only EVSE where one is open, or the only EVSE there is; else 0.
 */
export function evseOfTransaction(transactions: Transactions, id: string | undefined): number {
  const evseId = id === undefined ? undefined : transactions.known.get(id)?.evseId;
  if (evseId !== undefined && evseId > 0) return evseId;
  const open = [...transactions.known.values()].filter((one) => one.open && one.evseId > 0);
  if (open.length === 1) return open[0]?.evseId ?? 0;
  const [only] = transactions.evses;
  return transactions.evses.size === 1 && only !== undefined ? only : 0;
}

/** The token that the transaction began with, or was authorized by since. */
export function tokenOfTransaction(transactions: Transactions, id: string): TokenPseudonym | undefined {
  return transactions.known.get(id)?.token;
}

/** How many have begun and not ended, as far as was seen. */
export function openTransactions({ known }: Transactions): number {
  return [...known.values()].filter(({ open }) => open).length;
}
