import { execFileSync } from "node:child_process";
import { assert, test } from "../../build/testing.ts";
import { HEAP_FLAGS } from "./small-heap.ts";

test("this V8 knows each flag: one that it does not know would change nothing and say nothing", () => {
  const known = execFileSync(process.execPath, ["--v8-options"], { encoding: "utf8" });
  for (const flag of HEAP_FLAGS) assert.ok(known.includes(`${flag.split("=")[0]} (`), flag);
});
