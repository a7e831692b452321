/** One EVSE and its visitors: plug in, present a card, charge, leave. */
import { SECOND_MS, type WallMs } from "../../models/units.ts";
import type { Dice } from "./dice.ts";
import type { AuthorizationStatus, ConnectorState, Sample, StopReason, Transaction } from "./dialect.ts";
import { Metering } from "./metering.ts";
import { Outlet } from "./outlet.ts";
import type { PlannedSession } from "./sessions.ts";
import type { Station } from "./station.ts";

/** The station gives up a charge shorter than this no sooner, whatever the plan says. */
const SHORTEST_MS = 30 * SECOND_MS;

interface Refused {
  readonly card: string;
  readonly status: AuthorizationStatus;
}

export class Evse {
  readonly id: number;
  readonly outlet: Outlet;
  readonly metering: Metering;
  busy = false;
  transaction: Transaction | undefined;
  private readonly station: Station;
  private readonly chance: Dice;
  private state: ConnectorState = "Available";
  /** Goes up with each visit: what was scheduled for an earlier one is void. */
  private visitNo = 0;

  constructor(station: Station, id: number, chance: Dice) {
    this.station = station;
    this.id = id;
    this.chance = chance;
    this.outlet = new Outlet(station.timeline.now);
    const { quirks, meterSide } = station.spec;
    this.metering = new Metering(this.outlet, id, station.timeline.now, chance, { side: meterSide, quirks });
  }

  /** A vehicle arrives; the caller has seen that the EVSE is free. */
  visit(plan: PlannedSession): void {
    this.busy = true;
    this.visitNo += 1;
    this.enter("Preparing");
    const { profile } = this.station.spec;
    if (this.chance.chance(this.station.refusalShare)) this.fumble(plan, 1);
    else if (this.chance.chance(profile.appShare)) this.after(15, 60, () => this.startByApp(plan));
    else this.after(4, 20, () => this.presentCard(plan));
  }

  /** What may flow from now on, W. */
  limit(watts: number): void {
    this.outlet.advance(this.station.timeline.now);
    this.outlet.limitW = watts;
  }

  /** The power goes, or the station restarts: a transaction ends, and who has no transaction yet drives on. */
  interrupt(reason: StopReason): void {
    if (!this.busy) return;
    if (this.transaction !== undefined) this.endTransaction(this.transaction, reason);
    this.visitNo += 1;
    this.leave();
  }

  /** Tells the CSMS the state of the connector, as after a boot. */
  tellState(): void {
    const { station } = this;
    station.call(station.dialect.status(this.id, this.state, station.stamp()));
  }

  reading(context: Sample["context"]): Sample {
    return this.metering.report(this.station.timeline.now, this.station.stamp(), context);
  }

  /** A wrong, expired or blocked card, mostly the same one again; then the right one, or the user gives up. */
  private fumble(plan: PlannedSession, attempt: number, last?: Refused): void {
    this.after(5, 25, () => {
      if (!this.station.link.up) return this.presentCard(plan);
      const refused = last !== undefined && this.chance.chance(0.85) ? last : this.wrongCard();
      this.authorize(refused.card, refused.status);
      if (attempt < 4 && this.chance.chance(0.5)) this.fumble(plan, attempt + 1, refused);
      else if (this.chance.chance(0.6)) this.after(10, 40, () => this.presentCard(plan));
      else this.after(10, 60, () => this.leave());
    });
  }

  private wrongCard(): Refused {
    const status = this.chance.chance(0.5) ? "Invalid" : this.chance.chance(0.8) ? "Expired" : "Blocked";
    return { card: this.chance.hex(8), status };
  }

  private authorize(card: string, status: AuthorizationStatus, then?: () => void): void {
    const { station } = this;
    if (status !== "Accepted") station.counts.refusals += 1;
    const reply = station.dialect.authorizeReply(status);
    station.call(station.dialect.authorize(card), reply, then);
  }

  private presentCard(plan: PlannedSession): void {
    // Offline, the station trusts its local list and cache (1.6: 3.5; 2.0.1: C10, C13).
    if (this.station.link.up) this.authorize(plan.token, "Accepted", () => this.after(1, 3, () => this.begin(plan)));
    else this.after(1, 3, () => this.begin(plan));
  }

  private startByApp(plan: PlannedSession): void {
    const { station } = this;
    if (!station.link.up) return this.presentCard(plan);
    const order = station.dialect.remoteStart(plan.token, this.id, station.nextRequestId());
    station.command(order, undefined, () => this.after(1, 3, () => this.begin(plan)));
  }

  private begin(plan: PlannedSession): void {
    const { station } = this;
    if (station.spec.quirks.registerResets === "session") this.metering.resetStation(station.timeline.now);
    const tx: Transaction = { evseId: this.id, token: plan.token, uuid: this.chance.uuid(), numericId: 0, seqNo: 0 };
    this.transaction = tx;
    station.counts.sessions += 1;
    const sample = this.reading("Transaction.Begin");
    const offline = !station.link.up;
    const reply = (): object => {
      tx.numericId = station.nextTransactionId();
      return station.dialect.startedReply(tx, "Accepted");
    };
    station.keep(() => station.dialect.started(tx, sample, offline), reply);
    this.after(2, 8, () => this.closeContactor(plan, tx));
    const endAt = Math.max(plan.plugOutAt, station.timeline.now + SHORTEST_MS) as WallMs;
    this.at(endAt, () => this.goodbye(tx));
    this.nextSample(tx);
  }

  private closeContactor(plan: PlannedSession, tx: Transaction): void {
    this.outlet.close(this.station.timeline.now, plan.energyWh, plan.vehicleW);
    this.enter("Charging");
    this.tellTransactionState(tx, "Charging");
  }

  private tellTransactionState(tx: Transaction, state: "Charging" | "SuspendedEV"): void {
    const { dialect } = this.station;
    if (dialect.version === "1.6") return;
    const sample = this.reading("Sample.Periodic");
    this.station.keep(() => dialect.stateChanged(tx, state, sample), {});
  }

  private nextSample(tx: Transaction): void {
    const { station } = this;
    this.at((station.timeline.now + station.sampleS * SECOND_MS) as WallMs, () => {
      if (this.transaction !== tx) return;
      if (station.spec.quirks.noMeterValues !== true) this.sendReading(tx, "Sample.Periodic");
      if (this.state === "Charging" && this.outlet.powerW === 0) {
        this.enter("SuspendedEV");
        this.tellTransactionState(tx, "SuspendedEV");
      }
      this.nextSample(tx);
    });
  }

  sendReading(tx: Transaction, context: Sample["context"]): void {
    const { station } = this;
    const sample = this.reading(context);
    const offline = !station.link.up;
    station.keep(() => station.dialect.reading(tx, sample, offline), {});
  }

  private goodbye(tx: Transaction): void {
    const { station, chance } = this;
    const byApp = chance.chance(0.02) && station.link.up;
    const reason = byApp ? "Remote" : chance.chance(0.6) ? "Local" : "EVDisconnected";
    const end = (): void => {
      if (this.transaction !== tx) return;
      this.endTransaction(tx, reason);
      this.enter("Finishing");
      this.after(3, 45, () => this.leave());
    };
    if (byApp) station.command(station.dialect.remoteStop(tx), undefined, end);
    else end();
  }

  private endTransaction(tx: Transaction, reason: StopReason): void {
    const { station } = this;
    this.outlet.open(station.timeline.now);
    this.transaction = undefined;
    const sample = this.reading("Transaction.End");
    const offline = !station.link.up;
    station.keep(() => station.dialect.ended(tx, sample, reason, offline), () => station.dialect.endedReply(tx));
    if (station.spec.quirks.readingAfterStop !== true) return;
    const late = { ...sample, registerWh: sample.registerWh + 3, context: "Sample.Periodic" as const };
    station.keep(() => station.dialect.reading(tx, late, offline), {});
  }

  private leave(): void {
    this.enter("Available");
    this.busy = false;
  }

  private enter(state: ConnectorState): void {
    this.state = state;
    this.tellState();
  }

  /** Later in this visit, unless it is cut short. */
  private at(at: WallMs, task: () => void): void {
    const { visitNo } = this;
    this.station.timeline.schedule(at, () => {
      if (this.visitNo === visitNo) task();
    });
  }

  private after(lowS: number, highS: number, task: () => void): void {
    this.at((this.station.timeline.now + Math.round(this.chance.uniform(lowS, highS) * SECOND_MS)) as WallMs, task);
  }
}
