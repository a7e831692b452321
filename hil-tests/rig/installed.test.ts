import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import { fiveCommands, unitCommand } from "./installed-commands.ts";

const read = (path: string): string => readFileSync(join(repoRoot, path), "utf8");
const { version } = JSON.parse(read("package.json")) as { version: string };

for (const page of ["README.md", "targets/debian/README.md"]) {
  test(`${page} has the five commands from a bare board to a watching charger, with this version's package`, () => {
    const { copy, doctor, status } = fiveCommands(read(page), version);
    assert.is(copy[0], "cp");
    assert.equal([doctor[0], status[0]], ["kerbwatch", "kerbwatch"]);
    assert.ok(copy[1]!.startsWith("/usr/share/doc/kerbwatch/examples/"));
  });
}

for (const [what, from, to] of [
  ["the package by its name", "_arm64.deb", "_arm65.deb"],
  ["the example, copied and edited", "sudo cp", "cp"],
  ["the unit", "--now kerbwatch", "kerbwatch"],
  ["five lines", "sudo -u kerbwatch kerbwatch status", "sudo -u kerbwatch kerbwatch status\nreboot"],
] as const) {
  test(`a README that has lost ${what} is told so`, () => {
    assert.throws(() => fiveCommands(read("README.md").replace(from, to), version), new RegExp(what));
  });
}

test("the unit's command is that of ExecStart", () => {
  const words = unitCommand(read("targets/debian/kerbwatch.service"));
  assert.equal(words, ["/usr/bin/kerbwatch", "run", "--config", "/etc/kerbwatch/kerbwatch.yaml"]);
  assert.throws(() => unitCommand("[Service]\n"), /no ExecStart/);
});
