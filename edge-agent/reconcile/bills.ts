/** Records as bills of a station's meters: which meter each was under, and which of them cannot be told apart. */
import type { WallMs } from "../../models/units.ts";
import type { Cdr } from "./cdr.ts";

/** What was billed under one meter from one moment to another: one record, or several that overlap. */
export interface Bill {
  readonly ids: readonly string[];
  /** The meter's EVSE; 0: the whole station's. */
  readonly meter: number;
  readonly evseId: number;
  readonly startMs: WallMs;
  readonly endMs: WallMs;
  readonly energyWh: number;
}

/** The number of an EVSE by the operator's names of it, in small letters: a CiString's case says nothing. */
export type EvseNames = ReadonlyMap<string, number>;

/** Of EVSEs that have names in `evses`; the meter is the EVSE's own, else the station's (0). Oldest first. */
export function billsOf(cdrs: readonly Cdr[], evses: EvseNames, meters: ReadonlySet<number>): {
  readonly bills: Bill[];
  /** Records of EVSEs that have no name here. */
  readonly elsewhere: number;
} {
  const own = cdrs.flatMap((cdr) => {
    const evseId = evses.get(cdr.evseUid.toLowerCase()) ?? evses.get((cdr.evseId ?? "").toLowerCase());
    return evseId === undefined ? [] : [{ cdr, evseId, meter: meters.has(evseId) ? evseId : 0 }];
  });
  const last = new Map<number, Bill>();
  const bills: Bill[] = [];
  for (const { cdr: { id, startMs, endMs, energyWh }, evseId, meter } of own) {
    const before = last.get(meter);
    // What one of two took at the same time a meter cannot tell.
    const joins = before !== undefined && startMs < before.endMs;
    const bill = joins ? {
      ...before, ids: [...before.ids, id], energyWh: before.energyWh + energyWh,
      endMs: Math.max(before.endMs, endMs) as WallMs,
    } : { ids: [id], meter, evseId, startMs, endMs, energyWh };
    if (joins) bills[bills.lastIndexOf(before)] = bill;
    else bills.push(bill);
    last.set(meter, bill);
  }
  return { bills, elsewhere: cdrs.length - own.length };
}
