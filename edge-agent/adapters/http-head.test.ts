import { PassThrough } from "node:stream";
import type { Socket } from "node:net";
import { assert, test } from "../../build/testing.ts";
import { asksForWebSocket, fieldValue, hasBody, parseHead, readHead, rewriteRequest, statusOf } from "./http-head.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

const REWRITES: readonly { name: string; head: string; prefix?: string; gives: string | undefined }[] = [
  { name: "Host alone, order, case and spacing kept",
    head: "GET /a?b=%20 HTTP/1.1\r\nX-Z:1\r\nhOST:  x:1 \r\naUTHORIZATION: Basic eA==\r\nX-Z: 2\r\n\r\n",
    gives: "GET /a?b=%20 HTTP/1.1\r\nX-Z:1\r\nhOST:  csms:2\r\naUTHORIZATION: Basic eA==\r\nX-Z: 2\r\n\r\n" },
  { name: "a prefix goes before the path", prefix: "/ocpp/v1", head: "GET /CP%2F1?x HTTP/1.1\r\nHost: a\r\n\r\n",
    gives: "GET /ocpp/v1/CP%2F1?x HTTP/1.1\r\nHost: csms:2\r\n\r\n" },
  { name: "a target in absolute form", head: "GET ws://agent:9000/CP?x HTTP/1.1\r\nHost: a\r\n\r\n",
    gives: "GET /CP?x HTTP/1.1\r\nHost: csms:2\r\n\r\n" },
  { name: "bytes over 127 stay as they are", head: "GET /\xe9 HTTP/1.1\r\nX: \xff\xfe\r\n\r\n",
    gives: "GET /\xe9 HTTP/1.1\r\nX: \xff\xfe\r\n\r\n" },
  { name: "a field that only begins like Host", head: "GET / HTTP/1.0\r\nHostile: a\r\nX-Host: b\r\n\r\n",
    gives: "GET / HTTP/1.0\r\nHostile: a\r\nX-Host: b\r\n\r\n" },
  { name: "no request", head: "SSH-2.0-OpenSSH_9\r\n\r\n", gives: undefined },
  { name: "HTTP/2", head: "PRI * HTTP/2.0\r\n\r\n", gives: undefined },
  { name: "a space in the target", head: "GET /a b HTTP/1.1\r\n\r\n", gives: undefined },
  { name: "a target that is neither path nor address", head: "CONNECT a:1 HTTP/1.1\r\n\r\n", gives: undefined },
];
for (const { name, head, prefix = "", gives } of REWRITES) {
  test(`a request passed on: ${name}`, () => {
    assert.is(rewriteRequest(bytes(head), "csms:2", prefix)?.toString("latin1"), gives);
  });
}

test("fields are found in any case, joined when repeated, and lines that are none left out", () => {
  const head = parseHead(bytes("HTTP/1.1 101 Ok\r\nA-B: 1\r\nnonsense\r\na-b:2\r\n: empty\r\n\r\n"));
  assert.is(fieldValue(head, "a-b"), "1, 2");
  assert.is(fieldValue(head, "b"), "");
});

test("status lines", () => {
  const status = (line: string): number | undefined => statusOf(parseHead(bytes(`${line}\r\n\r\n`)));
  assert.is(status("HTTP/1.1 101 Switching Protocols"), 101);
  assert.is(status("HTTP/1.0 404"), 404);
  assert.is(status("HTTP/1.1 4040 No"), undefined);
  assert.is(status("HTTP/2 200"), undefined);
  assert.is(status("hello"), undefined);
});

test("what asks for a WebSocket", () => {
  const asks = (head: string): boolean => asksForWebSocket(parseHead(bytes(`${head}\r\n\r\n`)));
  assert.ok(asks("GET / HTTP/1.1\r\nupgrade: WebSocket"));
  assert.ok(asks("GET / HTTP/1.1\r\nUpgrade: h2c, websocket"));
  assert.not(asks("GET / HTTP/1.1"));
  assert.not(asks("GET / HTTP/1.1\r\nUpgrade: websockets"));
  assert.not(asks("POST / HTTP/1.1\r\nUpgrade: websocket"));
});

test("what announces a body", () => {
  const announces = (field: string): boolean => hasBody(parseHead(bytes(`GET / HTTP/1.1\r\n${field}\r\n\r\n`)));
  for (const field of ["Content-Length: 1", "content-length: 0\r\nContent-Length: 00x", "TRANSFER-ENCODING: a"]) {
    assert.ok(announces(field), field);
  }
  for (const field of ["Content-Length: 0", "Content-Length:", "X-Content-Length: 5", "A: Transfer-Encoding"]) {
    assert.not(announces(field), field);
  }
});

const stream = (): Socket => new PassThrough() as unknown as Socket;

test("a head is found wherever it is cut, and what follows is kept apart", async () => {
  const whole = bytes("GET / HTTP/1.1\r\nA: b\r\n\r\n");
  for (let cut = 1; cut < whole.length; cut++) {
    const from = stream();
    const reading = readHead(from, 100, 5_000);
    from.write(whole.subarray(0, cut));
    from.write(Buffer.concat([whole.subarray(cut), bytes("rest")]));
    const result = await reading;
    assert.ok(result.ok && result.head.equals(whole) && result.rest.toString() === "rest".slice(0, result.rest.length));
    assert.is(Buffer.concat([result.ok ? result.rest : whole, (from.read() as Buffer | null) ?? bytes("")]).toString(),
      "rest", "nothing is lost");
  }
});

test("a head that is too long, cut off, or late", async () => {
  const long = stream();
  long.write("a".repeat(100));
  assert.equal(await readHead(long, 100, 5_000), { ok: false, problem: "too-large" });
  const justOver = stream();
  justOver.write(`${"a".repeat(97)}\r\n\r\n`);
  assert.equal(await readHead(justOver, 100, 5_000), { ok: false, problem: "too-large" });
  const cutOff = stream();
  cutOff.end("GET");
  assert.equal(await readHead(cutOff, 100, 5_000), { ok: false, problem: "closed" });
  assert.equal(await readHead(stream(), 100, 1), { ok: false, problem: "timeout" });
});
