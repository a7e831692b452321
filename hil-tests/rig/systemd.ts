/**
 * `npm run hil systemd`: the Debian package's units under a real systemd. The package is unpacked over this machine's
 * /usr in namespaces of their own; charger and CSMS are outside, on this machine's loopback.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";
import { makeDeb } from "../../build/package/deb.ts";
import { makeRelease } from "../../build/package/release.ts";
import { MissingTool, needTools, run } from "../../build/package/tools.ts";
import { type Outcome, outcomeOf } from "../bench/acts/act.ts";
import { BenchCsms } from "../bench/csms.ts";
import { BenchStation } from "../bench/station.ts";
import { freePort } from "../bench/street-ports.ts";
import type { Recorder } from "./recorder.ts";
import { SystemdMachine } from "./systemd-machine.ts";

/** Of nothing that there is. */
const HOOK = Buffer.from("the bench's secret of the webhook").toString("base64");
const UNIT = "kerbwatch.service";
const SOCKET = "kerbwatch.socket";
const TOKEN = "04A1000001";
const SECRET = "/run/credentials/kerbwatch.service/secret_hook";
/** The unit's own minute would make a long bench. */
const WATCHDOG_S = 6;
const BACK_WITHIN_S = 60;

class Bench {
  readonly machine: SystemdMachine;
  readonly csms: BenchCsms;
  readonly port: number;
  station: BenchStation | undefined;

  constructor(machine: SystemdMachine, csms: BenchCsms, port: number) {
    this.machine = machine;
    this.csms = csms;
    this.port = port;
  }

  /** As the README has it, but for the port: others may have 9000 here. */
  async install(): Promise<void> {
    await this.machine.booted();
    await this.machine.write("/etc/kerbwatch/credentials/hook", `${HOOK}\n`, "0600");
    await this.machine.write("/etc/kerbwatch/kerbwatch.yaml", JSON.stringify({
      station: "CP-001", csms: this.csms.url, listen: `ws://127.0.0.1:${this.port}`, stateDir: "/var/lib/kerbwatch",
      alerts: {
        jsonl: "/var/log/kerbwatch/alerts.jsonl", webhook: { url: "http://127.0.0.1:9/hook", secret: `file:${SECRET}` },
      },
    }));
    await this.machine.write(`/etc/systemd/system/${SOCKET}.d/port.conf`,
      `[Socket]\nListenStream=\nListenStream=127.0.0.1:${this.port}\n`);
    await this.machine.write(`/etc/systemd/system/${UNIT}.d/watchdog.conf`,
      `[Service]\nWatchdogSec=${WATCHDOG_S}\nTimeoutAbortSec=2\n`);
    await this.machine.run("systemctl", "daemon-reload");
  }

  async charger(): Promise<BenchStation> {
    await this.station?.close();
    this.station = new BenchStation({
      id: "CP-001", ocppVersion: "1.6", url: `ws://127.0.0.1:${this.port}`, firmwareVersion: "1.0.0",
    });
    await this.station.connect();
    await this.station.boot();
    return this.station;
  }

  async state(): Promise<{ readonly active: string; readonly pid: number; readonly restarts: number }> {
    const { ActiveState = "", MainPID = "0", NRestarts = "0" } =
      await this.machine.show(UNIT, "ActiveState", "MainPID", "NRestarts");
    return { active: ActiveState, pid: Number(MainPID), restarts: Number(NRestarts) };
  }

  /** Seconds until another process is active; undefined: not within a minute. */
  async isBack(before: number): Promise<number | undefined> {
    const begun = performance.now();
    for (;;) {
      const tookS = (performance.now() - begun) / 1000;
      const { active, pid } = await this.state();
      if (active === "active" && pid !== before && pid > 0) return tookS;
      if (tookS > BACK_WITHIN_S) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function playActivation(bench: Bench): Promise<Outcome> {
  const { machine } = bench;
  await machine.run("systemctl", "start", SOCKET);
  const before = await bench.state();
  const station = await bench.charger();
  const authorized = await station.authorize(TOKEN);
  const after = await bench.state();
  const { out } = await machine.run("stat", "-c", "%U %a", SECRET);
  const { out: said } = await machine.run("journalctl", "-u", UNIT, "-o", "cat", "--no-pager");
  return outcomeOf([
    { saw: `before: ${before.active}, with the first charger: ${after.active}`,
      ok: before.active === "inactive" && after.active === "active" },
    { saw: `frames pass: ${authorized}`, ok: authorized === "Accepted" },
    { saw: `a credential of ${out.trim()}`, ok: out.trim() === "kerbwatch 400" },
    { saw: said.includes("watches CP-001") ? "the agent watches" : `the agent said: ${said.slice(-200)}`,
      ok: said.includes("watches CP-001") },
  ]);
}

async function playConfined(bench: Bench): Promise<Outcome> {
  const { pid } = await bench.state();
  const status = await bench.machine.run("cat", `/proc/${pid}/status`);
  const field = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(status.out)?.[1] ?? "none";
  // The service's own view: what it could write to is what is mounted so.
  const mounts = await bench.machine.run("cat", `/proc/${pid}/mounts`);
  const writable = mounts.out.split("\n").filter((line) => /^\S+ \S+ (?!proc|sysfs|cgroup)\S+ rw/.test(line))
    .map((line) => line.split(" ")[1]!).filter((path) => !/^\/(dev|tmp|var\/tmp|run|proc)\b/.test(path));
  return outcomeOf([
    { saw: `capabilities ${field("CapEff")}, no new privileges ${field("NoNewPrivs")}, filter ${field("Seccomp")}`,
      ok: /^0+$/.test(field("CapEff")) && field("NoNewPrivs") === "1" && field("Seccomp") === "2" },
    { saw: `user ${field("Uid")}`, ok: !["0", "none"].includes(field("Uid")) },
    { saw: `may write to ${writable.join(" ")}`,
      ok: writable.length > 0 && writable.every((path) => /^\/var\/(lib|log)\/kerbwatch$/.test(path)) },
  ]);
}

async function playWatchdog(bench: Bench): Promise<Outcome> {
  const before = await bench.state();
  await new Promise((resolve) => setTimeout(resolve, 1000 * 2.5 * WATCHDOG_S));
  const lived = await bench.state();
  await bench.machine.run("kill", "-STOP", String(lived.pid));
  const back = await bench.isBack(lived.pid);
  await bench.station?.whenConnected();
  const authorized = await bench.station?.authorize(TOKEN);
  return outcomeOf([
    { saw: `alive through ${(2.5 * WATCHDOG_S).toFixed(0)} s`, ok: lived.pid === before.pid },
    { saw: back === undefined ? "not back after it hung" : `hung: another one after ${back.toFixed(1)} s`,
      ok: back !== undefined && back < 3 * WATCHDOG_S + 5 },
    { saw: `frames pass: ${authorized}`, ok: authorized === "Accepted" },
  ]);
}

async function playKill(bench: Bench): Promise<Outcome> {
  const before = await bench.state();
  await bench.machine.run("kill", "-KILL", String(before.pid));
  const waiting = bench.charger();
  const back = await bench.isBack(before.pid);
  const authorized = await (await waiting).authorize(TOKEN);
  return outcomeOf([
    { saw: back === undefined ? "not back" : `back after ${back.toFixed(1)} s`, ok: back !== undefined },
    { saw: `a charger that came meanwhile waited: ${authorized}`, ok: authorized === "Accepted" },
  ]);
}

async function playStop(bench: Bench): Promise<Outcome> {
  await bench.station?.close();
  await bench.machine.run("systemctl", "stop", SOCKET, UNIT);
  const { ActiveState, Result, ExecMainStatus } =
    await bench.machine.show(UNIT, "ActiveState", "Result", "ExecMainStatus");
  const { out } = await bench.machine.run("setpriv", "--reuid", "kerbwatch", "--regid", "kerbwatch", "--clear-groups",
    "kerbwatch", "ledger", "verify", "--json", "--state", "/var/lib/kerbwatch");
  const log = out.startsWith("{") ? JSON.parse(out) as { ok: boolean; size: number } : undefined;
  return outcomeOf([
    { saw: `${ActiveState}, ${Result}, exit code ${ExecMainStatus}`,
      ok: ActiveState === "inactive" && Result === "success" && ExecMainStatus === "0" },
    { saw: log === undefined ? `no log: ${out.slice(0, 200)}` : `a log of ${log.size} entries`, ok: log?.ok === true },
  ]);
}

export const SYSTEMD_ACTS = [
  { id: "activation", name: "the socket alone is started, a charger connects",
    told: "the service starts, reads its credential, frames pass", play: playActivation },
  { id: "confined", name: "what the service may", told: "no capabilities, own user, two folders", play: playConfined },
  { id: "watchdog", name: `it lives, then hangs (WatchdogSec=${WATCHDOG_S})`,
    told: "left alone, then ended and started again", play: playWatchdog },
  { id: "kill", name: "it is killed", told: "back, and a charger that came meanwhile waits", play: playKill },
  { id: "stop", name: "it is stopped", told: "exit code 0, a log that is whole", play: playStop },
] as const;

export interface SystemdOptions {
  readonly keep: boolean;
  readonly acts?: readonly string[];
}

/** @throws MissingTool when systemd or what makes its namespaces is not here */
export async function playSystemd({ keep, acts }: SystemdOptions, recorder: Recorder): Promise<void> {
  needTools({ unshare: "util-linux", nsenter: "util-linux", systemctl: "systemd", "dpkg-deb": "dpkg" });
  if (process.getuid?.() !== 0) throw new MissingTool("systemd's namespaces want root");
  const of = { x64: "amd64", arm64: "arm64" }[arch() as string];
  if (of === undefined) throw new MissingTool(`no package with Node inside for ${arch()}`);
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-systemd-"));
  const csms = await BenchCsms.listen({ tokens: [TOKEN] });
  let machine: SystemdMachine | undefined;
  try {
    const release = await makeRelease((line) => recorder.say(line.trim()));
    mkdirSync(join(folder, "deb"));
    const maintainer = "the bench <bench@example.org>";
    const deb = await makeDeb(of as "amd64" | "arm64", release, {
      maintainer, outDir: join(folder, "deb"), isPacked: false,
    });
    await run("dpkg-deb", ["-x", deb, join(folder, "package")]);
    machine = new SystemdMachine(join(folder, "root"), join(folder, "package"));
    const bench = new Bench(machine, csms, await freePort());
    await bench.install();
    for (const act of SYSTEMD_ACTS) {
      if (acts === undefined || acts.includes(act.id)) await recorder.play(act, () => act.play(bench));
    }
    await bench.station?.close();
  } finally {
    await machine?.end();
    await csms.close();
    if (keep) recorder.say(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}
