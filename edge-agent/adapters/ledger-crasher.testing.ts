/** For ledger-file.test.ts: appends without end and prints each index once it is acknowledged, until it is killed. */
import { writeSync } from "node:fs";
import { nodeCrypto } from "./crypto.ts";
import { openLedger } from "./ledger-file.ts";

const stateDir = process.argv[2];
if (stateDir === undefined) throw new Error("usage: ledger-crasher.testing.ts STATE_DIR");
const { store, recovered } = openLedger(stateDir, nodeCrypto());
for (let index = recovered.frontier.size; ; index += 3) {
  const entry = (n: number): Uint8Array => new TextEncoder().encode(`${n} ${"x".repeat((n * 37) % 1500)}`);
  store.append([entry(index), entry(index + 1), entry(index + 2)]);
  writeSync(1, `${index + 2}\n`);
}
