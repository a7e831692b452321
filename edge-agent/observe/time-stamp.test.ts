import { assert, test } from "../../build/testing.ts";
import { DAY_MS } from "../../models/units.ts";
import type { WallMs } from "../../models/units.ts";
import { clockOf, parseRfc3339, saidAtOf } from "./time-stamp.ts";

const NOON = Date.UTC(2024, 0, 15, 12);

test("RFC 3339 times of one moment are one moment", () => {
  for (const text of [
    "2024-01-15T12:00:00Z", "2024-01-15T12:00:00.000Z", "2024-01-15t12:00:00z", "2024-01-15 12:00:00Z",
    "2024-01-15T13:00:00+01:00", "2024-01-15T13:00:00+0100", "2024-01-15T04:30:00-07:30",
    "2024-01-15T12:00:00.000000000Z",
  ]) assert.is(parseRfc3339(text), NOON, text);
  assert.is(parseRfc3339("2024-01-15T12:00:00.25Z"), NOON + 250);
  assert.is(parseRfc3339("2024-01-15T12:00:00.9999Z"), NOON + 999);
  assert.is(parseRfc3339("2016-12-31T23:59:60Z"), Date.UTC(2017, 0, 1));
});

test("anything else is no time", () => {
  for (const text of [
    "2024-01-15T12:00:00", "2024-01-15", "12:00", "", "yesterday", "2024-13-15T12:00:00Z", "2024-00-15T12:00:00Z",
    "2024-01-32T12:00:00Z", "2024-01-15T25:00:00Z", "2024-01-15T12:61:00Z", "2024-01-15T12:00:00 Europe/Madrid",
    `2024-01-15T12:00:00.${"0".repeat(30)}Z`, NOON, null, undefined, {}, ["2024-01-15T12:00:00Z"],
  ]) assert.is(parseRfc3339(text), undefined, String(text));
});

test("a CSMS's clock is believed from 2015 to 2099", () => {
  assert.is(clockOf("1970-01-01T00:00:00Z"), undefined);
  assert.is(clockOf("2014-12-31T23:59:59Z"), undefined);
  assert.is(clockOf("2015-01-01T00:00:00Z"), Date.UTC(2015, 0, 1));
  assert.is(clockOf("2100-01-01T00:00:00Z"), undefined);
});

test("a message's stamp is believed until a day ahead, unless the agent's own clock was never set", () => {
  const now = NOON as WallMs;
  assert.is(saidAtOf("2024-01-16T12:00:00Z", now), NOON + DAY_MS);
  assert.is(saidAtOf("2024-01-16T12:00:00.001Z", now), undefined);
  assert.is(saidAtOf("2024-01-16T13:00:00Z", 5000 as WallMs), NOON + DAY_MS + 3_600_000);
  assert.is(saidAtOf("2000-01-01T00:00:00Z", now), undefined);
});
