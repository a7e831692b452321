/** The board from a card: UEFI's firmware finds the boot loader on it, and the configuration lies beside the kernel. */
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasTool } from "../../build/package/tools.ts";
import { type Check, outcomeOf, type Outcome } from "../bench/acts/act.ts";
import { chargeOnce } from "./board-acts.ts";
import { type Bench, configOf } from "./board-bench.ts";

/** Debian's build of UEFI for QEMU's board (package qemu-efi-aarch64). */
export const FIRMWARE = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd";
/** Where the card's first partition begins. */
const FIRST = "1M";

/** Why no card can be booted here, on one line; undefined when it can. */
export function noCard(card: string | undefined): string | undefined {
  if (card === undefined) return "no card was made: apt-get install dosfstools mtools";
  if (!existsSync(FIRMWARE)) return "no firmware: apt-get install qemu-efi-aarch64";
  return hasTool("mcopy") ? undefined : "no mcopy: apt-get install mtools";
}

async function boots(bench: Bench, card: string): Promise<Check[]> {
  const upS = await bench.power({ boot: { firmware: FIRMWARE }, disk: card });
  const log = await bench.log();
  const { saw, ok } = await chargeOnce(bench);
  return [
    { saw: `chargers can connect ${upS.toFixed(0)} s after power-on; ${saw}`, ok },
    { saw: log === undefined ? "the log is not whole" : `log of ${log.size} entries`, ok: log !== undefined },
  ];
}

export async function playCard(bench: Bench, card: string): Promise<Outcome> {
  const config = join(bench.options.folder, "kerbwatch.yaml");
  writeFileSync(config, configOf("alone", bench.options, bench));
  execFileSync("mcopy", ["-o", "-i", `${card}@@${FIRST}`, config, "::kerbwatch.yaml"], { stdio: "pipe" });
  const first = await boots(bench, card);
  const before = await bench.log();
  const second = await boots(bench, card);
  const kept = (await bench.log())?.size ?? 0;
  await bench.off();
  return outcomeOf([...first, ...second,
    { saw: `${kept} entries after the power was cut`, ok: kept >= (before?.size ?? Infinity) }]);
}
