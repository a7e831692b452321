/** OCPP's security profiles 0 to 3 on each side of the agent, in any mix; and what a side with TLS does not take. */
import { spawnSync } from "node:child_process";
import { connect as connectTcp } from "node:net";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { assert, test } from "../../build/testing.ts";
import { encodeFrame } from "../observe/websocket.testing.ts";
import { Authority, type Pair } from "./authority.testing.ts";
import {
  CHARGER_REQUEST, CSMS_ANSWER, loopback, type RawCsms, rawCsms, Received, withForwarder,
} from "./forward-peers.testing.ts";

/** OCPP 2.0.1, part 2, A.1.3: 0 nothing, 1 password, 2 password and TLS, 3 TLS with certificates of both. */
const PROFILES = [0, 1, 2, 3] as const;
type Profile = (typeof PROFILES)[number];

const hasTls = (profile: Profile): boolean => profile >= 2;
const FRAME = Buffer.from(encodeFrame({ opcode: 1, payload: new Uint8Array(1_000).fill(65) }));

interface Papers {
  readonly ours: Authority;
  readonly theirs: Authority;
  /** Of whoever listens, signed by `ours`; of whoever dials, signed by `theirs`. */
  readonly server: Pair;
  readonly client: Pair;
}

async function withCsms(
  listener: Parameters<typeof rawCsms>[0], use: (far: RawCsms) => Promise<void>,
): Promise<void> {
  const far = await rawCsms(listener);
  try {
    await use(far);
  } finally {
    far.close();
  }
}

async function joins(charger: Profile, csms: Profile, papers: Papers): Promise<void> {
  const { ours, theirs, server, client } = papers;
  const mutual = { ca: theirs.cert, requestCert: true, rejectUnauthorized: true };
  const listener = hasTls(csms) ? createTlsServer({ ...server, allowHalfOpen: true, ...(csms === 3 && mutual) })
    : undefined;
  const options = {
    listen: loopback(0, { secure: hasTls(charger) }),
    ...(hasTls(charger) && { tls: { ...server, ...(charger === 3 && { ca: theirs.cert }) } }),
    ...(hasTls(csms) && { csmsTls: { ca: ours.cert, ...(csms === 3 && client) } }),
  };
  await withCsms(listener, (far) => withForwarder({ ...far.address, secure: hasTls(csms) }, options, async (kit) => {
    const near = { host: "127.0.0.1", port: kit.port };
    const mine = new Received(hasTls(charger) ? connectTls({ ...near, ca: ours.cert, ...(charger === 3 && client) })
      : connectTcp(near));
    // With profiles 1 and 2 the charger's password passes as it is: the agent needs none of its own.
    const password = charger === 1 || charger === 2 ? "Authorization: Basic Q1AtMDAxOnNlY3JldA==\r\n" : "";
    mine.socket.write(CHARGER_REQUEST.replace("\r\nUpgrade", `\r\n${password}Upgrade`));
    const station = await far.connections.next(() => true);
    assert.is((await station.takeHead()).includes(password || "Authorization"), password !== "");
    station.socket.write(CSMS_ANSWER);
    assert.is(await mine.takeHead(), CSMS_ANSWER);
    mine.socket.write(FRAME);
    assert.ok((await station.take(FRAME.length)).equals(FRAME));
    station.socket.write(FRAME);
    assert.ok((await mine.take(FRAME.length)).equals(FRAME));
    const [link] = kit.events.all;
    assert.is(link?.kind === "link" && link.tlsPeerSha256 !== undefined, hasTls(csms));
    if (csms === 3) {
      assert.is((station.socket as TLSSocket).getPeerX509Certificate()?.toString().trim(), client.cert.trim());
    }
    for (const [end, secure] of [[mine, hasTls(charger)], [station, hasTls(csms)]] as const) {
      assert.is("encrypted" in end.socket, secure);
    }
    assert.equal(kit.notices, []);
  }));
}

/** Handshakes with the charger's side of a profile 2 or 3; each fails, is said, and nothing reaches the CSMS. */
async function refusesCharger(profile: 2 | 3, papers: Papers, dial: object, why: RegExp): Promise<void> {
  const { ours, theirs, server } = papers;
  const tls = { ...server, ...(profile === 3 && { ca: theirs.cert }) };
  const options = { listen: loopback(0, { secure: true }), tls };
  await withCsms(undefined, (far) => withForwarder(far.address, options, async (kit) => {
    const mine = new Received(connectTls({ host: "127.0.0.1", port: kit.port, ca: ours.cert, ...dial }));
    mine.socket.write(CHARGER_REQUEST);
    const passed = far.connections.next(() => true).then(() => "it got through");
    assert.is(await Promise.race([mine.rest(), passed]), "", "no word of HTTP");
    assert.match(kit.notices.join(), /^listen: a TLS handshake on wss:.* failed/);
    assert.match(kit.notices.join(), why);
    assert.is(far.connections.all.length, 0);
    assert.equal(kit.events.all, []);
    mine.socket.destroy();
  }));
}

function profileTests(): void {
  const [ours, theirs] = [new Authority("ours"), new Authority("theirs")];
  const papers: Papers = { ours, theirs, server: ours.issue("IP:127.0.0.1"), client: theirs.issue("DNS:CP-001") };
  for (const charger of PROFILES) {
    for (const csms of PROFILES) {
      test(`the charger with profile ${charger}, the CSMS with ${csms}`, () => joins(charger, csms, papers));
    }
  }

  // Node's own lowest is 1.2; the level lets OpenSSL take the older signatures, so that only the version is refused.
  const old = (version: "TLSv1" | "TLSv1.1") =>
    ({ minVersion: version, maxVersion: version, ciphers: "DEFAULT:@SECLEVEL=0" } as const);
  const refused: [string, 2 | 3, object, RegExp][] = [
    ["TLS 1.1", 2, old("TLSv1.1"), /version|protocol/], ["TLS 1.0", 2, old("TLSv1"), /version|protocol/],
    ["TLS 1.1 with a good certificate", 3, { ...old("TLSv1.1"), ...papers.client }, /version|protocol/],
    ["no certificate", 3, {}, /certificate/],
    ["another authority's certificate", 3, papers.server, /./],
  ];
  for (const [name, profile, dial, why] of refused) {
    test(`the charger's side with profile ${profile} refuses ${name}`, () =>
      refusesCharger(profile, papers, dial, why));
  }
  test("TLS 1.2 is taken, so that what is refused above is the version", () => {
    const options = { listen: loopback(0, { secure: true }), tls: papers.server };
    return withCsms(undefined, (far) => withForwarder(far.address, options, async (kit) => {
      const mine = new Received(connectTls({ host: "127.0.0.1", port: kit.port, ca: ours.cert,
        minVersion: "TLSv1.2", maxVersion: "TLSv1.2", ciphers: "DEFAULT:@SECLEVEL=0" }));
      mine.socket.write(CHARGER_REQUEST);
      assert.match(await (await far.connections.next(() => true)).takeHead(), /^GET \/CP-001/);
    }));
  });
}

if (spawnSync("openssl", ["version"]).status === 0) profileTests();
else test.skip("security profiles", "no openssl command");
