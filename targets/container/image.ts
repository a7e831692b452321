/** What the container image holds beside Node and the program. */
import type { Arch } from "../nodes.ts";

/** Paths relative to the root. */
export const CONTAINER = {
  node: "usr/lib/kerbwatch/node",
  program: "usr/lib/kerbwatch/kerbwatch.cjs",
  /** Nobody else's on the usual systems, and no name is needed for it. */
  user: "65532:65532",
} as const;

/** What Node's program asks for (`readelf -d`), and what glibc loads by itself to look names up. */
const NEEDED = [
  "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "libstdc++.so.6", "libgcc_s.so.1", "libresolv.so.2",
  "libnss_dns.so.2", "libnss_files.so.2",
];

export const LIBRARIES: Readonly<Partial<Record<Arch, readonly string[]>>> = { arm64: NEEDED, amd64: NEEDED };

/** Path and content. The folder of state belongs to whoever mounts it. */
export const containerFiles = (): readonly (readonly [string, string])[] => [
  ["etc/passwd", "root:x:0:0:root:/:/nologin\nkerbwatch:x:65532:65532:kerbwatch:/var/lib/kerbwatch:/nologin\n"],
  ["etc/group", "root:x:0:\nkerbwatch:x:65532:\n"],
  ["etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"],
];
