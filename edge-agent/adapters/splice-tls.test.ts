/** TLS towards the CSMS and the charger: what is accepted, what is refused, and that nothing falls back to plain. */
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { createServer as createTcpServer } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { TlsOptions } from "node:tls";
import { assert, test } from "../../build/testing.ts";
import { Authority, type Pair, pinOf } from "./authority.testing.ts";
import { encodeFrame } from "../observe/websocket.testing.ts";
import {
  CHARGER_REQUEST, dialRaw, loopback, rawCsms, Received, upgradedPair, withForwarder,
} from "./forward-peers.testing.ts";
import type { CsmsTls } from "./dial.ts";
import type { Kit, RawCsms } from "./forward-peers.testing.ts";

async function withTls(
  server: TlsOptions, csmsTls: CsmsTls, use: (kit: Kit, csms: RawCsms) => Promise<void>,
): Promise<void> {
  const csms = await rawCsms(createTlsServer({ allowHalfOpen: true, ...server }).on("tlsClientError", () => undefined));
  try {
    await withForwarder({ ...csms.address, secure: true }, { csmsTls }, (kit) => use(kit, csms));
  } finally {
    csms.close();
  }
}

async function answerOf(kit: Kit): Promise<string> {
  const charger = await dialRaw(kit.port);
  charger.socket.write(CHARGER_REQUEST);
  return charger.rest();
}

function refusesUntrusted(name: string, server: () => TlsOptions, csmsTls: () => CsmsTls, why: RegExp): void {
  test(`refused, and said why: ${name}`, () => withTls(server(), csmsTls(), async (kit, csms) => {
    assert.match(await answerOf(kit), /^HTTP\/1.1 502 /);
    assert.is(kit.notices.length, 1);
    assert.match(kit.notices[0] ?? "", /^csms: wss:\/\/127\.0\.0\.1:\d+ is not trusted \(.*\): the charger is refused/);
    assert.match(kit.notices[0] ?? "", why);
    for (const { bytes } of csms.connections.all) assert.is(bytes.length, 0, "nothing of the request was sent");
    assert.equal(kit.events.all, []);
  }));
}

function acceptedTests(ours: Authority, theirs: Authority, good: Pair): void {
  const bytes = encodeFrame({ opcode: 1, payload: new Uint8Array(1_000_000).fill(65) });

  test("a trusted CSMS: bytes pass both ways, and its certificate is told", () =>
    withTls(good, { ca: ours.cert }, async (kit, csms) => {
      const { charger, station } = await upgradedPair(kit, csms);
      charger.socket.write(bytes);
      assert.ok((await station.take(bytes.length)).equals(bytes));
      station.socket.end(bytes);
      assert.ok((await charger.take(bytes.length)).equals(bytes));
      assert.is(await charger.rest(), "");
      charger.socket.end();
      assert.is(await station.rest(), "");
      const print = new X509Certificate(good.cert).fingerprint256.replaceAll(":", "").toLowerCase();
      assert.equal(kit.events.all[0],
        { kind: "link", state: "connect", remoteAddress: "127.0.0.1", tlsPeerSha256: print });
      await kit.events.next((event) => event.kind === "link" && event.state === "disconnect");
    }));

  test("a key that is pinned, be it among others", () =>
    withTls(good, { ca: ours.cert, pinSha256: ["0".repeat(64), pinOf(good)] }, async (kit, csms) => {
      await upgradedPair(kit, csms);
      assert.equal(kit.notices, []);
    }));

  test("a name to verify may differ from the host that is dialled", () =>
    withTls(ours.issue("DNS:csms.example"), { ca: ours.cert, servername: "csms.example" }, async (kit, csms) => {
      await upgradedPair(kit, csms);
    }));

  test("security profile 3: the agent shows its own certificate", () => {
    const mine = theirs.issue("DNS:CP-001");
    const server = { ...good, requestCert: true, rejectUnauthorized: true, ca: theirs.cert };
    return withTls(server, { ca: ours.cert, ...mine }, async (kit, csms) => {
      await upgradedPair(kit, csms);
    });
  });

}

function refusedTests(ours: Authority, theirs: Authority, good: Pair): void {
  refusesUntrusted("an unknown authority", () => good, () => ({ ca: theirs.cert }), /unable to verify|issuer/);
  refusesUntrusted("an authority that the system does not know", () => good, () => ({}), /unable to verify|issuer/);
  refusesUntrusted("a wrong host", () => ours.issue("DNS:other.example"), () => ({ ca: ours.cert }), /127\.0\.0\.1/);
  refusesUntrusted("a wrong name", () => good, () => ({ ca: ours.cert, servername: "else.example" }), /else\.example/);
  const other = ours.issue("IP:127.0.0.1");
  refusesUntrusted("a key that is not pinned, of the right authority", () => other,
    () => ({ ca: ours.cert, pinSha256: [pinOf(good)] }),
    new RegExp(`the SHA-256 of its key, ${pinOf(other)}, is not in csmsTls.pinSha256`));
  refusesUntrusted("a key that is pinned, of an unknown authority", () => good,
    () => ({ ca: theirs.cert, pinSha256: [pinOf(good)] }), /unable to verify|issuer/);
  refusesUntrusted("a key that is pinned, for another name", () => good,
    () => ({ ca: ours.cert, servername: "else.example", pinSha256: [pinOf(good)] }), /else\.example/);
  refusesUntrusted("the certificate's own fingerprint as a pin", () => good, () => ({ ca: ours.cert,
    pinSha256: [new X509Certificate(good.cert).fingerprint256.replaceAll(":", "").toLowerCase()] }), /is not in/);
  refusesUntrusted("TLS 1.1", () => ({ ...good, minVersion: "TLSv1", maxVersion: "TLSv1.1",
    ciphers: "DEFAULT:@SECLEVEL=0" }), () => ({ ca: ours.cert }), /protocol|alert|version/);

  test("refused: a CSMS that speaks plain HTTP where TLS is asked for", async () => {
    const plain = await rawCsms(createTcpServer((socket) => socket.on("error", () => undefined)
      .end("HTTP/1.1 400 Bad Request\r\n\r\n")));
    await withForwarder({ ...plain.address, secure: true }, {}, async (kit) => {
      assert.match(await answerOf(kit), /^HTTP\/1.1 502 /);
      assert.match(kit.notices[0] ?? "", /is not trusted/);
    });
    for (const { bytes: sent } of plain.connections.all) assert.not(sent.includes("GET"), "no plain text went out");
    plain.close();
  });

  test("a CSMS that asks for a certificate which the agent does not have", () =>
    withTls({ ...good, requestCert: true, rejectUnauthorized: true, ca: theirs.cert }, { ca: ours.cert },
      async (kit) => {
        assert.match(await answerOf(kit), /^HTTP\/1.1 502 /);
        // Over TLS 1.3 the refusal comes after the handshake.
        assert.match(kit.notices[0] ?? "", /did not answer the charger's request \(.*certificate required.*\)/);
      }));

}

function listenTests(ours: Authority, theirs: Authority, good: Pair): void {
  test("the charger's side over TLS, with its own certificate asked for", async () => {
    const csms = await rawCsms();
    const tls = { ...good, ca: theirs.cert };
    await withForwarder(csms.address, { listen: loopback(0, { secure: true }), tls }, async (kit) => {
      const dial = (mine: object) => connectTls({ host: "127.0.0.1", port: kit.port, ca: ours.cert, ...mine });
      const charger = new Received(dial(theirs.issue("DNS:CP-001")));
      charger.socket.write(CHARGER_REQUEST);
      const station = await csms.connections.next(() => true);
      await station.takeHead();
      station.socket.end("HTTP/1.1 404 No\r\n\r\n");
      assert.match(await charger.rest(), /^HTTP\/1.1 404/);
      for (const [who, mine] of [["no certificate", {}], ["another authority's", ours.issue("DNS:CP-001")]] as const) {
        const stranger = new Received(dial(mine));
        stranger.socket.write(CHARGER_REQUEST);
        assert.is(await stranger.rest(), "", `${who}: no word of HTTP`);
      }
      const plain = await dialRaw(kit.port);
      plain.socket.write(CHARGER_REQUEST);
      await plain.rest();
      assert.is(csms.connections.all.length, 1);
      assert.match(kit.notices[0] ?? "", /^listen: a TLS handshake on wss:.* failed/);
    });
    csms.close();
  });
}

function allTests(): void {
  const [ours, theirs] = [new Authority("ours"), new Authority("theirs")];
  const good = ours.issue("IP:127.0.0.1,DNS:csms.example");
  acceptedTests(ours, theirs, good);
  refusedTests(ours, theirs, good);
  listenTests(ours, theirs, good);
}

if (spawnSync("openssl", ["version"]).status === 0) allTests();
else test.skip("TLS on both sides", "no openssl command");
