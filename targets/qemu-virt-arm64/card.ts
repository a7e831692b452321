/** What the card of the bench's board is made of. */

export const CARD = {
  /** Debian's package of the boot loader for UEFI, and where it lies in it. */
  loaderPackage: "systemd-boot-efi",
  loader: "usr/lib/systemd/boot/efi/systemd-bootaa64.efi",
  bootMb: 128,
  stateMb: 64,
  /** Fixed, so that two builds give the same bits. */
  stateUuid: "6b657262-7761-7463-6800-000000000001",
  signature: 0x4b57_0001,
} as const;

/** Files of the repository, and their paths on the partition that firmware reads. */
export const CARD_FILES: readonly (readonly [string, string])[] = [
  ["targets/qemu-virt-arm64/loader.conf", "loader/loader.conf"],
  ["targets/qemu-virt-arm64/entry.conf", "loader/entries/kerbwatch.conf"],
  ["targets/qemu-virt-arm64/example.yaml", "example.yaml"],
];
