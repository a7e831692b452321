import { assert, test } from "../../../build/testing.ts";
import type { WallMs } from "../../../models/units.ts";
import { guessBurst } from "../../attackers/guessed-tokens.ts";
import { collect, type Capture } from "../../sim/capture.ts";
import { dice } from "../../sim/dice.ts";
import { honestCapture } from "../../sim/honest.ts";
import { PROFILES } from "../../sim/profile.ts";
import { itemsOf, runTrial } from "../../sim/trial.ts";
import { copyOf } from "./copy.ts";
import { type Raised, Watch } from "./watch.ts";

const FROM = Date.UTC(2026, 2, 2) as WallMs;

function attackedWeek(): Capture {
  const honest = collect({ station: "CP-1", ocppVersion: "1.6" }, honestCapture({
    station: "CP-1", ocppVersion: "1.6", seed: 3, from: FROM, days: 7, profile: PROFILES["public-rapid"], evses: 2,
    meterEveryS: 300, clockAlignedS: 0 }).items);
  return guessBurst(honest, dice(1, "burst"), 1).capture;
}

test("what a watch raises is what a whole replay alerts to, to the moment and the terms", () => {
  const capture = attackedWeek();
  const raised: Raised[] = [];
  const watch = new Watch({ station: "CP-1", epochS: 10, from: capture.ocpp[0]!.at });
  for (const item of itemsOf(capture)) watch.take(item, { raised: (one) => raised.push(one) });
  const alerts = runTrial(itemsOf(capture)).alerts.filter(({ state }) => state === "raised");
  assert.ok(alerts.length > 0);
  assert.equal(raised.map(({ threat, at }) => `${threat} ${new Date(at).toISOString()}`),
    alerts.map(({ threat, time }) => `${threat} ${time}`));
  assert.ok(alerts[0]!.summary.includes(raised[0]!.belief.says));
});

test("a fork goes on as the watch itself would have, and leaves it alone", () => {
  const items = [...itemsOf(attackedWeek())];
  const half = Math.floor(items.length / 2);
  const told = (watch: Watch, some: typeof items): string[] => {
    const raised: string[] = [];
    for (const item of some) watch.take(item, { raised: ({ threat, at }) => raised.push(`${threat} ${at}`) });
    return raised;
  };
  const watch = new Watch({ station: "CP-1", epochS: 10, from: items[0]!.at });
  told(watch, items.slice(0, half));
  const before = JSON.stringify(watch.detectState);
  const twin = watch.fork(10);
  const byTwin = told(twin, items.slice(half));
  assert.is(JSON.stringify(watch.detectState), before);
  assert.equal(told(watch, items.slice(half)), byTwin);
  assert.is(JSON.stringify(watch.detectState), JSON.stringify(twin.detectState));
});

test("a copy shares functions and nothing else", () => {
  const run = (): number => 1;
  const from = { run, list: [{ a: 1 }], map: new Map([["k", { b: 2 }]]), set: new Set([3]), bytes: Uint8Array.of(4) };
  const copy = copyOf(from);
  assert.equal(copy, from);
  copy.list[0]!.a = copy.map.get("k")!.b = copy.bytes[0] = 9;
  copy.set.add(9);
  assert.is(copy.run, run);
  assert.equal([from.list[0]!.a, from.map.get("k")!.b, from.bytes[0], from.set.size], [1, 2, 4, 1]);
});
