/**
 * `npm run bench forward`: what being in line costs. Round trips on loopback between a charger and an echoing CSMS
 * (both ws), direct and through relays that each have a process of their own; then the cost of one observed frame.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { constants, deflateRawSync } from "node:zlib";
import { WebSocket, WebSocketServer } from "ws";
import { encodeFrame, RSV1 } from "../observe/websocket.testing.ts";
import { loopback } from "./forward-peers.testing.ts";
import { createCounters } from "./forward-stats.ts";
import { createForwarder } from "./splice.ts";
import { createTap, TAP_LIMITS } from "./tap.ts";

const RELAYS = ["direct", "node pipe", "observe", "ws relay"] as const;
type Relay = (typeof RELAYS)[number];
const SIZES = [200, 16_384] as const;
const NO_BUDGET = { budgetBytesPerS: Number.MAX_SAFE_INTEGER };

/** Each starts a relay to `csmsPort` and gives the port that it listens on. */
const STARTERS: Record<Exclude<Relay, "direct">, (csmsPort: number, deflate: boolean) => Promise<number>> = {
  "node pipe": async (csmsPort) => {
    const server = createServer({ noDelay: true }, (charger) => {
      const csms = connect({ port: csmsPort, host: "127.0.0.1", noDelay: true });
      charger.pipe(csms).pipe(charger);
      for (const socket of [charger, csms]) socket.on("error", () => socket.destroy());
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
  "observe": async (csmsPort) => {
    const forwarder = createForwarder({ listen: loopback(0), csms: loopback(csmsPort), limits: NO_BUDGET },
      () => undefined, console.error);
    return (await forwarder.start()).port;
  },
  "ws relay": async (csmsPort, deflate) => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: deflate });
    server.on("connection", (charger, request) => {
      const csms = new WebSocket(`ws://127.0.0.1:${csmsPort}${request.url}`, { perMessageDeflate: deflate });
      csms.on("open", () => {
        charger.on("message", (data, binary) => csms.send(data, { binary }));
        csms.on("message", (data, binary) => charger.send(data, { binary }));
        charger.send("ready");
      });
      charger.on("close", () => csms.terminate());
    });
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
};

interface Target {
  readonly relay: Relay;
  readonly port: number;
  readonly process?: ChildProcess;
}

const RELAY_VARIABLE = "KERBWATCH_BENCH_RELAY";

async function startTarget(relay: Relay, csmsPort: number, deflate: boolean): Promise<Target> {
  if (relay === "direct") return { relay, port: csmsPort };
  const env = { ...process.env, [RELAY_VARIABLE]: JSON.stringify({ relay, csmsPort, deflate }) };
  const child = fork(fileURLToPath(import.meta.url), { env });
  const [port] = await once(child, "message") as [number];
  return { relay, port, process: child };
}

/** What a relay does in its process: tells its port, and its processor time so far (µs) whenever it is asked. */
async function beRelay(job: string): Promise<void> {
  const { relay, csmsPort, deflate } =
    JSON.parse(job) as { relay: keyof typeof STARTERS; csmsPort: number; deflate: boolean };
  process.send?.(await STARTERS[relay](csmsPort, deflate));
  process.on("message", () => process.send?.(cpuUs()));
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function cpuUsOf(target: Target): Promise<number> {
  if (target.process === undefined) return 0;
  const answer = once(target.process, "message") as Promise<[number]>;
  target.process.send("cpu");
  return (await answer)[0];
}

/** A text that looks like OCPP, of the given length. */
function sample(size: number): string {
  const value = '{"value":"230.1","measurand":"Voltage","phase":"L1","unit":"V"},';
  const frame = `[2,"a1","MeterValues",{"connectorId":1,"meterValue":[${value.repeat(size / value.length)}]}]`;
  return frame.slice(0, size);
}

interface Trips {
  readonly timesUs: number[];
  cpuUs: number;
}

/** One connection, and round trips one after another. */
async function roundTrips(target: Target, deflate: boolean, text: string, count: number, into: Trips): Promise<void> {
  const charger = new WebSocket(`ws://127.0.0.1:${target.port}/CP-1`,
    { perMessageDeflate: deflate && { threshold: 0 } });
  if (target.relay === "ws relay") await once(charger, "message");
  else await once(charger, "open");
  const warmUp = Math.min(200, count);
  let begun = 0;
  const before = await cpuUsOf(target);
  await new Promise<void>((resolve) => {
    let done = -warmUp;
    charger.on("message", () => {
      if (done >= 0) into.timesUs.push((performance.now() - begun) * 1000);
      done += 1;
      if (done >= count) return resolve();
      begun = performance.now();
      charger.send(text);
    });
    charger.send(text);
  });
  into.cpuUs += ((await cpuUsOf(target) - before) * count) / (count + warmUp);
  charger.terminate();
}

interface Row {
  readonly relay: Relay;
  readonly deflate: boolean;
  readonly bytes: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** What the relay adds to `direct`, over what the Node pipe adds. */
  readonly addedP50OverPipe?: number;
  readonly addedP99OverPipe?: number;
  readonly p50OverDirect: number;
  /** Processor time of the relay for each frame. */
  readonly cpuUsPerFrame?: number;
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
const round = (value: number): number => Math.round(value * 100) / 100;

async function measure(deflate: boolean, bytes: number, rounds: number, count: number): Promise<Row[]> {
  const csms = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: deflate && { threshold: 0 } });
  csms.on("connection", (station) => station.on("message", (data, binary) => station.send(data, { binary })));
  await once(csms, "listening");
  const targets: Target[] = [];
  for (const relay of RELAYS) targets.push(await startTarget(relay, (csms.address() as AddressInfo).port, deflate));
  const trips = targets.map((): Trips => ({ timesUs: [], cpuUs: 0 }));
  // Turn and turn about, so that a noisy moment hits all alike.
  for (let i = 0; i < rounds; i++) {
    for (const [t, target] of targets.entries()) {
      await roundTrips(target, deflate, sample(bytes), count, trips[t] as Trips);
    }
  }
  for (const target of targets) target.process?.kill();
  csms.close();
  return rowsOf(targets, trips, deflate, bytes);
}

function rowsOf(targets: readonly Target[], trips: readonly Trips[], deflate: boolean, bytes: number): Row[] {
  const times = trips.map(({ timesUs }) => timesUs.sort((a, b) => a - b));
  const at = (relay: Relay, q: number): number => quantile(times[RELAYS.indexOf(relay)] ?? [], q);
  return targets.map(({ relay }, t): Row => {
    const added = (q: number): number =>
      round((at(relay, q) - at("direct", q)) / (at("node pipe", q) - at("direct", q)));
    const frames = 2 * (trips[t]?.timesUs.length ?? 0);
    return {
      relay, deflate, bytes, p50Us: round(at(relay, 0.5)), p99Us: round(at(relay, 0.99)),
      p50OverDirect: round(at(relay, 0.5) / at("direct", 0.5)),
      ...(relay === "direct" ? {} : { addedP50OverPipe: added(0.5), addedP99OverPipe: added(0.99),
        cpuUsPerFrame: round((trips[t]?.cpuUs ?? 0) / frames) }),
    };
  });
}

/** Processor time of one frame in the tap, from its bytes to the event, µs. */
function observedFrameUs(bytes: number, deflate: boolean, count: number): number {
  const payload = Buffer.from(sample(bytes));
  const wire = deflate ? deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4) : payload;
  const frame = encodeFrame({ opcode: 1, rsv: deflate ? RSV1 : 0, mask: Uint8Array.of(1, 2, 3, 4), payload: wire });
  let seen = 0;
  const parameters = { clientNoContextTakeover: false, serverNoContextTakeover: false };
  const tap = createTap({ extensions: deflate ? { kind: "deflate", parameters } : { kind: "none" } }, {
    limits: { ...TAP_LIMITS, ...NO_BUDGET }, counters: createCounters(), monoMs: () => performance.now(),
    emit: () => {
      seen += 1;
    }, notice: () => undefined,
  });
  for (let i = 0; i < count / 4; i++) tap.push("cp-to-csms", frame);
  const begun = cpuUs();
  for (let i = 0; i < count; i++) tap.push("cp-to-csms", frame);
  const us = (cpuUs() - begun) / count;
  if (seen !== count + Math.ceil(count / 4)) throw new Error(`the tap saw ${seen} frames`);
  return round(us);
}

function print(rows: readonly Row[]): void {
  console.log("relay      deflate  bytes   p50 µs   p99 µs  p50/direct  added p50/pipe  added p99/pipe   CPU µs/frame");
  const cell = (value: number | undefined, width: number): string => String(value ?? "").padStart(width);
  for (const row of rows) {
    console.log(`${row.relay.padEnd(10)} ${String(row.deflate).padEnd(7)} ${cell(row.bytes, 6)} ` +
      `${cell(row.p50Us, 8)} ${cell(row.p99Us, 8)} ${cell(row.p50OverDirect, 11)} ${cell(row.addedP50OverPipe, 15)} ` +
      `${cell(row.addedP99OverPipe, 15)} ${cell(row.cpuUsPerFrame, 14)}`);
  }
}

async function main(): Promise<void> {
  const options = { json: { type: "string" }, quick: { type: "boolean" } } as const;
  const { values } = parseArgs({ options });
  const [rounds, count] = values.quick === true ? [2, 400] : [8, 1_500];
  const rows: Row[] = [];
  for (const deflate of [false, true]) {
    for (const bytes of SIZES) rows.push(...await measure(deflate, bytes, rounds, count));
  }
  print(rows);
  const observed = [false, true].flatMap((deflate) => SIZES.map((bytes) =>
    ({ bytes, deflate, usPerFrame: observedFrameUs(bytes, deflate, values.quick === true ? 2_000 : 20_000) })));
  console.log("\none observed frame, from bytes to event, processor time:");
  for (const { bytes, deflate, usPerFrame } of observed) {
    console.log(`  ${bytes} bytes, ${deflate ? "deflate" : "plain"}: ${usPerFrame} µs`);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ rows, observed }, null, 2)}\n`);
}

const job = process.env[RELAY_VARIABLE];
if (job === undefined) await main();
else await beRelay(job);
