import { assert, test } from "../build/testing.ts";
import { UsageError } from "./usage-error.ts";
import { parseRegion } from "./region.ts";

const GOOD = `
version: 1
region: example
timezone: Europe/Madrid
zones:
  - id: feeder-7
    ratingW: 400000
    liarsTolerated: 3
    stations:
      - { id: CP-001, lat: 56.46, lon: -2.97, ratedW: 22000, evses: 2, ocppVersion: "1.6" }
      - { id: CP-002, ratedW: 50000, ocppVersion: "2.0.1", profile: public-rapid }
events:
  - { kind: tariff, zone: feeder-7, daily: "00:30", spreadS: 600 }
  - { kind: demand-response, zone: feeder-7, from: 2026-03-01T17:00:00.000Z, to: 2026-03-01T18:00:00.000Z }
`;

test("the example of the contracts is read", () => {
  const { region, timezone, zones } = parseRegion(GOOD);
  assert.is(region, "example");
  assert.is(timezone, "Europe/Madrid");
  assert.equal(zones[0]?.stations, [
    { id: "CP-001", zone: "feeder-7", lat: 56.46, lon: -2.97, ratedW: 22_000, evses: 2, ocppVersion: "1.6" },
    { id: "CP-002", zone: "feeder-7", ratedW: 50_000, evses: 1, ocppVersion: "2.0.1", profile: "public-rapid" },
  ]);
});

test("events are kept as they were written, for the roster", () => {
  assert.equal(parseRegion(GOOD).events, [
    { kind: "tariff", zone: "feeder-7", daily: "00:30", spreadS: 600 },
    { kind: "demand-response", zone: "feeder-7", from: "2026-03-01T17:00:00.000Z", to: "2026-03-01T18:00:00.000Z" },
  ]);
  assert.equal(parseRegion(GOOD.slice(0, GOOD.indexOf("events:"))).events, []);
});

test("JSON is read as well", () => {
  const stations = [{ id: "A", ratedW: 7_000 }];
  const { zones } = parseRegion(JSON.stringify({ version: 1, region: "r", zones: [{ id: "z", stations }] }));
  assert.is(zones[0]?.stations[0]?.ocppVersion, "1.6");
});

const BAD: readonly (readonly [what: string, from: string | RegExp, to: string, message: RegExp])[] = [
  ["version", "version: 1", "version: 2", /^version: found 2; allowed: 1$/],
  ["unknown key", "region: example", "regoin: a", /^region file: unknown key "regoin"; did you mean region\?$/],
  ["no region name", "region: example", "region: ''", /^region: found ""; allowed: a text/],
  ["unknown zone of time", "Europe/Madrid", "Mars/Crater", /^timezone: found "Mars\/Crater"; allowed: .*IANA/],
  ["bad id", "CP-001", "CP 001", /^zones\[0\].stations\[0\].id: found "CP 001"; allowed: 1 to 48/],
  ["station twice", "CP-002", "CP-001", /^zones\[0\].stations\[1\].id: found "CP-001"; allowed: each station once/],
  ["rating as text", "22000", "'22000'", /ratedW: found "22000"; allowed: a number from/],
  ["rating absent", "ratedW: 50000, ", "", /stations\[1\].ratedW: found nothing; allowed/],
  ["half an EVSE", "evses: 2", "evses: 1.5", /evses: found 1.5; allowed: an integer from 1 to 64/],
  ["version that OCPP lacks", '"2.0.1"', '"2.2"', /ocppVersion: found "2.2"; allowed: 1.6, 2.0.1, 2.1/],
  ["profile a list", "public-rapid", "[rapid]", /profile: found \["rapid"\]; allowed: a text/],
  ["longitude alone", "lat: 56.46, ", "", /stations\[0\].lat: found nothing; allowed: lat and lon, or neither/],
  ["event of another zone", "zone: feeder-7, daily", "zone: x, daily", /^events\[0\].zone: found "x"; allowed: feeder/],
  ["event at no time", '"00:30"', '"24:30"', /^events\[0\].daily: found "24:30"; allowed: a local time/],
  ["event without a time zone", "T17:00:00.000Z", "T17:00:00", /^events\[1\].from: found .*; allowed: a time like/],
  ["event that ends first", "T18:00:00.000Z", "T16:00:00.000Z", /^events\[1\].to: found .*; allowed: a time after/],
  ["event that spreads", "spreadS: 600", "spreadS: -1", /^events\[0\].spreadS: found -1; allowed: a number from 0/],
  ["latitude", "56.46", "96.46", /lat: found 96.46; allowed: a number from -90 to 90/],
  ["unknown station key", "evses: 2", "evse: 2", /stations\[0\]: unknown key "evse"; did you mean evses\?/],
  ["negative f", "liarsTolerated: 3", "liarsTolerated: -1", /liarsTolerated: found -1; allowed/],
  ["event of no kind", "kind: tariff", "kind: party", /^events\[0\].kind: found "party"; allowed: tariff, demand/],
  ["no YAML", "zones:", "zones: [", /^region file: found .*allowed: YAML or JSON/],
  ["not a number", "50000", ".nan", /ratedW: found NaN; allowed/],
];

for (const [what, from, to, message] of BAD) {
  test(`refused with key, found and allowed: ${what}`, () => {
    const text = GOOD.replace(from, to);
    assert.is.not(text, GOOD);
    assert.throws(() => parseRegion(text), (error: unknown) => {
      assert.instance(error, UsageError);
      assert.match((error as Error).message, message);
      assert.not.match((error as Error).message, /\n/);
      return true;
    });
  });
}

for (const text of ["", "[]", "3", "null", "zones: {}", "version: 1\nregion: r\nzones: []", "a: &a [*a]"]) {
  test(`refused: ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseRegion(text), (error: unknown) => error instanceof UsageError);
  });
}
