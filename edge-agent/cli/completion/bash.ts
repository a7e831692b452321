/** Completion for bash 4 and newer, by programmable completion alone (bash-completion is not needed). Pure. */
import { type CommandForms, type Form, type Kind, kindOf, kindOfPositionals } from "../forms.ts";

/** What fills COMPREPLY with what begins as the word at the cursor does. */
function fills(kind: Kind): string {
  switch (kind.kind) {
    case "files": return "_kerbwatch_paths -f";
    case "folders": return "_kerbwatch_paths -d";
    case "words": return `_kerbwatch_words '${kind.words.join(" ")}'`;
    case "other": return "";
  }
}

const nameOf = ({ words }: Form): string => words.join(" ");

/** `last`: the option before the cursor; `far`: other values of it are in between, which only a list takes. */
function valueCases(forms: readonly Form[]): string[] {
  return forms.flatMap((form) => Object.entries(form.options).flatMap(([name, spec]) => {
    if (spec.type === "boolean") return [];
    const far = spec.multiple === true ? "*" : "";
    return [`    '${nameOf(form)} --${name}'${far}) ${fills(kindOf(spec))}; return ;;`.replace(") ;", ")")];
  }));
}

const optionCases = (forms: readonly Form[]): string[] => forms.map((form) =>
  `    '${nameOf(form)}') _kerbwatch_words '${[...Object.keys(form.options), "help"].map((name) => `--${name}`)
    .join(" ")}' ;;`);

const positionalCases = (forms: readonly Form[]): string[] => forms.flatMap((form) => {
  const fill = fills(kindOfPositionals(form.positionals));
  return fill === "" ? [] : [`    '${nameOf(form)}') ${fill} ;;`];
});

/** The script that \`kerbwatch completion bash\` prints. */
export function bashCompletion(commands: readonly CommandForms[]): string {
  const forms = commands.flatMap((one) => one.forms);
  const nested = commands.filter((one) => one.forms.length > 1);
  return `# bash completion for kerbwatch; made by: kerbwatch completion bash
_kerbwatch_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }
_kerbwatch_paths() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
}
_kerbwatch() {
  local current=\${COMP_WORDS[COMP_CWORD]} form=\${COMP_WORDS[1]} first=2 at last= far=
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    _kerbwatch_words '${[...commands.map(({ name }) => name), "help", "--help", "--version"].join(" ")}'
    return
  fi
  case $form in
${nested.map(({ name, forms: own }) =>
    `    ${name})
      if (( COMP_CWORD == 2 )); then
        _kerbwatch_words '${own.map(({ words }) => words[1]).join(" ")} --help'
        return
      fi
      form="$form \${COMP_WORDS[2]}" first=3 ;;`).join("\n")}
    help)
      if (( COMP_CWORD == 2 )); then _kerbwatch_words '${commands.map(({ name }) => name).join(" ")}'; fi
      return ;;
  esac
  # --option=value comes as three words
  at=$(( COMP_CWORD - 1 ))
  if [[ $current == = ]]; then current=; elif [[ \${COMP_WORDS[at]} == = ]]; then at=$(( at - 1 )); fi
  for (( ; at >= first; at-- )); do
    last=\${COMP_WORDS[at]}
    if [[ $last == -* ]]; then break; fi
    last= far=' +'
  done
  if [[ $current != -* ]]; then
    case "$form $last$far" in
${valueCases(forms).join("\n").replaceAll(/^ {4}/gm, "    ")}
    esac
  fi
  if [[ $current == -* ]]; then
    case $form in
${optionCases(forms).join("\n")}
    esac
  else
    case $form in
${positionalCases(forms).join("\n")}
    esac
  fi
}
complete -F _kerbwatch kerbwatch
`;
}
