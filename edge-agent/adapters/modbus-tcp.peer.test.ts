/** The reader against a Modbus server that nobody here wrote: pymodbus, with registers that pymodbus encoded. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import type { ModbusMeterConfig } from "../config.ts";
import type { AgentEvent } from "../ports.ts";
import { systemClock, systemTimers } from "./clock.ts";
import { createModbusMeter, readOnce } from "./modbus-tcp.ts";

/** Debian's own, which has Debian's packages; another one may come first in PATH. */
const PYTHON = "/usr/bin/python3";
const SCRIPT = join(repoRoot, "hil-tests/bench/pymodbus-meter.py");
const present = spawnSync(PYTHON, ["-c", "import pymodbus.server.async_io, pymodbus.payload"]).status === 0;

const SDM630 = {
  evseId: 1, powerW: 11_040.5, energyImportWh: 1_234_500, energyExportWh: 250, currentA: 47.75, voltageV: 231.5,
};
const SUNSPEC = {
  evseId: 1, powerW: -11_040, energyImportWh: 300_000_000, energyExportWh: 25, currentA: 47.8, voltageV: 231.5,
};
const AT_MOST_MS = 10_000;

/** The port that the server printed; an Error with what it said instead when it ended first. */
async function portOf(server: ChildProcess): Promise<number> {
  let said = "";
  server.stderr?.on("data", (text) => void (said += String(text)));
  const ended = once(server, "exit").then(() => Promise.reject(new Error(`pymodbus ended: ${said}`)));
  ended.catch(() => {}); // it also ends when all is well
  const [line] = await Promise.race([once(server.stdout as NodeJS.ReadableStream, "data"), ended]);
  return Number(String(line));
}

async function withServer(body: (config: ModbusMeterConfig) => Promise<void>): Promise<void> {
  const server = spawn(PYTHON, [SCRIPT], { stdio: "pipe" });
  const exited = once(server, "exit");
  try {
    const address = `127.0.0.1:${await portOf(server)}`;
    const common = { evse: 1, everyS: 10, side: "ac-input", loadW: 0 } as const;
    await body({ ...common, kind: "modbus-tcp", model: "sdm630", address, unit: 1 });
  } finally {
    server.kill();
    await exited;
  }
}

function peerTest(name: string, body: (config: ModbusMeterConfig) => Promise<void>): void {
  if (present) test(`pymodbus: ${name}`, () => withServer(body));
  else test.skip(`pymodbus: ${name}`, "no python3-pymodbus");
}

peerTest("SDM630", async (config) => {
  assert.equal(await readOnce(config, AT_MOST_MS), SDM630);
});

peerTest("SunSpec 203", async (config) => {
  assert.equal(await readOnce({ ...config, model: "sunspec203", unit: 2 }, AT_MOST_MS), SUNSPEC);
});

peerTest("a SunSpec 203 is not there on the SDM630's unit, and the refusal is told", async (config) => {
  const why = await readOnce({ ...config, model: "sunspec203" }, AT_MOST_MS).catch((error: Error) => error.message);
  assert.match(String(why), /^no SunSpec map begins at 40000, 50000, 0/);
});

peerTest("the running reader", async (config) => {
  const reader = createModbusMeter(config, { clock: systemClock, timers: systemTimers, notice: () => {} });
  const event = await new Promise<AgentEvent>((resolve) => reader.start(resolve));
  await reader.stop();
  assert.equal(event, { kind: "meter", reading: SDM630, side: "ac-input" });
});
