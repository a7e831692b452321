import { assert, test } from "../../build/testing.ts";
import { systemClock, systemTimers } from "./clock.ts";

test("the monotonic clock does not go back, and the wall clock is the machine's", () => {
  const [first, second] = [systemClock.monoMs(), systemClock.monoMs()];
  assert.ok(second >= first);
  assert.ok(Math.abs(systemClock.wallMs() - Date.now()) < 60_000);
});

test("a timer fires once, and a cancelled one does not", async () => {
  const fired: string[] = [];
  const cancel = systemTimers.after(0, () => fired.push("cancelled"));
  cancel();
  await new Promise<void>((resolve) => {
    systemTimers.after(1, () => {
      fired.push("kept");
      resolve();
    });
  });
  assert.equal(fired, ["kept"]);
});

test("a wait longer than Node can hold does not fire at once", async () => {
  let fired = false;
  const cancel = systemTimers.after(Infinity, () => { fired = true; });
  await new Promise<void>((resolve) => systemTimers.after(2, resolve));
  cancel();
  assert.not(fired);
});
