/** The step *detect*: observations to findings, through every detector in turn. */
import type { Finding, Observation } from "../terms.ts";
import type { Now } from "../units.ts";
import { authorizationAbuse } from "./authorization-abuse.ts";
import { channelTampering } from "./channel-tampering.ts";
import { configurationTampering } from "./configuration-tampering.ts";
import { credentialCloning } from "./credential-cloning.ts";
import { dataExfiltration } from "./data-exfiltration.ts";
import { denialOfService } from "./denial-of-service.ts";
import type { Detector, Site } from "./detector.ts";
import { declareLoads } from "./energy/balance.ts";
import { energyTheft, type EnergyTheft } from "./energy-theft.ts";
import { holdReading } from "./energy/tracks.ts";
import { firmwareTampering } from "./firmware-tampering.ts";
import type { JointCause } from "./joint-causes.ts";
import { declareCauses, loadManipulation, type LoadManipulation } from "./load-manipulation.ts";
import { profileTampering } from "./profile-tampering.ts";
import { reconnaissance } from "./reconnaissance.ts";
import { remoteCommandAbuse } from "./remote-command-abuse.ts";
import { physicalTampering } from "./physical-tampering.ts";
import { reversePower } from "./reverse-power.ts";
import { sessionSpoofing } from "./session-spoofing.ts";

export const DETECTORS = [
  authorizationAbuse, credentialCloning, energyTheft, loadManipulation, configurationTampering,
  firmwareTampering, denialOfService, channelTampering, remoteCommandAbuse, dataExfiltration, reconnaissance,
  reversePower, physicalTampering, sessionSpoofing, profileTampering,
] as readonly Detector<unknown>[];

/** The learned normal of every detector by name: plain JSON, remembered across restarts. */
export type DetectState = Record<string, { version: number; state: unknown }>;

/** Beside the detectors: the registers at which meters are held, Wh (energy/tracks.ts), over restarts, too. */
const REGISTERS = { name: "registers", version: 1, create: (): Record<string, number> => ({}) };

export function createDetect(site: Site): DetectState {
  return Object.fromEntries([...DETECTORS, REGISTERS].map(({ name, version, create }) =>
    [name, { version, state: create(site) }]));
}

/**
 * Takes over what was remembered, detector by detector; one whose version differs begins anew.
 * @returns the state, and the names of those that begin anew
 */
export function recallDetect(site: Site, remembered: DetectState): { state: DetectState; fresh: string[] } {
  const state = createDetect(site);
  const fresh: string[] = [];
  const held = remembered[REGISTERS.name];
  if (held?.version === REGISTERS.version) state[REGISTERS.name] = held;
  for (const detector of DETECTORS) {
    const known = remembered[detector.name];
    if (known?.version === detector.version) state[detector.name] = known;
    else fresh.push(detector.name);
  }
  // What is declared is the configuration's word of today.
  declareLoads((state[energyTheft.name]!.state as EnergyTheft).balance, site.loadsW ?? {});
  return { state, fresh };
}

/** Tells the detectors what the roster in force declares for this zone. */
export function declareJointCauses(state: DetectState, causes: readonly JointCause[]): void {
  const own = state[loadManipulation.name];
  if (own !== undefined) declareCauses(own.state as LoadManipulation, causes);
}

export function detect(state: DetectState, observations: readonly Observation[], now: Now): Finding[] {
  const findings: Finding[] = [];
  const held = state[REGISTERS.name]?.state as Record<string, number> | undefined;
  for (const seen of observations) {
    const observation = seen.kind === "meter-reading" && held !== undefined
      ? { ...seen, reading: holdReading(held, seen.reading) } : seen;
    for (const detector of DETECTORS) {
      const own = state[detector.name];
      if (own === undefined) continue;
      for (const finding of detector.observe(own.state, observation, now)) findings.push(finding);
    }
  }
  return findings;
}
