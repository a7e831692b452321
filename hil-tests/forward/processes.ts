/** What a process has used, as Linux tells it: the same measure for every relay, whoever wrote it. */
import { readdirSync, readFileSync } from "node:fs";

const TICKS_PER_S = 100;

/** Processor time of all threads of a process so far, µs; undefined where /proc does not tell. */
export function cpuUsOf(pid: number): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const ns = threads.map((id) => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, "utf8").split(" ")[0]));
    return ns.reduce((sum, one) => sum + one, 0) / 1000;
  } catch {
    return ticksUsOf(pid);
  }
}

/** Where the kernel keeps no schedstat: user and system time in ticks of 10 ms (proc(5), fields 14 and 15). */
function ticksUsOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * (1e6 / TICKS_PER_S);
  } catch {
    return undefined;
  }
}

/** Resident memory, MB; undefined where /proc does not tell. */
export function residentMbOf(pid: number): number | undefined {
  try {
    const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kb === undefined ? undefined : Number(kb) / 1024;
  } catch {
    return undefined;
  }
}
