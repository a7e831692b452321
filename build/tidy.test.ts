import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { assert, test } from "./testing.ts";
import { tidyTree } from "./tidy-tree.ts";
import type { Violation } from "./tidy-source.ts";

/** Runs tidy over a tree made of the given files. */
function tidied(files: Readonly<Record<string, string>>): Violation[] {
  const root = mkdtempSync(join(tmpdir(), "kerbwatch-tidy-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return tidyTree(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const repeat = (line: string, times: number): string => `${line}\n`.repeat(times);

/** Each breaks one rule, once. */
const DIRTY: readonly { rule: string; path: string; text: string; line?: number; says?: RegExp }[] = [
  { rule: "import", path: "models/a.ts", text: `import { b } from "../gossip/b.ts";`, says: /models may/ },
  { rule: "import", path: "models/a.ts", text: `import type { B } from "../edge-agent/ports.ts";` },
  { rule: "import", path: "models/a.ts", text: `export * from "../build/paths.ts";` },
  { rule: "import", path: "models/a.ts", text: `export type B = import("../gossip/b.ts").B;` },
  { rule: "import", path: "models/a.ts", text: `import { b } from "../../elsewhere/b.ts";` },
  { rule: "import", path: "models/a.ts", text: `import "valibot";`, says: /valibot; a pure file may import tweetnacl/ },
  { rule: "import", path: "models/a.ts", text: `import "fs";` },
  { rule: "import", path: "gossip/a.ts", text: `import { createHash } from "node:crypto";`, says: /node:crypto/ },
  { rule: "import", path: "gossip/a.ts", text: `import { a } from "../edge-agent/ports.ts";` },
  { rule: "import", path: "edge-agent/observe/a.ts", text: `import "../adapters/b.ts";`, says: /pure files/ },
  { rule: "import", path: "edge-agent/pipeline.ts", text: `import { b } from "./agent.ts";` },
  { rule: "import", path: "edge-agent/agent.ts", text: `import { b } from "../hil-tests/sim/b.ts";` },
  { rule: "import", path: "edge-agent/agent.ts", text: `import { b } from "../build/b.ts";` },
  { rule: "import", path: "edge-agent/adapters/a.ts", text: `import { encode } from "cbor-x";` },
  { rule: "import", path: "build/a.ts", text: `import { b } from "../hil-tests/b.ts";` },
  { rule: "import", path: "models/a.ts", text: `import { b } from "./b.testing.ts";`, says: /only tests, benches/ },
  { rule: "import", path: "edge-agent/agent.ts", text: `import { b } from "../models/b.reference.ts";` },
  ...[
    "Buffer.alloc(1)", "process.pid", "setTimeout(() => 1, 1)", "setInterval(f, 1)", "setImmediate(f)",
    "queueMicrotask(f)", "performance.now()", "crypto.subtle", "Promise.resolve(1)", `fetch("x")`, "console.log(1)",
    "globalThis.x", "{ crypto }", "Date.now()", `Date["now"]()`, "Date()", "new Date()", "new Date", "Math.random()",
    `Math["random"]()`,
  ].map((use) => ({ rule: "purity", path: "models/a.ts", text: `import { f } from "./f.ts";\nexport const a = ${use};`,
    line: 2 })),
  { rule: "purity", path: "models/a.ts", text: "export async function a(): Promise<void> {}", says: /^async/ },
  { rule: "purity", path: "models/a.ts", text: "export class A extends Promise<void> {}" },
  { rule: "purity", path: "models/a.ts", text: "const { now } = Date;\nexport { now };" },
  { rule: "purity", path: "models/a.ts", text: "export const a = (x: Promise<void>) => { await x; };", says: /^await/ },
  { rule: "purity", path: "models/a.ts", text: "((crypto: 1) => crypto)(1);\nexport const a = crypto;", line: 2 },
  { rule: "purity", path: "edge-agent/ports.ts", text: "export const a = process.pid;" },
  { rule: "purity", path: "edge-agent/alert/a.ts", text: "export const a = process.pid;" },
  { rule: "purity", path: "edge-agent/record/a.ts", text: "export const a = process.pid;" },
  { rule: "function-size", path: "build/a.ts", text: `function long(): void {\n${repeat("  f();", 69)}}\n`,
    says: /^long has 71 lines/ },
  { rule: "function-size", path: "build/a.test.ts", text: `test("", () => {\n${repeat("  f();", 69)}});\n` },
  { rule: "function-size", path: "build/a.ts", text: `class A {\n  long() {\n${repeat("  f();", 69)}}\n}\n`, line: 2 },
  { rule: "file-size", path: "models/a.test.ts", text: repeat("f();", 501), line: 501 },
  { rule: "line-size", path: "models/a.ts", text: `\n// ${"x".repeat(118)}\n`, line: 2 },
  { rule: "default-export", path: "build/a.ts", text: "const a = 1;\nexport default a;", line: 2 },
  { rule: "default-export", path: "build/a.ts", text: "export default function a() {}" },
  { rule: "default-export", path: "build/a.ts", text: "const a = 1;\nexport { a as default };", line: 2 },
  { rule: "leftover", path: "build/a.ts", text: `const a = 1;\n\n/** TODO: b */\nexport { a };`, line: 3 },
  { rule: "leftover", path: "build/a.ts", text: `export const a = [1, 2 /* FIXME */];` },
  { rule: "leftover", path: "models/a.test.ts", text: `test.only("a", f);` },
  { rule: "top-level", path: "notes.txt", text: "" },
  { rule: "top-level", path: "src/a.ts", text: "" },
];

for (const { rule, path, text, line = 1, says = /./ } of DIRTY) {
  const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  test(`${rule} fires on ${path}: ${shown.replaceAll("\n", " ")}`, () => {
    const found = tidied({ [path]: text });
    assert.equal(found.map((one) => one.rule), [rule], JSON.stringify(found));
    if (rule !== "top-level") assert.is(found[0]?.path, path);
    assert.is(found[0]?.line, line);
    assert.match(found[0]?.text ?? "", says);
  });
}

test("a helper of edge-agent must be pure once a pure file imports it, and is free otherwise", () => {
  const helper = { "edge-agent/helper.ts": "export const a = process.pid;" };
  assert.equal(tidied(helper), []);
  const found = tidied({ ...helper, "edge-agent/observe/a.ts": `export { a } from "../helper.ts";` });
  assert.equal(found.map(({ path, rule }) => [path, rule]), [["edge-agent/helper.ts", "purity"]]);
});

/** Names of forbidden things that are not those things. */
const CLEAN_PURE = `
import { verify } from "tweetnacl";
import { encode } from "cbor-x/encode";
/* process.pid, await, Math.random() and "export default" in a comment */
const text = "Buffer.from(TODO) setTimeout( .only( process";
export interface Port { start(process: string): Promise<void>; readonly console?: Date }
export type Kind = typeof performance;
export function hash(crypto: { sha256(x: string): string }): string { return crypto.sha256(text); }
export function run({ process, fetch: setTimeout }: { process: number; fetch: number }): number {
  try { return process + setTimeout; } catch (console) { return Number(console); }
}
export function times(at: number, value: unknown): number[] {
  const out: number[] = [];
  for (const performance of [new Date(at)]) out.push(performance.getTime(), Date.UTC(2026), Math.max(1, 2));
  return value instanceof Date ? out : [];
}
export const record = { process: 1, console: "x" };
export const pid = record.process + [encode, verify].length;
`;

test("a clean tree passes", () => {
  assert.equal(tidied({
    "package.json": "{}", "LICENSE": "", ".editorconfig": "", ".ci/run": "", "dist/a.js": "", "npm-debug.log": "",
    "node_modules/x/a.ts": "export default 1;",
    "models/a.ts": CLEAN_PURE,
    "models/a.test.ts": `import "node:fs"; import "../build/testing.ts"; process.exit(await Date.now());`,
    "gossip/b.ts": `import { pid } from "../models/a.ts"; export { pid };`,
    "edge-agent/agent.ts": `import "node:net"; import "ws"; import "./observe/c.ts"; setTimeout(() => {}, Date.now());`,
    "edge-agent/observe/c.ts": `export * from "../../gossip/b.ts";`,
    "hil-tests/d.ts": `import "../edge-agent/agent.ts"; import "../build/seeded.ts";`,
    "build/e.ts": `function long(): void {\n${repeat("  f();", 68)}}\n${repeat("f();", 429)}// ${"é".repeat(117)}\n`,
  }), []);
});
