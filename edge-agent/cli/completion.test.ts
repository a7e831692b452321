/** Completion, asked of the shells themselves. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { UsageError, type Io } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { SHELLS } from "./completion.ts";
import { allForms, kindOf } from "./forms.ts";
import { ran } from "./io.testing.ts";

const forms = (await allForms(COMMANDS)).flatMap((command) => command.forms);
const folder = mkdtempSync(join(tmpdir(), "kerbwatch-completion-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "state dir"));
for (const name of ["monday.jsonl", "tuesday.jsonl", "kerbwatch.yaml"]) writeFileSync(join(folder, name), "");
for (const [shell, script] of Object.entries(SHELLS)) {
  writeFileSync(join(folder, `script.${shell}`), script(await allForms(COMMANDS)));
}

function shell(name: string, ...args: string[]): string {
  const { stdout, stderr, error, status } = spawnSync(name, args, { cwd: folder, encoding: "utf8" });
  assert.is(error, undefined);
  assert.equal([status, stderr], [0, ""]);
  return stdout;
}
const has = (name: string): boolean => spawnSync(name, ["--version"]).error === undefined;

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** What bash would offer for the last word of each of these lines; sorted. */
function offered(lines: readonly (readonly string[])[]): string[][] {
  const asks = lines.map((words) => `ask ${words.map(quoted).join(" ")}`);
  const out = shell("bash", "--norc", "-c", `source script.bash
    ask() { COMP_WORDS=(kerbwatch "$@"); COMP_CWORD=$#; _kerbwatch; printf '%s\\n' "\${COMPREPLY[@]}" =====; }
    ${asks.join("\n")}`);
  return out.split("=====\n").slice(0, -1).map((one) => one.split("\n").filter((line) => line !== "").sort());
}

test("each form tells its options as the command itself reads them", async () => {
  const io: Io = { out: () => undefined, err: () => undefined, env: {} };
  for (const { words, options } of forms) {
    const command = await COMMANDS[words[0]!]!();
    const error = await command.run([...words.slice(1), "--qqqqqqqqqqqqqqqqqqqqqqqq"], io).catch((one: unknown) => one);
    assert.instance(error, UsageError);
    const [, allowed = ""] = /unknown option; allowed: (.*)$/.exec((error as Error).message) ?? [];
    const names = allowed === "no options" ? [] : allowed.split(", ").map((one) => one.replace(/^--| .*$/g, ""));
    assert.equal(names, Object.keys(options), words.join(" "));
  }
});

test("every option of every form is in its command's help", async () => {
  for (const { words, options } of forms) {
    const { help } = await COMMANDS[words[0]!]!();
    for (const name of Object.keys(options)) assert.match(help, `--${name}`, words.join(" "));
  }
});

test("bash: registered for the program, and free of faults", () => {
  assert.is(shell("bash", "--norc", "-c", "source script.bash; complete -p kerbwatch"),
    "complete -F _kerbwatch kerbwatch\n");
  shell("bash", "-n", "script.bash");
});

const BASH: readonly [readonly string[], readonly string[]][] = [
  [["led"], ["ledger"]], [["--v"], ["--version"]], [["nonsense", ""], []],
  [["ledger", "ex"], ["export"]], [["ledger", "export", "--inc"], ["--incident"]],
  [["help", "lea"], ["learn"]], [["help", "learn", ""], []],
  [["page", "--role", "op"], ["operator"]], [["page", "--role", ""], ["auditor", "installer", "operator"]],
  [["status", "--state", "st"], ["state dir"]], [["status", "--state=", ""], []],
  [["doctor", "--config", "k"], ["kerbwatch.yaml"]], [["doctor", "--config", "=", "k"], ["kerbwatch.yaml"]],
  [["doctor", "--config", "="], ["kerbwatch.yaml", "monday.jsonl", "script.bash", "script.fish", "script.zsh",
    "state dir", "tuesday.jsonl"]],
  [["doctor", "--json", "k"], []], [["replay", "mon"], ["monday.jsonl"]],
  [["learn", "--ocpp", "monday.jsonl", "tu"], ["tuesday.jsonl"]], [["learn", "--state", "x", "tu"], []],
  [["completion", ""], ["bash", "fish", "zsh"]], [["incident", "clo"], ["close"]],
  [["status", "--"], ["--config", "--help", "--json", "--state"]],
];
test("bash: words, files and folders, where each belongs", () => {
  const found = offered(BASH.map(([words]) => words));
  BASH.forEach(([words, expected], index) => assert.equal(found[index], expected, words.join(" ")));
});

test("bash: every form offers each of its options, and files where it says so", () => {
  const asked = forms.flatMap(({ words, options }): [string[], string[]][] => [
    [[...words, "--"], [...Object.keys(options), "help"].map((name) => `--${name}`).sort()],
    ...Object.entries(options).filter(([, spec]) => spec.type !== "boolean" && kindOf(spec).kind === "files")
      .map(([name]): [string[], string[]] => [[...words, `--${name}`, "mon"], ["monday.jsonl"]]),
  ]);
  const found = offered(asked.map(([words]) => words));
  asked.forEach(([words, expected], index) => assert.equal(found[index], expected, words.join(" ")));
});

if (has("zsh")) {
  test("zsh: a script without faults, whose function is the program's", () => {
    shell("zsh", "-n", "script.zsh");
    assert.match(shell("zsh", "-fc",
      `autoload -U compinit; compinit -D -u -d ${folder}/dump; source ./script.zsh; print $_comps[kerbwatch]`),
    /^_kerbwatch\n$/);
  });
} else test.skip("zsh", "no zsh: apt-get install zsh");

if (has("fish")) {
  const fish = (line: string): string[] =>
    shell("fish", "--no-config", "-c", `source script.fish; complete -C '${line}'`)
    .split("\n").filter((one) => one !== "").map((one) => one.split("\t")[0]!);
  const FISH: readonly [string, readonly string[]][] = [
    ["kerbwatch led", ["ledger"]], ["kerbwatch ledger ex", ["export"]],
    ["kerbwatch ledger export --inc", ["--incident"]], ["kerbwatch page --role op", ["operator"]],
    ["kerbwatch replay mon", ["monday.jsonl"]], ["kerbwatch doctor --config kerb", ["kerbwatch.yaml"]],
    ["kerbwatch status k", []], ["kerbwatch completion z", ["zsh"]],
  ];
  test("fish: commands, options, words and files", () => {
    for (const [line, expected] of FISH) assert.equal(fish(line), expected, line);
  });
} else test.skip("fish", "no fish: apt-get install fish");

test("a shell that is not known is wrong usage", async () => {
  assert.equal(await ran(["completion", "tcsh"]),
    { code: 2, out: "", err: 'kerbwatch: completion: found "tcsh"; allowed: bash, zsh, fish\n' });
});
