/** What the street's page answers and refuses, and which acts may be played when; without a browser. */
import { request } from "node:http";
import { MOST_PACKED_BYTES, streetFiles } from "../../build/page.ts";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import { PlayedStreet } from "./street-page.testing.ts";
import { incidentViews } from "./street-view.ts";
import { alertWith } from "../../edge-agent/adapters/outlets/outlets.testing.ts";

interface Asked {
  readonly method?: string;
  readonly header?: boolean;
  readonly host?: string;
  readonly body?: string;
}

function ask(url: string, path: string, { method = "GET", header = true, host, body }: Asked = {}) {
  return new Promise<{ code: number; text: string; policy: string }>((resolve, reject) => {
    const sent = request(new URL(path, url), { method, headers: {
      ...(header && { "X-Kerbwatch": "page" }), ...(host !== undefined && { Host: host }),
    } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => void (text += part));
      response.on("end", () => resolve({
        code: response.statusCode ?? 0, text, policy: String(response.headers["content-security-policy"]),
      }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function withStreet(use: (street: PlayedStreet, url: string) => Promise<void>): Promise<void> {
  const street = new PlayedStreet();
  const { page, close } = await street.open();
  try {
    await use(street, page.url);
  } finally {
    await close();
  }
}

test("the street's page is at most 64 KB as it travels, unpacked too, and nobody else's", async () => {
  const files = Object.values(await streetFiles(repoRoot));
  assert.is(files.length, 5);
  assert.ok(files.join("").length <= MOST_PACKED_BYTES, `${files.join("").length} bytes`);
  for (const text of files) assert.not.match(text, /https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
});

test("its files come with the policy of the agent's page", () => withStreet(async (_, url) => {
  for (const [path, text] of Object.entries(await streetFiles(repoRoot))) {
    const answer = await ask(url, path);
    assert.equal([answer.code, answer.text], [200, text]);
    assert.match(answer.policy, /default-src 'none'.*frame-ancestors 'none'/);
  }
}));

for (const [name, path, asked, code] of [
  ["another site's name for this machine", "/api/street", { host: "evil.example" }, 403],
  ["a file that is none", "/street.ts", {}, 404],
  ["an act by GET", "/api/acts/a", {}, 404],
  ["an act that another site's page plays", "/api/acts/a", { method: "POST", header: false }, 403],
  ["an act that is none", "/api/acts/z", { method: "POST" }, 409],
  ["an act whose premise was not played", "/api/acts/g", { method: "POST" }, 409],
  ["a deletion", "/api/street", { method: "DELETE" }, 405],
  ["a charger that is none", "/house/X-9/api/state", {}, 404],
  ["a path out of the house", "/house/N-1/../../etc/passwd", {}, 404],
  ["a broken escape", "/house/%E0%A4%A/api/state", {}, 404],
  ["a charger whose agent is away", "/house/N-2/api/state", {}, 502],
] as const) {
  test(`refused: ${name}`, () => withStreet(async (_, url) => {
    assert.is((await ask(url, path, asked)).code, code);
  }));
}

test("behind a charger is its agent's page, signed in; an agent that began anew is asked anew",
  () => withStreet(async ({ world }, url) => {
    for (let n = 0; n < 2; n += 1) {
      const { code, text } = await ask(url, "/house/N-1/api/state");
      assert.is(code, 200);
      assert.equal((JSON.parse(text) as { person: unknown }).person, { role: "operator", name: "the street's page" });
      assert.is((await ask(url, "/house/N-1/api/leave", { method: "POST" })).code, 200);
    }
    const path = `/house/N-1/api/incidents/${"a".repeat(64)}/acknowledge`;
    assert.is((await ask(url, path, { method: "POST", body: '{"reason":"seen"}' })).code, 200);
    assert.equal(world.asked.map(({ by, reason }) => [by, reason]), [["the street's page", "seen"]]);
  }));

test("one act at a time, each once, and after what it needs; while the bench plays nobody else does",
  () => withStreet(async ({ stage, endings }, url) => {
    const play = async (id: string) => {
      const { code, text } = await ask(url, `/api/acts/${id}`, { method: "POST" });
      return `${code} ${(JSON.parse(text) as { error?: string }).error ?? ""}`.trim();
    };
    stage.busy = "the acts are being played";
    assert.is(await play("a"), "409 act a: the acts are being played");
    stage.busy = undefined;
    assert.is(await play("g"), "409 act g: play a and b first");
    assert.is(await play("a"), "202");
    assert.is(await play("b"), "409 act b: act a is being played");
    endings.get("a")!({ observed: "all of it", asTold: true });
    await new Promise((resolve) => setImmediate(resolve));
    assert.is(await play("a"), "409 act a: it was played; another street plays it again");
    assert.is(await play("b"), "202");
    endings.get("b")!({ observed: "nothing", asTold: false });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(stage.views().map(({ id, state, observed }) => [id, state, observed]),
      [["a", "told", "all of it"], ["b", "untold", "nothing"], ["g", "idle", undefined]]);
    assert.is(stage.hindrance("g"), undefined);
  }));

test("an incident is open until all who told it have cleared it, and the newest stands first", () => {
  const [old, young] = ["2026-03-01T09:00:00.000Z", "2026-03-01T10:00:00.000Z"]
    .map((onset, n) => alertWith({ onset, incidentId: String(n).repeat(64) }));
  const over = { ...old!, state: "cleared" as const, time: "2026-03-01T11:00:00.000Z" };
  const views = incidentViews([["N-1", [old!, young!, over]], ["N-2", [old!]]]);
  assert.equal(views.map(({ incidentId, open, agents }) => [incidentId[0], open, agents]),
    [["1", true, ["N-1"]], ["0", true, ["N-1", "N-2"]]]);
  assert.equal(incidentViews([["N-1", [old!, over]]]).map(({ open, state }) => [open, state]), [[false, "cleared"]]);
  const many = Array.from({ length: 10_000 }, (_, n) => alertWith({ incidentId: n.toString(16).padStart(64, "0") }));
  assert.is(incidentViews([["N-1", many]]).length, 50);
});
