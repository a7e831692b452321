import { seeded } from "../../../build/seeded.ts";
import { assert, test } from "../../../build/testing.ts";
import { isAddress, isPlainText, knowHost } from "./hosts.ts";
import { compareVersions } from "./versions.ts";

test("what protects a download and what does not", () => {
  for (const scheme of ["http", "ftp", "tftp", "ws"]) assert.ok(isPlainText(scheme), scheme);
  for (const scheme of ["https", "ftps", "sftp", "wss", "", "HTTP", "__proto__"]) {
    assert.not.ok(isPlainText(scheme), scheme);
  }
});

test("what is a bare address", () => {
  for (const host of ["203.0.113.5", "203.0.113.5:8080", "[2001:db8::1]"]) assert.ok(isAddress(host), host);
  for (const host of ["fw.example", "1.2.3", "1.2.3.4.example", "", "a.203.0.113.5"]) {
    assert.not.ok(isAddress(host), host);
  }
});

test("hosts: known once, sixteen at most, the oldest leaves", () => {
  const hosts: string[] = [];
  for (let n = 0; n < 40; n++) for (let again = 0; again < 2; again++) knowHost(hosts, `h${n}`);
  assert.equal(hosts, Array.from({ length: 16 }, (_, n) => `h${24 + n}`));
});

test("versions in order, oldest first", () => {
  const ladders = [
    ["1.2", "1.2.1", "1.9", "1.10", "2.0"], ["v1.0-rc1", "v1.0-rc2", "v1.0-rc10", "v1.1"],
    ["2023.12.31", "2024.1.1", "2024.01.15"], ["", "0", "1"], ["1.0", "1.0b"],
  ];
  for (const ladder of ladders) {
    ladder.forEach((left, i) => ladder.forEach((right, j) => {
      assert.is(Math.sign(compareVersions(left, right)), Math.sign(i - j), `${left} and ${right}`);
    }));
  }
  for (const [left, right] of [["1.2", "1-2"], ["V1", "V1"], ["1.02", "1.2"], ["__proto__", "proto"]] as const) {
    assert.is(compareVersions(left, right), 0, `${left} and ${right}`);
  }
});

test("property: an order, whatever the texts", () => {
  const random = seeded(1);
  const word = (): string => Array.from({ length: random.int(12) }, () => random.pick([..."0129ab.-_é"])).join("");
  for (let run = 0; run < 5_000; run++) {
    const [a, b, c] = [word(), word(), word()];
    assert.is(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) + 0, `${a} ${b}`);
    assert.is(compareVersions(a, a), 0);
    const ordered = compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0;
    if (ordered) assert.ok(compareVersions(a, c) <= 0, `${a} ${b} ${c}`);
  }
});
