/** The list of what is inside a package: CycloneDX 1.5, JSON (ECMA-424, first edition, describes 1.6 alike). */
import { createHash } from "node:crypto";
import { type Arch, NODES } from "../../targets/nodes.ts";
import type { DebianPackage } from "./debian-archive.ts";
import type { Release } from "./release.ts";

interface Component {
  readonly type: "application" | "library" | "platform";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: "SHA-256" | "SHA-512"; readonly content: string }[];
  readonly licenses?: readonly { readonly expression: string }[];
}

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");
const sha512Of = (integrity: string): string | undefined =>
  integrity.startsWith("sha512-") ? Buffer.from(integrity.slice(7), "base64").toString("hex") : undefined;

function component(
  type: Component["type"], name: string, version: string, purl: string, more: Partial<Component> = {},
): Component {
  return { type, "bom-ref": purl, name, version, purl, ...more };
}

function ofNpm(name: string, version: string, integrity: string, licence?: string): Component {
  const sha512 = sha512Of(integrity);
  return component("library", name, version, `pkg:npm/${name.replace("@", "%40")}@${version}`, {
    ...(sha512 !== undefined && { hashes: [{ alg: "SHA-512", content: sha512 }] }),
    ...(licence !== undefined && { licenses: [{ expression: licence }] }),
  });
}

export interface Inside {
  /** Absent: the system's own is used. */
  readonly node?: Arch;
  readonly libraries?: readonly DebianPackage[];
}

/** The document's text. Nothing in it depends on when or where it was made. */
export function sbomText(release: Release, { node, libraries = [] }: Inside): string {
  const { version, program, ingredients, epochS } = release;
  const self = component("application", "kerbwatch", version, `pkg:generic/kerbwatch@${version}`, {
    hashes: [{ alg: "SHA-256", content: sha256(program) }], licenses: [{ expression: "Apache-2.0" }],
  });
  const parts = ingredients.map((one) => ofNpm(one.name, one.version, one.integrity, one.licence));
  const pin = node === undefined ? undefined : NODES[node];
  const system = [
    ...(pin === undefined ? [] : [{ ...ofNpm(pin.package, pin.version, pin.integrity), type: "platform" as const }]),
    ...libraries.map((one) =>
      component("library", one.name, one.version, `pkg:deb/debian/${one.name}@${one.version}?arch=${node ?? "all"}`)),
  ];
  const refs = (of: readonly Component[]): string[] => of.map((one) => one["bom-ref"]);
  const body = {
    metadata: { timestamp: new Date(epochS * 1000).toISOString(), component: self },
    components: [...parts, ...system],
    dependencies: [
      { ref: self["bom-ref"], dependsOn: refs([...parts, ...system]) },
      ...refs([...parts, ...system]).map((ref) => ({ ref })),
    ],
  };
  // RFC 9562, section 5.8: a UUID of version 8, of what the document says.
  const hash = sha256(JSON.stringify(body));
  const uuid = hash.slice(0, 32).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-8$3-a$4-$5");
  const head = { bomFormat: "CycloneDX", specVersion: "1.5", serialNumber: `urn:uuid:${uuid}`, version: 1 };
  return `${JSON.stringify({ ...head, ...body }, null, 2)}\n`;
}
