/** Runs the agent's core over captures in memory and says what it alerted to: for detector tests and benches. */
import { nodeCrypto, signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { parseMeterLine } from "../../edge-agent/observe/meter-capture.ts";
import { parseTraceLine } from "../../edge-agent/observe/trace.ts";
import { type FoundLine, Replay } from "../../edge-agent/replay.ts";
import type { Alert } from "../../models/terms.ts";
import { DAY_MS } from "../../models/units.ts";
import type { Capture, CaptureItem } from "./capture.ts";

export interface TrialResult {
  /** Of every state, in order. */
  readonly alerts: readonly Alert[];
  readonly findings: readonly FoundLine[];
  readonly days: number;
}

/** Ten-second epochs, from the shipped prior, as `kerbwatch replay` does. */
export function runTrial(items: Iterable<CaptureItem>): TrialResult {
  const alerts: Alert[] = [];
  const findings: FoundLine[] = [];
  const replay = new Replay(
    { crypto: nodeCrypto(), signer: signerFromSeed(new Uint8Array(32)), epochS: 10 },
    (line) => {
      if (!("kind" in line)) alerts.push(line);
      else if (line.kind === "finding") findings.push(line);
    },
  );
  let [first, last] = [Number.NaN, 0];
  for (const { stream, at, line } of items) {
    const parsed = stream === "ocpp" ? parseTraceLine(line) : parseMeterLine(line);
    if (!parsed.ok) throw new Error(`a capture of our own is bad: ${parsed.what}: ${parsed.found}`);
    replay.take(parsed);
    if (Number.isNaN(first)) first = at;
    last = at;
  }
  return { alerts, findings, days: (last - first) / DAY_MS };
}

/** Both streams of a capture as one, oldest first; on a tie the frame leads. */
export function* itemsOf({ ocpp, meter }: Capture): Generator<CaptureItem> {
  let next = 0;
  for (const { at, line } of ocpp) {
    for (let sample = meter[next]; sample !== undefined && sample.at < at; sample = meter[++next]) {
      yield { stream: "meter", ...sample };
    }
    yield { stream: "ocpp", at, line };
  }
  for (const sample of meter.slice(next)) yield { stream: "meter", ...sample };
}
