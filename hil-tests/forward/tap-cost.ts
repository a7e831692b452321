/** What observing itself costs: one frame in the tap, from its bytes to the event. */
import { constants, deflateRawSync } from "node:zlib";
import { createCounters } from "../../edge-agent/adapters/forward-stats.ts";
import { createTap, TAP_LIMITS } from "../../edge-agent/adapters/tap.ts";
import { encodeFrame, RSV1 } from "../../edge-agent/observe/websocket.testing.ts";
import { callOf } from "./traffic.ts";

export interface TapCost {
  readonly bytes: number;
  readonly deflate: boolean;
  /** Processor time, µs. */
  readonly usPerFrame: number;
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

export function tapCost(bytes: number, deflate: boolean, count: number): TapCost {
  const payload = Buffer.from(callOf("a1", bytes));
  const wire = deflate ? deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4) : payload;
  const frame = encodeFrame({ opcode: 1, rsv: deflate ? RSV1 : 0, mask: Uint8Array.of(1, 2, 3, 4), payload: wire });
  let seen = 0;
  const parameters = { clientNoContextTakeover: false, serverNoContextTakeover: false };
  const tap = createTap({ extensions: deflate ? { kind: "deflate", parameters } : { kind: "none" } }, {
    limits: { ...TAP_LIMITS, budgetBytesPerS: Number.MAX_SAFE_INTEGER }, counters: createCounters(),
    monoMs: () => performance.now(), notice: () => undefined,
    emit: () => {
      seen += 1;
    },
  });
  const warmUp = Math.ceil(count / 4);
  for (let i = 0; i < warmUp; i++) tap.push("cp-to-csms", frame);
  const begun = cpuUs();
  for (let i = 0; i < count; i++) tap.push("cp-to-csms", frame);
  const usPerFrame = Math.round((cpuUs() - begun) / count * 100) / 100;
  if (seen !== count + warmUp) throw new Error(`the tap saw ${seen} of ${count + warmUp} frames`);
  return { bytes, deflate, usPerFrame };
}
