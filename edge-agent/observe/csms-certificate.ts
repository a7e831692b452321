/**
 * Which certificates the CSMS showed. Another one is of every year, by itself no sign of anything; whoever stands in
 * between shows another one too. So it is told, once, and left to people.
 */
import type { Observation } from "../../models/terms.ts";

type News = Pick<Extract<Observation, { kind: "csms-certificate" }>, "kind" | "before" | "now">;

const SHA256 = /^[0-9a-f]{64}$/;
/** A CSMS behind several machines may show one of several certificates by turns. */
export const MOST_CERTIFICATES = 8;

/**
 * Takes note of what was shown, and says when it is none of the last ones.
 * @param known the last certificates, the one seen last at the end; changed here
 */
export function noteCertificate(known: string[], shown: string | undefined): News[] {
  if (shown === undefined || !SHA256.test(shown)) return [];
  const before = known.at(-1);
  const at = known.indexOf(shown);
  if (at >= 0) known.splice(at, 1);
  known.push(shown);
  if (known.length > MOST_CERTIFICATES) known.shift();
  return at >= 0 || before === undefined ? [] : [{ kind: "csms-certificate", before, now: shown }];
}
