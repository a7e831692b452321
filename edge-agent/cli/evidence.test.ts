/** `ledger export`, `verify FILE` and `prove`: good evidence is good, and no part of it can be changed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { headOf } from "../../gossip/certificate.ts";
import { directoryOf } from "../../gossip/directory.ts";
import { makeProof } from "../../gossip/equivocation.ts";
import { messageOfStatement } from "../../gossip/message.ts";
import { encodeRoster, type Roster } from "../../gossip/roster.ts";
import { encodeRosterFile, rosterHash, signRoster } from "../../gossip/roster-file.ts";
import { signStatement } from "../../gossip/statement.ts";
import type { Alert } from "../../models/terms.ts";
import type { WallMs } from "../../models/units.ts";
import { signerFromSeed } from "../adapters/crypto.ts";
import { openLedger } from "../adapters/ledger-file.ts";
import { monthAfter } from "../evidence/evidence-report.ts";
import { formatOperatorKey } from "../operators.ts";
import { fromBase64, toBase64 } from "../record/base64.ts";
import { openCheckpoint, originOf } from "../record/checkpoint.ts";
import { decodeEntry, encodeEntry, type Entry } from "../record/entry.ts";
import { leafHash, verifyInclusion } from "../record/merkle.ts";
import { formatVerifierKey, verifierKeyOf } from "../record/note.ts";
import { appendEntries, checkpoint, contentHash, createRecord, NEW_LOG } from "../record/record.ts";
import { crypto, entriesOf, type House, statementSigner, stationAt, ZONE, ZoneCores } from "../zone-cores.testing.ts";
import { ran } from "./io.testing.ts";

const folder = mkdtempSync(join(tmpdir(), "kerbwatch-evidence-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
/** The keys of zone-cores.testing.ts. */
const operator = signerFromSeed(new Uint8Array(32).fill(64 * 3 + 63));
const logSigner = signerFromSeed(new Uint8Array(32).fill(64));
const logKey = verifierKeyOf(crypto, originOf(stationAt(0)), logSigner.publicKey);

function operatorsFile(name: string, publicKey: Uint8Array): string {
  const key = formatOperatorKey(crypto, { label: "alice", publicKey });
  writeFileSync(at(name), JSON.stringify({ threshold: 1, keys: [key] }));
  return at(name);
}
const OPERATORS = operatorsFile("operators.json", operator.publicKey);
const STRANGERS = operatorsFile("strangers.json", logSigner.publicKey);

function rosterFile(name: string, roster: Roster, signer = operator): string {
  const bytes = encodeRoster(roster);
  writeFileSync(at(name), encodeRosterFile({ bytes, signatures: [signRoster(bytes, signer)] }));
  return at(name);
}

const zone = new ZoneCores(4, 1, { witnesses: true });
zone.pass(8);
zone.pass(30, () => zone.suspect("refusals", 3_000));
zone.pass(20);
const house = zone.houses[0] as House;
const second: Roster = { ...zone.roster, version: 2, previous: rosterHash(crypto, encodeRoster(zone.roster)) };
const ROSTERS = [rosterFile("roster-1.kw", zone.roster), rosterFile("roster-2.kw", second)];
const raised = house.alerts.find(({ scope }) => scope === "zone") as Alert;

/** A state directory with this log and these notes. */
function stateOf(name: string, log: readonly Uint8Array[], note: string, cosigned?: string): string {
  const { store } = openLedger(at(name), crypto);
  store.append(log);
  store.writeCheckpoint(note);
  if (cosigned !== undefined) store.writeCosigned(cosigned);
  store.close();
  return at(name);
}

/** The same of a log that its key signs whatever it holds. */
function signedState(name: string, log: readonly Uint8Array[]): string {
  const record = createRecord({ origin: logKey.name, crypto, signer: logSigner, recovered: NEW_LOG });
  appendEntries(record, log);
  const [effect] = checkpoint(record);
  return stateOf(name, log, effect?.kind === "checkpoint" ? effect.note : "");
}

const STATE = stateOf("state", house.log, house.checkpoint!, house.cosigned);
const FILE = at("evidence.json");
const inStreet = ["--roster", ROSTERS[0]!, "--roster", ROSTERS[1]!, "--operators", OPERATORS];
const exported = (state: string, out: string, ...more: string[]) =>
  ran(["ledger", "export", "--incident", raised.incidentId, "--state", state, "--out", out, ...more]);

interface Shape {
  schemaVersion: string;
  howToVerify: string;
  report: string[];
  incidentId: string;
  log: { checkpoint: string; cosigned?: { note: string; consistency: string[] } };
  rosters: string[];
  entries: { index: number; entry: string; proof: string[] }[];
}

test("an incident of a zone: one file, which the operators' keys alone show to be good", async () => {
  const { code, err } = await exported(STATE, FILE, ...inStreet);
  assert.equal([code, err], [0, ""]);
  const good = await ran(["ledger", "verify", FILE, "--operators", OPERATORS]);
  assert.equal([good.code, good.err], [0, ""], good.out);
  assert.match(good.out, /^Good: every part/);
  assert.match(good.out, /certificate of refusals for epoch \d+ under roster 1: 3 votes of 3 needed/);
  assert.match(good.out, /cosigned by 3 of 3 neighbours \(CP-1, CP-2, CP-3\): 2 of them, of whom one/);
  const told = JSON.parse((await ran(["ledger", "verify", "--json", "--operators", OPERATORS, FILE])).out) as object;
  assert.match(JSON.stringify(told), /"ok":true,"incidentId":"[0-9a-f]{64}"/);
  const { report, entries } = JSON.parse(readFileSync(FILE, "utf8")) as Shape;
  assert.ok(good.out.includes(report.join("\n")), "the report is in the file too");
  assert.ok(entries.length >= 2);
});

test("NIS2, Article 23(4): the clocks count from the first alert", async () => {
  const { report } = JSON.parse(readFileSync(FILE, "utf8")) as Shape;
  const begin = Date.parse(raised.time);
  const line = (name: string): number => Date.parse(/\d{4}\S+Z/.exec(report.find((one) => one.includes(name))!)![0]);
  assert.equal([line("early warning") - begin, line("incident notification") - begin], [24, 72].map((h) => h * 3.6e6));
  assert.is(line("final report"), monthAfter(begin + 72 * 3.6e6 as WallMs));
  for (const [from, to] of [["2026-01-31", "2026-02-28"], ["2028-01-30", "2028-02-29"], ["2026-12-15", "2027-01-15"],
    ["2026-03-31", "2026-04-30"]] as const) {
    assert.is(monthAfter(Date.parse(`${from}T05:06:07.089Z`) as WallMs), Date.parse(`${to}T05:06:07.089Z`));
  }
});

const flip = (text: string, place: number): string => {
  const bytes = fromBase64(text)!;
  bytes[place < 0 ? bytes.length + place : place]! ^= 1;
  return toBase64(bytes);
};
const kindOf = (text: string): string => {
  const entry = decodeEntry(fromBase64(text)!);
  return entry.ok ? entry.value.kind : "";
};
const placeOf = (file: Shape, kind: string): number => file.entries.findIndex(({ entry }) => kindOf(entry) === kind);
const certificateOf = (file: Shape) => file.entries[placeOf(file, "certificate")]!;

/** One part changed, and what is said of it. */
const TAMPERED: readonly (readonly [string, (file: Shape) => void, RegExp])[] = [
  ["another format", (file) => void (file.schemaVersion = "2.0"), /schemaVersion: not 1.0/],
  ["how to verify", (file) => void (file.howToVerify += " Or ask me."), /^howToVerify: /],
  ["a word of the report", (file) => void (file.report[1] += ", perhaps"), /^report: /],
  ["a clock of the report", (file) => void (file.report =
    file.report.map((line) => line.replace("24 hours", "24 days"))), /^report: /],
  ["a line of the report more", (file) => void file.report.push("Ignore it."), /^report: /],
  ["the incident", (file) => void (file.incidentId = "0".repeat(64)), /an alert of another incident/],
  ["the checkpoint's size", (file) => void (file.log.checkpoint = file.log.checkpoint.replace(/\n(\d+)\n/, "\n1$1\n")),
    /log.checkpoint: the signature of kerbwatch\/CP-0 is wrong/],
  ["the checkpoint's origin", (file) => void (file.log.checkpoint = file.log.checkpoint.replaceAll("CP-0", "CP-1")),
    /log.checkpoint: not signed by kerbwatch\/CP-1/],
  ["no checkpoint", (file) => void (file.log.checkpoint = ""), /^log.checkpoint: /],
  ["the cosigned checkpoint in its place", (file) => void (file.log.checkpoint = file.log.cosigned!.note),
    /more than the log's own signature|is not proven/],
  ["a cosignature", (file) => void (file.log.cosigned!.note = file.log.cosigned!.note.replace(/.{6}\n$/, "AAAA==\n")),
    /log.cosigned: /],
  ["a cosignature in another's name", (file) => void (file.log.cosigned!.note =
    file.log.cosigned!.note.replace("CP-1/witness", "CP-9/witness")), /a line that is of no witness/],
  ["a cosignature twice", (file) => void (file.log.cosigned!.note += `${file.log.cosigned!.note.split("\n").at(-2)}\n`),
    /or a second one of the same/],
  ["a cosignature left out", (file) => void (file.log.cosigned!.note =
    `${file.log.cosigned!.note.split("\n").slice(0, -2).join("\n")}\n`), /^report: /],
  ["the witnesses left out", (file) => void delete file.log.cosigned, /^report: /],
  ["the consistency proof", (file) => void file.log.cosigned!.consistency.push(toBase64(new Uint8Array(32))),
    /not proven to be the beginning/],
  ["a bit of an entry", (file) => void (certificateOf(file).entry = flip(certificateOf(file).entry, 200)),
    /entries\[\d+\]: is not proven/],
  ["the last bit of an entry", (file) => void (certificateOf(file).entry = flip(certificateOf(file).entry, -1)),
    /entries\[\d+\]: is not proven/],
  ["an entry's place", (file) => void (file.entries.at(-1)!.index += 1), /entries\[\d+\]: is not proven/],
  ["a hash of an inclusion proof", (file) => void (file.entries[0]!.proof[0] = flip(file.entries[0]!.proof[0]!, 0)),
    /entries\[0\]: is not proven/],
  ["a hash less", (file) => void file.entries[0]!.proof.pop(), /entries\[0\]: is not proven/],
  ["the certificate left out", (file) => void file.entries.splice(placeOf(file, "certificate"), 1),
    /names an entry that is not in the file/],
  ["an alert left out", (file) => void file.entries.splice(placeOf(file, "alert"), 1), /^report: |no alert/],
  ["all entries left out", (file) => void (file.entries = []), /no alert of the incident/],
  ["an entry twice", (file) => void file.entries.push(file.entries.at(-1)!), /not after the one before/],
  ["entries in another order", (file) => void file.entries.reverse(), /not after the one before/],
  ["a bit of a roster", (file) => void (file.rosters[0] = flip(file.rosters[0]!, 60)), /rosters\[0\]: /],
  ["a roster's signature", (file) => void (file.rosters[1] = flip(file.rosters[1]!, -1)), /rosters\[1\]: /],
  ["the first roster left out", (file) => void file.rosters.shift(), /version 1, of a certificate, is not there/],
  ["the second roster left out", (file) => void file.rosters.pop(), /^report: /],
  ["rosters in another order", (file) => void file.rosters.reverse(), /rosters\[1\]: /],
  ["no rosters", (file) => void (file.rosters = []), /say nothing of this log/],
  ["something more", (file) => void Object.assign(file.log, { note: "seen by nobody" }), /log: an unknown key/],
];

test("no part of it can be changed, left out or added", async () => {
  const good = readFileSync(FILE, "utf8");
  for (const [name, change, reason] of TAMPERED) {
    const file = JSON.parse(good) as Shape;
    change(file);
    const path = at("tampered.json");
    writeFileSync(path, JSON.stringify(file));
    assert.is.not(JSON.stringify(file), JSON.stringify(JSON.parse(good)), `${name}: nothing was changed`);
    const { code, out } = await ran(["ledger", "verify", path, "--operators", OPERATORS, "--json"]);
    const said = JSON.parse(out) as { ok: boolean; problem?: string };
    assert.equal([code, said.ok], [1, false], name);
    assert.match(said.problem ?? "", reason, name);
  }
});

test("other operators, a log's key for a street, and what is no evidence: refused", async () => {
  const strangers = await ran(["ledger", "verify", FILE, "--operators", STRANGERS]);
  assert.equal([strangers.code, strangers.out.includes("rosters[0]: signatures: found 0 good")], [1, true]);
  const byKey = await ran(["ledger", "verify", FILE, "--key", formatVerifierKey(logKey)]);
  assert.match(byKey.out, /^NOT GOOD\n {2}rosters: checked with the operators' keys only/);
  for (const text of ["", "[]", "null", "{}", readFileSync(FILE, "utf8").slice(0, -9)]) {
    writeFileSync(at("junk.json"), text);
    assert.is((await ran(["ledger", "verify", at("junk.json"), "--operators", OPERATORS])).code, 1, text.slice(0, 9));
  }
  for (const args of [["verify", FILE], ["verify", at("none"), "--operators", OPERATORS],
    ["verify", FILE, "--operators", OPERATORS, "--key", formatVerifierKey(logKey)], ["verify", FILE, "--key", "x"],
    ["verify", FILE, "--state", STATE, "--operators", OPERATORS], ["export", "--out", FILE], ["prove"],
    ["prove", "--state", STATE, "one"], ["export", "--incident", "xyz", "--out", FILE],
    ["export", "--incident", "ab", "--out", FILE, "--state", STATE, "--operators", OPERATORS]]) {
    assert.is((await ran(["ledger", ...args])).code, 2, args.join(" "));
  }
});

/** What an agent that lies to its own log would have put there. */
const entries = entriesOf(house);
const certificate = entries.find(({ kind }) => kind === "certificate") as Extract<Entry, { kind: "certificate" }>;
const saying = (alert: Alert): Uint8Array =>
  encodeEntry({ kind: "alert", at: certificate.at, json: JSON.stringify(alert) });
const fileIn = (bytes: Uint8Array, more: Partial<Alert> = {}): Uint8Array[] => {
  const file = contentHash(leafHash(crypto, bytes));
  return [bytes, saying({ ...raised, evidence: [file], certificate: { ...raised.certificate!, file }, ...more })];
};

/** Two statements of one epoch by `culprit`, signed with the keys of two members. */
function proofAgainst(culprit: number, by: number): Uint8Array {
  const [first, other] = [culprit, by].map((signer, value) => messageOfStatement(signStatement({
    network: "example", zone: ZONE, station: stationAt(culprit), epoch: zone.epoch, seq: 9_000,
    previous: new Uint8Array(32), rosterVersion: 1, evidence: [value], checkpoint: new Uint8Array(0),
  }, statementSigner(signer))).whole);
  return makeProof(first!, other!, headOf(directoryOf(zone.roster, ZONE), stationAt(0)), statementSigner(0)).whole;
}

/** A log with an incident that rests on a proof. */
function proven(message: Uint8Array): Uint8Array[] {
  const { certificate: _, ...rest } = raised;
  const proof = encodeEntry({ kind: "proof", at: certificate.at, message });
  return [proof, saying({ ...rest, threat: "agent-misbehaviour", evidence: [contentHash(leafHash(crypto, proof))] })];
}

test("a log that its own agent signed over false certificates makes no evidence", async () => {
  const cut = encodeEntry({ ...certificate, statements: certificate.statements.slice(0, 2) });
  const message = certificate.message.slice();
  message[message.length - 80]! ^= 1;
  const LIES: readonly (readonly [Uint8Array[], RegExp])[] = [
    [fileIn(encodeEntry(certificate), { threat: "energy-theft" }), /a certificate of something else/],
    [fileIn(encodeEntry(certificate), { zone: "depot" }), /a certificate of something else/],
    [fileIn(encodeEntry(certificate), { agent: "CP-2" }), /an alert of another agent/],
    [fileIn(encodeEntry(certificate), { time: "soon" }), /no time/],
    [fileIn(cut), /the statements do not raise/],
    [fileIn(encodeEntry({ ...certificate, message })), /the certificate for epoch \d+: /],
    [fileIn(encodeEntry({ ...certificate, message: new Uint8Array(9) })), /a certificate that cannot be read/],
    [fileIn(encodeEntry({ kind: "notice", at: certificate.at, text: "" })), /a certificate of something else/],
    [fileIn(encodeEntry(certificate)).slice(1), /names sha256:\w+, which is not in the log/],
    [proven(certificate.message), /a proof of no zone/],
    [proven(proofAgainst(2, 3)), /a proof that proves nothing/],
  ];
  for (const [i, [log, reason]] of LIES.entries()) {
    const { code, err } = await exported(signedState(`lies-${i}`, log), at("lies.json"), ...inStreet);
    assert.equal([code, reason.test(err)], [1, true], `${i}: ${err}`);
  }
  for (const [i, log] of [fileIn(encodeEntry(certificate)), proven(proofAgainst(2, 2))].entries()) {
    const honest = await exported(signedState(`honest-${i}`, log), at("honest.json"), ...inStreet);
    assert.equal([honest.code, honest.err], [0, ""], "the same without the lies");
  }
  assert.match(readFileSync(at("honest.json"), "utf8"), /two statements of CP-2 that contradict each other/);
});

test("what is newer than the checkpoint waits for the next one", async () => {
  const log = fileIn(encodeEntry(certificate));
  const state = signedState("early", [encodeEntry({ kind: "notice", at: certificate.at, text: "first" })]);
  const { store } = openLedger(state, crypto);
  store.append(log);
  store.close();
  assert.match((await exported(state, at("early.json"), ...inStreet)).err, /does not cover the incident yet/);
  assert.match((await ran(["ledger", "prove", "1", "--state", state])).err, /newer than the checkpoint/);
});

test("a station in no street: the frames are in the report, and the log's own key is asked for", async () => {
  const frame = encodeEntry({ kind: "frame", at: certificate.at, direction: "cp-to-csms", text: '[2,"1","Boot",{}]' });
  const { certificate: _, ...rest } = raised;
  const alone: Alert = { ...rest, scope: "station", evidence: [contentHash(leafHash(crypto, frame))] };
  const state = signedState("alone", [frame, saying(alone)]);
  const without = await exported(state, at("alone.json"));
  assert.match(without.err, /--roster: missing/);
  const inStreetAlone = await exported(state, at("alone.json"), ...inStreet);
  assert.equal([inStreetAlone.code, inStreetAlone.err], [0, ""]);
  const file = JSON.parse(readFileSync(at("alone.json"), "utf8")) as Shape;
  assert.ok(file.report.some((line) => line.includes('[2,"1","Boot",{}]')));
  assert.ok(file.report.some((line) => line.includes("no witness has cosigned this log")));
});

test("prove: a C2SP tlog-proof of the entry, against the cosigned checkpoint where that covers it", async () => {
  for (const which of ["3", contentHash(leafHash(crypto, house.log[3]!))]) {
    const { code, out } = await ran(["ledger", "prove", which, "--state", STATE]);
    assert.is(code, 0);
    const [head = "", ...rest] = out.split("\n\n");
    const [version, extra, index, ...proof] = head.split("\n");
    assert.equal([version, extra, index], ["c2sp.org/tlog-proof@v1", `extra ${toBase64(house.log[3]!)}`, "index 3"]);
    const note = rest.join("\n\n");
    assert.is(note, house.cosigned);
    const opened = openCheckpoint(crypto, note, logKey);
    assert.ok(opened.ok);
    const { size, root } = opened.value;
    const hashes = proof.map((one) => fromBase64(one)!);
    assert.ok(verifyInclusion(crypto, leafHash(crypto, house.log[3]!), 3, size, hashes, root));
  }
  assert.match((await ran(["ledger", "prove", "999999", "--state", STATE])).err, /there is no entry 999999/);
});
