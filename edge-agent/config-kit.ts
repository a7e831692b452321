/**
 * What the configuration's schema is made of: addresses, paths and secrets as text, and schemas that carry their own
 * documentation.
 */
import * as v from "valibot";
import { hostPortText, MAX_PORT, parseHostPort } from "../gossip/host-port.ts";
import { ID_RULE, isStationId } from "../models/units.ts";

/** What a key may hold and what it means. */
export interface KeyDoc {
  readonly allowed?: string;
  readonly means?: string;
  /** The default in words, where it depends on another key. */
  readonly otherwise?: string;
}

/** A web address taken apart: `ws:` and `wss:` only. */
export interface Address {
  readonly secure: boolean;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  /** The prefix, without a slash at its end; empty when there is none. */
  readonly path: string;
}

/** Where an MQTT broker is. */
export interface MqttAddress {
  /** `mqtts:`. */
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
}

/** Where a secret is kept; the configuration itself never holds one. */
export type SecretRef =
  | { readonly from: "file"; readonly path: string }
  | { readonly from: "environment"; readonly variable: string };

const WS_ADDRESS = /^wss?:\/\/[^\s\\@?#]+$/;
const MQTT_ADDRESS = /^(mqtts?):\/\/([^/]+)$/;
/** RFC 5735, section 4; RFC 4291, section 2.5.3; RFC 6761, section 6.3. */
const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/;
const ENV_NAME = /^env:([A-Za-z_][A-Za-z0-9_]{0,127})$/;

/** `ws://` or `wss://`, host, port (80 or 443 when absent) and prefix; nothing when it is not such an address. */
export function parseAddress(text: string): Address | undefined {
  if (!WS_ADDRESS.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const secure = url.protocol === "wss:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  return host === "" ? undefined : { secure, host, port, path: url.pathname.replace(/\/+$/, "") };
}

/** Where an HTTP server takes things. */
export interface HttpAddress {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** With the query. */
  readonly path: string;
}

/**
 * `https://` or `http://`, host, port (443 or 80 when absent), path and query; nothing when it is not such an address.
 */
export function parseHttpAddress(text: string): HttpAddress | undefined {
  if (!/^https?:\/\/[^\s\\@#]+$/.test(text) || text.length > 1024 || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return host === "" || port === 0 ? undefined : { secure, host, port, path: url.pathname + url.search };
}

/** `mqtts://host:port` or `mqtt://host:port`; nothing when it is not that. Port 0: any free one. */
export function parseMqttAddress(text: string): MqttAddress | undefined {
  const [, scheme, rest = ""] = MQTT_ADDRESS.exec(text) ?? [];
  const at = parseHostPort(rest);
  return at && { secure: scheme === "mqtts", ...at };
}

export function mqttText({ secure, host, port }: MqttAddress): string {
  return `${secure ? "mqtts" : "mqtt"}://${hostPortText({ host, port })}`;
}

/** Whether it is this very machine, so that nothing of it is on a network. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

/** `file:PATH`, `env:NAME` or a bare path; nothing when the text is none of them (the secret itself, say). */
export function parseSecretRef(text: string): SecretRef | undefined {
  const variable = ENV_NAME.exec(text)?.[1];
  if (variable !== undefined) return { from: "environment", variable };
  const path = text.replace(/^file:/, "");
  return isPath(path) && !text.startsWith("env:") ? { from: "file", path } : undefined;
}

/** A path is one line of reasonable length, and no PEM block or bare key that was pasted in its place. */
export function isPath(text: string): boolean {
  return text.length > 0 && text.length <= 1024 && !/[\u0000-\u001f\u007f]/.test(text)
    && !text.includes("-----BEGIN") && !/^[0-9a-fA-F]{64}$/.test(text);
}

/** Puts the documentation on the schema itself, where messages and the reference find it. */
export function documented<S extends v.GenericSchema>(
  schema: S, allowed: string, means: string, otherwise?: string,
): S {
  const metadata: KeyDoc = { allowed, means, ...(otherwise !== undefined && { otherwise }) };
  return Object.assign(schema, { metadata });
}

export const textThat = (ok: (text: string) => boolean, allowed: string, means: string, otherwise?: string) =>
  documented(v.pipe(v.string(), v.check(ok)), allowed, means, otherwise);
export const oneOf = <const T extends readonly string[]>(
  options: T, allowed: string, means: string, otherwise?: string,
) =>
  documented(v.picklist(options), allowed, means, otherwise);
export const listOf = <S extends v.GenericSchema>(item: S, from: number, to: number, allowed: string, means: string) =>
  documented(v.pipe(v.array(item), v.minLength(from), v.maxLength(to)), allowed, means);
export const whole = (from: number, to: number, unit: string, means: string, otherwise?: string) =>
  documented(v.pipe(v.number(), v.integer(), v.minValue(from), v.maxValue(to)),
    `a whole number from ${from} to ${to}${unit === "" ? "" : ` (${unit})`}`, means, otherwise);
export const flag = (means: string) => documented(v.boolean(), "true or false", means);
export const path = (means: string, otherwise?: string) => textThat(isPath, "a path", means, otherwise);
export const TOPIC_RULE = "1 to 256 characters without + and #";
/** A topic that messages have: no filter. */
export const topic = (means: string, otherwise?: string) =>
  textThat((text) => /^[^+#\u0000-\u001f\u007f]{1,256}$/.test(text), TOPIC_RULE, means, otherwise);
export const secret = (means: string) =>
  textThat((text) => parseSecretRef(text) !== undefined, "file:PATH or env:NAME, never the secret itself", means);
/** A mapping with these keys and no others. A list is no mapping, which valibot alone would let pass. */
export function group<E extends v.ObjectEntries>(entries: E, means: string) {
  const isMapping = (input: unknown): boolean =>
    typeof input === "object" && input !== null && !Array.isArray(input);
  const schema = v.pipe(v.custom<Record<string, unknown>>(isMapping), v.strictObject(entries));
  return documented(Object.assign(schema, { entries }), "a group of keys", means);
}

export const idOf = (means: string, otherwise?: string) =>
  textThat(isStationId, `${ID_RULE}, in quotes when all digits`, means, otherwise);
export const address = (ok: (address: Address) => boolean, allowed: string, means: string) =>
  textThat((text) => {
    const parsed = parseAddress(text);
    return parsed !== undefined && ok(parsed);
  }, allowed, means);
export const hostPort = (minPort: number, means: string, otherwise?: string) =>
  textThat((text) => (parseHostPort(text)?.port ?? -1) >= minPort, `host:port, port ${minPort} to ${MAX_PORT}`, means,
    otherwise);

export const MQTT_URL = "mqtts://host:port, or mqtt://host:port";
export const brokerKeys = (plain: string) => ({
  url: textThat((text) => (parseMqttAddress(text)?.port ?? 0) > 0, MQTT_URL, "where it is"),
  plain: v.exactOptional(flag(plain), false),
  user: v.exactOptional(textThat((text) => /^[^\u0000-\u001f\u007f]{1,128}$/.test(text), "1 to 128 characters",
    "whom the broker knows the agent as, where it asks for a name")),
  password: v.exactOptional(secret("the password that it asks for")),
});
/** One that has nothing but its first key may be just that. */
export function orGroup<E extends v.ObjectEntries, S extends v.GenericSchema & { readonly entries: E }>(
  schema: S, first: string, allowed: string, means: string, otherwise?: string,
) {
  return documented(Object.assign(
    v.pipe(v.unknown(), v.transform((one) => (typeof one === "string" ? { [first]: one } : one)), schema),
    { entries: schema.entries },
  ), `${allowed}, or a group of keys`, means, otherwise);
}
