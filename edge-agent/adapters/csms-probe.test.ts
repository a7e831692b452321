import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { assert, test } from "../../build/testing.ts";
import { parseConfig } from "../config.ts";
import { explainFailure, probeCsms } from "./csms-probe.ts";
import type { Probe } from "./csms-probe.ts";
import type { CsmsTlsFiles } from "./tls-files.ts";

const TIME_OUT_MS = 10_000;

async function probe(scheme: string, port: number, tls: CsmsTlsFiles = {}, timeOutMs = TIME_OUT_MS): Promise<Probe> {
  const config = parseConfig(`station: CP-001\ncsms: ${scheme}://127.0.0.1:${port}/ocpp`, "k.yaml", {});
  return probeCsms(config, tls, timeOutMs);
}

async function listening<T>(server: Server, run: (port: number) => Promise<T>): Promise<T> {
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket: { destroy(): void }) => void sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await run((server.address() as AddressInfo).port);
  } finally {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
}

test("an HTTP answer gives the CSMS's time, and no OCPP handshake was made", async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.upgrade ?? "no upgrade"}`);
    response.writeHead(426, { Date: "Sun, 01 Mar 2026 09:00:00 GMT" }).end();
  });
  const found = await listening(server, (port) => probe("ws", port));
  assert.ok(found.ok);
  assert.is(found.ok && found.dateMs, Date.parse("2026-03-01T09:00:00Z"));
  assert.equal(seen, ["HEAD /ocpp no upgrade"]);
});

const ANSWERS: [string, string][] = [
  ["no Date", "HTTP/1.1 404 Not Found\r\n\r\n"], ["a Date that is none", "HTTP/1.1 200 OK\r\nDate: soon\r\n\r\n"],
  ["garbage", "\u0000\u0001\u0002"], ["nothing", ""], ["an endless head", "x".repeat(100_000)],
];
for (const [name, answer] of ANSWERS) {
  test(`the link counts as good, without a time, when the CSMS answers with ${name}`, async () => {
    const server = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answer));
    });
    const found = await listening(server, (port) => probe("ws", port));
    assert.ok(found.ok);
    assert.is(found.ok && found.dateMs, undefined);
  });
}

test("a CSMS that says nothing to HTTP is given up on, and the link counts as good", async () => {
  const found = await listening(createTcpServer(() => {}), (port) => probe("ws", port, {}, 30));
  assert.ok(found.ok);
});

test("nobody there", async () => {
  const port = await listening(createTcpServer(), (free) => Promise.resolve(free));
  const found = await probe("ws", port);
  assert.equal(found, { ok: false, mend: "check csms: host and port",
    says: `ws://127.0.0.1:${port}/ocpp refuses the connection: nothing listens on that port` });
});

test("TLS towards a port that speaks none", async () => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  });
  const found = await listening(server, (port) => probe("wss", port));
  assert.match(found.ok ? "" : found.says, "speaks no TLS on that port");
});

test("files that OpenSSL refuses are a failure in words, not an accident", async () => {
  const found = await probe("wss", 1, { ca: "no PEM", cert: "none", key: "none" });
  assert.not(found.ok);
});

const REASONS: [string, RegExp][] = [
  ["connect ECONNREFUSED 127.0.0.1:9", /refuses/], ["no connection within 5 s", /does not answer/],
  ["connect EHOSTUNREACH 10.0.0.1:443", /cannot be reached/], ["certificate has expired", /has ended/],
  ["certificate is not yet valid", /not begun/], ["self-signed certificate in certificate chain", /authority/],
  ["unable to verify the first certificate", /authority/],
  ["Hostname/IP does not match certificate's altnames: IP: 127.0.0.1", /another name/],
  ["error:0A00010B:SSL routines:ssl3_get_record:wrong version number", /no TLS/],
  ["ssl3_read_bytes:tlsv13 alert certificate required:SSL alert number 116", /client certificate/],
  ["ssl3_read_bytes:tlsv1 alert protocol version", /TLS 1\.2/], ["read ECONNRESET", /drops/],
  [`the SHA-256 of its key, ${"0f".repeat(32)}, is not in csmsTls.pinSha256`, /does not list: (0f){32}$/],
  ["something \u001b[31m new", /^cannot be used: something \[31m new$/],
];
for (const [why, says] of REASONS) {
  test(`in plain words: ${JSON.stringify(why)}`, () => assert.match(explainFailure(why).says, says));
}

function selfSigned(altName: string): { cert: string; key: string } {
  const cwd = mkdtempSync(join(tmpdir(), "kerbwatch-probe-"));
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
    "-days", "2", "-subj", "/CN=csms", "-addext", `subjectAltName=${altName}`, "-keyout", "k.pem", "-out", "c.pem"],
  { cwd, stdio: "pipe" });
  return { cert: readFileSync(join(cwd, "c.pem"), "utf8"), key: readFileSync(join(cwd, "k.pem"), "utf8") };
}

function tlsTests(): void {
  const good = selfSigned("IP:127.0.0.1");
  const server = (options: object = {}): Server => createTlsServer({ ...good, ...options }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end("HTTP/1.1 404 Not Found\r\nDate: Sun, 01 Mar 2026 09:00:00 GMT\r\n\r\n"));
  }).on("tlsClientError", () => {});

  test("TLS with the operator's authority works, and gives the time", async () => {
    const found = await listening(server(), (port) => probe("wss", port, { ca: good.cert }));
    assert.match(found.says, "name, TCP and TLS work");
    assert.ok(found.ok && found.dateMs !== undefined);
  });

  test("an authority that is not known here", async () => {
    const found = await listening(server(), (port) => probe("wss", port));
    assert.match(found.says, "shows a certificate of an authority that is not known here");
  });

  test("a certificate for another name", async () => {
    const other = selfSigned("DNS:csms.example");
    const found = await listening(server(other), (port) => probe("wss", port, { ca: other.cert }));
    assert.match(found.says, "shows a certificate for another name");
  });

  test("a CSMS that wants a client certificate, which shows only after the handshake", async () => {
    const found = await listening(server({ requestCert: true, rejectUnauthorized: true, ca: good.cert }),
      (port) => probe("wss", port, { ca: good.cert }));
    assert.match(found.says, /wants a client certificate|drops the connection/);
  });
}

if (spawnSync("openssl", ["version"]).status === 0) tlsTests();
else test.skip("TLS towards the CSMS", "no openssl command");
