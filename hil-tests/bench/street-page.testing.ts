/** A street that is none, for its page: twelve chargers by the plan, one with an agent's page behind it, small acts. */
import { packedPage } from "../../build/page.ts";
import { repoRoot } from "../../build/paths.ts";
import { servePage, STATION, World, ZONE } from "../../edge-agent/dashboard/page-world.testing.ts";
import type { Alert } from "../../models/terms.ts";
import type { Act, ActId, Outcome } from "./acts/act.ts";
import { awayRow, type Row } from "./live-row.ts";
import { PLOTS, ZONES } from "./street-plan.ts";
import { StreetPage } from "./street-page.ts";
import { Stage } from "./street-stage.ts";
import { incidentViews, stationView } from "./street-view.ts";
import type { Street } from "./street.ts";

export class PlayedStreet {
  readonly world = new World();
  /** How each act ends, once a test says so. */
  readonly endings = new Map<ActId, (outcome: Outcome) => void>();
  nowMs = 0;
  readonly stage: Stage;
  alerts: readonly Alert[] = [{ ...ZONE, stations: ["N-1", "N-2"] }, STATION];

  constructor() {
    const act = (id: ActId, needs: readonly ActId[] = []): Act => ({
      id, name: `act ${id} of the test`, told: "what is told", needs, sabotages: {},
      play: () => new Promise((resolve) => void this.endings.set(id, resolve)),
    });
    const street = { seconds: () => new Promise(() => undefined) } as unknown as Street;
    this.stage = new Stage(street, [act("a"), act("b"), act("g", ["a", "b"])]);
    this.stage.busy = undefined;
  }

  readonly view = async (): Promise<unknown> => {
    const row = (station: string, zone: string, n: number): Row => ({
      ...awayRow(station, zone), answers: n !== 5, charger: true, powerW: n === 2 ? 150_000 : 0, residentBytes: 7e7,
      opinions: n === 3 ? [{ key: "energy-theft", opinion: 0.62 }] : [],
    });
    const stations = PLOTS.map((plot, n) => stationView(
      { id: plot.station, plot }, row(plot.station, plot.zone, n), n === 5, new Set(["N-1", "N-2"])));
    return {
      title: "a street of the test",
      zones: ZONES.map((id, z) => ({ id, stations: stations.slice(6 * z, 6 * z + 6) })),
      incidents: incidentViews([["N-1", this.alerts], ["N-2", this.alerts.slice(0, 1)]]),
      acts: this.stage.views(),
    };
  };

  async open(): Promise<{ readonly page: StreetPage; close(): Promise<void> }> {
    const agent = await servePage(this.world, await packedPage(repoRoot));
    const page = await StreetPage.open({
      houses: new Map(PLOTS.map(({ station }, n) => [station, n === 0 ? this.world.stateDir : "/nowhere"])),
      view: this.view, hindrance: (act) => this.stage.hindrance(act), play: (act) => void this.stage.play(act),
      monoMs: () => this.nowMs += 1_000,
    });
    return { page, close: async () => void await Promise.all([page.close(), agent.stop()]) };
  }
}
