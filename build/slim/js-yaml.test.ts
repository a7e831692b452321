/** What ships of js-yaml, beside the whole of it: the same answers to everything that the program asks. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { inspect } from "node:util";
import { CORE_SCHEMA, YAMLException, load } from "js-yaml";
import { repoRoot } from "../paths.ts";
import { seeded } from "../seeded.ts";
import { assert, test } from "../testing.ts";

const SEED = 20_260_301;
type Yaml = { readonly load: typeof load; readonly CORE_SCHEMA: typeof CORE_SCHEMA };
const wholeYaml = createRequire(join(repoRoot, "package.json"))("js-yaml") as Yaml;

const YAML_OPTIONS = { schema: CORE_SCHEMA, maxDepth: 10 };
const DOCUMENTS = [
  "", "~", "null", "a", "a: 2026-03-01", "a: 2026-03-01T09:00:00Z", "a: 'it''s'\nb: \"\\u00e9\\n\"", "a: True\nb: no",
  "a: 1\nb: {c: [1, 2.5, .inf, -.inf, .nan, 0x1F, 0o17]}", "a: 1_000", "a: 012", "a: 1e3", "a: -0", "a: +12", "a: 0b11",
  "base: &b {a: 1}\nuse:\n  <<: *b", "a: &x [1]\nb: *x", "a: *nowhere", "a: &a [&b [*a, *a], *b]",
  "a: 1\na: 2", "{a: 1, a: 2}", "__proto__: {polluted: 1}", "constructor: 1", "1: a\ntrue: b", "? complex\n: key",
  "a: |\n  two\n  lines\nb: >-\n  folded\n  text\n\n\n  more", "a: |2+\n    kept\n\n", "a: >\n\n  x\n   y\n",
  "- 1\n-  - 2\n- {}", "a: b: c", "\ta: 1", "a:\n\t- 1", "a: @x", "a: `x", "a: [", "a: {", "a: 'x", "a: \"x",
  "a: !!binary aGk=", "a: !!timestamp 2026-03-01", "a: !!js/function x", "a: !!str 5", "a: !!int x", "a: !!set {b}",
  "%YAML 1.2\n---\na: 1", "%YAML 3.0\n---\na", "%TAG ! tag:x,2026:\n---\na: !y z", "--- 1\n--- 2", "a\n...\nb",
  "[".repeat(40), `${"[".repeat(9)}${"]".repeat(9)}`, `${"[".repeat(11)}${"]".repeat(11)}`, "a: \u0001", "a\0b",
  "\ufeffa: 1", `a: &a [x, x]\n${Array.from({ length: 20 }, (_, n) => `b${n}: [*a, *a]`).join("\n")}`,
];

/** The document, or the reason and the place. */
function outcome(read: () => unknown): string {
  try {
    return `read ${inspect(read(), { depth: 20 })}`;
  } catch (error) {
    if ((error as Error).name !== "YAMLException") throw error;
    const { reason, mark } = error as YAMLException;
    return `refused: ${reason} ${mark?.line}:${mark?.column}`;
  }
}

function alike(text: string): void {
  const whole = outcome(() => wholeYaml.load(text, { ...YAML_OPTIONS, schema: wholeYaml.CORE_SCHEMA }));
  assert.is(outcome(() => load(text, YAML_OPTIONS)), whole, JSON.stringify(text));
}

test("YAML: each of these documents is read alike, or refused for one reason at one place", () => {
  DOCUMENTS.forEach(alike);
  const refused = DOCUMENTS.filter((text) => outcome(() => load(text, YAML_OPTIONS)).startsWith("refused"));
  assert.ok(refused.length >= 20 && refused.length <= DOCUMENTS.length - 20, `${refused.length} refused`);
  assert.instance(caught("a: ["), YAMLException);
});

function caught(text: string): unknown {
  try {
    return load(text, YAML_OPTIONS);
  } catch (error) {
    return error;
  }
}

test("YAML: times stay texts, merge keys are keys, twins are refused; so too without a schema named", () => {
  for (const options of [YAML_OPTIONS, {}]) {
    assert.equal(load("a: 2026-03-01T09:00:00Z", options), { a: "2026-03-01T09:00:00Z" });
    assert.equal(load("b: &b {a: 1}\n<<: *b", options), { b: { a: 1 }, "<<": { a: 1 } });
    assert.throws(() => load("a: 1\na: 2", options), /duplicated mapping key/);
    assert.throws(() => load("a: !!binary aGk=", options), /unknown tag/);
  }
});

test(`YAML: our own vectors, changed at random, are read alike (seed ${SEED})`, () => {
  const random = seeded(SEED);
  const text = readFileSync(join(repoRoot, "edge-agent/config.vectors.yaml"), "utf8").slice(0, 6_000);
  const pieces = ["", " ", "  ", "\n", "\t", ":", "- ", "[", "]", "{", "}", "'", "\"", "#", "&a ", "*a", "!!str ",
    "|\n", ">\n", "<<: ", "\0", "? "];
  for (let n = 0; n < 250; n++) {
    const start = random.int(text.length - 400);
    let part = text.slice(text.indexOf("\n", start) + 1, start + 400);
    for (let times = random.int(4); times >= 0; times--) {
      const at = random.int(part.length);
      part = part.slice(0, at) + random.pick(pieces) + part.slice(at + random.int(3));
    }
    alike(part);
  }
});
