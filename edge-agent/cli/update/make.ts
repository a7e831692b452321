/** `kerbwatch update create` and `update sign`: the operators' side of a release, on machines without a network. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { sameBytes } from "../../../gossip/bytes.ts";
import { decodeSignedFile, encodeSignedFile, MAX_FILE_SIGNATURES, signFile } from "../../../gossip/signed-file.ts";
import { nodeCrypto } from "../../adapters/crypto.ts";
import { errorCode } from "../../adapters/durable-file.ts";
import { readSmallFile } from "../../adapters/roster-file.ts";
import { counted } from "../../plain-text.ts";
import { refuse } from "../../refuse.ts";
import {
  decodeRelease, encodeRelease, MAX_MANIFEST_BYTES, type ReleaseFile, type Stage,
} from "../../update/manifest.ts";
import { type Io, parseOptions, UsageError } from "../command.ts";
import { must, written } from "../roster/files.ts";
import { ONE_FILE, onlyFile } from "../roster/only-file.ts";
import { readKeyOption } from "../roster/sign.ts";

const CREATE = {
  files: { type: "string", multiple: true, required: true, value: "FILE..." },
  sequence: { type: "string", required: true, value: "N" },
  name: { type: "string", required: true, value: "NAME" },
  days: { type: "string", value: "D" },
  stages: { type: "string", value: "AFTER_S:PERCENT,..." },
  out: { type: "string", required: true, value: "FILE" },
} as const;
const DEFAULT_DAYS = 90;

const SIGN = {
  key: { type: "string", required: true, value: "FILE" },
  out: { type: "string", value: "FILE" },
} as const;

function number(option: string, text: string, allowed: string): number {
  return /^\d{1,10}$/.test(text) ? Number(text) : refuse(option, text, allowed);
}

function stagesOf(text: string | undefined): Stage[] {
  return (text ?? "").split(",").filter((part) => part !== "").map((part) => {
    const [, after, percent] = /^(\d{1,9}):(\d{1,3})$/.exec(part) ?? refuse("--stages", part, "AFTER_S:PERCENT,...");
    return { afterS: Number(after), percent: Number(percent) };
  });
}

function listed(path: string): ReleaseFile {
  try {
    const bytes = readFileSync(path);
    return { name: basename(path), bytes: bytes.length, sha256: nodeCrypto().sha256(bytes) };
  } catch (error) {
    throw new UsageError(`--files: ${path}: cannot be read (${errorCode(error)})`);
  }
}

export async function create(args: readonly string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, CREATE);
  const issuedS = Math.floor(Date.now() / 1000);
  const days = number("--days", options.days ?? String(DEFAULT_DAYS), "a number of days");
  const bytes = encodeRelease({
    sequence: number("--sequence", options.sequence, "a whole number, higher with each release"), name: options.name,
    issuedS, expiresS: issuedS + days * 86_400, stages: stagesOf(options.stages), files: options.files.map(listed),
  });
  must(decodeRelease(bytes), "release");
  if (!written(options.out, encodeSignedFile({ bytes, signatures: [] }), io.err)) return 1;
  io.out(`written   ${options.out}, which nobody signed yet\n`
    + `next      kerbwatch update sign ${options.out} --key FILE\n`);
  return 0;
}

export async function sign(args: readonly string[], io: Io): Promise<number> {
  const { options, positionals } = parseOptions(args, SIGN, ONE_FILE);
  const path = onlyFile(positionals);
  const file = must(decodeSignedFile("release", must(readSmallFile(path, MAX_MANIFEST_BYTES), "release"),
    MAX_MANIFEST_BYTES), `release ${path}`);
  const release = must(decodeRelease(file.bytes), `release ${path}`);
  const { label, signer, warning } = readKeyOption(options.key);
  if (warning !== undefined) io.err(`kerbwatch: ${warning}\n`);
  const others = file.signatures.filter(({ key }) => !sameBytes(key, signer.publicKey));
  if (others.length >= MAX_FILE_SIGNATURES) refuse("signatures", others.length, `fewer than ${MAX_FILE_SIGNATURES}`);
  const signatures = [...others, signFile("release", file.bytes, signer)];
  const out = options.out ?? path;
  if (!written(out, encodeSignedFile({ bytes: file.bytes, signatures }), io.err)) return 1;
  io.out(`Signed as operator/${label}: release ${release.sequence} (${release.name}), ${
    counted(release.files.length, "file", "files")}.\nwritten   ${out}, with ${
    counted(signatures.length, "signature", "signatures")}\n`);
  return 0;
}
