import { test, assert } from "../../build/testing.ts";
import type { StationId } from "../../models/units.ts";
import { formatCheckpoint, originOf, parseCheckpoint } from "./checkpoint.ts";

// The example of C2SP tlog-checkpoint.
const TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

test("the specification's example is read, and written the same", () => {
  const parsed = parseCheckpoint(TEXT);
  assert.ok(parsed.ok);
  assert.is(parsed.value.origin, "example.com/behind-the-sofa");
  assert.is(parsed.value.size, 20852163);
  assert.is(formatCheckpoint(parsed.value), TEXT);
});

test("the origin of a station's log", () => {
  assert.is(originOf("CP-001" as StationId), "kerbwatch/CP-001");
});

test("malformed checkpoints are refused", () => {
  const [origin, size, root] = TEXT.split("\n") as [string, string, string];
  const bad = [
    "", "\n\n\n", TEXT.slice(0, -1), `${TEXT}\n`, `${TEXT}extension\n`, `\n${size}\n${root}\n`,
    `a b\n${size}\n${root}\n`, `${origin}\n\n${root}\n`, `${origin}\n020852163\n${root}\n`,
    `${origin}\n+1\n${root}\n`, `${origin}\n-1\n${root}\n`, `${origin}\n1.0\n${root}\n`, `${origin}\n1e3\n${root}\n`,
    `${origin}\n0x10\n${root}\n`, `${origin}\n 1\n${root}\n`, `${origin}\n9007199254740992\n${root}\n`,
    `${origin}\n${"9".repeat(400)}\n${root}\n`, `${origin}\n${size}\n\n`, `${origin}\n${size}\n${root.slice(4)}\n`,
    `${origin}\n${size}\n${root.replace("2I=", "2J=")}\n`, TEXT.replaceAll("\n", "\r\n"),
  ];
  for (const text of bad) assert.not(parseCheckpoint(text).ok, JSON.stringify(text));
  assert.ok(parseCheckpoint(`${origin}\n0\n${root}\n`).ok);
});
