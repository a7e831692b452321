import { assert, test } from "../../build/testing.ts";
import { MAX_FRAME_CHARS, parseMessage } from "./ocppj.ts";

test("a call, a result, an error and the two types of 2.1", () => {
  assert.equal(parseMessage('[2,"a","Heartbeat",{}]'), { type: "CALL", id: "a", action: "Heartbeat", payload: {} });
  assert.equal(parseMessage('[3,"a",{"x":1}]'), { type: "CALLRESULT", id: "a", payload: { x: 1 } });
  assert.equal(parseMessage('[4,"a","NotSupported","",{}]'), { type: "CALLERROR", id: "a", code: "NotSupported" });
  assert.equal(parseMessage('[5,"a","InternalError"]'), { type: "CALLRESULTERROR", id: "a", code: "InternalError" });
  assert.equal(parseMessage('[6,"a","X",{}]'), { type: "SEND", id: "a", action: "X", payload: {} });
});

test("a frame of exactly the limit is read, one more character is not", () => {
  const frame = '[2,"a","Heartbeat",{}]';
  const full = frame + " ".repeat(MAX_FRAME_CHARS - frame.length);
  assert.is(parseMessage(full).type, "CALL");
  assert.equal(parseMessage(`${full} `), {
    type: "oddity", oddity: "too-large", detail: "1048577 characters, at most 1048576",
  });
  assert.is(parseMessage("[".repeat(20), 10).type, "oddity");
});

test("nesting as deep as the limit allows neither throws nor takes long", () => {
  const half = MAX_FRAME_CHARS / 2 - 20;
  const deep = `[2,"a","DataTransfer",${"[".repeat(half)}${"]".repeat(half)}]`;
  assert.equal(parseMessage(deep), { type: "oddity", oddity: "over-budget", detail: "nested deeper than 64" });
  assert.is(parseMessage("[".repeat(MAX_FRAME_CHARS)).type, "oddity");
  assert.is(parseMessage('{"a":'.repeat(100_000)).type, "oddity");
});

test("nesting is counted outside of texts only, escaped quotation marks included", () => {
  const nested = (levels: number, inside: string): string =>
    `[2,"a","X",{"pad":"${"x".repeat(5000)}","y":${"[".repeat(levels)}${inside}${"]".repeat(levels)}}]`;
  assert.is(parseMessage(nested(62, '"x"')).type, "CALL");
  assert.is(parseMessage(nested(63, '"x"')).type, "oddity");
  assert.is(parseMessage(nested(50, `"\\"${"[".repeat(100)}\\\\"`)).type, "CALL");
});

test("a numeric id keeps all its digits", () => {
  const id = (text: string): unknown => (parseMessage(text) as { id?: string }).id;
  assert.is(id('[3,9007199254740993,{}]'), "9007199254740993");
  assert.is(id('[ 3 , -5 , {}]'), "-5");
  assert.is(id('[3,1.5,{}]'), "1.5");
  assert.is(id('[3,true,{}]'), undefined);
});

test("an id of any length is bounded, and the message is still read", () => {
  const message = parseMessage(`[2,"${"x".repeat(5000)}","Reset",{}]`);
  assert.is(message.type, "CALL");
  assert.is((message as { id: string }).id.length, 128);
});

test("what a frame says never reaches the reason for refusing it", () => {
  const refused = ["secret", '["secret"]', '{"secret":1}', '[9,"secret"]', '[2,{"secret":1},"a"]', '[2,"secret",{}]'];
  for (const text of refused) {
    assert.not.match(JSON.stringify(parseMessage(text)), "secret");
  }
});

test("a member called __proto__ changes no prototype", () => {
  const message = parseMessage('[2,"a","X",{"__proto__":{"polluted":true}}]') as { payload: object };
  assert.is(Object.getPrototypeOf(message.payload), Object.prototype);
  assert.is(({} as { polluted?: boolean }).polluted, undefined);
});
