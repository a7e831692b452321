/**
 * Reads CDRs from an operator's OCPI endpoint (OCPI 2.2.1, 4.1 and 10.2.1): page after page as its Link headers say.
 * Everything that comes is hostile: pages, bytes and time are bounded, and the token goes to the one server alone.
 */
import { randomUUID } from "node:crypto";
import { get as getPlain, type IncomingMessage } from "node:http";
import { get as getSecure } from "node:https";
import { problem, type Result, ok } from "../../models/result.ts";
import { plainText } from "../plain-text.ts";
import { errorCode } from "./durable-file.ts";

export const MOST_PAGES = 500;
export const MOST_PAGE_BYTES = 8 << 20;
/** Of all pages. A CDR has 1 to 3 KB. */
export const MOST_BYTES = 256 << 20;
const PAGE_MS = 60_000;

export interface OcpiSource {
  /** Of the CDRs module, `https://cpo.example/ocpi/cpo/2.2.1/cdrs`, with what else the query is to say. */
  readonly url: URL;
  /** As the operator gave it; it is sent in Base64 (4.1.2). */
  readonly token: string;
  /** Authorities, PEM; absent: the system's. */
  readonly ca?: string | Buffer;
}

interface Page {
  readonly body: unknown;
  readonly next?: URL;
}

/**
 * Hands each page's parsed body to `take`, with its number from 1. `problem` says which page, what was found and what
 * is allowed. Never rejects.
 */
export async function readOcpi(
  source: OcpiSource, take: (body: unknown, page: number) => Result<undefined>,
): Promise<Result<number>> {
  const seen = new Set<string>();
  let bytes = 0;
  for (let url: URL | undefined = source.url, page = 1; url !== undefined; page += 1) {
    const at = `page ${page}`;
    if (page > MOST_PAGES) return problem(`${at}: found still more pages; allowed: ${MOST_PAGES}`);
    if (seen.has(url.href)) return problem(`${at}: Link: found a page that was read already; allowed: the next one`);
    seen.add(url.href);
    const fetched = await fetchPage(source, url);
    if (!fetched.ok) return problem(`${at}: ${fetched.problem}`);
    bytes += fetched.value.text.length;
    if (bytes > MOST_BYTES) return problem(`${at}: found ${bytes} bytes so far; allowed: ${MOST_BYTES}`);
    const read = pageOf(source.url, url, fetched.value);
    if (!read.ok) return problem(`${at}: ${read.problem}`);
    const taken = take(read.value.body, page);
    if (!taken.ok) return problem(`${at}: ${taken.problem}`);
    if (read.value.next === undefined) return ok(page);
    url = read.value.next;
  }
  return ok(0);
}

interface Fetched {
  readonly text: string;
  readonly link: string;
}

function fetchPage({ token, ca }: OcpiSource, url: URL): Promise<Result<Fetched>> {
  return new Promise((resolve) => {
    const fail = (why: string): void => resolve(problem(why));
    const headers = {
      Authorization: `Token ${Buffer.from(token, "utf8").toString("base64")}`, Accept: "application/json",
      "X-Request-ID": randomUUID(), "X-Correlation-ID": randomUUID(),
    };
    const answered = (response: IncomingMessage): void => collect(response, fail, (found) => resolve(ok(found)));
    const asked = url.protocol === "https:"
      ? getSecure(url, { headers, agent: false, minVersion: "TLSv1.2", ...(ca !== undefined && { ca }) }, answered)
      : getPlain(url, { headers, agent: false }, answered);
    const timer = setTimeout(() => asked.destroy(new Error(`nothing whole within ${PAGE_MS / 1000} s`)), PAGE_MS);
    asked.on("error", (error) => fail(plainText(errorCode(error) || error.message, 200)))
      .on("close", () => clearTimeout(timer));
  });
}

/** What an HTTP code means here, beyond its number. */
const CODES: Readonly<Record<number, string>> = {
  401: ": the token is not known there", 403: ": the token may not read CDRs", 404: ": no CDRs module at this address",
  405: ": no CDRs can be read at this address", 429: ": asked too often",
};

function collect(response: IncomingMessage, fail: (why: string) => void, done: (found: Fetched) => void): void {
  const code = response.statusCode ?? 0;
  const refuse = (why: string): void => {
    fail(why);
    response.destroy();
  };
  if (code >= 300 && code < 400) return refuse(`found HTTP ${code}, a redirect, which is not followed; allowed: 200`);
  if (code !== 200) return refuse(`found HTTP ${code}${CODES[code] ?? ""}; allowed: 200`);
  const parts: Buffer[] = [];
  let length = 0;
  response.on("data", (part: Buffer) => {
    length += part.length;
    if (length > MOST_PAGE_BYTES) refuse(`found more than ${MOST_PAGE_BYTES} bytes; allowed: so many a page`);
    else parts.push(part);
  });
  response.on("error", (error) => fail(plainText(error.message, 200))).on("aborted", () => fail("found it cut off"));
  response.on("end", () => done({ text: Buffer.concat(parts).toString("utf8"), link: String(response.headers.link) }));
}

function pageOf(first: URL, url: URL, { text, link }: Fetched): Result<Page> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return problem("found no JSON; allowed: OCPI's answer");
  }
  // RFC 8288: `<https://...?offset=50&limit=50>; rel="next"`.
  const [, target] = /<([^<>\s]{1,2000})>\s*;[^,<>]{0,200}\brel="?next"?/.exec(link.slice(0, 8_000)) ?? [];
  if (target === undefined) return ok({ body });
  if (!URL.canParse(target, url.href)) return problem("Link: found no URL; allowed: the next page's");
  const next = new URL(target, url);
  // Somebody else's server must not be given the token.
  return next.origin === first.origin ? ok({ body, next })
    : problem(`Link: found ${plainText(next.origin, 100)}; allowed: ${first.origin}, which the token is for`);
}
