/** Every quirk of the corpus: no alert, no half of one, and observed as its entry in the index says. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import type { Observation } from "../../models/terms.ts";
import { CORPUS, linesOfQuirk, observed, type Quirk, readQuirks, replayed, withFactor } from "./corpus.testing.ts";

/** Of a meter that counts half as much again as is billed. */
const STOLEN = 1.5;
const quirks = readQuirks();

function counted(keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

/** A start or an end of a transaction in a few words. */
function transactionSaid(seen: Observation): string[] {
  if (seen.kind !== "transaction-started" && seen.kind !== "transaction-ended") return [];
  const what = seen.kind === "transaction-started" ? "start" : "end";
  const offline = seen.offline ? " offline" : "";
  return [`${what} ${seen.transactionId} on ${seen.evseId} at ${seen.registerWh ?? "no register"}${offline}`];
}

function checkObserved({ expect }: Quirk, { state, seen }: ReturnType<typeof observed>): void {
  const readings = seen.filter((one) => one.kind === "reported-reading");
  assert.equal(seen.flatMap(transactionSaid), expect.transactions);
  assert.equal(counted(readings.map(({ transactionId }) => transactionId ?? "none")), expect.readings);
  assert.is(seen.filter(({ saidAt }) => saidAt !== undefined).length, expect.saidAt, "times believed");
  assert.equal(Object.fromEntries(state.counts.oddities), expect.oddities);
  assert.equal(counted(seen.flatMap((one) => (one.kind === "oddity" ? [one.oddity] : []))), expect.oddities);
  assert.is(state.counts.unparsed, expect.unparsed, "unparsed");
  const { waiting } = state.calls;
  assert.is(waiting["cp-to-csms"].calls.size + waiting["csms-to-cp"].calls.size, expect.waiting ?? 0, "waiting");
  if (expect.offlineReadings !== undefined) {
    assert.is(readings.filter(({ offline }) => offline).length, expect.offlineReadings, "offline readings");
  }
  const kinds = counted(seen.map(({ kind }) => kind));
  for (const [kind, count] of Object.entries(expect.kinds ?? {})) assert.is(kinds[kind] ?? 0, count, kind);
}

for (const quirk of quirks) {
  const lines = linesOfQuirk(quirk);

  test(`${quirk.quirk}: is observed as the index says`, () => checkObserved(quirk, observed(lines)));

  test(`${quirk.quirk}: raises no alert and no half of one`, () => {
    const { alerts, findings } = replayed(lines);
    assert.equal(findings.map(({ finding, summary }) => `${finding}: ${summary}`), []);
    assert.equal(alerts.map(({ threat, summary }) => `${threat}: ${summary}`), []);
  });

  if (quirk.theftStillShows === true) {
    test(`${quirk.quirk}: energy stolen under it still shows`, () => {
      const threats = replayed(withFactor(lines, STOLEN)).findings.map(({ finding }) => finding);
      assert.ok(threats.includes("energy-theft"), `found ${threats.join(", ") || "nothing"}`);
    });
  }
}

test("the index names each file of the corpus, gives each quirk a reason, and there are at least 25", () => {
  const files = quirks.flatMap(({ quirk, meter }) =>
    meter === true ? [`${quirk}.jsonl`, `${quirk}.meter.jsonl`] : [`${quirk}.jsonl`]);
  assert.equal(readdirSync(CORPUS).filter((name) => name.endsWith(".jsonl")).sort(), files.sort());
  assert.ok(quirks.length >= 25);
  for (const { why, must } of quirks) assert.ok(why.length > 20 && must.length > 5);
});

test("each line of the corpus has what the format requires", () => {
  for (const { quirk } of quirks) {
    for (const text of readFileSync(join(CORPUS, `${quirk}.jsonl`), "utf8").trimEnd().split("\n")) {
      const line = JSON.parse(text) as Record<string, unknown>;
      const required = line.event === undefined
        ? ["schemaVersion", "timestamp", "ocppVersion", "transport", "chargePointId", "direction", "messageType", "raw"]
        : ["timestamp", "chargePointId", "event"];
      assert.equal(required.filter((name) => typeof line[name] !== "string"), [], text);
    }
  }
});
