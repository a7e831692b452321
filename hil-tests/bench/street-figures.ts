/** What the street costs, measured from outside: memory and CPU of each agent, bytes over the mesh. */
import { readFileSync } from "node:fs";
import type { House } from "./street-house.ts";

/** Linux counts CPU time in hundredths of a second, whatever the kernel ticks at (proc(5), sysconf(_SC_CLK_TCK)). */
const TICKS_PER_S = 100;
/** Fields of /proc/<pid>/stat after the name in brackets, which may hold anything. */
const UTIME = 11;
const STIME = 12;

export interface Usage {
  readonly residentMb: number;
  readonly cpuS: number;
}

/** Undefined where there is no /proc, or no such process. */
export function usageOf(pid: number): Usage | undefined {
  try {
    return parseUsage(readFileSync(`/proc/${pid}/stat`, "utf8"), readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return undefined;
  }
}

export function parseUsage(stat: string, status: string): Usage | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
  if (resident === undefined || Number.isNaN(ticks)) return undefined;
  return { residentMb: Number(resident) / 1024, cpuS: ticks / TICKS_PER_S };
}

export interface Sample {
  readonly atMs: number;
  /** By station: its process, and what that used up to now. */
  readonly agents: ReadonlyMap<string, { readonly pid: number; readonly usage: Usage | undefined }>;
  /** That the relays passed. */
  readonly bytes: number;
}

export function sample(houses: readonly House[]): Sample {
  const agents = new Map(houses.flatMap(({ id, agent: { pid } }) =>
    (pid === undefined ? [] : [[id, { pid, usage: usageOf(pid) }] as const])));
  return { atMs: performance.now(), agents, bytes: houses.reduce((sum, { relay }) => sum + relay.bytes, 0) };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
const kb = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KB`;

/**
 * One line each. Memory and CPU are those of agents whose process ran all the way from `before` to `after`.
 * @param ownBytes what agents say that they sent in an epoch
 */
export function figures(before: Sample, after: Sample, ownBytes: readonly number[] = []): string[] {
  const seconds = (after.atMs - before.atMs) / 1000;
  const steady = [...after.agents].flatMap(([id, { pid, usage: now }]) => {
    const one = before.agents.get(id);
    return one?.pid !== pid || one.usage === undefined || now === undefined ? [] : [{ then: one.usage, now }];
  });
  const memory = steady.map(({ now }) => now.residentMb);
  const cpu = steady.map(({ now, then }) => (100 * (now.cpuS - then.cpuS)) / seconds);
  const passed = (after.bytes - before.bytes) / Math.max(1, before.agents.size) / seconds;
  const own = ownBytes.length === 0 ? "" : `; ${kb(median(ownBytes))} of messages by its own count lately`;
  return [
    ...(steady.length === 0 ? ["memory and CPU of agents: not measured, since this system has no /proc"] : [
      `memory of an agent: ${median(memory).toFixed(0)} MB resident (most: ${Math.max(...memory).toFixed(0)} MB)`,
      `CPU of an agent: ${median(cpu).toFixed(1)} % of a core (most: ${Math.max(...cpu).toFixed(1)} %)`,
    ]),
    `sent over the mesh by an agent in an epoch of 1 s: ${kb(passed)} on the wire with TLS, over ` +
      `${seconds.toFixed(0)} s${own}`,
  ];
}
