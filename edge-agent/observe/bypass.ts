/**
 * A charger that was told to use another CSMS leaves the agent's way: nothing is seen of it any more, and nothing is
 * wrong with the line. What tells is the order before: accepted, then a disconnect, then silence. Pure.
 */
import { hostOf, kindOf } from "../../models/detect/sensitive-settings.ts";
import type { Observation } from "../../models/terms.ts";
import { MINUTE_MS, type MonotonicMs, type Now, type WallMs } from "../../models/units.ts";
import type { AgentEvent } from "../ports.ts";

/** An accepted order that leads the charger to a CSMS of its own. */
export interface LeadingAway {
  readonly at: WallMs;
  /** The action, or the setting that was changed. */
  readonly by: string;
  /** Empty where the order names none. */
  readonly host: string;
}

export interface BypassWatch {
  order?: LeadingAway | undefined;
  /** Host of the last network profile that was accepted: a change of priority may bring it into force much later. */
  profileHost?: string;
  /** The last disconnect, while no frame has come since. */
  away?: { readonly at: WallMs; readonly monoMs: MonotonicMs } | undefined;
}

export interface Bypassed {
  readonly since: WallMs;
  readonly order: LeadingAway;
}

/** A charger that restarts or loses its modem is back within this, and says so with a frame. */
export const AWAY_MS = 5 * MINUTE_MS;
/** OCPP 2.0.1, part 2, B09: a profile that was set counts only once this names its slot. */
const PRIORITY = /^(OCPPCommCtrlr\.)?NetworkConfigurationPriority$/i;

/** Takes note of one event. A connection alone clears nothing: whoever makes one need not be the charger. */
export function watchBypass(
  watch: BypassWatch, event: AgentEvent, observations: readonly Observation[], now: Now,
): void {
  if (event.kind === "frame" || event.kind === "unparsed") watch.away = undefined;
  for (const seen of observations) {
    if (seen.kind === "network-profile" && seen.outcome === "accepted") watch.profileHost = seen.csms.host;
    // It has restarted since, and came back this way: the order is in force, or never will be.
    if (seen.kind === "boot" && watch.order !== undefined && watch.order.at < seen.at) watch.order = undefined;
    watch.order = orderIn(seen, watch) ?? watch.order;
  }
  if (event.kind === "link" && event.state === "disconnect") watch.away ??= { at: now.wallMs, monoMs: now.monoMs };
}

function orderIn(seen: Observation, { profileHost = "" }: BypassWatch): LeadingAway | undefined {
  if (seen.kind === "network-profile" && seen.outcome === "accepted") {
    return { at: seen.at, by: "SetNetworkProfile", host: seen.csms.host };
  }
  if (seen.kind !== "configuration-change" || seen.outcome !== "accepted") return undefined;
  const { at, variable, value = "" } = seen;
  if (PRIORITY.test(variable)) return profileHost === "" ? undefined : { at, by: variable, host: profileHost };
  return kindOf(variable, value, undefined) === "new-csms" ? { at, by: variable, host: hostOf(value) } : undefined;
}

/** After a restart of the agent: the line was cut, whoever cut it. */
export function recallBypass(remembered: BypassWatch | undefined, now: Now): BypassWatch {
  if (remembered?.order === undefined) return { ...remembered };
  return { ...remembered, away: remembered.away ?? { at: now.wallMs, monoMs: now.monoMs } };
}

/** Undefined: it is in line, or away without an order that explains it, or not away for long enough. */
export function bypassed({ order, away }: BypassWatch, now: Now): Bypassed | undefined {
  if (order === undefined || away === undefined || now.monoMs - away.monoMs < AWAY_MS) return undefined;
  return { since: away.at, order };
}
