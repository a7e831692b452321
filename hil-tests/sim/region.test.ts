import { assert, test } from "../../build/testing.ts";
import { UsageError } from "../../edge-agent/usage-error.ts";
import { parseRegion } from "./region.ts";

/** What every reader of a region file checks is tested beside edge-agent/region.ts. */
const GOOD = `
version: 1
region: example
zones:
  - id: feeder-7
    stations:
      - { id: CP-001, ratedW: 22000, evses: 2, ocppVersion: "1.6" }
      - { id: CP-002, ratedW: 50000, ocppVersion: "2.0.1", profile: public-rapid }
`;

test("a region that the simulator can play", () => {
  assert.equal(parseRegion(GOOD).zones[0]?.stations, [
    { id: "CP-001", zone: "feeder-7", ratedW: 22_000, evses: 2, ocppVersion: "1.6" },
    { id: "CP-002", zone: "feeder-7", ratedW: 50_000, evses: 1, ocppVersion: "2.0.1", profile: "public-rapid" },
  ]);
});

const BAD: readonly (readonly [what: string, from: string, to: string, message: RegExp])[] = [
  ["version the simulator lacks", '"2.0.1"', '"2.1"', /stations\[1\].ocppVersion: found "2.1"; allowed: 1.6, 2.0.1$/],
  ["profile", "public-rapid", "rapid", /profile: found "rapid"; allowed: public-rapid, workplace, residential$/],
  ["what agents refuse", "50000", "-1", /ratedW: found -1; allowed: a number from/],
];

for (const [what, from, to, message] of BAD) {
  test(`refused with key, found and allowed: ${what}`, () => {
    assert.throws(() => parseRegion(GOOD.replace(from, to)), (error: unknown) => {
      assert.instance(error, UsageError);
      assert.match((error as Error).message, message);
      return true;
    });
  });
}
