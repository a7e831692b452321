/**
 * Alerts to a CSMS as security events, under an OCPP identity of the agent's own: connects, boots, tells, and leaves.
 * One call at a time, and nothing before BootNotification is accepted (OCPP 2.0.1, Part 2, B01 to B03).
 */
import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import { securityEvent } from "../../alert/security-event.ts";
import type { OcppOutletConfig } from "../../config-outlets.ts";
import { addressText } from "../../config.ts";
import { VERSION } from "../../version.ts";
import { type Carrier, Unwilling } from "./courier.ts";

/** Both are small; a CSMS that says more is not listened to. */
const MOST_BYTES = 64 * 1024;
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
      const boot = await call(socket, "BootNotification", bootPayload(config), signal);
      if (boot["status"] !== "Accepted") throw new Error(`BootNotification: ${String(boot["status"]).slice(0, 30)}`);
      await call(socket, "SecurityEventNotification", { ...securityEvent(alerts) }, signal).catch((error: unknown) => {
        if (!(error instanceof CallError) || !UNKNOWN.has(error.code)) throw error;
        throw new Unwilling(`the CSMS does not know SecurityEventNotification (${error.code})`);
      });
    } finally {
      socket.close(1000);
    }
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

function open(
  { url, identity, version }: Identity, { password, ca }: OcppSecrets, signal: AbortSignal,
): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const login = Buffer.from(`${identity}:${password ?? ""}`).toString("base64");
    const socket = new WebSocket(`${addressText(url)}/${encodeURIComponent(identity)}`, [SUBPROTOCOLS[version]], {
      maxPayload: MOST_BYTES, perMessageDeflate: false, followRedirects: false, minVersion: "TLSv1.2",
      ...(password !== undefined && { headers: { Authorization: `Basic ${login}` } }), ...(ca !== undefined && { ca }),
    });
    const abandon = (): void => socket.terminate();
    signal.addEventListener("abort", abandon, { once: true });
    socket.once("close", () => {
      signal.removeEventListener("abort", abandon);
      reject(new Error("the CSMS closed the connection"));
    });
    socket.on("error", reject);
    socket.once("open", () => resolve(socket));
  });
}

class CallError extends Error {
  readonly code: string;

  constructor(action: string, code: string) {
    super(`${action}: the CSMS answered ${code.slice(0, 40)}`);
    this.code = code;
  }
}

function parse(data: unknown): unknown[] {
  try {
    const frame = JSON.parse(String(data)) as unknown;
    return Array.isArray(frame) ? frame : [];
  } catch {
    return [];
  }
}

/** One call and its answer. What the CSMS asks meanwhile is answered: there is nothing here that it could command. */
function call(socket: WebSocket, action: string, payload: Json, signal: AbortSignal): Promise<Json> {
  return new Promise((resolve, reject) => {
    const id = randomUUID();
    const closed = (): void => done(() => reject(new Error(`${action}: the CSMS closed the connection`)));
    const done = (settle: () => void): void => {
      socket.off("message", take);
      socket.off("close", closed);
      settle();
    };
    const take = (data: unknown): void => {
      const [type, of, first] = parse(data);
      if (type === 2 && typeof of === "string") {
        socket.send(JSON.stringify([4, of, "NotImplemented", "this identity only tells security events", {}]));
      } else if (of !== id) {
        return;
      } else if (type === 3) {
        done(() => resolve(typeof first === "object" && first !== null ? first as Json : {}));
      } else if (type === 4) {
        done(() => reject(new CallError(action, String(first))));
      }
    };
    socket.on("message", take);
    socket.once("close", closed);
    if (signal.aborted) return closed();
    socket.send(JSON.stringify([2, id, action, payload]));
  });
}
