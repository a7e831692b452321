/**
 * Carlo Gavazzi EM330 and EM340: signed 32-bit integers in input registers, low word first. Source: Carlo Gavazzi
 * "EM330/EM340/ET330/ET340 communication protocol", 3.1 (instantaneous variables and meters). Tenths of W and of kWh;
 * 7FFFFFFF marks an overflow. Its energies step by 0.1 kWh.
 */
import { fixedMapMeter } from "./fixed-map.ts";

const W_PER_TENTH = 0.1;
const WH_PER_TENTH_KWH = 100;

export const EM340 = fixedMapMeter({
  functionCode: 4,
  // One read, so that power and energy are of one moment; the meter allows 50 registers at a time.
  blocks: [{ from: 0x0028, count: 40 }],
  registers: {
    powerW: { at: 0x0028, as: "int32LowFirst", times: W_PER_TENTH },
    energyImportWh: { at: 0x0034, as: "int32LowFirst", times: WH_PER_TENTH_KWH },
    energyExportWh: { at: 0x004e, as: "int32LowFirst", times: WH_PER_TENTH_KWH },
  },
});
