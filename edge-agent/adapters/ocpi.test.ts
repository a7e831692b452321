/** Reading an operator's CDRs module: pages, and servers that misbehave. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { assert, test } from "../../build/testing.ts";
import { ok, problem } from "../../models/result.ts";
import { MOST_PAGE_BYTES, MOST_PAGES, readOcpi } from "./ocpi.ts";

type Answer = (request: IncomingMessage, response: ServerResponse, port: number) => void;

interface Read {
  readonly bodies: unknown[];
  readonly result: Awaited<ReturnType<typeof readOcpi>>;
}

async function read(answer: Answer, take = (_body: unknown) => ok(undefined) as ReturnType<typeof problem> |
  { ok: true; value: undefined }): Promise<Read> {
  const server = createServer((request, response) => answer(request, response, (server.address() as AddressInfo).port));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const bodies: unknown[] = [];
  try {
    const url = new URL(`http://127.0.0.1:${port}/cdrs?limit=2`);
    const result = await readOcpi({ url, token: "a token" }, (body) => {
      bodies.push(body);
      return take(body);
    });
    return { bodies, result };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const page = (response: ServerResponse, data: unknown, link?: string): void => {
  response.writeHead(200, { "Content-Type": "application/json", ...(link !== undefined && { Link: link }) });
  response.end(JSON.stringify({ data, status_code: 1000 }));
};

test("page after page as Link says, with the token in Base64 and ids of its own each time", async () => {
  const asked: (readonly [string | undefined, string | undefined])[] = [];
  const ids = new Set<unknown>();
  const { bodies, result } = await read((request, response, port) => {
    asked.push([request.url, request.headers.authorization]);
    ids.add(request.headers["x-request-id"]);
    const offset = Number(new URL(request.url!, "http://x").searchParams.get("offset") ?? 0);
    page(response, [offset], offset < 4 ? `<http://127.0.0.1:${port}/cdrs?limit=2&offset=${offset + 2}>; rel="next"`
      : undefined);
  });
  assert.equal(result, ok(3));
  assert.equal(bodies.map((body) => (body as { data: unknown }).data), [[0], [2], [4]]);
  const token = `Token ${Buffer.from("a token").toString("base64")}`;
  assert.equal(asked, [["/cdrs?limit=2", token], ["/cdrs?limit=2&offset=2", token], ["/cdrs?limit=2&offset=4", token]]);
  assert.equal([ids.size, ids.has(undefined)], [3, false]);
});

test("a relative Link is the server's own; one of other kinds is none", async () => {
  let times = 0;
  const { result } = await read((_request, response) => {
    times += 1;
    page(response, [], times === 1 ? '</cdrs?offset=2>; rel="next"' : '</cdrs?offset=0>; rel="prev"');
  });
  assert.equal(result, ok(2));
});

const REFUSED: readonly (readonly [string, Answer, RegExp])[] = [
  ["a token that is not known", (_request, response) => response.writeHead(401).end(),
    /^page 1: found HTTP 401: the token is not known there; allowed: 200$/],
  ["a redirect", (_request, response) => response.writeHead(302, { Location: "http://127.0.0.1:1/" }).end(),
    /a redirect, which is not followed/],
  ["no JSON", (_request, response) => response.writeHead(200).end("<html>"), /found no JSON/],
  ["a page on another host", (_request, response) => page(response, [], '<http://127.0.0.2:9/cdrs>; rel="next"'),
    /^page 1: Link: found http:\/\/127\.0\.0\.2:9; allowed: http:\/\/127\.0\.0\.1:\d+, which the token is for$/],
  ["a page that leads back", (request, response) => page(response, [], `<${request.url}>; rel="next"`),
    /^page 2: Link: found a page that was read already/],
  ["pages without end", (request, response) => page(response, [],
    `<?offset=${Number(new URL(request.url!, "http://x").searchParams.get("offset") ?? 0) + 1}>; rel="next"`),
  new RegExp(`^page ${MOST_PAGES + 1}: found still more pages; allowed: ${MOST_PAGES}$`)],
  ["a page without end", (_request, response) => {
    response.writeHead(200);
    const more = (): boolean => response.write("x".repeat(1 << 20)) ? more() : true;
    response.on("drain", more);
    more();
  }, new RegExp(`found more than ${MOST_PAGE_BYTES} bytes`)],
  ["a line that is cut", (_request, response) => {
    response.writeHead(200, { "Content-Length": "100" }).write("[");
    response.socket?.destroySoon();
  }, /^page 1: (found it cut off|aborted|ECONNRESET)$/],
  ["one who hangs up", (request) => request.socket.destroy(), /^page 1: (ECONNRESET|socket hang up)$/],
  ["a Link that is no URL", (_request, response) => page(response, [], '<http://:/>; rel="next"'),
    /Link: found no URL/],
];
for (const [name, answer, expected] of REFUSED) {
  test(`${name} is an error that names its page`, async () => {
    const { result } = await read(answer);
    assert.ok(!result.ok);
    assert.match(result.problem, expected);
    assert.not.match(result.problem, "token a");
  });
}

test("nobody there, and a page that whoever reads it refuses", async () => {
  const { result } = await read((_request, response) => page(response, []), () => problem("data: found nothing"));
  assert.equal(result, problem("page 1: data: found nothing"));
  const gone = await readOcpi({ url: new URL("http://127.0.0.1:1/"), token: "t" }, () => ok(undefined));
  assert.equal(gone, problem("page 1: ECONNREFUSED"));
});
