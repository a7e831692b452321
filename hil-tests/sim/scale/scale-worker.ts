/**
 * Plays rosters of a region in a process of its own, one after the other: no agent speaks to one of another roster, so
 * it makes no difference to any of them, and memory is that of one roster.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Kind } from "../../../gossip/message.ts";
import { simulatedKeys } from "../soak/sim-crypto.ts";
import { rosterOf } from "./scale-plan.ts";
import { ScaleRegion, type Traffic } from "./scale-region.ts";

export interface WorkerTask {
  /** By the roster's name, its zones. */
  readonly rosters: readonly { readonly name: string; readonly zones: number }[];
  readonly epochs: number;
  /** Epochs before this one are not measured. */
  readonly warmUp: number;
}

export interface WorkerResult {
  readonly agents: number;
  /** Processor time of the measured epochs, ms, and what they were. */
  readonly cpuMs: number;
  readonly agentEpochs: number;
  /** Of all cores, as they stood after their last epoch, garbage not counted; not all at one time. */
  readonly heapBytes: number;
  readonly statements: number;
  readonly traffic: ReadonlyMap<Kind, Traffic>;
  readonly raised: number;
  /** From a zone's raise to its certificate, ms. */
  readonly waitsMs: readonly number[];
}

export type WorkerNews =
  | { readonly kind: "progress"; readonly share: number }
  | { readonly kind: "done"; readonly result: WorkerResult };

/** Bytes in use, nothing that is garbage counted. */
function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

export function playRosters(task: WorkerTask, tell: (news: WorkerNews) => void): void {
  const all = task.rosters.reduce((sum, { zones }) => sum + zones, 0);
  let before = 0;
  const results = task.rosters.map((one, place) => {
    const share = one.zones / all;
    const result = playRoster(one, 1 + place, task, (done) => tell({ kind: "progress", share: before + done * share }));
    before += share;
    return result;
  });
  const sum = (of: (one: WorkerResult) => number): number => results.reduce((total, one) => total + of(one), 0);
  tell({ kind: "done", result: {
    agents: sum((one) => one.agents), cpuMs: sum((one) => one.cpuMs), agentEpochs: sum((one) => one.agentEpochs),
    heapBytes: sum((one) => one.heapBytes), statements: sum((one) => one.statements), raised: sum((one) => one.raised),
    traffic: added(results.map(({ traffic }) => traffic)), waitsMs: results.flatMap(({ waitsMs }) => waitsMs),
  } });
}

function playRoster(
  { name, zones }: WorkerTask["rosters"][number], seed: number, { epochs, warmUp }: WorkerTask,
  onDone: (share: number) => void,
): WorkerResult {
  const keys = simulatedKeys();
  const before = heapInUse();
  const region = new ScaleRegion(keys, rosterOf(keys, name, zones), seed);
  const agents = region.size;
  let cpuMs = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const since = process.cpuUsage();
    region.playEpoch();
    const { user, system } = process.cpuUsage(since);
    if (epoch >= warmUp) cpuMs += (user + system) / 1_000;
    onDone((epoch + 1) / epochs);
  }
  const { statements, traffic, raised, waits } = region;
  return {
    agents, cpuMs, agentEpochs: agents * (epochs - warmUp), heapBytes: heapInUse() - before, statements, traffic,
    raised, waitsMs: waits.waitsMs(),
  };
}

export function added(all: readonly ReadonlyMap<Kind, Traffic>[]): Map<Kind, Traffic> {
  const sums = new Map<Kind, Traffic>();
  for (const [kind, { messages, payload, wire }] of all.flatMap((one) => [...one])) {
    const sum = sums.get(kind) ?? { messages: 0, payload: 0, wire: 0 };
    sum.messages += messages;
    sum.payload += payload;
    sum.wire += wire;
    sums.set(kind, sum);
  }
  return sums;
}

/** As a process that was forked for it. */
export function runAsWorker(): void {
  process.once("message", (task: WorkerTask) => {
    playRosters(task, (news) => process.send!(news, () => {
      if (news.kind === "done") process.disconnect();
    }));
  });
}
