import { assert, test } from "../../build/testing.ts";
import type { Observation, Outcome } from "../../models/terms.ts";
import { MINUTE_MS, type MonotonicMs, type Now, type WallMs } from "../../models/units.ts";
import type { AgentEvent } from "../ports.ts";
import { bypassed, type BypassWatch, recallBypass, watchBypass } from "./bypass.ts";

const T0 = 1_750_000_000_000;
const at = (minute: number): Now =>
  ({ wallMs: (T0 + minute * MINUTE_MS) as WallMs, monoMs: (minute * MINUTE_MS) as MonotonicMs });

type Body<O> = O extends unknown ? Omit<O, "at" | "frameNo"> : never;
type Step = (watch: BypassWatch, now: Now) => void;

const FRAME: AgentEvent = { kind: "frame", direction: "cp-to-csms", text: "[]" };
const seen = (body: Body<Observation>): Step => (watch, now) =>
  watchBypass(watch, FRAME, [{ ...body, at: now.wallMs } as Observation], now);
const happens = (event: AgentEvent): Step => (watch, now) => watchBypass(watch, event, [], now);
const profile = (outcome: Outcome = "accepted"): Step =>
  seen({ kind: "network-profile", csms: { scheme: "wss", host: "else.example" }, outcome });
const change = (variable: string, value: string, outcome: Outcome = "accepted"): Step =>
  seen({ kind: "configuration-change", variable, value, secret: false, outcome });
const URL_1 = change("CentralSystemURL", "wss://u:p@Else.example:1/x");
const PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority";
const boot = seen({ kind: "boot", vendor: "v", model: "m", outcome: "accepted" });
const frame = happens(FRAME);
const unread = happens({ kind: "unparsed", direction: "cp-to-csms", oddity: "binary", detail: "" });
const gone = happens({ kind: "link", state: "disconnect" });
const there = happens({ kind: "link", state: "connect" });
const tick = happens({ kind: "tick" });
const restart: Step = (watch, now) => {
  const remembered = JSON.parse(JSON.stringify(watch)) as BypassWatch;
  delete watch.away;
  Object.assign(watch, recallBypass(remembered, now));
};

/** Steps with their minutes; what the status says at the last minute: `by host since-minute`, or nothing. */
const STORIES: [string, [number, Step][], number, string][] = [
  ["an order, a disconnect, silence", [[0, URL_1], [3, gone]], 8, "CentralSystemURL else.example 3"],
  ["the same with ticks", [[0, URL_1], [3, gone], [5, tick], [9, tick]], 60, "CentralSystemURL else.example 3"],
  ["a profile", [[0, profile()], [1, gone]], 6, "SetNetworkProfile else.example 1"],
  ["2.0.1's variable of a maker", [[0, change("CsmsUrl", "wss://b.example")], [1, gone]], 6, "CsmsUrl b.example 1"],
  ["a URL that names no host", [[0, change("CsmsUrl", "?")], [1, gone]], 6, "CsmsUrl  1"],
  ["not away for long enough", [[0, URL_1], [3, gone]], 7.9, ""],
  ["still connected, and quiet", [[0, URL_1]], 600, ""],
  ["away without an order", [[0, frame], [3, gone]], 600, ""],
  ["an order that was refused", [[0, profile("refused")], [3, gone]], 600, ""],
  ["an order without a result", [[0, profile("none")], [3, gone]], 600, ""],
  ["an order answered with an error", [[0, change("CsmsUrl", "ws://x", "error")], [3, gone]], 600, ""],
  ["another setting", [[0, change("HeartbeatInterval", "60")], [3, gone]], 600, ""],
  ["frames flow again", [[0, URL_1], [3, gone], [20, there], [21, frame]], 600, ""],
  ["frames that nobody can read are frames", [[0, URL_1], [3, gone], [21, unread]], 600, ""],
  ["a connection without a frame", [[0, URL_1], [3, gone], [20, there]], 30, "CentralSystemURL else.example 3"],
  ["and its end", [[0, URL_1], [3, gone], [20, there], [21, gone]], 30, "CentralSystemURL else.example 3"],
  ["back for a moment without a restart, then gone", [[0, URL_1], [3, gone], [4, frame], [9, gone]], 14,
    "CentralSystemURL else.example 9"],
  ["back with a restart: a later absence is another matter", [[0, URL_1], [3, gone], [5, boot], [90, gone]], 600, ""],
  ["an order after the restart", [[0, boot], [1, URL_1], [3, gone]], 8, "CentralSystemURL else.example 3"],
  ["a profile that only a later priority brings into force",
    [[0, profile()], [3, gone], [4, boot], [9, change(PRIORITY, "2,1")], [10, gone]],
    15, `${PRIORITY} else.example 10`],
  ["a priority without a profile", [[0, change(PRIORITY, "2,1")], [3, gone]], 60, ""],
  ["the newest order counts", [[0, profile()], [1, URL_1], [2, change("CsmsUrl", "ws://c.example")], [3, gone]], 8,
    "CsmsUrl c.example 3"],
  ["over a restart of the agent", [[0, URL_1], [3, gone], [4, restart]], 8, "CentralSystemURL else.example 3"],
  ["a restart of the agent cuts the line", [[0, URL_1], [3, restart]], 8, "CentralSystemURL else.example 3"],
  ["a restart of the agent after which the charger is back", [[0, URL_1], [3, restart], [4, frame]], 600, ""],
  ["a restart of the agent without an order", [[0, frame], [3, restart]], 600, ""],
];
for (const [name, steps, minute, says] of STORIES) {
  test(`around the agent: ${name}`, () => {
    const watch: BypassWatch = {};
    for (const [when, step] of steps) step(watch, at(when));
    const found = bypassed(watch, at(minute));
    const since = ((found?.since ?? T0) - T0) / MINUTE_MS;
    assert.is(found === undefined ? "" : `${found.order.by} ${found.order.host} ${since}`, says);
  });
}
