/** `ledger tiles`: what the checkpoint attests as tiles, whole or thinned; nothing of a log that is not good. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import type { WallMs } from "../../models/units.ts";
import { nodeCrypto, signerFromSeed } from "../adapters/crypto.ts";
import { openLedger } from "../adapters/ledger-file.ts";
import { checkpointPath, readNote, segmentPath, slotsPath } from "../adapters/ledger-read.ts";
import { thinSegment } from "../adapters/ledger-thin.ts";
import { encodeEntry } from "../record/entry.ts";
import { appendEntries, checkpoint, createRecord, NEW_LOG } from "../record/record.ts";
import { ran } from "./io.testing.ts";

const crypto = nodeCrypto();
const folder = mkdtempSync(join(tmpdir(), "kerbwatch-tiles-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const state = join(folder, "state");
const at = Date.UTC(2026, 2, 1) as WallMs;

/** Six hundred entries under the checkpoint, five after it. */
function fill(): void {
  const { store } = openLedger(state, crypto);
  const record = createRecord({ origin: "kerbwatch/CP-1", crypto, recovered: NEW_LOG,
    signer: signerFromSeed(new Uint8Array(32).fill(1)) });
  const append = (count: number): void => {
    const entries = Array.from({ length: count }, (_, i) => encodeEntry({
      kind: "statement", at, signedBytes: Uint8Array.of(i >> 8, i & 255), signature: new Uint8Array(64) }));
    for (const effect of appendEntries(record, entries).effects) {
      if (effect.kind === "append") store.append(effect.entries);
    }
  };
  append(600);
  const [effect] = checkpoint(record);
  if (effect?.kind === "checkpoint") store.writeCheckpoint(effect.note);
  append(5);
  store.close();
}

test("tiles of what is signed, and the checkpoint; of another log one line, and nothing is written", async () => {
  fill();
  const out = join(folder, "tiles");
  const { code, out: said } = await ran(["ledger", "tiles", "--state", state, "--out", out]);
  assert.equal([code, said], [0, `${out}: checkpoint of 600 entries, 7 tiles and bundles\n`]);
  for (const path of ["tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/002.p/88"]) {
    assert.ok(existsSync(join(out, path)), path);
  }
  const note = readNote(checkpointPath(state), crypto)!;
  assert.is(readFileSync(join(out, "checkpoint"), "utf8"), note);
  rmSync(slotsPath(checkpointPath(state)));
  writeFileSync(checkpointPath(state), note.replace("\n600\n", "\n599\n"));
  const none = join(folder, "none");
  const bad = await ran(["ledger", "tiles", "--state", state, "--out", none]);
  assert.equal([bad.code, bad.err], [1, "kerbwatch: the entries are not those that the checkpoint attests\n"]);
  assert.not(existsSync(none));
  writeFileSync(checkpointPath(state), note);
});

test("of a thinned log the tiles above what is gone, and it is said what is left out", async () => {
  assert.ok(thinSegment(state, crypto, 0, new Set()) > 0);
  const out = join(folder, "thinned");
  const { code, out: said } = await ran(["ledger", "tiles", "--state", state, "--out", out]);
  assert.is(code, 0);
  assert.match(said, /checkpoint of 600 entries, 1 tiles and bundles; 600 entries were thinned, and tiles with one/);
  assert.equal(readFileSync(join(out, "tile/1/000.p/2")), readFileSync(join(folder, "tiles/tile/1/000.p/2")));
  assert.not(existsSync(segmentPath(state, 0)));
});
