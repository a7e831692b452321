/** OCPP's schemas on their way into the program: small, whole, the same every time, and refused where they are new. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSchemas } from "../edge-agent/cli/checks/schemas.ts";
import { schemasFrom, unpackSchemas } from "../edge-agent/adapters/shipped-schemas.ts";
import { packed } from "./pack.ts";
import { repoRoot } from "./paths.ts";
import { messageName, packedSchemas, SCHEMA_VERSIONS, schemaText } from "./schemas.ts";
import { assert, test } from "./testing.ts";

const schemas = packedSchemas(repoRoot);

test("what is packed is the text, to the bit, the same each time, and under 32 KB in all", () => {
  for (const version of SCHEMA_VERSIONS) assert.is(unpackSchemas(schemas, version), schemaText(repoRoot, version));
  assert.equal(packedSchemas(repoRoot), schemas);
  assert.ok(Object.values(schemas).join("").length < 32 * 1024);
});

test("nothing of the descriptions is left, and each definition is there once", () => {
  const text = schemaText(repoRoot, "2.1");
  assert.not.match(text, /"description":"|javaType|"definitions"|\$id/);
  assert.is(text.match(/^#CustomDataType\t/gm)?.length, 1);
});

test("a program that carries them has them, and its text does not", () => {
  const code = 'console.log(JSON.stringify(__PACKED__.schemas ?? "none"));';
  const chunks = [{ name: "./x.js", code }];
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-schemas-"));
  const file = join(folder, "program.cjs");
  const said = (contents: string): string => {
    writeFileSync(file, contents);
    return spawnSync(process.execPath, [file], { encoding: "utf8" }).stdout.trim();
  };
  assert.equal(JSON.parse(said(packed(chunks, "x.cjs", { schemas }))), schemas);
  assert.is(JSON.parse(said(packed(chunks, "x.cjs"))), "none");
  rmSync(folder, { recursive: true });
});

test("doctor says whether they came, and came whole; damaged ones cost a verdict and nothing else", () => {
  assert.is(checkSchemas(schemas).says,
    "messages of OCPP 1.6 (78), 2.0.1 (128), 2.1 (181) are compared with OCPP's own schemas");
  assert.is(checkSchemas(undefined).state, "warn");
  const damaged = { ...schemas, "2.0.1": schemas["2.0.1"].slice(0, 4_000) };
  assert.equal([checkSchemas(damaged).state, checkSchemas(damaged).says], ["warn", "OCPP 2.0.1: damaged"]);
  const schemaOf = schemasFrom(damaged);
  assert.is(schemaOf("2.0.1", "Authorize", "call"), undefined);
  assert.is(schemaOf("2.1", "Authorize", "call")?.type, "object");
});

test("messages are named by action and kind", () => {
  assert.equal(["urn:Authorize.req", "urn:Authorize.conf", "urn:AuthorizeRequest", "urn:AuthorizeResponse",
    "urn:NotifyPeriodicEventStream"].map(messageName), ["Authorize.call", "Authorize.result", "Authorize.call",
    "Authorize.result", "NotifyPeriodicEventStream.call"]);
  assert.throws(() => messageName("https://example/x"), /names no message/);
});

/** Expects these 1.6 schemas to be refused, for this reason. */
function refused(name: string, own: object, reason: RegExp, ...more: object[]): void {
  test(`refused: ${name}`, () => {
    const root = mkdtempSync(join(tmpdir(), "kerbwatch-schemas-"));
    const folder = join(root, "node_modules/ocpp-rpc/lib/schemas");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "ocpp1_6.json"), JSON.stringify([{ $id: "urn:A.req", ...own }, ...more]));
    assert.throws(() => schemaText(root, "1.6"), reason);
    rmSync(root, { recursive: true });
  });
}
const string = { type: "string" };
refused("a keyword that the agent does not know", { properties: { a: { ...string, pattern: "x" } } },
  /1\.6 A\.call\/properties\/a\/pattern: the agent knows no such rule/);
refused("another form of one that it knows", { additionalProperties: true }, /additionalProperties/);
refused("a list of types", { type: ["string", "null"] }, /A\.call\/type/);
refused("items by position", { type: "array", items: [string] }, /items: no schema/);
refused("an enum of numbers", { enum: [1] }, /A\.call\/enum/);
refused("another format", { ...string, format: "email" }, /A\.call\/format/);
refused("rules beside a $ref", { properties: { a: { $ref: "#/definitions/D", type: "string" } } },
  /a \$ref with rules beside it/);
refused("a $ref to elsewhere", { $ref: "other.json" }, /A\.call\/\$ref/);
refused("a $ref to nothing", { properties: { a: { $ref: "#/definitions/D" } } }, /no definition D/);
refused("two definitions of one name that differ", { definitions: { D: string } }, /#D: two that differ/,
  { $id: "urn:B.req", definitions: { D: { type: "number" } } });
