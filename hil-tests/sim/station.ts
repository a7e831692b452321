/** An honest charging station in virtual time: its link, its boots, its clock, its readings. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, rfc3339, type WallMs } from "../../models/units.ts";
import { meterItem, type CaptureItem, type Message, type SimVersion } from "./capture.ts";
import { dice, type Dice } from "./dice.ts";
import { ACCEPTED, bootReply, heartbeat, heartbeatReply, securityEvent, type BootReason, type Dialect,
  type Identity } from "./dialect.ts";
import { dialectOf } from "./dialects.ts";
import { Evse } from "./evse.ts";
import { CSMS_ADDRESS, CSMS_CERTIFICATE } from "./fleet.ts";
import { Link, type Exchange } from "./link.ts";
import type { LocalTime } from "../../models/local-time.ts";
import type { Profile } from "./profile.ts";
import type { Quirks } from "./quirks.ts";
import type { PlannedSession } from "./sessions.ts";
import type { Timeline } from "./timeline.ts";

export interface StationSpec {
  readonly station: string;
  readonly ocppVersion: SimVersion;
  readonly seed: number;
  readonly evses: number;
  /** Rated power of one EVSE, W. */
  readonly ratedW: number;
  readonly profile: Profile;
  readonly local: LocalTime;
  readonly quirks: Quirks;
  readonly meterEveryS: number;
  readonly meterSide: "ac-input" | "evse-output";
  /** Interval of clock-aligned readings, s; 0: none. */
  readonly clockAlignedS: number;
  readonly outageEveryDays: number;
  readonly rebootEveryDays: number;
}

/** What happened, for the ground truth. */
export interface HonestCounts {
  sessions: number;
  refusals: number;
  outages: number;
  reboots: number;
  firmwareOrders: number;
  commands: number;
  meterSamples: number;
}

export class Station {
  readonly spec: StationSpec;
  readonly timeline: Timeline<CaptureItem>;
  readonly dialect: Dialect;
  readonly link: Link;
  readonly evses: readonly Evse[];
  readonly counts: HonestCounts =
    { sessions: 0, refusals: 0, outages: 0, reboots: 0, firmwareOrders: 0, commands: 0, meterSamples: 0 };
  heartbeatS = 300;
  sampleS = 60;
  firmwareVersion = "2.0.0";
  /** How far its clock is ahead of UTC, ms. */
  clockOffsetMs: number;
  /** Of those who come, the share whom the reader or the CSMS refuses first. */
  refusalShare: number;
  /** Nothing is heard of the agent's meter. */
  meterSilent = false;
  heartbeatSilent = false;
  private powered = true;
  private readonly chance: Dice;
  private readonly meterChance: Dice;
  private transactionId: number;
  private requestId = 0;

  constructor(spec: StationSpec, timeline: Timeline<CaptureItem>) {
    this.spec = spec;
    this.timeline = timeline;
    this.dialect = dialectOf(spec.ocppVersion);
    this.clockOffsetMs = spec.quirks.clockOffsetMs ?? 0;
    this.refusalShare = spec.profile.refusalShare;
    this.chance = dice(spec.seed, "station");
    this.meterChance = dice(spec.seed, "meter");
    this.link = new Link(spec, timeline, dice(spec.seed, "link"));
    this.transactionId = 1_000 + this.chance.int(1_000_000);
    this.evses = Array.from({ length: spec.evses }, (_, i) => new Evse(this, i + 1, dice(spec.seed, `evse ${i + 1}`)));
  }

  start(plans: Iterable<PlannedSession>): void {
    this.comeBack("PowerUp");
    this.after(this.heartbeatS * SECOND_MS, () => this.beat());
    this.readMeters(this.timeline.now);
    if (this.spec.clockAlignedS > 0) this.nextQuarter();
    this.nextVisit(plans[Symbol.iterator]());
    this.misfortune(this.spec.outageEveryDays, () => this.loseLink());
    this.misfortune(this.spec.rebootEveryDays, () => this.reboot("Watchdog"));
  }

  get idle(): boolean {
    return this.evses.every((evse) => !evse.busy);
  }

  /** A call from the station; lost when the link is down. */
  call(message: Message, reply: object = {}, then?: () => void): void {
    this.link.send({ from: "station", message, reply, ...(then === undefined ? {} : { then }) });
  }

  /** A call from the station that waits until the link is up; `undefined` messages do not exist in this version. */
  keep(message: () => Message | undefined, reply: Exchange["reply"]): void {
    this.link.send({ from: "station", message: message as () => Message, reply, keep: true });
  }

  /** A call from the CSMS; the CSMS does not try while the link is down. */
  command(message: Message, reply: object = ACCEPTED, then?: () => void): void {
    if (!this.link.up) return;
    this.counts.commands += 1;
    this.link.send({ from: "csms", message, reply, ...(then === undefined ? {} : { then }) });
  }

  /** The time as this station writes it. */
  stamp(at: WallMs = this.timeline.now): string {
    const { localTimestamps } = this.spec.quirks;
    const said = (at + this.clockOffsetMs) as WallMs;
    if (localTimestamps !== true) return rfc3339(said);
    return rfc3339((said + this.spec.local.offsetMs(said)) as WallMs).slice(0, 19);
  }

  nextRequestId(): number {
    this.requestId += 1;
    return this.requestId;
  }

  /** The CSMS numbers the transactions of all its stations. */
  nextTransactionId(): number {
    this.transactionId += 1 + this.chance.int(40);
    return this.transactionId;
  }

  reboot(reason: BootReason): void {
    this.counts.reboots += 1;
    this.link.disconnect(reason === "Watchdog" ? 1006 : 1001);
    for (const evse of this.evses) {
      evse.interrupt(reason === "Watchdog" ? "PowerLoss" : "Reboot");
      if (this.spec.quirks.registerResets === "boot") evse.metering.resetStation(this.timeline.now);
    }
    this.after(this.chance.uniform(40, 150) * SECOND_MS, () => this.comeBack(reason));
  }

  /** The feeder is without power for a while: link, vehicles, station and the agent's meter. */
  powerCut(lengthMs: number): void {
    if (!this.powered) return;
    this.powered = false;
    this.link.disconnect(1006);
    for (const evse of this.evses) evse.interrupt("PowerLoss");
    this.after(lengthMs, () => {
      this.powered = true;
      this.after(this.chance.uniform(30, 90) * SECOND_MS, () => this.comeBack("PowerUp"));
    });
  }

  /** The CSMS is away for a while, and taken up again at `backMs`. */
  outage(backMs: number): void {
    if (!this.link.up) return;
    this.counts.outages += 1;
    this.link.disconnect(1006);
    this.after(backMs, () => this.comeBack());
  }

  after(ms: number, task: () => void): void {
    this.timeline.schedule(Math.round(this.timeline.now + ms) as WallMs, task);
  }

  private get identity(): Identity {
    const { station } = this.spec;
    return { vendor: "Simulated", model: `SIM-${this.spec.evses}`, serial: station.slice(0, 25),
      firmwareVersion: this.firmwareVersion };
  }

  private comeBack(reason?: BootReason): void {
    if (!this.powered || this.link.connected) return; // whoever switches the power on again brings it back
    this.link.connect(CSMS_ADDRESS, CSMS_CERTIFICATE);
    if (reason === undefined) {
      this.link.open();
      if (this.chance.chance(0.5)) this.tellStates();
      return;
    }
    const accepted = (): void => {
      this.link.open();
      this.call(securityEvent("StartupOfTheDevice", this.stamp()));
      this.tellStates();
    };
    const message = this.dialect.boot(this.identity, reason);
    const reply = (): object => bootReply(rfc3339(this.timeline.now), this.heartbeatS);
    this.link.send({ from: "station", boot: true, message, reply, then: accepted });
  }

  private tellStates(): void {
    for (const evse of this.evses) evse.tellState();
  }

  private loseLink(): void {
    if (!this.link.up) return;
    this.counts.outages += 1;
    this.link.disconnect(this.chance.chance(0.7) ? 1006 : 1001);
    const downMs = Math.min(6 * HOUR_MS, 15 * SECOND_MS + this.chance.logNormal(3 * MINUTE_MS, 1.2));
    this.after(downMs, () => this.comeBack());
  }

  private misfortune(everyDays: number, happen: () => void): void {
    if (!(everyDays > 0)) return;
    this.after(this.chance.exponential(everyDays * DAY_MS), () => {
      if (this.link.up) happen();
      this.misfortune(everyDays, happen);
    });
  }

  beatOnce(): void {
    this.call(heartbeat, heartbeatReply(rfc3339(this.timeline.now)));
  }

  private beat(): void {
    if (!this.heartbeatSilent) this.beatOnce();
    this.after(this.heartbeatS * SECOND_MS, () => this.beat());
  }

  private nextQuarter(): void {
    const stepMs = this.spec.clockAlignedS * SECOND_MS;
    const at = (Math.floor(this.timeline.now / stepMs) + 1) * stepMs;
    this.timeline.schedule(at as WallMs, () => {
      if (this.spec.quirks.noMeterValues !== true) this.evses.forEach((evse) => this.tellClockReading(evse));
      this.nextQuarter();
    });
  }

  private tellClockReading(evse: Evse): void {
    if (evse.transaction !== undefined) evse.sendReading(evse.transaction, "Sample.Clock");
    else this.call(this.dialect.clockReading(evse.id, evse.reading("Sample.Clock")));
  }

  private readMeters(dueAt: WallMs): void {
    const { station, meterEveryS } = this.spec;
    for (const evse of this.evses) {
      if (this.meterChance.chance(0.0005)) continue; // a Modbus time-out now and then
      if (this.meterSilent || !this.powered) continue;
      const at = this.timeline.now;
      this.timeline.emit(at, meterItem(station, at, evse.metering.read(at)));
      this.counts.meterSamples += 1;
    }
    const nextAt = (dueAt + meterEveryS * SECOND_MS) as WallMs;
    const late = this.meterChance.int(60);
    this.timeline.schedule((nextAt + late) as WallMs, () => this.readMeters(nextAt));
  }

  private nextVisit(plans: Iterator<PlannedSession>): void {
    let { value: plan, done } = plans.next();
    while (done !== true && plan.plugInAt < this.timeline.now) ({ value: plan, done } = plans.next());
    if (done === true) return;
    this.timeline.schedule(plan.plugInAt, () => {
      this.arrive(plan);
      this.nextVisit(plans);
    });
  }

  /** To the EVSE that the plan names, as soon as it is free, or to any free one; else the vehicle drives on. */
  private arrive(plan: PlannedSession): void {
    if (!this.powered) return;
    const named = plan.evseId === undefined ? undefined : this.evses[(plan.evseId - 1) % this.evses.length];
    const evse = named ?? this.evses.find(({ busy }) => !busy);
    if (evse !== undefined && !evse.busy) evse.visit(plan);
    else if (named !== undefined && this.timeline.now + MINUTE_MS < plan.plugOutAt) {
      this.after(MINUTE_MS / 2, () => this.arrive(plan));
    }
  }
}
