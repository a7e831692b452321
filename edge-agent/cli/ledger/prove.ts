/** `kerbwatch ledger prove ENTRY`: one entry with its proof, as a C2SP tlog-proof (c2sp.org/tlog-proof). */
import { nodeCrypto } from "../../adapters/crypto.ts";
import { errorCode } from "../../adapters/durable-file.ts";
import { type ProvenEntry, proveEntry } from "../../adapters/evidence-read.ts";
import { plainText, shown } from "../../plain-text.ts";
import { toBase64 } from "../../record/base64.ts";
import { type Io, parseOptions, UsageError } from "../command.ts";
import { STATE_OPTIONS, stateDirOf } from "../state-dir.ts";

/** The entry itself is the proof's extra data; its leaf is SHA-256(0x00 || entry). */
export function tlogProof({ index, entry, proof, note }: ProvenEntry): string {
  return ["c2sp.org/tlog-proof@v1", `extra ${toBase64(entry)}`, `index ${index}`, ...proof.map(toBase64), "", note]
    .join("\n");
}

export async function prove(args: readonly string[], io: Io): Promise<number> {
  const { options, positionals: [which] } = parseOptions(args, STATE_OPTIONS, { max: 1, what: "one entry" });
  if (which === undefined || !/^(\d{1,15}|sha256:[0-9a-f]{64})$/.test(which)) {
    throw new UsageError(`ledger prove: found ${shown(which)}; allowed: an entry's index from 0, or sha256:<its hash>`);
  }
  const stateDir = await stateDirOf(options, io);
  try {
    const proven = proveEntry(stateDir, nodeCrypto(), which);
    if (proven.ok) io.out(tlogProof(proven.value));
    else io.err(`kerbwatch: ${plainText(proven.problem)}\n`);
    return proven.ok ? 0 : 1;
  } catch (error) {
    io.err(`kerbwatch: the log in ${stateDir} cannot be read (${errorCode(error)})\n`);
    return 1;
  }
}
