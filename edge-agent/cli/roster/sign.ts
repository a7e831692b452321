/** `kerbwatch roster sign`: adds one operator's signature to a roster. */
import { sameBytes } from "../../../gossip/bytes.ts";
import { MAX_ROSTER_BYTES } from "../../../gossip/roster.ts";
import { encodeRosterFile, MAX_ROSTER_SIGNATURES, signRoster } from "../../../gossip/roster-file.ts";
import { nodeCrypto } from "../../adapters/crypto.ts";
import { KeyFileError } from "../../adapters/key-file.ts";
import { type OperatorKeyFile, readOperatorKey } from "../../adapters/operator-key.ts";
import { counted } from "../../plain-text.ts";
import { refuse } from "../../refuse.ts";
import { type Io, parseOptions, UsageError } from "../command.ts";
import { readRoster, written } from "./files.ts";
import { ONE_FILE, onlyFile } from "./only-file.ts";

const OPTIONS = {
  key: { type: "string", required: true, value: "FILE" },
  out: { type: "string", value: "FILE" },
} as const;

/** The key of `--key`, or a UsageError. */
export function readKeyOption(path: string): OperatorKeyFile {
  try {
    return readOperatorKey(path) ?? refuse("--key", path, "a file that `keygen --operator` made");
  } catch (error) {
    throw error instanceof KeyFileError ? new UsageError(`--key: ${error.message}`) : error;
  }
}

export async function sign(args: readonly string[], io: Io): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS, ONE_FILE);
  const path = onlyFile(positionals);
  const crypto = nodeCrypto();
  const { file, roster } = readRoster(crypto, path, "roster");
  const { label, signer, warning } = readKeyOption(options.key);
  if (warning !== undefined) io.err(`kerbwatch: ${warning}\n`);
  // An old signature by this key is replaced: it may be of another roster, put there by mistake.
  const others = file.signatures.filter(({ key }) => !sameBytes(key, signer.publicKey));
  if (others.length >= MAX_ROSTER_SIGNATURES) {
    refuse("signatures", others.length, `fewer than ${MAX_ROSTER_SIGNATURES}; start again from the unsigned file`);
  }
  const signed = { bytes: file.bytes, signatures: [...others, signRoster(file.bytes, signer)] };
  const content = encodeRosterFile(signed);
  if (content.length > MAX_ROSTER_BYTES) refuse("roster", `${content.length} bytes`, `at most ${MAX_ROSTER_BYTES}`);
  const out = options.out ?? path.replace(/\.kwu$/, ".kw");
  if (!written(out, content, io.err)) return 1;
  if (!roster.operators.some((key) => sameBytes(key, signer.publicKey))) {
    io.err(`kerbwatch: operator/${label} is not among the operators in this roster; right only while they change\n`);
  }
  const { version, network, members, threshold } = roster;
  const count = counted(signed.signatures.length, "signature", "signatures");
  const size = counted(members.length, "member", "members");
  io.out(`Signed as operator/${label}: version ${version} of ${network}, ${size}.\n`
    + `written   ${out}, with ${count}; ${threshold} are needed\n`
    + `next      kerbwatch roster verify ${out} --operators FILE\n`);
  return 0;
}
