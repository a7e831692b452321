/**
 * `npm run bench prior`: what the shipped prior is worth on day 1, day 14 and day 40, one city left out of the fit at a
 * time: logarithmic loss of hourly starts above hindsight, nats a day and station, smaller is better.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { sharedDir } from "./paths.ts";
import { scoreCity, waysFor, type Window, WINDOWS } from "./prior-score.ts";
import { readCities } from "./session-data.ts";

const { values } = parseArgs({ options: { json: { type: "string" }, quick: { type: "boolean" } } });
const shared = sharedDir();
if (shared === undefined) console.log("skipped: no ../shared");
else {
  const cities = readCities(shared);
  const rows = cities.flatMap((city) => Object.entries(waysFor(city, cities)).flatMap(([way, start]) => {
    const losses = scoreCity(city, start);
    return losses === undefined ? [] : [{ city: city.name, way, ...losses }];
  }));
  const windows = Object.keys(WINDOWS) as Window[];
  console.log(`${"left out".padEnd(12)}${"begins with".padEnd(24)}${windows.map((w) => w.padStart(9)).join("")}`);
  for (const row of rows) {
    const figures = windows.map((window) => row[window].toFixed(3).padStart(9)).join("");
    console.log(`${row.city.padEnd(12)}${row.way.padEnd(24)}${figures}`);
  }
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(rows));
}
