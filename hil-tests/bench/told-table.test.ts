import { assert, test } from "../../build/testing.ts";
import { wordTable } from "./told-table.ts";

test("cells are broken between words, and what is longer than its column is cut", () => {
  assert.is(wordTable(["Act", "Told"], [["1. a quiet session", "nothing"], ["2.", "abcdefghijkl or so"]], [9, 8]), [
    "Act        Told",
    "---------  --------",
    "1. a       nothing",
    "quiet",
    "session",
    "2.         abcdefgh",
    "           ijkl or",
    "           so",
    "",
  ].join("\n"));
});

test("an empty cell takes its place, an empty row a line", () => {
  assert.is(wordTable(["a", "b"], [["", "x"], ["", ""]], [2, 2]), "a   b\n--  --\n    x\n\n");
});
