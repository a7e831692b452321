/** Real endpoints (ws) through the forwarder: every set of permessage-deflate parameters that they can agree on. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import type { PerMessageDeflateOptions, RawData } from "ws";
import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { loopback, Record, withForwarder } from "./forward-peers.testing.ts";
import type { Kit } from "./forward-peers.testing.ts";

interface Ends {
  readonly kit: Kit;
  readonly charger: WebSocket;
  readonly station: WebSocket;
  readonly path: string | undefined;
}

async function withEnds(
  server: boolean | PerMessageDeflateOptions, client: boolean | PerMessageDeflateOptions,
  use: (ends: Ends) => Promise<void>,
): Promise<void> {
  const csms = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: server, skipUTF8Validation: true,
    handleProtocols: (offered) => (offered.has("ocpp2.1") ? "ocpp2.1" : false) });
  await once(csms, "listening");
  try {
    await withForwarder(loopback((csms.address() as AddressInfo).port, { path: "/pre" }), {}, async (kit) => {
      const charger = new WebSocket(`ws://127.0.0.1:${kit.port}/CP-1?x=1`, ["ocpp1.6", "ocpp2.1"],
        { perMessageDeflate: client, skipUTF8Validation: true });
      const [[station, request]] = await Promise.all([once(csms, "connection"), once(charger, "open")]);
      await use({ kit, charger, station: station as WebSocket, path: (request as { url?: string }).url });
    });
  } finally {
    for (const client of csms.clients) client.terminate();
    csms.close();
  }
}

function messages(seed: number): string[] {
  const random = seeded(seed);
  return Array.from({ length: 14 }, (_, i) =>
    `[2,"${i}","MeterValues",{"v":"${"0123456789".repeat(random.int(300))}${Buffer.from(random.bytes(random.int(6_000)))
      .toString("base64")}"}]`);
}

async function exchange(from: WebSocket, to: WebSocket, texts: readonly string[]): Promise<string[]> {
  const got = new Record<string>();
  to.on("message", (data: RawData) => got.add((data as Buffer).toString("utf8")));
  for (const text of texts) from.send(text);
  await got.next(() => got.all.length === texts.length);
  return got.all;
}

const BITS = [undefined, 9, 15] as const;
const parameters: { name: string; server: PerMessageDeflateOptions }[] = [true, false].flatMap((serverNo) =>
  [true, false].flatMap((clientNo) => BITS.flatMap((serverBits) => BITS.map((clientBits) => ({
    name: `server: ${serverNo ? "no " : ""}takeover ${serverBits ?? ""}, client: ${clientNo ? "no " : ""}takeover ` +
      `${clientBits ?? ""}`,
    server: { threshold: 0, serverNoContextTakeover: serverNo, clientNoContextTakeover: clientNo,
      ...(serverBits === undefined ? {} : { serverMaxWindowBits: serverBits }),
      ...(clientBits === undefined ? {} : { clientMaxWindowBits: clientBits }) },
  })))));

for (const [index, { name, server }] of parameters.entries()) {
  test(`permessage-deflate, ${name}`, () =>
    withEnds(server, { threshold: 0 }, async ({ kit, charger, station }) => {
      assert.match(charger.extensions, /permessage-deflate/);
      const [up, down] = [messages(index), messages(1_000 + index)];
      assert.equal(await exchange(charger, station, up), up);
      assert.equal(await exchange(station, charger, down), down);
      assert.equal(kit.texts("cp-to-csms"), up);
      assert.equal(kit.texts("csms-to-cp"), down);
      assert.equal(kit.forwarder.stats().unparsed, {});
    }));
}

for (const [server, client] of [[false, true], [true, false], [false, false]] as const) {
  test(`no compression where only ${server ? "the CSMS" : client ? "the charger" : "nobody"} has it`, () =>
    withEnds(server, client, async ({ kit, charger, station, path }) => {
      assert.is(charger.extensions, "");
      assert.is(charger.protocol, "ocpp2.1");
      assert.is(path, "/pre/CP-1?x=1");
      assert.equal(await exchange(charger, station, messages(1)), messages(1));
      const frame = kit.events.all.at(-1);
      assert.ok(frame?.kind === "frame" && frame.ocppVersion === "2.1");
    }));
}

test("close codes and reasons, ping and pong payloads, binary and dirty text pass", () =>
  withEnds(true, true, async ({ kit, charger, station }) => {
    const [pinged, ponged] = [once(station, "ping"), once(charger, "pong")];
    charger.ping("are you there");
    assert.is(String((await pinged)[0]), "are you there");
    assert.is(String((await ponged)[0]), "are you there");
    for (const [data, binary] of [[Buffer.from([0, 1, 255]), true], [Buffer.from([0x22, 0xff, 0x22]), false],
      [Buffer.from("not JSON"), false], [Buffer.alloc(0), false]] as const) {
      const got = once(station, "message");
      charger.send(data, { binary });
      assert.equal(await got, [data, binary]);
    }
    assert.equal(kit.texts("cp-to-csms"), ["not JSON", ""]);
    assert.equal(kit.forwarder.stats().unparsed, { "binary": 1, "bad-utf8": 1 });
    const closed = once(charger, "close");
    station.close(4321, "enough");
    const [code, reason] = await closed as [number, Buffer];
    assert.equal([code, reason.toString()], [4321, "enough"]);
    await kit.events.next((event) => event.kind === "link" && event.closeCode === 4321);
  }));
