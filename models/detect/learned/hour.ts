/** How often things happened within the last hour, to the nearest few minutes, in bounded memory. */
import { HOUR_MS, type Now } from "../../units.ts";

/** By name, counts of the slots of an hour; `slot`: the number of the newest one. Plain JSON. */
export interface Hour<Name extends string> {
  counts: Record<Name, number[]>;
  slot: number;
}

const SLOTS = 12;
const SLOT_MS = HOUR_MS / SLOTS;

export function createHour<Name extends string>(names: readonly Name[]): Hour<Name> {
  const counts = Object.fromEntries(names.map((name) => [name, new Array<number>(SLOTS).fill(0)]));
  return { counts: counts as Record<Name, number[]>, slot: 0 };
}

/** Empties the slots that have begun since; a monotonic clock that went back is that of another start. */
function turnTo<Name extends string>(hour: Hour<Name>, now: Now): number {
  const slot = Math.max(0, Math.floor(now.monoMs / SLOT_MS));
  const passed = slot < hour.slot ? SLOTS : Math.min(SLOTS, slot - hour.slot);
  for (let n = 0; n < passed; n++) {
    for (const counts of Object.values<number[]>(hour.counts)) counts[(slot - n) % SLOTS] = 0;
  }
  hour.slot = slot;
  return slot % SLOTS;
}

export function noteIn<Name extends string>(hour: Hour<Name>, name: Name, now: Now): void {
  hour.counts[name][turnTo(hour, now)]! += 1;
}

/** How often within the last 55 to 60 minutes. */
export function countIn<Name extends string>(hour: Hour<Name>, name: Name, now: Now): number {
  turnTo(hour, now);
  return hour.counts[name].reduce((sum, count) => sum + count, 0);
}
