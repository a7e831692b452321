import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../paths.ts";
import { assert, test } from "../testing.ts";
import { edited } from "./edit.ts";
import { SLIMMED, slimmed } from "./plugin.ts";

const TEXT = "one two three two one";

test("a cut leaves out what it names, up to the next mark or the end, and may put something there", () => {
  assert.is(edited(TEXT, [{ cut: "three", to: "one" }]), "one two one");
  assert.is(edited(TEXT, [{ cut: " three" }]), "one two");
  assert.is(edited(TEXT, [{ cut: "three", to: "one", put: "$& " }]), "one two $& one");
});

test("a swap changes every place, and edits follow one another", () => {
  assert.is(edited(TEXT, [{ swap: "two", by: "$1", times: 2 }]), "one $1 three $1 one");
  assert.is(edited(TEXT, [{ swap: /\bo(?:ne)/g, by: "1", times: 2 }, { swap: "three", by: "3" }]), "1 two 3 two 1");
});

const FAULTS = [
  ["a cut of what is not there", { cut: "four" }, /"four" is there 0 times; expected: 1/],
  ["a cut of what is there twice", { cut: "two" }, /"two" is there 2 times; expected: 1/],
  ["a cut without its end", { cut: "three", to: "three" }, /"three" does not follow "three"/],
  ["a swap of what is there too often", { swap: "one", by: "" }, /"one" is there 2 times; expected: 1/],
  ["a swap of what is not there", { swap: /four/g, by: "" }, /is there 0 times; expected: 1/],
] as const;

for (const [name, edit, says] of FAULTS) {
  test(`refused: ${name}`, () => assert.throws(() => edited(TEXT, [edit]), says));
}

const PATH = join(repoRoot, "node_modules/tweetnacl/nacl-fast.js");

function slimmedWith(change: (path: string, text: string) => string): string | undefined {
  return slimmed(PATH, (path) => change(path, readFileSync(path, "utf8")));
}

test("a package as installed is slimmed, and a file of which all ships is left alone", () => {
  const text = slimmedWith((_path, whole) => whole) ?? "";
  assert.ok(text.length > 1_000 && text.length < readFileSync(PATH, "utf8").length / 2);
  assert.is(slimmed(join(repoRoot, "node_modules/js-yaml/lib/exception.js"), () => "never read"), undefined);
  assert.is(slimmed(join(repoRoot, "node_modules/valibot/dist/index.mjs"), () => "never read"), undefined);
});

test("refused: another version of a package, and a package whose text is another", () => {
  assert.throws(() => slimmedWith((path, whole) => path.endsWith(".json") ? `{"version":"1.0.4"}` : whole),
    /^tweetnacl 1\.0\.4: build\/slim is for 1\.0\.3$/);
  assert.throws(() => slimmedWith((_path, whole) => whole.replace("function ts64(", "function ts65(")),
    /tweetnacl\/nacl-fast\.js: "function ts64.* is there 0 times/);
});

test("every package that is slimmed is installed in one version alone, next to the others", () => {
  const lock = JSON.parse(readFileSync(join(repoRoot, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean }>;
  };
  for (const name of SLIMMED) {
    const shipped = Object.entries(lock.packages).filter(([, { dev }]) => dev !== true).map(([path]) => path);
    assert.equal(shipped.filter((path) => path.endsWith(`node_modules/${name}`)), [`node_modules/${name}`]);
  }
});
