/** An operator's key: made once, on a machine that need not be on any network, and kept by one person. */
import type { Signer } from "../../models/crypto.ts";
import { isOperatorLabel } from "../operators.ts";
import type { Random } from "../ports.ts";
import { createKeyFile, exposure, KeyFileError, readKeyFile } from "./key-file.ts";

const PURPOSE = "operator";
const MEND = "put back a copy, or name another file";

export interface OperatorKeyFile {
  readonly label: string;
  readonly signer: Signer;
  /** Others could read it: what to do, on one line. */
  readonly warning?: string;
}

/** The key at `path`; undefined when there is no such file. Throws KeyFileError when it is damaged or no such key. */
export function readOperatorKey(path: string): OperatorKeyFile | undefined {
  const key = readKeyFile(path, PURPOSE, MEND);
  if (key === undefined) return undefined;
  const { label = "" } = key;
  if (!isOperatorLabel(label)) throw new KeyFileError(`${path}: damaged, or not an operator key; ${MEND}`);
  const warning = exposure(path, "600");
  return { label, signer: key.signer, ...(warning !== undefined && { warning }) };
}

/** The key at `path`, made for `label` when there is none; one that is there is never overwritten. */
export function loadOrCreateOperatorKey(
  path: string, label: string, random: Random,
): OperatorKeyFile & { readonly created: boolean } {
  const there = readOperatorKey(path);
  if (there !== undefined) return { ...there, created: false };
  createKeyFile(path, PURPOSE, random, label);
  const made = readOperatorKey(path);
  if (made === undefined) throw new KeyFileError(`${path}: vanished while it was made`);
  return { ...made, created: true };
}
