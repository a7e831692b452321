/** The physics of one EVSE: a vehicle that draws power until it is full, and the energy that has flowed. */
import { HOUR_MS, type WallMs } from "../../models/units.ts";

/** The last tenth of the energy wanted is drawn with falling power (constant voltage), as batteries do. */
const TAPER_SHARE = 0.1;
/** Below this share of full power the vehicle stops. */
const CUT_OFF = 0.04;
/** 6 A at 230 V, W a phase: no vehicle is told of less (IEC 61851-1, annex A). */
const LEAST_W = 6 * 230;
/** A vehicle that takes more has three phases (32 A on one). */
const ONE_PHASE_W = 32 * 253;

interface Vehicle {
  readonly fullW: number;
  readonly taperWh: number;
  leftWh: number;
}

export class Outlet {
  /** Energy that has left the outlet since the beginning, Wh. */
  deliveredWh = 0;
  /** What the station allows, W; the CSMS may lower it. */
  limitW = Number.POSITIVE_INFINITY;
  /** Whether a vehicle is given 6 A where the station is told of less, though not of nothing. */
  clamps = false;
  private vehicle: Vehicle | undefined;
  private at: WallMs;

  constructor(from: WallMs) {
    this.at = from;
  }

  get powerW(): number {
    const { vehicle } = this;
    if (vehicle === undefined) return 0;
    const wanted = vehicle.fullW * Math.min(1, vehicle.leftWh / vehicle.taperWh);
    return wanted < vehicle.fullW * CUT_OFF ? 0 : Math.min(wanted, this.allowedW(vehicle));
  }

  private allowedW({ fullW }: Vehicle): number {
    const leastW = this.clamps && this.limitW > 0 ? LEAST_W * (fullW > ONE_PHASE_W ? 3 : 1) : 0;
    return Math.max(this.limitW, leastW);
  }

  /** Closes the contactor for a vehicle that would take `energyWh` at up to `fullW`. */
  close(at: WallMs, energyWh: number, fullW: number): void {
    this.advance(at);
    if (energyWh <= 0) return;
    const taperWh = Math.max(1, energyWh * TAPER_SHARE);
    this.vehicle = { fullW, taperWh, leftWh: energyWh + taperWh * CUT_OFF };
  }

  open(at: WallMs): void {
    this.advance(at);
    this.vehicle = undefined;
  }

  /** Lets power flow until `at`. Exact for any steps: constant power to the taper, exponential decay in it. */
  advance(at: WallMs): void {
    const { vehicle } = this;
    let hours = (at - this.at) / HOUR_MS;
    this.at = at;
    if (vehicle === undefined || this.powerW === 0 || hours <= 0) return;
    const before = vehicle.leftWh;
    const ceilingW = Math.min(vehicle.fullW, this.allowedW(vehicle));
    const taperFromWh = (vehicle.taperWh * ceilingW) / vehicle.fullW;
    const constantH = Math.min(hours, Math.max(0, before - taperFromWh) / ceilingW);
    vehicle.leftWh -= ceilingW * constantH;
    hours -= constantH;
    if (hours > 0) {
      const floorWh = vehicle.taperWh * CUT_OFF;
      vehicle.leftWh = Math.max(floorWh * 0.999, vehicle.leftWh * Math.exp((-vehicle.fullW * hours) / vehicle.taperWh));
    }
    this.deliveredWh += before - vehicle.leftWh;
  }
}
