import { assert, test } from "../../build/testing.ts";
import { MessageInflater, parseExtensions } from "./inflate.ts";

const deflate = (client: boolean, server: boolean): unknown =>
  ({ kind: "deflate", parameters: { clientNoContextTakeover: client, serverNoContextTakeover: server } });

const VALUES: readonly [string, unknown][] = [
  ["", { kind: "none" }],
  [" , ", { kind: "none" }],
  ["permessage-deflate", deflate(false, false)],
  ["PerMessage-Deflate;Server_No_Context_Takeover", deflate(false, true)],
  ["permessage-deflate; client_no_context_takeover ; server_max_window_bits=10", deflate(true, false)],
  ["permessage-deflate; client_max_window_bits=\"12\"; server_no_context_takeover; client_no_context_takeover",
    deflate(true, true)],
  ["x-webkit-deflate-frame", { kind: "unknown", name: "x-webkit-deflate-frame" }],
  ["permessage-deflate, other", { kind: "unknown", name: "permessage-deflate, other" }],
];
for (const [value, gives] of VALUES) {
  test(`Sec-WebSocket-Extensions: ${value}`, () => assert.equal(parseExtensions(value), gives));
}

const HELLO = Uint8Array.from([0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
const LIMITS = { maxParsedBytes: 100, maxInflatedBytes: 1_000 };
const textOf = (result: ReturnType<MessageInflater["inflate"]>): string =>
  (result.kind === "whole" ? result.bytes.toString() : result.kind);

const RFC_EXAMPLES: readonly { clause: string; messages: readonly number[][]; gives: readonly string[] }[] = [
  { clause: "7.2.3.1, one block", messages: [[...HELLO]], gives: ["Hello"] },
  { clause: "7.2.3.2, a shared window", messages: [[...HELLO], [0xf2, 0x00, 0x11, 0x00, 0x00]],
    gives: ["Hello", "Hello"] },
  { clause: "7.2.3.3, without compression", messages: [[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f,
    0x00]], gives: ["Hello"] },
  { clause: "7.2.3.4, BFINAL set", messages: [[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]], gives: ["Hello"] },
  { clause: "7.2.3.5, two blocks", messages: [[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07,
    0x00]], gives: ["Hello"] },
  { clause: "7.2.3.6, an empty message", messages: [[0x00]], gives: [""] },
];
for (const { clause, messages, gives } of RFC_EXAMPLES) {
  test(`RFC 7692, ${clause}`, () => {
    const inflater = new MessageInflater(true, LIMITS);
    assert.equal(messages.map((bytes) => textOf(inflater.inflate(Uint8Array.from(bytes)))), gives);
  });
}

test("without context takeover a message that went wrong costs only itself", () => {
  const inflater = new MessageInflater(false, LIMITS);
  assert.is(textOf(inflater.inflate(Uint8Array.of(0xff))), "bad-deflate");
  inflater.missed();
  assert.is(textOf(inflater.inflate(HELLO)), "Hello");
  assert.not(inflater.lost);
});

test("with it, all that follow are lost", () => {
  const inflater = new MessageInflater(true, LIMITS);
  inflater.missed();
  assert.is(textOf(inflater.inflate(HELLO)), "lost");
  assert.ok(inflater.lost);
});
