/** Alerts to Mosquitto, heard by MQTT.js: neither is of our making. */
import { writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import mqtt from "mqtt";
import { assert, test } from "../../../build/testing.ts";
import { systemClock } from "../clock.ts";
import { systemRandom } from "../crypto.ts";
import type { SiteBroker } from "../mesh.ts";
import { until } from "../mesh.testing.ts";
import { freePort, Mosquitto, MOSQUITTO, MOSQUITTO_PASSWD, RUN_AS_ROOT } from "../mosquitto.testing.ts";
import { createEverestAlerts, createMqttAlerts } from "./mqtt.ts";
import {
  alertWith, CERTIFICATES, freshFolder, hasCertificates, HOSTILE, selfSigned, trustedCa,
} from "./outlets.testing.ts";

const PORTS = { clock: systemClock, random: systemRandom };
const NEVER = new AbortController().signal;
const HOST = "127.0.0.1";

interface Heard {
  readonly topic: string;
  readonly text: string;
}

/** A broker with these further lines of configuration, and what a subscriber to all of it hears. */
async function withBroker(
  lines: (folder: string) => readonly string[], use: (port: number, heard: Heard[], folder: string) => Promise<void>,
): Promise<void> {
  const [folder, port, open] = [freshFolder(), await freePort(), await freePort()];
  const conf = join(folder, "mosquitto.conf");
  writeFileSync(conf, [
    ...RUN_AS_ROOT, "per_listener_settings true", `listener ${open} ${HOST}`, "allow_anonymous true",
    `listener ${port} ${HOST}`, ...lines(folder), "",
  ].join("\n"));
  const broker = await Mosquitto.start(conf);
  const client = await mqtt.connectAsync(`mqtt://${HOST}:${open}`);
  const heard: Heard[] = [];
  client.on("message", (topic, payload) => heard.push({ topic, text: String(payload) }));
  await client.subscribeAsync("#", { qos: 1 });
  try {
    await use(port, heard, folder);
  } finally {
    await client.endAsync(true);
    await broker.stop();
  }
}

function peerTest(name: string, needsCertificates: boolean, body: () => Promise<void>): void {
  if (MOSQUITTO === undefined) test.skip(`Mosquitto: ${name}`, "no mosquitto");
  else if (needsCertificates && !hasCertificates) test.skip(`Mosquitto: ${name}`, "no python3-cryptography");
  else test(`Mosquitto: ${name}`, body);
}

const carry = (broker: SiteBroker, alerts = [alertWith()]): Promise<string> =>
  createMqttAlerts(broker, "kerbwatch/example/feeder-7/CP-001/alert", PORTS).carry({ id: "1", alerts }, NEVER)
    .then(() => "taken", (error: Error) => error.message);

peerTest("an alert arrives as it is, a digest as one message", false, () =>
  withBroker(() => ["allow_anonymous true"], async (port, heard) => {
    const hostile = alertWith({ summary: HOSTILE.replace("\ud800", "") });
    assert.is(await carry({ host: HOST, port }, [hostile]), "taken");
    assert.is(await carry({ host: HOST, port }, [alertWith(), alertWith()]), "taken");
    await until(() => heard.length === 2, "both");
    assert.is(heard[0]!.topic, "kerbwatch/example/feeder-7/CP-001/alert");
    assert.equal(JSON.parse(heard[0]!.text), hostile);
    const digest = JSON.parse(heard[1]!.text) as { kind: string; alerts: unknown[] };
    assert.equal([digest.kind, digest.alerts.length], ["digest", 2]);
  }));

peerTest("a broker that asks for a name and a password", false, () => withBroker((folder) => {
  const file = join(folder, "pw");
  writeFileSync(file, "");
  assert.is(spawnSync(MOSQUITTO_PASSWD, ["-b", file, "kw", "right"]).status, 0);
  return [`password_file ${file}`, "allow_anonymous false"];
}, async (port, heard) => {
  const at = { host: HOST, port };
  assert.is(await carry({ ...at, login: { user: "kw", password: "right" } }), "taken");
  const wrong = { user: "kw", password: "wrong" };
  assert.match(await carry({ ...at, login: wrong }), /^refused: not (authorised|this user)/);
  assert.match(await carry(at), /^refused: /);
  await until(() => heard.length === 1, "the one");
}));

for (const [name, isOver, trusts, expected] of CERTIFICATES) {
  peerTest(`a certificate ${name}`, true, () => withBroker((folder) => {
    const { cert, key } = selfSigned(folder, "s", isOver);
    return ["allow_anonymous true", `certfile ${cert}`, `keyfile ${key}`];
  }, async (port, _heard, folder) => {
    assert.match(await carry({ host: HOST, port, ca: trustedCa(folder, trusts && "s") }), expected);
  }));
}

peerTest("EVerest's raiser is told a warning, by a name that its end has too", false, () =>
  withBroker(() => ["allow_anonymous true"], async (port, heard) => {
    const outlet = createEverestAlerts({ host: HOST, port }, "raiser", PORTS);
    await outlet.carry({ id: "1", alerts: [alertWith()] }, NEVER);
    await outlet.carry({ id: "2", alerts: [alertWith({ state: "cleared" })] }, NEVER);
    await until(() => heard.length === 2, "both");
    const error = { type: "VendorWarning", sub_type: "kerbwatch/load-manipulation/0123456789ab" };
    assert.equal(heard.map(({ topic }) => topic), ["raise_error", "clear_error"]
      .map((verb) => `everest_api/1/generic_error_raiser/raiser/m2e/${verb}`));
    assert.equal(JSON.parse(heard[0]!.text),
      { ...error, message: "high: 14 of 20 chargers on feeder-7 started within 8 s; 0.4 would be usual." });
    assert.equal(JSON.parse(heard[1]!.text), error);
  }));

test("nobody there, or somebody who speaks no MQTT", async () => {
  assert.match(await carry({ host: HOST, port: await freePort() }), /ECONNREFUSED/);
  const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")).listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  assert.match(await carry({ host: HOST, port }), /not-mqtt/);
  server.close();
});
