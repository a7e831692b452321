/**
 * Sigsum's own programs (Debian 13: sigsum-go) on a log of ours that bears a name of theirs and leaves as they have
 * them: sigsum-witness cosigns our checkpoints as they grow and refuses others, sigsum-verify takes our proof of a
 * leaf with a cosignature of ours and one of theirs and refuses it with anything changed. Their formats:
 * sigsum-go, doc/sigsum-proof.md, version 2; C2SP tlog-witness.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeCrypto, signerFromSeed } from "../../edge-agent/adapters/crypto.ts";
import { Receiver } from "../../edge-agent/adapters/outlets/outlets.testing.ts";
import { fromBase64, toBase64 } from "../../edge-agent/record/base64.ts";
import { formatCheckpoint } from "../../edge-agent/record/checkpoint.ts";
import { cosign, cosignedAt, cosignerKeyOf } from "../../edge-agent/record/cosignature.ts";
import {
  appendLeaf, consistencyProof, EMPTY_FRONTIER, inclusionProof, leafHash, rootOf,
} from "../../edge-agent/record/merkle.ts";
import { parseNote, signNote } from "../../edge-agent/record/note.ts";
import type { Signer } from "../../models/crypto.ts";
import type { Row } from "./row.ts";

const crypto = nodeCrypto();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const keyHash = ({ publicKey }: Signer): Uint8Array => crypto.sha256(publicKey);
const seeded = (byte: number): Signer => signerFromSeed(new Uint8Array(32).fill(byte));

const LOG = seeded(1);
const SUBMITTER = seeded(2);
const OWN_WITNESS = seeded(3);
const STRANGER = seeded(4);
const ORIGIN = `sigsum.org/v1/tree/${hex(keyHash(LOG))}`;
const SIZES = [1, 2, 7, 64, 100] as const;
const LEAF = 37;

const messageOf = (index: number): string => `entry ${index}`;

/** Checksum, signature and key hash: what sigsum's logs have as a leaf. */
function leafOf(index: number): { readonly bytes: Buffer; readonly signature: Uint8Array } {
  const checksum = crypto.sha256(crypto.sha256(Buffer.from(messageOf(index))));
  const signature = SUBMITTER.sign(Buffer.concat([Buffer.from("sigsum.org/v1/tree-leaf\0"), checksum]));
  return { bytes: Buffer.concat([checksum, signature, keyHash(SUBMITTER)]), signature };
}

const LEAVES = Array.from({ length: SIZES.at(-1)! }, (_, index) => leafHash(crypto, leafOf(index).bytes));

const rootAt = (size: number): Uint8Array =>
  rootOf(crypto, LEAVES.slice(0, size).reduce((frontier, leaf) => appendLeaf(crypto, frontier, leaf), EMPTY_FRONTIER));

/** An Ed25519 public key as OpenSSH writes it (RFC 8709, section 4). */
function openSsh({ publicKey }: { readonly publicKey: Uint8Array }): string {
  const part = (bytes: Uint8Array): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  return `ssh-ed25519 ${toBase64(Buffer.concat([part(Buffer.from("ssh-ed25519")), part(publicKey)]))}`;
}

/** The key of an OpenSSH line: its last 32 bytes. */
const keyOfOpenSsh = (line: string): Uint8Array => fromBase64(line.split(" ")[1]!)!.slice(-32);

const changed = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte));

interface Asked {
  readonly old: number;
  readonly size: number;
  readonly root?: Uint8Array;
  readonly proof?: readonly Uint8Array[];
  readonly signer?: Signer;
}

/** C2SP tlog-witness, "add-checkpoint". */
function requestOf({ old, size, root = rootAt(size), proof, signer = LOG }: Asked): string {
  const path = proof ?? (old === 0 ? [] : consistencyProof(crypto, LEAVES, old, size));
  const note = signNote(crypto, formatCheckpoint({ origin: ORIGIN, size, root }), ORIGIN, signer);
  return [`old ${old}`, ...path.map(toBase64), "", note].join("\n");
}

interface Witness {
  readonly url: string;
  readonly publicKey: Uint8Array;
}

/** Makes the witness's key and knows the log's. @returns as Receiver takes them, and the witness's public key */
function witnessOf(folder: string, port: number): { readonly args: readonly string[]; readonly publicKey: Uint8Array } {
  const at = (name: string): string => join(folder, name);
  const made = spawnSync("sigsum-key", ["generate", "-o", at("witness")], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`sigsum-key: ${made.stderr}`);
  writeFileSync(at("log.pub"), `${openSsh(LOG)}\n`);
  return {
    args: ["-k", at("witness"), "--log-key", at("log.pub"), "--state-file", at("witness-state"), `127.0.0.1:${port}`],
    publicKey: keyOfOpenSsh(readFileSync(at("witness.pub"), "utf8")),
  };
}

/** The witness's line for a checkpoint, when it gave one and our own reading of it holds. */
async function ask(
  { url, publicKey }: Witness, asked: Asked,
): Promise<{ readonly said: string; readonly line?: string; readonly timeS?: number }> {
  const answer = await fetch(url, { method: "POST", body: requestOf(asked) });
  const text = await answer.text();
  if (answer.status !== 200) return { said: `${answer.status} ${text.trim()}` };
  const [line = ""] = text.split("\n");
  const checkpoint = formatCheckpoint({ origin: ORIGIN, size: asked.size, root: asked.root ?? rootAt(asked.size) });
  const note = parseNote(`${checkpoint}\n${line}\n`);
  const found = note.ok ? note.value.signatures[0] : undefined;
  const timeS = found && cosignedAt(crypto, checkpoint, found, cosignerKeyOf(crypto, found.name, publicKey));
  return timeS === undefined ? { said: "cosigned, and we cannot read it" } : { said: "cosigned", line, timeS };
}

/** Its cosignature of the last size is the second thing given back. */
async function witnessRows(witness: Witness): Promise<readonly [Row[], { signature: Uint8Array; timeS: number }]> {
  const rows: Row[] = [];
  const tell = async (what: string, asked: Asked) => {
    const answer = await ask(witness, asked);
    rows.push({ changed: `sigsum-witness: ${what}`, accepted: answer.timeS !== undefined, said: answer.said });
    return answer;
  };
  let last: Awaited<ReturnType<typeof tell>> | undefined;
  for (const [at, size] of SIZES.entries()) {
    const old = SIZES[at - 1] ?? 0;
    if (old > 0) {
      const proof = consistencyProof(crypto, LEAVES, old, size);
      await tell(`${old} to ${size}, a proof too long`, { old, size, proof: [...proof, proof[0] ?? rootAt(1)] });
      await tell(`${old} to ${size}, another root`, { old, size, root: changed(rootAt(size)) });
      await tell(`${old} to ${size}, a stranger's key`, { old, size, signer: STRANGER });
      await tell(`${old - 1} to ${size}, a size that is over`, { old: old - 1, size });
    }
    last = await tell(`nothing (${old} to ${size})`, { old, size });
  }
  const line = last?.line;
  if (line === undefined) throw new Error("sigsum-witness cosigned nothing");
  return [rows, { signature: fromBase64(line.split(" ")[2]!)!.slice(4 + 8), timeS: last!.timeS! }];
}

interface Proof {
  message: string;
  leafSignature: Uint8Array;
  size: number;
  root: Uint8Array;
  index: number;
  path: Uint8Array[];
  cosignatures: { of: Uint8Array; timeS: number; signature: Uint8Array }[];
}

/** doc/sigsum-proof.md, "Ascii representation". */
function proofText({ leafSignature, size, root, index, path, cosignatures }: Proof, signed: Uint8Array): string {
  return [
    "version=2", `log=${hex(keyHash(LOG))}`, `leaf=${hex(keyHash(SUBMITTER))} ${hex(leafSignature)}`, "",
    `size=${size}`, `root_hash=${hex(root)}`, `signature=${hex(signed)}`,
    ...cosignatures.map(({ of, timeS, signature }) =>
      `cosignature=${hex(crypto.sha256(of))} ${timeS} ${hex(signature)}`), "",
    `leaf_index=${index}`, ...path.map((node) => `node_hash=${hex(node)}`), "",
  ].join("\n");
}

const CHANGES: Readonly<Record<string, (proof: Proof) => void>> = {
  "nothing": () => undefined,
  "the message": (proof) => void (proof.message = messageOf(LEAF + 1)),
  "the leaf's signature": (proof) => void (proof.leafSignature = changed(proof.leafSignature)),
  "the size": (proof) => void (proof.size -= 1),
  "the root": (proof) => void (proof.root = changed(proof.root)),
  "the index": (proof) => void (proof.index -= 1),
  "a node of the path": ({ path }) => void (path[2] = changed(path[2]!)),
  "our cosignature": ({ cosignatures: [ours] }) => void (ours!.signature = changed(ours!.signature)),
  "the time of theirs": ({ cosignatures: [, theirs] }) => void (theirs!.timeS += 1),
};

function verifyRows(folder: string, witness: Witness, cosigned: { signature: Uint8Array; timeS: number }): Row[] {
  const at = (name: string): string => join(folder, name);
  const size = SIZES.at(-1)!;
  const checkpoint = formatCheckpoint({ origin: ORIGIN, size, root: rootAt(size) });
  const own = cosign(crypto, checkpoint, "kerbwatch/CP-1/witness", OWN_WITNESS, cosigned.timeS);
  writeFileSync(at("submitter.pub"), `${openSsh(SUBMITTER)}\n`);
  const raw = ({ publicKey }: { publicKey: Uint8Array }): string => hex(publicKey);
  writeFileSync(at("policy"), `log ${raw(LOG)}\nwitness ours ${raw(OWN_WITNESS)}\nwitness theirs ${raw(witness)}\n`
    + "group both all ours theirs\nquorum both\n");
  return Object.entries(CHANGES).map(([what, change]) => {
    const proof: Proof = {
      message: messageOf(LEAF), leafSignature: leafOf(LEAF).signature, size, root: rootAt(size), index: LEAF,
      path: inclusionProof(crypto, LEAVES, LEAF, size), cosignatures: [
        { of: OWN_WITNESS.publicKey, timeS: cosigned.timeS, signature: fromBase64(own.split(" ")[2]!)!.slice(4 + 8) },
        { of: witness.publicKey, ...cosigned },
      ],
    };
    change(proof);
    writeFileSync(at("proof"), proofText(proof, LOG.sign(Buffer.from(checkpoint))));
    const { status, stderr } = spawnSync("sigsum-verify", ["-k", at("submitter.pub"), "-p", at("policy"), at("proof")],
      { input: proof.message, encoding: "utf8" });
    return { changed: `sigsum-verify: ${what}`, accepted: status === 0, said: stderr.trim() || "leaf, cosignatures" };
  });
}

/** Whether both programs are there. */
export const hasSigsum = (): boolean =>
  ["sigsum-witness", "sigsum-verify"].every((name) => spawnSync(name, ["--version"]).error === undefined);

/** @param port free, for the witness */
export async function compareSigsum(folder: string, port: number): Promise<Row[]> {
  const { args, publicKey } = witnessOf(folder, port);
  // Go's router of old: the program's paths are written for it.
  const running = new Receiver("sigsum-witness", args, { ...process.env, GODEBUG: "httpmuxgo121=0" });
  try {
    await running.listening(port);
    const witness = { url: `http://127.0.0.1:${port}/add-checkpoint`, publicKey };
    const [rows, cosigned] = await witnessRows(witness);
    return [...rows, ...verifyRows(folder, witness, cosigned)];
  } finally {
    await running.stop();
  }
}
