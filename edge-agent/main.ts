/** `kerbwatch`: the process around the commands. Standard streams, exit code, and nothing else. */
import type { Writable } from "node:stream";
import type { Io } from "./cli/command.ts";
import { COMMANDS } from "./cli/commands.ts";
import { dispatch, report } from "./cli/dispatch.ts";

/**
 * Writes until the reader goes away (`kerbwatch … | head`), and then drops the rest: the work goes on to its true exit
 * code, and an agent does not die of a closed terminal.
 */
function writer(stream: Writable): (text: string) => void {
  let open = true;
  stream.on("error", () => {
    open = false; // EPIPE, EIO of a terminal that hung up: there is nobody left to tell
  });
  return (text) => {
    if (open) stream.write(text);
  };
}

/** Leaves once everything written has gone out, even when a command forgot to close something. */
function exit(code: number): void {
  let waiting = 2;
  const gone = (): void => {
    waiting -= 1;
    if (waiting === 0) process.exit(code);
  };
  process.exitCode = code;
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writable) stream.write("", gone);
    else gone();
  }
}

const io: Io = { out: writer(process.stdout), err: writer(process.stderr), env: process.env };
process.on("uncaughtException", (error) => exit(report(error, io)));
process.on("unhandledRejection", (reason) => exit(report(reason, io)));
void dispatch(process.argv.slice(2), io, COMMANDS).then(exit);
