/**
 * A whole number that was given as an option of a script, or the default.
 * @throws TypeError that names the option, what was found and what is allowed; build/run.mjs ends with it as one line
 */
export function wholeOption(
  name: string, given: string | boolean | undefined, otherwise: number, least = 0,
): number {
  const value = Number(given ?? otherwise);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new TypeError(`--${name}: found ${given}; allowed: a whole number from ${least} on`);
}
