import { assert, test } from "../../build/testing.ts";
import { parseMeterLine } from "./meter-capture.ts";

const LINE = {
  timestamp: "2024-01-15T12:00:00.000Z", stationId: "CP-1", evseId: 1, powerW: 7200, energyImportWh: 5000,
};
const parse = (change: object): ReturnType<typeof parseMeterLine> =>
  parseMeterLine(JSON.stringify({ ...LINE, ...change }));

test("a line is a reading; without a side it was taken before the charger", () => {
  assert.equal(parse({ source: "modbus", unknown: {} }), {
    ok: true, at: Date.UTC(2024, 0, 15, 12), station: "CP-1",
    event: { kind: "meter", reading: { evseId: 1, powerW: 7200, energyImportWh: 5000 }, side: "ac-input" },
  });
});

test("all quantities and the side are kept; null is absent", () => {
  const line = parse({ evseId: 0, energyExportWh: 0, currentA: 16, voltageV: 230, powerW: null, side: "evse-output" });
  assert.equal(line.ok && line.event, {
    kind: "meter", side: "evse-output",
    reading: { evseId: 0, energyImportWh: 5000, energyExportWh: 0, currentA: 16, voltageV: 230 },
  });
});

const BAD: readonly (readonly [object, string])[] = [
  [{ timestamp: "2024-01-15T12:00:00" }, "timestamp"],
  [{ timestamp: 1705320000 }, "timestamp"],
  [{ stationId: "CP 1" }, "stationId"],
  [{ stationId: undefined }, "stationId"],
  [{ evseId: -1 }, "evseId"],
  [{ evseId: "1" }, "evseId"],
  [{ evseId: 1.5 }, "evseId"],
  [{ evseId: undefined }, "evseId"],
  [{ side: "roof" }, "side"],
  [{ powerW: "7200" }, "powerW"],
  [{ powerW: 1e300 }, "powerW"],
  [{ energyImportWh: -1 }, "energyImportWh"],
  [{ energyImportWh: {} }, "energyImportWh"],
  [{ powerW: undefined, energyImportWh: undefined }, "reading"],
];

for (const [change, what] of BAD) {
  test(`a line with ${JSON.stringify(change)} names ${what}`, () => {
    const problem = parse(change);
    assert.is(problem.ok, false);
    assert.is(!problem.ok && problem.what, what);
  });
}

test("what is no object is a problem of the line", () => {
  for (const text of ["", "null", "[]", "{", "7", "[".repeat(100_000)]) {
    const problem = parseMeterLine(text);
    assert.is(!problem.ok && problem.what, "line", text.slice(0, 10));
  }
});
