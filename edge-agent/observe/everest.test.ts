import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { EVEREST_POWERMETER, everestTopics, frameFrom, MOST_OCPP_MESSAGE_BYTES, NO_CHECK } from "./everest.ts";
import { measureJson } from "./meters/json-meter.ts";

const bytesOf = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const BOOT = '[2,"1","BootNotification",{"chargePointVendor":"A","chargePointModel":"B"}]';
const UP = { message: BOOT, direction: "ChargingStationToCSMS" };

test("topics of the API, version 1", () => {
  assert.equal(everestTopics("ocpp_consumer", "ocpp_1"), {
    heard: "everest_api/1/ocpp_consumer/ocpp_1/e2m/ocpp_message",
    check: "everest_api/1/ocpp_consumer/ocpp_1/m2e/communication_check",
  });
  assert.is(everestTopics("evse_manager_consumer", "m").heard, "everest_api/1/evse_manager_consumer/m/e2m/powermeter");
});

test("the check of communication is turned off, and not kept up: the end of the agent is no fault", () => {
  assert.is(JSON.parse(new TextDecoder().decode(NO_CHECK)), false);
});

const FRAMES: readonly (readonly [unknown, unknown, unknown])[] = [
  ["ChargingStationToCSMS", "1.6", { direction: "cp-to-csms", ocppVersion: "1.6" }],
  ["CSMSToChargingStation", "ocpp1.6", { direction: "csms-to-cp", ocppVersion: "1.6" }],
  ["CSMSToChargingStation", "ocpp2.0.1", { direction: "csms-to-cp", ocppVersion: "2.0.1" }],
  ["ChargingStationToCSMS", "ocpp2.1", { direction: "cp-to-csms", ocppVersion: "2.1" }],
  ["ChargingStationToCSMS", "unknown", { direction: "cp-to-csms" }],
  ["ChargingStationToCSMS", undefined, { direction: "cp-to-csms" }],
  ["ChargingStationToCSMS", "toString", { direction: "cp-to-csms" }],
  ["ChargingStationToCSMS", 1.6, { direction: "cp-to-csms" }],
];
for (const [direction, version, expected] of FRAMES) {
  test(`a frame: ${String(direction)}, version ${String(version)}`, () => {
    const frame = frameFrom(bytesOf({ message: BOOT, direction, version, more: 1 }));
    assert.equal(frame, { kind: "frame", text: BOOT, ...expected as object });
  });
}

const NONE: readonly (readonly [string, unknown, string])[] = [
  ["nothing", "", "not-json"], ["no JSON", "hello", "not-json"], ["half", '{"message":"[2', "not-json"],
  ["levels without end", "[".repeat(200_000), "not-json"], ["null", "null", "not-a-frame"],
  ["a list", [UP], "not-a-frame"],
  ["a bare frame", BOOT, "not-a-frame"], ["no direction", { message: BOOT }, "not-a-frame"],
  ["no message", { direction: UP.direction }, "not-a-frame"],
  ["another direction", { ...UP, direction: "Up" }, "not-a-frame"],
  ["an inherited direction", { ...UP, direction: "constructor" }, "not-a-frame"],
  ["a direction of no text", { ...UP, direction: ["ChargingStationToCSMS"] }, "not-a-frame"],
  ["a message of no text", { ...UP, message: [2, "1"] }, "not-a-frame"],
  ["null in it", { ...UP, message: null }, "not-a-frame"],
  ["too large", { ...UP, message: "x".repeat(MOST_OCPP_MESSAGE_BYTES) }, "not-json"],
];
for (const [name, value, oddity] of NONE) {
  test(`no frame: ${name}`, () => assert.is(frameFrom(bytesOf(value)), oddity));
}

test("a frame passes as it is, whatever is in it: what it means is for the parser of frames", () => {
  const text = "[2 ,\t\"\u0000\", \"é\", {\"a\":9007199254740993}";
  assert.is((frameFrom(bytesOf({ ...UP, message: text })) as { text: string }).text, text);
});

/** A data set as EVerest's simulated meter tells it. */
const METER = {
  timestamp: "2026-03-01T09:00:00.000Z", meter_id: "SIM", phase_seq_error: false,
  energy_Wh_import: { total: 1234.5, L1: 411.5, L2: 411.5, L3: 411.5 }, power_W: { total: 11_040, L1: 3_680 },
  voltage_V: { L1: 230, L2: 230, L3: 230 }, current_A: { L1: 16, L2: 16, L3: 16, N: 0 }, frequency_Hz: { L1: 50 },
};
const measured = (value: unknown): unknown => measureJson(bytesOf(value), EVEREST_POWERMETER);

test("powermeter: totals alone, and what may be missing may be missing", () => {
  assert.equal(measured(METER), { ok: true, value: { powerW: 11_040, energyImportWh: 1234.5 } });
  assert.equal(measured({ ...METER, energy_Wh_export: { total: 7 }, power_W: undefined }),
    { ok: true, value: { energyImportWh: 1234.5, energyExportWh: 7 } });
});

for (const [name, more] of [
  ["no register", { energy_Wh_import: undefined }], ["no total", { energy_Wh_import: { L1: 1 } }],
  ["a register of text", { energy_Wh_import: { total: "1" } }], ["null for power", { power_W: { total: null } }],
] as const) {
  test(`powermeter: ${name} is a bad value`, () => {
    assert.is((measured({ ...METER, ...more }) as { problem: { kind: string } }).problem.kind, "bad-value");
  });
}

test("whatever comes gives a frame or one of two oddities", () => {
  const seed = Number(process.env["SEED"] ?? 20_262);
  const random = seeded(seed);
  const whole = bytesOf({ ...UP, version: "1.6" });
  const seen = new Set<string>();
  for (let run = 0; run < 20_000; run += 1) {
    const bytes = whole.slice(0, random.int(8) === 0 ? random.int(whole.length) : whole.length);
    for (let flips = random.int(4); flips > 0 && bytes.length > 0; flips -= 1) {
      bytes[random.int(bytes.length)] = random.int(256);
    }
    const frame = frameFrom(bytes);
    seen.add(typeof frame === "string" ? frame : frame.kind);
  }
  assert.equal([...seen].sort(), ["frame", "not-a-frame", "not-json"], `seed ${seed}`);
});
