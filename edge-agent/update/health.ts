/** Whether a release on trial is to be kept: the log is open, the mesh is joined, frames flow. Pure. */

/** Of the agent's status. */
export interface HealthFacts {
  readonly log: { readonly state: string };
  readonly link: { readonly framesFromStation: number; readonly framesFromCsms: number };
  /** Absent for an agent without neighbours. */
  readonly mesh?: { readonly links: readonly { readonly up: boolean }[] };
}

/** A trial that is not found healthy within this is taken back. Chargers reconnect within seconds, and say so. */
export const TRIAL_MS = 15 * 60_000;
/** How long it must have run: what crashes, does so early. */
export const LEAST_MS = 60_000;

/** What is missing, in words; empty when nothing is. */
export function missing({ log, link, mesh }: HealthFacts): string[] {
  return [
    ...(log.state === "good" ? [] : ["the log is not open"]),
    ...(mesh === undefined || mesh.links.length === 0 || mesh.links.some(({ up }) => up) ? []
      : ["no neighbour is reached"]),
    ...(link.framesFromStation > 0 && link.framesFromCsms > 0 ? [] : ["no frames have passed both ways"]),
  ];
}
