import { assert, test } from "../../build/testing.ts";
import { demand, lastFirmware, lastRegister, raisedIn } from "./street-learning.ts";
import { inTurn } from "./street.ts";

test("the firmware is that of the last boot in the capture", () => {
  const boots = '{"firmwareVersion":"2.0.0"}\n{"raw":"x"}\n{"firmwareVersion":"2.1.0","model":"y"}\n';
  assert.is(lastFirmware(boots), "2.1.0");
  assert.is(lastFirmware('{"payload":{}}\n'), "2.0.0");
  assert.is(lastFirmware('{"firmwareVersion":"'), "2.0.0");
});

test("the meter goes on from the last reading of the capture", () => {
  assert.is(lastRegister('{"energyImportWh":7,"powerW":0}\n{"powerW":0,"energyImportWh":12}\n'), 12);
  assert.is(lastRegister(""), 0);
});

test("how many alerts learning tells of", () => {
  assert.is(raisedIn("learning 2026-03-01\n3 alerts would have been raised on this capture: is it honest?\n"), 3);
  assert.is(raisedIn("learning 2026-03-01\n"), 0);
});

test("a command that failed is told by its last line", () => {
  assert.is(demand("x", { code: 0, out: "done", err: "" }).out, "done");
  assert.throws(() => demand("x", { code: 2, out: "", err: "first\nkerbwatch: no\n" }),
    /^x ended with exit code 2: kerbwatch: no$/);
  assert.throws(() => demand("x", { code: 1, out: "", err: "" }), /^x ended with exit code 1$/);
});

test("so many at a time, all of them, and none is begun after one that failed", async () => {
  let [now, most] = [0, 0];
  const done: number[] = [];
  await inTurn([1, 2, 3, 4, 5], 2, async (one) => {
    most = Math.max(most, now += 1);
    await Promise.resolve();
    now -= 1;
    done.push(one);
  });
  assert.is(most, 2);
  assert.equal(done.sort(), [1, 2, 3, 4, 5]);
  const begun: number[] = [];
  let ended = 0;
  const failed = await inTurn([1, 2, 3, 4], 2, async (one) => {
    begun.push(one);
    if (one === 1) throw new Error("no");
    await new Promise(setImmediate);
    ended += 1;
  }).then(() => "done", (error: Error) => error.message);
  assert.is(failed, "no");
  assert.equal(begun, [1, 2]);
  assert.is(ended, 1, "what was begun has ended");
});
