/** Completion for zsh, by its own _arguments. Pure. */
import { type CommandForms, type Form, type Kind, kindOf, kindOfPositionals } from "../forms.ts";

/** How zsh is told what to offer. */
function action(kind: Kind): string {
  switch (kind.kind) {
    case "files": return "_files";
    case "folders": return "_files -/";
    case "words": return `(${kind.words.join(" ")})`;
    case "other": return " ";
  }
}

const plain = (text: string): string => text.replace(/[^\w .,|-]/g, "");

function specs({ options, positionals }: Form): string {
  const named = Object.entries(options).map(([name, spec]) => (spec.type === "boolean" ? `'--${name}'`
    : `'${spec.multiple === true ? "*" : ""}--${name}:${plain(spec.value ?? "value")}:${action(kindOf(spec))}'`));
  const rest = positionals.max === 0 ? []
    : [`'${positionals.words === undefined ? "*" : "1"}:${plain(positionals.what)}:${
      action(kindOfPositionals(positionals))}'`];
  return [...named, "'--help'", ...rest].join(" ");
}

function branch({ name, forms }: CommandForms): string {
  if (forms.length === 1) return `    ${name}) _arguments ${specs(forms[0]!)} ;;`;
  return `    ${name})
      if (( CURRENT == 2 )); then compadd -- ${forms.map(({ words }) => words[1]).join(" ")} --help; return; fi
      shift words; (( CURRENT -= 1 ))
      case $words[1] in
${forms.map((form) => `        ${form.words[1]}) _arguments ${specs(form)} ;;`).join("\n")}
      esac ;;`;
}

/** The script that \`kerbwatch completion zsh\` prints. */
export function zshCompletion(commands: readonly CommandForms[]): string {
  return `#compdef kerbwatch
# zsh completion for kerbwatch; made by: kerbwatch completion zsh
_kerbwatch() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    '${name}:${plain(summary)}'`).join("\n")}
    'help:what a command does'
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    compadd -- --help --version
    return
  fi
  shift words; (( CURRENT -= 1 ))
  case $words[1] in
${commands.map(branch).join("\n")}
    help) if (( CURRENT == 2 )); then _describe command commands; fi ;;
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _kerbwatch "$@"; else compdef _kerbwatch kerbwatch; fi
`;
}
