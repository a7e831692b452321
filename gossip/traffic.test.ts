/** What a flood costs its receiver, and whom it keeps from being heard. */
import { assert, test } from "../build/testing.ts";
import { isStationId, type MonotonicMs } from "../models/units.ts";
import { allows, BURST, createTraffic, isSite, MESSAGES_PER_S, SITE, SITE_AUTHOR, type Traffic } from "./traffic.ts";

const URL = "mqtts://site.example:8883";
const MEMBERS = Array.from({ length: 64 }, (_, i) => `CP-${i}`);

/** How many of so many messages get through at a moment. */
function through(traffic: Traffic, from: string, author: string | undefined, tries: number, nowMs: number): number {
  const now = nowMs as MonotonicMs;
  return Array.from({ length: tries }, () => allows(traffic, from, author, now)).filter(Boolean).length;
}

test("a neighbour has one allowance, whoever the authors are; no station can be taken for a site", () => {
  const traffic = createTraffic();
  assert.is(MEMBERS.reduce((sum, author) => sum + through(traffic, "CP-70", author, 100, 0), 0), BURST);
  assert.is(through(traffic, "CP-70", "CP-1", 1_000, 2_000), 2 * MESSAGES_PER_S);
  assert.ok(isSite(URL) && isSite("mqtt://[::1]:1883"));
  assert.not(isStationId(URL));
  assert.not(isSite("mqtts:site.example:8883"), "which could be a station");
});

test("at a site, a third of the largest zone floods for a minute and everybody else is heard all the time", () => {
  const traffic = createTraffic();
  const [liars, honest] = [MEMBERS.slice(0, 21), MEMBERS.slice(21)];
  for (let second = 0; second < 60; second++) {
    for (const liar of liars) {
      const most = second === 0 ? SITE_AUTHOR.burst : SITE_AUTHOR.perS;
      assert.is(through(traffic, URL, liar, 10 * SITE_AUTHOR.burst, second * 1_000), most);
    }
    for (const author of honest) assert.is(through(traffic, URL, author, 6, second * 1_000), 6, `${author}, ${second}`);
  }
});

test("at a site, all of them together cost no more than the site's allowance", () => {
  const traffic = createTraffic();
  const flood = (nowMs: number): number =>
    MEMBERS.reduce((sum, author) => sum + through(traffic, URL, author, 1_000, nowMs), 0);
  assert.is(flood(0), SITE.burst);
  assert.is(flood(1_000), SITE.perS);
  assert.is(through(traffic, "mqtts://other.example:8883", "CP-1", 1_000, 1_000), SITE_AUTHOR.burst, "not another's");
});

test("eight sites and their authors all find room", () => {
  const traffic = createTraffic();
  for (let site = 0; site < 8; site++) {
    for (const author of [...MEMBERS, undefined]) assert.is(through(traffic, `${URL}${site}`, author, 1, 0), 1);
  }
  assert.is(through(traffic, "CP-1", "CP-1", 1, 0), 1);
});
