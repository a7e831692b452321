import { assert, test } from "../../build/testing.ts";
import type { TokenPseudonym } from "../../models/units.ts";
import {
  createTransactions, evseOfTransaction, isRepeat, missingBefore, noteEnded, noteEvse, noteOpen, tokenOfTransaction,
} from "./transactions.ts";

const TOKEN = "00000000000000ff" as TokenPseudonym;

test("an open transaction is found by its id, an ended one too", () => {
  const transactions = createTransactions();
  noteOpen(transactions, "7", 2, TOKEN);
  noteOpen(transactions, "8", 1);
  noteEnded(transactions, "7");
  assert.is(evseOfTransaction(transactions, "7"), 2);
  assert.is(tokenOfTransaction(transactions, "7"), TOKEN);
  assert.is(evseOfTransaction(transactions, "8"), 1);
});

test("an unknown one is on the only EVSE with an open transaction, or the only EVSE, or nowhere known", () => {
  const transactions = createTransactions();
  assert.is(evseOfTransaction(transactions, undefined), 0);
  noteEvse(transactions, 0);
  noteEvse(transactions, 1);
  assert.is(evseOfTransaction(transactions, "9"), 1);
  noteEvse(transactions, 2);
  assert.is(evseOfTransaction(transactions, "9"), 0);
  noteOpen(transactions, "7", 2);
  assert.is(evseOfTransaction(transactions, "9"), 2);
  noteOpen(transactions, "8", 1);
  assert.is(evseOfTransaction(transactions, "9"), 0);
});

test("an ended transaction is not open: a message of an unknown one is not put on its EVSE", () => {
  const transactions = createTransactions();
  noteEvse(transactions, 1);
  noteOpen(transactions, "7", 2);
  noteEnded(transactions, "7");
  noteEnded(transactions, "8");
  assert.is(transactions.known.get("7")?.open, false);
  assert.is(transactions.known.has("8"), false);
  assert.is(evseOfTransaction(transactions, "9"), 0);
});

test("a new transaction on an EVSE ends the one before, whose stop was lost", () => {
  const transactions = createTransactions();
  noteOpen(transactions, "7", 1);
  noteOpen(transactions, "8", 1);
  assert.is(transactions.known.get("7")?.open, false);
  assert.is(transactions.known.get("8")?.open, true);
});

test("the last message again is a repeat, also for a transaction that was not known", () => {
  const transactions = createTransactions();
  assert.is(isRepeat(transactions, "7", "Ended 5"), false);
  assert.is(isRepeat(transactions, "7", "Ended 5"), true);
  assert.is(isRepeat(transactions, "7", "Ended 6"), false);
  assert.is(isRepeat(transactions, "8", "Ended 6"), false);
});

test("what a repeat is known by is short, however long the message's fields are", () => {
  const transactions = createTransactions();
  assert.is(isRepeat(transactions, "7", "x".repeat(1 << 20)), false);
  noteOpen(transactions, "8", 1, undefined, "y".repeat(1 << 20));
  for (const { mark } of transactions.known.values()) assert.is(mark?.length, 96);
});

test("a flood of transactions and EVSEs is bounded; the newest stay", () => {
  const transactions = createTransactions();
  for (let i = 1; i <= 10_000; i += 1) {
    noteOpen(transactions, `t${i}`, i % 999, TOKEN);
    isRepeat(transactions, `u${i}`, "x");
  }
  assert.is(transactions.known.size, 64);
  assert.is(transactions.evses.size, 64);
  assert.is(evseOfTransaction(transactions, "t10000"), 10_000 % 999);
});

test("what is missing before an event is counted once; a late one, the same again and a first one miss nothing", () => {
  const transactions = createTransactions();
  const missing = (seqNo: unknown, begins = false): number => missingBefore(transactions, "7", seqNo, begins);
  assert.is(missing(5), 0, "of no transaction that is known");
  noteOpen(transactions, "7", 1);
  assert.equal([0, 1, 4, 2, 3, 4, 5].map((seqNo) => missing(seqNo)), [0, 0, 2, 0, 0, 0, 0]);
  assert.equal([undefined, null, "9", 9.5, Number.NaN, 2 ** 60].map((seqNo) => missing(seqNo)), [0, 0, 0, 0, 0, 0]);
  assert.is(missing(-3), 0);
  noteOpen(transactions, "7", 2);
  noteEnded(transactions, "7");
  assert.is(missing(8), 2, "kept over all that happens to the transaction");
  assert.is(missing(0, true), 0);
  assert.is(missing(2), 1, "it began anew");
});
