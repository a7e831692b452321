/** What the page shows is bounded, however much there is, and marks what a declaration holds. */
import { assert, test } from "../../build/testing.ts";
import type { WallMs } from "../../models/units.ts";
import { alertWith } from "../adapters/outlets/outlets.testing.ts";
import { systemRandom } from "../adapters/crypto.ts";
import type { Config } from "../config.ts";
import { CoreBench } from "../core.testing.ts";
import type { Declared } from "../alert/declared.ts";
import { problem } from "../../models/result.ts";
import { STATUS } from "../status.testing.ts";
import { MOST_POINTS, POINT_EVERY_MS } from "./history.ts";
import { Page } from "./serve.ts";

interface Shown {
  readonly incidents: readonly { readonly incidentId: string; readonly open: boolean; readonly severity: string }[];
  readonly history: readonly { readonly opinions?: Readonly<Record<string, number>>; readonly certified?: number }[];
}

class Bench {
  nowMs = 0;
  readonly bench = new CoreBench();
  readonly page = new Page({
    config: {} as Config, state: () => this.bench.core.state, status: () => STATUS,
    handle: () => ({ ok: false, why: "unknown", says: "" }), word: () => problem("none"), random: systemRandom,
    clock: { wallMs: () => this.nowMs as WallMs, monoMs: () => this.nowMs as never },
  });

  shown(): Shown {
    return JSON.parse(JSON.stringify(this.page.state())) as Shown;
  }
}

test("of ten thousand alerts the newest hundred are shown, in a page of moderate size", () => {
  const bench = new Bench();
  for (let n = 0; n < 10_000; n += 1) bench.page.alerted(alertWith({ incidentId: n.toString(16).padStart(64, "0") }));
  const { incidents } = bench.shown();
  assert.is(incidents.length, 100);
  assert.is(incidents[0]!.incidentId, (9_999).toString(16).padStart(64, "0"));
  assert.ok(JSON.stringify(bench.page.state()).length < 256 * 1024);
});

test("the plots' memory is bounded too, and has the strongest opinions by name", () => {
  const bench = new Bench();
  for (let n = 0; n < 2 * MOST_POINTS; n += 1) {
    bench.nowMs += POINT_EVERY_MS;
    bench.page.note({ kind: "tick" });
  }
  const { history } = bench.shown();
  assert.is(history.length, MOST_POINTS);
  assert.equal(history.at(-1)!.opinions, { "authorization-abuse": 0.21, "energy-theft": 1 });
  assert.is(history.at(-1)!.certified, undefined, "a lone agent has no zone");
});

test("what a declaration holds is shown as of no weight, while it stands", () => {
  const bench = new Bench();
  const { state } = bench.bench.core;
  const alert = alertWith({ scope: "station", threat: "firmware-tampering", severity: "critical" });
  state.alert.open["firmware-tampering"] = { incidentId: alert.incidentId, lastAlert: alert, toldMs: 0, toldNats: 9 };
  const window: Declared = {
    word: "d".repeat(64), by: "alice", changes: ["firmware"], stations: [], fromMs: 0, toMs: 9e12, reason: "update",
  };
  assert.is(bench.shown().incidents[0]!.severity, "critical");
  state.declared.held.set(alert.incidentId, { window, over: false });
  assert.is(bench.shown().incidents[0]!.severity, "info");
});
