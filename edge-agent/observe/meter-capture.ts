/** A capture of the agent's own meter: one reading a line (contracts, section 3). */
import type { MeterSide, Reading } from "../../models/terms.ts";
import { evseOf, numberOf } from "./fields.ts";
import { captureProblem, isProblem, parseLine, whenAndWho } from "./trace.ts";
import type { CaptureLine, CaptureProblem } from "./trace.ts";

const QUANTITIES = ["powerW", "energyImportWh", "energyExportWh", "currentA", "voltageV"] as const;
const REGISTERS: ReadonlySet<string> = new Set(["energyImportWh", "energyExportWh"]);

/** Where the line does not say: before the charger, so that its own losses are never taken for theft. */
const DEFAULT_SIDE: MeterSide = "ac-input";

/** One line of a meter capture, or what is wrong with it. Never throws. */
export function parseMeterLine(text: string): CaptureLine | CaptureProblem {
  const line = parseLine(text);
  if (isProblem(line)) return line;
  const head = whenAndWho(line, "stationId");
  if (isProblem(head)) return head;
  const evseId = typeof line.evseId === "number" ? evseOf(line.evseId) : undefined;
  if (evseId === undefined) return captureProblem("evseId", line.evseId, "a whole number from 0 to 999");
  const side = line.side ?? DEFAULT_SIDE;
  if (side !== "ac-input" && side !== "evse-output") return captureProblem("side", side, "ac-input, evse-output");
  const values: { -readonly [Q in keyof Reading]?: number } = {};
  for (const quantity of QUANTITIES) {
    const found = line[quantity];
    if (found === undefined || found === null) continue;
    const value = typeof found === "number" ? numberOf(found) : undefined;
    if (value === undefined || (REGISTERS.has(quantity) && value < 0)) {
      return captureProblem(quantity, found, REGISTERS.has(quantity) ? "a number from 0 on" : "a number");
    }
    values[quantity] = value;
  }
  if (Object.keys(values).length === 0) return captureProblem("reading", undefined, `one of ${QUANTITIES.join(", ")}`);
  return { ok: true, ...head, event: { kind: "meter", reading: { ...values, evseId }, side } };
}
