/**
 * The manual pages, kerbwatch(1) and kerbwatch.yaml(5): made from the help that the commands print and from the
 * reference of the configuration, in man(7), which both mandoc and groff read.
 */
import { allForms, type CommandForms } from "../../edge-agent/cli/forms.ts";
import { COMMANDS } from "../../edge-agent/cli/commands.ts";
import { HEAD, START } from "../../edge-agent/cli/dispatch.ts";
import { configReference } from "../../edge-agent/config.ts";

/** Text as a line of roff: nothing in it is a request, an escape or a typographer's hyphen. */
function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^([.'])/, "\\&$1");
}

const literal = (lines: readonly string[]): string[] =>
  [".PP", ".RS 2", ".nf", ...lines.map((line) => (line === "" ? "" : roff(line))), ".fi", ".RE"];

/** `  --config FILE   what it is`, or the name alone where it is long; further lines are indented deeper. */
const ITEM = /^ {2}(\S(?:.*?\S)?)(?: {2,}(\S.*))?$/;

const isItemBlock = (block: readonly string[]): boolean =>
  /^ {2}(--|[A-Z]{2,}\b)/.test(block[0] ?? "") && block.some((line) => / {2,}\S/.test(line.trimStart()));

/** Lines of a list of options, as tagged paragraphs. */
function items(block: readonly string[]): string[] {
  return block.flatMap((line) => {
    const [, name, text] = /^ {3,}/.test(line) ? [] : ITEM.exec(line) ?? [];
    if (name === undefined) return [roff(line.trim())];
    return [".TP", `.B ${roff(name)}`, ...(text === undefined ? [] : [roff(text)])];
  });
}

/** Blocks between empty lines. */
function blocksOf(text: string): string[][] {
  return text.trim().split(/\n{2,}/).map((block) => block.split("\n"));
}

function blockText(block: readonly string[]): string[] {
  const [first = ""] = block;
  if (/^Usage: /.test(first)) return literal(block.map((line) => line.replace(/^Usage: /, "").replace(/^ {7}/, "")));
  if (isItemBlock(block)) return items(block);
  if (/^ {2}/.test(first)) return literal(block);
  // A paragraph may end in something that is indented: an example.
  const from = block.findIndex((line) => /^ {2}/.test(line));
  if (from < 0) return [".PP", ...block.map(roff)];
  const [words, rest] = [block.slice(0, from), block.slice(from)];
  const to = rest.findIndex((line) => !/^ {2}/.test(line));
  const after = to < 0 ? [] : rest.slice(to);
  return [".PP", ...words.map(roff), ...literal(to < 0 ? rest : rest.slice(0, to)),
    ...(after.length === 0 ? [] : blockText(after))];
}

const commandText = ({ name, summary, help }: CommandForms): string[] =>
  [`.SS ${roff(name)}`, roff(`${summary[0]!.toUpperCase()}${summary.slice(1)}.`),
    ...blocksOf(help.replace(/^\n/, "")).flatMap(blockText)];

interface Of {
  readonly version: string;
  /** Of the release, `2026-06-01`. */
  readonly date: string;
}

const head = (title: string, section: number, { version, date }: Of): string =>
  `.TH ${title} ${section} ${date} "kerbwatch ${version}"`;

/** kerbwatch(1). */
export async function manualPage(of: Of): Promise<string> {
  const commands = await allForms(COMMANDS);
  const about = HEAD.replace(/^kerbwatch: neighbourhood watch for EV chargers\. /, "").replace(/\nCommands .*\n$/s, "");
  const start = START.trim().split("\n");
  const steps = start.slice(1, start.indexOf(""));
  return [
    head("KERBWATCH", 1, of),
    ".SH NAME", "kerbwatch \\- neighbourhood watch for EV chargers",
    ".SH SYNOPSIS", ".B kerbwatch", ".I command", "[options]",
    ".SH DESCRIPTION", ...about.trim().split("\n").map(roff), ".PP", "To begin:", ...literal(steps),
    ".SH COMMANDS", ...commands.flatMap(commandText),
    ".SH EXIT STATUS", "0 done, 1 the work failed, 2 wrong usage or configuration.",
    ".SH ENVIRONMENT", ".TP", ".B KERBWATCH_DEBUG", "With 1, an error tells where in the program it came up.",
    ".SH FILES", ".TP", ".I /etc/kerbwatch/kerbwatch.yaml", "the configuration that the service reads",
    ".TP", ".I /var/lib/kerbwatch", "keys, log and what was learned, unless the configuration names another folder",
    ".SH SEE ALSO", ".BR kerbwatch.yaml (5)",
  ].join("\n").concat("\n");
}

/** kerbwatch.yaml(5). */
export function configPage(of: Of): string {
  const [about = "", keys = ""] = configReference().split(/\n\n(.*)/s);
  const rows = keys.trim().split(/\n(?=\S)/).map((row) => row.split("\n"));
  return [
    head("KERBWATCH.YAML", 5, of),
    ".SH NAME", "kerbwatch.yaml \\- configuration of kerbwatch",
    ".SH DESCRIPTION", ...about.split("\n").map(roff),
    ".SH KEYS", ...rows.flatMap(([key = "", ...texts]) => [".TP", `.B ${roff(key)}`,
      ...texts.flatMap((text, index) => [...(index > 0 ? [".br"] : []), roff(text.trim())])]),
    ".SH SEE ALSO", ".BR kerbwatch (1)",
  ].join("\n").concat("\n");
}
