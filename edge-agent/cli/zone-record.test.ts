/** A zone's record from the command line: logs of different agents compared, and its incidents explained. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { headOf } from "../../gossip/certificate.ts";
import { directoryOf } from "../../gossip/directory.ts";
import { makeProof } from "../../gossip/equivocation.ts";
import { messageOfStatement } from "../../gossip/message.ts";
import { signStatement } from "../../gossip/statement.ts";
import type { Alert } from "../../models/terms.ts";
import { systemRandom } from "../adapters/crypto.ts";
import { loadOrCreateKeys } from "../adapters/keys.ts";
import { openLedger } from "../adapters/ledger-file.ts";
import { originOf } from "../record/checkpoint.ts";
import { type CertificateEntry, recordedCertificates } from "../record/certificate-entry.ts";
import { encodeEntry } from "../record/entry.ts";
import { leafHash } from "../record/merkle.ts";
import { appendEntries, checkpoint, contentHash, createRecord } from "../record/record.ts";
import { crypto, entriesOf, type House, statementSigner, stationAt, ZONE, ZoneCores } from "../zone-cores.testing.ts";
import { ran } from "./io.testing.ts";

/** A state directory with these entries as its log, signed. */
function stateOf(entries: readonly Uint8Array[]): string {
  const stateDir = mkdtempSync(join(tmpdir(), "kerbwatch-zone-"));
  const { log } = loadOrCreateKeys(stateDir, systemRandom).signers;
  const { store, recovered } = openLedger(stateDir, crypto);
  const record = createRecord({ origin: originOf(stationAt(0)), crypto, signer: log, recovered });
  appendEntries(record, entries);
  for (const entry of entries) store.append([entry]);
  for (const effect of checkpoint(record)) if (effect.kind === "checkpoint") store.writeCheckpoint(effect.note);
  store.close();
  return stateDir;
}

function proofAgainst(culprit: number, zone: ZoneCores) {
  const [first, second] = [1, 2].map((value) => messageOfStatement(signStatement({
    network: "example", zone: ZONE, station: stationAt(culprit), epoch: zone.epoch, seq: 9_000 + value,
    previous: new Uint8Array(32), rosterVersion: 1, evidence: [value], checkpoint: new Uint8Array(0),
  }, statementSigner(culprit))).whole);
  return makeProof(first!, second!, headOf(directoryOf(zone.roster, ZONE), stationAt(0)), statementSigner(0));
}

const zone = new ZoneCores(4, 1);
zone.pass(8);
zone.pass(30, () => zone.suspect("refusals", 3_000));
const { kind, station, whole } = proofAgainst(2, zone);
zone.say(0, { kind, station, bytes: whole });
zone.pass(60);
const [first, other] = zone.houses as [House, House];
const state = stateOf(first.log);
const recorded = [...recordedCertificates(entriesOf(first), crypto).values()];

interface Listed {
  readonly ok: boolean;
  readonly certificateCount: number;
  readonly certificates: readonly { zone: string; key: string; epoch: number; name: string }[];
}

async function listed(stateDir: string): Promise<Listed> {
  const { code, out } = await ran(["ledger", "verify", "--json", "--state", stateDir]);
  assert.is(code, 0, out);
  return JSON.parse(out) as Listed;
}

test("verify lists every certificate by zone, key, epoch and name, and honest agents' lists are the same", async () => {
  const { certificates, certificateCount } = await listed(state);
  assert.ok(recorded.length >= 3);
  assert.is(certificateCount, recorded.length);
  assert.equal(certificates, recorded.map(({ certificate: { epoch, name } }) =>
    ({ zone: ZONE, key: "refusals", epoch, name: `sha256:${name}` })).sort((a, b) => a.epoch - b.epoch));
  assert.equal((await listed(stateOf(other.log))).certificates, certificates);
  const { out } = await ran(["ledger", "verify", "--state", state]);
  assert.match(out, new RegExp(`\\ncertified ${recorded.length}: ${recorded.length} refusals in feeder-7\\n`));
});

test("a log that lacks a certificate is told apart; order does not matter, and parts count once", async () => {
  const { certificates } = await listed(state);
  const last = Buffer.from(recorded.at(-1)!.certificate.whole);
  const isLast = (bytes: Uint8Array): boolean => Buffer.from(bytes).includes(last);
  const less = await listed(stateOf(first.log.filter((bytes) => !isLast(bytes))));
  assert.equal(less.certificates, certificates.slice(0, -1));
  assert.equal((await listed(stateOf(first.log.toReversed()))).certificates, certificates);
  const parts = entriesOf(first).flatMap((entry) => (entry.kind !== "certificate" ? [] :
    entry.statements.map((one) => encodeEntry({ ...entry, statements: [one] }))));
  assert.equal((await listed(stateOf(parts))).certificates, certificates);
});

test("what is no certificate is not counted", async () => {
  const at = entriesOf(first)[0]!.at;
  const { certificates } = await listed(stateOf([
    encodeEntry({ kind: "certificate", at, message: new Uint8Array([1, 2]), statements: [] }),
    encodeEntry({ kind: "certificate", at, message: recorded[0]!.statements[0]!, statements: [] }),
  ]));
  assert.equal(certificates, []);
  assert.not.match((await ran(["ledger", "verify", "--state", stateOf(first.log.slice(0, 1))])).out, /certified/);
});

const raised = first.alerts.find(({ certificate }) => certificate !== undefined)!;

test("explain a zone's incident: who signed, the quorum, each station's growth and statements, renewals", async () => {
  const { code, out, err } = await ran(["explain", raised.incidentId.slice(0, 12), "--state", state]);
  assert.equal([code, err], [0, ""]);
  const { certificate } = recorded[0]!;
  const lines = out.split("\n");
  const from = lines.indexOf("On what the zone signed (--json has the whole hashes)");
  assert.equal(lines.slice(from + 1, from + 5), [
    `  refusals since epoch ${certificate.onset}, certified for epoch ${certificate.epoch} under roster 1`,
    `  by ${certificate.signers.length} votes, a quorum being 3: ${certificate.signers.map(stationAt).join(", ")}`,
    `  certificate sha256:${certificate.name}`, `  entry       ${raised.certificate!.file}`,
  ]);
  const shown = certificate.items.map(({ newer, older }) => [older, newer].map((hash) =>
    `sha256:${Buffer.from(hash).toString("hex").slice(0, 16)}`).join(" to "));
  lines.slice(from + 5, from + 9).forEach((line, index) => {
    assert.match(line, new RegExp(`^    CP-${index} +\\d+\\.\\d nats  from ${shown[index]}$`));
  });
  assert.is(lines[from + 9], `  renewed ${recorded.length - 1} times`);
  assert.not.match(out, /not in the log|On which frames/);
  assert.match(out, /refusals at CP-0 +█+/);
});

test("the same as JSON, with the whole hashes", async () => {
  const { out } = await ran(["explain", raised.incidentId, "--json", "--state", state]);
  const story = JSON.parse(out) as {
    missing: string[]; renewals: number;
    certificates: { name: string; quorum: number; signers: string[]; statements: Record<string, unknown>[] }[];
  };
  assert.equal([story.missing, story.renewals, story.certificates.length], [[], recorded.length - 1, 1]);
  const [{ name, quorum, signers, statements }] = story.certificates as [(typeof story.certificates)[number]];
  assert.equal([name, quorum], [`sha256:${recorded[0]!.certificate.name}`, 3]);
  assert.ok(signers.length >= 3 && signers.every((one) => /^CP-[0-3]$/.test(one)));
  const sum = statements.reduce((total, { nats }) => total + (nats as number), 0);
  assert.ok(sum > 9, `${sum}`);
  for (const one of statements) {
    for (const hash of [one["newer"], one["older"]]) assert.match(hash as string, /^sha256:[0-9a-f]{64}$/);
  }
});

test("explain a proof of guilt: both statements, and who found them", async () => {
  const alert = first.alerts.find(({ threat }) => threat === "agent-misbehaviour")!;
  const { code, out } = await ran(["explain", alert.incidentId, "--state", state]);
  assert.is(code, 0);
  assert.match(out, /\n {2}CP-2 signed both of these, as CP-0 found:\n/);
  assert.match(out, /\n {4}sha256:[0-9a-f]{64} {2}epoch \d+, number 9001\n/);
  assert.not.match(out, /not in the log|On which frames/);
});

test("a certificate that is gone from the log is said to be", async () => {
  const kept = first.log.filter((_, place) => entriesOf(first)[place]!.kind === "alert");
  const { out } = await ran(["explain", raised.incidentId, "--state", stateOf(kept)]);
  assert.match(out, new RegExp(`${raised.certificate!.file} is named by an alert, and is not in the log`));
});

test("a certificate in parts is put together again; what a lost part would tell is a question mark", async () => {
  const entry = entriesOf(first).find((one) => one.kind === "certificate") as CertificateEntry;
  const [one, two] = [entry.statements.slice(0, 5), entry.statements.slice(5)]
    .map((statements) => encodeEntry({ ...entry, statements }));
  const file = contentHash(leafHash(crypto, one!));
  const alert: Alert = { ...raised, evidence: [file], certificate: { ...raised.certificate!, file } };
  const told = encodeEntry({ kind: "alert", at: entry.at, json: JSON.stringify(alert) });
  const explained = async (...log: Uint8Array[]): Promise<string> =>
    (await ran(["explain", raised.incidentId, "--state", stateOf(log)])).out;
  const whole = await explained(one!, two!, told);
  assert.not.match(whole, /\? nats|member|not in the log/);
  assert.match(whole, /CP-3 +\d/);
  const part = await explained(one!, told);
  assert.match(part, /CP-1 +\d[^]*CP-2 +\? nats[^]*member 4 +\? nats/);
});
