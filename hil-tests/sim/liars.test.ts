import { assert, test } from "../../build/testing.ts";
import { UsageError } from "../../edge-agent/usage-error.ts";
import { BEHAVIOURS, parseLiars } from "./liars.ts";

const GOOD = { station: "CP-001", from: "2026-03-02T00:00:00Z", to: "2026-03-03T00:00:00Z", behaviour: "frame" };

test("contracts, section 6: every behaviour, in YAML and in JSON", () => {
  for (const behaviour of BEHAVIOURS) {
    const [one] = parseLiars(JSON.stringify([{ ...GOOD, behaviour }]));
    assert.equal(one, { station: "CP-001", from: Date.UTC(2026, 2, 2), to: Date.UTC(2026, 2, 3), behaviour });
  }
  const yaml = "- { station: A, from: 2026-03-02T00:00:00.000Z, to: 2026-03-02T01:00:00+00:30, behaviour: hide }\n";
  assert.equal(parseLiars(yaml)[0]?.to, Date.UTC(2026, 2, 2, 0, 30));
  assert.equal(parseLiars("[]"), []);
});

test("what is wrong is named by its place", () => {
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [{}, /liars/], [[1], /liars\[0\]/], [[GOOD, { ...GOOD, station: "a b" }], /liars\[1\]\.station/],
    [[{ ...GOOD, behaviour: "lie" }], /liars\[0\]\.behaviour.*silent, frame/], [[{ ...GOOD, from: "today" }], /\.from/],
    [[{ ...GOOD, to: GOOD.from }], /\.to/], [[{ ...GOOD, until: 1 }], /liars\[0\]\.until/],
    [[{ ...GOOD, from: "2026-03-02T00:00:00" }], /\.from/],
  ];
  for (const [value, message] of bad) {
    try {
      parseLiars(JSON.stringify(value));
    } catch (error) {
      assert.instance(error, UsageError);
      assert.match((error as Error).message, message);
      continue;
    }
    assert.unreachable(`taken: ${JSON.stringify(value)}`);
  }
  assert.throws(() => parseLiars("a: [1"), /no YAML or JSON/);
});
