/** Receivers of alerts that nobody here wrote, each on this machine, and how an agent is told of them. */
import { readFileSync, watch, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import mqtt from "mqtt";
import { RPCServer } from "ocpp-rpc";
import { freePort, Mosquitto, MOSQUITTO, RUN_AS_ROOT } from "../../edge-agent/adapters/mosquitto.testing.ts";
import { program, Receiver } from "../../edge-agent/adapters/outlets/outlets.testing.ts";

/** Called with what tells one alert from another, when its receiver has it. */
type Take = (incidentId: string) => void;

export interface Receiving {
  readonly name: string;
  /** Who it is. */
  readonly what: string;
  /** Its part of `alerts` in the configuration. */
  readonly alerts: Readonly<Record<string, unknown>>;
  /** Whether it tells by itself what it has; otherwise an alert counts as received when it is acknowledged. */
  readonly tells: boolean;
  stop(): Promise<void>;
}

type Start = (folder: string, take: Take) => Promise<Receiving | undefined>;

/** The beginning of an incident's id, which is all that OCPP's techInfo has room for. */
export const SHORT_CHARS = 12;

async function mosquitto(folder: string, take: Take): Promise<Receiving | undefined> {
  if (MOSQUITTO === undefined) return undefined;
  const port = await freePort();
  const conf = join(folder, "mosquitto.conf");
  const lines = [...RUN_AS_ROOT, `listener ${port} 127.0.0.1`, "allow_anonymous true", "log_type all"];
  writeFileSync(conf, `${lines.join("\n")}\n`);
  const broker = await Mosquitto.start(conf);
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`);
  client.on("message", (_topic, payload) => take((JSON.parse(String(payload)) as { incidentId: string }).incidentId));
  await client.subscribeAsync("#", { qos: 1 });
  return { name: "mqtt", what: "Mosquitto, heard by MQTT.js", alerts: { mqtt: `mqtt://127.0.0.1:${port}` }, tells: true,
    async stop() {
      await client.endAsync(true);
      await broker.stop();
    } };
}

async function webhook(folder: string): Promise<Receiving | undefined> {
  const path = program("/usr/bin/webhook");
  if (path === undefined) return undefined;
  const [port, hooks, secret] = [await freePort(), join(folder, "hooks.json"), join(folder, "hook.secret")];
  writeFileSync(secret, "a secret of some length");
  writeFileSync(hooks, JSON.stringify([{ id: "kw", "execute-command": "/bin/true",
    "trigger-rule": { match: { type: "payload-hmac-sha256", secret: "a secret of some length",
      parameter: { source: "header", name: "X-Hub-Signature-256" } } } }]));
  const receiver = new Receiver(path, ["-hooks", hooks, "-ip", "127.0.0.1", "-port", String(port)]);
  await receiver.listening(port);
  return { name: "webhook", what: "Debian's webhook, to its 200", tells: false,
    alerts: { webhook: { url: `http://127.0.0.1:${port}/hooks/kw`, secret: `file:${secret}` } },
    stop: () => receiver.stop() };
}

async function rsyslog(folder: string, take: Take): Promise<Receiving | undefined> {
  const path = program("/usr/sbin/rsyslogd");
  if (path === undefined) return undefined;
  const [port, conf, out] = [await freePort(), join(folder, "rsyslog.conf"), join(folder, "syslog.out")];
  writeFileSync(out, "");
  writeFileSync(conf, `global(workDirectory="${folder}" maxMessageSize="8k")
module(load="imtcp")
input(type="imtcp" port="${port}" address="127.0.0.1")
template(name="t" type="string" string="%structured-data%\\n")
action(type="omfile" file="${out}" template="t" fileCreateMode="0644" asyncWriting="off")
`);
  const receiver = new Receiver(path, ["-n", "-f", conf, "-i", join(folder, "rsyslog.pid")]);
  await receiver.listening(port);
  let read = 0;
  const watcher = watch(out, () => {
    const lines = readFileSync(out, "utf8").split("\n").slice(0, -1);
    for (const line of lines.slice(read)) take(/incident="([^"]*)"/.exec(line)?.[1] ?? "");
    read = lines.length;
  });
  return { name: "syslog", what: "rsyslog over TCP, to its file", tells: true,
    alerts: { syslog: { address: `127.0.0.1:${port}`, transport: "tcp" } },
    async stop() {
      watcher.close();
      await receiver.stop();
    } };
}

async function ocppRpc(_folder: string, take: Take): Promise<Receiving> {
  const server = new RPCServer({ protocols: ["ocpp2.0.1"], strictMode: true });
  server.auth((accept) => accept({}));
  server.on("client", (client) => {
    client.handle("BootNotification", () =>
      ({ currentTime: new Date().toISOString(), interval: 300, status: "Accepted" }));
    client.handle("SecurityEventNotification", ({ params }: { params: { techInfo?: string } }) => {
      take(/\b[0-9a-f]{12}\b/.exec(params.techInfo ?? "")?.[0] ?? "");
      return {};
    });
  });
  const http = createServer();
  http.on("upgrade", server.handleUpgrade);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  return { name: "ocpp", what: "a CSMS of ocpp-rpc, OCPP 2.0.1", tells: true,
    alerts: { ocpp: { url: `ws://127.0.0.1:${port}/ocpp`, identity: "CP-001-watch" } },
    async stop() {
      await server.close({ force: true } as never);
      http.close();
    } };
}

export const RECEIVERS: Readonly<Record<string, Start>> = { mosquitto, webhook, rsyslog, "ocpp-rpc": ocppRpc };
