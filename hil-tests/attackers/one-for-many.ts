/** One hostile order for many stations: settings, images, and card numbers tried thinly. */
import { MINUTE_MS, SECOND_MS, type WallMs } from "../../models/units.ts";
import { exchange, type Attacks } from "./attack.ts";
import { refusedGuess } from "./guessed-tokens.ts";
import { repointed } from "./hostile-configuration.ts";
import { orderedImage, unsignedImage } from "./hostile-firmware.ts";
import { joint } from "./joint.ts";
import { graded, gradedCount, percent } from "./strength.ts";
import { withLines } from "./wire.ts";

const share = graded(0.3, 0.6, 1);
const refusals = gradedCount(1, 2, 4);
const TEN_MIN = 10 * MINUTE_MS;

export const ONE_FOR_MANY: Attacks = {
  "thin-guesses": {
    threat: "authorization-abuse", scope: "zone",
    does: "a list of card numbers is tried across the zone within half an hour",
    amount: (strength) => `${refusals(strength)} refused at each station`,
    make: joint((strength) => ({
      threat: "authorization-abuse", name: "thin-guesses", share: 1, spreadMs: 20 * MINUTE_MS, lengthMs: TEN_MIN,
      act: (capture, chance, at) => ({ capture: withLines(capture, Array.from({ length: refusals(strength) }, () =>
        refusedGuess(capture, chance, Math.round(at + chance.uniform(0, TEN_MIN)) as WallMs)).flat()) }),
    })),
  },
  "mass-repoint": {
    threat: "configuration-tampering", scope: "zone",
    does: "many stations are given the same other CSMS within ten minutes",
    amount: (strength) => `${percent(share(strength))} of the stations`,
    make: joint((strength) => ({
      threat: "configuration-tampering", name: "mass-repoint", share: share(strength), spreadMs: TEN_MIN,
      lengthMs: SECOND_MS,
      act: (capture, chance, at) => {
        const { message, reply } = repointed(capture, 0.25);
        return { capture: withLines(capture, exchange(capture, chance, at, "csms", message, reply)) };
      },
    })),
  },
  "same-image": {
    threat: "firmware-tampering", scope: "zone",
    does: "many stations are told to install the same unsigned image within ten minutes",
    amount: (strength) => `${percent(share(strength))} of the stations`,
    make: joint((strength) => ({
      threat: "firmware-tampering", name: "same-image", share: share(strength), spreadMs: TEN_MIN,
      lengthMs: 6 * MINUTE_MS,
      act: (capture, chance, at) =>
        ({ capture: withLines(capture, orderedImage(capture, chance, at, unsignedImage(capture, at), true)) }),
    })),
  },
};
