/** The public Ed25519 vectors of ../shared/vectors: Wycheproof, CCTV and speccheck. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sharedDir } from "./paths.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

export interface PublicVector {
  readonly name: string;
  readonly key: string;
  readonly message: Uint8Array;
  readonly signature: string;
  /** Only where the source states a verdict. */
  readonly valid?: boolean;
}

/** All 1,077; undefined where there is no ../shared. */
export function publicVectors(): readonly PublicVector[] | undefined {
  const shared = sharedDir();
  const folder = shared && join(shared, "vectors");
  return folder === undefined || !existsSync(folder) ? undefined : readVectors(folder);
}

function readVectors(folder: string): PublicVector[] {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), "utf8"));
  const wycheproof = read("wycheproof/ed25519_test.json") as { testGroups: { publicKey: { pk: string };
    tests: { tcId: number; msg: string; sig: string; result: string }[] }[] };
  const cctv = read("cctv/ed25519vectors.json") as { number: number; key: string; sig: string; msg: string }[];
  const speccheck = read("speccheck/cases.json") as { message: string; pub_key: string; signature: string }[];
  return [
    ...wycheproof.testGroups.flatMap((group) => group.tests.map((one) => ({ name: `wycheproof ${one.tcId}`,
      key: group.publicKey.pk, message: hex(one.msg), signature: one.sig, valid: one.result === "valid" }))),
    ...cctv.map((one) => ({ name: `cctv ${one.number}`, key: one.key,
      message: new TextEncoder().encode(one.msg), signature: one.sig })),
    ...speccheck.map((one, index) => ({ name: `speccheck ${index}`, key: one.pub_key, message: hex(one.message),
      signature: one.signature, valid: index === 3 })),
  ];
}
