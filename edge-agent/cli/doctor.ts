/** `kerbwatch doctor`: is everything there that the agent needs, and what to mend where it is not. */
import { askStatus } from "../adapters/agent-client.ts";
import { systemClock } from "../adapters/clock.ts";
import { loadConfig } from "../adapters/config-file.ts";
import { probeCsms } from "../adapters/csms-probe.ts";
import type { Probe } from "../adapters/csms-probe.ts";
import { shippedSchemas } from "../adapters/shipped-schemas.ts";
import { readCsmsTls } from "../adapters/tls-files.ts";
import { configReference, effectiveConfig } from "../config.ts";
import type { Config } from "../config.ts";
import type { Clock } from "../ports.ts";
import { failed, passed } from "./checks/check.ts";
import type { Check } from "./checks/check.ts";
import { checkClock } from "./checks/clock.ts";
import { checkDisk } from "./checks/disk.ts";
import { checkFrames } from "./checks/frames.ts";
import { checkKeys } from "./checks/keys.ts";
import { checkLog } from "./checks/log.ts";
import { checkMeters } from "./checks/meters.ts";
import { checkNeighbours } from "./checks/neighbours.ts";
import { checkOutlets } from "./checks/outlets.ts";
import { checkPorts } from "./checks/ports.ts";
import { checkSchemas } from "./checks/schemas.ts";
import { parseOptions } from "./command.ts";
import type { Command, Io } from "./command.ts";

/** For each step towards the CSMS, for each meter, and for each neighbour. */
const TIME_OUT_MS = 5_000;

function csmsCheck(probe: Probe): Check {
  return probe.ok ? passed("csms", probe.says) : failed("csms", probe.says, probe.mend);
}

async function probe(config: Config, env: Io["env"]): Promise<Probe> {
  try {
    return await probeCsms(config, readCsmsTls(config, env), TIME_OUT_MS);
  } catch (error) {
    return { ok: false, says: (error as Error).message, mend: "see csmsTls" }; // files that cannot be read
  }
}

/** Every check, in the order that a person would mend them. Changes nothing, and does not disturb a running agent. */
export async function examine(
  config: Config, env: Io["env"], clock: Clock, { testAlert = false } = {},
): Promise<Check[]> {
  const asked = await askStatus(config.stateDir, TIME_OUT_MS);
  const running = asked.kind === "status" ? asked.status : undefined;
  const [csms, ports, meters, neighbours, frames, outlets] = await Promise.all([
    probe(config, env), checkPorts(config.listen, config.http, running), checkMeters(config, env, running, TIME_OUT_MS),
    checkNeighbours(config, env, running, TIME_OUT_MS), checkFrames(config, env, running, TIME_OUT_MS),
    checkOutlets(config, env, TIME_OUT_MS, testAlert),
  ]);
  const nowMs = clock.wallMs();
  return [
    passed("config", `${config.file}: station ${config.station}, mode ${config.mode}`),
    checkClock(nowMs, csms.ok ? csms.dateMs : undefined, config.epochS),
    checkDisk(config.stateDir),
    ...ports,
    ...checkKeys(config, env, nowMs),
    csmsCheck(csms),
    ...frames,
    checkSchemas(shippedSchemas()),
    ...meters,
    checkLog(config.stateDir, running !== undefined),
    ...neighbours,
    ...outlets,
  ];
}

function checkText({ name, state, says, mend }: Check): string {
  return `${state.padEnd(4)}  ${name.padEnd(10)}  ${says}${mend === undefined ? "" : ` -> ${mend}`}\n`;
}

const OPTIONS = {
  config: { type: "string", value: "FILE" },
  json: { type: "boolean" },
  show: { type: "boolean" },
  reference: { type: "boolean" },
  "test-alert": { type: "boolean" },
} as const;

async function run(args: string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, OPTIONS);
  if (options.reference) {
    io.out(configReference());
    return 0;
  }
  const config = loadConfig(parseOptions(args, { ...OPTIONS, config: { ...OPTIONS.config, required: true } })
    .options.config, io.env);
  const checks = await examine(config, io.env, systemClock, { testAlert: options["test-alert"] });
  const good = checks.every(({ state }) => state !== "fail");
  if (options.json) {
    io.out(`${JSON.stringify({ schemaVersion: "1.0", ok: good, checks, config: effectiveConfig(config) })}\n`);
    return good ? 0 : 1;
  }
  io.out(checks.map(checkText).join(""));
  if (options.show) io.out(`\n${JSON.stringify(effectiveConfig(config), null, 2)}\n`);
  return good ? 0 : 1;
}

export const doctor: Command = {
  name: "doctor",
  summary: "checks clock, CSMS, meters, neighbours; says what to mend",
  help: `
Usage: kerbwatch doctor --config FILE [--show] [--json] [--test-alert]
       kerbwatch doctor --reference

One line a check: ok, warn or fail, what was found, and after an arrow what to
do about it. It changes nothing, may run beside the agent, and never speaks OCPP
to the CSMS in the station's name. Receivers of alerts are reached, and sent
nothing unless it is asked for.

  --config FILE   the configuration to check
  --show          also print the configuration in force, defaults included and
                  secrets hidden
  --json          the checks and the configuration in force as JSON, stable, for
                  programs
  --test-alert    send each receiver an alert that says it is a test and, after
                  it, that it is over
  --reference     print every key of the configuration with its meaning, what it
                  may hold and its default

Exit codes: 0 nothing fails, 1 something does, 2 wrong usage or configuration.
`,
  run,
};
