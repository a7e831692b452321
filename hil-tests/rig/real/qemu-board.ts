/**
 * `npm run hil board-ssh`: the QEMU board as if it were a real one. An SSH server is laid over the image in a second
 * archive that the shipped image does not have; all else is a board file, whose power is two commands.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { makeBoard } from "../../../build/package/board.ts";
import { cpioOf } from "../../../build/package/cpio.ts";
import { unpackDebian } from "../../../build/package/debian-archive.ts";
import { makeRelease } from "../../../build/package/release.ts";
import { cached, once } from "../../../build/package/runtime.ts";
import { needTools, type Say, step } from "../../../build/package/tools.ts";
import { repoRoot } from "../../../build/paths.ts";
import { freePort } from "../../bench/street-ports.ts";
import { OUTSIDE } from "../private-net.ts";
import { parseBoardFile } from "./board-file.ts";
import { benchConfig } from "./board-steps.ts";
import { playReal, type RealOptions } from "./play-board.ts";

const SERVER_PACKAGES = ["dropbear-bin", "libtomcrypt1", "libtommath1", "libgmp10", "libcrypt1", "zlib1g"];
const LIBRARY = /^lib(tomcrypt|tommath|gmp|crypt|z)\.so\.\d+/;
const LIBRARIES = "usr/lib/aarch64-linux-gnu";
const DISK_MB = "64M";
/** Its host key is made once and lasts, as a real board's does: a client refuses a board that shows another. */
const SERVER = `#!/bin/sh
mkdir -p /var/lib/kerbwatch/ssh
[ -e /etc/dropbear ] || ln -s /var/lib/kerbwatch/ssh /etc/dropbear
export LD_LIBRARY_PATH=/ssh
exec /bin/dropbear -F -E -R -s -p 22
`;

async function serverRoot(say: Say): Promise<string> {
  const folder = cached("ssh-server-arm64");
  if (!existsSync(folder)) {
    await step("fetching an SSH server for arm64", say, () =>
      once(folder, async (aside) => void await unpackDebian("arm64", { packages: SERVER_PACKAGES }, aside, say)));
  }
  return join(folder, "root");
}

/** The archive that is laid over the image: the server, its libraries, and whose key it lets in. */
async function overlay(folder: string, publicKey: string, say: Say): Promise<Buffer> {
  const [from, root] = [await serverRoot(say), join(folder, "overlay")];
  const put = (path: string, content: string | Uint8Array, mode: number): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  };
  put("bin/dropbear", readFileSync(join(from, "usr/sbin/dropbear")), 0o755);
  for (const name of readdirSync(join(from, LIBRARIES)).filter((one) => LIBRARY.test(one))) {
    put(`ssh/${name}`, readFileSync(join(from, LIBRARIES, name)), 0o644); // through links: each name a file
  }
  put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
    + "kerbwatch:x:65532:65532:kerbwatch:/var/lib/kerbwatch:/nologin\n", 0o644);
  put("root/.ssh/authorized_keys", publicKey, 0o600);
  for (const path of ["root/.ssh", "root"]) chmodSync(join(root, path), 0o700);
  put("bin/ssh-server", SERVER, 0o755);
  const inittab = readFileSync(join(repoRoot, "targets/qemu-virt-arm64/inittab"), "utf8");
  put("etc/inittab", `${inittab}::respawn:/bin/ssh-server\n`, 0o644);
  return gzipSync(cpioOf(root, 0), { level: 1 });
}

interface Ports {
  readonly ssh: number;
  readonly charger: number;
  readonly meter: number;
}

/** The board file, with all that is this board's own in it. */
function boardFile(folder: string, initramfs: string, kernel: string, { ssh, charger, meter }: Ports): string {
  const quoted = (path: string): string => `'${path}'`;
  const pid = join(folder, "qemu.pid");
  const qemu = ["qemu-system-aarch64 -M virt -cpu cortex-a72 -m 1024 -display none -monitor none",
    `-serial file:${join(folder, "console.txt")} -daemonize -pidfile ${quoted(pid)} -no-reboot`,
    `-kernel ${quoted(kernel)} -initrd ${quoted(initramfs)}`,
    "-append 'console=ttyAMA0 quiet panic=1 rdinit=/init'",
    `-drive file=${join(folder, "disk.img")},if=virtio,format=raw,cache=writeback`,
    `-netdev user,id=n,hostfwd=tcp:127.0.0.1:${ssh}-:22,hostfwd=tcp:127.0.0.1:${charger}-:9000`,
    "-device virtio-net-pci,netdev=n,romfile="].join(" ");
  return JSON.stringify({
    version: 1, name: "qemu-over-ssh", upWithinS: 600, outside: OUTSIDE, bind: "127.0.0.1",
    reach: { kind: "ssh", host: "127.0.0.1", port: ssh, user: "root", options: [
      `IdentityFile=${join(folder, "key")}`, `UserKnownHostsFile=${join(folder, "known_hosts")}`,
      "StrictHostKeyChecking=accept-new", "IdentitiesOnly=yes", "LogLevel=ERROR",
    ] },
    power: { off: `kill -9 $(cat ${quoted(pid)}); rm -f ${quoted(pid)}`, on: qemu },
    charger: { host: "127.0.0.1", port: charger, boardPort: 9000 },
    agent: {
      config: "/var/lib/kerbwatch/kerbwatch.yaml", state: "/var/lib/kerbwatch/state", restart: "kill $(pidof node)",
      kill: "kill -9 $(pidof node)",
    },
    meter: { port: meter },
  }, undefined, 1);
}

/** Gives the exit code. @throws MissingTool when QEMU, mke2fs or OpenSSH's client is not here */
export async function playQemuOverSsh(options: RealOptions): Promise<number> {
  needTools({ "qemu-system-aarch64": "qemu-system-arm", mke2fs: "e2fsprogs", "ssh-keygen": "openssh-client" });
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-board-ssh-"));
  const say: Say = (line) => console.log(line);
  try {
    const { kernel, initramfs } = await makeBoard(await makeRelease(say), folder);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", join(folder, "key")]);
    const both = join(folder, "both.cpio.gz");
    const over = await overlay(folder, readFileSync(join(folder, "key.pub"), "utf8"), say);
    writeFileSync(both, Buffer.concat([readFileSync(initramfs), over]));
    const ports = { ssh: await freePort(), charger: await freePort(), meter: await freePort() };
    const text = boardFile(folder, both, kernel, ports);
    writeFileSync(join(folder, "board.yaml"), text);
    const file = parseBoardFile(text);
    mkdirSync(join(folder, "disk"));
    writeFileSync(join(folder, "disk/kerbwatch.yaml"), benchConfig(file, 1)); // as it was found: its CSMS is not there
    execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", join(folder, "disk"), join(folder, "disk.img"), DISK_MB]);
    execFileSync("sh", ["-c", file.power!.on], { stdio: "inherit" });
    return await playReal(file, options);
  } finally {
    spawnSync("sh", ["-c", `kill -9 $(cat '${join(folder, "qemu.pid")}')`], { stdio: "ignore" });
    if (options.keep) say(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}
