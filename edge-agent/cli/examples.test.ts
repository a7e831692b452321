/** Every command line in help texts and READMEs is one that the commands take, as it stands there. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import { parseOptions } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { START } from "./dispatch.ts";
import { allForms } from "./forms.ts";

const commands = await allForms(COMMANDS);
const forms = commands.flatMap((command) => command.forms);

/** Lines that call the program in an indented or fenced block, with what is continued on deeper lines. */
function linesIn(text: string): string[] {
  const lines: string[] = [];
  let [indent, open] = [0, false];
  for (const line of text.split("\n")) {
    const [, spaces = "", prompt = ""] = /^( *)((?:sudo -u kerbwatch )?kerbwatch(?=\s)(?!:))/.exec(line) ?? [];
    const continued = open && (/^ */.exec(line)![0].length > indent || /[\\|]$/.test(lines.at(-1) ?? ""));
    if (prompt !== "" && (spaces !== "" || line.startsWith("sudo") || open === false)) {
      lines.push(line.trim());
      [indent, open] = [spaces.length, true];
    } else if (continued && line.trim() !== "") {
      const before = lines.pop()!;
      lines.push(/[\\|]$/.test(before) ? `${before}\n${line}` : `${before} ${line.trim()}`);
    } else open = false;
  }
  return lines;
}

/** Without the lines of usage, in which brackets and bars stand for choices. */
const examplesOf = (help: string): string[] =>
  linesIn(help.trim().replace(/^Usage: [^]*?\n\n/m, "")).filter((line) => /^ *kerbwatch/.test(line));

/** In fenced blocks, and in single backquotes. */
function inMarkdown(path: string): string[] {
  const text = readFileSync(join(repoRoot, path), "utf8");
  const fenced = [...text.matchAll(/^```(?:sh)?\n([^]*?)^```/gm)].flatMap(([, block = ""]) =>
    block.split("\n").map((line) => line.replace(/\s+#\s.*$/, "")).filter((line) => /\bkerbwatch [a-z]/.test(line)
      && /^(sudo -u kerbwatch )?kerbwatch /.test(line)));
  const inline = [...text.replace(/^```[^]*?^```/gm, "").matchAll(/`(kerbwatch [a-z][^`]*)`/g)].map(([, one = ""]) =>
    one.replace(/\s+/g, " "));
  return [...fenced, ...inline];
}

/** The arguments of each call of the program in a line, as bash has them; other programs do nothing. */
function argumentsOf(line: string): string[][] {
  const { output, stderr, status } = spawnSync("bash", ["--norc", "-c", `
    kerbwatch() { printf '%s\\0' "$@" '\\n' >&3; }
    jq() { :; }
    sudo() { shift 2; "$@"; }
    ${line}`], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe", "pipe"] });
  assert.equal([stderr, status], ["", 0], line);
  const words = String(output[3] ?? "").split("\0").slice(0, -1);
  const found: string[][] = [[]];
  for (const word of words) {
    if (word === "\\n") found.push([]);
    else found.at(-1)!.push(word);
  }
  return found.slice(0, -1);
}

/** Parses as the command itself would. Throws UsageError. */
function parsed(args: readonly string[]): void {
  if (args.includes("--help") || args[0]?.startsWith("--")) return;
  const form = forms.find(({ words }) => words.every((word, index) => args[index] === word));
  assert.ok(form, `no command takes: ${args.join(" ")}`);
  const { positionals } = parseOptions(args.slice(form.words.length), form.options, form.positionals);
  const { words, max } = form.positionals;
  if (words !== undefined && positionals.length > 0) assert.ok(words.includes(positionals[0]!), args.join(" "));
  assert.ok(positionals.length <= max);
}

const SOURCES: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(commands.map(({ name, help }) => [`kerbwatch ${name} --help`, examplesOf(help)])),
  "kerbwatch --help": [...START.matchAll(/ {2,}(kerbwatch .*)$/gm)].map(([, line = ""]) => line),
  "README.md": inMarkdown("README.md"), "targets/debian/README.md": inMarkdown("targets/debian/README.md"),
};

let found = 0;
for (const [source, lines] of Object.entries(SOURCES)) {
  for (const line of lines) {
    found += 1;
    test(`${source}: ${line.replace(/\s+/g, " ")}`, () => {
      const all = argumentsOf(line);
      assert.ok(all.length > 0, "it calls the program");
      for (const args of all) parsed(args);
    });
  }
}

test("examples were found", () => {
  assert.ok(found > 40, `${found}`);
  const withExamples = ["run", "replay", "learn", "incident", "page", "support-bundle", "roster", "reconcile"];
  for (const name of withExamples) {
    assert.ok(SOURCES[`kerbwatch ${name} --help`]!.length > 0, name);
  }
});
