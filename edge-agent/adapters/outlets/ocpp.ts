/**
 * Alerts to a CSMS as security events, under an OCPP identity of the agent's own: connects, boots, tells, and leaves.
 * One call at a time, and nothing before BootNotification is accepted (OCPP 2.0.1, Part 2, B01 to B03).
 */
import { randomUUID } from "node:crypto";
import { securityEvent } from "../../alert/security-event.ts";
import type { OcppOutletConfig } from "../../config-outlets.ts";
import { VERSION } from "../../version.ts";
import { type Carrier, Unwilling } from "./courier.ts";
import { openWebSocket, type TextSocket } from "./websocket-client.ts";

const SUBPROTOCOLS = { "1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1", "2.1": "ocpp2.1" } as const;
/** Of CALLERROR (OCPP-J, 4.3): that the CSMS knows no such thing, in each version's spelling. */
const UNKNOWN = new Set(["NotImplemented", "NotSupported"]);

export interface OcppSecrets {
  readonly password?: string;
  /** Authorities, PEM text; absent: the system's. */
  readonly ca?: string | Buffer;
}

type Json = Readonly<Record<string, unknown>>;
type Version = OcppOutletConfig["version"];

type Identity = Pick<OcppOutletConfig, "url" | "identity" | "version">;

export function createOcppAlerts(config: Identity, secrets: OcppSecrets): Carrier {
  return { async carry({ alerts }, signal) {
    const socket = await open(config, secrets, signal);
    try {
      const boot = await call(socket, "BootNotification", bootPayload(config));
      if (boot["status"] !== "Accepted") throw new Error(`BootNotification: ${String(boot["status"]).slice(0, 30)}`);
      await call(socket, "SecurityEventNotification", { ...securityEvent(alerts) }).catch((error: unknown) => {
        if (!(error instanceof CallError) || !UNKNOWN.has(error.code)) throw error;
        throw new Unwilling(`the CSMS does not know SecurityEventNotification (${error.code})`);
      });
    } finally {
      socket.close();
    }
  }, async probe(signal) {
    (await open(config, secrets, signal)).close();
    return `the CSMS takes ${config.identity}${secrets.password === undefined ? "" : " and its password"}`;
  } };
}

function bootPayload({ version, identity }: { version: Version; identity: string }): Json {
  if (version === "1.6") {
    return { chargePointVendor: "kerbwatch", chargePointModel: "agent", firmwareVersion: VERSION.slice(0, 50),
      chargePointSerialNumber: identity.slice(0, 25) };
  }
  return { reason: "Unknown", chargingStation: {
    vendorName: "kerbwatch", model: "agent", firmwareVersion: VERSION.slice(0, 50),
    serialNumber: identity.slice(0, 25),
  } };
}

function open({ url, identity, version }: Identity, { password, ca }: OcppSecrets, signal: AbortSignal) {
  const { secure, host, port, path } = url;
  return openWebSocket({
    secure, host, port, path: `${path}/${encodeURIComponent(identity)}`, subprotocol: SUBPROTOCOLS[version],
    ...(password !== undefined && { login: [identity, password] }), ...(ca !== undefined && { ca }),
  }, signal);
}

class CallError extends Error {
  readonly code: string;

  constructor(action: string, code: string) {
    super(`${action}: the CSMS answered ${code.slice(0, 40)}`);
    this.code = code;
  }
}

function parse(text: string): unknown[] {
  try {
    const frame = JSON.parse(text) as unknown;
    return Array.isArray(frame) ? frame : [];
  } catch {
    return [];
  }
}

/** One call and its answer. What the CSMS asks meanwhile is answered: there is nothing here that it could command. */
function call(socket: TextSocket, action: string, payload: Json): Promise<Json> {
  return new Promise((resolve, reject) => {
    const id = randomUUID();
    const closed = (): void => reject(new Error(`${action}: the CSMS closed the connection`));
    if (socket.isOver) return closed();
    socket.onClose = closed;
    socket.onText = (text) => {
      const [type, of, first] = parse(text);
      if (type === 2 && typeof of === "string") {
        socket.send(JSON.stringify([4, of, "NotImplemented", "this identity only tells security events", {}]));
      } else if (of === id && type === 3) {
        resolve(typeof first === "object" && first !== null ? first as Json : {});
      } else if (of === id && type === 4) {
        reject(new CallError(action, String(first)));
      }
    };
    return socket.send(JSON.stringify([2, id, action, payload]));
  });
}
