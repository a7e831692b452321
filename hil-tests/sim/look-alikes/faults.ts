/** Chargers that are broken, new, or have ways of their own: one of each kind. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, type WallMs } from "../../../models/units.ts";
import { HARMLESS, settingOf } from "../fleet.ts";
import type { Station } from "../station.ts";
import { daily, limitFor } from "./joint-causes.ts";
import type { LookAlike, LookAlikes, Scene } from "./look-alike.ts";

/** Does `act` at `from` and then at random intervals until `to`. */
function repeatedly(station: Station, { from, to, own }: Scene, gapS: { low: number; high: number }, act: () => void):
  void {
  const next = (at: number): void => {
    if (at >= to) return;
    station.timeline.schedule(Math.round(at) as WallMs, () => {
      act();
      next(station.timeline.now + own.uniform(gapS.low, gapS.high) * SECOND_MS);
    });
  };
  next(from);
}

/** On from `from`, off again at `to`. */
function meanwhile(station: Station, { from, to }: Scene, set: (on: boolean) => void): void {
  station.timeline.schedule(from, () => set(true));
  station.timeline.schedule(to, () => set(false));
}

const DRIFT_A_QUARTER = -0.0025;

const meterDrift: LookAlike = {
  scope: "station", like: "energy-theft", lengthMs: 14 * DAY_MS,
  does: "the station's meter counts less and less: 1 % a day",
  change: (scene) => ({
    happen: (station) => repeatedly(station, scene, { low: 21_600, high: 21_600 }, () => {
      for (const { metering } of station.evses) metering.drift(station.timeline.now, DRIFT_A_QUARTER);
    }),
  }),
};

const stuckRegister: LookAlike = {
  scope: "station", like: "energy-theft", lengthMs: 14 * DAY_MS,
  does: "the register of the first EVSE moves no more; power is still told",
  change: ({ from }) => ({
    happen: (station) => station.timeline.schedule(from, () => station.evses[0]?.metering.stick(from)),
  }),
};

const flappingConnector: LookAlike = {
  scope: "station", like: "session-spoofing", lengthMs: 5 * HOUR_MS,
  does: "a worn contact: the connector is Preparing and Available in turn, every 3 to 90 s while nobody is there",
  change: (scene) => {
    let plugged = false;
    return {
      happen: (station) => repeatedly(station, scene, { low: 3, high: 90 }, () => {
        const [evse] = station.evses;
        if (evse === undefined || evse.busy) return;
        plugged = !plugged;
        station.call(station.dialect.status(evse.id, plugged ? "Preparing" : "Available", station.stamp()));
      }),
    };
  },
};

const rebootLoop: LookAlike = {
  scope: "station", like: "denial-of-service", lengthMs: 6 * HOUR_MS,
  does: "the watchdog restarts the station every 4 to 15 min",
  change: (scene) => ({
    happen: (station) => repeatedly(station, scene, { low: 240, high: 900 }, () => {
      if (station.link.up) station.reboot("Watchdog");
    }),
  }),
};

const heartbeatLost: LookAlike = {
  scope: "station", like: "denial-of-service", lengthMs: 12 * HOUR_MS,
  does: "no heartbeats; the rest of the traffic goes on",
  change: (scene) => ({ happen: (station) => meanwhile(station, scene, (on) => (station.heartbeatSilent = on)) }),
};

const MISREAD = 0.6;

const cardReader: LookAlike = {
  scope: "station", like: "authorization-abuse", lengthMs: 2 * DAY_MS,
  does: `the reader misreads cards: ${100 * MISREAD} % of those who come are refused first, up to four times`,
  change: (scene) => ({
    happen: (station) => meanwhile(station, scene, (on) => {
      station.refusalShare = on ? MISREAD : station.spec.profile.refusalShare;
    }),
  }),
};

const meterLinkLost: LookAlike = {
  scope: "station", like: "physical-tampering", lengthMs: 8 * HOUR_MS,
  does: "the agent's meter answers no more (a cable, a gateway)",
  change: (scene) => ({ happen: (station) => meanwhile(station, scene, (on) => (station.meterSilent = on)) }),
};

const DERATED = 0.4;

const overheating: LookAlike = {
  scope: "station", like: "profile-tampering", lengthMs: 5 * HOUR_MS,
  does: `too hot: power is held at ${100 * DERATED} % of the rating for 10 to 25 min again and again, without an order`,
  change: (scene) => ({
    happen: (station) => repeatedly(station, scene, { low: 1_800, high: 3_000 }, () => {
      for (const evse of station.evses) evse.limit(DERATED * station.spec.ratedW);
      station.after(scene.own.uniform(10, 25) * MINUTE_MS, () =>
        station.evses.forEach((evse) => evse.limit(Number.POSITIVE_INFINITY)));
    }),
  }),
};

const NOON_FROM_HOUR = 9;
const NOON_HOURS = 8;
const LITTLE_W = [1_000, 2_000];

const leastCurrent: LookAlike = {
  scope: "station", like: "profile-tampering", lengthMs: 5 * DAY_MS,
  does: `the usual CSMS limits every EVSE to ${LITTLE_W.join(" or ")} W from 9 to 17 local time; the station gives 6 A`,
  change: (scene) => ({
    happen: (station) => {
      for (const { outlet } of station.evses) outlet.clamps = true;
      daily(station, scene, NOON_FROM_HOUR, () => limitFor(NOON_HOURS, scene.own.pick(LITTLE_W), station, scene));
    },
  }),
};

const clockWrong: LookAlike = {
  scope: "station", like: "channel-tampering", lengthMs: DAY_MS,
  does: "the station's clock is an hour behind (summer time)",
  change: (scene) => ({
    happen: (station) => meanwhile(station, scene, (on) => {
      station.clockOffsetMs = on ? -HOUR_MS : station.spec.quirks.clockOffsetMs ?? 0;
    }),
  }),
};

/** Settings read and written, everything triggered, restarts: half an hour of work by the usual CSMS. */
function commission(station: Station, { own }: Scene): void {
  const { dialect } = station;
  let atS = 0;
  const later = (act: () => void): void => station.after((atS += own.uniform(5, 40)) * SECOND_MS, act);
  for (let round = 0; round < 3; round++) {
    for (const harmless of HARMLESS) {
      const setting = settingOf(harmless, harmless.values[1] ?? "");
      later(() => station.command(dialect.readSettings([setting]), dialect.readSettingsReply([setting])));
      later(() => station.command(dialect.changeSetting(setting), dialect.changeSettingReply(setting)));
    }
    for (const evse of station.evses) {
      later(() => station.command(dialect.trigger("StatusNotification", evse.id), undefined, () => evse.tellState()));
    }
    later(() => station.command(dialect.reset(), undefined, () =>
      station.after(3 * SECOND_MS, () => station.reboot("RemoteReset"))));
    atS += 240;
  }
}

const commissioning: LookAlike = {
  scope: "station", like: "reconnaissance", lengthMs: HOUR_MS,
  does: "an engineer sets the station up anew: settings read and changed, messages triggered, three restarts",
  change: (scene) => ({
    happen: (station) => station.timeline.schedule(scene.from, () => commission(station, scene)),
  }),
};

export const FAULTS: LookAlikes = {
  "meter-drift": meterDrift,
  "stuck-register": stuckRegister,
  "flapping-connector": flappingConnector,
  "reboot-loop": rebootLoop,
  "heartbeat-lost": heartbeatLost,
  "card-reader": cardReader,
  "meter-link-lost": meterLinkLost,
  overheating,
  "least-current": leastCurrent,
  "clock-wrong": clockWrong,
  commissioning,
};
