/** A real Mosquitto for tests of brokers that nobody here wrote. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { HOST, until } from "./mesh.testing.ts";

/** Debian installs it where only root's PATH leads. */
export const MOSQUITTO = ["mosquitto", "/usr/sbin/mosquitto"]
  .find((path) => spawnSync(path, ["-h"]).error === undefined);
export const MOSQUITTO_PASSWD = "mosquitto_passwd";
/** Started by root, it would give up its rights and with them the folders of a test. */
export const RUN_AS_ROOT: readonly string[] = process.getuid?.() === 0 ? ["user root"] : [];

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** One process; what it says goes to standard error. */
export class Mosquitto {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  said = "";

  private constructor(conf: string) {
    this.#child = spawn(MOSQUITTO ?? "", ["-c", conf], { stdio: ["ignore", "ignore", "pipe"] });
    this.#exited = once(this.#child, "exit");
    this.#child.stderr?.on("data", (text) => void (this.said += String(text)));
  }

  /** Once it is running; an Error with what it said when it does not. */
  static async start(conf: string): Promise<Mosquitto> {
    const one = new Mosquitto(conf);
    await until(() => one.said.includes("running") || one.#child.exitCode !== null, "Mosquitto");
    if (one.#child.exitCode !== null) throw new Error(one.said);
    return one;
  }

  async stop(): Promise<void> {
    this.#child.kill();
    await this.#exited;
  }
}
