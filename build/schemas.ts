/**
 * OCPP's JSON schemas, as ocpp-rpc ships them, made small enough to travel with the agent: what binds a payload is
 * kept, descriptions go, and the definitions of a version are written once. (The schemas are the Open Charge
 * Alliance's; ocpp-rpc is under the MIT licence.) edge-agent/observe/schema-text.ts reads what is made here.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import type { OcppVersion } from "../models/terms.ts";

type Json = null | boolean | number | string | readonly Json[] | Members;
interface Members {
  readonly [name: string]: Json;
}

const FILES: Readonly<Record<OcppVersion, string>> = {
  "1.6": "ocpp1_6.json", "2.0.1": "ocpp2_0_1.json", "2.1": "ocpp2_1.json",
};
export const SCHEMA_VERSIONS = Object.keys(FILES) as readonly OcppVersion[];

/** Says nothing of whether a payload is valid. `additionalItems` does nothing beside items that are one schema. */
const SAYS_NOTHING = new Set([
  "$id", "$schema", "comment", "description", "javaType", "default", "definitions", "additionalItems",
]);
/** What the agent's walker knows, and how it must look for that. */
const KNOWN: Readonly<Record<string, (value: Json) => boolean>> = {
  type: (value) => ["object", "array", "string", "integer", "number", "boolean"].includes(value as string),
  required: isTexts, enum: isTexts,
  additionalProperties: (value) => value === false,
  maxLength: isNumber, minItems: isNumber, maxItems: isNumber, minimum: isNumber, maximum: isNumber,
  multipleOf: isNumber,
  format: (value) => value === "date-time" || value === "uri",
};
const DEFINITION = "#/definitions/";

function isNumber(value: Json): boolean {
  return typeof value === "number";
}

function isTexts(value: Json): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isMembers(value: Json | undefined): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The schema without what says nothing. @throws Error for a keyword that the agent would not know */
function stripped(schema: Json, at: string): Members {
  if (!isMembers(schema)) throw new Error(`${at}: no schema`);
  const kept: Record<string, Json> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    const where = `${at}/${keyword}`;
    if (SAYS_NOTHING.has(keyword)) continue;
    if (keyword === "items") kept[keyword] = stripped(value, where);
    else if (keyword === "properties" && isMembers(value)) {
      kept[keyword] = Object.fromEntries(
        Object.entries(value).map(([name, one]) => [name, stripped(one, `${where}/${name}`)]));
    } else if (keyword === "$ref" && typeof value === "string" && value.startsWith(DEFINITION)) {
      kept[keyword] = value.slice(DEFINITION.length);
    } else if (KNOWN[keyword]?.(value) === true) kept[keyword] = value;
    else throw new Error(`${where}: the agent knows no such rule`);
  }
  if (kept.$ref !== undefined && Object.keys(kept).length > 1) throw new Error(`${at}: a $ref with rules beside it`);
  return kept;
}

/** `urn:Authorize.req`, `urn:AuthorizeRequest` and their answers; of 2.1's SEND there is only the call. */
export function messageName(id: string): string {
  const [, action, kind] = /^urn:(\w+?)(\.req|\.conf|Request|Response)?$/.exec(id) ?? [];
  if (action === undefined) throw new Error(`${id}: names no message`);
  return `${action}.${kind === ".conf" || kind === "Response" ? "result" : "call"}`;
}

/** ocpp-rpc's own, as they are. */
export function originalSchemas(root: string, version: OcppVersion): readonly Members[] {
  const path = join(root, "node_modules/ocpp-rpc/lib/schemas", FILES[version]);
  return JSON.parse(readFileSync(path, "utf8")) as Members[];
}

/**
 * The schemas of one version: a line each, its name, a tab and JSON; definitions begin with `#`.
 * @throws Error where the schemas are not as the agent's walker expects them
 */
export function schemaText(root: string, version: OcppVersion): string {
  const lines = new Map<string, string>();
  const add = (name: string, schema: Json): void => {
    const text = JSON.stringify(stripped(schema, `${version} ${name}`));
    if ((lines.get(name) ?? text) !== text) throw new Error(`${version} ${name}: two that differ`);
    lines.set(name, text);
  };
  for (const schema of originalSchemas(root, version)) {
    add(messageName(String(schema.$id)), schema);
    if (!isMembers(schema.definitions)) continue;
    for (const [name, one] of Object.entries(schema.definitions)) add(`#${name}`, one);
  }
  for (const [, name] of [...lines.values()].join().matchAll(/"\$ref":"(\w+)"/g)) {
    if (!lines.has(`#${name}`)) throw new Error(`${version}: no definition ${name}`);
  }
  return [...lines].map(([name, text]) => `\n${name}\t${text}`).sort().join("").concat("\n");
}

/** The schemas of every version, each compressed (Brotli) and in base64: what travels in the agent's file. */
export function packedSchemas(root: string): Readonly<Record<OcppVersion, string>> {
  const packed = (version: OcppVersion): string => {
    const text = schemaText(root, version);
    if (/[^\0-\x7f]/.test(text)) throw new Error(`${version}: not ASCII`);
    return brotliCompressSync(text, {
      params: {
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
        [constants.BROTLI_PARAM_QUALITY]: 11,
        [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
      },
    }).toString("base64");
  };
  return { "1.6": packed("1.6"), "2.0.1": packed("2.0.1"), "2.1": packed("2.1") };
}
