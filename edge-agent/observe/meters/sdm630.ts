/**
 * Eastron SDM630 and SDM72: IEEE 754 singles in input registers, energy in kWh. Source: Eastron "SDM630-Modbus V2 user
 * manual", 1.2 (input registers); "SDM72D-M user manual", part 3. Table in kWh and W, readings in Wh and W.
 */
import { fixedMapMeter } from "./fixed-map.ts";

const WH_PER_KWH = 1_000;
const powerW = { at: 0x0034, as: "float32", times: 1 } as const;
const energyImportWh = { at: 0x0048, as: "float32", times: WH_PER_KWH } as const;
const energyExportWh = { at: 0x004a, as: "float32", times: WH_PER_KWH } as const;

/** Voltage is the mean from line to neutral, current the sum over the lines: what SunSpec's PhV and A are too. */
export const SDM630 = fixedMapMeter({
  functionCode: 4,
  // One read, so that power and energy are of one moment; the meter allows 80 registers at a time.
  blocks: [{ from: 0x002a, count: 34 }],
  registers: {
    powerW,
    energyImportWh,
    energyExportWh,
    voltageV: { at: 0x002a, as: "float32", times: 1 },
    currentA: { at: 0x0030, as: "float32", times: 1 },
  },
});

/** The SDM72D-M has no voltages and currents, and its manual promises nothing about the gap before the energies. */
export const SDM72 = fixedMapMeter({
  functionCode: 4,
  blocks: [{ from: 0x0034, count: 2 }, { from: 0x0048, count: 4 }],
  registers: { powerW, energyImportWh, energyExportWh },
});
