/**
 * What people say of incidents: that somebody has it in hand, or that it is done with. Each word goes into the log,
 * with who said it and why; the first one counts, so that of two who answer at once one learns of the other. Pure.
 */
import { forget, type OpineState } from "../../models/opine/opine.ts";
import type { AgreeState } from "../../models/agree/agree.ts";
import type { Alert, Threat } from "../../models/terms.ts";
import { type Now, rfc3339 } from "../../models/units.ts";
import { plainText } from "../plain-text.ts";
import type { Effect } from "../ports.ts";
import type { Entry } from "../record/entry.ts";
import { type JournalState, recordAlerts, recordOne } from "../record/journal.ts";
import type { AlertState } from "./alert.ts";
import { asHeld, type DeclaredState } from "./declared.ts";
import type { ZoneAlertState } from "./zone-alert.ts";

export const ACTIONS = ["acknowledge", "close"] as const;
export type Action = (typeof ACTIONS)[number];

/** One word about one incident. */
export interface Handled {
  readonly action: Action;
  readonly by: string;
  readonly reason: string;
  readonly at: string;
}

export interface Handle {
  /** The incident's id, or at least six digits of its beginning. */
  readonly incidentId: string;
  readonly action: Action;
  /** Who says it, 1 to 48 characters. */
  readonly by: string;
  /** 1 to 300 characters. */
  readonly reason: string;
}

export type HandleOutcome =
  | { readonly ok: true; readonly incidentId: string; readonly effects: readonly Effect[] }
  /**
   * `unknown`: no such incident is open; `conflict`: somebody was first; `standing`: it is not this agent's to close.
   */
  | { readonly ok: false; readonly why: "bad" | "unknown" | "conflict" | "standing"; readonly says: string };

interface Parts {
  readonly alert: AlertState;
  readonly declared: DeclaredState;
  readonly agree: AgreeState;
  readonly opine: OpineState;
  readonly zone: ZoneAlertState | undefined;
  readonly journal: JournalState;
}

/** So many are remembered: of incidents that are open, and of some that were. */
const MOST_HANDLED = 256;
const [MOST_NAME, MOST_REASON] = [48, 300];

/** Incidents of every scope that are open at this agent, the last alert of each, marked where it is held. */
export function openAlerts({ alert, zone, declared }: Pick<Parts, "alert" | "zone" | "declared">): Alert[] {
  const all = [
    ...Object.values(alert.open).map(({ lastAlert }) => lastAlert), ...(zone?.open.values() ?? []),
    ...[...zone?.region.open.values() ?? []].map((one) => one.alert),
  ];
  return [...new Map(all.map((one) => [one.incidentId, asHeld(declared, one)])).values()];
}

/** Takes one word, or says why not. What is to be done about it comes back as effects. */
export function handleIncident(parts: Parts, asked: Handle, now: Now): HandleOutcome {
  const [by, reason] = [plainText(asked.by, MOST_NAME), plainText(asked.reason, MOST_REASON)];
  if (by === "" || reason === "") return refused("bad", `a ${by === "" ? "name" : "reason"} is missing`);
  if (!/^[0-9a-f]{6,64}$/.test(asked.incidentId)) return refused("bad", "an incident id has 6 hexadecimal digits "
    + "at least");
  const found = openAlerts(parts).filter(({ incidentId }) => incidentId.startsWith(asked.incidentId));
  const [alert] = found;
  if (alert === undefined) return refused("unknown", `no open incident begins with ${asked.incidentId}`);
  if (found.length > 1) return refused("bad", `${found.length} open incidents begin with ${asked.incidentId}`);
  const { incidentId, scope } = alert;
  const before = parts.alert.handled.get(incidentId);
  if (before !== undefined && asked.action === "acknowledge") {
    return refused("conflict", `${before.by} acknowledged it first, at ${before.at}: ${before.reason}`);
  }
  if (asked.action === "close" && scope !== "station") {
    return refused("standing",
      `it is the ${scope}'s and stands as long as its members certify it; acknowledge it instead`);
  }
  const handled: Handled = { action: asked.action, by, reason, at: rfc3339(now.wallMs) };
  keep(parts.alert.handled, incidentId, handled);
  const entry: Entry = { kind: "handled", at: now.wallMs, incidentId, action: asked.action, by, reason };
  const effects = recordOne(parts.journal, entry);
  return { ok: true, incidentId, effects: asked.action === "close" ? [...effects, ...close(parts, alert, handled, now)]
    : effects };
}

const refused = (why: "bad" | "unknown" | "conflict" | "standing", says: string): HandleOutcome =>
  ({ ok: false, why, says });

/** The evidence begins anew: were it kept, the next observation would raise the same again. */
function close({ alert, agree, opine, journal }: Parts, last: Alert, { by, reason, at }: Handled, now: Now): Effect[] {
  const threat: Threat = last.threat;
  delete alert.open[threat];
  delete agree.raised[threat];
  forget(opine, threat, now);
  const cleared: Alert = { ...last, state: "cleared", time: at, summary: `${last.summary} Closed by ${by}: ${reason}` };
  const entries = recordAlerts(journal, [cleared], now);
  return [
    ...(entries.length > 0 ? [{ kind: "append" as const, entries }] : []), { kind: "alert", alert: cleared },
    { kind: "remember" },
  ];
}

function keep(handled: Map<string, Handled>, incidentId: string, one: Handled): void {
  handled.delete(incidentId);
  handled.set(incidentId, one);
  for (const oldest of handled.keys()) {
    if (handled.size <= MOST_HANDLED) return;
    handled.delete(oldest);
  }
}

/** Takes note of an entry of the log, at a start. */
export function noteHandled(handled: Map<string, Handled>, entry: Entry): void {
  if (entry.kind !== "handled" || !ACTIONS.some((action) => action === entry.action)) return;
  const { incidentId, by, reason, at } = entry;
  keep(handled, incidentId, { action: entry.action as Action, by, reason, at: rfc3339(at) });
}
