import { assert, test } from "../../build/testing.ts";
import { ACTS } from "./acts/acts.ts";
import { HELP, type Options, readOptions, type Said } from "./street-options.ts";

const EVERYTHING: Options = { only: undefined, sabotage: undefined, stay: false, keep: false };

test("options, as a table", () => {
  const cases: [string, Partial<Options>][] = [
    ["", {}], ["--act c", { only: "c" }], ["--stay", { stay: true }], ["--keep", { keep: true }],
    ["--stay --act none", { only: "none", stay: true }],
    ["--sabotage no-quorum", { only: "c", sabotage: "no-quorum" }],
    ["--sabotage no-quorum --act g", { only: "g", sabotage: "no-quorum" }],
  ];
  for (const [line, expected] of cases) {
    assert.equal(readOptions(line.split(" ").filter(Boolean)), { ...EVERYTHING, ...expected }, line);
  }
});

test("wrong options end in one line that says what is allowed, and exit code 2", () => {
  for (const [line, says] of [
    ["--act h", /^npm start: --act: found h; allowed: a, b, c, d, e, f, g /],
    ["--act none", /--act none: allowed: with --stay/], ["--act C", /found C/], ["--act", /--act/],
    ["--act a --sabotage no-quorum", /--sabotage: found no-quorum; allowed: noise /],
    ["--sabotage all", /--sabotage: found all; allowed: noise, /],
    ["--sabotage toString", /found toString/], ["--ocpp 1.6", /--ocpp/], ["now", /now/],
  ] as const) {
    const said = readOptions(line.split(" ")) as Said;
    assert.is(said.code, 2, line);
    assert.match(said.text, says);
    assert.is(said.text.trimEnd().split("\n").length, 1, said.text);
  }
});

test("the help names every option, act and sabotage, and fits a terminal of 80 columns", () => {
  assert.equal(readOptions(["--help", "--act", "c"]), { code: 0, text: HELP });
  for (const { sabotages } of ACTS) for (const name of Object.keys(sabotages)) assert.match(HELP, name);
  for (const name of ["--act", "--stay", "--keep", "--help", "--sabotage"]) assert.match(HELP, `  ${name} `);
  for (const line of HELP.split("\n")) assert.ok(line.length <= 80, line);
});
