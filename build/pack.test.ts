/** A program that carries its own text compressed is that program. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { PROGRAMS, makeProgram } from "./bundler.ts";
import { packed } from "./pack.ts";
import { repoRoot } from "./paths.ts";
import { assert, test } from "./testing.ts";

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function run(file: string, ...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

/** Runs `text`, packed, in a folder of its own. */
function runPacked(text: string, ...args: string[]): Ran & { readonly file: string } {
  const file = join(mkdtempSync(join(tmpdir(), "kerbwatch-pack-")), "program.cjs");
  writeFileSync(file, packed(text, "program.plain.cjs"));
  return { ...run(file, ...args), file };
}

const GIVEN = `#!/usr/bin/env node
"use strict";
console.log(JSON.stringify([__filename, __dirname, module.id, require.main === module, exports === module.exports,
  typeof require("node:fs").readFileSync, process.argv[1], process.argv[2], (function () { return typeof this; })()]));
`;

test("a packed program has what CommonJS gives a module, its arguments, and its own strictness", () => {
  const { out, err, file } = runPacked(GIVEN, "word");
  assert.is(err, "");
  const folder = file.slice(0, file.lastIndexOf("/"));
  assert.equal(JSON.parse(out), [file, folder, ".", true, true, "function", file, "word", "undefined"]);
});

test("a stack trace of a packed program names the line and the column of its text", () => {
  const text = `#!/usr/bin/env node\n"use strict";\n  function fall() { throw new Error("down"); }\nfall();\n`;
  const { status, err } = runPacked(text);
  assert.is(status, 1);
  const column = text.split("\n")[2]!.indexOf("new Error") + 1;
  assert.match(err, `at fall (program.plain.cjs:3:${column})`);
  assert.match(err, "program.plain.cjs:4:1");
});

test("the smallest program, and none at all", () => {
  assert.equal([runPacked("process.exitCode = 7;").status, runPacked("").status], [7, 0]);
});

test("text that is not ASCII is refused", () => {
  assert.throws(() => packed("console.log('é')", "x.cjs"), /x\.cjs: not ASCII/);
});

test("the agent's file carries the text that lies beside it, to the bit, and both are one program", async () => {
  const root = mkdtempSync(join(tmpdir(), "kerbwatch-packed-"));
  try {
    for (const path of ["models", "gossip", "edge-agent", "package.json"]) {
      cpSync(join(repoRoot, path), join(root, path), { recursive: true });
    }
    symlinkSync(join(repoRoot, "node_modules"), join(root, "node_modules"));
    const said: string[] = [];
    assert.ok(await makeProgram(root, PROGRAMS[0]!, (line) => said.push(line)), said.join("\n"));
    const [small, plain] = ["kerbwatch.cjs", "kerbwatch.plain.cjs"].map((name) => join(root, "dist", name));
    const text = readFileSync(plain!);
    assert.match(said.join("\n"), createHash("sha256").update(text).digest("hex"));
    const [, inside = ""] = /"([\w+/=]{1000,})", "base64"/.exec(readFileSync(small!, "latin1")) ?? [];
    const unpacked = brotliDecompressSync(Buffer.from(inside, "base64"));
    assert.ok(unpacked.equals(text.subarray(text.indexOf("\n"))), "all but the line that starts Node");
    assert.ok(readFileSync(small!).length < text.length / 2, "less than half of it");
    for (const args of [["--help"], ["doctor", "--reference"], ["statsu"]]) {
      assert.equal(run(small!, ...args), run(plain!, ...args));
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
