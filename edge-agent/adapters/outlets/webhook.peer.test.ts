/** Webhooks against a receiver that nobody here wrote (Debian's webhook), and against servers that misbehave. */
import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { assert, test } from "../../../build/testing.ts";
import { systemClock } from "../clock.ts";
import { freePort } from "../mosquitto.testing.ts";
import { type Load, Refused } from "./courier.ts";
import {
  alertWith, CERTIFICATES, freshFolder, hasCertificates, HOSTILE, program, Receiver, selfSigned, trustedCa,
} from "./outlets.testing.ts";
import { createWebhook, headersOf, keyOf, signature } from "./webhook.ts";

const WEBHOOK = program("/usr/bin/webhook");
const SECRET = "a secret of some length";
const NEVER = new AbortController().signal;
const load = (id: string, ...alerts: Load["alerts"]): Load => ({ id, alerts });
const urlOf = (port: number, secure = false) =>
  ({ url: { secure, host: "127.0.0.1", port, path: "/hooks/kw" } });

/** What the other side's program wrote down of a post that it took. */
async function posted(secret: string, one: Load): Promise<string[]> {
  const [folder, port] = [freshFolder(), await freePort()];
  const [hooks, script, out] = ["hooks.json", "take.sh", "out.txt"].map((name) => join(folder, name));
  writeFileSync(script!, `#!/bin/sh\nprintf '%s\\n' "$@" > ${out}\n`, { mode: 0o755 });
  writeFileSync(hooks!, JSON.stringify([{
    id: "kw", "execute-command": script, "include-command-output-in-response": true,
    "pass-arguments-to-command": [
      { source: "payload", name: "incidentId" }, { source: "payload", name: "summary" },
      { source: "header", name: "Webhook-Id" }, { source: "header", name: "Idempotency-Key" },
    ],
    "trigger-rule": { match: { type: "payload-hmac-sha256", secret: SECRET,
      parameter: { source: "header", name: "X-Hub-Signature-256" } } },
    "trigger-rule-mismatch-http-response-code": 403,
  }]));
  const receiver = new Receiver(WEBHOOK!, ["-hooks", hooks!, "-ip", "127.0.0.1", "-port", String(port), "-verbose"]);
  try {
    await receiver.listening(port);
    await createWebhook(urlOf(port), keyOf(secret), undefined, systemClock).carry(one, NEVER);
    return readFileSync(out!, "utf8").split("\n");
  } finally {
    await receiver.stop();
  }
}

if (WEBHOOK === undefined) {
  test.skip("Debian's webhook takes what is signed", "no webhook");
} else {
  test("Debian's webhook takes what is signed with its key, to the letter", async () => {
    const alert = alertWith({ summary: "14 of 20 \u00b5 \u201cquoted\u201d" });
    assert.equal(await posted(SECRET, load("id-1", alert)),
      ["0123456789abcdef", "14 of 20 \u00b5 \u201cquoted\u201d", "id-1", "id-1", ""]);
  });
  test("Debian's webhook gets hostile strings as JSON, and refuses another key's", async () => {
    const [, summary] = await posted(SECRET, load("id-2", alertWith({ summary: HOSTILE.replace(/[\r\n]/g, " ") })));
    assert.match(summary ?? "", "<script>alert(1)</script>");
    await posted("some other key, as long", load("id-3", alertWith())).then(
      () => assert.unreachable(), (error: Error) => assert.match(error.message, /^HTTP (403|500)$/));
  });
}

test("signatures are those of Standard Webhooks 1.0", () => {
  // The specification's libraries test themselves with this one.
  const key = keyOf("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  assert.is(signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}'),
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  const headers = headersOf(key, "i", 7, "{}");
  assert.is(headers["X-Hub-Signature-256"], `sha256=${createHmac("sha256", key).update("{}").digest("hex")}`);
  assert.equal([headers["webhook-id"], headers["Idempotency-Key"], headers["webhook-timestamp"]], ["i", "i", "7"]);
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** The port of a server that answers so, for as long as `use` lasts. */
async function withServer(answer: Answer, use: (port: number) => Promise<void>): Promise<void> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const failure = (port: number, ca?: string, secure = false): Promise<Error> =>
  createWebhook(urlOf(port, secure), keyOf(SECRET), ca, systemClock).carry(load("i", alertWith()), NEVER)
    .then(() => new Error("taken"), (error: Error) => error);

for (const [code, isRefused] of [[400, true], [413, true], [422, true], [401, false], [404, false], [429, false],
  [500, false], [503, false]] as const) {
  test(`HTTP ${code}: ${isRefused ? "never to be sent again" : "to be tried again"}`, () =>
    withServer((_request, response) => response.writeHead(code).end(), async (port) => {
      const error = await failure(port);
      assert.is(error.message, `HTTP ${code}`);
      assert.is(error instanceof Refused, isRefused);
    }));
}

test("a redirect is not followed", () => withServer((_request, response) =>
  response.writeHead(302, { Location: "http://127.0.0.1:1/" }).end(), async (port) => {
  assert.is((await failure(port)).message, "HTTP 302, a redirect, which is not followed");
}));

test("an answer without end costs nothing: it is taken by its head", () => withServer((_request, response) => {
  response.writeHead(200);
  response.write("x".repeat(65_536));
}, async (port) => assert.is((await failure(port)).message, "taken")));

test("nobody there, or one who closes, is an error of one line", async () => {
  assert.match((await failure(await freePort())).message, /^connect ECONNREFUSED/);
  await withServer((request) => request.socket.destroy(), async (port) =>
    assert.match((await failure(port)).message, "socket hang up"));
});

for (const [name, isOver, trusts, expected] of CERTIFICATES) {
  if (!hasCertificates) test.skip(`a certificate ${name}`, "no python3-cryptography");
  else test(`a certificate ${name}`, async () => {
    const folder = freshFolder();
    const { cert, key } = selfSigned(folder, "s", isOver);
    const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) },
      (_request, response) => response.writeHead(204).end()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    assert.match((await failure(port, trustedCa(folder, trusts && "s"), true)).message, expected);
    server.close();
  });
}
