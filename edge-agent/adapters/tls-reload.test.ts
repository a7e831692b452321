/** Certificates renewed under live connections: who comes later gets the new ones, and nothing unfit gets in force. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { assert, test } from "../../build/testing.ts";
import { encodeFrame } from "../observe/websocket.testing.ts";
import { parseConfig } from "../config.ts";
import { Authority, type Pair } from "./authority.testing.ts";
import {
  CHARGER_REQUEST, CSMS_ANSWER, type Kit, loopback, rawCsms, type RawCsms, Received, withForwarder,
} from "./forward-peers.testing.ts";
import { followTls } from "./tls-reload.ts";

const FRAME = Buffer.from(encodeFrame({ opcode: 1, payload: new Uint8Array(100).fill(65) }));

/** The files of both sides, a clock that only the test moves, and what was said. */
class Files {
  readonly folder = mkdtempSync(join(tmpdir(), "kerbwatch-reload-"));
  readonly notices: string[] = [];
  nowMs = 0;
  /** What is put in place differs in its size, where a file system's clock would be too coarse to tell. */
  #padding = "";

  put(files: Readonly<Record<string, string>>): void {
    this.#padding += "\n";
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text + this.#padding);
  }

  follow(more = "") {
    const text = "station: CP-001\ncsms: wss://127.0.0.1\nlisten: wss://127.0.0.1:0\n"
      + "tls: { cert: own.pem, key: own.key, ca: chargers.pem }\n"
      + `csmsTls: { ca: csms.pem, cert: client.pem, key: client.key${more} }\n`;
    const ports = { notice: (said: string) => void this.notices.push(said), monoMs: () => this.nowMs };
    const { tls, csmsTls } = followTls(parseConfig(text, join(this.folder, "k.yaml"), {}), {}, ports);
    return { tls: tls!, csmsTls: csmsTls! };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface World {
  readonly kit: Kit;
  readonly csms: RawCsms;
  readonly files: Files;
  readonly own: Pair;
  readonly client: Pair;
  /** What the CSMS shows from now on. */
  show(pair: Pair): void;
}

const HAS_OPENSSL = spawnSync("openssl", ["version"]).status === 0;
const pair = (by: Authority) => by.issue("IP:127.0.0.1");

function certificates() {
  const theirs = new Authority("theirs");
  return { ours: new Authority("ours"), theirs, charger: theirs.issue("DNS:CP-001") };
}
const { ours, theirs, charger } = HAS_OPENSSL ? certificates() : {} as ReturnType<typeof certificates>;

const trim = (pem: string): string => pem.trim();
const certOf = (socket: TLSSocket): string => socket.getPeerX509Certificate()?.toString().trim() ?? "none";

async function world(use: (world: World) => Promise<void>): Promise<void> {
  const files = new Files();
  const [own, client, shown] = [pair(ours), pair(theirs), pair(ours)];
  files.put({ "own.pem": own.cert, "own.key": own.key, "chargers.pem": theirs.cert, "csms.pem": ours.cert,
    "client.pem": client.cert, "client.key": client.key });
  const server = createTlsServer({ ...shown, allowHalfOpen: true, requestCert: true, rejectUnauthorized: true,
    ca: theirs.cert }).on("tlsClientError", () => undefined);
  const csms = await rawCsms(server);
  const { tls, csmsTls } = files.follow();
  const options = { listen: loopback(0, { secure: true }), tls: tls.latest, csmsTls: csmsTls.latest };
  try {
    await withForwarder({ ...csms.address, secure: true }, options, (kit) => use({ kit, csms, files, own, client,
      show: (next) => server.setSecureContext({ ...next, ca: theirs.cert }) }));
  } finally {
    csms.close();
    files[Symbol.dispose]();
  }
}

const dial = ({ kit }: World, mine: Pair = charger): Received =>
  new Received(connectTls({ host: "127.0.0.1", port: kit.port, ca: [ours.cert, theirs.cert], ...mine }));
const shownBy = ({ socket }: Received): string => certOf(socket as TLSSocket);

async function together(at: World): Promise<{ charger: Received; station: Received }> {
  const seen = at.csms.connections.all.length;
  const mine = dial(at);
  mine.socket.write(CHARGER_REQUEST);
  const station = await at.csms.connections.next((one) => at.csms.connections.all.indexOf(one) >= seen);
  await station.takeHead();
  station.socket.write(CSMS_ANSWER);
  assert.is(await mine.takeHead(), CSMS_ANSWER);
  return { charger: mine, station };
}

async function passes({ charger: mine, station }: { charger: Received; station: Received }): Promise<void> {
  mine.socket.write(FRAME);
  assert.ok((await station.take(FRAME.length)).equals(FRAME));
  station.socket.write(FRAME);
  assert.ok((await mine.take(FRAME.length)).equals(FRAME));
}

function renewalTests(): void {
  test("renewed certificates: who is connected stays, and who comes gets the new ones, on both sides", () =>
    world(async (at) => {
      const before = await together(at);
      assert.equal([shownBy(before.charger), shownBy(before.station)], [trim(at.own.cert), trim(at.client.cert)]);
      const [own, client] = [pair(ours), pair(theirs)];
      at.files.put({ "own.pem": own.cert, "own.key": own.key, "client.pem": client.cert, "client.key": client.key });
      const early = await together(at);
      assert.is(shownBy(early.charger), trim(at.own.cert), "files are looked at once a second");
      at.files.nowMs = 1_000;
      const after = await together(at);
      assert.equal([shownBy(after.charger), shownBy(after.station)], [trim(own.cert), trim(client.cert)]);
      for (const ends of [before, early, after]) await passes(ends);
      assert.equal(at.files.notices, ["tls", "csmsTls"].map((side) =>
        `${side}: its files changed and were read; new connections use what they hold now`));
      assert.equal(at.kit.notices, []);
    }));

  test("another authority for chargers: one of the old authority's is refused from then on", () =>
    world(async (at) => {
      const before = await together(at);
      at.files.put({ "chargers.pem": ours.cert });
      at.files.nowMs = 1_000;
      const stranger = dial(at);
      stranger.socket.write(CHARGER_REQUEST);
      assert.is(await stranger.rest(), "");
      assert.match(at.kit.notices.join(), /^listen: a TLS handshake on wss:.* failed/);
      assert.is(at.csms.connections.all.length, 1);
      await passes(before);
    }));

  test("another authority for the CSMS: what the old one signed is refused, and what the new one signed is taken", () =>
    world(async (at) => {
      at.files.put({ "csms.pem": theirs.cert });
      at.files.nowMs = 1_000;
      const refused = dial(at);
      refused.socket.write(CHARGER_REQUEST);
      assert.match(await refused.rest(), /^HTTP\/1.1 502 /);
      assert.match(at.kit.notices.join(), /is not trusted/);
      at.show(pair(theirs));
      await passes(await together(at));
    }));
}

function refusalTests(): void {
  const unfit: [string, (own: Pair) => Record<string, string>, RegExp][] = [
    ["a key of another certificate", () => ({ "own.key": pair(ours).key }), /mismatch/],
    ["a certificate before its key", () => ({ "own.pem": pair(ours).cert }), /mismatch/],
    ["a certificate that is cut short", ({ cert }) => ({ "own.pem": cert.slice(0, 200) }), /PEM|end|ASN|asn1/i],
    ["an empty certificate", () => ({ "own.pem": "" }), /PEM|start line/i],
    ["an empty key", () => ({ "own.key": "" }), /DECODER|PEM|unsupported|key/i],
    ["authorities that are none", () => ({ "chargers.pem": "soon" }), /PEM|start line/i],
  ];
  for (const [name, files, why] of unfit) {
    test(`what was before stays in force, and it is said once: ${name}`, () =>
      world(async (at) => {
        at.files.put(files(at.own));
        for (let second = 1; second <= 3; second++) {
          at.files.nowMs = second * 1_000;
          const ends = await together(at);
          assert.is(shownBy(ends.charger), trim(at.own.cert));
          await passes(ends);
        }
        assert.is(at.files.notices.length, 1);
        assert.match(at.files.notices[0]!, /^tls: its files changed and cannot be used \(.+\): what they held before/);
        assert.match(at.files.notices[0]!, why);
        const own = pair(ours);
        at.files.put({ "own.pem": own.cert, "own.key": own.key, "chargers.pem": theirs.cert });
        at.files.nowMs = 4_000;
        assert.is(shownBy((await together(at)).charger), trim(own.cert), "mended, it is taken");
        assert.is(at.files.notices.length, 2);
      }));
  }

  test("a file that is gone changes nothing, and back again with the same content neither", () =>
    world(async (at) => {
      rmSync(join(at.files.folder, "client.key"));
      at.files.nowMs = 1_000;
      await passes(await together(at));
      assert.match(at.files.notices.join(), /^csmsTls: its files .* cannot be used \(csmsTls\.key: cannot read/);
      writeFileSync(join(at.files.folder, "client.key"), `${at.client.key}\n`);
      at.files.nowMs = 2_000;
      const ends = await together(at);
      assert.is(shownBy(ends.station), trim(at.client.cert));
      assert.is(at.files.notices.length, 1);
    }));

  test("when the agent's own certificates end", () => {
    const files = new Files();
    const own = pair(ours);
    files.put({ "own.pem": own.cert, "own.key": own.key, "chargers.pem": theirs.cert, "csms.pem": ours.cert,
      "client.pem": "no PEM", "client.key": own.key });
    const { tls, csmsTls } = files.follow();
    const days = ((tls.own?.ends ?? 0) - Date.now()) / 86_400_000;
    assert.ok(days > 1.9 && days <= 2, `${days} days`);
    assert.is(tls.own?.use, "tls");
    assert.is(csmsTls.own, undefined);
    files[Symbol.dispose]();
  });
}

if (HAS_OPENSSL) {
  renewalTests();
  refusalTests();
} else {
  test.skip("renewed certificates", "no openssl command");
}
