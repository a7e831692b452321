import { appendFileSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { Alert } from "../../models/terms.ts";
import type { ContentHash, WallMs } from "../../models/units.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { openLedger } from "../adapters/ledger-file.ts";
import { segmentPath } from "../adapters/ledger-read.ts";
import { parseAlert } from "../alert-schema.ts";
import { bar } from "../explain-text.ts";
import { encodeEntry } from "../record/entry.ts";
import type { Entry } from "../record/entry.ts";
import { leafHash } from "../record/merkle.ts";
import { contentHash } from "../record/record.ts";
import { ran } from "./io.testing.ts";

const crypto = nodeCrypto();
const at = Date.parse("2026-03-01T09:00:00.000Z") as WallMs;
const ID = "3fa2c1b4d5e6f708".padEnd(64, "0");
const OTHER_ID = "3fa2ffff".padEnd(64, "1");

const FRAME: Entry = { kind: "frame", at, direction: "csms-to-cp",
  text: '[2,"7","UpdateFirmware",{"location":"http://198.51.100.7/fw.bin"}]' };
const FRAME_HASH = contentHash(leafHash(crypto, encodeEntry(FRAME)));
const LOST_HASH = `sha256:${"9".repeat(64)}` as ContentHash;

const ALERT: Alert = {
  schemaVersion: "1.0", time: "2026-03-01T09:00:20.000Z", incidentId: ID, state: "raised", scope: "station",
  threat: "firmware-tampering", region: "local", zone: "CP-001", stations: ["CP-001"],
  onset: "2026-03-01T08:57:00.000Z", severity: "critical", confidence: 0.97, summary: "Firmware from a stranger.",
  explanation: [
    { term: "unsigned order", value: 8, share: 0.8 }, { term: "unknown host", value: 4, share: 0.4 },
    { term: "right hour", value: -2, share: -0.2 },
  ],
  evidence: [FRAME_HASH], nextStep: "Stop the update.", agent: "CP-001",
};

const alertEntry = (alert: Partial<Alert>): Entry =>
  ({ kind: "alert", at, json: JSON.stringify({ ...ALERT, ...alert }) });

function stateWith(...entries: Entry[]): string {
  const stateDir = mkdtempSync(join(tmpdir(), "kerbwatch-explain-"));
  const { store } = openLedger(stateDir, crypto);
  store.append(entries.map(encodeEntry));
  store.close();
  return stateDir;
}

const full = stateWith(
  { kind: "notice", at, text: "begun" }, FRAME, alertEntry({}),
  { kind: "alert", at, json: "{ no alert" },
  alertEntry({ incidentId: OTHER_ID, threat: "energy-theft", evidence: [], time: "2026-03-01T09:10:00.000Z" }),
  alertEntry({ state: "updated", time: "2026-03-01T09:02:00.000Z", confidence: 0.99, summary: "It goes on.",
    evidence: [FRAME_HASH, LOST_HASH] }),
);

test("an incident told from the log: alerts over time, reasons with bars, frames, what next", async () => {
  const { code, out, err } = await ran(["explain", "3fa2c", "--state", full]);
  assert.is(err, "");
  assert.is(code, 0);
  assert.is(out, `firmware-tampering at CP-001, zone CP-001: updated, severity critical
incident ${ID}, since 2026-03-01T08:57:00.000Z

What was said
  2026-03-01T09:00:20.000Z  raised   97 % sure  Firmware from a stranger.
  2026-03-01T09:02:00.000Z  updated  99 % sure  It goes on.

Why (shares of the decision; each 2.3 nats make the threat ten times as likely against honest behaviour)
  unsigned order  ████████████████····   80 %  8.0 nats
  unknown host    ████████············   40 %  4.0 nats
  right hour      ····················  -20 %  -2.0 nats  (speaks against)

On which frames (idTokens and secrets are replaced)
  2026-03-01T09:00:00.000Z  CSMS -> charger
    [2,"7","UpdateFirmware",{"location":"http://198.51.100.7/fw.bin"}]
  ${LOST_HASH} is named by an alert, and is not in the log

What to do next
  Stop the update.
`);
});

test("as JSON, with everything whole", async () => {
  const { out } = await ran(["explain", ID, "--json", "--state", full]);
  const story = JSON.parse(out) as Record<string, unknown[]>;
  const keys = ["schemaVersion", "incidentId", "alerts", "frames", "missing", "proofs", "certificates", "renewals"];
  assert.equal(Object.keys(story), keys);
  assert.is(story["alerts"]?.length, 2);
  assert.equal(story["missing"], [LOST_HASH]);
  assert.is((story["frames"]?.[0] as { hash: string }).hash, FRAME_HASH);
});

test("without an id the incidents are listed, newest last", async () => {
  const { code, out } = await ran(["explain", "--state", full]);
  assert.is(code, 0);
  const lines = out.trimEnd().split("\n");
  assert.match(lines[0] ?? "", /^3fa2ffff1111 {2}.* raised {3}critical {2}energy-theft$/);
  assert.match(lines[2] ?? "", /^3fa2c1b4d5e6 {2}.* updated {2}critical {2}firmware-tampering$/);
  assert.is(lines[3], "    It goes on.");
  const { out: json } = await ran(["explain", "--json", "--state", full]);
  assert.equal((JSON.parse(json) as { incidents: { alerts: number }[] }).incidents.map((one) => one.alerts), [1, 2]);
});

test("an alert that no frame supports says that the meter spoke", async () => {
  assert.match((await ran(["explain", "3fa2f", "--state", full])).out, "none: the meter alone, or what was missing");
});

test("a log without incidents says so", async () => {
  const { code, out } = await ran(["explain", "--state", stateWith({ kind: "notice", at, text: "x" })]);
  assert.equal([code, out], [0, "no incidents in this log\n"]);
});

const empty = mkdtempSync(join(tmpdir(), "kerbwatch-explain-"));
const WRONG: [string, string[], number, string][] = [
  ["a prefix of two", ["3fa2", "--state", full], 2,
    "kerbwatch: 3fa2: 2 incidents begin so; allowed: more digits, as in 3fa2ffff1111, 3fa2c1b4d5e6\n"],
  ["an unknown id", ["abc", "--state", full], 1,
    `kerbwatch: no incident in ${full} begins with abc; without an id, explain lists them\n`],
  ["no id at all", ["../x", "--state", full], 2,
    'kerbwatch: "../x": not an incident id; allowed: 1 to 64 hexadecimal digits\n'],
  ["two ids", ["a", "b", "--state", full], 2, 'kerbwatch: "b": one argument too many; allowed: one incident id\n'],
  ["no log", ["--state", empty], 1,
    `kerbwatch: there is no log in ${empty}; name the agent's own with --state DIR or --config FILE\n`],
  ["both places", ["--state", full, "--config", "k"], 2,
    "kerbwatch: --config: found beside --state; allowed: one of the two\n"],
];
for (const [name, args, code, err] of WRONG) {
  test(`refused: ${name}`, async () => {
    assert.equal(await ran(["explain", ...args]), { code, out: "", err });
  });
}

test("upper case is taken too", async () => {
  assert.is((await ran(["explain", "3FA2C", "--state", full])).code, 0);
});

test("a damaged log tells what stands before the damage, and says so", async () => {
  const stateDir = stateWith(FRAME, alertEntry({}));
  const { store } = openLedger(stateDir, crypto);
  store.append([encodeEntry({ kind: "notice", at, text: "later" })]);
  store.close();
  writeFileSync(segmentPath(stateDir, 2), "");
  const { code, err } = await ran(["explain", ID, "--state", stateDir]);
  assert.is(code, 0);
  assert.match(err, /^kerbwatch: the log is damaged \(.*\); this is what stands before\n$/);
});

test("a torn tail is no damage: what is whole is told", async () => {
  const stateDir = stateWith(FRAME, alertEntry({}));
  appendFileSync(segmentPath(stateDir, 0), "torn");
  const { code, err } = await ran(["explain", ID, "--state", stateDir]);
  assert.equal([code, err], [0, ""]);
});

const SHARES: [number, number][] = [[0, 0], [1, 20], [0.5, 10], [-3, 0], [7, 20]];
for (const [share, filled] of SHARES) {
  test(`a bar of ${share} has ${filled} of 20`, () => {
    assert.is(bar(share), "█".repeat(filled) + "·".repeat(20 - filled));
  });
}

test("whatever JSON is in an alert entry, it is an alert or nothing", () => {
  const random = seeded(9);
  const whole = JSON.stringify(ALERT);
  assert.equal(parseAlert(whole), ALERT);
  let refused = 0;
  for (let i = 0; i < 1_000; i++) {
    const start = random.int(whole.length);
    const text = whole.slice(0, start) + random.pick(["", "null", "[]", "{}", '"', "1e999"])
      + whole.slice(start + random.int(40));
    const alert = parseAlert(text);
    if (alert === undefined) refused += 1;
    else assert.ok(alert.explanation.every(({ share }) => Number.isFinite(share)));
  }
  assert.ok(refused > 500);
});
