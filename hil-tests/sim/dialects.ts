/** The OCPP versions that simulated stations speak. */
import type { SimVersion } from "./capture.ts";
import type { Dialect } from "./dialect.ts";
import { ocpp16 } from "./ocpp16.ts";
import { ocpp201 } from "./ocpp201.ts";

export function dialectOf(version: SimVersion): Dialect {
  return version === "1.6" ? ocpp16 : ocpp201;
}
