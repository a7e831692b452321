import { assert, test } from "../../build/testing.ts";
import type { StationId, ZoneId } from "../../models/units.ts";
import { BrokerRules } from "./broker-rules.ts";
import type { MeshMember, Peer } from "./broker-rules.ts";

const key = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const member = (station: string, zone: string, n: number): MeshMember =>
  ({ station: station as StationId, zone: zone as ZoneId, tlsKey: key(n) });
let members: readonly MeshMember[] = [member("A", "z1", 1), member("B", "z1", 2), member("C", "z2", 3)];
const rules = new BrokerRules({ network: "n", members: () => members });
const a = rules.peerOf(key(1)) as Peer;

const CONNECT = { clientId: "A", clean: true, keepalive: 30, protocolVersion: 4 };
const connects: readonly [string, object, string | undefined][] = [
  ["its own id", {}, undefined],
  ["the id of another member", { clientId: "B" }, "client-id"],
  ["no id", { clientId: "" }, "client-id"],
  ["an id in other letters", { clientId: "a" }, "client-id"],
  ["MQTT 3.1", { protocolVersion: 3 }, "mqtt-version"],
  ["MQTT 5", { protocolVersion: 5 }, "mqtt-version"],
  ["a session to be kept", { clean: false }, "session"],
  ["a will", { will: { topic: "x" } }, "will"],
  ["no keepalive", { keepalive: 0 }, "keepalive"],
  ["a keepalive of an hour", { keepalive: 3_600 }, "keepalive"],
];
for (const [what, change, answer] of connects) {
  test(`CONNECT with ${what}: ${answer ?? "accepted"}`, () => {
    assert.is(rules.connect(a, { ...CONNECT, ...change }), answer);
  });
}

const PUBLISH = { topic: "kw1/n/z1/statement/A", qos: 0, retain: false, payload: new Uint8Array(1) };
const publishes: readonly [string, object, string | undefined][] = [
  ["its own statement", {}, undefined],
  ["a statement of another, passed on", { topic: "kw1/n/z1/statement/B" }, undefined],
  ["one from another zone, passed on", { topic: "kw1/n/z2/vote/C" }, undefined],
  ["QoS 1", { qos: 1 }, undefined],
  ["QoS 2", { qos: 2 }, "qos-2"],
  ["retain", { retain: true }, "retain"],
  ["no payload", { payload: new Uint8Array(0) }, "empty"],
  ["an author in another zone", { topic: "kw1/n/z2/statement/A" }, "unknown-topic"],
  ["an author who is no member", { topic: "kw1/n/z1/statement/X" }, "unknown-topic"],
  ["a kind that there is not", { topic: "kw1/n/z1/opinion/A" }, "unknown-topic"],
  ["another network", { topic: "kw1/m/z1/statement/A" }, "unknown-topic"],
  ["another version", { topic: "kw2/n/z1/statement/A" }, "unknown-topic"],
  ["a level more", { topic: "kw1/n/z1/statement/A/" }, "unknown-topic"],
  ["a level less", { topic: "kw1/n/z1/statement" }, "unknown-topic"],
  ["a system topic", { topic: "$SYS/broker/new/clients" }, "unknown-topic"],
];
for (const [what, change, answer] of publishes) {
  test(`PUBLISH with ${what}: ${answer ?? "accepted"}`, () => {
    assert.is(rules.publish(a, { ...PUBLISH, ...change }), answer);
  });
}

test("PUBLISH of nobody, such as the will of a client that is gone, is refused whatever it says", () => {
  assert.is(rules.publish(undefined, PUBLISH), "will");
});

const FILTERS: readonly [string, string | undefined][] = [
  ["kw1/n/z1/statement/+", undefined],
  ["kw1/n/z2/vote/+", undefined],
  ["#", "wildcard"], ["kw1/#", "wildcard"], ["kw1/n/z1/statement/#", "wildcard"], ["+/+/+/+/+", "wildcard"],
  ["kw1/n/+/statement/+", "wildcard"], ["kw1/n/z1/+/+", "wildcard"], ["kw1/n/z3/statement/+", "wildcard"],
  ["kw1/n/z1/statement/A", "wildcard"], ["$SYS/#", "wildcard"], ["$SYS/+/new/clients", "wildcard"],
  ["$share/x/kw1/n/z1/statement/+", "wildcard"], ["", "wildcard"], ["__proto__", "wildcard"],
];
for (const [topic, answer] of FILTERS) {
  test(`SUBSCRIBE to "${topic}": ${answer ?? "accepted"}`, () => {
    assert.is(rules.subscribe(a, { topic, qos: 0 }), answer);
    assert.is(rules.subscribe(a, { topic, qos: 2 }), "qos-2");
  });
}

test("a key in no roster has no station, and one that is taken off loses every right at once", () => {
  assert.is(rules.peerOf(key(9)), undefined);
  const before = members;
  members = members.filter(({ station }) => station !== "A");
  assert.not(rules.isListed(a));
  assert.is(rules.connect(a, CONNECT), "not-listed");
  assert.is(rules.publish(a, PUBLISH), "not-listed");
  assert.is(rules.subscribe(a, { topic: "kw1/n/z1/statement/+", qos: 0 }), "not-listed");
  members = before;
  assert.is(rules.publish(a, PUBLISH), undefined);
});

test("a key that was given to another station is no longer of the first", () => {
  const before = members;
  members = [member("D", "z1", 1)];
  assert.not(rules.isListed(a));
  assert.is(rules.peerOf(key(1))?.station, "D");
  members = before;
});
