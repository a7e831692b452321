/**
 * A second opinion on the agent's clock: the CSMS's, as told in BootNotification and Heartbeat results. A board
 * without a battery starts in 1970; such a clock states nothing, and says so. Durations use the other clock and go on.
 */
import type { News } from "../../gossip/protocol-state.ts";
import type { Observation } from "../../models/terms.ts";
import { MINUTE_MS, type Now, rfc3339, SECOND_MS, type WallMs } from "../../models/units.ts";
import type { Effect } from "../ports.ts";

export type ClockState = "good" | "unset" | "off" | "unchecked";

export interface ClockWatch {
  /** A clock before this was never set. */
  readonly earliest: WallMs;
  state: ClockState;
  /** This machine's clock less the CSMS's, ms; undefined before the CSMS told its own. */
  aheadOfCsmsMs: number | undefined;
}

/** Clocks of honest chargers and CSMSs agree within this; beyond it, records would be dated wrongly. */
const OFF_BY_MS = MINUTE_MS;

export function createClockWatch(earliest: WallMs): ClockWatch {
  return { earliest, state: "unchecked", aheadOfCsmsMs: undefined };
}

/** Takes note of the CSMS's clock, and says once when the agent's turns out wrong, and when it is good again. */
export function watchClock(watch: ClockWatch, observations: readonly Observation[], now: Now): Effect[] {
  for (const seen of observations) {
    if (seen.kind === "csms-time") watch.aheadOfCsmsMs = seen.at - seen.csmsTime;
  }
  const before = watch.state;
  watch.state = stateOf(watch, now);
  if (watch.state === before || (before === "unchecked" && watch.state === "good")) return [];
  return [{ kind: "notice", text: describe(watch, now) }];
}

/** What the zone says of the agent's clock: once when it is off, and once when it is good again. */
export function neighboursClock(news: readonly News[], epochS: number): Effect[] {
  const notices: Effect[] = [];
  for (const one of news) {
    if (one.kind !== "clock") continue;
    const apart = `${Math.abs(one.offsetEpochs) * epochS} s ${one.offsetEpochs > 0 ? "behind" : "ahead of"}`;
    const text = one.isOff ? `clock: ${apart} the neighbours' median; publishes nothing until it is set`
      : "clock: agrees with the neighbours' median; publishes again";
    notices.push({ kind: "notice", text });
  }
  return notices;
}

function stateOf(watch: ClockWatch, now: Now): ClockState {
  if (now.wallMs < watch.earliest) return "unset";
  if (watch.aheadOfCsmsMs === undefined) return "unchecked";
  return Math.abs(watch.aheadOfCsmsMs) > OFF_BY_MS ? "off" : "good";
}

function describe(watch: ClockWatch, now: Now): string {
  const ahead = Math.round((watch.aheadOfCsmsMs ?? 0) / SECOND_MS);
  switch (watch.state) {
    case "unset":
      return `clock: ${rfc3339(now.wallMs)} cannot be; it was never set. Frames pass and are watched; nothing is ` +
        "stated until the clock is set (NTP, or a clock with a battery)";
    case "off":
      return `clock: ${Math.abs(ahead)} s ${ahead > 0 ? "ahead of" : "behind"} the CSMS's; set it (NTP), or records ` +
        "carry wrong times";
    default:
      return "clock: agrees again, or was set";
  }
}
