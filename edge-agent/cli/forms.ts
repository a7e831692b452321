/** What every command takes, asked of the commands themselves: for completion and the manual page. */
import { type Command, type Io, type OptionSpec, type Positionals, Takes, WHAT_IT_TAKES } from "./command.ts";

/** One way to call a command. */
export interface Form {
  /** After the program's name: `["status"]`, `["ledger", "verify"]`. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly positionals: Positionals;
}

export interface CommandForms {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  /** One for each subcommand, or the only one. */
  readonly forms: readonly Form[];
}

/** What comes after an option, or as a positional argument. */
export type Kind =
  | { readonly kind: "files" | "folders" | "other" }
  | { readonly kind: "words"; readonly words: readonly string[] };

export type Commands = Readonly<Record<string, () => Promise<Command>>>;

const NOWHERE: Io = { out: () => undefined, err: () => undefined, env: {} };

async function ask(command: Command, words: readonly string[]): Promise<Takes> {
  const answer = await command.run([...words.slice(1), WHAT_IT_TAKES], NOWHERE).catch((error: unknown) => error);
  if (answer instanceof Takes) return answer;
  throw new Error(`${words.join(" ")}: does not tell what it takes`);
}

async function formsOf(command: Command, words: readonly string[]): Promise<Form[]> {
  const { options, positionals, subcommands } = await ask(command, words);
  if (subcommands.length === 0) return [{ words, options, positionals }];
  return (await Promise.all(subcommands.map((one) => formsOf(command, [...words, one])))).flat();
}

/** In the order of the table. */
export async function allForms(commands: Commands): Promise<CommandForms[]> {
  return Promise.all(Object.values(commands).map(async (load) => {
    const command = await load();
    const { name, summary, help } = command;
    return { name, summary, help, forms: await formsOf(command, [name]) };
  }));
}

/** By the word that stands for the value in messages: FILE, DIR, or words with bars between. */
export function kindOf({ value = "" }: OptionSpec): Kind {
  if (value.includes("|")) return { kind: "words", words: value.split("|") };
  return { kind: value === "FILE" ? "files" : value === "DIR" ? "folders" : "other" };
}

export function kindOfPositionals({ words, files }: Positionals): Kind {
  if (words !== undefined) return { kind: "words", words };
  return { kind: files === true ? "files" : "other" };
}
