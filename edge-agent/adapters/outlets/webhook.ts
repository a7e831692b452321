/**
 * Alerts posted to a web address, signed as Standard Webhooks 1.0 says, and over the body alone for simpler receivers.
 */
import { createHmac } from "node:crypto";
import { request as requestPlain } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as requestSecure } from "node:https";
import type { Clock } from "../../ports.ts";
import { messageOf } from "../../alert/digest.ts";
import type { WebhookConfig } from "../../config-outlets.ts";
import { VERSION } from "../../version.ts";
import { type Carrier, type Load, Refused } from "./courier.ts";
import { probeStream } from "./probe.ts";

/** Codes that say that this very message will never do; everything else may be mended at the receiver. */
const NEVER = new Set([400, 413, 415, 422]);
/** A redirect would take alerts somewhere that nobody configured. */
const isTaken = (code: number): boolean => code >= 200 && code < 300;

/** Standard Webhooks: base64 after `whsec_`; any other text is a key as it stands. */
export function keyOf(secret: string): Buffer {
  return secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret, "utf8");
}

/**
 * `v1,` and the HMAC-SHA-256 of id, time (unix seconds) and body, base64 (Standard Webhooks 1.0, "Signature scheme").
 */
export function signature(key: Buffer, id: string, seconds: number, body: string): string {
  return `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
}

/** Headers of one post; the id is the same each time that a load is sent. */
export function headersOf(key: Buffer, id: string, seconds: number, body: string): Record<string, string> {
  return {
    "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)),
    "User-Agent": `kerbwatch/${VERSION}`, "Idempotency-Key": id, "webhook-id": id, "webhook-timestamp": String(seconds),
    "webhook-signature": signature(key, id, seconds, body),
    "X-Hub-Signature-256": `sha256=${createHmac("sha256", key).update(body).digest("hex")}`,
  };
}

/** @param ca authorities, PEM text; absent: the system's */
export function createWebhook(
  { url }: Pick<WebhookConfig, "url">, key: Buffer, ca: string | Buffer | undefined, clock: Clock,
): Carrier {
  return { carry: ({ id, alerts }: Load, signal) => new Promise((resolve, reject) => {
    const body = JSON.stringify(messageOf(alerts));
    const options = {
      host: url.host, port: url.port, path: url.path, method: "POST", signal, agent: false as const,
      headers: headersOf(key, id, Math.floor(clock.wallMs() / 1_000), body),
    };
    const taken = (response: IncomingMessage): void => {
      const code = response.statusCode ?? 0;
      response.destroy(); // what it says beside is of no use, and could be without end
      if (isTaken(code)) return resolve();
      return reject(new (NEVER.has(code) ? Refused : Error)(`HTTP ${code}${code >= 300 && code < 400
        ? ", a redirect, which is not followed" : ""}`));
    };
    const sent: ClientRequest = url.secure
      ? requestSecure({ ...options, ...(ca !== undefined && { ca }), minVersion: "TLSv1.2" }, taken)
      : requestPlain(options, taken);
    sent.on("error", reject);
    sent.end(body);
  }), probe: (signal) => probeStream(url, url.secure ? { ca } : undefined, signal) };
}
