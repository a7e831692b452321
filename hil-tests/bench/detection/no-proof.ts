/**
 * Attacks whose frames and readings at one station are those of an honest day there, with the reason: no agent can tell
 * them apart from that station alone, so they do not count against the aim that every medium and strong attack visible
 * at one station is found there. They are tried and told all the same.
 */
import type { StrengthName } from "../../attackers/strength.ts";

interface NoProof {
  readonly strengths: readonly StrengthName[];
  readonly reason: string;
}

const ALL: readonly StrengthName[] = ["weak", "medium", "strong"];
const FEW: readonly StrengthName[] = ["weak", "medium"];

/** By name of the attack. A strength that is not listed is visible. */
export const NO_PROOF: Readonly<Record<string, NoProof>> = {
  "out-of-service": { strengths: ALL, reason: "maintenance is the same two frames" },
  "stop-paying-sessions": { strengths: FEW, reason: "an app or a help desk stops a driver's session likewise" },
  "forced-unlock": { strengths: FEW, reason: "a help desk frees a driver's cable by the same frames, twice a week" },
  "silent-link": { strengths: FEW,
    reason: "while nothing is due but heartbeats, a charger that sends none is as silent; told as that fault" },
  "starve": { strengths: ["weak"], reason: "a tariff or a full feeder pauses a session likewise" },
  "replace-password": { strengths: ["weak"], reason: "passwords are renewed by the same call" },
  "foreign-image": { strengths: ["medium", "strong"],
    reason: "the station accepts the signature, and a new mirror over TLS is ordered likewise" },
  "meter-cut": { strengths: ALL, reason: "a gateway or a cable that dies falls silent likewise" },
  "cut-cable": { strengths: ["weak"], reason: "a connector's fault is the same frames" },
  "log-upload": { strengths: ["weak"], reason: "support fetches one log over TLS likewise" },
};

/**
 * Broken chargers whose frames and readings are those of an attack, with the reason: the alert says so, and is told in
 * the table of look-alikes all the same.
 */
export const SAME_AS_ATTACK: Readonly<Record<string, string>> = {
  "meter-drift": "a meter that loses 1 % a day delivers what is not billed, as one that was slowed down",
};

export function isVisible(attack: string, strength: StrengthName): boolean {
  const none = Object.hasOwn(NO_PROOF, attack) ? NO_PROOF[attack] : undefined;
  return none === undefined || !none.strengths.includes(strength);
}
