/** Metrics as Prometheus's own promtool reads and judges them. */
import { spawnSync } from "node:child_process";
import { assert, test } from "../../build/testing.ts";
import { alertWith, HOSTILE, program } from "../adapters/outlets/outlets.testing.ts";
import type { Status } from "../status.ts";
import { MESH, STATUS } from "../status.testing.ts";
import { metricsText } from "./metrics.ts";

const PROMTOOL = program("/usr/bin/promtool");
const FULL: Status = {
  ...STATUS, mesh: MESH, agent: { ...STATUS.agent, cpuS: 12.5 }, log: { ...STATUS.log, checkpointAt: STATUS.time },
  outlets: [{ name: "webhook", sent: 3, dropped: 1, waiting: 2 }],
};
const HOSTILE_STATUS: Status = {
  ...FULL, meters: STATUS.meters.map((meter) => ({ ...meter, address: HOSTILE })),
  link: { ...STATUS.link, unparsed: { [HOSTILE]: 1 } as never },
};
const names = (text: string): string[] => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);

function judged(name: string, text: string): void {
  if (PROMTOOL === undefined) return test.skip(`promtool: ${name}`, "no prometheus");
  return test(`promtool: ${name}`, () => {
    const { status, stdout, stderr } = spawnSync(PROMTOOL, ["check", "metrics"], { input: text, encoding: "utf8" });
    assert.is(stdout + stderr, "");
    assert.is(status, 0);
  });
}

judged("a member's status, with incidents, has nothing to object to", metricsText(FULL, [alertWith()]));
judged("a lone agent that has seen nothing yet", metricsText({ ...STATUS, meters: [], beliefs: [], outlets: [] }, []));
judged("hostile strings in labels", metricsText(HOSTILE_STATUS, [alertWith()]));

test("hostile strings make no line of their own", () => {
  const lines = metricsText(HOSTILE_STATUS, []).split("\n");
  assert.ok(lines.every((line) => line === "" || /^(# (HELP|TYPE) |[a-z_]+(\{.*\})? -?[\d.e+-]+$)/.test(line)));
  assert.is(lines.length, metricsText(FULL, []).split("\n").length - 1, "one reason less, and no line more");
});

test("what can move moves: each metric differs between this status and one of an hour later", () => {
  const later = JSON.parse(JSON.stringify(FULL), (_key, value: unknown) => {
    if (typeof value === "number") return value + 1;
    if (typeof value === "boolean") return !value;
    if (value === "connected") return "waiting";
    if (value === "good") return "read-only";
    if (value === "reading") return "lost";
    return typeof value === "string" && /^\d{4}-.*Z$/.test(value) ? "2026-11-01T13:00:00.000Z" : value;
  }) as Status;
  const values = (text: string, name: string): string[] =>
    text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  const fault = { fault: "meter-silent" as never, evse: 1, since: STATUS.time, says: "x" };
  const bypassed = { since: STATUS.time, order: "x", orderAt: STATUS.time, host: "h" };
  const [now, then] = [metricsText(FULL, []),
    metricsText({ ...later, link: { ...later.link, bypassed }, faults: [fault] }, [alertWith()])];
  assert.ok(names(now).length > 25);
  const still = names(now).filter((name) => values(now, name).join() === values(then, name).join());
  assert.equal(still, []);
});

test("units are those of Prometheus: seconds, joules, watts, bytes, and counters end in _total", () => {
  const text = metricsText(FULL, []);
  assert.match(text, /^kerbwatch_frame_delay_seconds\{quantile="0.5"\} 0\.0000380/m);
  assert.match(text, /^kerbwatch_meter_imported_joules_total\{evse="1",meter="127\.0\.0\.1:502"\} 4444441200$/m);
  const counters = [...text.matchAll(/^# TYPE (\S+) counter$/gm)].map(([, name]) => name!);
  assert.ok(counters.every((name) => name.endsWith("_total")), counters.join());
});
