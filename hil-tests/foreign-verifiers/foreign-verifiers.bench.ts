/**
 * `npm run bench foreign-verifiers`: a zone's evidence, checked by programs that nobody here wrote: Go's sumdb/note,
 * tlog and Ed25519 (Debian: golang-go, golang-golang-x-mod-dev), as a file and as a log in tiles; by sigsum-witness and
 * sigsum-verify (Debian 13: sigsum-go); and with parts of it changed, which they must refuse.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { repoRoot } from "../../build/paths.ts";
import { freePort } from "../../edge-agent/adapters/mosquitto.testing.ts";
import { ran } from "../../edge-agent/cli/io.testing.ts";
import { makeEvidence, type MadeEvidence } from "./made-evidence.ts";
import { isAsItShould, type Row } from "./row.ts";
import { compareSigsum, hasSigsum } from "./sigsum.ts";

/** Where Debian's packages of Go libraries lie. */
const GOPATH = "/usr/share/gocode";

interface Shape {
  log: { checkpoint: string; cosigned: { note: string; consistency: string[] } };
  entries: { index: number; entry: string; proof: string[] }[];
}

const otherDigit = (text: string, at: number): string =>
  `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
const CHANGES: Readonly<Record<string, (file: Shape) => void>> = {
  "nothing": () => undefined,
  "a digit of an entry": ({ entries }) => void (entries[0]!.entry = otherDigit(entries[0]!.entry, 40)),
  "an entry's index": ({ entries }) => void (entries[0]!.index += 1),
  "a digit of an inclusion proof": ({ entries }) => void (entries[0]!.proof[0] = otherDigit(entries[0]!.proof[0]!, 5)),
  "the checkpoint's size": ({ log }) => void (log.checkpoint = log.checkpoint.replace(/\n(\d+)\n/, "\n1$1\n")),
  "a digit of a cosignature": ({ log: { cosigned } }) =>
    void (cosigned.note = otherDigit(cosigned.note, cosigned.note.length - 20)),
  "a witness's name": ({ log: { cosigned } }) => void (cosigned.note = cosigned.note.replace("CP-2/w", "CP-3/w")),
  "a digit of the consistency proof": ({ log: { cosigned: { consistency } } }) =>
    void (consistency.length > 0 ? consistency[0] = otherDigit(consistency[0]!, 5) : consistency.push("")),
};

/** A program of Go's, built into the folder. */
function built(folder: string, name: string): string {
  const program = join(folder, name);
  const env = { ...process.env, GOPATH, GO111MODULE: "off", GOCACHE: join(folder, "cache"), GOFLAGS: "" };
  const source = join(repoRoot, "hil-tests/foreign-verifiers", `${name}.go`);
  const { status, stderr } = spawnSync("go", ["build", "-o", program, source], { env, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return program;
}

const flipped = (bytes: Buffer): Buffer => {
  bytes[bytes.length - 40]! ^= 1;
  return bytes;
};

/** The same log as tiles, and with one file of it changed. */
async function compareTiles(folder: string, { state, keys }: MadeEvidence): Promise<readonly Row[]> {
  const program = built(folder, "tiles");
  const out = join(folder, "tiled");
  const { code, err } = await ran(["ledger", "tiles", "--state", state, "--out", out]);
  if (code !== 0) throw new Error(err);
  const { log } = JSON.parse(readFileSync(keys, "utf8")) as { log: string };
  const names = readdirSync(out, { recursive: true, encoding: "utf8" });
  const at = (start: string): string => join(out, names.find((name) =>
    name.startsWith(start) && statSync(join(out, name)).isFile())!);
  const changes = { "nothing (tiles)": undefined, "a bit of a tile": at("tile/0/"),
    "a bit of a bundle": at("tile/entries/"), "a bit of the tiles' checkpoint": join(out, "checkpoint") };
  return Object.entries(changes).map(([changed, path]) => {
    const before = path === undefined ? undefined : readFileSync(path);
    if (path !== undefined) writeFileSync(path, flipped(readFileSync(path)));
    const { status, stdout, stderr } = spawnSync(program, [out, log], { encoding: "utf8" });
    if (path !== undefined) writeFileSync(path, before!);
    return { changed, accepted: status === 0, said: (stdout || stderr).trim() };
  });
}

function compare(folder: string, { evidence, keys }: MadeEvidence): readonly Row[] {
  const program = built(folder, "verify");
  const good = readFileSync(evidence, "utf8");
  return Object.entries(CHANGES).map(([changed, change]) => {
    const file = JSON.parse(good) as Shape;
    change(file);
    const path = join(folder, "changed.json");
    writeFileSync(path, JSON.stringify(file));
    const { status, stdout, stderr } = spawnSync(program, [path, keys], { encoding: "utf8" });
    return { changed, accepted: status === 0, said: (stdout || stderr).trim() };
  });
}

async function byGo(folder: string): Promise<readonly Row[]> {
  if (spawnSync("go", ["version"]).error !== undefined || !existsSync(join(GOPATH, "src/golang.org/x/mod/sumdb"))) {
    console.log("left out: Go's libraries: needs Debian's golang-go and golang-golang-x-mod-dev");
    return [];
  }
  const made = await makeEvidence(folder);
  return [...compare(folder, made), ...await compareTiles(folder, made)];
}

async function bySigsum(folder: string): Promise<readonly Row[]> {
  if (hasSigsum()) return compareSigsum(folder, await freePort());
  console.log("left out: sigsum-witness and sigsum-verify: needs sigsum-go of Debian 13");
  return [];
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "string" }, quick: { type: "boolean" } } });
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-foreign-"));
  try {
    const rows = [...await byGo(folder), ...await bySigsum(folder)];
    for (const { changed, accepted, said } of rows) {
      console.log(`${accepted ? "accepted" : "refused "}  ${changed.padEnd(52)}  ${said}`);
    }
    if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(rows));
    process.exitCode = rows.every(isAsItShould) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
