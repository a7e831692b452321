import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { encodeRoster, type Member, type Roster } from "../../gossip/roster.ts";
import { encodeRosterFile, signRoster } from "../../gossip/roster-file.ts";
import type { Signer } from "../../models/crypto.ts";
import type { Epoch, StationId, WallMs, ZoneId } from "../../models/units.ts";
import { nodeCrypto, signerFromSeed, systemRandom } from "../adapters/crypto.ts";
import { loadOrCreateKeys } from "../adapters/keys.ts";
import { openLedger } from "../adapters/ledger-file.ts";
import { cosignedPath } from "../adapters/ledger-read.ts";
import { keyName } from "../member-file.ts";
import { formatOperatorKey } from "../operators.ts";
import { formatCheckpoint, originOf } from "../record/checkpoint.ts";
import { cosign } from "../record/cosignature.ts";
import { encodeEntry } from "../record/entry.ts";
import { rootOf } from "../record/merkle.ts";
import { signNote } from "../record/note.ts";
import { appendEntries, checkpoint, createRecord } from "../record/record.ts";
import { UsageError } from "./command.ts";
import { ledger } from "./ledger.ts";

const crypto = nodeCrypto();
const OWN = "CP-0" as StationId;
const ORIGIN = originOf(OWN);
const NEIGHBOURS = [1, 2, 3, 4, 5].map((index) => `CP-${index}` as StationId);
const operator = signerFromSeed(new Uint8Array(32).fill(7));
const T0 = 1_772_438_590;
const witnessOf = (index: number): Signer => signerFromSeed(new Uint8Array(32).fill(100 + index));

interface Bench {
  readonly folder: string;
  readonly stateDir: string;
  readonly log: Signer;
  /** Of the first two and of all four entries. */
  readonly texts: readonly [string, string];
}

/** A log of four entries in a street of six. */
function build(folder: string): Bench {
  const stateDir = join(folder, "state");
  const { signers } = loadOrCreateKeys(stateDir, systemRandom);
  const { store, recovered } = openLedger(stateDir, crypto);
  const record = createRecord({ origin: ORIGIN, crypto, signer: signers.log, recovered });
  const texts: string[] = [];
  for (let i = 0; i < 4; i++) {
    const entries = [encodeEntry({ kind: "notice", at: i as WallMs, text: `number ${i}` })];
    appendEntries(record, entries);
    store.append(entries);
    texts.push(formatCheckpoint({ origin: ORIGIN, size: i + 1, root: rootOf(crypto, record.frontier) }));
  }
  for (const effect of checkpoint(record)) if (effect.kind === "checkpoint") store.writeCheckpoint(effect.note);
  store.close();
  writeRoster(folder, signers.log.publicKey);
  const keys = [formatOperatorKey(crypto, { label: "town", publicKey: operator.publicKey })];
  writeFileSync(join(folder, "operators.json"), JSON.stringify({ threshold: 1, keys }));
  return { folder, stateDir, log: signers.log, texts: [texts[1]!, texts[3]!] };
}

function writeRoster(folder: string, logKey: Uint8Array, own = OWN): void {
  const member = (station: StationId, index: number): Member => {
    const key = (purpose: number): Uint8Array => signerFromSeed(new Uint8Array(32).fill(purpose + index)).publicKey;
    return { station, zone: "street" as ZoneId, address: "", latE6: 0, lonE6: 0, ratedW: 22_000, keys: {
      statement: key(10), log: index === 0 ? logKey : key(20), witness: witnessOf(index).publicKey, tls: key(30),
    } };
  };
  const roster: Roster = {
    network: "town", version: 1, previous: new Uint8Array(0), fromEpoch: 0 as Epoch, epochS: 10, threshold: 1,
    operators: [operator.publicKey], zones: [{ id: "street" as ZoneId, ratingW: 0, f: 1 }],
    members: [own, ...NEIGHBOURS].map(member), revoked: [], events: [],
  };
  const bytes = encodeRoster(roster);
  writeFileSync(join(folder, "roster.kw"), encodeRosterFile({ bytes, signatures: [signRoster(bytes, operator)] }));
}

const lineOf = (text: string, index: number, timeS: number, signer = witnessOf(index)): string =>
  `${cosign(crypto, text, keyName(`CP-${index}` as StationId, "witness"), signer, timeS)}\n`;

function store({ stateDir, log }: Bench, text: string, ...lines: string[]): void {
  writeFileSync(cosignedPath(stateDir), `${signNote(crypto, text, ORIGIN, log)}${lines.join("")}`);
}

interface Ran { readonly code: number; readonly out: string; readonly err: string }

async function verify(...args: string[]): Promise<Ran> {
  let out = "";
  let err = "";
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text), env: {} };
  const code = await ledger.run(["verify", ...args], io).catch((error: unknown) => {
    if (!(error instanceof UsageError)) throw error;
    err += error.message;
    return 2;
  });
  return { code, out, err };
}

const streetOf = ({ folder }: Bench): string[] =>
  ["--roster", join(folder, "roster.kw"), "--operators", join(folder, "operators.json")];

function withBench(body: (bench: Bench) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "kerbwatch-witnesses-"));
    try {
      await body(build(folder));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

test("who cosigned, up to where, and by when enough had that one of them is honest", withBench(async (bench) => {
  const [two] = bench.texts;
  const lines = [[3, 40], [1, 10], [5, 30], [2, 20]].map(([index, s]) => lineOf(two, index!, T0 + s!));
  store(bench, two, ...lines);
  const ran = await verify("--state", bench.stateDir, ...streetOf(bench));
  assert.is(ran.code, 0, ran.out + ran.err);
  assert.match(ran.out, /^Good: every one of the 4 entries/);
  // f = 1: of the two that were first, one at least is honest.
  const time = new Date((T0 + 20) * 1_000).toISOString();
  assert.ok(ran.out.includes(
    `\ncosigned  by 4 of 5 neighbours up to entry 2, ${time}: CP-1, CP-2, CP-3, CP-5\n`), ran.out);
  const json = JSON.parse((await verify("--state", bench.stateDir, ...streetOf(bench), "--json")).out) as
    { ok: boolean; cosigned: unknown };
  assert.equal([json.ok, json.cosigned], [true, {
    size: 2, lines: 4, by: ["CP-1", "CP-2", "CP-3", "CP-5"], neighbours: 5, needed: 2, time,
  }]);
  // An auditor has a copy of the log folder, and the roster knows its key.
  const copy = join(bench.folder, "copy");
  cpSync(join(bench.stateDir, "log"), join(copy, "log"), { recursive: true });
  assert.is((await verify("--state", copy, ...streetOf(bench))).out, ran.out);
}));

test("without a roster, without anything cosigned, and with too few: good, and it says so", withBench(async (bench) => {
  const [, four] = bench.texts;
  const said = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await verify("--state", bench.stateDir, ...args);
    assert.is(code, 0, out + err);
    return /^cosigned +(.*)$/m.exec(out)?.[1] ?? "nothing";
  };
  assert.is(await said(), "nothing");
  assert.is(await said(...streetOf(bench)), "by none of 5 neighbours yet");
  store(bench, four, lineOf(four, 2, T0));
  assert.is(await said(), "up to entry 4 by 1, not checked: give --roster and --operators");
  assert.is(await said(...streetOf(bench)),
    "by 1 of 5 neighbours up to entry 4, fewer than the 2 of whom one at least is honest: CP-2");
  store(bench, four, lineOf(four, 2, T0), lineOf(four, 2, T0 + 9), lineOf(four, 9, T0),
    lineOf(four, 0, T0, signerFromSeed(new Uint8Array(32).fill(1))));
  assert.match(await said(...streetOf(bench)), /^by 1 of 5 /, "one twice, a stranger, the station itself");
}));

test("what contradicts the log or is forged exits 1 and says why", withBench(async (bench) => {
  const [two, four] = bench.texts;
  const root = two.split("\n")[2]!;
  const expect = async (reason: string, ...args: string[]): Promise<void> => {
    const { code, out } = await verify("--state", bench.stateDir, ...args);
    assert.is(code, 1, out);
    assert.ok(out.startsWith("NOT GOOD\n") && out.includes(`  ${reason}\n`), out);
  };
  for (const args of [[], streetOf(bench)]) {
    const other = `${ORIGIN}\n4\n${root}\n`;
    store(bench, other, lineOf(other, 1, T0), lineOf(other, 2, T0));
    await expect("the first 4 entries are not those that were cosigned", ...args);
    const longer = `${ORIGIN}\n5\n${root}\n`;
    store(bench, longer, lineOf(longer, 1, T0), lineOf(longer, 2, T0));
    await expect("4 entries, and the cosigned checkpoint attests 5: some were lost or taken out", ...args);
    writeFileSync(cosignedPath(bench.stateDir), "junk");
    await expect("the cosigned checkpoint: not text that ends with a newline, or with control characters", ...args);
    const log = signerFromSeed(new Uint8Array(32).fill(9));
    store({ ...bench, log }, four, lineOf(four, 1, T0));
    const { out } = await verify("--state", bench.stateDir, ...args);
    assert.match(out, /^ {2}the cosigned checkpoint: not signed by kerbwatch\/CP-0\+/m);
  }
  store(bench, four, lineOf(four, 1, T0), lineOf(two, 3, T0), lineOf(four, 2, T0));
  await expect("the cosigned checkpoint: the cosignature of CP-3 is wrong", ...streetOf(bench));
  rmSync(cosignedPath(bench.stateDir));
  assert.is((await verify("--state", bench.stateDir, ...streetOf(bench))).code, 0);
}));

test("a roster with another log key does not know this log", withBench(async (bench) => {
  writeRoster(bench.folder, signerFromSeed(new Uint8Array(32).fill(9)).publicKey);
  const { code, out } = await verify("--state", bench.stateDir, ...streetOf(bench));
  assert.is(code, 1);
  assert.match(out, /the checkpoint: not signed by kerbwatch\/CP-0\+/);
}));

test("wrong usage names the option", withBench(async (bench) => {
  const roster = join(bench.folder, "roster.kw");
  const [, , , operators] = streetOf(bench);
  const expect = async (reason: RegExp, ...args: string[]): Promise<void> => {
    const { code, err } = await verify("--state", bench.stateDir, ...args);
    assert.is(code, 2);
    assert.match(err, reason);
    assert.not(err.includes("\n"), "one line");
  };
  await expect(/^--operators: missing/, "--roster", roster);
  await expect(/^--roster: missing/, "--operators", operators!);
  await expect(/^--key: found beside --roster/, "--key", "x+00000000+AA", ...streetOf(bench));
  await expect(/^--roster: .*no such file/, "--roster", `${roster}x`, "--operators", operators!);
  await expect(/^--operators: .*no such file/, "--roster", roster, "--operators", `${operators}x`);
  const bytes = readFileSync(roster);
  writeFileSync(roster, bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)));
  await expect(/^--roster: .*roster.kw: /, ...streetOf(bench));
  writeRoster(bench.folder, bench.log.publicKey, "CP-00" as StationId);
  await expect(/^--roster .*: has no member with the log "kerbwatch\/CP-0"$/, ...streetOf(bench));
}));
