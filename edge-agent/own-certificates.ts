/** The agent's own certificates and their ends: an expired one takes the charger off the net. Pure. */
import { DAY_MS, type Now, rfc3339, type WallMs } from "../models/units.ts";

export interface OwnCertificate {
  /** The group of the configuration that names its file. */
  readonly use: "tls" | "csmsTls";
  readonly ends: WallMs;
}

/** Renewing takes people and a visit at worst. */
export const SOON_MS = 30 * DAY_MS;

/**
 * Notices that are due: one a day for each certificate that ends within 30 days, or has ended.
 * @param said monotonic milliseconds of the last notice, by use; taken down here
 */
export function endingSoon(certificates: readonly OwnCertificate[], said: Map<string, number>, now: Now): string[] {
  return certificates.flatMap(({ use, ends }) => {
    const leftMs = ends - now.wallMs;
    const last = said.get(use);
    if (!(leftMs < SOON_MS) || (last !== undefined && now.monoMs - last < DAY_MS)) return [];
    said.set(use, now.monoMs);
    const when = leftMs <= 0 ? `ended on ${rfc3339(ends)}` : `ends on ${rfc3339(ends)}, in ${daysText(leftMs)}`;
    return [`${use}: the certificate in ${use}.cert ${when}: renew it in its place, no restart is needed`];
  });
}

export function daysText(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  return days === 0 ? "less than a day" : days === 1 ? "1 day" : `${days} days`;
}
