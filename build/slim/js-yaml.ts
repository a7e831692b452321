/**
 * js-yaml: reading one document with the core schema. Left out: writing, the schema with times, merge keys and binary
 * (whoever names no schema gets the core one), and the excerpt in error messages, which say line and column.
 */
import type { Edit, Slimming } from "./edit.ts";

const PARTS = `export { load } from "../lib/loader.js";
export { default as CORE_SCHEMA } from "../lib/schema/core.js";
export { default as YAMLException } from "../lib/exception.js";
`;

/** What a type has for writing: `predicate` and all that follows, and the functions of the names from `from` on. */
const unwritten = (from: string, predicate: string): readonly Edit[] => [
  { cut: from, to: "module.exports = new Type(" },
  { cut: `  predicate: ${predicate},`, put: "})\n" },
];

export const JS_YAML: Slimming = {
  version: "4.3.2",
  files: {
    "dist/js-yaml.mjs": [{ cut: "function getDefaultExportFromCjs(", put: PARTS }],
    "lib/common.js": [
      { cut: "function toArray (", to: "function repeat (" },
      { cut: "function isNegativeZero (", to: "module.exports.isNothing" },
      { swap: "module.exports.toArray = toArray\n", by: "" },
      { cut: "module.exports.isNegativeZero" },
    ],
    "lib/loader.js": [
      { cut: "function loadAll (", to: "function load (" },
      { swap: "module.exports.loadAll = loadAll\n", by: "" },
    ],
    "lib/schema/default.js": [{ cut: "module.exports = require", put: "module.exports = require('./core')\n" }],
    "lib/snippet.js": [{ cut: "const common =", put: "module.exports = () => null\n" }],
    "lib/type/bool.js": unwritten("function isBoolean (", "isBoolean"),
    "lib/type/float.js": unwritten("const SCIENTIFIC_WITHOUT_DOT", "isFloat"),
    "lib/type/int.js": unwritten("function isInteger (", "isInteger"),
    "lib/type/null.js": unwritten("function isNull (", "isNull"),
  },
};
