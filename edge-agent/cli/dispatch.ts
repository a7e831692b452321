/** From the words on the command line to a command, and from whatever it ends in to an exit code. */
import { nearest } from "../nearest.ts";
import { plainText, shown } from "../plain-text.ts";
import { VERSION } from "../version.ts";
import { UsageError } from "./command.ts";
import type { Command, Io } from "./command.ts";

type Commands = Readonly<Record<string, () => Promise<Command>>>;

/** What it is, above the list of commands. */
export const HEAD = `kerbwatch: neighbourhood watch for EV chargers. It sits in line between one
charging station and its CSMS, passes every frame untouched, learns what is
normal here, and notices, explains and records what is not.

Commands (kerbwatch <command> --help says more):
`;

/** Below it: how to begin. */
export const START = `
To begin:
  1. Write kerbwatch.yaml:     station: CP-001
                               csms: wss://csms.example
                               stateDir: /var/lib/kerbwatch
  2. Check it:                 kerbwatch doctor --config kerbwatch.yaml
  3. Start it:                 kerbwatch run --config kerbwatch.yaml
  4. Point the charger at it:  ws://127.0.0.1:9000 in place of the CSMS

All keys of the configuration: kerbwatch doctor --reference
Exit codes: 0 done, 1 the work failed, 2 wrong usage or configuration.
`;

async function generalHelp(commands: Commands): Promise<string> {
  const loaded = await Promise.all(Object.values(commands).map((load) => load()));
  const width = Math.max(...loaded.map(({ name }) => name.length));
  return HEAD + loaded.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`).join("") + START;
}

function find(word: string, commands: Commands): () => Promise<Command> {
  const load = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (load !== undefined) return load;
  const names = Object.keys(commands);
  const close = nearest(word, [...names, "--help", "--version"]);
  throw new UsageError(`${shown(word)}: unknown command; `
    + (close === undefined ? `allowed: ${names.join(", ")}` : `did you mean ${close}?`));
}

const isHelp = (word: string | undefined): boolean => word === "--help" || word === "-h";

async function perform(args: readonly string[], io: Io, commands: Commands): Promise<number> {
  const [first, ...rest] = args;
  if (first === "--version" || first === "-V") {
    io.out(`kerbwatch ${VERSION}\n`);
    return 0;
  }
  const asksHelp = first === undefined || isHelp(first) || first === "help";
  if (asksHelp && rest[0] === undefined) {
    // Without a word it was wrong usage; the help still says more than one line could.
    (first === undefined ? io.err : io.out)(await generalHelp(commands));
    return first === undefined ? 2 : 0;
  }
  const command = await find(asksHelp ? rest[0]! : first!, commands)();
  const words = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
  if (asksHelp || words.some(isHelp)) {
    io.out(`kerbwatch ${command.name}: ${command.summary}\n\n${command.help.trim()}\n`);
    return 0;
  }
  return command.run(rest, io);
}

/** What went wrong, on one line; with KERBWATCH_DEBUG=1 also where. */
export function report(error: unknown, io: Io): number {
  const message = error instanceof Error ? error.message : String(error);
  io.err(`kerbwatch: ${plainText(message, 1000) || "failed without a reason"}\n`);
  if (io.env["KERBWATCH_DEBUG"] === "1" && error instanceof Error) io.err(`${error.stack ?? ""}\n`);
  return error instanceof UsageError ? 2 : 1;
}

/** Runs what the command line asks for. Never rejects; the exit code is 0, 1 or 2. */
export async function dispatch(args: readonly string[], io: Io, commands: Commands): Promise<number> {
  try {
    return await perform(args, io, commands);
  } catch (error) {
    return report(error, io);
  }
}
