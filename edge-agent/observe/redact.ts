/**
 * A frame as it may be shown and recorded: valid JSON without idTokens, passwords, keys and what could contain them.
 * Two passes: find what is secret by its place, then write the frame with it hidden in its place and everywhere else.
 */
import { isFields } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { parseMessage } from "./ocppj.ts";
import { isHiddenVariable, isSecretName, isTokenName, withoutCredentials } from "./secrets.ts";

/** Deeper than any OCPP payload; what lies below is not shown. */
const MAX_DEPTH = 32;
/** A secret shorter than this is hidden in its place only: else an idTag "1" would blot out every date. */
const MIN_LENGTH_ELSEWHERE = 4;
/** With more secrets than this in one frame (a local list), no free text of it is shown at all. */
const MAX_ELSEWHERE = 64;

/** Why a value is hidden; what is written in its stead. */
type Hidden = "token" | "secret" | "data";

/** Values of these members may hold anything: a maker's own text, a driver's name, a certificate. */
const OPAQUE = new Set([
  "data", "customData", "techInfo", "certificate", "certificateChain", "signingCertificate", "signature",
]);
/** Inside these objects every `user`, `password` and `key` is a secret (2.0.1, VPNType and APNType). */
const CREDENTIAL_OBJECTS = new Set(["vpn", "apn"]);
const CREDENTIAL_MEMBERS = new Set(["user", "password", "key", "group"]);
/** Texts that carry more than they say: PEM, and signed meter data that name the idToken (OCMF, field `ID`). */
const MAY_HOLD_ANYTHING = /-----BEGIN|OCMF\|/;
/** Names in OCPP are of letters only. */
const NAME = /^[A-Za-z]{1,50}$/;
/** Where a configuration variable's value stands, beside its name. */
const VALUE_MEMBERS = new Set(["value", "attributeValue", "actualValue", "variableAttribute", "monitoringValue"]);

/** The variable that an object gives the value of: `key` (1.6), `variable.name` (2.0.1), else nothing. */
function hidesItsValue(object: Fields): boolean {
  const variable = isFields(object.variable) ? object.variable.name : undefined;
  return [object.key, variable].some((name) => typeof name === "string" && isHiddenVariable(name))
    || object.format === "SignedData";
}

/** How a member is hidden; `within` is the hiding that its object is under, and its name `of`. */
function hidingOf(object: Fields, name: string, of: string, within?: Hidden): Hidden | undefined {
  if (within === "token" && name === "type") return undefined;
  if (within !== undefined) return within;
  if (CREDENTIAL_OBJECTS.has(of) && CREDENTIAL_MEMBERS.has(name)) return "secret";
  if (isTokenName(name)) return "token";
  if (isSecretName(name) || (VALUE_MEMBERS.has(name) && hidesItsValue(object))) return "secret";
  return OPAQUE.has(name) ? "data" : undefined;
}

/** First pass: every text or number in a hidden place, except opaque ones (they are long and not repeated). */
function collect(value: unknown, found: Set<string>, depth: number, name = "", hidden?: Hidden): void {
  if (depth > MAX_DEPTH) return;
  if (typeof value === "string" || typeof value === "number") {
    const text = String(value).trim();
    if ((hidden === "token" || hidden === "secret") && text.length >= MIN_LENGTH_ELSEWHERE) found.add(text);
  } else if (Array.isArray(value)) {
    for (const item of value) collect(item, found, depth + 1, name, hidden);
  } else if (isFields(value)) {
    for (const [key, item] of Object.entries(value)) {
      collect(item, found, depth + 1, key, hidingOf(value, key, name, hidden));
    }
  }
}

interface Hide {
  /** Free text of a value. */
  text(text: string): string;
  /** A name: of a member, an action or an error code. */
  name(name: string): string;
}

/** Hides the secrets of this frame, whatever their case, and credentials of URLs; with too many, all free text. */
function hider(secrets: ReadonlySet<string>): Hide {
  if (secrets.size > MAX_ELSEWHERE) {
    return { text: () => "<hidden>", name: (name) => NAME.test(name) && !secrets.has(name) ? name : "<hidden>" };
  }
  // So that a secret which begins with another does not leave its tail.
  const longestFirst = [...secrets].sort((a, b) => b.length - a.length);
  const parts = longestFirst.map((one) => one.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  const pattern = parts.length === 0 ? undefined : new RegExp(parts.join("|"), "giu");
  const name = (text: string): string => pattern === undefined ? text : text.replace(pattern, "<hidden>");
  const text = (plain: string): string => MAY_HOLD_ANYTHING.test(plain) ? "<data>" : name(withoutCredentials(plain));
  return { text, name };
}

/** Second pass: compact JSON. */
function write(value: unknown, hide: Hide, depth = 0, name = "", hidden?: Hidden): string {
  if (depth > MAX_DEPTH) return '"<deep>"';
  if (Array.isArray(value)) return `[${value.map((item) => write(item, hide, depth + 1, name, hidden)).join(",")}]`;
  if (isFields(value)) {
    const members = Object.entries(value).map(([key, item]) =>
      `${JSON.stringify(hide.name(key))}:${write(item, hide, depth + 1, key, hidingOf(value, key, name, hidden))}`);
    return `{${members.join(",")}}`;
  }
  if (value === null || typeof value === "boolean") return String(value);
  if (hidden !== undefined) return `"<${hidden}>"`;
  const shown = hide.text(String(value));
  return JSON.stringify(typeof value === "number" && shown === String(value) ? value : shown);
}

/**
 * The text of one frame, redacted; of one that is no OCPP-J message only its size in bytes. A CALLERROR's description
 * and details are left out: free text, which may repeat the idToken of the call that they answer. Never throws.
 */
export function redactFrame(text: string): string {
  const message = parseMessage(text);
  if (message.type === "oddity") return `<unparsed, ${new TextEncoder().encode(text).length} bytes>`;
  const payload = "payload" in message ? message.payload : undefined;
  const secrets = new Set<string>();
  collect(payload, secrets, 0);
  const hide = hider(secrets);
  const id = JSON.stringify(hide.text(message.id));
  switch (message.type) {
    case "CALL":
    case "SEND":
      return `[${message.type === "CALL" ? 2 : 6},${id},"${NAME.test(message.action) ? message.action : "<data>"}",` +
        `${write(payload, hide)}]`;
    case "CALLRESULT":
      return `[3,${id},${write(payload, hide)}]`;
    case "CALLERROR":
    case "CALLRESULTERROR":
      return `[${message.type === "CALLERROR" ? 4 : 5},${id},"${NAME.test(message.code) ? message.code : "<data>"}"]`;
  }
}
