/** Every attack that the simulator knows, by name: for captures, benches and whoever tunes a detector. */
import type { Capture } from "../sim/capture.ts";
import type { Dice } from "../sim/dice.ts";
import type { Attacks, AttackTruth, JointlyAttacked, Window } from "./attack.ts";
import { BILLING_INFLATION, THIN_THEFT } from "./billing-inflation.ts";
import { CLONED_TOKEN } from "./cloned-token.ts";
import { COMMANDS } from "./commands.ts";
import { ENERGY_THEFT } from "./energy-theft.ts";
import { FLOODS } from "./floods.ts";
import { GUESSED_TOKENS } from "./guessed-tokens.ts";
import { HOSTILE_CONFIGURATION } from "./hostile-configuration.ts";
import { HOSTILE_FIRMWARE } from "./hostile-firmware.ts";
import { HOSTILE_LIMITS } from "./hostile-limits.ts";
import { MANIPULATED_LOAD } from "./manipulated-load.ts";
import { ONE_FOR_MANY } from "./one-for-many.ts";
import { OPENED_STATIONS } from "./opened-stations.ts";
import { PROBES } from "./probes.ts";
import { REVERSE_POWER } from "./reverse-power.ts";
import { SPOOFED_SESSIONS } from "./spoofed-sessions.ts";
import { strengthOf, type StrengthName } from "./strength.ts";
import { SYNCHRONISED_STARTS } from "./synchronised-starts.ts";
import { TAMPERED_CHANNEL } from "./tampered-channel.ts";
import { UPLOADS } from "./uploads.ts";

export const ATTACKS: Attacks = {
  ...GUESSED_TOKENS,
  ...CLONED_TOKEN,
  ...SPOOFED_SESSIONS,
  ...ENERGY_THEFT,
  ...THIN_THEFT,
  ...BILLING_INFLATION,
  ...SYNCHRONISED_STARTS,
  ...MANIPULATED_LOAD,
  ...HOSTILE_LIMITS,
  ...HOSTILE_CONFIGURATION,
  ...HOSTILE_FIRMWARE,
  ...COMMANDS,
  ...FLOODS,
  ...TAMPERED_CHANNEL,
  ...UPLOADS,
  ...REVERSE_POWER,
  ...PROBES,
  ...OPENED_STATIONS,
  ...ONE_FOR_MANY,
};

/**
 * The captures after an attack of the catalogue: one of station scope comes to each of them on its own, one of zone
 * scope to all of them together. Truth is in order of time.
 * @throws Error for an unknown name, or when a capture offers no opportunity (it names the station).
 */
export function attacked(
  name: string, captures: readonly Capture[], chance: Dice, strength: number | StrengthName, window?: Window,
): JointlyAttacked {
  const attack = Object.hasOwn(ATTACKS, name) ? ATTACKS[name] : undefined;
  if (attack === undefined) throw new Error(`${name}: no attack of that name`);
  const amount = strengthOf(strength);
  if (attack.scope === "zone") return inOrder(attack.make(captures, chance, amount, window));
  const truth: AttackTruth[] = [];
  const after = captures.map((before) => {
    try {
      const one = attack.make(before, chance, amount, window);
      truth.push(...one.truth);
      return one.capture;
    } catch (error) {
      throw new Error(`${name} at ${before.station}: ${(error as Error).message}`);
    }
  });
  return inOrder({ captures: after, truth });
}

function inOrder({ captures, truth }: JointlyAttacked): JointlyAttacked {
  return { captures, truth: [...truth].sort((a, b) => a.from - b.from) };
}
