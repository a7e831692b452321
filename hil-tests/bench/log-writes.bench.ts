/**
 * `npm run bench log-writes [-- --quick]`: what a member's log writes to flash in a day, by the device's own count.
 * What one of twenty agents at rest makes durable in each epoch is written to ext4 on loop devices, with blocks of 4 KB
 * and of 1 KB, mounted as usual and with `commit=300`; seven seconds from one epoch to the next, so that, as with ten,
 * none shares the journal's commit of another. What laying out room takes is counted once, and added by its share. As
 * root; a quarter of an hour, with --quick four minutes.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { MissingTool, needTools, run } from "../../build/package/tools.ts";
import { LAID_OUT_BYTES, openLedger, type OpenedLedger } from "../../edge-agent/adapters/ledger-file.ts";
import type { Effect } from "../../edge-agent/ports.ts";
import { encodeBatch } from "../../edge-agent/record/segment.ts";
import { crypto, EPOCH_S, ZoneCores } from "../../edge-agent/zone-cores.testing.ts";
import { writtenBytesOf } from "../rig/board-reading.ts";

const [AGENTS, F] = [20, 3];
/** Until witnesses have told each other of their logs as they then do. */
const SETTLED_EPOCHS = 120;
const EPOCHS = 120;
const QUICK_EPOCHS = 30;
const APART_MS = 7_000;
const DISK_MB = 256;
const DAY_EPOCHS = 86_400 / EPOCH_S;

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

/** An ext4 file system of its own, with a log on it. */
class Disk {
  readonly name: string;
  readonly #image: string;
  readonly #mounted: string;
  readonly #block: number;
  readonly #options: string;
  #device = "";
  #log: OpenedLedger | undefined;

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
  }

  store(effect: Stored): void {
    carryOut(this.#log!, effect);
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
}

async function measure(disks: readonly Disk[], epochs: number): Promise<readonly Row[]> {
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

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "string" }, quick: { type: "boolean" } } });
  needTools({ mke2fs: "e2fsprogs", losetup: "mount", mount: "mount" });
  if (process.getuid?.() !== 0) throw new MissingTool("only root may mount what is written to: run it with sudo");
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-writes-"));
  const disks = [4_096, 1_024].flatMap((block) =>
    ["relatime", "commit=300"].map((how) => new Disk(folder, block, how)));
  try {
    const rows = await measure(disks, values.quick === true ? QUICK_EPOCHS : EPOCHS);
    for (const { name, mbADay, bytesAnEpoch, layingOut } of rows) {
      console.log(`  ${name.padEnd(26)} ${mbADay.toFixed(1).padStart(6)} MB a day; ${bytesAnEpoch.toFixed(0)} bytes an `
        + `epoch, of them ${layingOut.toFixed(0)} to lay out room`);
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
