/** Which host a URL leads to, and nothing more: credentials, path and query never leave this file. */
import type { RemoteHost } from "../../models/terms.ts";

const AUTHORITY = /^\s*([a-z][a-z0-9+.-]{0,15}):\/\/([^/?#\\\s]*)/i;
const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9_.\-%\u00a1-\uffff]+)$/;
const NO_HOST: RemoteHost = { scheme: "", host: "" };

/**
 * Scheme and host of a URL, lower case; both empty when the text is none (RFC 3986, 3.2: the authority ends at the
 * first `/`, `?` or `#`, and user information at its last `@`).
 */
export function remoteHost(value: unknown): RemoteHost {
  const match = typeof value === "string" ? AUTHORITY.exec(value.slice(0, 2048)) : null;
  if (match === null) return NO_HOST;
  const authority = (match[2] ?? "").toLowerCase();
  const host = authority.slice(authority.lastIndexOf("@") + 1).replace(/:\d*$/, "").replace(/\.$/, "");
  if (host.length > 253 || !HOST.test(host)) return NO_HOST;
  return { scheme: (match[1] ?? "").toLowerCase(), host };
}
