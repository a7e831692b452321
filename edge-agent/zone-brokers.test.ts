import { assert, test } from "../build/testing.ts";
import { nodeCrypto } from "./adapters/crypto.ts";
import { brokersOf } from "./zone-brokers.ts";

const crypto = nodeCrypto();
const urls = (n: number): string[] => Array.from({ length: n }, (_, i) => `mqtts://b${i}.example:8883`);
const of = (zone: string, list: readonly string[], atOnce: number): readonly string[] =>
  brokersOf(crypto, zone, list, atOnce, (url) => url);
const zones = Array.from({ length: 2_000 }, (_, i) => `feeder-${i}`);

test("known: so that no release moves zones from broker to broker", () => {
  assert.equal(of("feeder-7", urls(4), 2), ["mqtts://b3.example:8883", "mqtts://b0.example:8883"]);
});

test("all members choose the same, in whatever order their lists are; as many as there are when asked for more", () => {
  for (const zone of zones.slice(0, 200)) {
    assert.equal(of(zone, [...urls(8)].reverse(), 2), of(zone, urls(8), 2));
    assert.equal(of(zone, urls(3), 8), urls(3));
  }
});

test("zones are spread evenly, and a broker that goes moves its own zones alone", () => {
  const counts = new Map<string, number>();
  for (const zone of zones) {
    const [one] = of(zone, urls(8), 1);
    counts.set(one!, (counts.get(one!) ?? 0) + 1);
    const left = urls(8).filter((url) => url !== "mqtts://b3.example:8883");
    if (one !== "mqtts://b3.example:8883") assert.equal(of(zone, left, 1), [one]);
  }
  for (const [url, count] of counts) assert.ok(Math.abs(count - 250) < 75, `${url}: ${count} of 2,000`);
});
