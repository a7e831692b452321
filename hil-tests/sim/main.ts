/** Entry point of dist/kerbwatch-sim.cjs. */
import { simCli } from "./cli.ts";

process.stdout.on("error", () => {}); // a reader that has gone, `| head`, is no failure
void simCli(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  env: process.env,
}).then((code) => {
  process.exitCode = code;
});
