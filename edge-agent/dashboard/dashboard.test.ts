/** What the page's server refuses, without a browser: who is nobody, who may not, who asks too much. */
import { mkdtempSync } from "node:fs";
import { request } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packedPage, pageFiles, MOST_PACKED_BYTES } from "../../build/page.ts";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import { createStatusServer } from "../adapters/http.ts";
import { systemRandom } from "../adapters/crypto.ts";
import { ok, problem } from "../../models/result.ts";
import { STATUS } from "../status.testing.ts";
import { Dashboard } from "./dashboard.ts";
import { CODE_MS, MOST_GUESSES, type Role, SESSION_MS, Sessions } from "./sessions.ts";

const page = await packedPage(repoRoot);

interface Answer {
  readonly code: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}
interface Asked {
  readonly method?: string;
  readonly body?: string;
  readonly cookie?: string;
  readonly host?: string;
  readonly header?: boolean;
  readonly encoding?: string;
}

class World {
  nowMs = 1_000;
  readonly sessions = new Sessions(systemRandom, () => this.nowMs);
  port = 0;
  readonly run: (readonly string[])[] = [];
  finish: (text: string) => void = () => undefined;

  ask(path: string, { method = "GET", body, cookie, host, header = true, encoding }: Asked = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port: this.port, method, path, headers: {
        Host: host ?? `127.0.0.1:${this.port}`, ...(header && { "X-Kerbwatch": "page" }),
        ...(cookie !== undefined && { Cookie: cookie }), ...(encoding !== undefined && { "Accept-Encoding": encoding }),
      } }, (response) => {
        let text = "";
        response.on("data", (part: Buffer) => void (text += part.toString("latin1")));
        response.on("end", () => resolve({ code: response.statusCode ?? 0, body: text, headers: response.headers }));
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** The cookie of a session in this role. */
  async enter(role: Role): Promise<string> {
    const body = JSON.stringify({ code: this.sessions.issue(role, role) });
    const { headers } = await this.ask("/api/enter", { method: "POST", body });
    return headers["set-cookie"]![0]!.split(";")[0] ?? "";
  }
}

async function withServer(use: (world: World) => Promise<void>): Promise<void> {
  const world = new World();
  const dashboard = new Dashboard({
    sessions: world.sessions, page, secure: true, state: () => ({ secret: "state" }), monoMs: () => world.nowMs,
    handle: ({ reason }) => (reason === "" ? { ok: false, why: "bad", says: "a reason is missing" }
      : { ok: true, incidentId: "a".repeat(64), effects: [] }),
    word: (file) => (Buffer.from(file).toString() === "signed" ? ok({ says: "an update" }) : problem("no word")),
    run: (args) => {
      world.run.push(args);
      return new Promise((resolve) => void (world.finish = resolve));
    },
  });
  const server = createStatusServer({
    stateDir: mkdtempSync(join(tmpdir(), "kerbwatch-page-")), http: { host: "127.0.0.1", port: 0 },
    status: () => STATUS, metrics: () => "x 1\n", page: (one, other) => dashboard.take(one, other),
  });
  await server.start();
  world.port = server.address()!.port;
  try {
    await use(world);
  } finally {
    await server.stop();
  }
}

test("the page is small, and comes with a policy that lets nothing else in", () => withServer(async (world) => {
  assert.ok(Object.values(page).join("").length < MOST_PACKED_BYTES);
  for (const [path, text] of Object.entries(await pageFiles(repoRoot))) {
    const plain = await world.ask(path);
    assert.is(Buffer.from(plain.body, "latin1").toString("utf8"), text);
    assert.match(String(plain.headers["content-security-policy"]), /default-src 'none'.*frame-ancestors 'none'/);
    assert.not.match(text, /https?:\/\/(?!www\.w3\.org\/2000\/svg)/, "no asset of anybody else");
    assert.is((await world.ask(path, { encoding: "gzip, br" })).headers["content-encoding"], "br");
    assert.is((await world.ask(path, { method: "POST" })).code, 405);
  }
}));

for (const [name, path, asked, code] of [
  ["the state without a session", "/api/state", {}, 401],
  ["a story without a session", "/api/incidents/aaaaaaaa", {}, 401],
  ["an answer without a session", "/api/incidents/aaaaaaaa/close", { method: "POST" }, 401],
  ["a made-up cookie", "/api/state", { cookie: `kerbwatch=${"A".repeat(43)}` }, 401],
  ["a cookie that is none", "/api/state", { cookie: "kerbwatch=../../etc; __proto__=1" }, 401],
  ["another site's name for this machine", "/api/state", { host: "evil.example" }, 403],
  ["a code by GET", "/api/enter", {}, 405],
  ["a code that another site's page sends", "/api/enter", { method: "POST", header: false, body: "{}" }, 405],
  ["a code that is no JSON", "/api/enter", { method: "POST", body: "{{{{" }, 403],
  ["a code that is a list", "/api/enter", { method: "POST", body: '[{"code":1}]' }, 403],
  ["a body of a megabyte", "/api/enter", { method: "POST", body: "x".repeat(1 << 20) }, 403],
] as const) {
  test(`refused: ${name}`, () => withServer(async (world) => {
    // A body that is too large may be cut off before the answer is read.
    const answer = await world.ask(path, asked).catch(() => ({ code, body: "", headers: {} }));
    assert.is(answer.code, code);
    assert.not.match(answer.body, "secret");
  }));
}

test("roles: each may what those before it may, and nothing more", () => withServer(async (world) => {
  const may: Record<string, number[]> = {};
  for (const role of ["auditor", "installer", "operator"] as const) {
    const cookie = await world.enter(role);
    const close = await world.ask("/api/incidents/aaaaaaaa/close", { method: "POST", cookie, body: '{"reason":"x"}' });
    const doctor = world.ask("/api/doctor", { method: "POST", cookie });
    while (world.run.length === 0 && role !== "auditor") await new Promise((resolve) => setImmediate(resolve));
    world.finish('{"checks":[]}');
    may[role] = [(await world.ask("/api/state", { cookie })).code, (await doctor).code, close.code];
    world.run.length = 0;
  }
  assert.equal(may, { auditor: [200, 403, 403], installer: [200, 200, 403], operator: [200, 200, 200] });
}));

test("a signed declaration is brought by an installer or an operator; what it says is its signer's", () =>
  withServer(async (world) => {
    const word = (text: string) => JSON.stringify({ word: Buffer.from(text).toString("base64") });
    const codes: number[] = [];
    for (const role of ["auditor", "installer", "operator"] as const) {
      const cookie = await world.enter(role);
      for (const body of [word("signed"), word("forged"), "{}"]) {
        codes.push((await world.ask("/api/word", { method: "POST", cookie, body })).code);
      }
    }
    assert.equal(codes, [403, 403, 403, 200, 409, 409, 200, 409, 409]);
    assert.is((await world.ask("/api/word", { method: "POST", body: word("signed") })).code, 401);
  }));

test("what changes something wants the page's own header, and a reason", () => withServer(async (world) => {
  const cookie = await world.enter("operator");
  const path = "/api/incidents/aaaaaaaa/acknowledge";
  assert.is((await world.ask(path, { method: "POST", cookie, header: false, body: '{"reason":"x"}' })).code, 403);
  assert.is((await world.ask(path, { method: "POST", cookie, body: "{}" })).code, 400);
  assert.is((await world.ask("/api/incidents/aaaaaaaa/explode", { method: "POST", cookie, body: "{}" })).code, 404);
  assert.is((await world.ask("/api/incidents/..%2f..%2fetc", { cookie })).code, 400);
}));

test("one look-up at a time; the second is told to come again", () => withServer(async (world) => {
  const cookie = await world.enter("auditor");
  const first = world.ask("/api/incidents/abcdef", { cookie });
  while (world.run.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.is((await world.ask("/api/incidents/abcdef", { cookie })).code, 503);
  world.finish("{}");
  assert.is((await first).code, 200);
  assert.equal(world.run, [["explain", "abcdef", "--json"]]);
}));

test("who asks too much is told so, and whoever asks later is served", () => withServer(async (world) => {
  const codes = new Map<number, number>();
  for (let n = 0; n < 80; n += 1) {
    const { code } = await world.ask("/api/state");
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  assert.equal([...codes], [[401, 60], [429, 20]]);
  world.nowMs += 1_000;
  assert.is((await world.ask("/api/state")).code, 401);
  assert.is((await world.ask("/status")).code, 200, "status and metrics are another matter");
}));

test("a code is good once, for ten minutes; a session for a day; guesses are few", () => {
  let now = 0;
  const sessions = new Sessions(systemRandom, () => now);
  const code = sessions.issue("operator", "alice");
  assert.match(code, /^[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}$/);
  const entered = sessions.enter(code.toLowerCase().replace("-", " "));
  assert.ok(typeof entered === "object");
  const session = typeof entered === "object" ? entered.session : "";
  assert.equal(sessions.person(session), { role: "operator", name: "alice" });
  assert.is(sessions.enter(code), undefined, "once");
  const old = sessions.issue("auditor", "");
  now += CODE_MS;
  assert.is(sessions.enter(old), undefined, "for ten minutes");
  now = SESSION_MS;
  assert.is(sessions.person(session), undefined, "for a day");
  for (let n = 0; n < MOST_GUESSES; n += 1) assert.is(sessions.enter(`GUESS${n}`), undefined);
  const good = sessions.issue("auditor", "a");
  assert.is(sessions.enter(good), "late", "even the right one");
  now += 60_000;
  assert.ok(typeof sessions.enter(good) === "object");
});

test("who signs out is out", () => withServer(async (world) => {
  const cookie = await world.enter("auditor");
  await world.ask("/api/leave", { method: "POST", cookie });
  assert.is((await world.ask("/api/state", { cookie })).code, 401);
}));
