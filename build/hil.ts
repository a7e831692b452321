/** `npm run hil NAME [-- options]`: builds the single file and plays a scenario on hosts of their own. */
import { runBuilt } from "./built.ts";

await runBuilt("hil-tests/rig/hil.ts", process.argv.slice(2));
