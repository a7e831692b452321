/** The models of the protocol, checked exhaustively with spin; and that each rule is needed. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";

const FOLDER = join(repoRoot, "gossip/model");

function command(name: string, args: readonly string[], cwd: string): string {
  const { stdout, stderr, status, error } = spawnSync(name, args, { cwd, encoding: "utf8" });
  if (error !== undefined || status !== 0) throw new Error(`${name} ${args.join(" ")}: ${stderr || stdout || error}`);
  return stdout;
}

/** What the verifier found: errors, how many states there are, and whether it saw them all. */
function verified(model: string, define: string | undefined, isSafety: boolean) {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-model-"));
  try {
    command("spin", ["-a", ...(define === undefined ? [] : [`-D${define}`]), join(FOLDER, `${model}.pml`)], folder);
    command("gcc", ["-O2", ...(isSafety ? ["-DSAFETY"] : []), "-o", "pan", "pan.c"], folder);
    const said = command("./pan", ["-m100000", ...(isSafety ? [] : ["-a"])], folder);
    const number = (pattern: RegExp): number => Number(pattern.exec(said)?.[1] ?? Number.NaN);
    return {
      errors: number(/errors: (\d+)/), states: number(/(\d+) states, stored/),
      isWhole: !/depth too small|out of memory|not completed/i.test(said),
      says: /pan:1: (.*?) \(at depth/.exec(said)?.[1] ?? "",
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const lacking = ["spin", "gcc"].find((name) => spawnSync(name, ["--version"]).error !== undefined);

if (lacking !== undefined) test.skip("the protocol's models", `no ${lacking}`);
else {
  test("no order of messages, votes, crashes and lies certifies two things, or one that does not raise", () => {
    const { errors, states, isWhole } = verified("certification", undefined, true);
    assert.equal([errors, isWhole], [0, true]);
    assert.ok(states > 1_000_000, `${states} states`);
  });

  const NEEDED: readonly [string, string][] = [
    ["TWO_VOTES", "assertion violated (certified<=1)"], ["NO_RESTART_RULE", "assertion violated (certified<=1)"],
    ["SHORT_RESTART", "assertion violated (certified<=1)"], ["NO_JUDGEMENT", "assertion violated (p!=2)"],
    ["TWO_LIARS", "assertion violated (certified<=1)"],
  ];
  for (const [define, violated] of NEEDED) {
    test(`the rule is needed: ${define} is found to break it`, () => {
      const { errors, says } = verified("certification", define, true);
      assert.equal([errors, says], [1, violated]);
    });
  }

  test("a raise that all honest members see is certified, whatever a liar proposes in between", () => {
    const { errors, isWhole } = verified("liveness", undefined, false);
    assert.equal([errors, isWhole], [0, true]);
  });

  test("without yielding, a liar that rushes blocks it for ever", () => {
    const { errors, says } = verified("liveness", "NO_YIELDING", false);
    assert.equal([errors, says], [1, "acceptance cycle"]);
  });
}
