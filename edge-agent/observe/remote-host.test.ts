import { assert, test } from "../../build/testing.ts";
import { remoteHost } from "./remote-host.ts";

const HOSTS: readonly (readonly [unknown, string, string])[] = [
  ["https://fw.example/path?x=1", "https", "fw.example"],
  ["HTTPS://FW.Example.:8443", "https", "fw.example"],
  ["ftp://user:pass@up.example/x", "ftp", "up.example"],
  ["ftp://user:p@ss@up.example", "ftp", "up.example"],
  ["sftp://up.example#@evil.example", "sftp", "up.example"],
  ["https://good.example\\@evil.example/", "https", "good.example"],
  ["  wss://csms.example:443/ocpp ", "wss", "csms.example"],
  ["http://[2001:DB8::1]:8080/x", "http", "[2001:db8::1]"],
  ["http://192.0.2.7:80", "http", "192.0.2.7"],
  ["http://b\u00fccher.example/", "http", "b\u00fccher.example"],
  ["http://user:secret@/x", "", ""],
  ["http:///x", "", ""],
  ["http://", "", ""],
  ["fw.example/a.bin", "", ""],
  ["/tmp/fw.bin", "", ""],
  ["javascript:alert(1)", "", ""],
  ["http://a b/", "http", "a"],
  ["http://a\u0000b/", "", ""],
  [`http://${"a".repeat(300)}/`, "", ""],
  ["", "", ""],
  [undefined, "", ""],
  [{ toString: (): string => "http://x/" }, "", ""],
];

for (const [url, scheme, host] of HOSTS) {
  test(`the host of ${String(url).slice(0, 60)} is ${host || "none"}`, () => {
    assert.equal(remoteHost(url), { scheme, host });
  });
}
