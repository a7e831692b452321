import { assert, test } from "../../build/testing.ts";
import { type AlertReach, SEVERITIES, type Severity, type Threat, THREATS } from "../../models/terms.ts";
import { CATALOGUE } from "./catalogue.ts";
import { severityOf } from "./severity.ts";

test("one station has the catalogue's severity, whatever the threat", () => {
  for (const threat of THREATS) assert.is(severityOf(threat, "station"), CATALOGUE[threat].severity, threat);
});

test("a zone's severity, as a table: by how many stations, and by the load that they could move", () => {
  const kw = (ratedW: number, ratingW: number) => ({ ratedW: 1_000 * ratedW, ratingW: 1_000 * ratingW });
  const cases: [Threat, AlertReach, Severity][] = [
    ["authorization-abuse", { stations: 2, of: 20 }, "medium"],
    ["authorization-abuse", { stations: 10, of: 20 }, "high"],
    ["authorization-abuse", { stations: 2, of: 4 }, "medium"], ["authorization-abuse", { stations: 3, of: 6 }, "high"],
    ["authorization-abuse", { stations: 4, of: 20, ...kw(600, 400) }, "medium"],
    ["load-manipulation", { stations: 4, of: 20, ...kw(600, 400) }, "critical"],
    ["load-manipulation", { stations: 4, of: 20, ...kw(88, 400) }, "high"],
    ["load-manipulation", { stations: 4, of: 20, ...kw(88, 0) }, "high"],
    ["reverse-power", { stations: 20, of: 20, ...kw(440, 400) }, "critical"],
    ["reconnaissance", { stations: 18, of: 20 }, "medium"],
  ];
  for (const [threat, reach, expected] of cases) {
    assert.is(severityOf(threat, "zone", reach), expected, `${threat} ${JSON.stringify(reach)}`);
  }
});

test("a region is a step more than a station, and nothing is more than critical", () => {
  for (const threat of THREATS) {
    const [one, all] = [severityOf(threat, "station"), severityOf(threat, "region")].map((s) => SEVERITIES.indexOf(s));
    assert.is(all, Math.min(SEVERITIES.length - 1, one! + 1), threat);
  }
});
