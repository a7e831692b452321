/**
 * What guard mode holds back: rules of the operator, none by default. A message that cannot be read is passed on: the
 * guard is a hand on the door and no wall, and charging goes before it.
 */
import type { Direction } from "../../models/terms.ts";
import { parseMessage } from "./ocppj.ts";
import { remoteHost } from "./remote-host.ts";

export interface GuardRule {
  readonly action: string;
  /** Who says it. */
  readonly from: "station" | "csms";
  /** Passed on all the same when every URL in it leads to one of these hosts; absent: never. */
  readonly unlessHosts?: readonly string[];
}

export interface HeldBack {
  readonly action: string;
  /** What the sender gets in its place; absent when it waits for nothing. */
  readonly answer?: string;
  /** One line for the operator and the log; nothing in it comes from the payload but a host. */
  readonly says: string;
}

/** Undefined: pass it on. */
export type GuardPolicy = (direction: Direction, text: string) => HeldBack | undefined;

const SENDERS = { "cp-to-csms": "station", "csms-to-cp": "csms" } as const;
const DESCRIPTION = "held back by the guard in line";
/** URLs are short, and no honest payload holds more of them. */
const MOST_URLS = 16;
const MOST_DEPTH = 8;

/** Undefined for no rules: then nothing need be judged at all. */
export function guardPolicy(rules: readonly GuardRule[]): GuardPolicy | undefined {
  if (rules.length === 0) return undefined;
  const actions = new Set(rules.map(({ action }) => action));
  return (direction, text) => {
    // Most messages name no action of a rule: they need not be parsed.
    if (!mentions(text, actions)) return undefined;
    const message = parseMessage(text);
    if (message.type !== "CALL" && message.type !== "SEND") return undefined;
    const rule = rules.find(({ action, from }) => action === message.action && from === SENDERS[direction]);
    if (rule === undefined) return undefined;
    const hosts = hostsIn(message.payload);
    if (rule.unlessHosts !== undefined && hosts.every((host) => rule.unlessHosts!.includes(host))) return undefined;
    return {
      action: rule.action,
      says: `${rule.action} from the ${rule.from === "csms" ? "CSMS" : "station"} was held back` +
        (hosts.length > 0 ? ` (${hosts.map((host) => host || "a URL without host").join(", ")})` : ""),
      ...(message.type === "CALL" && { answer: callError(text, message.id) }),
    };
  };
}

/** Escapes could hide an action's name: whatever has any is parsed. */
function mentions(text: string, actions: ReadonlySet<string>): boolean {
  if (text.includes("\\u")) return true;
  for (const action of actions) if (text.includes(action)) return true;
  return false;
}

/** OCPP-J 1.6, 4.2.3; the id as it was written, since a number beyond 2^53 would come back as another. */
function callError(text: string, id: string): string {
  const numeric = /^\s*\[\s*\d+\s*,\s*(-?\d+)\s*,/.exec(text)?.[1];
  return `[4,${numeric ?? JSON.stringify(id)},"SecurityError",${JSON.stringify(DESCRIPTION)},{}]`;
}

/** The hosts of all texts that are URLs; an empty one for a URL without host, and for what is too much to look at. */
function hostsIn(payload: unknown, depth = 0, found: string[] = []): string[] {
  if (found.length >= MOST_URLS) return found;
  if (typeof payload === "string" && /^\s*[a-z][a-z0-9+.-]*:/i.test(payload) && payload.includes("/")) {
    found.push(found.length === MOST_URLS - 1 ? "" : remoteHost(payload).host);
  } else if (typeof payload === "object" && payload !== null) {
    if (depth === MOST_DEPTH) found.push("");
    else for (const value of Object.values(payload)) hostsIn(value, depth + 1, found);
  }
  return found;
}
