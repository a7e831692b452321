/** Schemas as they travel (build/schemas.ts) become rules: a version's, and each message's, when it is first met. */
import type { OcppVersion } from "../../models/terms.ts";
import type { Format, Rule, RuleType, SchemaOf } from "./schema.ts";

/** A schema as it is written; what each keyword may hold was checked when the text was made. */
interface Written {
  readonly $ref?: string;
  readonly type?: RuleType;
  readonly properties?: Readonly<Record<string, Written>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
  readonly enum?: readonly string[];
  readonly maxLength?: number;
  readonly format?: Format;
  readonly items?: Written;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
}

type Named = (name: string) => Rule | undefined;

function ruleOf(written: Written, definition: Named): Rule {
  const { $ref, properties = {}, required = [], additionalProperties, enum: words, items, ...limits } = written;
  if ($ref !== undefined) {
    const rule = definition($ref);
    if (rule === undefined) throw new Error(`no definition ${$ref}`);
    return rule;
  }
  const members = new Map(Object.entries(properties).map(([name, one]) => [name, ruleOf(one, definition)]));
  return {
    ...limits, members, required, isClosed: additionalProperties === false,
    ...(words !== undefined && { words: new Set(words) }),
    ...(items !== undefined && { items: ruleOf(items, definition) }),
  };
}

/** The rules of one version's text by name, each made once. */
function rulesOf(text: string): Named {
  const made = new Map<string, Rule | undefined>();
  const named: Named = (name) => {
    if (!made.has(name)) {
      const head = `\n${name}\t`;
      const at = text.indexOf(head);
      const json = text.slice(at + head.length, text.indexOf("\n", at + head.length));
      made.set(name, at < 0 ? undefined : ruleOf(JSON.parse(json) as Written, (one) => named(`#${one}`)));
    }
    return made.get(name);
  };
  return named;
}

/**
 * Rules from the texts of the versions, which `textOf` gives, once each, or `undefined` where there is none. Asked for
 * names of known actions only, so that what is kept is bounded.
 */
export function createSchemas(textOf: (version: OcppVersion) => string | undefined): SchemaOf {
  const versions = new Map<OcppVersion, Named>();
  return (version, action, kind) => {
    let named = versions.get(version);
    if (named === undefined) {
      const text = textOf(version);
      named = text === undefined ? () => undefined : rulesOf(text);
      versions.set(version, named);
    }
    return named(`${action}.${kind}`);
  };
}
