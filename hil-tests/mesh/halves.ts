/** A zone that falls into two halves and comes together again: real cores in one process, in virtual time. */
import { stationAt, ZoneCores } from "../../edge-agent/zone-cores.testing.ts";

export interface Healed {
  readonly members: number;
  readonly quorum: number;
  /** Epochs for which evidence rose in both halves, and agents that held a certificate by then: none may. */
  readonly apartEpochs: number;
  readonly whileApart: number;
  /** Epochs from healing until all hold the zone's certificate, of one incident. */
  readonly healedEpochs: number;
  readonly incidents: number;
  /** Epochs from the rise until all hold it where nothing parted them. */
  readonly unpartedEpochs: number;
}

const N = 12;
const F = 2;
const BEFORE = 8;
const APART = 30;
const MOST = 60;

const holders = (zone: ZoneCores): number =>
  zone.houses.filter(({ alerts }) => alerts.some(({ scope }) => scope === "zone")).length;

/** Epochs until all hold a certificate, while evidence goes on to rise. */
function epochsUntilAll(zone: ZoneCores): number {
  for (let passed = 1; passed <= MOST; passed++) {
    zone.pass(1, () => zone.suspect("refusals", 3_000));
    if (holders(zone) === N) return passed;
  }
  throw new Error(`after ${MOST} epochs ${holders(zone)} of ${N} hold a certificate`);
}

export function healHalves(): Healed {
  const whole = new ZoneCores(N, F);
  whole.pass(BEFORE);
  const unpartedEpochs = epochsUntilAll(whole);
  const zone = new ZoneCores(N, F);
  zone.pass(BEFORE);
  const half = new Set(zone.houses.slice(0, N / 2).map(({ index }) => stationAt(index)));
  zone.loses = (from, to) => half.has(from) !== half.has(to);
  zone.pass(APART, () => zone.suspect("refusals", 3_000));
  const whileApart = holders(zone);
  zone.loses = () => false;
  const healedEpochs = epochsUntilAll(zone);
  const first = zone.houses.map(({ alerts }) => alerts.find(({ scope }) => scope === "zone")!);
  return {
    members: N, quorum: first[0]!.certificate!.quorum, apartEpochs: APART, whileApart, healedEpochs,
    incidents: new Set(first.map(({ incidentId }) => incidentId)).size, unpartedEpochs,
  };
}
