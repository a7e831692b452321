/** The agent in process beside a Mosquitto that nobody here wrote, which is told what EVerest and a meter tell. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import type { MqttClient } from "mqtt";
import { assert, test } from "../build/testing.ts";
import { startAgent } from "./agent.ts";
import type { RunningAgent } from "./agent.ts";
import {
  BOOT, connectThrough, type Csms, freshFolder, Heard, HOSTILE_ORDER, selfSigned, startCsms, within, writeConfig,
} from "./agent.testing.ts";
import { loadConfig } from "./adapters/config-file.ts";
import { HOST, until } from "./adapters/mesh.testing.ts";
import { freePort, Mosquitto, MOSQUITTO, MOSQUITTO_PASSWD, RUN_AS_ROOT } from "./adapters/mosquitto.testing.ts";
import { readMeter } from "./adapters/sources.ts";
import { ran } from "./cli/io.testing.ts";
import type { Config } from "./config.ts";

const EVEREST = "everest_api/1";
const POWERMETER = `${EVEREST}/evse_manager_consumer/evse_1/e2m/powermeter`;
const OCPP_MESSAGE = `${EVEREST}/ocpp_consumer/ocpp_1/e2m/ocpp_message`;
const [UP, DOWN] = ["ChargingStationToCSMS", "CSMSToChargingStation"];
const ENV = { SITE: "of the agent" };

const powermeter = (wattHours: number): string => JSON.stringify({
  timestamp: "2026-03-01T09:00:00.000Z", energy_Wh_import: { total: wattHours, L1: wattHours },
  power_W: { total: 11_040 }, voltage_V: { L1: 230 }, current_A: { L1: 16 },
});
const frame = (direction: string | undefined, ...message: unknown[]): string =>
  JSON.stringify({ direction, version: "ocpp1.6", message: JSON.stringify(message) });

interface Site {
  readonly folder: string;
  readonly csms: Csms;
  readonly everest: MqttClient;
  readonly config: Config;
  readonly file: string;
  readonly told: Heard<string>;
  start(): Promise<RunningAgent>;
}

/** In the clear with passwords, and under TLS; both listeners are one broker. */
async function startMosquitto(
  folder: string,
): Promise<{ plain: number; secure: number; ca: string; broker: Mosquitto }> {
  const [plain, secure, passwords, conf] =
    [await freePort(), await freePort(), join(folder, "passwords"), join(folder, "mosquitto.conf")];
  const { certFile, keyFile } = selfSigned("site");
  writeFileSync(passwords, `kw:${ENV.SITE}\neverest:of EVerest\n`, { mode: 0o600 });
  spawnSync(MOSQUITTO_PASSWD, ["-U", passwords]);
  writeFileSync(conf, [`password_file ${passwords}`, "allow_anonymous false", `listener ${plain} ${HOST}`,
    `listener ${secure} ${HOST}`, `certfile ${certFile}`, `keyfile ${keyFile}`, ...RUN_AS_ROOT, "log_dest stderr", "",
  ].join("\n"));
  return { plain, secure, ca: certFile, broker: await Mosquitto.start(conf) };
}

async function onSite(use: (site: Site) => Promise<void>): Promise<void> {
  const folder = freshFolder();
  const { plain, secure, ca, broker } = await startMosquitto(folder);
  const csms = await startCsms();
  const login = { user: "kw", password: "env:SITE" };
  const open = { url: `mqtt://${HOST}:${plain}`, ...login };
  const file = writeConfig(folder, {
    csms: `ws://${HOST}:${csms.port}`, frames: { broker: open, module: "ocpp_1" }, meters: [
      { evse: 1, kind: "everest", broker: open, module: "evse_1" },
      { evse: 0, kind: "mqtt", broker: { url: `mqtts://${HOST}:${secure}`, ca, ...login }, topic: "house/meter",
        powerW: { at: "/now/0", times: 1_000 }, energyImportWh: "/a~1b" },
    ],
  });
  const config = loadConfig(file, ENV);
  const told = new Heard<string>();
  const agents: RunningAgent[] = [];
  const everest = await connectAsync(`mqtt://${HOST}:${plain}`, { username: "everest", password: "of EVerest" });
  const start = async (): Promise<RunningAgent> => {
    const agent = await startAgent(config, {
      notice: () => undefined, out: (text) => told.add(text), colour: false, env: ENV,
    });
    agents.push(agent);
    return agent;
  };
  try {
    const heard = (): string => `${told.all.join("\n")}\n${broker.said}`;
    await within(use({ folder, csms, everest, config, file, told, start }), heard);
  } finally {
    for (const agent of agents) await agent.stop();
    await everest.endAsync();
    await csms.close();
    await broker.stop();
  }
}

/** Says it again and again, as meters do, until it was heard. */
async function sayUntil(everest: MqttClient, topic: string, payload: string, heard: () => boolean): Promise<void> {
  while (!heard()) await everest.publishAsync(topic, payload, { qos: 1 });
}

function peerTest(name: string, use: (site: Site) => Promise<void>): void {
  if (MOSQUITTO === undefined) test.skip(`Mosquitto: ${name}`, "no mosquitto");
  else test(`Mosquitto: ${name}`, () => onSite(use));
}

peerTest("EVerest's meter and one under TLS are read; EVerest hears that there is nothing to check", async (site) => {
  const { everest, start, file } = site;
  const checks = new Heard<string>();
  everest.on("message", (topic, payload, { retain }) => checks.add(`${topic} ${String(payload)} ${String(retain)}`));
  await everest.subscribeAsync(`${EVEREST}/+/+/m2e/#`);
  await everest.publishAsync(POWERMETER, powermeter(1), { qos: 1, retain: true }); // from long ago
  const agent = await start();
  const meter = (index: number) => agent.status().meters[index];
  await sayUntil(everest, POWERMETER, powermeter(1234.5), () => meter(0)?.state === "reading");
  await sayUntil(everest, "house/meter", '{"now":[7.2],"a/b":500}', () => meter(1)?.state === "reading");
  assert.equal([meter(0)?.powerW, meter(0)?.energyImportWh], [11_040, 1234.5]);
  assert.equal([meter(1)?.powerW, meter(1)?.energyImportWh], [7_200, 500]);
  const said = [
    await checks.next((text) => text.includes("/evse_1/")), await checks.next((text) => text.includes("/ocpp_1/")),
  ];
  assert.equal(said, [`${EVEREST}/evse_manager_consumer/evse_1/m2e/communication_check false false`,
    `${EVEREST}/ocpp_consumer/ocpp_1/m2e/communication_check false false`]);
  const doctor = await ran(["doctor", "--config", file], ENV);
  assert.match(doctor.out, /^ok {4}meter {7}EVSE 1, everest at mqtt:.* evse_1: the running agent reads 11040 W/m);
  assert.match(doctor.out, /^ok {4}frames {6}mqtt:.* ocpp_1: the running agent listens$/m);
  await agent.stop();
  assert.ok(checks.all.every((text) => text.endsWith(" false false")), "its end is no word to anybody");
});

peerTest("EVerest's frames raise what those in line raise, and are left out beside a charger in line", async (site) => {
  const { everest, start, csms, told } = site;
  const agent = await start();
  const frames = () => agent.status().frames;
  await until(() => frames()?.state === "listening", "the broker");
  const say = async (direction: string | undefined, ...message: unknown[]): Promise<void> => {
    const { framesFromStation, framesFromCsms } = frames()!;
    await everest.publishAsync(OCPP_MESSAGE, frame(direction, ...message), { qos: 1 });
    const before = framesFromStation + framesFromCsms;
    await until(() => frames()!.framesFromStation + frames()!.framesFromCsms > before, "it to be heard");
  };
  const { station } = await connectThrough(agent.listening.port, csms);
  await say(DOWN, 2, "u0", "UpdateFirmware", HOSTILE_ORDER);
  await say(UP, 3, "u0", {});
  assert.equal(told.all, []);
  station.socket.close();
  await until(() => agent.status().link.state === "waiting", "the charger to be gone");
  await say(UP, 2, "b1", "BootNotification", BOOT);
  await say(DOWN, 3, "b1", { status: "Accepted", currentTime: new Date().toISOString(), interval: 300 });
  assert.equal(told.all, []);
  await everest.publishAsync(OCPP_MESSAGE, "no JSON", { qos: 1 });
  await everest.publishAsync(OCPP_MESSAGE, "x".repeat(400_000), { qos: 1 });
  await say(DOWN, 2, "u1", "UpdateFirmware", HOSTILE_ORDER);
  await say(UP, 3, "u1", {});
  assert.match(await told.next(() => true), "198.51.100.7");
  const { framesFromStation, framesFromCsms, unparsed } = frames()!;
  assert.equal([framesFromStation, framesFromCsms, unparsed], [3, 3, { "not-json": 1, "too-large": 1 }]);
});

peerTest("doctor reads a meter by itself, and says what is wrong with a password", async (site) => {
  const { everest, config, file } = site;
  const read = readMeter("meters[1]", config.meters[1]!, ENV, 60_000);
  let done = false;
  const settled = read.finally(() => {
    done = true;
  });
  await sayUntil(everest, "house/meter", '{"now":[1],"a/b":2}', () => done);
  assert.equal(await settled, { evseId: 0, powerW: 1_000, energyImportWh: 2 });
  const wrong = loadConfig(file, { SITE: "another" }).meters[0]!;
  const why = await readMeter("meters[0]", { ...wrong, everyS: 1 }, { SITE: "another" }, 1_000)
    .then(() => "a reading", (error: Error) => error.message);
  assert.match(why, /refused: not authorised/);
});
