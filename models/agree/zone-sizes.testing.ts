/** Zones that a bench is asked for: `--sizes 20/3,4/1` are those of n members of whom f may lie. */
import { carries, type ZoneSize } from "./zone-decision.ts";

/** What `option` lists; undefined where it was not given. Throws a TypeError for what is no zone. */
export function zoneSizes(option: string, given: string | undefined): ZoneSize[] | undefined {
  return given?.split(",").map((one) => {
    const [, n, f] = /^(\d{1,3})\/(\d{1,3})$/.exec(one) ?? [];
    const size = { n: Number(n), f: Number(f) };
    if (n === undefined || !carries(size)) {
      throw new TypeError(`--${option}: found ${JSON.stringify(one)}; allowed: n/f with n > 3f, as 20/3,4/1`);
    }
    return size;
  });
}
