/** OCPP's schemas as they travel in the program's file: packed (build/pack.ts), unpacked when they are first needed. */
import { brotliDecompressSync } from "node:zlib";
import type { OcppVersion } from "../../models/terms.ts";
import type { SchemaOf } from "../observe/schema.ts";
import { createSchemas } from "../observe/schema-text.ts";

/** A version's schemas, Brotli in base64. */
export type PackedSchemas = Readonly<Record<OcppVersion, string>>;

/** Given to the program by the file that carries it; absent where it runs from anything else. */
declare const __PACKED__: { readonly schemas?: PackedSchemas } | undefined;

/** More than any version has, bytes. */
const MOST_BYTES = 1 << 20;

/** `undefined`: this program came without. */
export function shippedSchemas(): PackedSchemas | undefined {
  return typeof __PACKED__ === "undefined" ? undefined : __PACKED__.schemas;
}

/** @throws Error when they are damaged */
export function unpackSchemas(packed: PackedSchemas, version: OcppVersion): string {
  return brotliDecompressSync(Buffer.from(packed[version], "base64"), { maxOutputLength: MOST_BYTES })
    .toString("latin1");
}

/** Rules of messages; a version whose schemas are damaged has none: nobody's charging depends on them. */
export function schemasFrom(packed: PackedSchemas): SchemaOf {
  return createSchemas((version) => {
    try {
      return unpackSchemas(packed, version);
    } catch {
      return undefined;
    }
  });
}
