/** What the board's kernel says of the agent: read inside, over the console. Parsing is pure. */

/** At one moment. */
export interface Reading {
  /** Of the board's clock since its boot. */
  readonly atS: number;
  /** Processor time of the process since its start. */
  readonly cpuS: number;
  /** When the process began, on the clock of `atS`. */
  readonly startedS: number;
  readonly residentKb: number;
  /** Of all the board, since its boot: what reached the disk. */
  readonly writtenBytes: number;
}

/** Prints what `readingOf` takes. */
export const readingCommand = (pid: number): string =>
  `cat /proc/uptime /proc/${pid}/stat /sys/block/vda/stat; grep VmRSS /proc/${pid}/status`;

/** proc(5): hundredths of a second, on every architecture that Linux has today. */
const TICKS_A_SECOND = 100;
/** Of what follows the command's name in /proc/PID/stat, from the state on: utime, stime, starttime. */
const UTIME = 11;
const STIME = 12;
const STARTTIME = 19;
/** Documentation/block/stat.rst: the seventh field, in sectors of 512 bytes whatever the disk's own. */
const WRITTEN_SECTORS = 6;
const SECTOR_BYTES = 512;

/** Bytes that reached a disk since its boot, of its line /sys/block/NAME/stat. */
export const writtenBytesOf = (stat: string): number => numbers(stat)[WRITTEN_SECTORS]! * SECTOR_BYTES;

const numbers = (line: string): number[] => line.trim().split(/\s+/).map(Number);

/** @throws Error when it is not what `readingCommand` prints */
export function readingOf(out: string): Reading {
  const [uptime = "", stat = "", disk = "", memory = ""] = out.trim().split("\n").slice(-4);
  const own = stat.slice(stat.lastIndexOf(")") + 1).trim().split(/\s+/);
  const ticks = (at: number): number => Number(own[at]) / TICKS_A_SECOND;
  const reading = {
    atS: numbers(uptime)[0]!, cpuS: ticks(UTIME) + ticks(STIME), startedS: ticks(STARTTIME),
    residentKb: Number(/(\d+) kB/.exec(memory)?.[1]), writtenBytes: writtenBytesOf(disk),
  };
  if (Object.values(reading).every(Number.isFinite)) return reading;
  throw new Error(`the board printed no figures: ${out.slice(-200)}`);
}

/** What a turn of an empty loop costs, in the board's own time: what all else is a multiple of. */
export const LOOP_TURNS = 5e7;
export const LOOP_COMMAND = `/usr/lib/kerbwatch/node -e '`
  + `const turn = () => { for (let i = 0; i < ${LOOP_TURNS}; i++); }; const before = process.cpuUsage(); turn(); `
  + `const { user, system } = process.cpuUsage(before); console.log("loop=" + (user + system))'`;

/** Seconds a turn. @throws Error when it is not what LOOP_COMMAND prints */
export function loopTurnS(out: string): number {
  const microseconds = Number(/loop=(\d+)/.exec(out)?.[1]);
  if (microseconds > 0) return microseconds / 1e6 / LOOP_TURNS;
  throw new Error(`the board printed no loop: ${out.slice(-200)}`);
}
