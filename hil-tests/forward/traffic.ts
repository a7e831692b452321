/** The two ends of a relay: a charger that calls, and a CSMS that answers at once; both in this process. */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import type { Tls, Transport } from "./relays.ts";

export interface Ends {
  readonly port: number;
  /** A charger that is connected over `port`. */
  dial(port: number): Promise<WebSocket>;
  close(): void;
}

/** Bytes of a frame that are not its filling: enough for any message id. */
const AROUND = 130;

/** As answers are about as long as calls, both directions carry the same. */
function filling(bytes: number): string {
  const value = '{"value":"230.1","measurand":"Voltage","phase":"L1","unit":"V"},';
  return value.repeat(Math.ceil(bytes / value.length)).slice(0, Math.max(0, bytes - AROUND)).replaceAll('"', "'");
}

/** A call of about `bytes` characters (DataTransfer: both ways carry what the parties like). */
export function callOf(id: string, bytes: number): string {
  return `[2,"${id}","DataTransfer",{"vendorId":"org.example.bench","data":"${filling(bytes)}"}]`;
}

/** Opens a CSMS whose answers are `bytes` long. */
export async function openEnds(transport: Transport, bytes: number, tls: Tls | undefined): Promise<Ends> {
  const perMessageDeflate = transport === "deflate" && { threshold: 0 };
  const http = tls === undefined ? createHttpServer() : createHttpsServer(tls);
  const server = new WebSocketServer({ server: http, perMessageDeflate, handleProtocols: () => "ocpp1.6" });
  const rest = `",{"status":"Accepted","data":"${filling(bytes)}"}]`;
  server.on("connection", (station) => station.on("message", (data) => station.send(`[3,"${idOf(data)}${rest}`)));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return {
    port: (http.address() as AddressInfo).port,
    dial: async (port) => {
      const url = `${tls === undefined ? "ws" : "wss"}://127.0.0.1:${port}/CP-001`;
      const charger = new WebSocket(url, ["ocpp1.6"], { perMessageDeflate, ...(tls !== undefined && { ca: tls.ca }) });
      await once(charger, "open");
      return charger;
    },
    close: () => {
      for (const station of server.clients) station.terminate();
      http.close();
    },
  };
}

/** The second element of a call, without reading the rest: `[2,"id",...`. */
function idOf(data: RawData): string {
  const head = (data as Buffer).toString("latin1", 0, 60);
  return head.slice(4, head.indexOf('"', 4));
}

let lastId = 0;

/** Calls one after another; how long each took, µs. */
export async function roundTrips(charger: WebSocket, call: string, count: number): Promise<Float64Array> {
  const times = new Float64Array(count);
  let [done, begun] = [0, 0];
  await new Promise<void>((resolve) => {
    const next = (): void => {
      begun = performance.now();
      charger.send(numbered(call));
    };
    const answered = (): void => {
      times[done++] = (performance.now() - begun) * 1000;
      if (done < count) return next();
      charger.off("message", answered);
      resolve();
    };
    charger.on("message", answered);
    next();
  });
  return times;
}

/** `count` calls, at most `inFlight` of them without an answer; seconds that it took. */
export async function pipelined(charger: WebSocket, call: string, count: number, inFlight: number): Promise<number> {
  const begun = performance.now();
  let [sent, done] = [0, 0];
  await new Promise<void>((resolve) => {
    const send = (): void => {
      sent += 1;
      charger.send(numbered(call));
    };
    const answered = (): void => {
      done += 1;
      if (sent < count) send();
      if (done < count) return;
      charger.off("message", answered);
      resolve();
    };
    charger.on("message", answered);
    for (let i = 0; i < Math.min(inFlight, count); i++) send();
  });
  return (performance.now() - begun) / 1000;
}

const TURN_MS = 20;

/** The same, at most `perS` calls a second: a turn's worth at a time, and nothing is made up for that came late. */
export async function paced(
  charger: WebSocket, call: string, count: number, pace: { readonly inFlight: number; readonly perS: number },
): Promise<void> {
  const { inFlight, perS } = pace;
  const each = Math.max(1, Math.min(count, Math.floor(perS * TURN_MS / 1000)));
  for (let left = count; left > 0; left -= each) {
    const tookS = await pipelined(charger, call, Math.min(each, left), inFlight);
    if (Number.isFinite(perS)) await setTimeout(Math.max(0, TURN_MS - tookS * 1000));
  }
}

/** The same call with an id of its own: ocpp-rpc refuses one that is under way already. */
function numbered(call: string): string {
  lastId += 1;
  return call.replace("ID", lastId.toString(36));
}
