/**
 * Messages to a broker that must arrive: connects, publishes with QoS 1, waits for each PUBACK, and leaves. Alerts are
 * rare, so that no connection is kept for them.
 */
import mqttPacket from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { digestSummary, messageOf } from "../../alert/digest.ts";
import type { Clock, Random } from "../../ports.ts";
import { plainText } from "../../plain-text.ts";
import type { SiteBroker } from "../mesh.ts";
import { openTo } from "../mesh-dial.ts";
import { CONNACK, DISCONNECT, PUBACK } from "../mqtt-framing.ts";
import { MqttGuard } from "../mqtt-guard.ts";
import { NOT_ACCEPTED } from "../mqtt-session.ts";
import { TokenBucket } from "../token-bucket.ts";
import type { Carrier, Load } from "./courier.ts";

export interface Publication {
  readonly topic: string;
  readonly payload: string;
}

export interface BrokerPorts {
  readonly clock: Clock;
  readonly random: Random;
}

/** What a broker may say to one who only publishes. */
const BROKER = { first: CONNACK, then: new Set([PUBACK, DISCONNECT]) };
const [PACKETS_PER_S, PACKET_BURST] = [100, 200];
const CLIENT_ID_BYTES = 6;
const KEEPALIVE_S = 60;

/** Fulfilled when the broker has acknowledged all, at once where there is none. Rejects with an Error of one line. */
export function publishAtLeastOnce(
  broker: SiteBroker, messages: readonly Publication[], { clock, random }: BrokerPorts, signal: AbortSignal,
): Promise<void> {
  const { host, port, ca, login } = broker;
  return new Promise((resolve, reject) => {
    let open = messages.length;
    const leave = (send: (packet: Packet) => void, guard: MqttGuard): void => {
      resolve();
      send({ cmd: "disconnect" });
      guard.end();
    };
    let why = "the broker closed the connection";
    const socket = openTo({ host, port }, undefined, { ...(ca !== undefined && { ca }) }, () => {
      const guard = new MqttGuard({
        socket, farEnd: BROKER, bucket: new TokenBucket(PACKETS_PER_S, PACKET_BURST), monoMs: () => clock.monoMs(),
        onRefused: (refusal) => void (why = `the broker sent what it may not (${refusal})`),
      });
      const send = (packet: Packet): void => void mqttPacket.writeToStream(packet, guard);
      const parser = mqttPacket.parser({ protocolVersion: 4 });
      parser.on("error", () => guard.destroy());
      parser.on("packet", (packet: Packet) => {
        if (packet.cmd === "connack" && packet.returnCode !== 0) {
          why = `refused: ${NOT_ACCEPTED[packet.returnCode ?? 0] ?? `code ${packet.returnCode}`}`;
          guard.destroy();
        } else if (packet.cmd === "connack") {
          if (open === 0) leave(send, guard);
          messages.forEach(({ topic, payload }, index) => send({
            cmd: "publish", topic, payload, qos: 1, retain: false, dup: false, messageId: index + 1,
          }));
        } else if (packet.cmd === "puback") {
          open -= 1;
          if (open === 0) leave(send, guard);
        }
      });
      guard.on("data", (bytes: Buffer) => parser.parse(bytes));
      send({
        cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: KEEPALIVE_S,
        clientId: `kerbwatch${Buffer.from(random.bytes(CLIENT_ID_BYTES)).toString("hex")}`,
        ...(login && { username: login.user }),
        ...(login?.password !== undefined && { password: Buffer.from(login.password) }),
      });
    });
    const abandon = (): void => void socket.destroy();
    signal.addEventListener("abort", abandon, { once: true });
    socket.on("error", (error) => {
      why = error.message;
      socket.destroy();
    });
    socket.once("close", () => {
      signal.removeEventListener("abort", abandon);
      reject(new Error(why)); // nothing, where all was acknowledged
    });
  });
}

/** What a broker is reached by: nothing is published. */
const probeOf = (broker: SiteBroker, ports: BrokerPorts): Carrier["probe"] => async (signal) => {
  await publishAtLeastOnce(broker, [], ports, signal);
  return `the broker took the connection${broker.login === undefined ? "" : `, and ${broker.login.user}'s password`}`;
};

export function createMqttAlerts(broker: SiteBroker, topic: string, ports: BrokerPorts): Carrier {
  return { carry: ({ alerts }, signal) =>
    publishAtLeastOnce(broker, [{ topic, payload: JSON.stringify(messageOf(alerts)) }], ports, signal),
  probe: probeOf(broker, ports) };
}

/** What the charger's own software is told: what an error is called there, and what tells one from another. */
function everestErrors({ alerts }: Load, module: string): Publication[] {
  const root = `everest_api/1/generic_error_raiser/${module}/m2e`;
  const last = alerts.at(-1)!;
  // Never VendorError, which stops charging.
  const of = (subType: string) => ({ type: "VendorWarning", sub_type: `kerbwatch/${subType}` });
  if (alerts.length > 1) {
    const payload = JSON.stringify({ ...of("digest"), message: digestSummary(alerts) });
    return [{ topic: `${root}/raise_error`, payload },
      { topic: `${root}/clear_error`, payload: JSON.stringify(of("digest")) }];
  }
  const { threat, incidentId, summary, severity, state } = last;
  const error = of(`${threat}/${incidentId.slice(0, 12)}`);
  if (state === "cleared") return [{ topic: `${root}/clear_error`, payload: JSON.stringify(error) }];
  const message = plainText(`${severity}: ${summary}`, 255);
  return [{ topic: `${root}/raise_error`, payload: JSON.stringify({ ...error, message }) }];
}

/** EVerest's generic_error_raiser API: a warning stands from raised to cleared, and its OCPP module tells the CSMS. */
export function createEverestAlerts(broker: SiteBroker, module: string, ports: BrokerPorts): Carrier {
  return { carry: (load, signal) => publishAtLeastOnce(broker, everestErrors(load, module), ports, signal),
    probe: probeOf(broker, ports) };
}
