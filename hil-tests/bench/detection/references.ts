/** The 16 public reference traces (../shared/data/traces): no threat may be found there, and a plain fault be named. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeCrypto, signerFromSeed } from "../../../edge-agent/adapters/crypto.ts";
import { parseTraceLine } from "../../../edge-agent/observe/trace.ts";
import { Replay } from "../../../edge-agent/replay.ts";

export interface Reference {
  readonly trace: string;
  readonly threats: readonly string[];
  readonly faults: readonly string[];
}

export function referenceTraces(shared: string): Reference[] {
  const folder = join(shared, "data", "traces", "fixtures");
  return readdirSync(folder).sort().map((trace) => {
    const threats: string[] = [];
    const faults: string[] = [];
    const options = { crypto: nodeCrypto(), signer: signerFromSeed(new Uint8Array(32)), epochS: 10 };
    const replay = new Replay(options, (line) => {
      if ("fault" in line) faults.push(line.fault);
      else if (!("kind" in line) && line.state === "raised") threats.push(line.threat);
    });
    for (const text of readFileSync(join(folder, trace, "trace.jsonl"), "utf8").split("\n")) {
      const line = text.trim() === "" ? undefined : parseTraceLine(text);
      if (line?.ok === true) replay.take(line);
    }
    return { trace, threats, faults };
  });
}
