/** For ledger-kills.bench.ts: appends without end to a log that keeps to a bound, and prints what is acknowledged. */
import { writeSync } from "node:fs";
import type { WallMs } from "../../models/units.ts";
import { encodeEntry } from "../record/entry.ts";
import { nodeCrypto } from "./crypto.ts";
import { openLedger } from "./ledger-file.ts";

/** The n-th entry of every such log: mostly statements, which are thinned, and now and then what stays. */
export function entryOf(n: number): Uint8Array {
  const at = Date.UTC(2026, 2, 1) as WallMs;
  if (n % 50 === 7) return encodeEntry({ kind: "notice", at, text: `entry ${n}` });
  const signedBytes = new Uint8Array(300 + (n * 37) % 400);
  new DataView(signedBytes.buffer).setUint32(0, n);
  return encodeEntry({ kind: "statement", at, signedBytes, signature: new Uint8Array(64) });
}

export const MOST_BYTES = 3 * 1024 * 1024;

function main(stateDir: string): void {
  const { store, recovered } = openLedger(stateDir, nodeCrypto(), { mostBytes: MOST_BYTES });
  for (let index = recovered.frontier.size; ; index += 3) {
    store.append([entryOf(index), entryOf(index + 1), entryOf(index + 2)]);
    writeSync(1, `${index + 2}\n`);
  }
}

if (process.argv[2] === "append") main(process.argv[3]!);
