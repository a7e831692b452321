/**
 * `npm run hil board-ssh`: the QEMU board as if it were a real one. An SSH server is laid over the image in a second
 * archive that the shipped image does not have; all else is a board file, whose power is two commands.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { makeBoard } from "../../../build/package/board.ts";
import { cpioOf } from "../../../build/package/cpio.ts";
import { unpackDebian } from "../../../build/package/debian-archive.ts";
import { makeRelease } from "../../../build/package/release.ts";
import { cached, once } from "../../../build/package/runtime.ts";
import { needTools, type Say, step } from "../../../build/package/tools.ts";
import { repoRoot } from "../../../build/paths.ts";
import { freePort } from "../../bench/street-ports.ts";
import { BROKER_PORT } from "../board-machine.ts";
import { OUTSIDE, privateNet } from "../private-net.ts";
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
  readonly broker: number;
}

/** The board file, with all that is this board's own in it. */
function boardFile(folder: string, initramfs: string, kernel: string, ports: Ports, together: boolean): string {
  const { ssh, charger, meter, broker } = ports;
  const quoted = (path: string): string => `'${path}'`;
  const forwarded = ([[ssh, 22], [charger, 9000], [broker, BROKER_PORT]] as const).map(([here, there]) =>
    `hostfwd=tcp:127.0.0.1:${here}-:${there}`);
  const pid = join(folder, "qemu.pid");
  const qemu = ["qemu-system-aarch64 -M virt -cpu cortex-a72 -m 1024 -display none -monitor none",
    `-serial file:${join(folder, "console.txt")} -daemonize -pidfile ${quoted(pid)} -no-reboot`,
    `-kernel ${quoted(kernel)} -initrd ${quoted(initramfs)}`,
    "-append 'console=ttyAMA0 quiet panic=1 rdinit=/init'",
    `-drive file=${join(folder, "disk.img")},if=virtio,format=raw,cache=writeback`,
    `-netdev user,id=n,${forwarded.join(",")}`,
    "-device virtio-net-pci,netdev=n,romfile="].join(" ");
  return JSON.stringify({
    version: 1, name: "qemu-over-ssh", upWithinS: 600, outside: OUTSIDE, bind: together ? "0.0.0.0" : "127.0.0.1",
    reach: { kind: "ssh", host: "127.0.0.1", port: ssh, user: "root", options: [
      `IdentityFile=${join(folder, "key")}`, `UserKnownHostsFile=${join(folder, "known_hosts")}`,
      "StrictHostKeyChecking=accept-new", "IdentitiesOnly=yes", "LogLevel=ERROR",
      // One connection for all commands: each handshake takes the emulation a second.
      "ControlMaster=auto", `ControlPath=${join(folder, "line")}`, "ControlPersist=60",
    ] },
    power: { off: `kill -9 $(cat ${quoted(pid)}); rm -f ${quoted(pid)}`, on: qemu },
    charger: { host: "127.0.0.1", port: charger, boardPort: 9000 },
    agent: {
      config: "/var/lib/kerbwatch/kerbwatch.yaml", state: "/var/lib/kerbwatch/state", restart: "kill $(pidof node)",
      kill: "kill -9 $(pidof node)",
    },
    meter: { port: meter },
    ...(together && { street: { station: "N-1", port: broker, boardPort: BROKER_PORT, speed: "emulated" } }),
  }, undefined, 1);
}

/** What is handed over into the network of its own, as JSON in the environment. */
interface Orders {
  readonly file: string;
  readonly options: RealOptions;
}
export const QEMU_ORDERS_VARIABLE = "KERBWATCH_BOARD_SSH";

/** Image, keys and disk, in `folder`; the path of the board file. */
async function lay(folder: string, together: boolean, say: Say): Promise<string> {
  const { kernel, initramfs } = await makeBoard(await makeRelease(say), folder);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", join(folder, "key")]);
  const both = join(folder, "both.cpio.gz");
  const over = await overlay(folder, readFileSync(join(folder, "key.pub"), "utf8"), say);
  writeFileSync(both, Buffer.concat([readFileSync(initramfs), over]));
  const ports = {
    ssh: await freePort(), charger: await freePort(), meter: await freePort(), broker: await freePort(),
  };
  const text = boardFile(folder, both, kernel, ports, together);
  writeFileSync(join(folder, "board.yaml"), text);
  mkdirSync(join(folder, "disk"));
  // As it was found: its CSMS is not there.
  writeFileSync(join(folder, "disk/kerbwatch.yaml"), benchConfig(parseBoardFile(text), 1));
  execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", join(folder, "disk"), join(folder, "disk.img"), DISK_MB]);
  return join(folder, "board.yaml");
}

async function playInside({ file: path, options }: Orders): Promise<number> {
  const file = parseBoardFile(readFileSync(path, "utf8"));
  execFileSync("sh", ["-c", file.power!.on], { stdio: "inherit" });
  return await playReal(file, options);
}

/**
 * Gives the exit code. The board and the street's other agents must have the same addresses for each other: where no
 * network of its own can be had, the street is left out. @throws MissingTool when QEMU, mke2fs or OpenSSH is not here
 */
export async function playQemuOverSsh(options: RealOptions): Promise<number> {
  needTools({ "qemu-system-aarch64": "qemu-system-arm", mke2fs: "e2fsprogs", "ssh-keygen": "openssh-client" });
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-board-ssh-"));
  const say: Say = (line) => console.log(line);
  const { prefix, instead } = privateNet();
  if (instead !== undefined) say(`no street: ${instead}`);
  try {
    const { xml, json } = options;
    const orders: Orders = { file: await lay(folder, instead === undefined, say), options: {
      ...options, ...(xml !== undefined && { xml: resolve(xml) }), ...(json !== undefined && { json: resolve(json) }),
    } };
    const own = ["build/run.mjs", "hil-tests/rig/real/qemu-board.ts"].map((path) => join(repoRoot, path));
    const [program = process.execPath, ...args] = [...prefix, process.execPath, ...own];
    const env = { ...process.env, [QEMU_ORDERS_VARIABLE]: JSON.stringify(orders) };
    const child = spawn(program, args, { stdio: "inherit", cwd: repoRoot, env });
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
    return await new Promise<number>((done) => child.on("close", (code) => done(code ?? 1)));
  } finally {
    spawnSync("sh", ["-c", `kill -9 $(cat '${join(folder, "qemu.pid")}')`], { stdio: "ignore" });
    if (options.keep) say(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

const given = process.env[QEMU_ORDERS_VARIABLE];
delete process.env[QEMU_ORDERS_VARIABLE];
if (given !== undefined) {
  process.exit(await playInside(JSON.parse(given) as Orders).catch((error: Error) => {
    console.error(`hil: ${error.message}`);
    return 1;
  }));
}
