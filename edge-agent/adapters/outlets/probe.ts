/** Whether a receiver is there: name, TCP and, where it is wanted, TLS with its certificate. Nothing is sent. */
import { connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";

/** Rejects with the system's error. `tls`: absent for a plain connection; its authorities, absent: the system's. */
export function probeStream(
  { host, port }: { readonly host: string; readonly port: number },
  tls: { readonly ca: string | Buffer | undefined } | undefined, signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls === undefined ? connect({ host, port }) : connectTls({
      host, port, minVersion: "TLSv1.2", ...(tls.ca !== undefined && { ca: tls.ca }),
      ...(isIP(host) === 0 && { servername: host }),
    });
    const abandon = (): void => void socket.destroy(new Error("given up"));
    signal.addEventListener("abort", abandon, { once: true });
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      resolve(tls === undefined ? "name and TCP work, without TLS" : "name, TCP, TLS and its certificate are good");
      socket.destroy();
    });
    socket.once("error", reject);
    socket.once("close", () => {
      signal.removeEventListener("abort", abandon);
      reject(new Error("disconnected before it said who it is"));
    });
  });
}
