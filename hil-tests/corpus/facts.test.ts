/** What is known of real stations, systems and meters has a quirk or a test that holds it, and none is forgotten. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, repoRoot, sharedDir } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import { readQuirks } from "./corpus.testing.ts";

interface Fact {
  readonly fact: string;
  readonly at: string;
  readonly quirks?: readonly string[];
  readonly tests?: Readonly<Record<string, readonly string[]>>;
  readonly absent?: string;
}

const { facts } = JSON.parse(readFileSync(join(repoRoot, "hil-tests/corpus/facts.json"), "utf8")) as { facts: Fact[] };

test("each fact is held by quirks that exist, by tests that exist, or by there being no code for it", () => {
  const quirks = new Set(readQuirks().map(({ quirk }) => quirk));
  const sources = filesBelow(repoRoot, "edge-agent").filter((path) => path.endsWith(".ts") && !path.includes(".test"))
    .map((path) => readFileSync(join(repoRoot, path), "utf8"));
  for (const { fact, quirks: held = [], tests = {}, absent } of facts) {
    assert.equal(held.filter((name) => !quirks.has(name)), [], fact);
    for (const [path, names] of Object.entries(tests)) {
      const text = readFileSync(join(repoRoot, path), "utf8");
      for (const name of names) {
        assert.match(text, new RegExp(`(?:t|peerT)est\\(["\`]${escaped(name)}`), `${fact}: ${name}`);
      }
    }
    if (absent !== undefined) assert.not.ok(sources.some((text) => text.includes(absent)), `${fact}: is there by now`);
    assert.ok(held.length + Object.keys(tests).length > 0 || absent !== undefined, fact);
  }
});

test("each quirk of the corpus is one of the facts, or was found elsewhere", () => {
  const elsewhere = [
    "sequence-numbers-of-their-own", "numeric-message-ids", "units-and-phases", "schema-errors",
    "late-and-double-results",
  ];
  const known = facts.flatMap(({ quirks = [] }) => quirks);
  assert.equal(readQuirks().map(({ quirk }) => quirk).filter((name) => !known.includes(name)).sort(), elsewhere.sort());
});

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

const SECTIONS = [/^Meter registers/, /^EVerest/, /^OCPP/];
/** A sentence with so many commas is a list of facts. */
const LIST_COMMAS = 5;

/** Sentences and table rows of the sections that tell of observing. */
function claimsOf(notes: string): string[] {
  const sections = notes.split(/^## /m).filter((section) => SECTIONS.some((name) => name.test(section)));
  return sections.map((section) => section.slice(section.indexOf("\n"))).flatMap((text) => {
    const rows = text.split("\n").filter((line) => /^\|(?! *-|.*total power)/.test(line) && !line.startsWith("|-"));
    const prose = text.split("\n").filter((line) => !line.startsWith("|")).join("\n");
    const sentences = prose.split(/\n\* |\n\n/).map((one) => one.replace(/\s+/g, " ").trim())
      .flatMap((one) => one.split(/(?<=[.;:])\s+/));
    return [...rows, ...sentences.flatMap((one) => (one.split(",").length > LIST_COMMAS ? one.split(",") : [one]))];
  }).map((one) => one.trim()).filter((one) => /\w\w/.test(one));
}

const shared = sharedDir();
const notes = shared === undefined ? undefined : join(shared, "facts.md");
const NAME = "every claim of the reference notes about stations, systems and meters is a fact here, and none is stale";
if (notes === undefined || !existsSync(notes)) test.skip(NAME, "no ../shared");
else {
  test(NAME, () => {
    const claims = claimsOf(readFileSync(notes, "utf8"));
    assert.ok(claims.length > 40, `${claims.length} claims`);
    const patterns = facts.map(({ fact, at }) => ({ fact, found: new RegExp(at) }));
    assert.equal(claims.filter((claim) => !patterns.some(({ found }) => found.test(claim))), []);
    const stale = patterns.filter(({ found }) => !claims.some((claim) => found.test(claim))).map(({ fact }) => fact);
    assert.equal(stale, []);
  });
}
