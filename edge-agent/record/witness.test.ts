/** The rules of a witness, held to gossip/vectors/witnesses.json and to trees made at random. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { seeded } from "../../build/seeded.ts";
import { assert, test } from "../../build/testing.ts";
import type { StationId } from "../../models/units.ts";
import { nodeCrypto, signerFromSeed } from "../adapters/crypto.ts";
import { formatCheckpoint, openCheckpoint, type SignedCheckpoint } from "./checkpoint.ts";
import { cosign, cosignedAt, cosignerKeyOf } from "./cosignature.ts";
import { readCosigned } from "./cosigned.ts";
import { appendLeaf, consistencyProof, EMPTY_FRONTIER, leafHash, rootOf } from "./merkle.ts";
import { parseNote, parseVerifierKey, signNote, type VerifierKey, verifierKeyOf } from "./note.ts";
import { judge } from "./witness.ts";

interface Vectors {
  readonly log: string;
  readonly witness: { readonly name: string; readonly publicKey: string; readonly keyId: string };
  readonly cosignatures: {
    readonly note: string;
    readonly lines: readonly { readonly name: string; readonly line: string; readonly timeS: number | null }[];
  };
  readonly checkpoints: readonly {
    readonly name: string; readonly expect: string; readonly note: string; readonly proof: readonly string[];
    readonly oldSize: number; readonly held?: string; readonly taken?: string;
  }[];
}

const crypto = nodeCrypto();
const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const vectors = JSON.parse(readFileSync(join(repoRoot, "gossip/vectors/witnesses.json"), "utf8")) as Vectors;
const logKey = keyOf(vectors.log);
const { name: NAME, publicKey, keyId } = vectors.witness;
const witnessKey = cosignerKeyOf(crypto, NAME, fromHex(publicKey));
const witnessSigner = signerFromSeed(new Uint8Array(32).fill(2));

function keyOf(text: string): VerifierKey {
  const key = parseVerifierKey(crypto, text);
  if (!key.ok) throw new Error(key.problem);
  return key.value;
}

function opened(note: string | undefined, key = logKey): SignedCheckpoint | undefined {
  const checkpoint = note === undefined ? undefined : openCheckpoint(crypto, note, key);
  if (checkpoint?.ok === false) throw new Error(checkpoint.problem);
  return checkpoint?.value;
}

test("every checkpoint of the vectors is taken, or refused for its reason", () => {
  for (const { name, expect, held, taken, note, proof, oldSize } of vectors.checkpoints) {
    const known = { held: opened(held), taken: opened(taken) };
    const judged = judge(crypto, logKey, known, { epoch: 1, note, proof: proof.map(fromHex), oldSize });
    assert.is("take" in judged ? "take" : judged.refuse, expect, name);
    if ("take" in judged) assert.is(judged.take.note, note);
  }
  const reasons = new Set(vectors.checkpoints.map(({ expect }) => expect));
  assert.equal([...reasons].sort(), [
    "bad-note", "bad-proof", "fork", "nothing-new", "old-size", "smaller", "take", "too-soon",
  ], "each rule has vectors");
});

test("every cosignature of the vectors is good at its time, or none", () => {
  const { note, lines } = vectors.cosignatures;
  const { text } = opened(note)!;
  assert.is(Buffer.from(witnessKey.keyId).toString("hex"), keyId);
  for (const { name, line, timeS } of lines) {
    const parsed = parseNote(`${note}${line}\n`);
    assert.ok(parsed.ok, name);
    assert.is(cosignedAt(crypto, text, parsed.value.signatures[1]!, witnessKey), timeS ?? undefined, name);
    if (timeS !== null) assert.is(cosign(crypto, text, NAME, witnessSigner, timeS), line, name);
  }
});

test("the key id is the one of a witness that is in public use", () => {
  const key = Buffer.from("BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2", "base64");
  assert.is(key[0], 4);
  const known = cosignerKeyOf(crypto, "remora.n621.de", new Uint8Array(key.subarray(1)));
  assert.is(Buffer.from(known.keyId).toString("hex"), "da77ade7");
});

test("a cosigned note: each witness counts once, strangers not at all, and what is forged is told", () => {
  const { note, lines } = vectors.cosignatures;
  const witnesses = [{ station: "CP-002" as StationId, witnessKey }];
  const read = (...more: string[]) => {
    const cosigned = readCosigned(crypto, [note, ...more].join(""), logKey, witnesses);
    if (!cosigned.ok) throw new Error(cosigned.problem);
    const { size, lines: by, timesS, forged } = cosigned.value;
    return [size, [...by.keys()], timesS, forged];
  };
  const line = (name: string): string => `${lines.find((one) => one.name === name)!.line}\n`;
  assert.equal(read(), [13, [], [], []]);
  assert.equal(read(line("good")), [13, ["CP-002"], [1_772_438_590], []]);
  assert.equal(read(line("good"), line("at the epoch")), [13, ["CP-002"], [1_772_438_590], []]);
  assert.equal(read(line("under another name"), line("good")), [13, ["CP-002"], [1_772_438_590], []]);
  assert.equal(read(line("of another tree")), [13, [], [], ["CP-002"]]);
  assert.equal(read(line("under the id of a key that signs notes")), [13, [], [], []]);
  const other = verifierKeyOf(crypto, logKey.name, witnessSigner.publicKey);
  assert.not(readCosigned(crypto, note, other, witnesses).ok, "the log itself did not sign it");
});

test("whatever is done to a good checkpoint, nothing else is taken, and nothing throws", () => {
  const random = seeded(6_963);
  const good = vectors.checkpoints.filter(({ expect, proof }) => expect === "take" && proof.length > 0);
  const signs = [..."\u2014 \n+/=AZ09\u0000\ud800\u00e9"];
  for (let round = 0; round < 3_000; round++) {
    const { note, proof, oldSize, held } = good[random.int(good.length)]!;
    const from = random.int(note.length);
    const to = from + random.int(1 + Math.min(9, note.length - from));
    const put = Array.from({ length: random.int(4) }, () => signs[random.int(signs.length)]).join("");
    const changed = random.int(20) === 0 ? note.repeat(1 + random.int(40)) : note.slice(0, from) + put + note.slice(to);
    const judged = judge(crypto, logKey, { held: opened(held), taken: undefined },
      { epoch: 1, note: changed, proof: proof.map(fromHex), oldSize });
    if (changed !== note) assert.is("take" in judged, false, `round ${round} of seed 6963`);
    readCosigned(crypto, changed, logKey, []);
  }
});

test("of two logs that part somewhere, a witness of one never takes the other, whatever the proof", () => {
  const random = seeded(6_962);
  const signer = signerFromSeed(new Uint8Array(32).fill(7));
  const key = verifierKeyOf(crypto, "kerbwatch/CP-9", signer.publicKey);
  const noteOf = (leaves: readonly Uint8Array[]): string => {
    const tree = leaves.reduce((so, leaf) => appendLeaf(crypto, so, leaf), EMPTY_FRONTIER);
    return signNote(crypto, formatCheckpoint({ origin: key.name, size: tree.size, root: rootOf(crypto, tree) }),
      key.name, signer);
  };
  for (let round = 0; round < 150; round++) {
    const leaves = Array.from({ length: 2 + random.int(63) }, () => leafHash(crypto, random.bytes(8)));
    const m = 1 + random.int(leaves.length - 1);
    const n = m + 1 + random.int(leaves.length - m);
    const from = random.int(m);
    const others = leaves.map((leaf, i) => (i < from ? leaf : leafHash(crypto, random.bytes(9))));
    const held = opened(noteOf(leaves.slice(0, m)), key);
    const judged = (which: readonly Uint8Array[], proof: Uint8Array[]) => judge(crypto, key, { held, taken: undefined },
      { epoch: 1, note: noteOf(which.slice(0, n)), proof, oldSize: m });
    const [good, bad] = [leaves, others].map((which) => consistencyProof(crypto, which, m, n)) as [never, never];
    assert.ok("take" in judged(leaves, good), `${m} to ${n} of seed 6962`);
    for (const proof of [good, bad]) {
      const verdict = judged(others, proof);
      assert.is("refuse" in verdict && verdict.refuse, "bad-proof", `${m} to ${n}, parted at ${from}`);
    }
  }
});
