/** The whole enrolment from the command line, and every way that it is refused. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { hex } from "../../gossip/bytes.ts";
import { decodeRosterFile } from "../../gossip/roster-file.ts";
import { decodeRoster } from "../../gossip/roster-rules.ts";
import type { Roster } from "../../gossip/roster.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { readKey } from "../adapters/keys.ts";
import { loadRoster } from "../adapters/roster-file.ts";
import { parseOperatorsFile } from "../operators.ts";
import { formatCheckpoint } from "../record/checkpoint.ts";
import { cosign } from "../record/cosignature.ts";
import { signNote } from "../record/note.ts";
import { ran as run } from "./io.testing.ts";

const crypto = nodeCrypto();
const root = mkdtempSync(join(tmpdir(), "kerbwatch-roster-"));
const at = (name: string): string => join(root, name);
const STATIONS = ["CP-001", "CP-002", "CP-003", "CP-004", "CP-005"];

const REGION = `
version: 1
region: example
zones:
  - id: feeder-7
    ratingW: 400000
    liarsTolerated: 1
    stations:
      - { id: CP-004, lat: 56.4603, lon: -2.97, ratedW: 22000 }
      - { id: CP-001, lat: 56.46, lon: -2.97, ratedW: 22000, evses: 2, ocppVersion: "1.6" }
      - { id: CP-002, lat: 56.4601, lon: -2.97, ratedW: 50000 }
      - { id: CP-003, ratedW: 22000 }
  - id: depot
    stations:
      - { id: CP-005, ratedW: 150000, ocppVersion: "2.1" }
events:
  - { kind: tariff, zone: feeder-7, daily: "00:30", spreadS: 600 }
`;

/** Files by their names in the folder of the test. */
function ran(...args: readonly string[]): ReturnType<typeof run> {
  return run(args.map((arg) => arg.replace(/^@/, `${root}/`)));
}

async function done(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await ran(...args);
  assert.is(code, 0, err);
  return out;
}

async function refused(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await ran(...args);
  assert.is(code, 2, err);
  assert.is(out, "");
  assert.match(err, /^kerbwatch: [^\n]+\n$/);
  return err;
}

function copyMembers(stations: readonly string[], to: string): void {
  mkdirSync(at(to));
  for (const station of stations) {
    copyFileSync(at(`members/${station}.member.json`), at(`${to}/${station}.member.json`));
  }
}

function rosterIn(name: string): Roster {
  const file = decodeRosterFile(new Uint8Array(readFileSync(at(name))));
  const roster = file.ok ? decodeRoster(file.value.bytes) : file;
  if (!roster.ok) throw new Error(roster.problem);
  return roster.value;
}

const create = (...more: readonly string[]): readonly string[] =>
  ["roster", "create", "--region", "@region.yaml", "--members", "@members", "--operators", "@operators.json", ...more];

async function operator(label: string): Promise<string> {
  const out = await done("keygen", "--operator", `@${label}.key`, "--json");
  return (JSON.parse(out) as { publicKey: string }).publicKey;
}

// One enrolment for all tests, made by the very commands that the help teaches.
mkdirSync(at("members"));
writeFileSync(at("region.yaml"), REGION);
const keys = { alice: "", bob: "", mallory: "" };
const enrolled = (async () => {
  for (const label of ["alice", "bob", "mallory"] as const) keys[label] = await operator(label);
  writeFileSync(at("operators.json"), JSON.stringify({ threshold: 2, keys: [keys.alice, keys.bob] }));
  for (const [i, station] of STATIONS.entries()) {
    const advertise = i === 4 ? [] : ["--advertise", `10.0.0.${i + 1}:8883`];
    await done("keygen", "--state", `@state/${station}`, "--station", station,
      "--member", `@members/${station}.member.json`, ...advertise);
  }
  await done(...create("--out", "@first.kwu"));
  await done("roster", "sign", "@first.kwu", "--key", "@alice.key");
  await done("roster", "sign", "@first.kw", "--key", "@bob.key");
})();
enrolled.catch(() => undefined); // each test that waits for it tells

function trusted(): { readonly threshold: number; readonly keys: readonly Uint8Array[] } {
  const parsed = parseOperatorsFile(crypto, readFileSync(at("operators.json"), "utf8"));
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}

test("five commands make a roster that an agent believes", async () => {
  await enrolled;
  const loaded = loadRoster(crypto, at("first.kw"), trusted());
  assert.ok(loaded.ok);
  const { roster } = loaded.value;
  assert.equal(roster.members.map(({ station }) => station), STATIONS);
  assert.equal(roster.zones, [{ id: "depot", ratingW: 0, f: 0 }, { id: "feeder-7", ratingW: 400_000, f: 1 }]);
  assert.equal([roster.network, roster.version, roster.fromEpoch, roster.epochS], ["example", 1, 0, 10]);
  const [first, , third, , last] = roster.members;
  assert.equal([first?.address, first?.latE6, first?.lonE6, first?.ratedW],
    ["10.0.0.1:8883", 56_460_000, -2_970_000, 22_000]);
  assert.equal([third?.latE6, third?.lonE6, last?.address], [0, 0, ""]);
  for (const purpose of ["statement", "log", "witness", "tls"] as const) {
    assert.equal(first?.keys[purpose], readKey(at("state/CP-001"), purpose)?.publicKey);
  }
  assert.equal(roster.events, [
    '{"kind":"tariff","zone":"feeder-7","daily":"00:30","spreadS":600,"timezone":"UTC"}',
  ]);
});

test("private keys are for their owners alone, public files for everyone", async () => {
  await enrolled;
  assert.is(statSync(at("alice.key")).mode & 0o777, 0o600);
  assert.is(statSync(at("first.kw")).mode & 0o777, 0o644);
  const { seed } = JSON.parse(readFileSync(at("alice.key"), "utf8")) as { seed: string };
  for (const name of ["operators.json", "members/CP-001.member.json"]) {
    assert.not.match(readFileSync(at(name), "utf8"), /seed/);
    assert.not(readFileSync(at(name), "utf8").includes(seed));
  }
});

test("verify says who signed, as text and as JSON", async () => {
  await enrolled;
  const text = await done("roster", "verify", "@first.kw", "--operators", "@operators.json");
  const good = "Good: version 1 of example, signed by operator/alice and operator/bob (2 needed).\n";
  assert.ok(text.startsWith(good));
  const hash = /^hash {6}([0-9a-f]{64})\n$/.exec(text.slice(good.length))?.[1];
  const json = await done("roster", "verify", "@first.kw", "--operators", "@operators.json", "--json");
  assert.equal(JSON.parse(json), { version: 1, ok: true, network: "example", rosterVersion: 1, hash,
    signedBy: ["operator/alice", "operator/bob"], threshold: 2 });
});

async function notGood(...args: readonly string[]): Promise<string> {
  const { code, out } = await ran("roster", "verify", ...args);
  assert.is(code, 1);
  assert.match(out, /^NOT GOOD\n {2}[^\n]+\n$/);
  return out;
}

test("verify: unsigned, half signed, signed by strangers, changed by one bit", async () => {
  await enrolled;
  const trust = ["--operators", "@operators.json"];
  assert.match(await notGood("@first.kwu", ...trust),
    "found 0 good signatures of trusted operators; allowed: at least 2");
  await done("roster", "sign", "@first.kwu", "--key", "@alice.key", "--out", "@half.kw");
  await done("roster", "sign", "@half.kw", "--key", "@alice.key");
  assert.match(await notGood("@half.kw", ...trust), "found 1 good signature of trusted operators; allowed");
  const { code, err } = await ran("roster", "sign", "@half.kw", "--key", "@mallory.key", "--out", "@foreign.kw");
  assert.is(code, 0);
  assert.match(err, "operator/mallory is not among the operators in this roster; right only while they change");
  assert.match(await notGood("@foreign.kw", ...trust),
    "1 good signature of trusted operators, 1 of keys that are not trusted");
  writeFileSync(at("mallory.json"), JSON.stringify({ threshold: 1, keys: [keys.mallory] }));
  assert.match(await notGood("@first.kw", "--operators", "@mallory.json"),
    "0 good signatures of trusted operators, 2 of keys");
  const bytes = readFileSync(at("first.kw"));
  bytes[bytes.indexOf("feeder-7") + 7]! ^= 1;
  writeFileSync(at("changed.kw"), bytes);
  assert.match(await notGood("@changed.kw", ...trust), "0 good signatures of trusted operators, 2 wrong");
  writeFileSync(at("noise.kw"), "hello");
  assert.match(await notGood("@noise.kw", ...trust), "roster file: CBOR:");
});

test("show tells people and programs what is in it", async () => {
  await enrolled;
  const text = await done("roster", "show", "@first.kw");
  for (const part of [
    /^Roster version 1 of example\nhash {8}[0-9a-f]{64}\nfollows {5}nothing: it is the first\n/, "rounds of 10 s",
    "zone feeder-7: 4 members, 1 may lie or be broken, 3 agree on a verdict, carries 400 kW\n",
    "  CP-001  10.0.0.1:8883  22 kW  56.46, -2.97\n", "  CP-003  10.0.0.3:8883  22 kW  place not known\n",
    "  CP-005  no broker of its own  150 kW", "signatures  2; ", "0 revoked keys, 1 event\n",
  ]) assert.match(text, part);
  const json = JSON.parse(await done("roster", "show", "@first.kw", "--json")) as Record<string, unknown>;
  assert.equal([json["format"], json["network"], json["version"], json["previous"]], [1, "example", 1, ""]);
  assert.equal((json["zones"] as { quorum: number }[]).map(({ quorum }) => quorum), [1, 3]);
  assert.is((json["members"] as unknown[]).length, 5);
});

test("the next version follows: a new station, a replaced board, and keys that are gone for good", async () => {
  await enrolled;
  const before = rosterIn("first.kw");
  copyMembers(["CP-002", "CP-003", "CP-004"], "members-2");
  for (const station of ["CP-001", "CP-006"]) { // a new board, and a new station in the place of CP-005
    await done("keygen", "--state", `@state-2/${station}`, "--station", station,
      "--member", `@members-2/${station}.member.json`);
  }
  writeFileSync(at("region-2.yaml"), REGION.replace("CP-005", "CP-006"));
  const next = ["roster", "create", "--region", "@region-2.yaml", "--members", "@members-2", "--operators",
    "@operators.json", "--previous", "@first.kw"];
  await done(...next, "--out", "@second.kwu");
  const roster = rosterIn("second.kwu");
  assert.is(roster.version, 2);
  assert.ok(Math.abs(roster.fromEpoch * 10 - (Date.now() / 1000 + 3600)) < 60, "an hour from now");
  const gone = before.members.filter(({ station }) => station === "CP-001" || station === "CP-005")
    .flatMap((member) => Object.values(member.keys)).map(hex);
  assert.equal(roster.revoked.map(hex).sort(), gone.sort());
  await done("roster", "sign", "@second.kwu", "--key", "@alice.key");
  await done("roster", "sign", "@second.kw", "--key", "@bob.key");
  const trust = ["--operators", "@operators.json"];
  await done("roster", "verify", "@second.kw", ...trust, "--previous", "@first.kw");
  assert.match(await notGood("@second.kw", ...trust, "--previous", "@second.kw"),
    "version: found 2; allowed: 3, the next one");
  assert.match(await notGood("@first.kw", ...trust, "--previous", "@second.kw"), "version: found 1; allowed: 3");
  await done(...create("--from-epoch", "1", "--out", "@other.kwu"));
  assert.match(await notGood("@second.kw", ...trust, "--previous", "@other.kwu"), "previous: found");
  assert.match(await refused(...next.slice(0, -1), "@second.kw", "--from-epoch", "7", "--out", "@third.kwu"),
    /--from-epoch: found 7; allowed: \d+ or later/);
  // The old board comes back with the keys that were revoked.
  copyFileSync(at("members/CP-001.member.json"), at("members-2/CP-001.member.json"));
  assert.match(await refused(...next.slice(0, -1), "@second.kw", "--out", "@third.kwu"),
    'CP-001.member.json: keys.statement: found "a key that was revoked"; allowed: a key of its own');
  assert.match(await refused(...next, "--epoch", "5", "--out", "@third.kwu"),
    "--epoch: found 5; allowed: 10, as in the");
  assert.not(existsSync(at("third.kwu")));
});

test("people whose words count: keys with a role, listed in the region, signed with the roster", async () => {
  await enrolled;
  const keygen = async (label: string, role: string): Promise<string> =>
    (JSON.parse(await done("keygen", "--operator", `@${label}.key`, "--role", role, "--json")) as
      { publicKey: string }).publicKey;
  const eve = await keygen("eve", "auditor");
  const ivan = await keygen("ivan", "installer");
  assert.match(eve, /^auditor\/eve\+/);
  const people = `people:\n  - "${keys.alice}"\n  - { key: "${ivan}", zones: [depot] }\n  - "${eve}"\n`;
  writeFileSync(at("people.yaml"), `${REGION}${people}`);
  const withPeople = create("--out", "@people.kwu").map((arg) => (arg === "@region.yaml" ? "@people.yaml" : arg));
  await done(...withPeople);
  const listed = rosterIn("people.kwu").people!;
  assert.equal(listed.map(({ name, role, zones }) => [name, role, zones]),
    [["alice", "operator", []], ["eve", "auditor", []], ["ivan", "installer", ["depot"]]]);
  const text = await done("roster", "show", "@people.kwu");
  assert.match(text, "\n3 people whose words count:\n  operator/alice  all zones\n  auditor/eve  all zones\n" +
    "  installer/ivan  depot\n");
  const json = JSON.parse(await done("roster", "show", "@people.kwu", "--json")) as { people: { name: string }[] };
  assert.equal(json.people.map(({ name }) => name), ["alice", "eve", "ivan"]);
  for (const [bad, why] of [
    ["people: [x]", 'people[0]: found "x": not of the form name+hash+key'],
    [`people: ["${eve}", "${eve}"]`, 'people[1].name: found "eve"; allowed: each once, sorted by name'],
    [`people: [{ key: "${eve}", zones: [nowhere] }]`, 'people[0].zones[0]: found "nowhere"; allowed: feeder-7, depot'],
    [`people: [{ key: "${eve}", zone: depot }]`, 'people[0]: unknown key "zone"; did you mean zones?'],
    ["people: []", "people: found []; allowed: a list of at least one"],
  ] as const) {
    writeFileSync(at("people.yaml"), `${REGION}${bad}\n`);
    assert.ok((await refused(...withPeople)).includes(why), why);
  }
  assert.match(await refused("keygen", "--operator", "@x.key", "--role", "king"), '--role: found "king"; allowed:');
  assert.match(await refused("keygen", "--state", "@x", "--role", "auditor"), "--role: found without --operator");
});

/** A checkpoint of the log of CP-001, of so many entries, that these stations cosigned. */
function lastNote(size: number, ...by: readonly string[]): string {
  const log = readKey(at("state/CP-001"), "log")!;
  const text = formatCheckpoint({ origin: "kerbwatch/CP-001", size, root: new Uint8Array(32).fill(size) });
  const lines = by.map((station) =>
    `${cosign(crypto, text, `kerbwatch/${station}/witness`, readKey(at(`state/${station}`), "witness")!, 1)}\n`);
  return `${signNote(crypto, text, "kerbwatch/CP-001", log)}${lines.join("")}`;
}

test("a board that goes: its log is believed up to the newest checkpoint that f + 1 neighbours cosigned", async () => {
  await enrolled;
  const region = REGION.replace(/^.*CP-001.*\n/m, "").replace("liarsTolerated: 1", "liarsTolerated: 0");
  writeFileSync(at("region-5.yaml"), region);
  const next = ["roster", "create", "--region", "@region-5.yaml", "--members", "@members", "--operators",
    "@operators.json", "--previous", "@first.kw", "--out", "@fifth.kwu"];
  writeFileSync(at("two.notes"), lastNote(7, "CP-002") + lastNote(9, "CP-002") + lastNote(11, "CP-002"));
  writeFileSync(at("three.notes"), lastNote(9, "CP-003"));
  await done(...next, "--last", "@two.notes", "@three.notes");
  const { trustedUntil = [], revoked } = rosterIn("fifth.kwu");
  assert.equal(trustedUntil.map(({ station, size, root }) => [station, size, root[0]]), [["CP-001", 9, 9]]);
  assert.is(revoked.length, 4);
  assert.match(await done("roster", "show", "@fifth.kwu"), "\nlogs of revoked keys, and how far they are believed:\n" +
    "  CP-001  9 entries\n");
  assert.match(await refused(...next, "--last", "@two.notes"),
    "--last: CP-001: found 1 witnesses of one checkpoint; allowed: at least 2");
  const { code, err } = await ran(...next.map((arg) => (arg === "@fifth.kwu" ? "@without.kwu" : arg)));
  assert.is(code, 0);
  assert.match(err, "no last checkpoint of CP-001: with this version nothing of such a log is believed any more;");
  writeFileSync(at("junk.notes"), "kerbwatch/CP-001\n");
  assert.match(await refused(...next, "--last", "@junk.notes"), "--last: [0]: no empty line between text and");
  assert.match(await refused(...create("--out", "@never.kwu", "--last", "@two.notes")),
    "; allowed: with --previous, whose members go");
  // The receipt of a factory reset serves too.
  writeFileSync(at("receipt"), `c2sp.org/tlog-proof@v1\nindex 12\n\n${lastNote(13, "CP-002", "CP-003", "CP-004")}`);
  await done(...next.map((arg) => (arg === "@fifth.kwu" ? "@receipt.kwu" : arg)), "--last", "@receipt");
  assert.equal(rosterIn("receipt.kwu").trustedUntil?.map(({ size }) => size), [13]);
  // The version after it keeps what was said once.
  const after = next.map((arg) => ({ "@first.kw": "@fifth.kwu", "@fifth.kwu": "@sixth.kwu" })[arg] ?? arg);
  assert.not.match((await ran(...after)).err, "no last checkpoint");
  assert.equal(rosterIn("sixth.kwu").trustedUntil, trustedUntil);
});

test("create says which station, key or file is wrong", async () => {
  await enrolled;
  const out = ["--out", "@never.kwu"];
  const withRegion = async (from: string, to: string): Promise<string> => {
    writeFileSync(at("bad.yaml"), REGION.replace(from, to));
    return refused(...create(...out).map((arg) => (arg === "@region.yaml" ? "@bad.yaml" : arg)));
  };
  assert.match(await withRegion("CP-003", "CP-033"),
    /--members: CP-033 of the region: .*CP-033\.member\.json: no such file/);
  assert.match(await withRegion("liarsTolerated: 1", "liarsTolerated: 2"),
    "zones[0].liarsTolerated: found 2; allowed: at most 1 for 4 stations (n > 3f)");
  assert.match(await withRegion("region: example", "region: my street"),
    'region: found "my street"; allowed: 1 to 48 of');
  assert.match(await withRegion("ratingW: 400000", "ratingW: 1e11"),
    "zones[0].ratingW: found 100000000000; allowed: at most");
  assert.match(await withRegion("zones:", "zone:"),
    /--region .*bad\.yaml: region file: unknown key "zone"; did you mean zones\?/);
  assert.match(await refused(...create("--out")), "--out: found no value");
  assert.match(await refused(...create(...out, "--epoch", "0")),
    '--epoch: found "0"; allowed: a whole number from 1 to 3600');
  assert.match(await refused(...create(...out, "--from-epoch", "-1")), "--from-epoch: found no value");
  assert.match(await refused(...create(...out, "--from-epoch=1.5")),
    '--from-epoch: found "1.5"; allowed: a whole number');
  assert.match(await refused(...create(...out, "--previous", "@none.kw")), /--previous: .*none\.kw: no such file/);
  assert.match(await refused(...create(...out, "--previous", "@operators.json")),
    /--previous .*operators\.json: roster file: /);
  const missing = await refused("roster", "create", "--region", "@region.yaml", "--members", "@members", ...out);
  assert.match(missing, "--operators: missing; allowed: --operators FILE");
  writeFileSync(at("bad.json"), '{"threshold":3,"keys":[]}');
  const badOperators = create(...out).map((arg) => (arg === "@operators.json" ? "@bad.json" : arg));
  assert.match(await refused(...badOperators),
    /--operators .*bad\.json: keys: found \[\]; allowed: a list of 1 to 16/);
  assert.not(existsSync(at("never.kwu")));
});

test("a member file of another station, with a changed key, or twice the same board is refused", async () => {
  await enrolled;
  const good = readFileSync(at("members/CP-002.member.json"), "utf8");
  copyMembers(STATIONS, "members-3");
  const withMember = async (text: string): Promise<string> => {
    writeFileSync(at("members-3/CP-002.member.json"), text);
    return refused(...create("--out", "@never.kwu").map((arg) => (arg === "@members" ? "@members-3" : arg)));
  };
  const key = (purpose: string): string => (JSON.parse(good) as { keys: Record<string, string> }).keys[purpose]!;
  const swapped = good.replace(key("tls"),
    "x").replace(key("witness"), key("tls")).replace('"x"', `"${key("witness")}"`);
  for (const [text, problem] of [
    ["", "not a member file"], ["[]", "not a member file"], ["x".repeat(5_000),
      "found 5000 bytes; allowed: at most 4096"],
    [readFileSync(at("members/CP-001.member.json"), "utf8"),
      'station: found "CP-001"; allowed: CP-002, as the file\'s name says'],
    [good.replace('"version": 1', '"version": 2'), "version: found 2; allowed: 1"],
    [good.replace('"CP-002"', '"CP 002"'), 'station: found "CP 002"; allowed: 1 to 48'],
    [good.replace('"CP-002"', '"CP-003"'), "keys.statement: found "],
    [good.replace("10.0.0.2:8883", "10.0.0.2"), 'address: found "10.0.0.2"; allowed: host:port'],
    [good.replace("10.0.0.2:8883", "10.0.0.2:0"), "address: found"],
    [good.replace('"address"', '"adress"'), 'unknown key "adress"; allowed: version, station, address, keys'],
    [good.replace(key("log"), `${key("log").slice(0, -1)}${key("log").endsWith("A") ? "B" : "A"}`), "keys.log: found"],
    [good.replace(JSON.stringify(key("log")), "7"), "keys.log: found 7 (no text)"],
    [good.replace('"witness"', '"witnes"'), "keys.witness: found nothing"],
    [swapped, "keys.witness: found"],
  ] as const) assert.match(await withMember(text), problem);
  const state = at("state/CP-002"); // the card of one board copied to another, under its own name
  await done("keygen", "--state", state, "--station", "CP-001", "--member", "@members-3/CP-001.member.json");
  assert.match(await withMember(good),
    'CP-002.member.json: keys.statement: found "the statement key of CP-001"; allowed');
});

test("a member file that no station needs is said, and left out", async () => {
  await enrolled;
  copyMembers(STATIONS, "members-4");
  writeFileSync(at("members-4/CP-099.member.json"), "{}");
  const args = create("--out", "@four.kwu", "--epoch", "1").map((arg) => (arg === "@members" ? "@members-4" : arg));
  const { code, err } = await ran(...args);
  assert.is(code, 0);
  assert.match(err, /CP-099\.member\.json: left out; its station is not in .*region\.yaml\n$/);
  assert.is(rosterIn("four.kwu").epochS, 1);
});

test("sign and show refuse what is no roster, and keys that are none", async () => {
  await enrolled;
  assert.match(await refused("roster", "sign", "--key", "@alice.key"),
    "roster file: missing; allowed: one roster file");
  assert.match(await refused("roster", "sign", "@first.kw"), "--key: missing");
  assert.match(await refused("roster", "sign", "@first.kw", "--key", "@none.key"), "--key: found");
  assert.match(await refused("roster", "sign", "@first.kw", "--key", "@state/CP-001/keys/log.key"),
    "not an operator key");
  assert.match(await refused("roster", "sign", "@region.yaml", "--key", "@alice.key"), /region\.yaml: roster file: /);
  assert.match(await refused("roster", "show", "@none.kw"), /roster: .*none\.kw: no such file/);
  assert.match(await refused("roster", "show", "@members"), "found no regular file");
  assert.match(await refused("roster", "show", "@first.kw", "@first.kwu"),
    "one argument too many; allowed: one roster file");
  writeFileSync(at("huge.kw"), new Uint8Array(262_145));
  assert.match(await refused("roster", "show", "@huge.kw"), "found 262145 bytes; allowed: at most 262144");
  assert.match(await refused("roster"), "roster: found nothing; allowed: create, sign, verify, show");
  assert.match(await refused("roster", "verfy", "@first.kw"), 'roster: found "verfy"; did you mean verify?');
  const { code, err } = await ran("roster", "sign", "@first.kw", "--key", "@alice.key", "--out", "@none/x.kw");
  assert.is(code, 1);
  assert.match(err, "x.kw: cannot be written (ENOENT)");
});

test("keygen: an operator's key is made once; options of the two uses do not mix", async () => {
  await enrolled;
  const line = await done("keygen", "--operator", "@alice.key");
  assert.match(line, `${keys.alice}\n`);
  assert.match(line, "was there; left as it is");
  assert.match(await refused("keygen", "--operator", "@alice.key", "--label", "eve"),
    '--label: found "eve"; allowed: alice, whose');
  assert.match(await refused("keygen", "--operator", "@a b.key"), '--label: found "a b"; allowed: 1 to 48');
  assert.match(await refused("keygen", "--operator", "@x.key", "--state", "@s"), "--state: found beside --operator");
  assert.match(await refused("keygen"), "--state: missing; allowed: --state DIR, or --operator FILE");
  assert.match(await refused("keygen", "--state", "@s", "--label", "a"), "--label: found without --operator");
  assert.match(await refused("keygen", "--state", "@s", "--member", "@m.json"), "--station: missing; allowed");
  assert.match(await refused("keygen", "--state", "@s", "--station", "A", "--advertise", "a:1"),
    "--member: missing; allowed");
  assert.match(await refused("keygen", "--state", "@s", "--station", "A", "--member", "@m.json", "--advertise", "a"),
    '--advertise: found "a"; allowed: host:port');
  assert.not(existsSync(at("s")));
  const { code, err } = await ran("keygen", "--operator", "@none/x.key");
  assert.is(code, 1);
  assert.match(err, "x.key: cannot be made (ENOENT)");
});
