/**
 * `npm run bench foreign-verifiers`: a zone's evidence, checked by programs that nobody here wrote: Go's sumdb/note,
 * tlog and Ed25519 (Debian: golang-go, golang-golang-x-mod-dev); and with parts of it changed, which they must refuse.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { repoRoot } from "../../build/paths.ts";
import { signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { openLedger } from "../../edge-agent/adapters/ledger-file.ts";
import { ran } from "../../edge-agent/cli/io.testing.ts";
import { keyName } from "../../edge-agent/member-file.ts";
import { formatOperatorKey } from "../../edge-agent/operators.ts";
import { toBase64 } from "../../edge-agent/record/base64.ts";
import { formatVerifierKey, verifierKeyOf } from "../../edge-agent/record/note.ts";
import { crypto, ZoneCores } from "../../edge-agent/zone-cores.testing.ts";
import { encodeRoster } from "../../gossip/roster.ts";
import { encodeRosterFile, signRoster } from "../../gossip/roster-file.ts";

/** Where Debian's packages of Go libraries lie. */
const GOPATH = "/usr/share/gocode";
const operator = signerFromSeed(new Uint8Array(32).fill(64 * 3 + 63));

/** A zone certifies, its witnesses cosign, and the evidence of it is exported: the files of `evidence` and `keys`. */
async function makeEvidence(folder: string): Promise<{ evidence: string; keys: string }> {
  const at = (name: string): string => join(folder, name);
  const zone = new ZoneCores(4, 1, { witnesses: true });
  zone.pass(8);
  zone.pass(30, () => zone.suspect("refusals", 3_000));
  zone.pass(20);
  const [house, members] = [zone.house(0), zone.roster.members];
  const { store } = openLedger(at("state"), crypto);
  store.append(house.log);
  store.writeCheckpoint(house.checkpoint!);
  store.writeCosigned(house.cosigned!);
  store.close();
  const bytes = encodeRoster(zone.roster);
  writeFileSync(at("roster.kw"), encodeRosterFile({ bytes, signatures: [signRoster(bytes, operator)] }));
  const operatorKey = formatOperatorKey(crypto, { label: "bench", publicKey: operator.publicKey });
  writeFileSync(at("operators.json"), JSON.stringify({ threshold: 1, keys: [operatorKey] }));
  const { incidentId } = house.alerts.find(({ scope }) => scope === "zone")!;
  const { code, err } = await ran(["ledger", "export", "--incident", incidentId, "--state", at("state"),
    "--out", at("evidence.json"), "--roster", at("roster.kw"), "--operators", at("operators.json")]);
  if (code !== 0) throw new Error(err);
  const [{ station, keys }, ...others] = members as [typeof members[0] & {}, ...typeof members];
  writeFileSync(at("keys.json"), JSON.stringify({
    log: formatVerifierKey(verifierKeyOf(crypto, keyName(station, "log"), keys.log)),
    witnesses: Object.fromEntries(others.map((one) =>
      [keyName(one.station, "witness"), toBase64(one.keys.witness)])),
  }));
  return { evidence: at("evidence.json"), keys: at("keys.json") };
}

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

interface Row {
  readonly changed: string;
  readonly accepted: boolean;
  readonly said: string;
}

async function compare(folder: string): Promise<readonly Row[]> {
  const program = join(folder, "verify");
  const env = { ...process.env, GOPATH, GO111MODULE: "off", GOCACHE: join(folder, "cache"), GOFLAGS: "" };
  const source = join(repoRoot, "hil-tests/foreign-verifiers/verify.go");
  const built = spawnSync("go", ["build", "-o", program, source], { env, encoding: "utf8" });
  if (built.status !== 0) throw new Error(built.stderr);
  const { evidence, keys } = await makeEvidence(folder);
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

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "string" }, quick: { type: "boolean" } } });
  if (spawnSync("go", ["version"]).error !== undefined || !existsSync(join(GOPATH, "src/golang.org/x/mod/sumdb"))) {
    console.log("left out: needs Debian's golang-go and golang-golang-x-mod-dev");
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-foreign-"));
  try {
    const rows = await compare(folder);
    for (const { changed, accepted, said } of rows) {
      console.log(`${accepted ? "accepted" : "refused "}  ${changed.padEnd(34)}  ${said}`);
    }
    if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(rows));
    process.exitCode = rows.every(({ changed, accepted }) => accepted === (changed === "nothing")) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
