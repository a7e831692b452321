/**
 * The board's image as one that can be written to a card or a disk: a boot loader for UEFI (systemd-boot, of Debian),
 * kernel and file system on a partition that any computer can read, and one for what lasts. No root needed.
 */
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { statSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { CARD, CARD_FILES } from "../../targets/qemu-virt-arm64/card.ts";
import { repoRoot } from "../paths.ts";
import type { BoardImage } from "./board.ts";
import { unpackDebian } from "./debian-archive.ts";
import type { Release } from "./release.ts";
import { cached, once } from "./runtime.ts";
import { needTools, run, type Say, step } from "./tools.ts";

const SECTOR = 512;
const MB = 1024 * 1024;

/** The package of the boot loader, unpacked. */
async function loader(say: Say): Promise<string> {
  const folder = cached("boot-arm64");
  if (!existsSync(folder)) {
    await step("fetching Debian's boot loader for arm64", say, () => once(folder, async (aside) =>
      void await unpackDebian("arm64", { packages: [CARD.loaderPackage] }, aside, say)));
  }
  return join(folder, "root", CARD.loader);
}

export interface Partition {
  readonly firstMb: number;
  readonly mb: number;
  /** As UEFI 2.10, section 5.2.1 and others know it: 0xef is what firmware boots from, 0x83 is Linux's. */
  readonly type: number;
}

/** A table of partitions in the old form, which UEFI reads as well (UEFI 2.10, section 5.2). */
export function bootRecord(partitions: readonly Partition[], signature: number): Uint8Array {
  const record = Buffer.alloc(SECTOR);
  record.writeUInt32LE(signature, 440);
  partitions.forEach(({ firstMb, mb, type }, i) => {
    const at = 446 + 16 * i;
    // Cylinders, heads and sectors are not used: "beyond what they can say".
    record.set([0, 0xfe, 0xff, 0xff, type, 0xfe, 0xff, 0xff], at);
    record.writeUInt32LE(firstMb * MB / SECTOR, at + 8);
    record.writeUInt32LE(mb * MB / SECTOR, at + 12);
  });
  record.writeUInt16LE(0xaa55, 510);
  return record;
}

/** The partition that firmware reads. */
async function makeBoot(image: BoardImage, boot: string, work: string, epochS: number): Promise<string> {
  const out = join(work, "boot.img");
  const env = { SOURCE_DATE_EPOCH: String(epochS), TZ: "UTC", MTOOLS_SKIP_CHECK: "1" };
  const size = String(CARD.bootMb * 1024);
  await run("mkfs.vfat", ["--invariant", "-n", "KERBWATCH", "-F", "32", "-C", out, size], { env });
  const files: readonly (readonly [string, string])[] = [
    [boot, "EFI/BOOT/BOOTAA64.EFI"], [image.kernel, "vmlinuz"], [image.initramfs, "initramfs.cpio.gz"],
    ...CARD_FILES.map(([name, path]) => [join(repoRoot, name), path] as const),
  ];
  const folders = [...new Set(files.flatMap(([, path]) => {
    const parts = dirname(path).split("/").filter((one) => one !== ".");
    return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
  }))];
  for (const folder of folders) await run("mmd", ["-i", out, `::${folder}`], { env });
  for (const [from, path] of files) await run("mcopy", ["-i", out, from, `::${path}`], { env });
  return out;
}

/** The partition for what lasts. */
async function makeState(work: string, epochS: number): Promise<string> {
  const out = join(work, "state.img");
  const env = { SOURCE_DATE_EPOCH: String(epochS), E2FSPROGS_FAKE_TIME: String(epochS) };
  const same = ["-U", CARD.stateUuid, "-E", `hash_seed=${CARD.stateUuid},lazy_itable_init=0,root_owner=0:0`];
  // Blocks of 1 KB: a statement that is made durable costs one or two (gossip/SCALE.md).
  await run("mke2fs", ["-q", "-t", "ext4", "-b", "1024", "-L", "kerbwatch", ...same, out, `${CARD.stateMb}M`], { env });
  return out;
}

/** Gives the image's path: `dd if=FILE of=/dev/sdX bs=4M` writes it. */
export async function makeCard(image: BoardImage, { say, epochS }: Release, outDir: string): Promise<string> {
  needTools({ "mkfs.vfat": "dosfstools", mcopy: "mtools", mke2fs: "e2fsprogs" });
  const boot = await loader(say);
  const work = mkdtempSync(join(tmpdir(), "kerbwatch-card-"));
  mkdirSync(outDir, { recursive: true });
  const out = join(outDir, "card.img");
  try {
    await step("making the card", say, async () => {
      const parts = [[await makeBoot(image, boot, work, epochS), 0xef], [await makeState(work, epochS), 0x83]] as const;
      let atMb = 1;
      const table: Partition[] = [];
      writeFileSync(out, "");
      const fd = openSync(out, "r+");
      try {
        for (const [path, type] of parts) {
          const mb = statSync(path).size / MB;
          writeSync(fd, readFileSync(path), 0, mb * MB, atMb * MB);
          table.push({ firstMb: atMb, mb, type });
          atMb += mb;
        }
        writeSync(fd, bootRecord(table, CARD.signature), 0, SECTOR, 0);
      } finally {
        closeSync(fd);
      }
    });
    return out;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
