/**
 * ABB B23 and B24: integers in holding registers, high word first. Source: ABB "B23/B24 user manual" (2CMC485003M0201),
 * 9.2 (mapping tables). Hundredths of W and of kWh; all ones, or the largest signed number, mark a quantity that the
 * meter does not have: the steel models count no export.
 */
import { fixedMapMeter } from "./fixed-map.ts";

const W_PER_HUNDREDTH = 0.01;
const WH_PER_HUNDREDTH_KWH = 10;

export const ABB_B23 = fixedMapMeter({
  functionCode: 3,
  blocks: [{ from: 0x5b14, count: 2 }, { from: 0x5000, count: 8 }],
  registers: {
    powerW: { at: 0x5b14, as: "int32", times: W_PER_HUNDREDTH },
    energyImportWh: { at: 0x5000, as: "uint64", times: WH_PER_HUNDREDTH_KWH },
    energyExportWh: { at: 0x5004, as: "uint64", times: WH_PER_HUNDREDTH_KWH, mayLack: true },
  },
});
