import { assert, test } from "../../build/testing.ts";
import { localTime } from "../../models/local-time.ts";
import { parseRegion } from "../sim/region.ts";
import type { WallMs } from "../../models/units.ts";
import { quorumOf } from "../../gossip/roster.ts";
import { afternoonZone, LIARS_TOLERATED, PER_ZONE, PLOTS, QUORUM, regionFile } from "./street-plan.ts";

test("it is early afternoon on the street whenever it is laid out", () => {
  for (let hour = 0; hour < 24; hour++) {
    const now = Date.UTC(2026, 6, 15, hour, 59);
    const zone = afternoonZone(new Date(now));
    assert.is(localTime(zone).hour(now as WallMs).hour, 13, `${hour} h UTC is taken for ${zone}`);
  }
});

test("the region file is one that the agent and the simulator take, with two zones that survive a liar", () => {
  const { zones, timezone } = parseRegion(regionFile(PLOTS, "Etc/GMT-3"));
  assert.is(timezone, "Etc/GMT-3");
  assert.equal(zones.map(({ id, liarsTolerated, stations }) => [id, liarsTolerated, stations.length]),
    [["north", 1, 6], ["south", 1, 6]]);
  assert.equal(zones.map(({ stations }) => stations.filter(({ ocppVersion }) => ocppVersion === "1.6").length), [3, 3]);
  assert.is(quorumOf(PER_ZONE, LIARS_TOLERATED), QUORUM);
});

test("the region file of one charger has that charger alone, and no liar", () => {
  const { zones } = parseRegion(regionFile([PLOTS[7]!], "Etc/GMT"));
  assert.equal(zones.map(({ id, liarsTolerated, stations }) => [id, liarsTolerated, stations.map((one) => one.id)]),
    [["south", 0, ["S-2"]]]);
});

test("no two chargers have one name or stand in one place", () => {
  assert.is(new Set(PLOTS.map(({ station }) => station)).size, 12);
  assert.is(new Set(PLOTS.map(({ lat, lon }) => `${lat} ${lon}`)).size, 12);
});
