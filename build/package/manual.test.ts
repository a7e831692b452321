/** The manual pages, judged by mandoc and by groff. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allForms } from "../../edge-agent/cli/forms.ts";
import { COMMANDS } from "../../edge-agent/cli/commands.ts";
import { assert, test } from "../testing.ts";
import { configPage, manualPage } from "./manual.ts";
import { hasTool } from "./tools.ts";

const OF = { version: "1.2.3", date: "2026-06-01" };
const folder = mkdtempSync(join(tmpdir(), "kerbwatch-manual-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const PAGES = { "kerbwatch.1": await manualPage(OF), "kerbwatch.yaml.5": configPage(OF) };
for (const [name, text] of Object.entries(PAGES)) writeFileSync(join(folder, name), text);

/** What a program says of a page, and how it ended. */
function said(program: string, ...args: string[]): { out: string; err: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(program, args,
    { cwd: folder, encoding: "utf8", env: { ...process.env, MANWIDTH: "80", LC_ALL: "C.UTF-8" } });
  return { out: stdout, err: stderr, status };
}

for (const name of Object.keys(PAGES)) {
  if (hasTool("mandoc")) {
    test(`mandoc finds no fault in ${name}`, () =>
      assert.equal(said("mandoc", "-Tlint", "-Wwarning", name), { out: "", err: "", status: 0 }));
  } else test.skip(`mandoc on ${name}`, "no mandoc: apt-get install mandoc");
  if (hasTool("man") && hasTool("groff")) {
    test(`groff finds no fault in ${name}`, () => {
      const { err, status } = said("man", "--warnings=all", "--local-file", `./${name}`);
      assert.equal([err, status], ["", 0]);
    });
  } else test.skip(`groff on ${name}`, "no man or groff: apt-get install man-db groff");
}

test("every command, subcommand and option is in the page as it is typed", async () => {
  if (!hasTool("mandoc")) return;
  const text = said("mandoc", "-Tascii", "-O", "width=78", "kerbwatch.1").out.replace(/.\u0008/g, "");
  for (const { name, forms } of await allForms(COMMANDS)) {
    assert.match(text, new RegExp(`^ {3}${name}$`, "m"));
    for (const { words, options } of forms) {
      assert.match(text.replace(/\s+/g, " "), `kerbwatch ${words.join(" ")}`);
      for (const option of Object.keys(options)) assert.match(text, `--${option}`);
    }
  }
});

test("the configuration's page has every key", () => {
  for (const key of ["station", "csms", "meters[].model", "alerts.syslog.enterprise", "mesh.roster"]) {
    assert.match(PAGES["kerbwatch.yaml.5"], `.B ${key}\n`);
  }
});

test("nothing in a help text is a request of roff", () => {
  for (const text of Object.values(PAGES)) {
    const requests = new Set(text.split("\n").flatMap((line) => /^([.'][A-Za-z]*)/.exec(line)?.[1] ?? []));
    const known = new Set([".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".BR", ".I", ".RS", ".RE", ".nf", ".fi", ".br"]);
    assert.equal([...requests].filter((one) => !known.has(one)), []);
  }
});
