import { execFileSync } from "node:child_process";
import { X509Certificate, createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import type { StationId } from "../../models/units.ts";
import { signerFromSeed } from "./crypto.ts";
import { certificateOf, rawKeyOf, serverIdentity, tlsIdentity } from "./tls-identity.ts";

const seed = (n: number): Uint8Array => seeded(n).bytes(32);
const station = (text: string): StationId => text as StationId;
const nameOf = (certificate: X509Certificate): string => certificate.subject.replace(/^CN=/, "");
const openssl = ((): boolean => {
  try {
    execFileSync("openssl", ["version"]);
    return true;
  } catch {
    return false;
  }
})();

test("the certificate carries the station's name and the raw key of the seed, and is signed by it", () => {
  const identity = tlsIdentity(station("CP-001"), seed(1));
  const certificate = new X509Certificate(identity.cert);
  assert.equal(identity.publicKey, signerFromSeed(seed(1)).publicKey);
  assert.equal(rawKeyOf(certificate), identity.publicKey);
  assert.is(nameOf(certificate), "CP-001");
  assert.ok(certificate.verify(certificate.publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(identity.key)));
  assert.not(certificate.ca);
  assert.is(Date.parse(certificate.validFrom), Date.UTC(2020, 0, 1));
  assert.is(Date.parse(certificate.validTo), Date.UTC(9999, 11, 31, 23, 59, 59));
});

test("one key and station give one certificate; another key or station another", () => {
  const cert = (name: string, n: number): string => tlsIdentity(station(name), seed(n)).cert;
  assert.is(cert("CP-001", 1), cert("CP-001", 1));
  const different = [cert("CP-001", 1), cert("CP-001", 2), cert("CP-002", 1)];
  assert.is(new Set(different).size, 3);
  assert.is(new Set(different.map((text) => new X509Certificate(text).serialNumber)).size, 3);
});

test("every length of a station id, and a key object in place of a seed", () => {
  for (let length = 1; length <= 48; length++) {
    const name = "A:_.-zZ9".repeat(6).slice(0, length);
    assert.is(nameOf(new X509Certificate(tlsIdentity(station(name), seed(length)).cert)), name);
  }
  const { privateKey } = generateKeyPairSync("ed25519");
  const identity = tlsIdentity(station("CP-001"), privateKey);
  assert.equal(rawKeyOf(new X509Certificate(identity.cert)), identity.publicKey);
});

test("a seed of another length and keys of other kinds are refused", () => {
  assert.throws(() => tlsIdentity(station("A"), new Uint8Array(31)), /32 bytes/);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  assert.throws(() => tlsIdentity(station("A"), privateKey), /Ed25519/);
  assert.throws(() => tlsIdentity(station("A"), publicKey), /Ed25519/);
  assert.is(rawKeyOf(undefined), undefined);
});

test("from key, station and signature the same certificate is made again; from other ones none", () => {
  const { cert, publicKey, signature } = tlsIdentity(station("CP-001"), seed(1));
  const other = tlsIdentity(station("CP-002"), seed(2));
  assert.is(certificateOf(station("CP-001"), publicKey, signature), cert);
  assert.is(certificateOf(station("CP-002"), publicKey, signature), undefined);
  assert.is(certificateOf(station("CP-001"), other.publicKey, signature), undefined);
  assert.is(certificateOf(station("CP-001"), publicKey, other.signature), undefined);
  const flipped = signature.map((byte, i) => byte ^ Number(i === 40));
  assert.is(certificateOf(station("CP-001"), publicKey, flipped), undefined);
  assert.is(certificateOf(station("CP-001"), publicKey, new Uint8Array(0)), undefined);
});

test("a server's certificate is for the name or IPv4 address that it was made for", () => {
  const named = new X509Certificate(serverIdentity("site.example", seed(1)).cert);
  assert.is(named.checkHost("site.example"), "site.example");
  assert.is(named.checkHost("example"), undefined);
  assert.ok(named.verify(named.publicKey));
  const numbered = new X509Certificate(serverIdentity("10.0.0.9", seed(1)).cert);
  assert.is(numbered.checkIP("10.0.0.9"), "10.0.0.9");
  assert.is(numbered.checkIP("9.0.0.10"), undefined);
});

const NAME = "OpenSSL takes the certificate for both ends of a connection, strictly, and finds no fault with its form";
if (!openssl) test.skip(NAME, "no openssl");
else test(NAME, () => {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-cert-"));
  try {
    const [mine, other] = [join(folder, "mine.pem"), join(folder, "other.pem")];
    writeFileSync(mine, tlsIdentity(station("CP-001"), seed(1)).cert);
    writeFileSync(other, tlsIdentity(station("CP-002"), seed(2)).cert);
    const verify = (ca: string, purpose: string): string => execFileSync("openssl",
      ["verify", "-check_ss_sig", "-purpose", purpose, "-CAfile", ca, mine], { encoding: "utf8", stdio: "pipe" });
    assert.match(verify(mine, "sslclient"), /OK/);
    assert.match(verify(mine, "sslserver"), /OK/);
    assert.throws(() => verify(other, "sslclient"));
    const text = execFileSync("openssl", ["x509", "-in", mine, "-noout", "-text"], { encoding: "utf8" });
    for (const part of [/Version: 3/, /CN = CP-001/, /ED25519/, /CA:FALSE/, /Not After : Dec 31 23:59:59 9999/]) {
      assert.match(text, part);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
