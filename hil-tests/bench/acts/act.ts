/** What an act of `npm start` is, and how it is judged. */
import type { Street } from "../street.ts";

export const ACT_IDS = ["a", "b", "c", "d", "e", "f", "g"] as const;
export type ActId = (typeof ACT_IDS)[number];

/** Act b takes at most five minutes, no other half of one; what never comes must not hold up the others' failure. */
export const ACT_WITHIN_S = 330;

/** One thing that was looked at. */
export interface Check {
  /** What was seen, in a few words. */
  readonly saw: string;
  readonly ok: boolean;
}

export interface Outcome {
  readonly observed: string;
  readonly asTold: boolean;
  /** What an agent said of it, for the curious. */
  readonly words?: string;
  /** From the first evidence to the certificate, milliseconds. */
  readonly tookMs?: number;
}

export interface Act {
  readonly id: ActId;
  readonly name: string;
  readonly told: string;
  /** Acts that must have been played before. */
  readonly needs: readonly ActId[];
  /** Ways to break the act's premise, so that anybody may see that a failure is reported. */
  readonly sabotages: Readonly<Record<string, string>>;
  /** `sabotage`: one of the act's own, or none. */
  play(street: Street, sabotage: string | undefined): Promise<Outcome>;
}

/** As told when everything that was looked at is as it should be; what is not follows a BUT. */
export function outcomeOf(checks: readonly Check[], more: Pick<Outcome, "words" | "tookMs"> = {}): Outcome {
  return {
    observed: checks.map(({ saw, ok }) => (ok ? saw : `BUT ${saw}`)).join("; "),
    asTold: checks.length > 0 && checks.every(({ ok }) => ok), ...more,
  };
}
