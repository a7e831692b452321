/** What deciding costs at one station: processor time an observation, and what is remembered. */
import { honestCapture } from "../../sim/honest.ts";
import { type CityStation, specOf, startOf } from "./cities.ts";
import { Watch } from "./watch.ts";

export interface Cost {
  readonly station: string;
  readonly observations: number;
  /** From the frame's text to the verdict: parsing, detectors, evidence, verdict. */
  readonly microsAnObservation: number;
  readonly stateKb: number;
  /** Characters of each detector's learned state, KB. */
  readonly kbByDetector: Readonly<Record<string, number>>;
}

/** Ten-second meter and epochs, as on a charger; the best of three runs, since others use this machine too. */
export function measureCost(of: CityStation, seed: number, days: number): Cost {
  const from = startOf(of.sessions);
  const items = [...honestCapture(specOf(of, seed, { from, days }, 10)).items];
  let best = Infinity;
  let watch = new Watch({ station: of.station, epochS: 10, from });
  for (let run = 0; run < 3; run++) {
    watch = new Watch({ station: of.station, epochS: 10, from });
    const before = process.cpuUsage();
    for (const item of items) watch.take(item, {});
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / watch.counts.observations);
  }
  const kbByDetector = Object.fromEntries(Object.entries(watch.detectState).map(([name, { state }]) =>
    [name, JSON.stringify(state).length / 1_024]));
  return {
    station: of.station, observations: watch.counts.observations, microsAnObservation: best,
    stateKb: watch.stateChars() / 1_024, kbByDetector,
  };
}
