/** Which messages a rule holds back, and what their sender hears. */
import { assert, test } from "../../build/testing.ts";
import { guardPolicy, type GuardRule } from "./guard-policy.ts";

const RULES: readonly GuardRule[] = [
  { action: "UpdateFirmware", from: "csms", unlessHosts: ["fw.example.com"] },
  { action: "SetNetworkProfile", from: "csms" },
  { action: "DataTransfer", from: "station" },
];
const judge = guardPolicy(RULES)!;
const call = (action: string, payload: object = {}): string => JSON.stringify([2, "m1", action, payload]);

test("no rules, no policy: nothing need be judged", () => assert.is(guardPolicy([]), undefined));

const PASSES: readonly (readonly [string, "cp-to-csms" | "csms-to-cp", string])[] = [
  ["another action", "csms-to-cp", call("Reset", { type: "Soft" })],
  ["the other direction", "cp-to-csms", call("SetNetworkProfile")],
  ["the action's name in a payload", "csms-to-cp", call("Reset", { why: "SetNetworkProfile" })],
  ["a listed host", "csms-to-cp", call("UpdateFirmware", { location: "https://fw.example.com/a.bin" })],
  ["a listed host, in capitals with a port", "csms-to-cp",
    call("UpdateFirmware", { location: "HTTPS://FW.Example.com:8443/a" })],
  ["a result", "csms-to-cp", '[3,"m1",{"status":"SetNetworkProfile"}]'],
  ["an error", "csms-to-cp", '[4,"m1","SetNetworkProfile","",{}]'],
  ["no JSON", "csms-to-cp", '[2,"m1","SetNetworkProfile"'],
  ["no frame", "csms-to-cp", '{"action":"SetNetworkProfile"}'],
  ["empty", "csms-to-cp", ""],
];
for (const [name, direction, text] of PASSES) {
  test(`passes: ${name}`, () => assert.is(judge(direction, text), undefined));
}

const HELD: readonly (readonly [string, "cp-to-csms" | "csms-to-cp", string])[] = [
  ["the action, whatever it says", "csms-to-cp", call("SetNetworkProfile", { slot: 1 })],
  ["a station's call", "cp-to-csms", call("DataTransfer")],
  ["another host", "csms-to-cp", call("UpdateFirmware", { location: "http://198.51.100.66/a.bin" })],
  ["a listed host as the user of another", "csms-to-cp",
    call("UpdateFirmware", { location: "https://fw.example.com@evil.example/a" })],
  ["a listed host beside another", "csms-to-cp",
    call("UpdateFirmware", { a: "https://fw.example.com/a", b: ["ftp://evil.example/"] })],
  ["a URL without a host", "csms-to-cp", call("UpdateFirmware", { location: "file:///tmp/a" })],
  ["URLs too deep to be looked at", "csms-to-cp",
    call("UpdateFirmware", { a: { b: { c: { d: { e: { f: { g: { h: { i: { j: 1 } } } } } } } } } })],
  ["more URLs than are looked at", "csms-to-cp",
    call("UpdateFirmware", { all: new Array(40).fill("https://fw.example.com/a") })],
  ["the name written with escapes", "csms-to-cp", '[2,"m1","Set\\u004eetworkProfile",{}]'],
];
for (const [name, direction, text] of HELD) {
  test(`held back: ${name}`, () => {
    const held = judge(direction, text);
    assert.ok(held !== undefined);
    assert.equal(JSON.parse(held.answer ?? "").slice(0, 3), [4, "m1", "SecurityError"]);
  });
}

test("a host list lets a message without any URL pass: there is nothing to fetch", () =>
  assert.is(judge("csms-to-cp", call("UpdateFirmware", { requestId: 1 })), undefined));

test("the answer keeps the id as it was written, numbers beyond 2^53 and quotes too", () => {
  const answerTo = (id: string): string => judge("csms-to-cp", `[2,${id},"SetNetworkProfile",{}]`)?.answer ?? "";
  assert.match(answerTo("9007199254740993"), /^\[4,9007199254740993,/);
  assert.match(answerTo('"a\\"b"'), /^\[4,"a\\"b",/);
});

test("a SEND (OCPP 2.1) waits for no answer", () => {
  const held = judge("csms-to-cp", '[6,"m1","SetNetworkProfile",{}]');
  assert.ok(held !== undefined && held.answer === undefined);
});

test("what is said of it names action and host, and nothing else of the payload", () => {
  const held = judge("csms-to-cp", call("UpdateFirmware", { location: "ftp://user:secret@evil.example/x?key=1" }));
  assert.is(held?.says, "UpdateFirmware from the CSMS was held back (evil.example)");
});
