/** `authorization-abuse`: whoever has no valid card tries numbers until one is taken. */
import { DAY_MS, SECOND_MS, type WallMs } from "../../models/units.ts";
import type { Capture, TimedLine } from "../sim/capture.ts";
import type { Dice } from "../sim/dice.ts";
import { dialectOf } from "../sim/dialects.ts";
import { exchange, isUp, merged, moment, playground, truthOf, type Attack, type Attacks } from "./attack.ts";

/** One card number that the CSMS does not know. */
export function refusedGuess(capture: Capture, chance: Dice, at: WallMs): TimedLine[] {
  const dialect = dialectOf(capture.ocppVersion);
  const guess = dialect.authorize(chance.hex(8));
  return exchange(capture, chance, at, "station", guess, dialect.authorizeReply("Invalid"));
}

const guessesInBurst = (strength: number): number => Math.round(10 + 90 * strength);
const guessesPerDay = (strength: number): number => 4 + 56 * strength;

/** A reader that is fed card numbers by a machine: 10 to 100 guesses, one every 2 to 6 s. */
export const guessBurst: Attack = (capture, chance, strength, window) => {
  const guesses = guessesInBurst(strength);
  const from = moment(capture, chance, guesses * 6 * SECOND_MS, window);
  const lines: TimedLine[] = [];
  let at = from;
  for (let i = 0; i < guesses; i++) {
    lines.push(...refusedGuess(capture, chance, at));
    at = Math.round(at + chance.uniform(2, 6) * SECOND_MS) as WallMs;
  }
  const truth = truthOf("authorization-abuse", "guess-burst", capture, { from, to: lines.at(-1)?.at ?? from });
  return { capture: { ...capture, ocpp: merged(capture.ocpp, lines) }, truth: [truth] };
};

/** Patience: 4 to 60 guesses a day, at random times of the last quarter, each a lone refusal. */
export const guessSpray: Attack = (capture, chance, strength, window) => {
  const { from, to } = playground(capture, window);
  const meanGapMs = DAY_MS / guessesPerDay(strength);
  const lines: TimedLine[] = [];
  for (let at = from + chance.exponential(meanGapMs); at < to - SECOND_MS; at += chance.exponential(meanGapMs)) {
    const when = Math.round(at) as WallMs;
    const around = { from: when, to: (when + SECOND_MS) as WallMs };
    if (isUp(capture, around)) lines.push(...refusedGuess(capture, chance, when));
  }
  const truth = truthOf("authorization-abuse", "guess-spray", capture, {
    from: lines[0]?.at ?? from, to: lines.at(-1)?.at ?? to,
  });
  return { capture: { ...capture, ocpp: merged(capture.ocpp, lines) }, truth: [truth] };
};

export const GUESSED_TOKENS: Attacks = {
  "guess-burst": {
    threat: "authorization-abuse", scope: "station", make: guessBurst,
    does: "a machine at the reader tries card numbers",
    amount: (strength) => `${guessesInBurst(strength)} refused, one every 2 to 6 s`,
  },
  "guess-spray": {
    threat: "authorization-abuse", scope: "station", make: guessSpray,
    does: "lone guesses at random times until the end",
    amount: (strength) => `${guessesPerDay(strength)} refused a day`,
  },
};
