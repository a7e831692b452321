/** An agent's pure core on the bench: OCPP 1.6 frames, meter readings and time go in, effects come out. */
import type { Direction } from "../models/terms.ts";
import { type MonotonicMs, type Now, SECOND_MS, type StationId, type WallMs, type ZoneId } from "../models/units.ts";
import { nodeCrypto, signerFromSeed } from "./adapters/crypto.ts";
import { type Core, createCore } from "./core.ts";
import type { Logged } from "./logged.ts";
import type { Memory } from "./memory.ts";
import { step } from "./pipeline.ts";
import type { AgentEvent, Effect } from "./ports.ts";
import { originOf } from "./record/checkpoint.ts";
import { createRecord, NEW_LOG } from "./record/record.ts";
import type { Believed } from "./words.ts";

export const crypto = nodeCrypto();
export const START = Date.UTC(2026, 2, 2, 8) as WallMs;
export const STATION = "CP-001" as StationId;
export const EPOCH_S = 10;

/** One thing that happens, seconds after the start. */
export interface Happening {
  readonly s: number;
  readonly event: AgentEvent;
}

export interface BenchOptions {
  readonly memory?: Memory;
  /** Monotonic time at the start, ms: as after a restart. */
  readonly monoMs?: number;
  /** What the wall clock is ahead of the true time, ms, so many seconds after the start. */
  readonly wallAheadMs?: (s: number) => number;
  /** Whose words count. */
  readonly people?: Believed["roster"];
  /** What the log tells at the start. */
  readonly logged?: Logged;
}

export class CoreBench {
  readonly core: Core;
  readonly effects: Effect[] = [];
  readonly #monoMs: number;
  readonly #wallAheadMs: (s: number) => number;

  constructor({ memory, monoMs = 0, wallAheadMs = () => 0, people, logged }: BenchOptions = {}, startS = 0) {
    this.#wallAheadMs = wallAheadMs;
    this.#monoMs = monoMs - startS * SECOND_MS;
    this.core = createCore({
      station: STATION, region: "example", zone: "feeder-7" as ZoneId, epochS: EPOCH_S, crypto,
      site: { csmsHost: "csms.example" }, tokenSecret: new Uint8Array(32).fill(7), earliest: 0 as WallMs,
      statementSigner: signerFromSeed(new Uint8Array(32).fill(1)),
      log: createRecord({
        origin: originOf(STATION), crypto, signer: signerFromSeed(new Uint8Array(32).fill(2)), recovered: NEW_LOG,
      }),
      ...(memory !== undefined && { memory }), ...(logged !== undefined && { logged }), people,
    }, this.now(startS));
  }

  now(s: number): Now {
    const wallMs = (START + s * SECOND_MS + this.#wallAheadMs(s)) as WallMs;
    return { wallMs, monoMs: (this.#monoMs + s * SECOND_MS) as MonotonicMs };
  }

  take({ s, event }: Happening): Effect[] {
    const effects = step(this.core.state, event, this.now(s));
    this.effects.push(...effects);
    return effects;
  }

  takeAll(story: readonly Happening[]): Effect[] {
    return story.flatMap((happening) => this.take(happening));
  }
}

/** Writes a story in OCPP 1.6; message ids count up. */
export class Story {
  readonly happenings: Happening[] = [];
  #messages = 0;
  #transactions = 0;
  registerWh = 10_000;

  add(s: number, event: AgentEvent): void {
    this.happenings.push({ s, event });
  }

  frame(s: number, direction: Direction, message: unknown): void {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    this.add(s, { kind: "frame", direction, text, ocppVersion: "1.6" });
  }

  call(s: number, from: "station" | "csms", action: string, payload: object, result: object): void {
    const id = `m${this.#messages++}`;
    this.frame(s, from === "station" ? "cp-to-csms" : "csms-to-cp", [2, id, action, payload]);
    this.frame(s + 0.2, from === "station" ? "csms-to-cp" : "cp-to-csms", [3, id, result]);
  }

  boot(s: number): void {
    const who = { chargePointVendor: "V", chargePointModel: "M", firmwareVersion: "1.0" };
    this.call(s, "station", "BootNotification", who,
      { status: "Accepted", currentTime: this.#time(s), interval: 300 });
  }

  heartbeats(fromS: number, toS: number): void {
    for (let s = fromS; s < toS; s += 300) this.call(s, "station", "Heartbeat", {}, { currentTime: this.#time(s) });
  }

  guess(s: number, idTag: string): void {
    this.call(s, "station", "Authorize", { idTag }, { idTagInfo: { status: "Invalid" } });
  }

  ticks(fromS: number, toS: number): void {
    for (let s = Math.ceil(fromS / EPOCH_S) * EPOCH_S; s < toS; s += EPOCH_S) this.add(s, { kind: "tick" });
  }

  /** A session of 7.2 kW with readings every 10 s and reports every minute; `factor`: delivered over billed. */
  session(fromS: number, minutes: number, idTag: string, factor = 1): void {
    const transactionId = 100 + this.#transactions++;
    const timestamp = (s: number) => this.#time(s);
    const meter = (s: number, delivered: number, powerW: number): void => this.add(s, {
      kind: "meter", side: "evse-output", reading: { evseId: 1, powerW, energyImportWh: 50_000 + delivered } });
    const base = this.registerWh;
    meter(fromS - 1, base * 10, 0);
    this.call(fromS, "station", "StartTransaction",
      { connectorId: 1, idTag, meterStart: base, timestamp: timestamp(fromS) },
      { transactionId, idTagInfo: { status: "Accepted" } });
    for (let s = 10; s <= minutes * 60; s += 10) {
      meter(fromS + s, base * 10 + 2 * s * factor, 7_200 * factor);
      this.registerWh = base + 2 * s;
      if (s % 60 !== 0) continue;
      const sampledValue = [{ value: String(this.registerWh), measurand: "Energy.Active.Import.Register", unit: "Wh" }];
      this.call(fromS + s + 0.5, "station", "MeterValues",
        { connectorId: 1, transactionId, meterValue: [{ timestamp: timestamp(fromS + s), sampledValue }] }, {});
    }
    const endS = fromS + minutes * 60 + 1;
    this.call(endS, "station", "StopTransaction",
      { transactionId, idTag, meterStop: this.registerWh, timestamp: timestamp(endS), reason: "Local" }, {});
  }

  /** The happenings in order of time, those of one moment as they were told. */
  inOrder(): Happening[] {
    return this.happenings.map((one, index) => ({ one, index }))
      .sort((a, b) => a.one.s - b.one.s || a.index - b.index).map(({ one }) => one);
  }

  #time(s: number): string {
    return new Date(START + s * SECOND_MS).toISOString();
  }
}

/** A morning with a boot, an honest session, guesses, hostile firmware and a stolen session. */
export function eventfulStory(): Happening[] {
  const story = new Story();
  story.add(0, { kind: "link", state: "connect", remoteAddress: "192.0.2.7" });
  story.boot(1);
  story.session(600, 30, "HONEST-CARD-1");
  for (let n = 0; n < 25; n++) story.guess(4_000 + 4 * n, `GUESS-${n}-XYZ`);
  story.call(5_000, "csms", "UpdateFirmware",
    { location: "http://user:PLANTED-PASSWORD@198.51.100.7/fw.bin", retrieveDate: "2026-03-02T10:00:00Z" }, {});
  story.session(6_000, 30, "HONEST-CARD-2");
  story.session(9_000, 40, "HONEST-CARD-3", 1.4);
  const ok = { status: "Accepted" };
  story.call(12_000, "csms", "ChangeConfiguration", { key: "AuthorizationKey", value: "PLANTED-KEY" }, ok);
  story.call(12_010, "csms", "ChangeConfiguration", { key: "SecurityProfile", value: "0" }, ok);
  story.ticks(0, 20_000);
  return story.inOrder();
}
