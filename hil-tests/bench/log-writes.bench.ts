/**
 * `npm run bench log-writes [-- --quick]`: what a member writes to flash in a day, by the device's own count. What one
 * of twenty agents at rest makes durable in each epoch is written to ext4 on loop devices, with blocks of 4 KB and of
 * 1 KB, mounted as usual and with `commit=300`; seven seconds from one epoch to the next, so that, as with ten, none
 * shares the journal's commit of another. What laying out room takes is counted once, and added by its share. Then what
 * was learned in four weeks is saved in the same way, in slots and whole, for a day of quarters of an hour and of a
 * dozen sessions. As root; half an hour, with --quick six minutes.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { MissingTool, needTools, run } from "../../build/package/tools.ts";
import { signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { LAID_OUT_BYTES, openLedger, type OpenedLedger } from "../../edge-agent/adapters/ledger-file.ts";
import { MemoryFile } from "../../edge-agent/adapters/memory-file.ts";
import { encodeMemory, type Memory } from "../../edge-agent/memory.ts";
import { parseMeterLine } from "../../edge-agent/observe/meter-capture.ts";
import { parseTraceLine } from "../../edge-agent/observe/trace.ts";
import type { Effect } from "../../edge-agent/ports.ts";
import { encodeBatch } from "../../edge-agent/record/segment.ts";
import { Replay } from "../../edge-agent/replay.ts";
import { crypto, EPOCH_S, ZoneCores } from "../../edge-agent/zone-cores.testing.ts";
import type { StationId, WallMs } from "../../models/units.ts";
import { writtenBytesOf } from "../rig/board-reading.ts";
import { honestCapture } from "../sim/honest.ts";
import { PROFILES } from "../sim/profile.ts";

const [AGENTS, F] = [20, 3];
/** Until witnesses have told each other of their logs as they then do. */
const SETTLED_EPOCHS = 120;
const EPOCHS = 120;
const QUICK_EPOCHS = 30;
const APART_MS = 7_000;
const DISK_MB = 256;
const DAY_EPOCHS = 86_400 / EPOCH_S;
const SAVES = 30;
const QUICK_SAVES = 6;
/** Each quarter of an hour, and when each of a dozen sessions begins and ends. */
const DAY_SAVES = 96 + 2 * 12;

type Stored = Extract<Effect, { kind: "append" | "checkpoint" | "cosigned" }>;

/** What the first agent of the zone has to store, by epoch. */
function storedBy(epochs: number): readonly (readonly Stored[])[] {
  const zone = new ZoneCores(AGENTS, F, { witnesses: true });
  zone.pass(SETTLED_EPOCHS);
  let now: Stored[] = [];
  zone.watch = ({ index }, effects) => {
    if (index !== 0) return;
    for (const effect of effects) {
      if (effect.kind === "append" || effect.kind === "checkpoint" || effect.kind === "cosigned") now.push(effect);
    }
  };
  return Array.from({ length: epochs }, () => {
    now = [];
    zone.pass(1);
    return now;
  });
}

/** Nearly all of the first stretch that is laid out, so that the next entry asks for the second. */
const FILLER = [...Array<number>(4).fill(60_000), LAID_OUT_BYTES - 240_100].map((length) =>
  new Uint8Array(length).fill(1));

const bytesIn = (effects: readonly Stored[]): number => effects.reduce((sum, effect) =>
  sum + (effect.kind === "append" ? encodeBatch(crypto, effect.entries).length : 0), 0);

function carryOut({ store }: OpenedLedger, effect: Stored): void {
  if (effect.kind === "append") store.append(effect.entries);
  if (effect.kind === "checkpoint") store.writeCheckpoint(effect.note);
  if (effect.kind === "cosigned") store.writeCosigned(effect.note);
}

/** What an agent of a fast charger knows after four weeks. */
function learned(): Memory {
  const station = "CP-001" as StationId;
  const replay = new Replay({ crypto, signer: signerFromSeed(new Uint8Array(32)), epochS: 60 }, () => undefined);
  const { items } = honestCapture({
    station, ocppVersion: "2.0.1", seed: 7, from: Date.UTC(2026, 1, 1) as WallMs, days: 28, evses: 2,
    profile: PROFILES["public-rapid"], meterEveryS: 60,
  });
  for (const { stream, line } of items) {
    const read = stream === "ocpp" ? parseTraceLine(line) : parseMeterLine(line);
    if (read.ok) replay.take(read);
  }
  return replay.memoryOf(station)!;
}

/** An ext4 file system of its own, with a log on it. */
class Disk {
  readonly name: string;
  readonly #image: string;
  readonly #mounted: string;
  readonly #block: number;
  readonly #options: string;
  #device = "";
  #log: OpenedLedger | undefined;
  #memory: MemoryFile | undefined;

  constructor(folder: string, block: number, options: string) {
    this.name = `blocks of ${block}, ${options}`;
    this.#image = join(folder, `${block}-${options}.img`);
    this.#mounted = join(folder, `${block}-${options}`);
    this.#block = block;
    this.#options = options;
  }

  async begin(): Promise<void> {
    mkdirSync(this.#mounted);
    // Not lazily: the kernel would go on writing tables of inodes meanwhile.
    const whole = "lazy_itable_init=0,lazy_journal_init=0";
    await run("mke2fs", ["-q", "-t", "ext4", "-b", `${this.#block}`, "-E", whole, this.#image, `${DISK_MB}M`]);
    this.#device = (await run("losetup", ["--find", "--show", this.#image])).trim();
    await run("mount", ["-o", this.#options, this.#device, this.#mounted]);
    this.#log = openLedger(join(this.#mounted, "state"), crypto);
    this.#log.store.writeCheckpoint("laid out");
    this.#log.store.writeCosigned("laid out");
    this.#log.store.append(FILLER);
    this.#memory = new MemoryFile(join(this.#mounted, "state"), crypto);
  }

  store(effect: Stored): void {
    carryOut(this.#log!, effect);
  }

  save(memory: Memory, isWhole: boolean): void {
    if (isWhole) this.#memory!.saveWhole(memory);
    else this.#memory!.save(memory);
  }

  writtenBytes(): number {
    return writtenBytesOf(readFileSync(`/sys/block/${basename(this.#device)}/stat`, "utf8"));
  }

  async end(): Promise<void> {
    this.#log?.store.close();
    if (this.#log !== undefined) await run("umount", [this.#mounted]);
    if (this.#device !== "") await run("losetup", ["--detach", this.#device]);
  }
}

interface Row {
  readonly name: string;
  readonly bytesAnEpoch: number;
  /** Of these, the share of what laying out room takes. */
  readonly layingOut: number;
  readonly mbADay: number;
  /** What was learned, saved once: in its place as it is, and by another name. */
  readonly bytesASave: number;
  readonly bytesASaveWhole: number;
  /** The log, and what was learned. */
  readonly allMbADay: number;
}

type LogRow = Omit<Row, "bytesASave" | "bytesASaveWhole" | "allMbADay">;

async function measureLog(disks: readonly Disk[], epochs: number): Promise<readonly LogRow[]> {
  const stored = storedBy(epochs + 1);
  for (const disk of disks) await disk.begin();
  await pause(APART_MS);
  const counts: (readonly number[])[] = [disks.map((disk) => disk.writtenBytes())];
  for (const effects of stored) {
    for (const disk of disks) for (const effect of effects) disk.store(effect);
    await pause(APART_MS);
    counts.push(disks.map((disk) => disk.writtenBytes()));
  }
  const later = stored.slice(1);
  const bytes = later.reduce((sum, effects) => sum + bytesIn(effects), 0) / epochs;
  const writes = later.flat().length / epochs;
  console.log(`${epochs} epochs of one of ${AGENTS} agents at rest: ${writes.toFixed(2)} durable writes an epoch, `
    + `${bytes.toFixed(0)} bytes of the log`);
  return disks.map(({ name }, index) => {
    const [start, first, end] = [counts[0]!, counts[1]!, counts.at(-1)!].map((count) => count[index]!);
    const layingOut = (first! - start!) * bytes / LAID_OUT_BYTES;
    const bytesAnEpoch = (end! - first!) / epochs + layingOut;
    return { name, bytesAnEpoch, layingOut, mbADay: bytesAnEpoch * DAY_EPOCHS / 1e6 };
  });
}

/** Bytes that one save took on each of the disks. */
async function measureSaves(
  disks: readonly Disk[], memory: Memory, saves: number, isWhole: boolean,
): Promise<readonly number[]> {
  const save = async (n: number): Promise<void> => {
    for (const disk of disks) disk.save({ ...memory, savedAt: memory.savedAt + n as WallMs }, isWhole);
    await pause(APART_MS);
  };
  for (const n of [-2, -1]) await save(n); // the first whole, the second lays the slots out
  const before = disks.map((disk) => disk.writtenBytes());
  for (let n = 0; n < saves; n++) await save(n);
  return disks.map((disk, index) => (disk.writtenBytes() - before[index]!) / saves);
}

async function measure(disks: readonly Disk[], epochs: number, saves: number): Promise<readonly Row[]> {
  const rows = await measureLog(disks, epochs);
  const memory = learned();
  const inPlace = await measureSaves(disks, memory, saves, false);
  const whole = await measureSaves(disks, memory, saves, true);
  console.log(`${encodeMemory(memory, crypto).length} bytes of what was learned, ${saves} saves`);
  return rows.map((row, index) => {
    const [bytesASave, bytesASaveWhole] = [inPlace[index]!, whole[index]!];
    const savesMb = ((DAY_SAVES - 1) * bytesASave + bytesASaveWhole) / 1e6;
    return { ...row, bytesASave, bytesASaveWhole, allMbADay: row.mbADay + savesMb };
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "string" }, quick: { type: "boolean" } } });
  needTools({ mke2fs: "e2fsprogs", losetup: "mount", mount: "mount" });
  if (process.getuid?.() !== 0) throw new MissingTool("only root may mount what is written to: run it with sudo");
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-writes-"));
  const disks = [4_096, 1_024].flatMap((block) =>
    ["relatime", "commit=300"].map((how) => new Disk(folder, block, how)));
  try {
    const rows = values.quick === true ? await measure(disks, QUICK_EPOCHS, QUICK_SAVES)
      : await measure(disks, EPOCHS, SAVES);
    for (const { name, mbADay, bytesAnEpoch, layingOut, bytesASave, bytesASaveWhole, allMbADay } of rows) {
      console.log(`  ${name.padEnd(25)} log ${mbADay.toFixed(1).padStart(6)} MB a day; ${bytesAnEpoch.toFixed(0)} `
        + `bytes an epoch, of them ${layingOut.toFixed(0)} to lay out room`);
      console.log(`  ${"".padEnd(25)} all ${allMbADay.toFixed(1).padStart(6)} MB a day; ${bytesASave.toFixed(0)} bytes `
        + `to save what was learned, ${bytesASaveWhole.toFixed(0)} by another name `
        + `(${(DAY_SAVES * bytesASaveWhole / 1e6).toFixed(1)} MB a day)`);
    }
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ rows })}\n`);
  } finally {
    for (const disk of disks) await disk.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main().catch((error: unknown) => {
  if (!(error instanceof MissingTool)) throw error;
  console.error(error.message);
  process.exitCode = 1;
});
