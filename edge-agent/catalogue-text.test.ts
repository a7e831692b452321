import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../build/paths.ts";
import { assert, test } from "../build/testing.ts";
import { THREATS } from "../models/terms.ts";
import { CATALOGUE } from "./alert/catalogue.ts";
import { catalogueText } from "./catalogue-text.ts";

test("the page of documentation is what `kerbwatch explain --catalogue` prints", () => {
  assert.is(readFileSync(join(repoRoot, "edge-agent/alert/CATALOGUE.md"), "utf8"), catalogueText());
});

test("every threat has a meaning, innocent causes and a next step", () => {
  for (const threat of THREATS) {
    const { means, innocent, nextStep } = CATALOGUE[threat];
    assert.ok(means.length > 40 && innocent.length >= 2 && nextStep.length > 20, threat);
  }
});
