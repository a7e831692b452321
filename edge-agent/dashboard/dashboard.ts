/**
 * The page and what it asks for. Everything is behind a session; what changes something wants the page's own header
 * too, which no other site's page can send. Checks and the story of an incident are told by a process of their own, so
 * that reading a log of megabytes holds up nobody.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { brotliDecompressSync } from "node:zlib";
import { type Action, ACTIONS, type Handle, type HandleOutcome } from "../alert/handling.ts";
import type { Result } from "../../models/result.ts";
import { mayDo, type Person, type Role, Sessions } from "./sessions.ts";

/** The page as it travels in the program's file (build/page.ts): Brotli in base64, by path. */
export type PackedPage = Readonly<Record<string, string>>;
declare const __PACKED__: { readonly page?: PackedPage } | undefined;

/** Undefined where this program came without. */
export const shippedPage = (): PackedPage | undefined =>
  (typeof __PACKED__ === "undefined" ? undefined : __PACKED__.page);

export interface DashboardOptions {
  readonly sessions: Sessions;
  readonly page: PackedPage | undefined;
  /** Whether the page is reached over TLS: its cookie then never goes out without. */
  readonly secure: boolean;
  /** What the page shows, ready for JSON. */
  readonly state: () => unknown;
  readonly handle: (asked: Handle) => HandleOutcome | Extract<HandleOutcome, { ok: false }>;
  /** Takes a word's file over (edge-agent/words.ts). */
  readonly word: (file: Uint8Array) => Result<{ readonly says: string }>;
  /** Runs a command of this program to its end; its standard output. Absent: nothing can be run. */
  readonly run?: ((args: readonly string[]) => Promise<string>) | undefined;
  readonly monoMs: () => number;
}

const TYPES: Readonly<Record<string, string>> = {
  "/": "text/html; charset=utf-8", "/page.css": "text/css; charset=utf-8", "/page.js": "text/javascript; charset=utf-8",
};
/** Nothing but the page's own files; no frame around it, no form to elsewhere. */
export const PAGE_HEADERS = {
  "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    + "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
  "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
};
export const COOKIE = "kerbwatch";
/** A signed word has 4,096 bytes at most, in base64 a third more. */
const MOST_BODY_BYTES = 6_144;
const MOST_PAGE_BYTES = 256 * 1024;
/** Requests a second and at once, of all viewers together: a page asks once in a few seconds. */
const [PER_S, BURST] = [20, 60];

export type Handler = (request: IncomingMessage, response: ServerResponse) => boolean;

type Answer = readonly [code: number, body: unknown, headers?: Readonly<Record<string, string>>];

const fail = (code: number, error: string): Answer => [code, { error }];

function cookieOf({ headers }: IncomingMessage): string | undefined {
  return new RegExp(`(?:^|; *)${COOKIE}=([A-Za-z0-9_-]{43})(?:;|$)`).exec(headers.cookie ?? "")?.[1];
}

/** The JSON object in a body of moderate size; undefined for anything else. */
async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>> | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > MOST_BODY_BYTES) return undefined;
      parts.push(part);
    }
    const value = JSON.parse(Buffer.concat(parts).toString("utf8")) as unknown;
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const textIn = (value: unknown): string => (typeof value === "string" ? value : "");

export class Dashboard {
  readonly #options: DashboardOptions;
  readonly #files = new Map<string, Buffer>();
  #tokens = BURST;
  #filledAt: number;
  #running = false;

  constructor(options: DashboardOptions) {
    this.#options = options;
    this.#filledAt = options.monoMs();
  }

  /** Answers what is the page's; false for what is not. */
  take(request: IncomingMessage, response: ServerResponse): boolean {
    const path = (request.url ?? "").split("?")[0]!;
    if (!Object.hasOwn(TYPES, path) && !path.startsWith("/api/")) return false;
    if (!this.#admit()) {
      send(response, fail(429, "too many requests; the page asks again by itself"), request);
    } else if (Object.hasOwn(TYPES, path)) {
      this.#file(path, request, response);
    } else {
      void this.#answer(path, request).catch((): Answer => fail(500, "a defect; please report it"))
        .then((answer) => send(response, answer, request));
    }
    return true;
  }

  #admit(): boolean {
    const now = this.#options.monoMs();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#filledAt) / 1_000) * PER_S);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #file(path: string, request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== "GET" && request.method !== "HEAD") return send(response, fail(405, "only GET"), request);
    const packed = this.#options.page?.[path];
    if (packed === undefined) return send(response, fail(404, "this program came without the page"), request);
    const takesBrotli = /\bbr\b/.test(String(request.headers["accept-encoding"] ?? ""));
    const body = takesBrotli ? Buffer.from(packed, "base64") : this.#unpacked(path, packed);
    response.writeHead(200, {
      ...PAGE_HEADERS, "Content-Type": TYPES[path], "Content-Length": body.length, "Connection": "close",
      ...(takesBrotli && { "Content-Encoding": "br" }),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  /** Browsers take Brotli over TLS and on localhost; for the others it is unpacked, once. */
  #unpacked(path: string, packed: string): Buffer {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const made = brotliDecompressSync(Buffer.from(packed, "base64"), { maxOutputLength: MOST_PAGE_BYTES });
    this.#files.set(path, made);
    return made;
  }

  async #answer(path: string, request: IncomingMessage): Promise<Answer> {
    if (path === "/api/enter") return this.#enter(request);
    const session = cookieOf(request);
    const person = this.#options.sessions.person(session);
    if (person === undefined) return fail(401, "sign in first: kerbwatch page --config FILE gives a code");
    const [, , what = "", id = "", action = ""] = path.split("/");
    if (request.method === "GET" || request.method === "HEAD") {
      if (what === "state" && id === "") return [200, { person, state: this.#options.state() }];
      if (what === "incidents" && action === "") return this.#story(id);
      return fail(404, "no such thing");
    }
    if (request.method !== "POST") return fail(405, "only GET and POST");
    if (request.headers["x-kerbwatch"] !== "page") return fail(403, "only the page itself may ask for this");
    if (what === "leave") return this.#leave(session);
    if (what === "doctor") return this.#allowed(person, "installer") ?? this.#command(["doctor", "--json"]);
    if (what === "word") return this.#allowed(person, "installer") ?? this.#signed(request);
    if (what === "incidents") return this.#allowed(person, "operator") ?? this.#word(request, person, id, action);
    return fail(404, "no such thing");
  }

  #allowed(person: Person, role: Role): Answer | undefined {
    return mayDo(person, role) ? undefined : fail(403, `this wants the role ${role}; yours is ${person.role}`);
  }

  async #enter(request: IncomingMessage): Promise<Answer> {
    if (request.method !== "POST" || request.headers["x-kerbwatch"] !== "page") return fail(405, "only the page's "
      + "POST");
    const body = await bodyOf(request);
    const entered = this.#options.sessions.enter(textIn(body?.["code"]));
    if (entered === "late") return fail(429, "too many wrong codes; try again in a minute");
    if (entered === undefined) return fail(403, "not a code, or no longer one: each is good once and for ten minutes");
    const attributes = `Path=/; HttpOnly; SameSite=Strict${this.#options.secure ? "; Secure" : ""}; Max-Age=86400`;
    return [200, { person: entered.person }, { "Set-Cookie": `${COOKIE}=${entered.session}; ${attributes}` }];
  }

  #leave(session: string | undefined): Answer {
    this.#options.sessions.leave(session);
    return [200, {}, { "Set-Cookie": `${COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0` }];
  }

  async #word(request: IncomingMessage, { name }: Person, incidentId: string, action: string): Promise<Answer> {
    if (!ACTIONS.some((one) => one === action)) return fail(404, `allowed: ${ACTIONS.join(", ")}`);
    const body = await bodyOf(request);
    const reason = textIn(body?.["reason"]);
    const outcome = this.#options.handle({ incidentId, action: action as Action, by: name, reason });
    if (outcome.ok) return [200, { incidentId: outcome.incidentId }];
    return fail({ bad: 400, unknown: 404, conflict: 409, standing: 409 }[outcome.why], outcome.says);
  }

  /** Whoever signed it says it, not who brings it. */
  async #signed(request: IncomingMessage): Promise<Answer> {
    const body = await bodyOf(request);
    const taken = this.#options.word(Buffer.from(textIn(body?.["word"]), "base64"));
    return taken.ok ? [200, { says: taken.value.says }] : fail(409, taken.problem);
  }

  #story(id: string): Promise<Answer> | Answer {
    return /^[0-9a-f]{6,64}$/.test(id) ? this.#command(["explain", id, "--json"]) : fail(400, "not an incident's id");
  }

  /** One at a time: a second viewer is told to come again. */
  async #command(args: readonly string[]): Promise<Answer> {
    const { run } = this.#options;
    if (run === undefined) return fail(503, "this agent cannot run commands of its program");
    if (this.#running) return fail(503, "something else is being looked up; try again in a moment");
    this.#running = true;
    try {
      return [200, JSON.parse(await run(args)) as unknown];
    } catch {
      return fail(502, `kerbwatch ${args[0]} had no answer; try it on the console`);
    } finally {
      this.#running = false;
    }
  }
}

function send(response: ServerResponse, [code, body, headers]: Answer, request: IncomingMessage): void {
  request.resume();
  const text = JSON.stringify(body);
  response.writeHead(code, {
    ...PAGE_HEADERS, ...headers, "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text),
    "Connection": "close",
  });
  response.end(request.method === "HEAD" ? undefined : text);
}
