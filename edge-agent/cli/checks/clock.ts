/** Is this machine's clock set, and does it agree with the CSMS's? Pure. */
import { SECOND_MS } from "../../../models/units.ts";
import { duration } from "../../status-words.ts";
import { RELEASED } from "../../version.ts";
import { failed, passed, warned } from "./check.ts";
import type { Check } from "./check.ts";

const SET_IT = "set the clock: an NTP or GNSS source, or a battery-backed RTC";
/** From here on, time of week and the validity of certificates are judged wrongly. */
const FAR_OFF_MS = 300 * SECOND_MS;

/**
 * `csmsMs` is the `Date` header of the CSMS's HTTP answer (RFC 9110, 6.6.1), which has a resolution of one second;
 * undefined when there was none. One epoch off is where a mesh stops listening (design, section 5).
 */
export function checkClock(wallMs: number, csmsMs: number | undefined, epochS: number): Check {
  const now = new Date(wallMs).toISOString();
  if (wallMs < Date.parse(RELEASED)) {
    return failed("clock", `${now} is before this release was made: the clock was never set`, SET_IT);
  }
  if (csmsMs === undefined) return passed("clock", `${now}; the CSMS gives no time to compare with`);
  const aheadMs = wallMs - csmsMs;
  const apart = `${now}, ${duration(Math.abs(aheadMs) / 1000)} ${aheadMs < 0 ? "behind" : "ahead of"} the CSMS`;
  if (Math.abs(aheadMs) > FAR_OFF_MS) return failed("clock", apart, SET_IT);
  if (Math.abs(aheadMs) > epochS * SECOND_MS + SECOND_MS) return warned("clock", apart, SET_IT);
  return passed("clock", apart);
}
