/** `kerbwatch support-bundle`: what a maker's hotline needs, redacted, as one file. */
import { existsSync } from "node:fs";
import { askStatus } from "../adapters/agent-client.ts";
import { systemClock } from "../adapters/clock.ts";
import { loadConfig } from "../adapters/config-file.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { createFile, errorCode } from "../adapters/durable-file.ts";
import { crashFacts, logFacts, platformFacts, stateFacts } from "../adapters/support-facts.ts";
import { rfc3339 } from "../../models/units.ts";
import { effectiveConfig } from "../config.ts";
import type { Config } from "../config.ts";
import { counted, shown } from "../plain-text.ts";
import { VERSION } from "../version.ts";
import { UsageError, parseOptions } from "./command.ts";
import type { Command, Io } from "./command.ts";
import { examine } from "./doctor.ts";
import { STATE_HELP, STATE_OPTIONS, USUAL_STATE_DIR } from "./state-dir.ts";

const TIME_OUT_MS = 5_000;
const USUAL_FRAMES = 20;
const MOST_FRAMES = 500;

const OPTIONS = {
  ...STATE_OPTIONS, out: { type: "string", value: "FILE" }, frames: { type: "string", value: "N" },
} as const;

const ABOUT = "Made by kerbwatch support-bundle for whoever helps with this device. Left out: idTokens, passwords " +
  "and keys; frames were redacted when they were recorded. Read it before you pass it on.";

interface Part {
  readonly name: string;
  /** What goes into the bundle. Where it fails the reason goes there, and the other parts go on. */
  readonly make: () => unknown;
  readonly says: (made: unknown) => string;
}

/** The configuration, or what is wrong with it: a bundle is wanted most where nothing starts. */
function readConfig(file: string | undefined, env: Io["env"]): { config?: Config; told: unknown } {
  if (file === undefined) return { told: { problem: "not named; use --config FILE" } };
  try {
    const config = loadConfig(file, env);
    return { config, told: { file, inForce: effectiveConfig(config) } };
  } catch (error) {
    return { told: { file, problem: (error as Error).message } };
  }
}

async function agentFacts(stateDir: string): Promise<{ running: boolean; why?: string; status?: unknown }> {
  const asked = await askStatus(stateDir, TIME_OUT_MS);
  if (asked.kind === "status") return { running: true, status: asked.status };
  return { running: false, why: asked.kind === "none" ? `no agent is running on ${stateDir}` : asked.why };
}

function frameLimit(text: string | undefined): number {
  if (text === undefined) return USUAL_FRAMES;
  const count = /^\d{1,3}$/.test(text) ? Number(text) : Infinity;
  if (count > MOST_FRAMES) {
    throw new UsageError(`--frames: found ${shown(text)}; allowed: a whole number from 0 to ${MOST_FRAMES}`);
  }
  return count;
}

function partsOf(stateDir: string, config: Config | undefined, told: unknown, frames: number, io: Io): Part[] {
  const saysConfig = config === undefined ? (told as { problem: string }).problem : "read";
  return [
    { name: "platform", make: platformFacts, says: () => `Node ${process.version}, ${process.arch}` },
    { name: "config", make: () => told, says: () => saysConfig },
    {
      name: "agent", make: () => agentFacts(stateDir),
      says: (made) => (made as { why?: string }).why ?? "running; its status is in",
    },
    {
      name: "doctor",
      make: () => config === undefined ? "needs a configuration that can be read" :
        examine(config, io.env, systemClock),
      says: (made) => Array.isArray(made) ? counted(made.length, "check", "checks") : String(made),
    },
    {
      name: "record", make: () => logFacts(stateDir, nodeCrypto(), frames),
      says: (made) => counted(Number((made as { log: { entries: number } }).log.entries), "entry", "entries"),
    },
    { name: "crashes", make: () => crashFacts(stateDir), says: () => "looked up" },
    { name: "state", make: () => stateFacts(stateDir), says: () => stateDir },
  ];
}

/** Makes the parts one by one and says so; a person watches, and the network checks take a while. */
async function gather(parts: readonly Part[], io: Io): Promise<Record<string, unknown>> {
  const made: Record<string, unknown> = {};
  for (const [index, { name, make, says }] of parts.entries()) {
    io.err(`${index + 1}/${parts.length} ${name}: `);
    try {
      made[name] = await make();
      io.err(`${says(made[name])}\n`);
    } catch (error) {
      const problem = errorCode(error) || (error as Error).message;
      made[name] = { problem };
      io.err(`cannot be told (${problem})\n`);
    }
  }
  return made;
}

/** `2026-03-01T09:00:00.000Z` as a part of a file's name on any file system. */
const inName = (time: string): string => time.slice(0, 19).replaceAll(":", "");

async function run(args: string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, OPTIONS);
  const frames = frameLimit(options.frames);
  const time = rfc3339(systemClock.wallMs());
  const { config, told } = readConfig(options.config, io.env);
  const stateDir = options.state ?? config?.stateDir ?? USUAL_STATE_DIR;
  const path = options.out ?? `kerbwatch-support-${inName(time)}.json`;
  if (existsSync(path)) throw new UsageError(`--out: found ${path}, which is there already; allowed: a new file`);
  const parts = await gather(partsOf(stateDir, config, told, frames, io), io);
  const text = JSON.stringify({ schemaVersion: "1.0", about: ABOUT, time, kerbwatch: VERSION, ...parts }, null, 2);
  try {
    if (createFile(path, `${text}\n`)) {
      io.out(`${path}\n`);
      return 0;
    }
    io.err(`kerbwatch: --out: ${path} was made meanwhile by somebody else, and stays\n`);
  } catch (error) {
    io.err(`kerbwatch: --out: ${path} cannot be written (${errorCode(error)}); name a place that can, with --out\n`);
  }
  return 1;
}

export const supportBundle: Command = {
  name: "support-bundle",
  summary: "one redacted file for whoever helps",
  help: `
Usage: kerbwatch support-bundle [--config FILE] [--state DIR] [--out FILE]
                                [--frames N]

Writes one JSON file that a hotline needs: version and platform, the
configuration in force with secrets hidden, doctor's checks, the running agent's
status, the health of the log with its newest notices, unasked ends, and the
newest frames that alerts rest on. It works without a running agent, and with a
configuration that is wrong, and says so inside. Nothing is sent anywhere.

No idToken, password or key is in it. It names your CSMS, addresses and station:
read it before you pass it on.

${STATE_HELP.replace("or its configuration, which names it", "its configuration, for doctor's checks too")}
  --out FILE      where to write; a file that is there is never replaced
                  (default: kerbwatch-support-TIME.json in this folder)
  --frames N      how many redacted frames, 0 to ${MOST_FRAMES} (default: ${USUAL_FRAMES})

Example
  kerbwatch support-bundle --config kerbwatch.yaml --out support.json

Exit codes: 0 written, and its name printed, 1 not written, 2 wrong usage.
`,
  run,
};
