/** What the bench's board is made of. */

/** Debian's package whose dependency is the kernel of the day: built for virtual machines, with ext4 inside. */
export const KERNEL_PACKAGE = "linux-image-cloud-arm64";
export const KERNEL_NAME = /^linux-image-[0-9][0-9.]*-[0-9]+-cloud-arm64$/;

/** Drivers in the order in which they are loaded, relative to the kernel's own folder. */
export const MODULES: readonly string[] = [
  "drivers/virtio/virtio_ring.ko", "drivers/virtio/virtio.ko", "drivers/virtio/virtio_pci_modern_dev.ko",
  "drivers/virtio/virtio_pci_legacy_dev.ko", "drivers/virtio/virtio_pci.ko", "drivers/block/virtio_blk.ko",
  "net/core/failover.ko", "drivers/net/net_failover.ko", "drivers/net/virtio_net.ko",
];

/** Files of this folder: name here, path there, mode. */
export const BOARD_FILES: readonly (readonly [string, string, number])[] = [
  ["init", "init", 0o755], ["inittab", "etc/inittab", 0o644], ["agent", "bin/agent", 0o755],
];

/** Folders that the board mounts things on. */
export const BOARD_FOLDERS: readonly string[] = ["proc", "sys", "dev", "tmp", "var/lib/kerbwatch"];

/** Budget: the agent's resident memory, idle, against bare Node's on the same board. */
export const RESIDENT_TIMES_BARE = 1.5;
