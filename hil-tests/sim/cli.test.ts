import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { simCli } from "./cli.ts";

const REGION = `
version: 1
region: example
timezone: Europe/London
zones:
  - id: feeder-7
    stations:
      - { id: CP-001, ratedW: 22000, evses: 2, ocppVersion: "1.6" }
      - { id: "A:b.c", ratedW: 50000, ocppVersion: "2.0.1", profile: public-rapid }
`;

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function sim(...args: string[]): Promise<Run> {
  let [out, err] = ["", ""];
  const code = await simCli(args, { out: (text) => (out += text), err: (text) => (err += text), env: {} });
  return { code, out, err };
}

async function inFolder(use: (folder: string, regionFile: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-sim-"));
  try {
    writeFileSync(join(folder, "region.yaml"), REGION);
    await use(folder, join(folder, "region.yaml"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const FILES = ["CP-001", "A:b.c"].flatMap((id) => [`${id}.ocpp.jsonl`, `${id}.meter.jsonl`]);

test("capture writes both streams of every station and the truth; twice the same, with another seed not", () =>
  inFolder(async (folder, region) => {
    const read = (run: string): string[] =>
      [...FILES, "truth.json"].map((name) => readFileSync(join(folder, run, name), "utf8"));
    for (const [run, seed] of [["a", "1"], ["b", "1"], ["c", "2"]] as const) {
      const result = await sim("capture", "--region", region, "--days", "1.5", "--out", join(folder, run),
        "--seed", seed, "--meter-every", "60", "--from", "2026-05-04T00:00:00+02:00");
      assert.is(result.code, 0, result.err);
    }
    assert.equal(read("a"), read("b"));
    read("a").forEach((text, i) => assert.is.not(text, read("c")[i]));
    const truth = JSON.parse(read("a").at(-1) ?? "");
    assert.is(truth.from, "2026-05-03T22:00:00.000Z");
    assert.is(truth.to, "2026-05-05T10:00:00.000Z");
    assert.equal(truth.attacks, []);
    assert.equal(truth.stations.map(({ profile }: { profile: string }) => profile), ["workplace", "public-rapid"]);
    const [ocpp = "", meter = ""] = read("a");
    for (const line of `${ocpp}${meter}`.trim().split("\n")) assert.type(JSON.parse(line), "object");
    assert.is(meter.trim().split("\n").length, truth.stations[0].meterSamples);
  }));

test("capture --help teaches with an example", async () => {
  const { code, out, err } = await sim("capture", "--help");
  assert.is(code, 0);
  assert.is(err, "");
  for (const word of ["--region", "--days", "--out", "--seed", "--from", "--meter-every", "--attack", "--sessions",
    "--quirks", "--list", "Example", "truth.json"]) {
    assert.ok(out.includes(word), word);
  }
});

test("without a command: help on standard error, exit code 2; --help: on standard output, 0", async () => {
  const bare = await sim();
  assert.is(bare.code, 2);
  assert.match(bare.err, /capture/);
  const asked = await sim("--help");
  assert.is(asked.code, 0);
  assert.is(asked.out, bare.err);
});

const WRONG: readonly (readonly [args: string, message: RegExp])[] = [
  ["frob", /"frob": unknown command; allowed: capture/],
  ["capture", /--region: missing; allowed: --region FILE/],
  ["capture --region R --out O", /--days: missing/],
  ["capture --region R --days 0 --out O", /--days: found "0"; allowed: a number from 0.01 to 366/],
  ["capture --region R --days 1e1 --out O", /--days: found "1e1"/],
  ["capture --region R --days 367 --out O", /--days: found "367"/],
  ["capture --region R --days 1 --out O --seed 1.5", /--seed: found "1.5"; allowed: an integer from 0 to/],
  ["capture --region R --days 1 --out O --seed -1", /--seed: found/],
  ["capture --region R --days 1 --out O --from 2026-03-02", /--from: found "2026-03-02"; allowed: a time like/],
  ["capture --region R --days 1 --out O --from 2026-03-02T00:00:00", /--from: found/],
  ["capture --region R --days 1 --out O --meter-every 0", /--meter-every: found "0"; allowed: a number from 1/],
  ["capture --region R --days 1 --out O --attack /nonexistent/a", /--attack: found "\/nonexistent\/a"/],
  ["capture --region R --days 1 --out O --sessions /nonexistent/s.csv", /--sessions: ENOENT/],
  ["capture --region R --days 1 --out O --quirks 2", /--quirks: found "2"; allowed: a number from 0 to 1/],
  ["capture --list --days 1", /--list: unknown option/],
  ["capture --region R --days 1 --out O more", /"more"/],
  ["capture --region /nonexistent/r.yaml --days 1 --out O", /--region: found "\/nonexistent\/r.yaml"; allowed: a file/],
];

for (const [args, message] of WRONG) {
  test(`wrong usage is told on one line, exit code 2: ${args}`, () =>
    inFolder(async (folder, region) => {
      const words = args.split(" ").map((word) => (word === "R" ? region : word === "O" ? join(folder, "out") : word));
      const { code, out, err } = await sim(...words);
      assert.is(code, 2);
      assert.is(out, "");
      assert.match(err, message);
      assert.is(err.trim().split("\n").length, 1);
    }));
}

test("a wrong region file is named with its key; a folder that cannot be made is a failure, exit code 1", () =>
  inFolder(async (folder, region) => {
    const bad = join(folder, "bad.yaml");
    writeFileSync(bad, REGION.replace("50000", "none"));
    const wrong = await sim("capture", "--region", bad, "--days", "1", "--out", join(folder, "out"));
    assert.is(wrong.code, 2);
    assert.match(wrong.err, /bad.yaml: zones\[0\].stations\[1\].ratedW: found "none"; allowed: a number/);
    const failed = await sim("capture", "--region", region, "--days", "1", "--out", join(region, "below-a-file"));
    assert.is(failed.code, 1);
    assert.match(failed.err, /ENOTDIR|EEXIST/);
  }));
