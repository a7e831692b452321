import { createHash } from "node:crypto";
import { assert, test } from "../../build/testing.ts";
import { qrOf, qrText } from "./qr.ts";

const TEXT = "kerbwatch-0123456789/ABCDEF+".repeat(60);
const bytesOf = (length: number): Uint8Array => new TextEncoder().encode(TEXT.slice(0, length));
const digest = (length: number): string => createHash("sha256")
  .update(qrOf(bytesOf(length)).map((row) => row.map((dark) => (dark ? "1" : "0")).join("")).join("\n"))
  .digest("hex").slice(0, 16);

/** Length of the text, modules a side, and the symbol's digest, each read back to the byte by zbarimg 0.23.92. */
const READ: readonly (readonly [length: number, size: number, digest: string])[] = [
  [1, 21, "12eefff1c5d2fb23"],
  [17, 21, "aee7c597d10c0142"],
  [18, 25, "c0ab95165d07b38a"],
  [100, 37, "fc4013f74203abdb"],
  [130, 41, "3adae2d03998bee6"],
  [230, 53, "29f7970586c97717"],
  [231, 57, "abb7635bdbabd083"],
  [400, 69, "b0f96c2fb41faf24"],
  [600, 85, "90793aefab09482e"],
  [700, 89, "f3c71a73fdb6044d"],
  [858, 97, "4a8c4108391430e3"],
  [1000, 105, "56129afddcb08b85"],
  [1273, 117, "3f4b9a31557f00c2"],
];

test("symbols are those that a reader of others read: versions at their limits, one block and many", () => {
  for (const [length, size, wanted] of READ) {
    assert.is(qrOf(bytesOf(length)).length, size, `${length} bytes`);
    assert.is(digest(length), wanted, `${length} bytes`);
  }
});

test("the smallest version that holds the text (ISO/IEC 18004, table 7, level L), and a clear end", () => {
  for (const [version, most] of [[1, 17], [2, 32], [9, 230], [10, 271], [17, 644], [25, 1_273]] as const) {
    assert.is(qrOf(bytesOf(most)).length, 17 + 4 * version);
    if (version < 25) assert.is(qrOf(bytesOf(most + 1)).length, 21 + 4 * version);
  }
  assert.throws(() => qrOf(bytesOf(1_274)), /1274 bytes are too many/);
});

test("on a terminal: light modules drawn, two rows a line, four light ones around", () => {
  const lines = qrText(qrOf(bytesOf(17))).split("\n");
  assert.equal([lines.length, lines.at(-1)], [15 + 1, ""]);
  assert.ok(lines.slice(0, -1).every((line) => [...line].length === 29));
  assert.equal(lines.slice(0, 2), Array.from({ length: 2 }, () => "\u2588".repeat(29)));
  assert.ok(lines[2]!.startsWith(`${"\u2588".repeat(4)} \u2584\u2584\u2584\u2584\u2584 `), "the corner's finder");
});
