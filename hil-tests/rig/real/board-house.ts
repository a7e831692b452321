/**
 * One house of the street whose agent runs on a board: started and started again by the board's own service manager,
 * its files brought there and its alerts and log fetched over the board's line.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../../edge-agent/status.ts";
import type { Elsewhere, StreetAgent } from "../../bench/street-ground.ts";
import type { BoardFile } from "./board-file.ts";
import type { BoardLink, Ran } from "./board-link.ts";
import { putCommand } from "./board-steps.ts";

const LOOK_MS = 2_000;
/** Of a log and of what was learned. */
const MOST_BYTES = 64 * 1024 * 1024;
const tar = (args: readonly string[], input?: Buffer): Buffer =>
  execFileSync("tar", args, { maxBuffer: MOST_BYTES, ...(input !== undefined && { input }) });
/** As lines that a console takes. */
const base64Lines = (bytes: Buffer): string => bytes.toString("base64").replaceAll(/.{76}/g, "$&\n");
const waitMs = async (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class BoardHouse implements Elsewhere, StreetAgent {
  readonly ports: Elsewhere["ports"];
  readonly listen: Elsewhere["listen"];
  readonly paths: Elsewhere["paths"];
  readonly deaths: string[] = [];
  readonly #file: BoardFile;
  readonly #link: BoardLink;
  readonly #lines: string[] = [];
  readonly #lookMs: number;
  #stopped = false;
  #following: Promise<void> | undefined;
  /** The board's process, as it was last seen since it was started or killed. */
  #process: number | undefined;

  constructor(file: BoardFile, link: BoardLink, street: NonNullable<BoardFile["street"]>, lookMs = LOOK_MS) {
    this.#file = file;
    this.#link = link;
    this.#lookMs = lookMs;
    this.ports = { charger: file.charger.port, broker: street.port };
    this.listen = { charger: `ws://0.0.0.0:${file.charger.boardPort}`, broker: `mqtts://0.0.0.0:${street.boardPort}` };
    // Inside the folder that the agent's user may write.
    const state = `${file.agent.state}/street`;
    this.paths = { state, roster: `${state}/street.kw`, alerts: `${state}/alerts.jsonl` };
  }

  get agent(): StreetAgent {
    return this;
  }

  async #did(command: string, input?: string): Promise<Ran> {
    const ran = await this.#link.run(command, input);
    if (ran.code === 0) return ran;
    throw new Error(`on the board: exit code ${ran.code} of ${command.slice(0, 60)}: ${ran.out.trim().slice(-200)}`);
  }

  async prepare({ state, roster, config }: Parameters<Elsewhere["prepare"]>[0]): Promise<void> {
    const { state: there, roster: rosterThere } = this.paths;
    const { state: own } = this.#file.agent;
    await this.#did(`rm -rf ${there} && mkdir -p ${there} && base64 -d | tar -xz -C ${there}`,
      base64Lines(tar(["-cz", "-C", state, "."])));
    await this.#did(`base64 -d > ${rosterThere}`, base64Lines(readFileSync(roster)));
    await this.#did(`chown -R "$(stat -c %u:%g ${own})" ${there} && chmod 700 ${there}`);
    await this.#did(putCommand(this.#file, readFileSync(config, "utf8")));
  }

  async start(): Promise<void> {
    this.#process = undefined;
    await this.#did(this.#file.agent.restart);
    const endMs = performance.now() + 1000 * this.#file.upWithinS;
    while (await this.#look() === undefined) {
      if (performance.now() > endMs) throw new Error(`the board's agent is not up after ${this.#file.upWithinS} s`);
      await waitMs(this.#lookMs);
    }
    this.#following ??= this.#follow();
  }

  /** Settles once it is dead: its charger finds out when another one is there. */
  async kill(): Promise<void> {
    this.#process = undefined;
    await this.#did(this.#file.agent.kill);
  }

  async killForGood(): Promise<void> {
    await this.stop();
  }

  /** The board's service manager would start it again: it is left to whoever puts the board's configuration back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#following;
    await this.#link.run(`rm -rf ${this.paths.state}`);
  }

  alerts(): readonly string[] {
    return this.#lines;
  }

  async fetchLog(state: string): Promise<void> {
    await this.#look();
    const { out } = await this.#did(`tar -cz -C ${this.paths.state} log | base64`);
    rmSync(join(state, "log"), { recursive: true, force: true });
    tar(["-xz", "-C", state], Buffer.from(out, "base64"));
  }

  /** What its agent says; another process than the last one that nobody had killed has died. */
  async #look(): Promise<Status | undefined> {
    const { command } = this.#file.agent;
    const { code, out } = await this.#link.run(`${command} status --json --state ${this.paths.state}`);
    const line = out.split("\n").find((one) => one.startsWith("{"));
    if (code !== 0 || line === undefined) return undefined;
    const status = JSON.parse(line) as Status;
    const { pid } = status.agent;
    if (this.#process !== undefined && this.#process !== pid) this.deaths.push(`process ${this.#process} on the board`);
    this.#process = pid;
    return status;
  }

  async #follow(): Promise<void> {
    let bytes = 0;
    while (!this.#stopped) {
      const { code, out } = await this.#link.run(`tail -c +${bytes + 1} ${this.paths.alerts} 2>/dev/null`);
      const whole = code === 0 ? out.slice(0, out.lastIndexOf("\n") + 1) : "";
      bytes += Buffer.byteLength(whole);
      this.#lines.push(...whole.split("\n").slice(0, -1));
      await waitMs(this.#lookMs);
    }
  }
}
