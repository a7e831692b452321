/** `npm run tidy`: prints every breach of the house's rules, one a line, and fails when there is one. */
import { repoRoot } from "./paths.ts";
import { tidyTree } from "./tidy-tree.ts";

const violations = tidyTree(repoRoot);
for (const { path, line, rule, text } of violations) console.log(`${path}:${line}  ${rule}  ${text}`);
console.log(violations.length === 0 ? "tidy" : `${violations.length} to tidy up`);
process.exitCode = violations.length === 0 ? 0 : 1;
