/** `kerbwatch ledger tiles`: the log as c2sp.org/tlog-tiles, for monitors that nobody here wrote. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { nodeCrypto } from "../../adapters/crypto.ts";
import { errorCode } from "../../adapters/durable-file.ts";
import { claimedSize, readLog } from "../../adapters/ledger-read.ts";
import { plainText } from "../../plain-text.ts";
import { parseCheckpoint } from "../../record/checkpoint.ts";
import { parseNote } from "../../record/note.ts";
import { Tiles } from "../../record/tiles.ts";
import { sameBytes } from "../../../gossip/bytes.ts";
import { problem, type Result } from "../../../models/result.ts";
import { type Io, parseOptions, UsageError } from "../command.ts";
import { STATE_OPTIONS, stateDirOf } from "../state-dir.ts";

interface Written {
  readonly files: number;
  readonly size: number;
  /** Entries that were thinned: tiles and bundles with one of them are left out. */
  readonly thinned: number;
}

function writeIn(folder: string, path: string, bytes: Uint8Array | string): void {
  const to = join(folder, path);
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, bytes);
}

/** Up to what the checkpoint attests: a first reading tells how far that is. Throws the system's error. */
function writeTiles(stateDir: string, out: string): Result<Written> {
  const crypto = nodeCrypto();
  const { checkpoint, checkpointRoot, damage } = readLog(stateDir, crypto);
  if (damage !== undefined) return problem(`the log is damaged: ${damage}`);
  const size = claimedSize(checkpoint);
  const note = parseNote(checkpoint ?? "");
  const attested = note.ok ? parseCheckpoint(note.value.text) : note;
  if (checkpoint === undefined || size === undefined || !attested.ok) {
    return problem("there is no checkpoint: nothing of the log is signed");
  }
  if (checkpointRoot === undefined || !sameBytes(checkpointRoot, attested.value.root)) {
    return problem("the entries are not those that the checkpoint attests");
  }
  let [files, thinned] = [0, 0];
  const tiles = new Tiles(crypto, ({ path, bytes }) => {
    files += 1;
    writeIn(out, path, bytes);
  });
  readLog(stateDir, crypto, ({ entry, leafHash }, index) => {
    if (index < size) tiles.leaf(entry, leafHash);
  }, (gone, index) => {
    if (index >= size) return;
    thinned += gone.size;
    tiles.gone(gone.root, gone.size);
  });
  tiles.end();
  // Last: whoever reads it finds the tiles.
  writeIn(out, "checkpoint", checkpoint);
  return { ok: true, value: { files, size, thinned } };
}

export async function exportTiles(args: readonly string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, { ...STATE_OPTIONS, out: { type: "string", required: true, value: "DIR" } });
  const stateDir = await stateDirOf(options, io);
  try {
    const made = writeTiles(stateDir, options.out);
    if (!made.ok) {
      io.err(`kerbwatch: ${plainText(made.problem)}\n`);
      return 1;
    }
    const { files, size, thinned } = made.value;
    const gone = thinned === 0 ? "" : `; ${thinned} entries were thinned, and tiles with one of them are left out`;
    io.out(`${options.out}: checkpoint of ${size} entries, ${files} tiles and bundles${gone}\n`);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    io.err(`kerbwatch: ${stateDir} cannot be read, or ${options.out} not be written (${errorCode(error)})\n`);
    return 1;
  }
}
