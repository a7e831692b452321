/** `denial-of-service`: too much, too often, or nothing at all. */
import { MINUTE_MS, SECOND_MS, rfc3339, type WallMs } from "../../models/units.ts";
import { eventLine, type TimedLine } from "../sim/capture.ts";
import { heartbeat, heartbeatReply } from "../sim/dialect.ts";
import { CSMS_ADDRESS, CSMS_CERTIFICATE } from "../sim/fleet.ts";
import { exchange, moment, truthOf, type Attack, type Attacks } from "./attack.ts";
import { joint } from "./joint.ts";
import { graded, gradedCount, percent } from "./strength.ts";
import { withDark, withLines } from "./wire.ts";

const frames = gradedCount(300, 1_500, 6_000);
const perSecond = graded(5, 15, 40);

/** Heartbeats without end: the smallest call that every CSMS must answer. */
const frameFlood: Attack = (before, chance, strength, window) => {
  const count = frames(strength);
  const rate = perSecond(strength);
  const lengthMs = Math.ceil((count / rate) * SECOND_MS);
  const from = moment(before, chance, lengthMs + MINUTE_MS, window);
  const lines = Array.from({ length: count }, (_, i) => {
    const at = Math.round(from + ((i + chance.next()) / rate) * SECOND_MS) as WallMs;
    return exchange(before, chance, at, "station", heartbeat, heartbeatReply(rfc3339(at)));
  }).flat();
  const truth = truthOf("denial-of-service", "frame-flood", before, { from, to: (from + lengthMs) as WallMs });
  return { capture: withLines(before, lines), truth: [truth] };
};

const reconnects = gradedCount(6, 30, 120);
const RECONNECT_S = { low: 4, high: 20 };

/** The socket falls as soon as it stands: what the station has to say waits until the storm is over. */
const reconnectStorm: Attack = (before, chance, strength, window) => {
  const count = reconnects(strength);
  const from = moment(before, chance, (count * RECONNECT_S.high + 60) * SECOND_MS, window);
  const events: TimedLine[] = [];
  let at: number = from;
  const step = (event: "connect" | "disconnect"): void => {
    at = Math.round(at + chance.uniform(RECONNECT_S.low, RECONNECT_S.high) * 500);
    const meta = event === "connect" ? { remoteAddress: CSMS_ADDRESS, tlsPeerSha256: CSMS_CERTIFICATE }
      : { closeCode: 1006 };
    events.push({ at: at as WallMs, line: eventLine(before.station, at as WallMs, event, meta) });
  };
  for (let i = 1; i < count; i++) {
    step("connect");
    step("disconnect");
  }
  const to = Math.round(at + 5 * SECOND_MS) as WallMs;
  const dark = withDark(before, chance, { from, to });
  return { capture: withLines(dark, events), truth: [truthOf("denial-of-service", "reconnect-storm", before,
    { from, to })] };
};

const silentMin = graded(20, 60, 240);

/** Somebody on the way swallows the packets: the socket stands, no heartbeat comes. */
const silentLink: Attack = (before, chance, strength, window) => {
  const lengthMs = Math.round(silentMin(strength)) * MINUTE_MS;
  const from = moment(before, chance, lengthMs + MINUTE_MS, window);
  const during = { from, to: (from + lengthMs) as WallMs };
  const capture = withDark(before, chance, during, { closes: false });
  return { capture, truth: [truthOf("denial-of-service", "silent-link", before, during)] };
};

const cutShare = graded(0.4, 0.7, 1);
const cutMin = graded(5, 20, 90);

export const FLOODS: Attacks = {
  "frame-flood": {
    threat: "denial-of-service", scope: "station", make: frameFlood,
    does: "heartbeats without end",
    amount: (strength) => `${frames(strength)} calls, ${Math.round(perSecond(strength))} a second`,
  },
  "reconnect-storm": {
    threat: "denial-of-service", scope: "station", make: reconnectStorm,
    does: "the link falls and comes again every 4 to 20 s",
    amount: (strength) => `${reconnects(strength)} times`,
  },
  "silent-link": {
    threat: "denial-of-service", scope: "station", make: silentLink,
    does: "the socket stands and nothing passes",
    amount: (strength) => `for ${Math.round(silentMin(strength))} min`,
  },
  "links-cut": {
    threat: "denial-of-service", scope: "zone",
    does: "links of a zone drop within 5 s",
    amount: (strength) => `${percent(cutShare(strength))} of the stations, for ${Math.round(cutMin(strength))} min`,
    make: joint((strength) => {
      const lengthMs = Math.round(cutMin(strength)) * MINUTE_MS;
      return {
        threat: "denial-of-service", name: "links-cut", share: cutShare(strength), spreadMs: 5 * SECOND_MS, lengthMs,
        act: (capture, chance, at) =>
          ({ capture: withDark(capture, chance, { from: at, to: (at + lengthMs) as WallMs }) }),
      };
    }),
  },
};
