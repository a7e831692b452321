/** `node build/run.mjs hil-tests/second-implementation/write-vectors.ts`: makes the files anew; see vectors.test.ts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { vectorFiles } from "./vector-files.ts";

for (const [name, text] of Object.entries(vectorFiles())) writeFileSync(join(repoRoot, "gossip/vectors", name), text);
