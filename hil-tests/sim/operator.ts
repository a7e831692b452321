/** An honest operator at work on one station: readings of settings, harmless changes, limits, logs, signed releases. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, type WallMs } from "../../models/units.ts";
import { dice, type Dice } from "./dice.ts";
import { securityEvent, type FirmwareOrder } from "./dialect.ts";
import { FIRMWARE_HOST, HARMLESS, settingOf, UPLOAD_HOST, type Release } from "./fleet.ts";
import type { Station } from "./station.ts";

const TRIGGERS = ["Heartbeat", "StatusNotification", "MeterValues"] as const;

export class Operator {
  private readonly station: Station;
  private readonly chance: Dice;

  constructor(station: Station, seed: number) {
    this.station = station;
    this.chance = dice(seed, "operator");
  }

  start(fleetReleases: readonly Release[]): void {
    this.nowAndThen(6, () => this.readSettings());
    this.nowAndThen(9, () => this.changeSetting());
    this.nowAndThen(2, () => this.limitCharging());
    this.nowAndThen(7, () => this.trigger());
    this.nowAndThen(25, () => this.fetchLog());
    this.nowAndThen(40, () => this.reset());
    for (const release of fleetReleases) {
      const at = Math.round(release.at + this.chance.uniform(0, 6) * HOUR_MS) as WallMs;
      this.station.timeline.schedule(at, () => this.orderFirmware(release));
    }
  }

  /** Repeats at random intervals with this mean, on working days from 8 to 17. */
  private nowAndThen(meanDays: number, act: () => void): void {
    const { timeline, spec } = this.station;
    let at = timeline.now + this.chance.exponential(meanDays * DAY_MS);
    for (let hours = 0; hours < 120; hours++, at += HOUR_MS) {
      const { hour, weekend } = spec.local.hour(at as WallMs);
      if (!weekend && hour >= 8 && hour < 17) break;
    }
    timeline.schedule(Math.round(at) as WallMs, () => {
      if (this.station.link.up) act();
      this.nowAndThen(meanDays, act);
    });
  }

  private readSettings(): void {
    const { dialect } = this.station;
    const settings = HARMLESS.map((setting) => settingOf(setting, setting.values[0] ?? ""));
    this.station.command(dialect.readSettings(settings), dialect.readSettingsReply(settings));
  }

  private changeSetting(): void {
    const { station, chance } = this;
    const which = chance.pick(HARMLESS);
    const value = chance.pick(which.values);
    const setting = settingOf(which, value);
    station.command(station.dialect.changeSetting(setting), station.dialect.changeSettingReply(setting), () => {
      if (which.name16 === "HeartbeatInterval") station.heartbeatS = Number(value);
      if (which.name16 === "MeterValueSampleInterval") station.sampleS = Number(value);
    });
  }

  private limitCharging(): void {
    const { station, chance } = this;
    const evse = chance.pick(station.evses);
    const limitW = Math.round((station.spec.ratedW * chance.uniform(0.5, 0.9)) / 100) * 100;
    const id = station.nextRequestId();
    station.command(station.dialect.chargingLimit(evse.id, limitW, id), undefined, () => evse.limit(limitW));
    const clear = (): void => {
      if (!station.link.up) station.after(10 * MINUTE_MS, clear);
      else station.command(station.dialect.clearLimit(id), undefined, () => evse.limit(Number.POSITIVE_INFINITY));
    };
    station.after(chance.uniform(0.5, 3) * HOUR_MS, clear);
  }

  private trigger(): void {
    const { station, chance } = this;
    const what = chance.pick(TRIGGERS);
    const evse = chance.pick(station.evses);
    const { dialect } = station;
    const answer = what === "StatusNotification" ? () => evse.tellState()
      : what === "MeterValues" ? () => station.call(dialect.clockReading(evse.id, evse.reading("Trigger")))
        : () => station.beatOnce();
    station.command(dialect.trigger(what, evse.id), undefined, answer);
  }

  private fetchLog(): void {
    const { station, chance } = this;
    const { dialect } = station;
    const id = station.nextRequestId();
    station.command(dialect.uploadOrder(`${UPLOAD_HOST}/${station.spec.station}/`, id), dialect.uploadReply(), () => {
      station.after(2 * SECOND_MS, () => station.call(dialect.uploadStatus("Uploading", id)));
      station.after(chance.uniform(20, 120) * SECOND_MS, () => station.call(dialect.uploadStatus("Uploaded", id)));
    });
  }

  private reset(): void {
    const { station } = this;
    if (!station.idle) return;
    station.command(station.dialect.reset(), undefined, () =>
      station.after(3 * SECOND_MS, () => station.reboot("RemoteReset")));
  }

  /** A signed release, downloaded, checked, and installed when nobody is there. */
  orderFirmware(release: Release): void {
    const { station, chance } = this;
    if (!station.link.up) return station.after(2 * HOUR_MS, () => this.orderFirmware(release));
    const requestId = station.nextRequestId();
    const order: FirmwareOrder = {
      requestId, location: `${FIRMWARE_HOST}/sim/${release.version}/firmware.bin`,
      at: new Date(station.timeline.now).toISOString(), signature: chance.hex(96),
      certificate: `-----BEGIN CERTIFICATE-----\n${chance.hex(400)}\n-----END CERTIFICATE-----`,
    };
    station.counts.firmwareOrders += 1;
    const tell = (status: string): void => station.call(station.dialect.firmwareStatus(status, requestId));
    station.command(station.dialect.signedFirmware(order), undefined, () => {
      station.after(3 * SECOND_MS, () => tell("Downloading"));
      station.after(chance.uniform(120, 360) * SECOND_MS, () => {
        tell("Downloaded");
        tell("SignatureVerified");
        this.installWhenIdle(release, tell);
      });
    });
  }

  private installWhenIdle(release: Release, tell: (status: string) => void): void {
    const { station } = this;
    if (!station.idle || !station.link.up) {
      return station.after(10 * MINUTE_MS, () => this.installWhenIdle(release, tell));
    }
    tell("Installing");
    station.after(20 * SECOND_MS, () => {
      station.firmwareVersion = release.version;
      station.reboot("FirmwareUpdate");
      station.after(200 * SECOND_MS, () => {
        tell("Installed");
        station.call(securityEvent("FirmwareUpdated", station.stamp()));
      });
    });
  }
}
