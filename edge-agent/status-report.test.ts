import { assert, test } from "../build/testing.ts";
import { messageCounts, zoneClock } from "./status-report.ts";

test("messages that are no OCPP-J count as unparsed, although the tap handed them on as text", () => {
  assert.equal(messageCounts({}, new Map([["not-json", 2], ["unknown-message-type", 1]])),
    { unparsed: { "not-json": 2, "unknown-message-type": 1 } });
});

test("a message that tap and parser both counted is one; what the tap did not hand on counts too", () => {
  const counts = messageCounts({ "too-large": 30, "not-a-frame": 1 }, new Map([["too-large", 20], ["not-a-frame", 3]]));
  assert.equal(counts, { unparsed: { "too-large": 30, "not-a-frame": 3 } });
});

test("the zone's word on the clock: in ms, and the same way round as the CSMS's", () => {
  assert.equal(zoneClock({ state: "off", heard: 5, offsetEpochs: 5 }, 10),
    { state: "off", heard: 5, aheadMs: -50_000 });
  assert.equal(zoneClock({ state: "good", heard: 3, offsetEpochs: 0 }, 10), { state: "good", heard: 3, aheadMs: 0 });
  assert.equal(zoneClock({ state: "listens", heard: 1 }, 10), { state: "listens", heard: 1 });
});

test("what was read and broke a rule stands apart", () => {
  assert.equal(messageCounts({}, new Map([["call-error", 4]])), { unparsed: {}, oddities: { "call-error": 4 } });
});
