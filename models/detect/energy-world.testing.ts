/** A vehicle, the station's register and the agent's meter, each on its own account, for tests of energy-theft. */
import type { MeterSide } from "../terms.ts";
import { Bench, type Seen } from "./detector.testing.ts";
import { energyTheft, type EnergyTheft } from "./energy-theft.ts";

const MINUTE = 60;
const HOUR = 3_600;

export interface Session {
  readonly fromS: number;
  readonly minutes: number;
  readonly powerW: number;
  readonly evseId?: number;
  /** Delivered over billed; 1: honest. */
  readonly factor?: number;
  /** Seconds between MeterValues, and between readings of the agent's meter. */
  readonly reportS?: number;
  readonly meterS?: number;
  /** When within that interval the meter is read, s. */
  readonly meterAtS?: number;
  /** What the vehicle takes at a second of the session, as a share of `powerW`. */
  readonly share?: (s: number) => number;
  readonly side?: MeterSide;
  /** Resolution of what the station reports, and of the meter's register, Wh. */
  readonly stepWh?: number;
  readonly meterStepWh?: number;
  /** What the next report is late by, s. */
  readonly lateS?: () => number;
  /** Whether the station's register starts at zero with each session. */
  readonly resets?: boolean;
}

export class World {
  readonly bench: Bench<EnergyTheft>;
  deliveredWh = 50_000;
  billedWh = 120_000;
  meterStepWh = 1;
  #sessions = 0;

  constructor(bench: Bench<EnergyTheft> = new Bench(energyTheft)) {
    this.bench = bench;
  }

  meter(seconds: number, powerW: number, side: MeterSide = "evse-output", evseId = 1): void {
    const energyImportWh = this.meterStepWh * Math.round(this.deliveredWh / this.meterStepWh);
    const reading = { evseId, powerW, energyImportWh };
    this.bench.see({ kind: "meter-reading", reading, side }, seconds);
  }

  idle(fromS: number, seconds: number, powerW = 20, everyS = 30): void {
    for (let s = 0; s < seconds; s += everyS) {
      this.deliveredWh += (powerW * everyS) / HOUR;
      this.meter(fromS + s, powerW);
    }
  }

  /** Plays one session, second by second where something happens. */
  session(told: Session): void {
    const { fromS, minutes, powerW, evseId = 1, factor = 1, reportS = 60, meterS = 10, stepWh = 1 } = told;
    const { side = "evse-output", lateS = () => 0, resets = false, meterAtS = 0, share = () => 1 } = told;
    this.meterStepWh = told.meterStepWh ?? 1;
    const id = `tx-${this.#sessions++}`;
    const base = resets ? this.billedWh : 0;
    const register = (): number => Math.floor((this.billedWh - base) / stepWh) * stepWh;
    this.meter(fromS - 1, 0, side, evseId);
    this.bench.see(
      { kind: "transaction-started", transactionId: id, evseId, registerWh: register(), offline: false }, fromS);
    const queue: { at: number; seen: Seen }[] = [];
    for (let s = 1; s <= minutes * MINUTE; s++) {
      const nowW = powerW * share(s);
      this.deliveredWh += nowW / HOUR;
      this.billedWh += nowW / factor / HOUR;
      if (s % meterS === meterAtS) this.meter(fromS + s, nowW, side, evseId);
      if (s % reportS === 0) {
        const reading = { evseId, energyImportWh: register() };
        queue.push({ at: s + lateS(),
          seen: { kind: "reported-reading", reading, transactionId: id, offline: false } });
      }
      while (queue[0] !== undefined && queue[0].at <= s) this.bench.see(queue.shift()!.seen, fromS + s);
    }
    this.bench.see({ kind: "transaction-ended", transactionId: id, evseId, registerWh: register(), offline: false },
      fromS + minutes * MINUTE + 1);
  }
}
