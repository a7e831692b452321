/** Outlets as doctor finds them: there, away, with the wrong password, with a certificate that is over. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createServer as createTcpServer, type Server } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqttPacket from "mqtt-packet";
import { assert, test } from "../../../build/testing.ts";
import { Authority } from "../../adapters/authority.testing.ts";
import { hasCertificates, selfSigned } from "../../adapters/outlets/outlets.testing.ts";
import { parseAlert } from "../../alert-schema.ts";
import { parseConfig } from "../../config.ts";
import type { WallMs } from "../../../models/units.ts";
import type { Check } from "./check.ts";
import { checkOutlets, testAlerts } from "./outlets.ts";

const folder = mkdtempSync(join(tmpdir(), "kerbwatch-outlets-check-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "secret"), "a secret of some length\n");

const configOf = (alerts: string) =>
  parseConfig(`station: CP-001\ncsms: wss://csms.example/\nstateDir: ${folder}/state\nalerts: { ${alerts} }\n`,
    join(folder, "kerbwatch.yaml"), {});

const checked = (alerts: string, isTest = false): Promise<Check[]> => checkOutlets(configOf(alerts), {}, 2_000, isTest);

async function on<T>(server: Server, use: (port: number) => Promise<T>): Promise<T> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await use((server.address() as AddressInfo).port);
  } finally {
    server.close();
    if ("closeAllConnections" in server) (server as unknown as { closeAllConnections(): void }).closeAllConnections();
  }
}

/** A broker that answers CONNECT with this code, and acknowledges. */
function broker(returnCode: number, heard: string[] = []): Server {
  return createTcpServer((socket) => {
    const parser = mqttPacket.parser();
    parser.on("packet", (packet: mqttPacket.Packet) => {
      heard.push(packet.cmd);
      const answer = (back: mqttPacket.Packet): void => void mqttPacket.writeToStream(back, socket);
      if (packet.cmd === "connect") answer({ cmd: "connack", returnCode, sessionPresent: false });
      if (packet.cmd === "publish") answer({ cmd: "puback", messageId: packet.messageId! });
    });
    socket.on("data", (bytes) => parser.parse(bytes)).on("error", () => undefined);
  });
}

const hook = (port: number, scheme = "http", more = ""): string =>
  `webhook: { url: "${scheme}://127.0.0.1:${port}/hook", secret: "file:secret"${more} }`;

test("no outlets: that is no fault, unless a test alert was asked for", async () => {
  assert.equal((await checked(""))[0]!.state, "ok");
  assert.equal((await checked("", true))[0]!.state, "warn");
});

test("a webhook is reached and sent nothing; asked to, it gets a test and its end", async () => {
  const posts: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => void (body += String(part))).on("end", () => {
      posts.push(body);
      response.writeHead(204).end();
    });
  });
  await on(server, async (port) => {
    const [found] = await checked(hook(port));
    assert.equal(found, { name: "outlet", state: "ok",
      says: `webhook http://127.0.0.1:${port}/hook: name and TCP work, without TLS` });
    assert.equal(posts, []);
    const [tested] = await checked(hook(port), true);
    assert.equal([tested!.state, tested!.says.split(": ")[1]], ["ok", "took the test alert"]);
    const sent = posts.map((text) => JSON.parse(text) as { state: string; summary: string });
    assert.equal(sent.map(({ state }) => state), ["raised", "cleared"]);
    assert.ok(sent.every(({ summary }) => summary.startsWith("TEST: ")));
  });
});

test("nobody there, and one who does not take the test, in plain words", async () => {
  const [gone] = await checked(hook(1));
  assert.equal(gone, { name: "outlet", state: "fail",
    says: "webhook http://127.0.0.1:1/hook refuses the connection: nothing listens on that port",
    mend: "see alerts.webhook in the configuration, and the receiver" });
  for (const [code, expected] of [[401, /does not take the user and password \(HTTP 401\)/],
    [404, /has nothing at this path \(HTTP 404\)/], [302, /another address, which is not followed/]] as const) {
    const server = createServer((_request, response) => response.writeHead(code).end());
    const [found] = await on(server, (port) => checked(hook(port), true));
    assert.is(found!.state, "fail");
    assert.match(found!.says, expected);
  }
});

test("a certificate that is good, and one of a stranger, are said", async () => {
  const authority = new Authority("outlets");
  writeFileSync(join(folder, "ca.pem"), authority.cert);
  const pair = authority.issue("IP:127.0.0.1");
  for (const [ca, expected] of [[", ca: ca.pem", /: name, TCP, TLS and its certificate are good$/],
    ["", /shows a certificate of an authority that is not known here/]] as const) {
    const [found] = await on(createSecureServer(pair), (port) => checked(hook(port, "https", ca)));
    assert.match(found!.says, expected);
  }
});

if (!hasCertificates) test.skip("a certificate that is over", "no python3-cryptography");
else test("a certificate that is over is said to be", async () => {
  const { cert, key } = selfSigned(folder, "over", true);
  const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });
  const [found] = await on(server, (port) => checked(hook(port, "https", ", ca: over.crt")));
  assert.match(found!.says, /shows a certificate that has ended$/);
});

test("a broker that takes the password, and one that does not; nothing is published", async () => {
  const heard: string[] = [];
  const login = (port: number): string =>
    `mqtt: { url: "mqtt://127.0.0.1:${port}", user: kw, password: "file:secret" }`;
  const [good] = await on(broker(0, heard), (port) => checked(login(port)));
  assert.match(good!.says, /: the broker took the connection, and kw's password$/);
  assert.not.ok(heard.includes("publish"));
  const [bad] = await on(broker(4), (port) => checked(login(port)));
  assert.match(bad!.says, /does not take the user and password \(refused: not this user name and password\)/);
});

test("a CSMS that refuses the agent's identity, and a syslog receiver over UDP, TCP", async () => {
  const csms = createServer((_request, response) => response.writeHead(401).end());
  csms.on("upgrade", (_request, socket) => void socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n"));
  const [refused] = await on(csms, (port) =>
    checked(`ocpp: { url: "ws://127.0.0.1:${port}/ocpp", identity: CP-001-watch }`));
  assert.match(refused!.says, /^ocpp ws:\/\/127\.0\.0\.1:\d+\/ocpp does not take the user and password \(HTTP 401\)/);
  const [udp] = await checked('syslog: { address: "127.0.0.1:5514", transport: udp }');
  assert.match(udp!.says, "over UDP nobody tells whether it arrives");
  const [tcp] = await on(createTcpServer(), (port) =>
    checked(`syslog: { address: "127.0.0.1:${port}", transport: tcp }`));
  assert.is(tcp!.state, "ok");
});

test("one who takes the connection and says nothing is late, and named", async () => {
  const [found] = await on(createTcpServer((socket) => socket.on("error", () => undefined)), (port) =>
    checkOutlets(configOf(`mqtt: "mqtt://127.0.0.1:${port}"`), {}, 300, false));
  assert.match(found!.says, /does not answer$/);
});

test("a secret that cannot be read names its key, and is no stack", async () => {
  const [found] = await checked('webhook: { url: "http://127.0.0.1:1/", secret: "file:nowhere" }');
  assert.equal([found!.state, /^alerts\.webhook\.secret: cannot read .*nowhere/.test(found!.says)], ["fail", true]);
});

test("test alerts are alerts as contracts have them", () => {
  for (const alert of testAlerts(configOf(""), Date.UTC(2026, 2, 1) as WallMs)) {
    assert.equal(parseAlert(JSON.stringify(alert)), alert);
  }
});
