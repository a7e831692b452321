/**
 * How strong an attack is: three names, and anything between as a number above 0, up to 1. What it means is each
 * attack's own, chosen by what it does to its victim and never by what is found.
 */
export const STRENGTHS = { weak: 0.25, medium: 0.5, strong: 1 } as const;
export type StrengthName = keyof typeof STRENGTHS;
export const STRENGTH_NAMES = Object.keys(STRENGTHS) as StrengthName[];

export function strengthOf(strength: number | StrengthName): number {
  return typeof strength === "number" ? strength : STRENGTHS[strength];
}

/** A quantity by strength: straight lines from `none`, what there is without an attack, through its named values. */
export function graded(weak: number, medium: number, strong: number, none = 0): (strength: number) => number {
  const between = (strength: number, low: number, high: number, from: number, to: number): number =>
    low + ((high - low) * (strength - from)) / (to - from);
  return (strength) => {
    if (strength <= STRENGTHS.weak) return between(strength, none, weak, 0, STRENGTHS.weak);
    if (strength <= STRENGTHS.medium) return between(strength, weak, medium, STRENGTHS.weak, STRENGTHS.medium);
    return between(strength, medium, strong, STRENGTHS.medium, STRENGTHS.strong);
  };
}

/** The same in whole things, at least one. */
export function gradedCount(weak: number, medium: number, strong: number): (strength: number) => number {
  const exact = graded(weak, medium, strong);
  return (strength) => Math.max(1, Math.round(exact(strength)));
}

/** 0.125 as `12.5 %`. */
export function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
