/**
 * `npm run hil installed`: the package for Debian, unpacked into a root folder of its own with the libraries that it
 * depends on, and in it the README's five commands, from a bare board to a watching charger. What only a running
 * system has (apt, systemd as init) is done by dpkg-deb, systemd-sysusers, systemd-tmpfiles and the unit's own command.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { makeDeb } from "../../build/package/deb.ts";
import { unpackDebian } from "../../build/package/debian-archive.ts";
import { makeRelease } from "../../build/package/release.ts";
import { cached, once, runtimeOf } from "../../build/package/runtime.ts";
import { needTools, run } from "../../build/package/tools.ts";
import { repoRoot } from "../../build/paths.ts";
import type { Arch } from "../../targets/nodes.ts";
import { type Check, outcomeOf, type Outcome } from "../bench/acts/act.ts";
import { AgentProcess } from "../bench/agent-process.ts";
import { BenchCsms } from "../bench/csms.ts";
import { BenchStation } from "../bench/station.ts";
import { freePort } from "../bench/street-ports.ts";
import { fiveCommands, type Commands, unitCommand } from "./installed-commands.ts";
import type { Recorder } from "./recorder.ts";

const STATION = "CP-001";
const TOKEN = "04A1000001";
const SESSION_S = 5;

/** A folder with the program as the package lays it out, and a shell. */
class Root {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Unpacked as dpkg does, its user and folders made by what its postinst calls. */
  static async install(deb: string, arch: Arch, folder: string, say: (line: string) => void): Promise<Root> {
    const root = new Root(folder);
    const shell = cached(`shell-${arch}`);
    await once(shell, async (aside) =>
      void await unpackDebian(arch, { packages: ["busybox-static"] }, aside, say));
    const { sysroot } = await runtimeOf(arch, say);
    cpSync(sysroot, folder, { recursive: true, verbatimSymlinks: true });
    for (const path of ["proc", "dev", "tmp", "usr/bin", "etc", "var/lib", "var/log"]) {
      mkdirSync(root.at(path), { recursive: true });
    }
    const busybox = ["bin/busybox", "usr/bin/busybox"].map((path) => join(shell, "root", path)).find(existsSync)!;
    cpSync(busybox, root.at("usr/bin/busybox"), { dereference: true });
    if (!existsSync(root.at("bin"))) await run("ln", ["-s", "usr/bin", root.at("bin")]);
    for (const name of ["sh", "cp", "ls"]) await run("ln", ["-sf", "busybox", root.at(`usr/bin/${name}`)]);
    await run("dpkg-deb", ["-x", deb, folder]);
    await run("systemd-sysusers", [`--root=${folder}`, "kerbwatch.conf"]);
    await run("systemd-tmpfiles", [`--root=${folder}`, "--create", "kerbwatch.conf"]);
    return root;
  }

  at(path: string): string {
    return join(this.folder, path);
  }

  /** What runs `words` in it: as root, or as the agent's user. */
  command(user: "root" | "kerbwatch", words: readonly string[]): readonly [string, ...string[]] {
    const [, , uid = "0", gid = "0"] = user === "root" ? []
      : readFileSync(this.at("etc/passwd"), "utf8").split("\n").find((line) => line.startsWith(`${user}:`))!.split(":");
    const script = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && '
      + `exec chroot --userspec=${uid}:${gid} --groups= "$0" "$@"`;
    return ["unshare", "-m", "sh", "-c", script, this.folder, ...words];
  }

  run(user: "root" | "kerbwatch", words: readonly string[]): { readonly code: number; readonly out: string } {
    const [program, ...args] = this.command(user, words);
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", env });
    return { code: status ?? 1, out: `${stdout}${stderr}` };
  }
}

/** What an operator writes in the example's place. */
function edit(root: Root, path: string, csms: string, port: number): void {
  const text = readFileSync(root.at(path), "utf8").replace(/^csms: .*$/m, `csms: ${csms}`)
    .replace(/^# listen: .*$/m, `listen: ws://127.0.0.1:${port}`);
  writeFileSync(root.at(path), text);
}

const ended = (what: string, { code, out }: { readonly code: number; readonly out: string }): Check =>
  ({ saw: code === 0 ? what : `${what} ended with ${code}: ${out.trim().split("\n").at(-1)}`, ok: code === 0 });

/** A visit, through the agent that the unit's command started. */
async function charged(port: number, csms: BenchCsms): Promise<Check> {
  const station = new BenchStation({ id: STATION, ocppVersion: "1.6", url: `ws://127.0.0.1:${port}` });
  try {
    await station.connect();
    await station.boot();
    const { billedWh } = await station.session({ token: TOKEN, seconds: SESSION_S, powerW: 50_000 });
    const bills = csms.transactions.filter((one) => one.ended).length;
    return { saw: `${bills} bill of ${billedWh} Wh at the CSMS`, ok: bills === 1 && billedWh > 0 };
  } finally {
    await station.close();
  }
}

async function playCommands(root: Root, { copy, doctor, status }: Commands, logFile: string): Promise<Outcome> {
  const csms = await BenchCsms.listen({ tokens: [TOKEN] });
  const port = await freePort();
  const copied = root.run("root", copy);
  const [, from = "", to = ""] = copy;
  edit(root, to.endsWith("/") ? `${to}${basename(from)}` : to, csms.url, port);
  const looked = root.run("kerbwatch", doctor);
  const start = unitCommand(readFileSync(root.at("usr/lib/systemd/system/kerbwatch.service"), "utf8"));
  const [program, ...args] = root.command("kerbwatch", start);
  const agent = new AgentProcess(args, logFile, program);
  try {
    await agent.start();
    const bill = await charged(port, csms);
    const told = root.run("kerbwatch", status);
    const frames = /[1-9]\d* from the charger, [1-9]\d* from the CSMS/.test(told.out);
    return outcomeOf([
      ended("example copied", copied), ended("doctor finds all in order", looked), bill,
      ended("status tells", told), { saw: frames ? "frames among it" : "no frames in it", ok: frames },
    ]);
  } finally {
    await agent.stop();
    await csms.close();
  }
}

/** @throws MissingTool when something is not here */
export async function playInstalled(keep: boolean, recorder: Recorder): Promise<void> {
  const act = { id: "commands", name: "the README's five commands in the package's own tree",
    told: "doctor finds nothing to mend, a session is billed, status tells" };
  if (process.getuid?.() !== 0) return recorder.skip(act, "a root folder of its own wants root");
  needTools({ "dpkg-deb": "dpkg", xz: "xz-utils", "systemd-sysusers": "systemd", "systemd-tmpfiles": "systemd",
    unshare: "util-linux" });
  const arch: Arch = process.arch === "arm64" ? "arm64" : "amd64";
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-installed-"));
  const say = (line: string): void => recorder.say(line.trim());
  try {
    const release = await makeRelease(say);
    const maintainer = "kerbwatch maintainers <maintainers@example.org>";
    const deb = await makeDeb(arch, release, { maintainer, outDir: folder });
    const commands = fiveCommands(readFileSync(join(repoRoot, "README.md"), "utf8"), release.version);
    const at = join(folder, "root");
    mkdirSync(at);
    chmodSync(folder, 0o755);
    await recorder.play(act, async () =>
      playCommands(await Root.install(deb, arch, at, say), commands, join(folder, "agent.log")));
  } finally {
    if (keep) recorder.say(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}
