import { test, assert } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import { encodeCbor } from "../../gossip/cbor.ts";
import type { CborValue } from "../../gossip/cbor.ts";
import type { WallMs } from "../../models/units.ts";
import { MAX_ENTRY_BYTES, MAX_TEXT_CHARS, decodeEntry, encodeEntry } from "./entry.ts";
import type { Entry } from "./entry.ts";

const at = Date.UTC(2026, 2, 1, 9) as WallMs;
const TIME = "2026-03-01T09:00:00.000Z";

const ENTRIES: readonly Entry[] = [
  { kind: "start", at, software: "0.1.0", configHash: "sha256:00" },
  { kind: "statement", at, signedBytes: Uint8Array.of(1, 2), signature: new Uint8Array(64) },
  { kind: "frame", at, direction: "cp-to-csms", text: '[2,"1","Heartbeat",{}]' },
  { kind: "verdict", at, threat: "energy-theft", scope: "station", zone: "feeder-7", epoch: 177235562,
    onset: TIME, confidencePpm: 970000, stations: ["CP-001", "CP-004"] },
  { kind: "alert", at, json: "{}" },
  { kind: "witness", at, note: "kerbwatch/CP-002\n7\n", cosignature: "\u2014 kerbwatch/CP-001/witness AAAA" },
  { kind: "fork", at, first: "kerbwatch/CP-002\n7\n", second: "kerbwatch/CP-002\n7\n" },
  { kind: "notice", at, text: "12 bytes of a torn tail were cut" },
];

test("every kind makes the round trip", () => {
  for (const entry of ENTRIES) assert.equal(decodeEntry(encodeEntry(entry)), { ok: true, value: entry });
});

test("known bytes: the form on disk must never change", () => {
  const hex = Buffer.from(encodeEntry({ kind: "notice", at, text: "hi" })).toString("hex");
  assert.is(hex, `840166${Buffer.from("notice").toString("hex")}7818${Buffer.from(TIME).toString("hex")}626869`);
});

test("malformed entries are refused with a reason", () => {
  const bad: readonly (readonly [CborValue, RegExp])[] = [
    ["text", /not an array/], [[], /version/], [[2, "notice", TIME, "a"], /version/], [[1, "nothing", TIME], /kind/],
    [[1, "toString", TIME], /kind/], [[1, "__proto__", TIME], /kind/], [[1, 7, TIME], /kind/],
    [[1, "notice", 7, "a"], /time/], [[1, "notice", "yesterday", "a"], /time/],
    [[1, "notice", "2026-03-01T09:00:00Z", "a"], /time/], [[1, "notice", "2026-03-01", "a"], /time/],
    [[1, "notice", "2026-02-31T09:00:00.000Z", "a"], /time/],
    [[1, "notice", TIME], /0 items/], [[1, "notice", TIME, "a", "b"], /2 items/],
    [[1, "notice", TIME, 7], /notice.text is not text/], [[1, "statement", TIME, "a", "b"], /signedBytes is not bytes/],
    [[1, "verdict", TIME, "a", "b", "c", "d", "e", 1, []], /epoch is not uint/],
    [[1, "verdict", TIME, "a", "b", "c", 1, "e", 1, [1]], /stations is not texts/],
    [[1, "verdict", TIME, "a", "b", "c", 1, "e", 1, "x"], /stations is not texts/],
  ];
  for (const [value, reason] of bad) {
    const decoded = decodeEntry(encodeCbor(value));
    assert.not(decoded.ok);
    assert.match((decoded as { problem: string }).problem, reason);
  }
  assert.not(decodeEntry(new Uint8Array(0)).ok);
  assert.not(decodeEntry(new Uint8Array(MAX_ENTRY_BYTES + 1)).ok);
});

test("a long text is cut and says so; an entry that is too large is a broken invariant", () => {
  const text = "\u6c34".repeat(99_999);
  const decoded = decodeEntry(encodeEntry({ kind: "frame", at, direction: "cp-to-csms", text }));
  assert.ok(decoded.ok && decoded.value.kind === "frame");
  assert.is(decoded.value.text.length, MAX_TEXT_CHARS);
  assert.ok(decoded.value.text.endsWith("\u6c34\u2026"));
  const signedBytes = new Uint8Array(MAX_ENTRY_BYTES);
  assert.throws(() => encodeEntry({ kind: "statement", at, signedBytes, signature: signedBytes }), /entry of/);
});

test("fuzz: spoiled entries never throw", () => {
  const random = seeded(5);
  for (let i = 0; i < 5000; i++) {
    const bytes = encodeEntry(random.pick(ENTRIES));
    for (let spoil = random.int(3); spoil >= 0; spoil--) bytes[random.int(bytes.length)] = random.int(256);
    const decoded = decodeEntry(bytes.subarray(0, random.int(5) === 0 ? random.int(bytes.length) : bytes.length));
    if (decoded.ok) assert.equal(decodeEntry(encodeEntry(decoded.value)), decoded);
  }
});
