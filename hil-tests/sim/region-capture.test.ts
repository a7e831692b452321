import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sharedDir } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import { parseMeterLine } from "../../edge-agent/observe/meter-capture.ts";
import { parseTraceLine } from "../../edge-agent/observe/trace.ts";
import { ATTACKS } from "../attackers/catalogue.ts";
import { simCli } from "./cli.ts";
import { LOOK_ALIKES } from "./look-alikes/catalogue.ts";

const IDS = ["A1", "A2", "A3", "B1"];
const REGION = `version: 1
region: example
timezone: Europe/Madrid
zones:
  - id: north
    stations:
      - { id: A1, ratedW: 50000, evses: 2, ocppVersion: "1.6" }
      - { id: A2, ratedW: 50000, evses: 1, ocppVersion: "2.0.1" }
      - { id: A3, ratedW: 22000, evses: 1, ocppVersion: "1.6", profile: public-rapid }
  - id: south
    stations:
      - { id: B1, ratedW: 7400, evses: 1, ocppVersion: "2.0.1" }
`;
const ATTACK = `version: 1
attacks:
  - { attack: log-upload, strength: weak, stations: [A1], from: "2026-03-03T06:00:00.000Z" }
  - { attack: links-cut, strength: strong, zone: north }
lookAlikes:
  - { name: heartbeat-lost, stations: [B1] }
`;

async function sim(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const code = await simCli(args, { out: (text) => (out += text), err: (text) => (err += text), env: {} });
  return { code, out, err };
}

async function inFolder(use: (folder: string, ...files: string[]) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-capture-"));
  try {
    const [region, attack] = [join(folder, "region.yaml"), join(folder, "attack.yaml")];
    writeFileSync(region, REGION);
    writeFileSync(attack, ATTACK);
    await use(folder, region, attack);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const linesOf = (path: string): string[] => readFileSync(path, "utf8").trimEnd().split("\n");

test("capture --attack: an honest run until the attack, a truth that names all of it, twice the same", () =>
  inFolder(async (folder, region = "", attack = "") => {
    const common = ["capture", "--region", region, "--days", "2", "--meter-every", "60"];
    for (const [run, more] of [["honest", []], ["one", ["--attack", attack]], ["two", ["--attack", attack]]] as const) {
      const { code, err } = await sim(...common, "--out", join(folder, run), ...more);
      assert.is(code, 0, err);
      assert.match(err, run === "honest" ? /seed 1, in/ : /seed 1, 2 attacks, 1 look-alike, in/);
    }
    const truth = JSON.parse(readFileSync(join(folder, "one", "truth.json"), "utf8"));
    assert.equal(truth.attacks.map((one: { attack: string }) => one.attack), ["log-upload", "links-cut"]);
    const [upload, cut] = truth.attacks;
    assert.equal(upload.stations, ["A1"]);
    assert.is(upload.threat, "data-exfiltration");
    assert.ok(upload.from >= "2026-03-03T06:00" && upload.from < "2026-03-03T08:00");
    assert.equal(cut.stations, ["A1", "A2", "A3"]);
    assert.ok(cut.from >= truth.from && cut.to <= truth.to && cut.traces.length === 3);
    assert.equal(truth.lookAlikes.map(({ name, stations }: { name: string; stations: string[] }) => [name, stations]),
      [["heartbeat-lost", ["B1"]]]);
    const first = { A1: upload.from, A2: cut.from, A3: cut.from, B1: truth.lookAlikes[0].from };
    for (const id of IDS) {
      for (const stream of ["ocpp", "meter"]) {
        const [honest = [], one, two] = ["honest", "one", "two"].map((run) =>
          linesOf(join(folder, run, `${id}.${stream}.jsonl`)));
        assert.equal(one, two);
        const before = (line: string): boolean => /"timestamp":"([^"]*)"/.exec(line)![1]! < first[id as "A1"];
        const past = honest.filter(before);
        assert.ok(past.length > 10);
        assert.equal(one!.slice(0, past.length), past);
        const read = stream === "ocpp" ? parseTraceLine : parseMeterLine;
        for (const line of one!) assert.ok(read(line).ok, line);
      }
    }
  }));

test("a time outside the capture, and an attack without an opportunity, are told", () =>
  inFolder(async (folder, region = "", attack = "") => {
    writeFileSync(attack, ATTACK.replace("2026-03-03T06", "2026-04-03T06"));
    const common = ["capture", "--region", region, "--out", join(folder, "out"), "--attack", attack];
    const late = await sim(...common, "--days", "1");
    assert.is(late.code, 2);
    assert.match(late.err, /attack.yaml: attacks\[0\].from: found "2026-04-03T06:00:00.000Z"; allowed: a time from/);
    writeFileSync(attack, "version: 1\nattacks: [{ attack: starve, strength: weak, stations: [B1] }]");
    const idle = await sim(...common, "--days", "0.05", "--meter-every", "60");
    assert.is(idle.code, 1);
    assert.match(idle.err, /starve at B1: no opportunity/);
  }));

test("capture --list prints every attack with what its strengths mean, and every look-alike", async () => {
  const { code, out } = await sim("capture", "--list");
  assert.is(code, 0);
  for (const [name, { amount, threat }] of Object.entries(ATTACKS)) {
    const section = out.split(new RegExp(`^${name}$`, "m"))[1] ?? "";
    assert.ok(section.startsWith(`\n  ${threat}`) && section.includes(`  weak   ${amount(0.25)}\n`), name);
  }
  for (const name of Object.keys(LOOK_ALIKES)) assert.match(out, new RegExp(`^${name}$`, "m"));
});

const shared = sharedDir();
const REAL = "capture --sessions: real sessions of the busiest stations, moved by whole weeks";
if (shared === undefined) test.skip(REAL, "no ../shared");
else {
  test(REAL, () => inFolder(async (folder, region = "") => {
    const { code, err } = await sim("capture", "--region", region, "--days", "7", "--meter-every", "600",
      "--out", join(folder, "real"), "--sessions", join(shared, "data", "sessions", "acn_caltech_2019.csv.xz"));
    assert.is(code, 0, err);
    const truth = JSON.parse(readFileSync(join(folder, "real", "truth.json"), "utf8"));
    assert.match(truth.synthetic, /sessions are real/);
    assert.is(new Set(truth.stations.map(({ realSessionsOf }: { realSessionsOf: string }) => realSessionsOf)).size, 4);
    assert.ok(truth.stations[0].sessions > 3);
  }));
}
