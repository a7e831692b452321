/** ajv, as ocpp-rpc sets it up, for comparison; payloads that keep to a schema, or nearly. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { messageName, originalSchemas, SCHEMA_VERSIONS, schemaText } from "../../build/schemas.ts";
import type { Seeded } from "../../build/seeded.ts";
import type { MessageKind, SchemaOf } from "../../edge-agent/observe/schema.ts";
import { createSchemas } from "../../edge-agent/observe/schema-text.ts";
import type { OcppVersion } from "../../models/terms.ts";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
/** A schema as ocpp-rpc ships it. */
export type Original = { readonly [keyword: string]: any };

export interface Subject {
  readonly version: OcppVersion;
  readonly action: string;
  readonly kind: MessageKind;
  readonly original: Original;
}

/** Each message that has a schema. */
export const SUBJECTS: readonly Subject[] = SCHEMA_VERSIONS.flatMap((version) =>
  originalSchemas(repoRoot, version).map((original) => {
    const [action = "", kind] = messageName(String(original.$id)).split(".");
    return { version, action, kind: kind as MessageKind, original };
  }));

/** The rules that travel with the agent, without the packing. */
export const schemaOf: SchemaOf = createSchemas((version) => schemaText(repoRoot, version));

export interface AjvFault {
  readonly keyword: string;
  /** JSON pointer to what is wrong, of a member that is missing to its place. */
  readonly at: string;
  readonly says: string;
}

interface Compiled {
  (data: unknown): boolean;
  errors?: { keyword: string; instancePath: string; message?: string; params: Record<string, unknown> }[] | null;
}
interface Ajv {
  compile(schema: object): Compiled;
  removeKeyword(word: string): void;
  addKeyword(keyword: object): void;
}

// Of ocpp-rpc's own dependencies, wherever they are installed.
const load = createRequire(createRequire(join(repoRoot, "package.json")).resolve("ocpp-rpc"));

/** ajv with what ocpp-rpc 2.2.1 does to it in lib/validator.js, and told to go on after the first error. */
function ajvOfOcppRpc(): Ajv {
  const { default: Ajv } = load("ajv") as { default: new (options: object) => Ajv };
  const ajv = new Ajv({ strictSchema: false, allErrors: true, logger: false });
  (load("ajv-formats") as (ajv: Ajv) => void)(ajv);
  ajv.removeKeyword("multipleOf");
  ajv.addKeyword({ keyword: "multipleOf", type: "number", errors: false, metaSchema: { type: "number" },
    compile: (unit: number) => (data: number) => Math.abs(Math.round(data / unit) - data / unit) < 1e-6 });
  return ajv;
}

let ajv: Ajv | undefined;
const compiled = new Map<Original, Compiled>();

/** All that ajv finds wrong with a payload. */
export function ajvFaults({ original }: Subject, payload: Json): AjvFault[] {
  const { $id, ...schema } = original;
  ajv ??= ajvOfOcppRpc();
  const validate = compiled.get(original) ?? ajv.compile(schema);
  compiled.set(original, validate);
  if (validate(payload)) return [];
  return (validate.errors ?? []).map(({ keyword, instancePath, message, params }) => ({
    keyword, says: `${instancePath} ${message}`,
    at: keyword === "required" ? `${instancePath}/${String(params.missingProperty)}` : instancePath,
  }));
}

/** Stands in values and names that must not be told. */
export const CANARY = "canary7";
const TIMES = [
  "2026-03-02T08:00:00Z", "2026-03-02 08:00:00.123456+01:00", "2024-02-29t23:59:60", "0001-01-01T00:00:00",
];
const NOT_TIMES = ["2026-02-29T08:00:00Z", "2026-03-02", "2026-03-02T24:00:00Z", "2026-03-02T08:00:00+1:00", CANARY,
  "2026-03-02T08:00Z", "2026-13-02T08:00:00Z", "2026-04-31T08:00:00Z", "2026-03-02T08:00:00.Z", ""];
const URIS = ["https://fw.example/a%20b?c=d#e", "ftp://user:word@192.0.2.1:21/x", "urn:a:b", "ws://[2001:db8::1]/"];
const NOT_URIS = ["", CANARY, "/path", "http://a b", "http://a/%zz", "1a:b", "http://ä/"];
const MOST_DEEP = 6;

/** A payload of this schema, with about one fault in `oneIn` places; none for Infinity. */
export function sample(random: Seeded, original: Original, oneIn: number): Json {
  const isWrong = (): boolean => oneIn !== Infinity && random.int(oneIn) === 0;
  const definitions = original.definitions as Readonly<Record<string, Original>> | undefined;

  const object = (schema: Original, depth: number): Json => {
    const { required = [], properties = {} } = schema as { required?: string[]; properties?: Record<string, Original> };
    const members: [string, Json][] = Object.entries(properties).flatMap(([name, one]): [string, Json][] => {
      const isDue = required.includes(name) ? !isWrong() : depth < MOST_DEEP && random.int(3) === 0;
      return isDue ? [[name, value(one, depth + 1)]] : [];
    });
    if (isWrong()) members.push([random.pick([CANARY, "__proto__", "constructor", ""]), CANARY]);
    return Object.fromEntries(members);
  };
  const list = ({ items, minItems = 0, maxItems = minItems + 3 }: Original, depth: number): Json => {
    const count = isWrong() ? random.pick([maxItems + 1, Math.max(0, minItems - 1)])
      : minItems + random.int(Math.min(3, maxItems - minItems + 1));
    return Array.from({ length: count }, () => value(items as Original, depth + 1));
  };
  const text = ({ enum: words, format, maxLength = 40 }: Original): string => {
    if (words !== undefined) return isWrong() ? random.pick([CANARY, "", words[0].toLowerCase()]) : random.pick(words);
    if (format === "date-time") return random.pick(isWrong() ? NOT_TIMES : TIMES);
    if (format === "uri") return random.pick(isWrong() ? NOT_URIS : URIS);
    const length = isWrong() ? maxLength + 1 : random.pick([0, 1, maxLength]);
    const long = random.pick([CANARY, "\u{1f50c}", "x", "\ud800"]).repeat(length);
    return [...long].slice(0, length).join("");
  };
  const number = ({ minimum, maximum, multipleOf, type }: Original): number => {
    const from = minimum ?? maximum ?? 0;
    if (isWrong()) return random.pick([from - 1, (maximum ?? from) + 1, from + 0.05, 1e300, -0]);
    const within = random.pick([from, maximum ?? from + random.int(1_000)]);
    return multipleOf !== undefined ? within + random.int(10) / 10 : type === "integer" ? within : within * 1.0;
  };
  const value = (schema: Original, depth: number): Json => {
    if (schema.$ref !== undefined) return value(definitions![String(schema.$ref).split("/")[2]!]!, depth);
    if (isWrong()) return random.pick([null, CANARY, 1.5, -1, true, [], {}, [CANARY], { [CANARY]: CANARY }]);
    switch (schema.type) {
      case "object": return object(schema, depth);
      case "array": return list(schema, depth);
      case "string": return text(schema);
      case "boolean": return random.int(2) === 0;
      case undefined: return random.pick([CANARY, 1, null, [CANARY], { [CANARY]: 1 }]);
      default: return number(schema);
    }
  };
  return value(original, 0);
}
