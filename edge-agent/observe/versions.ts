/** Which OCPP version a call is of, where the subprotocol did not say: by names and fields that one version has. */
import type { OcppVersion } from "../../models/terms.ts";
import { isFields } from "./fields.ts";
import type { ActionTable } from "./mapping.ts";
import { OCPP16, ONLY_16 } from "./ocpp16.ts";
import { OCPP201, OCPP21, ONLY_21 } from "./ocpp201.ts";

/** Fields of actions that both families have. */
const FIELDS_16 = ["idTag", "connectorId", "chargePointVendor", "csChargingProfiles", "location", "listVersion"];
const FIELDS_2 = ["idToken", "evseId", "evse", "chargingStation", "chargingProfile", "firmware", "versionNumber"];

export function tableOf(version: OcppVersion): ActionTable {
  return version === "1.6" ? OCPP16 : version === "2.1" ? OCPP21 : OCPP201;
}

/** The version that a call shows, or `undefined` when it could be of several: 2.1 shows in the actions that it adds. */
export function versionShown(action: string, payload: unknown): OcppVersion | undefined {
  if (ONLY_16.has(action)) return "1.6";
  if (ONLY_21.has(action)) return "2.1";
  if (OCPP201.has(action) && !OCPP16.has(action)) return "2.0.1";
  if (!isFields(payload) || action === "DataTransfer") return undefined;
  const has = (name: string): boolean => Object.hasOwn(payload, name);
  // evseId first: StatusNotification of 2.0.1 has a connectorId too.
  if (FIELDS_2.some(has)) return "2.0.1";
  return FIELDS_16.some(has) ? "1.6" : undefined;
}
