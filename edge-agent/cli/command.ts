/** What a command of `kerbwatch` is, and how its options are read. */
import { parseArgs } from "node:util";
import { nearest } from "../nearest.ts";
import { shown } from "../plain-text.ts";
import { UsageError } from "../usage-error.ts";

export { UsageError } from "../usage-error.ts";

/** What a command may touch of the process it runs in. */
export interface Io {
  /** Writes to standard output; the text carries its own newlines. Output that nobody reads any more is dropped. */
  out(text: string): void;
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `kerbwatch <command> --help` prints. */
  readonly help: string;
  /**
   * Does the work and gives the exit code: 0 done, 1 the work failed.
   * @throws UsageError (exit 2) on wrong usage or configuration.
   */
  run(args: string[], io: Io): Promise<number>;
}

export interface OptionSpec {
  readonly type: "string" | "boolean";
  /** A list: several values after it (`--meter a.jsonl b.jsonl`), or the option several times. */
  readonly multiple?: true;
  readonly required?: true;
  /** What the value is, for messages: `FILE`. */
  readonly value?: string;
}

type ValueOf<O extends OptionSpec> =
  O extends { type: "boolean" } ? boolean :
  O extends { multiple: true } ? readonly string[] :
  O extends { required: true } ? string : string | undefined;

export interface Parsed<S extends Record<string, OptionSpec>> {
  readonly options: { readonly [K in keyof S]: ValueOf<S[K]> };
  readonly positionals: readonly string[];
}

type Token = NonNullable<ReturnType<typeof parseArgs>["tokens"]>[number];
type OptionToken = Extract<Token, { kind: "option" }>;

const nameOf = (name: string, spec: OptionSpec): string =>
  spec.type === "string" ? `--${name} ${spec.value ?? "VALUE"}` : `--${name}`;

function unknownOption(rawName: string, specs: Record<string, OptionSpec>): UsageError {
  const known = Object.keys(specs);
  const close = nearest(rawName.replace(/^-+/, ""), known);
  const all = Object.entries(specs).map(([name, spec]) => nameOf(name, spec)).join(", ") || "no options";
  return new UsageError(`${rawName}: unknown option; ${close ? `did you mean --${close}?` : `allowed: ${all}`}`);
}

/** The rules for one option as it was typed; `seen` says whether it was given before. */
function checkOption(token: OptionToken, specs: Record<string, OptionSpec>, seen: boolean): void {
  const spec = Object.hasOwn(specs, token.name) ? specs[token.name] : undefined;
  if (spec === undefined || !token.rawName.startsWith("--")) throw unknownOption(token.rawName, specs);
  if (seen && spec.multiple !== true) throw new UsageError(`--${token.name}: found twice; allowed: once`);
  if (spec.type === "boolean") {
    if (token.value === undefined) return;
    throw new UsageError(`--${token.name}: found the value ${shown(token.value)}; allowed: no value`);
  }
  // `--config --json` is a forgotten value far more often than a file of that name; `--config=--json` says otherwise.
  const forgotten = token.value === undefined || (token.inlineValue === false && token.value.startsWith("-"));
  if (forgotten || token.value === "") {
    throw new UsageError(`--${token.name}: found no value; allowed: ${nameOf(token.name, spec)}`);
  }
}

/** Which arguments a command takes besides options: how many at most, and in words for messages. */
export interface Positionals {
  readonly max: number;
  readonly what: string;
  /** What the first may be, where it is one of a few words. */
  readonly words?: readonly string[];
  /** Whether they are files. */
  readonly files?: true;
}

/** What a command is given in place of arguments to learn what it takes: no command line can hold it. */
export const WHAT_IT_TAKES = "\u0000what it takes";

/** Thrown in answer to WHAT_IT_TAKES, so that completion and documents never differ from what is parsed. */
export class Takes extends Error {
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly positionals: Positionals;
  /** Each with a form of its own. */
  readonly subcommands: readonly string[];

  constructor(
    options: Readonly<Record<string, OptionSpec>>, positionals: Positionals, subcommands: readonly string[] = [],
  ) {
    super("asked what it takes");
    this.options = options;
    this.positionals = positionals;
    this.subcommands = subcommands;
  }
}

const NO_POSITIONALS: Positionals = { max: 0, what: "options only" };

/**
 * The options and positional arguments of a command.
 * @throws UsageError that names the option, what was found and what is allowed.
 */
export function parseOptions<const S extends Record<string, OptionSpec>>(
  args: readonly string[], specs: S, positionals: Positionals = NO_POSITIONALS,
): Parsed<S> {
  if (args[0] === WHAT_IT_TAKES) throw new Takes(specs, positionals);
  const options = Object.fromEntries(Object.entries(specs).map(([name, { type }]) => [name, { type }]));
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const values = new Map<string, string[]>();
  const rest: string[] = [];
  /** Values that follow those of a list: the list's, unless the command itself still wants one. */
  const extra: { list: string[]; value: string }[] = [];
  let open: string[] | undefined;
  for (const token of tokens) {
    if (token.kind === "positional" && open === undefined) rest.push(token.value);
    if (token.kind === "positional" && open !== undefined) {
      open.push(token.value);
      extra.push({ list: open, value: token.value });
    }
    if (token.kind === "option-terminator") open = undefined;
    if (token.kind !== "option") continue;
    checkOption(token, specs, values.has(token.name));
    const list = values.get(token.name) ?? [];
    list.push(token.value ?? "");
    values.set(token.name, list);
    open = specs[token.name]?.multiple === true ? list : undefined;
  }
  giveBack(extra, rest, positionals.max);
  if (rest.length > positionals.max) {
    throw new UsageError(`${shown(rest[positionals.max])}: one argument too many; allowed: ${positionals.what}`);
  }
  const read = Object.entries(specs).map(([name, spec]) => [name, valueOf(name, spec, values.get(name))]);
  return { options: Object.fromEntries(read) as Parsed<S>["options"], positionals: rest };
}

/** `replay --meter a.jsonl capture.jsonl`: the last of what a list took is what the command itself asks for. */
function giveBack(extra: readonly { list: string[]; value: string }[], rest: string[], wanted: number): void {
  const last = extra.at(-1);
  if (rest.length > 0 || wanted === 0 || last === undefined) return;
  last.list.splice(last.list.lastIndexOf(last.value), 1);
  rest.push(last.value);
}

function valueOf(name: string, spec: OptionSpec, given: readonly string[] | undefined): unknown {
  if (spec.type === "boolean") return given !== undefined;
  if (given === undefined && spec.required === true) {
    throw new UsageError(`--${name}: missing; allowed: ${nameOf(name, spec)}`);
  }
  return spec.multiple === true ? given ?? [] : given?.[0];
}

export type Subcommand = (args: readonly string[], io: Io) => Promise<number>;

/** What runs the subcommand that is named first, with the rest of the arguments. */
export function oneOf(name: string, subcommands: Readonly<Record<string, Subcommand>>): Command["run"] {
  return async ([word, ...rest], io) => {
    if (word === WHAT_IT_TAKES) throw new Takes({}, NO_POSITIONALS, Object.keys(subcommands));
    const subcommand = word !== undefined && Object.hasOwn(subcommands, word) ? subcommands[word] : undefined;
    if (subcommand !== undefined) return subcommand(rest, io);
    const names = Object.keys(subcommands);
    const close = word === undefined ? undefined : nearest(word, names);
    const hint = close === undefined ? `allowed: ${names.join(", ")}` : `did you mean ${close}?`;
    throw new UsageError(`${name}: found ${shown(word)}; ${hint}`);
  };
}
