import { assert, test } from "../../../build/testing.ts";
import { isJsonPointer, valueAt } from "./json-pointer.ts";

/** RFC 6901, section 5. */
const DOCUMENT: unknown = JSON.parse(String.raw`{
  "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8
}`);
const EXAMPLES: readonly (readonly [string, unknown])[] = [
  ["", DOCUMENT], ["/foo", ["bar", "baz"]], ["/foo/0", "bar"], ["/", 0], ["/a~1b", 1], ["/c%d", 2], ["/e^f", 3],
  ["/g|h", 4], ["/i\\j", 5], ["/k\"l", 6], ["/ ", 7], ["/m~0n", 8],
];
for (const [pointer, value] of EXAMPLES) {
  test(`RFC 6901, section 5: ${JSON.stringify(pointer)}`, () => {
    assert.ok(isJsonPointer(pointer));
    assert.equal(valueAt(DOCUMENT, pointer), value);
  });
}

test("section 4: ~01 is ~1 and no slash", () => {
  assert.is(valueAt({ "~1": 1, "/": 2 }, "/~01"), 1);
});

/** Section 4: an index has no sign, no leading zero, and is there; `-` is the one after the last. */
const NOWHERE: readonly (readonly [string, unknown])[] = [
  ["/foo/2", DOCUMENT], ["/foo/-", DOCUMENT], ["/foo/00", DOCUMENT], ["/foo/01", DOCUMENT], ["/foo/+1", DOCUMENT],
  ["/foo/1.0", DOCUMENT], ["/foo/1e0", DOCUMENT], ["/foo/length", DOCUMENT],
  ["/foo/", DOCUMENT], ["/foo/0/0", DOCUMENT],
  ["/bar", DOCUMENT], ["/toString", {}], ["/__proto__", {}], ["/constructor/name", {}], ["/a/b", { "a/b": 1 }],
  ["/a", null], ["/0", "text"], ["/length", "text"], ["/a", 7], ["/foo/4294967296", DOCUMENT], ["//", { "": 1 }],
];
for (const [pointer, document] of NOWHERE) {
  test(`leads nowhere: ${pointer} in ${JSON.stringify(document)}`, () => {
    assert.ok(isJsonPointer(pointer));
    assert.is(valueAt(document, pointer), undefined);
  });
}

test("a member of an own name that every object inherits is found all the same", () => {
  assert.is(valueAt(JSON.parse('{"__proto__":{"x":3}}'), "/__proto__/x"), 3);
});

for (const text of ["a", "a/b", "#/a", "/~", "/a~", "/~2", "/a~b", "$.a", ".a", " /a"]) {
  test(`section 3: ${JSON.stringify(text)} is no pointer`, () => assert.not(isJsonPointer(text)));
}
