/** Completion for fish. Pure. */
import { type CommandForms, type Form, type Kind, kindOf, kindOfPositionals } from "../forms.ts";

/** What an option's value, or an argument, may be. */
function offers(kind: Kind): string {
  switch (kind.kind) {
    case "files": return " -F";
    case "folders": return " -a '(__fish_complete_directories)'";
    case "words": return ` -a '${kind.words.join(" ")}'`;
    case "other": return "";
  }
}

const quoted = (text: string): string => `'${text.replace(/['\\]/g, "\\$&")}'`;

/** True on a line that begins with these words. */
const when = (words: readonly string[]): string => `-n '__kerbwatch_is ${words.join(" ")}'`;

function lines(form: Form): string[] {
  const start = `complete -c kerbwatch ${when(form.words)}`;
  const named = Object.entries(form.options).map(([name, spec]) => `${start} -l ${name}`
    + (spec.type === "boolean" ? "" : ` -r${offers(kindOf(spec))}`));
  const rest = offers(kindOfPositionals(form.positionals));
  return [...named, `${start} -l help`, ...(rest === "" ? [] : [`${start}${rest}`])];
}

const subcommands = ({ name, forms }: CommandForms): string[] => (forms.length === 1 ? []
  : [`complete -c kerbwatch -n '__kerbwatch_only ${name}' -a '${forms.map(({ words }) => words[1]).join(" ")}'`]);

/** The script that \`kerbwatch completion fish\` prints. */
export function fishCompletion(commands: readonly CommandForms[]): string {
  return `# fish completion for kerbwatch; made by: kerbwatch completion fish
function __kerbwatch_is
    set -l words (commandline -opc)
    set -e words[1]
    for wanted in $argv
        test "$words[1]" = $wanted; or return 1
        set -e words[1]
    end
end
function __kerbwatch_only
    test (count (commandline -opc)) -eq (math (count $argv) + 1); and __kerbwatch_is $argv
end
complete -c kerbwatch -f
${commands.map(({ name, summary }) =>
    `complete -c kerbwatch -n __kerbwatch_only -a ${name} -d ${quoted(summary)}`).join("\n")}
complete -c kerbwatch -n __kerbwatch_only -a help -l help -l version
complete -c kerbwatch -n '__kerbwatch_only help' -a '${commands.map(({ name }) => name).join(" ")}'
${commands.flatMap((one) => [...subcommands(one), ...one.forms.flatMap(lines)]).join("\n")}
`;
}
