/**
 * The page of the whole street, on loopback: the same files as an agent's page, an overview with the acts as buttons,
 * and behind each charger the page of its own agent, which is asked on the viewer's behalf. Nobody signs in: whoever
 * reaches it is at this machine, and the street is a play.
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { streetFiles } from "../../build/page.ts";
import { repoRoot } from "../../build/paths.ts";
import { askAgent, askStatus } from "../../edge-agent/adapters/agent-client.ts";
import { isOwnHost } from "../../edge-agent/adapters/http.ts";
import { PAGE_HEADERS } from "../../edge-agent/dashboard/dashboard.ts";
import type { ActId } from "./acts/act.ts";

const HOST = "127.0.0.1";
const MOST_BODY_BYTES = 4_096;
/** The story of an incident is told by a process of its own. */
const ANSWER_WITHIN_MS = 35_000;
const AGENT_WITHIN_MS = 2_000;
/** Viewers of one moment see one picture, however many they are. */
const VIEW_LASTS_MS = 1_000;
const TYPES: Readonly<Record<string, string>> = {
  "/": "text/html; charset=utf-8", "/page.css": "text/css; charset=utf-8", "/street.css": "text/css; charset=utf-8",
  "/page.js": "text/javascript; charset=utf-8", "/street.js": "text/javascript; charset=utf-8",
};

/** What is behind the page. */
export interface StreetSources {
  /** State directories of the agents, by station. */
  readonly houses: ReadonlyMap<string, string>;
  /** What the overview shows, ready for JSON. */
  readonly view: () => Promise<unknown>;
  /** Why an act cannot be played now; undefined when it can. */
  readonly hindrance: (act: string) => string | undefined;
  /** Begins to play an act. */
  readonly play: (act: ActId) => void;
  readonly monoMs: () => number;
}

interface Answer {
  readonly code: number;
  readonly body: string;
}

const answer = (code: number, body: unknown): Answer => ({ code, body: JSON.stringify(body) });

/** Asks one agent's page, signed in as an operator; signs in anew when the agent began anew. */
class Door {
  readonly #state: string;
  #in: { readonly port: number; readonly cookie: string } | undefined;

  constructor(state: string) {
    this.#state = state;
  }

  async ask(method: string, path: string, body: string): Promise<Answer> {
    for (let again = false; ; again = true) {
      this.#in ??= await this.#enter();
      if (this.#in === undefined) return answer(502, { error: "this charger's agent does not answer" });
      const { port, cookie } = this.#in;
      const asked = await send(port, method, path, body, cookie).catch(() => undefined);
      if (asked !== undefined && asked.code !== 401) return asked;
      this.#in = undefined;
      if (again) return asked ?? answer(502, { error: "this charger's agent does not answer" });
    }
  }

  async #enter(): Promise<{ port: number; cookie: string } | undefined> {
    const asked = await askStatus(this.#state, AGENT_WITHIN_MS);
    const port = asked.kind === "status" ? Number(/:(\d+)$/.exec(asked.status.agent.http ?? "")?.[1]) : Number.NaN;
    const body = { role: "operator", name: "the street's page" };
    const given = await askAgent(this.#state, "/code", body, AGENT_WITHIN_MS);
    if (Number.isNaN(port) || given.kind !== "answer" || given.code !== 200) return undefined;
    const code = JSON.stringify({ code: given.body["code"] });
    const entered = await send(port, "POST", "/api/enter", code, "").catch(() => undefined);
    return entered?.cookie === undefined ? undefined : { port, cookie: entered.cookie };
  }
}

function send(
  port: number, method: string, path: string, body: string, cookie: string,
): Promise<Answer & { readonly cookie?: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: HOST, port, method, path, signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      headers: { "X-Kerbwatch": "page", "Cookie": cookie, "Content-Length": Buffer.byteLength(body) },
    }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => void (text += part));
      response.on("error", reject);
      const set = response.headers["set-cookie"]?.[0]?.split(";")[0];
      response.on("end", () => resolve({
        code: response.statusCode ?? 502, body: text, ...(set !== undefined && { cookie: set }),
      }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

async function bodyOf(from: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of from as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes <= MOST_BODY_BYTES) parts.push(part);
  }
  return bytes > MOST_BODY_BYTES ? "" : Buffer.concat(parts).toString("utf8");
}

export class StreetPage {
  readonly #from: StreetSources;
  readonly #files: Readonly<Record<string, string>>;
  readonly #doors: ReadonlyMap<string, Door>;
  readonly #server: Server;
  #seen: { readonly at: number; readonly view: Promise<unknown> } | undefined;

  private constructor(from: StreetSources, files: Readonly<Record<string, string>>) {
    this.#from = from;
    this.#files = files;
    this.#doors = new Map([...from.houses]
      .map(([station, state]) => [encodeURIComponent(station), new Door(state)]));
    this.#server = createServer((asked, response) => void this.#take(asked, response));
  }

  /** @param port 0: any that is free */
  static async open(from: StreetSources, port = 0): Promise<StreetPage> {
    const page = new StreetPage(from, await streetFiles(repoRoot));
    await new Promise<void>((resolve, reject) => {
      page.#server.once("error", reject).listen(port, HOST, resolve);
    });
    return page;
  }

  get url(): string {
    return `http://${HOST}:${(this.#server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (asked.url ?? "").split("?")[0]!;
    const file = Object.hasOwn(TYPES, path) ? this.#files[path] : undefined;
    const { code, body } = !isOwnHost(asked.headers.host, HOST) ? answer(403, { error: "not by that name" })
      : file !== undefined ? { code: 200, body: file }
      : await this.#answer(asked, path).catch(() => answer(500, { error: "a defect of the bench" }));
    asked.resume();
    response.writeHead(code, {
      ...PAGE_HEADERS, "Content-Type": code === 200 && file !== undefined ? TYPES[path] : "application/json",
      "Content-Length": Buffer.byteLength(body), "Connection": "close",
    });
    response.end(asked.method === "HEAD" ? undefined : body);
  }

  async #answer(asked: IncomingMessage, path: string): Promise<Answer> {
    const { method = "GET", headers } = asked;
    if (method !== "GET" && method !== "POST") return answer(405, { error: "only GET and POST" });
    // What another site's page cannot send.
    if (method === "POST" && headers["x-kerbwatch"] !== "page") {
      return answer(403, { error: "only the page itself may ask for this" });
    }
    if (path === "/api/street" && method === "GET") return answer(200, await this.#view());
    const act = /^\/api\/acts\/([a-z])$/.exec(path)?.[1];
    if (act !== undefined && method === "POST") return this.#play(act);
    const [, id = "", rest = ""] = /^\/house\/([^/]{1,144})(\/api\/[^?]{1,200})$/.exec(path) ?? [];
    const door = this.#doors.get(id);
    return door === undefined ? answer(404, { error: "no such thing" }) : door.ask(method, rest, await bodyOf(asked));
  }

  #view(): Promise<unknown> {
    const now = this.#from.monoMs();
    if (this.#seen === undefined || now - this.#seen.at >= VIEW_LASTS_MS) {
      this.#seen = { at: now, view: this.#from.view() };
    }
    return this.#seen.view;
  }

  #play(act: string): Answer {
    const why = this.#from.hindrance(act);
    if (why !== undefined) return answer(409, { error: `act ${act}: ${why}` });
    this.#from.play(act as ActId);
    this.#seen = undefined;
    return answer(202, {});
  }
}
