/** A program that carries its own text compressed is that program. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { PROGRAMS, makeProgram } from "./bundler.ts";
import { packed, plain } from "./pack.ts";
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

/** Runs chunks, the first as the entry, packed and plain, in a folder of their own: both must say the same. */
function runPacked(codes: readonly string[], ...args: string[]): Ran & { readonly file: string } {
  const chunks = codes.map((code, index) => ({ name: `./c${index}.js`, code }));
  const file = join(mkdtempSync(join(tmpdir(), "kerbwatch-pack-")), "program.plain.cjs");
  writeFileSync(file, plain(chunks));
  const ofPlain = run(file, ...args);
  writeFileSync(file, packed(chunks, file));
  const ofPacked = run(file, ...args);
  assert.equal([ofPacked.status, ofPacked.out], [ofPlain.status, ofPlain.out]);
  const placesOf = (text: string): string[] => text.match(/program\.plain\.cjs:\d+:\d+/g)?.slice(0, 2) ?? [];
  assert.equal(placesOf(ofPacked.err), placesOf(ofPlain.err));
  return { ...ofPacked, file };
}

const GIVEN = `"use strict";
console.log(JSON.stringify([__filename, __dirname, module.id, require.main === module, exports === module.exports,
  typeof require("node:fs").readFileSync, process.argv[1], process.argv[2], (function () { return typeof this; })()]));
`;

test("a packed program has what CommonJS gives a module, its arguments, and its own strictness", () => {
  const { out, err, file } = runPacked([GIVEN], "word");
  assert.is(err, "");
  const folder = file.slice(0, file.lastIndexOf("/"));
  assert.equal(JSON.parse(out), [file, folder, ".", true, true, "function", file, "word", "undefined"]);
});

test("a chunk is run when it is first asked for, once, and stack traces name its place in the text", () => {
  const entry = `"use strict";\nconst a = require("./c1.js");\nconsole.log(a === require("./c1.js"), a.n);\na.fall();`;
  const other = '"use strict";\nconsole.log("once"); exports.n = 7;\n'
    + '  exports.fall = function fall() { throw Error("down"); };';
  const { status, out, err } = runPacked([entry, other]);
  assert.is(status, 1);
  assert.is(out, "once\ntrue 7\n");
  assert.match(err, /at .*fall \(.*program\.plain\.cjs:\d+:42/);
});

test("a chunk that nobody asks for is not even compiled; strictness is its own", () => {
  const { out } = runPacked(['console.log((function () { return this === undefined; })())', "this is no program"]
    .map((code, index) => (index === 0 ? `"use strict";${code}` : `"use strict"; /* ${code} */`)));
  assert.is(out, "true\n");
  const file = join(mkdtempSync(join(tmpdir(), "kerbwatch-pack-")), "program.cjs");
  writeFileSync(file, packed([{ name: "./a.js", code: "" }, { name: "./b.js", code: "no program at all" }], "x"));
  assert.is(run(file).status, 0);
});

test("the smallest program, and none at all", () => {
  assert.equal([runPacked(["process.exitCode = 7;"]).status, runPacked([""]).status], [7, 0]);
});

test("text that is not ASCII is refused", () => {
  assert.throws(() => packed([{ name: "x.js", code: "console.log('é')" }], "x.cjs"), /x\.js: not ASCII/);
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
    const inside = [...readFileSync(small!, "latin1").matchAll(/^"\.\/[\w.-]+": \[\d+, \d+, "([\w+/=]+)"\],$/gm)];
    const unpacked = inside.map(([, chunk = ""]) => brotliDecompressSync(Buffer.from(chunk, "base64")));
    assert.ok(unpacked.length > 2 && unpacked.every((chunk) => text.includes(chunk)));
    const bytes = unpacked.reduce((sum, { length }) => sum + length, 0);
    assert.ok(text.length - bytes < 42_000, "what is not in a chunk is the loader, and what is packed beside");
    assert.ok(readFileSync(small!).length < text.length / 2, "less than half of it");
    for (const args of [["--help"], ["doctor", "--reference"], ["statsu"]]) {
      assert.equal(run(small!, ...args), run(plain!, ...args));
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
