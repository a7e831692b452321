/** What the packages for Debian are called and hold (Debian Policy 4.6.2, chapter 5 and section 10.1). */
import { type Arch, NODES } from "../nodes.ts";

/** Where things lie, relative to the root. */
export const PATHS = {
  program: "usr/lib/kerbwatch/kerbwatch.cjs",
  node: "usr/lib/kerbwatch/node",
  command: "usr/bin/kerbwatch",
  documents: "usr/share/doc/kerbwatch",
  manual: "usr/share/man",
  completions: {
    bash: "usr/share/bash-completion/completions/kerbwatch",
    zsh: "usr/share/zsh/vendor-completions/_kerbwatch",
    fish: "usr/share/fish/vendor_completions.d/kerbwatch.fish",
  },
} as const;

/** Files of this folder: name here, path there, mode. */
export const FILES: readonly (readonly [string, string, number])[] = [
  ["kerbwatch.service", "usr/lib/systemd/system/kerbwatch.service", 0o644],
  ["kerbwatch.socket", "usr/lib/systemd/system/kerbwatch.socket", 0o644],
  ["kerbwatch.sysusers", "usr/lib/sysusers.d/kerbwatch.conf", 0o644],
  ["kerbwatch.tmpfiles", "usr/lib/tmpfiles.d/kerbwatch.conf", 0o644],
  ["kerbwatch.yaml", `${PATHS.documents}/examples/kerbwatch.yaml`, 0o644],
  ["README.md", `${PATHS.documents}/README.md`, 0o644],
  ["postinst", "DEBIAN/postinst", 0o755],
  ["prerm", "DEBIAN/prerm", 0o755],
  ["postrm", "DEBIAN/postrm", 0o755],
];

/** Empty folders, with their modes: the secrets' is root's alone. */
export const FOLDERS: readonly (readonly [string, number])[] = [
  ["etc/kerbwatch", 0o755], ["etc/kerbwatch/credentials", 0o700],
];

/** Whether the package brings a Node of its own. */
export const bringsNode = (arch: Arch): boolean => NODES[arch].onlyForTests === undefined;

/** Node 24 wants glibc 2.28 and libstdc++ of GCC 8 (its BUILDING.md). */
const depends = (arch: Arch): string =>
  bringsNode(arch) ? "libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 8)" : "nodejs (>= 20)";

export interface Control {
  readonly arch: Arch;
  readonly version: string;
  /** `Name <address>`. */
  readonly maintainer: string;
  /** Of all that is installed. */
  readonly kilobytes: number;
}

export function controlText({ arch, version, maintainer, kilobytes }: Control): string {
  return `Package: kerbwatch
Version: ${version}
Architecture: ${arch}
Maintainer: ${maintainer}
Installed-Size: ${kilobytes}
Depends: ${depends(arch)}
Recommends: systemd
Section: net
Priority: optional
Description: neighbourhood watch for EV chargers
 One small program on every charging station, in line between the charger and
 its operator's system (CSMS). It passes every byte of OCPP untouched, watches
 the traffic and the electricity meter, learns what is normal, and notices,
 explains and records what is not.
 .
 Agents of one street compare signed statements and agree, without a server,
 whether one charger is broken or the street is under attack.
`;
}
