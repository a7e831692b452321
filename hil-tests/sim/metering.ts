/** Two meters on one outlet: the station's own, whose readings are testimony, and the agent's. */
import type { WallMs } from "../../models/units.ts";
import type { MeterSample } from "./capture.ts";
import type { Dice } from "./dice.ts";
import type { Sample } from "./dialect.ts";
import type { Outlet } from "./outlet.ts";
import type { Quirks } from "./quirks.ts";

/** Class 1 (EN 50470-3) allows 1 % at rated current; makers leave the works at about a third of it. */
const BIAS_DEVIATION = 0.003;
const NOISE = 0.002;
/** Electronics, modem and contactor coil, upstream of the agent's meter only. */
const STANDBY_W = { low: 3, high: 12 };
const THREE_PHASE_FROM_W = 7_400;

export interface MeteringSpec {
  readonly side: "ac-input" | "evse-output";
  readonly quirks: Quirks;
}

export class Metering {
  private readonly outlet: Outlet;
  private readonly evseId: number;
  private readonly chance: Dice;
  private readonly spec: MeteringSpec;
  private readonly from: WallMs;
  private stationGain: number;
  /** What the station's register shows for good once its works are stuck, Wh. */
  private stuckWh: number | undefined;
  private readonly agentGain: number;
  private readonly standbyW: number;
  private readonly startWh: { station: number; readonly agent: number };

  constructor(outlet: Outlet, evseId: number, from: WallMs, chance: Dice, spec: MeteringSpec) {
    this.outlet = outlet;
    this.evseId = evseId;
    this.chance = chance;
    this.spec = spec;
    this.from = from;
    this.stationGain = 1 + chance.normal(0, BIAS_DEVIATION);
    // Before the rectifier a DC charger shows 4 to 10 % more than it delivers.
    const efficiency = spec.side === "ac-input" ? chance.uniform(0.9, 0.96) : 1;
    this.agentGain = (1 + chance.normal(0, BIAS_DEVIATION)) / efficiency;
    this.standbyW = chance.uniform(STANDBY_W.low, STANDBY_W.high);
    this.startWh = { station: Math.round(chance.uniform(5e4, 5e6)), agent: Math.round(chance.uniform(5e4, 5e6)) };
  }

  /** The station's register starts again from zero, as some do. */
  resetStation(at: WallMs): void {
    this.outlet.advance(at);
    this.startWh.station = -this.outlet.deliveredWh * this.stationGain;
  }

  /** The station's meter counts `share` more or less from now on; what it has counted stays. */
  drift(at: WallMs, share: number): void {
    this.outlet.advance(at);
    const gain = this.stationGain * (1 + share);
    this.startWh.station += this.outlet.deliveredWh * (this.stationGain - gain);
    this.stationGain = gain;
  }

  /** The station's register moves no more; its power is still told. */
  stick(at: WallMs): void {
    this.stuckWh = this.registerWh(at);
  }

  private registerWh(at: WallMs): number {
    this.outlet.advance(at);
    return Math.max(0, Math.floor(this.startWh.station + this.outlet.deliveredWh * this.stationGain));
  }

  /** What the station says of the outlet at `at`. */
  report(at: WallMs, stamp: string, context: Sample["context"]): Sample {
    this.outlet.advance(at);
    const powerW = this.noisy(this.outlet.powerW * this.stationGain);
    return {
      stamp, context, powerW, ...this.electrical(powerW),
      registerWh: this.stuckWh ?? this.registerWh(at),
      inKwh: this.spec.quirks.energyInKwh === true,
    };
  }

  /** What the agent reads from its own meter at `at`. */
  read(at: WallMs): MeterSample {
    this.outlet.advance(at);
    const powerW = this.noisy(this.outlet.powerW * this.agentGain + this.standbyW);
    const standbyWh = (this.standbyW * (at - this.from)) / 3_600_000;
    const exactWh = this.startWh.agent + this.outlet.deliveredWh * this.agentGain + standbyWh;
    const stepWh = this.spec.quirks.meterStepWh ?? 1;
    return {
      evseId: this.evseId, powerW, energyImportWh: Math.floor(exactWh / stepWh) * stepWh,
      ...this.electrical(powerW), side: this.spec.side,
    };
  }

  private noisy(powerW: number): number {
    return Math.round(10 * powerW * (1 + this.chance.uniform(-NOISE, NOISE))) / 10;
  }

  private electrical(powerW: number): { currentA: number; voltageV: number } {
    const voltageV = Math.round(10 * (230 + this.chance.uniform(-3, 3))) / 10;
    const phases = powerW > THREE_PHASE_FROM_W ? 3 : 1;
    return { currentA: Math.round((100 * powerW) / voltageV / phases) / 100, voltageV };
  }
}
