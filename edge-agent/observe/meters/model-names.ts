/** The meters that an agent can read over Modbus, as `meters[].model` names them: apart from their register maps. */
export const METER_MODEL_NAMES = [
  "sdm630", "sdm72", "em330", "em340", "abb-b23", "abb-b24", "sunspec201", "sunspec202", "sunspec203", "sunspec204",
] as const;
export type MeterModelName = (typeof METER_MODEL_NAMES)[number];
