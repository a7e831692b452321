/** A broker that does what it is told: any client may connect, and hears what a test says. Real sockets on loopback. */
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import mqttPacket from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { HOST, until } from "./mesh.testing.ts";

export class TopicServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** All that clients sent, in order. */
  readonly got: Packet[] = [];
  /** What CONNECT and SUBSCRIBE are answered with. */
  returnCode = 0;
  granted = 0;

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => this.#sockets.delete(socket));
      const parser = mqttPacket.parser();
      parser.on("packet", (packet: Packet) => this.#take(socket, packet));
      socket.on("data", (bytes) => parser.parse(bytes));
    });
  }

  static async start(): Promise<TopicServer> {
    const one = new TopicServer();
    one.#server.listen(0, HOST);
    await once(one.#server, "listening");
    return one;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  of<C extends Packet["cmd"]>(cmd: C): Extract<Packet, { cmd: C }>[] {
    return this.got.filter((packet): packet is Extract<Packet, { cmd: C }> => packet.cmd === cmd);
  }

  /** Settles once so many clients have subscribed since the start. */
  subscribed(count: number): Promise<void> {
    return until(() => this.of("subscribe").length >= count, `${count} subscriptions`);
  }

  /** To everybody who is connected, subscribed or not. */
  say(topic: string, payload: string | Buffer, retain = false): void {
    const bytes = mqttPacket.generate({ cmd: "publish", topic, payload, qos: 0, retain, dup: false });
    for (const socket of this.#sockets) socket.write(bytes);
  }

  cutOff(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.cutOff();
    await closed;
  }

  #take(socket: Socket, packet: Packet): void {
    this.got.push(packet);
    if (packet.cmd === "connect") {
      socket.write(mqttPacket.generate({ cmd: "connack", returnCode: this.returnCode, sessionPresent: false }));
    } else if (packet.cmd === "subscribe") {
      socket.write(mqttPacket.generate({ cmd: "suback", messageId: packet.messageId ?? 1, granted: [this.granted] }));
    } else if (packet.cmd === "pingreq") {
      socket.write(mqttPacket.generate({ cmd: "pingresp" }));
    }
  }
}
