/**
 * Alerts to a syslog receiver over UDP, TCP or TLS. Over a stream a message counts as taken once the receiver has
 * closed its side after ours: it has then read all of it, which syslog itself has no word for.
 */
import { createSocket } from "node:dgram";
import { connect, isIP } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { octetCounted, syslogText } from "../../alert/syslog-text.ts";
import type { SyslogConfig } from "../../config-outlets.ts";
import type { Carrier } from "./courier.ts";
import { probeStream } from "./probe.ts";

/** @param ca authorities, PEM text; absent: the system's */
export function createSyslog(
  config: Omit<SyslogConfig, "least" | "all" | "ca">, ca: string | Buffer | undefined,
): Carrier {
  const { address: { host, port }, transport } = config;
  return { carry({ alerts }, signal) {
    const text = syslogText(alerts, config);
    if (transport === "udp") return sendPacket(host, port, text);
    return sendStream(() => (transport === "tcp" ? connect({ host, port, allowHalfOpen: true }) : connectTls({
      host, port, minVersion: "TLSv1.2", ...(ca !== undefined && { ca }), ...(isIP(host) === 0 && { servername: host }),
    })), transport === "tls" ? "secureConnect" : "connect", octetCounted(text), signal);
  }, probe(signal) {
    if (transport === "udp") return Promise.resolve("over UDP nobody tells whether it arrives");
    return probeStream({ host, port }, transport === "tls" ? { ca } : undefined, signal);
  } };
}

function sendPacket(host: string, port: number, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIP(host) === 6 ? "udp6" : "udp4");
    const done = (error: Error | null): void => {
      socket.close();
      if (error === null) resolve();
      else reject(error);
    };
    socket.once("error", done);
    socket.send(text, port, host, done);
  });
}

function sendStream(dial: () => Socket, ready: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = dial();
    let wasSent = false;
    const abandon = (): void => void socket.destroy(new Error("given up"));
    signal.addEventListener("abort", abandon, { once: true });
    socket.once(ready, () => socket.end(bytes, () => {
      wasSent = true;
    }));
    socket.resume(); // nothing is expected, and without reading there is no end
    socket.once("error", (error) => {
      reject(error);
      socket.destroy();
    });
    socket.once("close", () => {
      signal.removeEventListener("abort", abandon);
      if (wasSent) resolve();
      else reject(new Error("the receiver closed the connection"));
    });
  });
}
