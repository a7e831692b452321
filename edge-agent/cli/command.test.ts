import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import { UsageError, parseOptions } from "./command.ts";

const SPECS = {
  config: { type: "string", value: "FILE", required: true },
  ocpp: { type: "string", value: "FILE", multiple: true },
  json: { type: "boolean" },
} as const;
const ONE = { max: 1, what: "one incident id" };

function refusal(args: readonly string[]): string {
  try {
    parseOptions(args, SPECS, ONE);
  } catch (error) {
    assert.instance(error, UsageError);
    return (error as Error).message;
  }
  return "accepted";
}

test("options, lists, flags and positional arguments are told apart", () => {
  const parsed = parseOptions(["--ocpp", "a", "x", "--config=k.yaml", "--ocpp=b", "--json"], SPECS, ONE);
  assert.equal(parsed, { options: { config: "k.yaml", ocpp: ["a", "b"], json: true }, positionals: ["x"] });
});

test("a list takes what follows it, as a shell writes it out; what the command itself asks for comes last", () => {
  const parse = (args: readonly string[], positionals = { max: 0, what: "options only" }) => {
    const { options: { ocpp }, positionals: rest } = parseOptions(["--config", "k", ...args], SPECS, positionals);
    return [ocpp, rest];
  };
  assert.equal(parse(["--ocpp", "a", "b", "c", "--json"]), [["a", "b", "c"], []]);
  assert.equal(parse(["--ocpp", "a", "b", "--ocpp", "c", "d"]), [["a", "b", "c", "d"], []]);
  assert.equal(parse(["--ocpp", "a", "a", "x"], ONE), [["a", "a"], ["x"]]);
  assert.equal(parse(["x", "--ocpp", "a", "b"], ONE), [["a", "b"], ["x"]]);
  assert.equal(parse(["x", "--ocpp", "a", "b"], { max: 9, what: "captures" }), [["a", "b"], ["x"]]);
  assert.equal(parse(["--ocpp", "a"], ONE), [["a"], []]);
  assert.equal(parse(["--ocpp", "a", "--", "x"], ONE), [["a"], ["x"]]);
});

test("what is not given is absent, false or an empty list", () => {
  const parsed = parseOptions(["--config", "k"], { ...SPECS, state: { type: "string" } });
  assert.equal(parsed.options, { config: "k", ocpp: [], json: false, state: undefined });
});

test("after -- everything is a positional argument", () => {
  assert.equal(parseOptions(["--config", "k", "--", "--json"], SPECS, ONE).positionals, ["--json"]);
});

const BAD: [string, string[], string][] = [
  ["a missing one", [], "--config: missing; allowed: --config FILE"],
  ["a mistyped one", ["--confg", "k"], "--confg: unknown option; did you mean --config?"],
  ["an unknown one", ["--frobnicate"], "--frobnicate: unknown option; allowed: --config FILE, --ocpp FILE, --json"],
  ["a prototype's name", ["--constructor"],
    "--constructor: unknown option; allowed: --config FILE, --ocpp FILE, --json"],
  ["a short one", ["-c", "k"], "-c: unknown option; allowed: --config FILE, --ocpp FILE, --json"],
  ["no value at the end", ["--config"], "--config: found no value; allowed: --config FILE"],
  ["an option where the value should be", ["--config", "--json"], "--config: found no value; allowed: --config FILE"],
  ["an empty value", ["--config="], "--config: found no value; allowed: --config FILE"],
  ["a value for a flag", ["--config", "k", "--json=yes"], '--json: found the value "yes"; allowed: no value'],
  ["one given twice", ["--config", "a", "--config", "b"], "--config: found twice; allowed: once"],
  ["one argument too many", ["--config", "k", "a", "b"],
    '"b": one argument too many; allowed: one incident id'],
];
for (const [name, args, message] of BAD) {
  test(`refused: ${name}`, () => assert.is(refusal(args), message));
}

test("a value that begins with a dash can be given with =", () => {
  assert.is(parseOptions(["--config=-odd.yaml"], SPECS).options.config, "-odd.yaml");
});

test("whatever is typed is taken or refused in words, never an accident", () => {
  const random = seeded(5);
  const words = ["--config", "--json", "--ocpp", "--", "-", "", "=", "--=", "k", "--json=", "-json", "--no-json", "\0"];
  for (let i = 0; i < 2_000; i++) {
    const args = Array.from({ length: random.int(6) }, () => random.pick(words) + random.pick(["", "", "x"]));
    assert.ok(refusal(args).length > 0);
  }
});
