import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { STATUS } from "../status.testing.ts";
import { askStatus } from "./agent-client.ts";
import { createStatusServer, isOwnHost, socketPath } from "./http.ts";
import type { StatusServer } from "./http.ts";

const TIME_OUT_MS = 10_000;
const LOOPBACK = { host: "127.0.0.1", port: 0 };
const newDir = (): string => mkdtempSync(join(tmpdir(), "kerbwatch-http-"));

interface Answer {
  readonly code: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

function ask(port: number, method: string, path: string, host = "127.0.0.1"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, method, path, headers: { Host: host } }, (response) => {
      let body = "";
      response.on("data", (part: Buffer) => { body += part.toString(); });
      response.on("end", () => resolve({ code: response.statusCode ?? 0, body, headers: response.headers }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

async function serving(run: (port: number, server: StatusServer) => Promise<void>): Promise<void> {
  const server = createStatusServer({ stateDir: newDir(), http: LOOPBACK, status: () => STATUS });
  await server.start();
  try {
    await run(server.address()?.port ?? 0, server);
  } finally {
    await server.stop();
  }
}

test("the status is served on the socket, to this user alone, and asked for by the client", async () => {
  const stateDir = newDir();
  const server = createStatusServer({ stateDir, status: () => STATUS });
  await server.start();
  assert.is(statSync(socketPath(stateDir)).mode & 0o777, 0o600);
  assert.is(server.address(), undefined);
  assert.equal(await askStatus(stateDir, TIME_OUT_MS), { kind: "status", status: STATUS });
  await server.stop();
  assert.not(existsSync(socketPath(stateDir)));
  assert.equal(await askStatus(stateDir, TIME_OUT_MS), { kind: "none" });
});

test("a socket left behind by a killed agent is replaced", async () => {
  const stateDir = newDir();
  const path = socketPath(stateDir);
  const code = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
  const killed = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "ignore"] });
  await once(killed.stdout, "data");
  killed.kill("SIGKILL");
  await once(killed, "exit");
  assert.ok(existsSync(path));
  assert.equal(await askStatus(stateDir, TIME_OUT_MS), { kind: "none" });
  const server = createStatusServer({ stateDir, status: () => STATUS });
  await server.start();
  assert.is((await askStatus(stateDir, TIME_OUT_MS)).kind, "status");
  await server.stop();
});

test("a second agent on one state directory is refused, and the first goes on", async () => {
  const stateDir = newDir();
  const first = createStatusServer({ stateDir, status: () => STATUS });
  await first.start();
  const second = createStatusServer({ stateDir, status: () => STATUS });
  const error = await second.start().then(() => undefined, (reason: Error) => reason);
  assert.match(error?.message ?? "", `another agent is running on ${socketPath(stateDir)}`);
  assert.is((await askStatus(stateDir, TIME_OUT_MS)).kind, "status");
  await second.stop();
  await first.stop();
});

test("a path too long for a socket is refused, not cut in silence", async () => {
  const stateDir = join(newDir(), "x".repeat(100));
  const error = await createStatusServer({ stateDir, status: () => STATUS }).start().catch((reason: Error) => reason);
  assert.match((error as Error).message, /^stateDir: .* is longer than 107 bytes$/);
});

test("a port in use is said in plain words", async () => {
  const holder = createServer().listen(LOOPBACK);
  await once(holder, "listening");
  const { port } = holder.address() as AddressInfo;
  const server = createStatusServer({ stateDir: newDir(), http: { host: "127.0.0.1", port }, status: () => STATUS });
  const error = await server.start().catch((reason: Error) => reason);
  assert.is((error as Error).message, `http: cannot listen on 127.0.0.1 port ${port}: the port is in use`);
  await server.stop();
  holder.close();
});

test("GET /status and GET /healthz, and nothing else", () => serving(async (port) => {
  const status = await ask(port, "GET", "/status?x=1");
  assert.is(status.code, 200);
  assert.equal(JSON.parse(status.body), STATUS);
  assert.is(status.headers["cache-control"], "no-store");
  assert.is((await ask(port, "GET", "/healthz")).body, '{"ok":true}\n');
  assert.equal(await ask(port, "HEAD", "/status").then(({ code, body }) => [code, body]), [200, ""]);
  for (const path of ["/", "/metrics", "/../etc/passwd", "/status/", "//status"]) {
    assert.is((await ask(port, "GET", path)).code, 404, path);
  }
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
    assert.is((await ask(port, method, "/status")).code, 405, method);
  }
}));

test("a page that tricks a browser into another name for this address is refused", () => serving(async (port) => {
  assert.is((await ask(port, "GET", "/status", "evil.example")).code, 403);
  assert.is((await ask(port, "GET", "/status", `localhost:${port}`)).code, 200);
}));

const HOSTS: [string | undefined, boolean][] = [
  ["127.0.0.1", true], ["127.0.0.1:8620", true], ["[::1]:8620", true], ["[::1]", true], ["localhost", true],
  ["LOCALHOST:1", true], ["board.local:8620", true], ["evil.example", false], ["127.0.0.1.evil.example", false],
  ["", false], [undefined, false], ["localhost.evil.example:80", false],
];
for (const [header, expected] of HOSTS) {
  test(`Host ${String(header)} is ${expected ? "this agent" : "a stranger"}`, () => {
    assert.is(isOwnHost(header, "board.local"), expected);
  });
}

/** Sends bytes as they are; gives what came back until the server closed. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const socket = connect({ host: "127.0.0.1", port }, () => socket.write(bytes));
    socket.on("data", (part: Buffer) => { got += part.toString("latin1"); });
    socket.on("error", () => {});
    socket.on("close", () => resolve(got));
  });
}

test("garbage and heads without end close the connection, and the server goes on", () => serving(async (port) => {
  await raw(port, "\u0000\u0001\u0002\r\n\r\n");
  await raw(port, `GET /status HTTP/1.1\r\nHost: localhost\r\nX: ${"a".repeat(10_000)}\r\n\r\n`);
  assert.is((await ask(port, "GET", "/healthz")).code, 200);
}));

test("a status that cannot be told is a 500, not the end of the agent", async () => {
  const stateDir = newDir();
  const server = createStatusServer({ stateDir, status: () => { throw new Error("no"); } });
  await server.start();
  assert.equal(await askStatus(stateDir, TIME_OUT_MS), { kind: "problem", why: "the agent answered with HTTP 500" });
  await server.stop();
});

const ANSWERS: [string, unknown, string][] = [
  ["another release's status", { schemaVersion: "9.0" }, "the running agent is of another release"],
  ["an endless answer", "x".repeat(2 * 1024 * 1024), "answer too long"],
  ["no object", null, "the agent's answer is no JSON"],
];
for (const [name, body, why] of ANSWERS) {
  test(`the client refuses ${name}`, async () => {
    const stateDir = newDir();
    const server = createStatusServer({ stateDir, status: () => body });
    await server.start();
    const asked = await askStatus(stateDir, TIME_OUT_MS);
    assert.is(asked.kind, "problem");
    assert.match((asked as { why: string }).why, why);
    await server.stop();
  });
}

test("the client gives up on an agent that does not answer", async () => {
  const stateDir = newDir();
  const mute = createServer().listen(socketPath(stateDir));
  await once(mute, "listening");
  const asked = await askStatus(stateDir, 20);
  assert.match((asked as { why: string }).why, "did not answer within 0.02 s");
  mute.close();
});

test("no state directory means no agent", async () => {
  const stateDir = newDir();
  rmSync(stateDir, { recursive: true });
  assert.equal(await askStatus(stateDir, TIME_OUT_MS), { kind: "none" });
});
