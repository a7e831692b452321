/** `kerbwatch completion`: a shell's completion, made from what the commands take. */
import { shown } from "../plain-text.ts";
import { COMMANDS } from "./commands.ts";
import { type Command, type Io, parseOptions, UsageError } from "./command.ts";
import { bashCompletion } from "./completion/bash.ts";
import { fishCompletion } from "./completion/fish.ts";
import { zshCompletion } from "./completion/zsh.ts";
import { allForms, type CommandForms } from "./forms.ts";

/** By the shell's name. */
export const SHELLS: Readonly<Record<string, (commands: readonly CommandForms[]) => string>> = {
  bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion,
};

async function run(args: string[], io: Io): Promise<number> {
  const { positionals: [shell] } = parseOptions(args, {}, {
    max: 1, what: "one shell", words: Object.keys(SHELLS),
  });
  const script = shell !== undefined && Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (script === undefined) {
    throw new UsageError(`completion: found ${shown(shell)}; allowed: ${Object.keys(SHELLS).join(", ")}`);
  }
  io.out(script(await allForms(COMMANDS)));
  return 0;
}

export const completion: Command = {
  name: "completion",
  summary: "a script for bash, zsh or fish that completes commands",
  help: `
Usage: kerbwatch completion bash|zsh|fish

Prints a script that makes the Tab key complete commands, options and files. The
Debian package brings all three. Otherwise it goes to

  bash   ~/.local/share/bash-completion/completions/kerbwatch
  zsh    _kerbwatch, in a folder of $fpath
  fish   ~/.config/fish/completions/kerbwatch.fish

Example
  source <(kerbwatch completion bash)

Exit codes: 0 printed, 2 wrong usage.
`,
  run,
};
