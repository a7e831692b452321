/** Did OCPP's schemas come with this program, and are they whole? */
import { type PackedSchemas, unpackSchemas } from "../../adapters/shipped-schemas.ts";
import { passed, warned } from "./check.ts";
import type { Check } from "./check.ts";

const VERSIONS = ["1.6", "2.0.1", "2.1"] as const;
const INSTALL_ANEW = "install the released kerbwatch.cjs again; frames pass and are watched without";

export function checkSchemas(packed: PackedSchemas | undefined): Check {
  if (packed === undefined) {
    return warned("schemas", "none came with this program: no message is compared with OCPP's own", INSTALL_ANEW);
  }
  const counts: string[] = [];
  for (const version of VERSIONS) {
    try {
      const messages = unpackSchemas(packed, version).match(/^\w+\.(call|result)\t/gm) ?? [];
      counts.push(`${version} (${messages.length})`);
    } catch {
      return warned("schemas", `OCPP ${version}: damaged`, INSTALL_ANEW);
    }
  }
  return passed("schemas", `messages of OCPP ${counts.join(", ")} are compared with OCPP's own schemas`);
}
