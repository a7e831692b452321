/**
 * EVerest's API over MQTT, as far as the agent listens to it: `everest_api/1/TYPE/MODULE/e2m/NAME` is said by EVerest,
 * `.../m2e/NAME` to it. Its broker usually asks nobody who he is: what comes from there is a witness's word, no proof.
 */
import type { Direction, OcppVersion, Oddity } from "../../models/terms.ts";
import type { AgentEvent } from "../ports.ts";
import { fieldsOf } from "./fields.ts";
import { parseBounded } from "./meters/json-meter.ts";
import type { JsonPlaces } from "./meters/json-meter.ts";

export type EverestType = "evse_manager_consumer" | "ocpp_consumer";

export interface EverestTopics {
  /** What the agent listens to. */
  readonly heard: string;
  readonly check: string;
}

/** `module`: the id of the API module in EVerest's configuration. */
export function everestTopics(type: EverestType, module: string): EverestTopics {
  const root = `everest_api/1/${type}/${module}`;
  const heard = type === "ocpp_consumer" ? "ocpp_message" : "powermeter";
  return { heard: `${root}/e2m/${heard}`, check: `${root}/m2e/communication_check` };
}

/**
 * `CommunicationCheck`: true, that a client is alive, after which EVerest raises a fault when it falls silent; false,
 * that there is nothing to check. The agent is a guest whose end must not trouble the charger.
 */
export const NO_CHECK = Uint8Array.from("false", (sign) => sign.charCodeAt(0));

/** `Powermeter`: the import register is the one that is always there; phases are not added up. */
export const EVEREST_POWERMETER: JsonPlaces = {
  powerW: { at: "/power_W/total", times: 1, optional: true },
  energyImportWh: { at: "/energy_Wh_import/total", times: 1 },
  energyExportWh: { at: "/energy_Wh_export/total", times: 1, optional: true },
};

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ChargingStationToCSMS: "cp-to-csms", CSMSToChargingStation: "csms-to-cp",
};
/** libocpp names the subprotocol, its tests the bare version. */
const VERSIONS: Readonly<Record<string, OcppVersion>> = {
  "1.6": "1.6", "2.0.1": "2.0.1", "2.1": "2.1", "ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1", "ocpp2.1": "2.1",
};
const own = <T>(table: Readonly<Record<string, T>>, key: unknown): T | undefined =>
  typeof key === "string" && Object.hasOwn(table, key) ? table[key] : undefined;

/** The largest message that is read, bytes; a frame in it is text in text, with its quotes escaped. */
export const MOST_OCPP_MESSAGE_BYTES = 256 * 1_024;

type Frame = AgentEvent & { readonly kind: "frame" };

/** `Message` of `ocpp_consumer`: one frame, or what is odd about the bytes. */
export function frameFrom(bytes: Uint8Array): Frame | Oddity {
  const document = parseBounded(bytes, MOST_OCPP_MESSAGE_BYTES);
  if (document === undefined) return "not-json";
  const { message, direction: said, version } = fieldsOf(document);
  const direction = own(DIRECTIONS, said);
  if (typeof message !== "string" || direction === undefined) return "not-a-frame";
  const ocppVersion = own(VERSIONS, version);
  return { kind: "frame", direction, text: message, ...(ocppVersion !== undefined && { ocppVersion }) };
}
