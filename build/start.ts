/** `npm start [-- options]`: builds the single file and plays the demonstration on this machine. */
import { runBuilt } from "./built.ts";

await runBuilt("hil-tests/bench/start.ts", process.argv.slice(2));
