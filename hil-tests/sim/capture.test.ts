import { parseMeterLine } from "../../edge-agent/observe/meter-capture.ts";
import { parseTraceLine } from "../../edge-agent/observe/trace.ts";
import { assert, test } from "../../build/testing.ts";
import type { WallMs } from "../../models/units.ts";
import { honestCapture } from "./honest.ts";
import { PROFILES } from "./profile.ts";

for (const ocppVersion of ["1.6", "2.0.1"] as const) {
  test(`${ocppVersion}: an item's event is what reading its line gives`, () => {
    const from = Date.UTC(2026, 2, 2) as WallMs;
    const { items } = honestCapture({ station: "CP-1", ocppVersion, seed: 5, from, days: 2,
      profile: PROFILES["public-rapid"], meterEveryS: 120, outageEveryDays: 0.5, meterSide: "ac-input" });
    const seen = new Map<string, number>();
    for (const { stream, line, event } of items) {
      if (event === undefined) continue;
      const read = stream === "ocpp" ? parseTraceLine(line) : parseMeterLine(line);
      assert.ok(read.ok);
      assert.equal(event, read.event);
      seen.set(event.kind, (seen.get(event.kind) ?? 0) + 1);
    }
    assert.ok((seen.get("frame") ?? 0) > 500 && (seen.get("meter") ?? 0) > 1_000);
  });
}
