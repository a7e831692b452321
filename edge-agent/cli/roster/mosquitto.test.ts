/** From a roster and its member files to a broker's, and every way that it is refused. */
import { X509Certificate } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../../build/testing.ts";
import { systemRandom } from "../../adapters/crypto.ts";
import { loadOrCreateKeys, readKey } from "../../adapters/keys.ts";
import { rawKeyOf, tlsIdentity } from "../../adapters/tls-identity.ts";
import { ran as run } from "../io.testing.ts";
import type { StationId } from "../../../models/units.ts";

const root = mkdtempSync(join(tmpdir(), "kerbwatch-site-"));
const at = (name: string): string => join(root, name);
const textOf = (name: string): string => readFileSync(at(name), "utf8");
const STATIONS = ["CP-1", "CP-2", "CP:3"];

/** Files by their names in the folder of the test. */
const ran = (args: readonly string[]): ReturnType<typeof run> =>
  run(args.map((arg) => arg.replace(/^@/, `${root}/`)));

async function done(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await ran(args);
  assert.is(code, 0, err);
  return out;
}

/** The command with some options changed; an empty value leaves one out. */
function site(changes: Readonly<Record<string, string>> = {}): readonly string[] {
  const options = { operators: "@operators.json", members: "@members", out: "@site", host: "10.0.0.9", ...changes };
  const given = Object.entries(options).filter(([, value]) => value !== "");
  return ["roster", "mosquitto", changes[""] ?? "@roster.kw",
    ...given.flatMap(([name, value]) => (name === "" ? [] : [`--${name}`, value.replace(/^@/, `${root}/`)]))];
}

async function refused(changes: Readonly<Record<string, string>>): Promise<string> {
  const { code, out, err } = await ran(site({ out: "@never", ...changes }));
  assert.is(code, 2, err);
  assert.is(out, "");
  assert.match(err, /^kerbwatch: [^\n]+\n$/);
  assert.not(existsSync(at("never")));
  return err;
}

const REGION = `
version: 1
region: town
zones:
  - { id: street, stations: [{ id: CP-1, ratedW: 22000 }, { id: CP-2, ratedW: 22000 }] }
  - { id: depot, stations: [{ id: "CP:3", ratedW: 22000 }] }
`;

mkdirSync(at("members"));
writeFileSync(at("region.yaml"), REGION);
const enrolled = (async () => {
  const operator = JSON.parse(await done("keygen", "--operator", "@alice.key", "--json")) as { publicKey: string };
  writeFileSync(at("operators.json"), JSON.stringify({ threshold: 1, keys: [operator.publicKey] }));
  for (const station of STATIONS) {
    const member = `@members/${station}.member.json`;
    await done("keygen", "--state", `@state/${station}`, "--station", station, "--member", member);
  }
  await done("roster", "create", "--region", "@region.yaml", "--members", "@members", "--operators",
    "@operators.json", "--out", "@roster.kwu");
  await done("roster", "sign", "@roster.kwu", "--key", "@alice.key");
})();
enrolled.catch(() => undefined); // each test that waits for it tells

test("the files name every member by the very certificate that its agent shows", async () => {
  await enrolled;
  const out = await done(...site());
  assert.match(out, 'brokers: ["mqtts://10.0.0.9:8883"]');
  const certificates = STATIONS.map((station) =>
    tlsIdentity(station as StationId, loadOrCreateKeys(at(`state/${station}`), systemRandom).tlsSeed).cert);
  assert.is(textOf("site/members.pem"), certificates.join(""));
  const conf = textOf("site/mosquitto.conf");
  for (const line of ["listener 8883", "max_connections 70", `cafile ${at("site")}/members.pem`,
    `acl_file ${at("site")}/acl`, "require_certificate true", "use_identity_as_username true",
    "use_username_as_clientid true", "allow_anonymous false", "persistence false", "max_packet_size 20480",
    "message_size_limit 16384"]) assert.ok(conf.includes(`\n${line}\n`), line);
  assert.not.match(conf, "undefined");
  assert.is(textOf("site/acl").replace(/^#.*\n/gm, ""), `
user CP-1
topic read kw1/town/street/+/+
topic read kw1/town/+/summary/+
topic write kw1/town/street/+/CP-1

user CP-2
topic read kw1/town/street/+/+
topic read kw1/town/+/summary/+
topic write kw1/town/street/+/CP-2

user CP:3
topic read kw1/town/depot/+/+
topic read kw1/town/+/summary/+
topic write kw1/town/depot/+/CP:3
`);
});

test("the broker's own key is made once, for its owner alone; its certificate, for what is dialled", async () => {
  await enrolled;
  await done(...site({ out: "@own" }));
  const [cert, key] = [textOf("own/broker.crt"), textOf("own/broker.key")];
  assert.is(statSync(at("own/broker.key")).mode & 0o777, 0o600);
  assert.is(statSync(at("own/broker.crt")).mode & 0o777, 0o644);
  assert.is(new X509Certificate(cert).checkIP("10.0.0.9"), "10.0.0.9");
  assert.is(new X509Certificate(cert).checkIP("10.0.0.8"), undefined);
  assert.match(await done(...site({ out: "@own", host: "other.example" })), "left as they are");
  assert.equal([textOf("own/broker.crt"), textOf("own/broker.key")], [cert, key]);
  const name = `${"a".repeat(60)}.${"b".repeat(60)}.example`;
  await done(...site({ out: "@named", host: name, listen: "127.0.0.1:1", at: "/etc/mosquitto/kw" }));
  const named = new X509Certificate(textOf("named/broker.crt"));
  assert.is(named.checkHost(name), name);
  assert.is(named.checkHost("b.example"), undefined);
  assert.not(named.ca);
  assert.match(textOf("named/mosquitto.conf"), "\nlistener 1 127.0.0.1\n");
  assert.match(textOf("named/mosquitto.conf"), "\nkeyfile /etc/mosquitto/kw/broker.key\n");
  assert.match(await done(...site({ out: "@bare", host: "" })), "missing   ");
  assert.not(existsSync(at("bare/broker.key")));
});

test("a roster that is not believed, and options that say nothing: refused before anything is written", async () => {
  await enrolled;
  assert.match(await refused({ "": "@roster.kwu" }), "0 good signatures of trusted operators; allowed: at least 1");
  assert.match(await refused({ "": "@none.kw" }), "none.kw: no such file");
  assert.match(await refused({ operators: "" }), "--operators: missing; allowed: --operators FILE");
  assert.match(await refused({ members: "" }), "--members: missing; allowed: --members DIR");
  for (const host of ["a b", "mqtts://a", "a:1", "::1", "a.", "a\nb"]) {
    assert.match(await refused({ host }), `--host: found ${JSON.stringify(host)}; allowed: the name or IPv4 address`);
  }
  for (const listen of ["0", "65536", "a", "a:0", "1.5", "mqtts://a:1"]) {
    assert.match(await refused({ listen }), "--listen: found");
  }
  assert.match(await refused({ at: "etc" }), '--at: found "etc"; allowed: a path that begins with /');
  assert.match(await refused({ at: "/etc\nallow_anonymous true" }), "--at: found");
});

test("member files that are not the roster's, or give no certificate, are refused by name", async () => {
  await enrolled;
  mkdirSync(at("wrong"));
  const names = STATIONS.map((station) => `${station}.member.json`);
  for (const name of names) copyFileSync(at(`members/${name}`), at(`wrong/${name}`));
  const good = JSON.parse(textOf("members/CP-2.member.json")) as Record<string, unknown>;
  const withMember = (member: Record<string, unknown>): Promise<string> => {
    writeFileSync(at("wrong/CP-2.member.json"), JSON.stringify(member));
    return refused({ members: "@wrong" });
  };
  const { certificateSignature, ...early } = good;
  assert.match(await withMember(early), "CP-2.member.json: certificateSignature: found nothing; allowed: what `keygen");
  const flipped = `${String(certificateSignature).startsWith("A") ? "B" : "A"}${String(certificateSignature).slice(1)}`;
  assert.match(await withMember({ ...good, certificateSignature: flipped }), "found \"one that is not of this device");
  const other = JSON.parse(textOf("members/CP-1.member.json")) as Record<string, unknown>;
  const { certificateSignature: others } = other;
  assert.match(await withMember({ ...good, certificateSignature: others }), "not of this device");
  for (const none of ["", "AAAA", 7, `${String(certificateSignature)}\n`]) {
    assert.match(await withMember({ ...good, certificateSignature: none }), "allowed: 64 bytes in base64");
  }
  assert.match(await withMember(other), 'station: found "CP-1"; allowed: CP-2, as the file\'s name says');
  await done("keygen", "--state", "@state/new", "--station", "CP-2", "--member", "@wrong/CP-2.member.json");
  assert.match(await refused({ members: "@wrong" }), 'CP-2.member.json: keys.tls: found "another key"; allowed');
  assert.match(await refused({ members: "@none" }), "CP-1.member.json: no such file");
});

test("a folder that cannot take the files ends it with the reason", async () => {
  await enrolled;
  writeFileSync(at("file"), "");
  const blocked = await ran(site({ out: "@file" }));
  assert.is(blocked.code, 1);
  assert.match(blocked.err, /file: cannot be written to \(EEXIST\)\n$/);
  mkdirSync(at("half"));
  writeFileSync(at("half/broker.key"), "");
  const half = await ran(site({ out: "@half" }));
  assert.is(half.code, 2);
  assert.match(half.err, "half/broker.key alone\"; allowed: broker.crt and broker.key, or neither of them");
});

test("the certificates are for these names and keys, and can sign no others", async () => {
  await enrolled;
  await done(...site());
  const pems = textOf("site/members.pem").match(/-----BEGIN[^]*?END CERTIFICATE-----\n/g) ?? [];
  assert.equal(pems.map((pem) => new X509Certificate(pem).subject), STATIONS.map((station) => `CN=${station}`));
  assert.ok(pems.every((pem) => !new X509Certificate(pem).ca));
  assert.equal(rawKeyOf(new X509Certificate(pems[0] ?? "")), readKey(at("state/CP-1"), "tls")?.publicKey);
});
