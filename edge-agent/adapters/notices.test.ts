import { assert, test } from "../../build/testing.ts";
import { RateLimitedNotices } from "./notices.ts";

const MINUTE_MS = 60_000;

test("each kind is said once in ten minutes, and then with how often it was held back", () => {
  let nowMs = 0;
  const said: string[] = [];
  const notices = new RateLimitedNotices((text) => said.push(text), () => nowMs);
  for (let i = 0; i < 5; i++) notices.say("csms", "away");
  notices.say("tap", "other");
  nowMs = 10 * MINUTE_MS - 1;
  notices.say("csms", "away");
  nowMs += 1;
  notices.say("csms", "away");
  assert.equal(said, ["away", "other", "away (and 5 times since the last such line)"]);
});

test("trouble that comes and goes is not said more often for that", () => {
  const said: string[] = [];
  const notices = new RateLimitedNotices((text) => said.push(text), () => 0);
  assert.not(notices.over("csms"), "there was none");
  for (let i = 0; i < 5; i++) {
    notices.say("csms", "away");
    assert.ok(notices.over("csms"));
    assert.not(notices.over("csms"));
  }
  assert.equal(said, ["away"]);
});

test("whoever prints may throw", () => {
  new RateLimitedNotices(() => {
    throw new Error("no terminal");
  }, () => 0).say("csms", "away");
});
