/** A stolen board: what its log said before stays provable, and what its key signs afterwards is worth nothing. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { encodeRoster, memberOf, type Roster, type TrustedUntil } from "../../gossip/roster.ts";
import { encodeRosterFile, rosterHash, signRoster } from "../../gossip/roster-file.ts";
import type { Alert } from "../../models/terms.ts";
import type { WallMs } from "../../models/units.ts";
import { signerFromSeed } from "../adapters/crypto.ts";
import { openLedger } from "../adapters/ledger-file.ts";
import { lastTrusted } from "../evidence/last-trusted.ts";
import { formatOperatorKey } from "../operators.ts";
import { originOf } from "../record/checkpoint.ts";
import { encodeEntry } from "../record/entry.ts";
import { leafHash } from "../record/merkle.ts";
import { appendEntries, checkpoint, contentHash, createRecord, NEW_LOG } from "../record/record.ts";
import { crypto, type House, stationAt, ZoneCores } from "../zone-cores.testing.ts";
import { ran } from "./io.testing.ts";

const folder = mkdtempSync(join(tmpdir(), "kerbwatch-revoked-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
/** The keys of zone-cores.testing.ts. */
const operator = signerFromSeed(new Uint8Array(32).fill(64 * 3 + 63));
const stolenKey = signerFromSeed(new Uint8Array(32).fill(64));
const OPERATORS = at("operators.json");
writeFileSync(OPERATORS, JSON.stringify({
  threshold: 1, keys: [formatOperatorKey(crypto, { label: "alice", publicKey: operator.publicKey })],
}));

function stateOf(name: string, log: readonly Uint8Array[], note: string, cosigned?: string): string {
  const { store } = openLedger(at(name), crypto);
  store.append(log);
  store.writeCheckpoint(note);
  if (cosigned !== undefined) store.writeCosigned(cosigned);
  store.close();
  return at(name);
}

/** A log of anything, signed with the stolen key. */
function thiefs(name: string, log: readonly Uint8Array[], cosigned?: string): string {
  const record = createRecord({ origin: originOf(stationAt(0)), crypto, signer: stolenKey, recovered: NEW_LOG });
  appendEntries(record, log);
  const [effect] = checkpoint(record);
  return stateOf(name, log, effect?.kind === "checkpoint" ? effect.note : "", cosigned);
}

function rosterFile(name: string, roster: Roster): string {
  const bytes = encodeRoster(roster);
  writeFileSync(at(name), encodeRosterFile({ bytes, signatures: [signRoster(bytes, operator)] }));
  return at(name);
}

const zone = new ZoneCores(4, 1, { witnesses: true });
zone.pass(8);
zone.pass(30, () => zone.suspect("refusals", 3_000));
zone.pass(20);
const house = zone.houses[0] as House;
const raised = house.alerts.find(({ scope }) => scope === "zone") as Alert;
const victim = memberOf(zone.roster, stationAt(0))!;
const STATE = stateOf("state", house.log, house.checkpoint!, house.cosigned);
const STATES = zone.houses.slice(1).map(({ log, checkpoint: note }, i) => stateOf(`neighbour-${i + 1}`, log, note!));
const FIRST = rosterFile("roster-1.kw", zone.roster);

const witnessed = async (...more: string[]): Promise<string[]> => Promise.all(STATES.map(async (state) => {
  const { code, out, err } = await ran(["ledger", "witnessed", "CP-0", "--state", state, ...more]);
  assert.is(code, 0, err);
  return out;
}));
const notesIn = (texts: readonly string[]): string[] => texts.flatMap((text) => text.split(/(?<=\n)(?=kerbwatch\/)/));

function trustedBy(notes: readonly string[]): TrustedUntil {
  const trusted = lastTrusted(crypto, zone.roster, [victim], notes);
  if (!trusted.ok) throw new Error(trusted.problem);
  return trusted.value[0]!;
}

/** Version 2, without the stolen board. */
function revoking(name: string, trustedUntil: readonly TrustedUntil[]): string {
  return rosterFile(name, {
    ...zone.roster, version: 2, previous: rosterHash(crypto, encodeRoster(zone.roster)), trustedUntil,
    members: zone.roster.members.slice(1), zones: zone.roster.zones.map((one) => ({ ...one, f: 0 })),
    revoked: Object.values(victim.keys),
  });
}
const verdict = async (file: string, ...more: string[]): Promise<string> => {
  const { code, out } = await ran(["ledger", "verify", at(file), "--operators", OPERATORS, ...more]);
  assert.is(code, out.startsWith("Good") ? 0 : 1, out);
  return out;
};
const exported = async (state: string, out: string, ...rosters: string[]): Promise<string> => {
  const args = ["ledger", "export", "--incident", raised.incidentId, "--state", state, "--out", at(out),
    "--operators", OPERATORS, ...rosters.flatMap((roster) => ["--roster", roster])];
  const { code, err } = await ran(args);
  assert.is(code, err === "" ? 0 : 1);
  return err;
};

test("neighbours hold the last checkpoints that they cosigned, and together name the newest of f + 1", async () => {
  const all = await witnessed();
  const until = trustedBy(notesIn(all));
  const newest = Math.max(...notesIn(all).map((note) => Number(note.split("\n")[1])));
  assert.ok(until.size > house.log.length / 2 && until.size <= newest);
  assert.equal(until.log, stolenKey.publicKey);
  // Before a time: an earlier one.
  const early = await witnessed("--before", raised.time);
  assert.ok(trustedBy(notesIn(early)).size < until.size);
  const none = await ran(["ledger", "witnessed", "CP-0", "--state", STATES[0]!, "--before",
    "2020-01-01T00:00:00.000Z"]);
  assert.equal([none.code, none.out], [1, ""]);
  assert.match(none.err, "holds no checkpoint of CP-0 that was cosigned here before 2020-01-01T00:00:00.000Z");
  for (const args of [["CP 0"], [], ["CP-0", "--before", "yesterday"]]) {
    assert.is((await ran(["ledger", "witnessed", ...args, "--state", STATES[0]!])).code, 2);
  }
});

test("one neighbour alone, a forged line, another's log: no last checkpoint", async () => {
  const [one = "", two = ""] = await witnessed();
  const why = (...notes: string[]): string => {
    const trusted = lastTrusted(crypto, zone.roster, [victim], notes);
    return trusted.ok ? "trusted" : trusted.problem;
  };
  assert.is(why(...notesIn([one, two])), "trusted");
  assert.is(why(...notesIn([one])), "CP-0: found 1 witnesses of one checkpoint; allowed: at least 2");
  assert.is(why(...notesIn([one, one])), "CP-0: found 1 witnesses of one checkpoint; allowed: at least 2");
  const forged = notesIn([two]).at(-1)!.replace("CP-2/witness", "CP-3/witness");
  assert.match(why(forged), /^\[0\]: the cosignature of CP-3 is wrong$|found 0 witnesses/);
  const [note = ""] = notesIn([one]);
  assert.match(why(note.replaceAll("CP-0", "CP-1")), /^\[0\]: of kerbwatch\/CP-1, whose log key does not go/);
  assert.match(why(note.replace(/\n(\d+)\n/, "\n1$1\n")), /^\[0\]: the signature of kerbwatch\/CP-0 is wrong/);
  assert.match(why("junk"), /^\[0\]: /);
  assert.equal(lastTrusted(crypto, zone.roster, [victim], []), { ok: true, value: [] });
});

test("what the log said before the theft stays evidence, and the report says that the key is gone", async () => {
  const until = trustedBy(notesIn(await witnessed()));
  const second = revoking("roster-2.kw", [until]);
  assert.is(await exported(STATE, "before.json", FIRST), "");
  assert.match(await verdict("before.json"), /^Good/);
  assert.match(await verdict("before.json", "--roster", second), /^Good/, "an old file, by what was cosigned in time");
  assert.is(await exported(STATE, "after.json", FIRST, second), "");
  assert.match(await verdict("after.json"), `revoked later; these entries are among its first ${until.size}`);
  assert.match(await verdict("after.json", "--roster", second), /^Good/);
  assert.match(await verdict("after.json", "--roster", FIRST), "--roster: found version 1 of example; allowed");
});

test("an incident behind the last checkpoint, or of a log of which nothing is believed, is no evidence", async () => {
  const early = trustedBy(notesIn(await witnessed("--before", raised.time)));
  const second = revoking("roster-early.kw", [early]);
  assert.is(await exported(STATE, "before.json", FIRST), "");
  assert.match(await verdict("before.json", "--roster", second), `believes the first ${early.size} entries`);
  assert.match(await exported(STATE, "never.json", FIRST, second), `believes the first ${early.size} entries`);
  const nothing = revoking("roster-nothing.kw", []);
  assert.match(await verdict("before.json", "--roster", nothing), "gives to nobody, nor believes anything of");
  assert.match(await exported(STATE, "never.json", FIRST, nothing), "nor believes anything of");
});

/** An incident of the thief's own making. */
function invented(): Uint8Array[] {
  const frame = encodeEntry({ kind: "frame", at: 0 as WallMs, direction: "cp-to-csms", text: "[2]" });
  const { certificate: _, ...rest } = raised;
  const alert = { ...rest, scope: "station", evidence: [contentHash(leafHash(crypto, frame))] };
  return [frame, encodeEntry({ kind: "alert", at: 0 as WallMs, json: JSON.stringify(alert) })];
}

test("a thief who goes on with the log, or writes it anew, is believed by nobody who has the roster", async () => {
  const second = revoking("roster-2.kw", [trustedBy(notesIn(await witnessed()))]);
  const longer = thiefs("longer", [...house.log, ...invented()]);
  const anew = thiefs("anew", [...invented(), ...house.log.slice(2)]);
  const short = thiefs("short", invented());
  for (const [state, why] of [[longer, "believes the first"], [anew, "not proven to be the one"],
    [short, "not proven to be the one"]] as const) {
    assert.is(await exported(state, "thief.json", FIRST), "", "who has no later roster cannot know");
    assert.match(await verdict("thief.json"), /^Good/);
    assert.match(await verdict("thief.json", "--roster", second), why);
    assert.not.equal(await exported(state, "thief-2.json", FIRST, second), "");
  }
});

test("ledger verify: the log up to the last checkpoint, and how much behind it is not believed", async () => {
  const until = trustedBy(notesIn(await witnessed()));
  const second = revoking("roster-2.kw", [until]);
  const verified = (state: string, roster: string) =>
    ran(["ledger", "verify", "--state", state, "--roster", roster, "--operators", OPERATORS]);
  const longer = thiefs("longer-2", [...house.log, ...invented()]);
  const behind = house.log.length + 2 - until.size;
  const good = await verified(longer, second);
  assert.is(good.code, 0, good.out);
  assert.match(good.out, `Good: every one of the ${until.size} entries that were signed`);
  assert.match(good.out,
    `revoked   the key of this log: its first ${until.size} entries are believed, ${behind} behind not\n`);
  const anew = await verified(thiefs("anew-2", [...invented(), ...house.log.slice(2)]), second);
  assert.equal([anew.code, /the first \d+ entries are not those that the roster believes/.test(anew.out)], [1, true]);
  const short = await verified(thiefs("short-2", invented()), second);
  assert.match(short.out, `2 entries, and the roster believes ${until.size}: some were lost or taken out`);
  const nothing = await verified(STATE, revoking("roster-nothing.kw", []));
  assert.equal([nothing.code, nothing.out.includes("revoked, and the roster believes nothing of it")], [1, true]);
  assert.is((await verified(STATE, FIRST)).code, 0);
});
