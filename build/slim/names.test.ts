/** That nothing which ships refers to what was left out, on however rare a path. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { transform } from "esbuild";
import ts from "typescript";
import { filesBelow, repoRoot } from "../paths.ts";
import { assert, test } from "../testing.ts";
import { SLIMMED, slimmed } from "./plugin.ts";

/** Without the branches that are never taken, but with its names. */
async function living(text: string): Promise<string> {
  return (await transform(text, { minifySyntax: true, target: "node20" })).code;
}

/** The names in a file that it does not declare: its globals, and what was left out. */
function undeclared(text: string): Set<string> {
  const options: ts.CompilerOptions = { allowJs: true, checkJs: true, noLib: true, noResolve: true, types: [] };
  const host = ts.createCompilerHost(options);
  host.getSourceFile = (name) => ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const program = ts.createProgram(["file.mjs"], options, host);
  const found = program.getSemanticDiagnostics().map(({ messageText }) => {
    return /^Cannot find name '([^']+)'/.exec(ts.flattenDiagnosticMessageText(messageText, ""))?.[1];
  });
  return new Set(found.filter((name) => name !== undefined));
}

test("a file that uses a function which was left out is found out", async () => {
  assert.equal([...undeclared(await living("function a() { b(); if (false) c(); }\na();"))], ["b"]);
});

const requireBuiltin = createRequire(import.meta.url);
const read = (path: string): string => readFileSync(path, "utf8");
const shipped = (path: string): string => slimmed(path, read) ?? read(path);
const installed = (file: string): string => join(repoRoot, "node_modules", file);

for (const name of SLIMMED) {
  test(`${name}: whatever ships is declared`, async () => {
    const files = filesBelow(repoRoot, `node_modules/${name}`).map((file) => join(repoRoot, file))
      .filter((path) => slimmed(path, read) !== undefined);
    assert.ok(files.length > 0);
    for (const path of files) {
      const before = undeclared(read(path));
      const after = undeclared(await living(shipped(path)));
      assert.equal([...after].filter((name) => !before.has(name)), [], path);
    }
  });
}

/** What a file in the older form of modules exports, of which all that it loads is Node's. */
function exportsOf(path: string): object {
  const module = { exports: {} };
  new Function("module", "exports", "require", shipped(path))(module, module.exports, requireBuiltin);
  return module.exports;
}

for (const [of, name, users] of [
  ["mqtt-packet/constants.js", "constants", ["mqtt-packet/parser.js"]],
  ["mqtt-packet/constants.js", "protocol", ["mqtt-packet/writeToStream.js"]],
  ["js-yaml/lib/common.js", "common", ["js-yaml/lib/loader.js", "js-yaml/lib/snippet.js", "js-yaml/lib/type/int.js",
    "js-yaml/lib/type/float.js"]],
] as const) {
  test(`${of}: exports all that is used of it as ${name}`, async () => {
    const use = new RegExp(`\\b${name}\\.(\\w+)`, "g");
    const texts = await Promise.all(users.map((user) => living(shipped(installed(user)))));
    const used = texts.flatMap((text) => [...text.matchAll(use)].map(([, member]) => member!));
    assert.ok(used.length > 0);
    const exported = exportsOf(installed(of));
    assert.equal(used.filter((member) => !(member in exported)), []);
  });
}
