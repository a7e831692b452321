import { test, assert } from "../../build/testing.ts";
import { seeded } from "../../build/seeded.ts";
import { nodeCrypto, signerFromSeed } from "../adapters/crypto.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { MAX_NOTE_CHARS, MAX_SIGNATURES } from "./note.ts";
import {
  formatVerifierKey, isKeyName, openNote, parseNote, parseVerifierKey, signNote, verifierKeyOf,
} from "./note.ts";
import type { VerifierKey } from "./note.ts";

const crypto = nodeCrypto();

// The example of golang.org/x/mod/sumdb/note, which the C2SP specification's format comes from.
const VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const SEED = Buffer.from("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz", "base64").subarray(1);
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const BLOB = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
const LINE = `\u2014 PeterNeumann ${BLOB}\n`;
const NOTE = `${TEXT}\n${LINE}`;

const signer = signerFromSeed(SEED);
const parsedKey = parseVerifierKey(crypto, VKEY);
const key = (parsedKey as { value: VerifierKey }).value;
const opens = (note: string): boolean => openNote(crypto, note, key).ok;

test("known answer: key, key id and signature of the public example", () => {
  assert.ok(parsedKey.ok);
  assert.equal(key.publicKey, signer.publicKey);
  assert.is(formatVerifierKey(verifierKeyOf(crypto, "PeterNeumann", signer.publicKey)), VKEY);
  assert.is(signNote(crypto, TEXT, "PeterNeumann", signer), NOTE);
  assert.equal(openNote(crypto, NOTE, key), { ok: true, value: TEXT });
});

test("every part and every single change of a verifier key is refused", () => {
  for (let from = 0; from <= VKEY.length; from++) {
    for (let to = from + 1; to <= VKEY.length; to++) {
      if (from > 0 || to < VKEY.length) assert.not(parseVerifierKey(crypto, VKEY.slice(from, to)).ok);
    }
  }
  for (let i = 0; i < VKEY.length; i++) {
    const changed = VKEY.slice(0, i) + String.fromCharCode(VKEY.charCodeAt(i) + 1) + VKEY.slice(i + 1);
    assert.not(parseVerifierKey(crypto, changed).ok, changed);
  }
  assert.not(parseVerifierKey(crypto, "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").ok);
  assert.not(parseVerifierKey(crypto, `${VKEY}\n`).ok);
  assert.not(parseVerifierKey(crypto, VKEY.replace("c74f20a3", "C74F20A3")).ok);
});

test("a verifier key of small order is refused even with the right hash", () => {
  const weak = formatVerifierKey(verifierKeyOf(crypto, "weak", new Uint8Array(32)));
  assert.match((parseVerifierKey(crypto, weak) as { problem: string }).problem, /small-order/);
});

test("key names: no space of any alphabet, no plus, no control character, not empty", () => {
  for (const name of ["kerbwatch/CP-001", "example.com/log", "été", "a"]) assert.ok(isKeyName(name), name);
  for (const name of ["", "a b", "a+b", "a\u00a0b", "a\u2003b", "a\u3000b", "a\nb", "a\u0085b", "\ud800"]) {
    assert.not(isKeyName(name), JSON.stringify(name));
  }
  assert.throws(() => verifierKeyOf(crypto, "a b", signer.publicKey), /not a key name/);
});

test("any changed bit of the text or of the signature is refused", () => {
  for (let i = 0; i < TEXT.length; i++) {
    assert.not(opens(NOTE.slice(0, i) + String.fromCharCode(NOTE.charCodeAt(i) ^ 1) + NOTE.slice(i + 1)), `at ${i}`);
  }
  const blob = fromBase64(BLOB)!;
  for (let i = 0; i < blob.length; i++) {
    const bad = toBase64(blob.map((byte, at) => at === i ? byte ^ 1 : byte));
    assert.not(opens(`${TEXT}\n\u2014 PeterNeumann ${bad}\n`), `byte ${i}`);
  }
});

test("malformed notes are refused", () => {
  const bad: Record<string, string> = {
    empty: "", text: TEXT, "no empty line": TEXT + LINE, "no last newline": NOTE.slice(0, -1),
    "empty line after": `${NOTE}\n`, "no signature": `${TEXT}\n`, "hyphen": NOTE.replace("\u2014", "-"),
    "two spaces": NOTE.replace("\u2014 ", "\u2014  "), "carriage return": NOTE.replaceAll("\n", "\r\n"),
    "control character": NOTE.replace("If", "I\u0007f"), tab: NOTE.replace("If ", "If\t"),
    "lone surrogate": NOTE.replace("If", "\ud800f"), "no base64": NOTE.replace("x08go", "x08g!"),
    "unpadded": NOTE.replace("nAM=", "nAM"), "stray bits": NOTE.replace("nAM=", "nAN="),
    "junk line": `${NOTE}junk\n`, "key id alone": `${TEXT}\n\u2014 PeterNeumann x08gow==\n`,
    "too long": `${"x".repeat(MAX_NOTE_CHARS)}\n\n${LINE}`,
    "too many": `${TEXT}\n${LINE.repeat(MAX_SIGNATURES + 1)}`,
  };
  for (const [name, note] of Object.entries(bad)) assert.not(parseNote(note).ok, name);
});

test("unknown signatures are ignored; one bad signature of the known key refuses the note", () => {
  const other = signerFromSeed(new Uint8Array(32).fill(5));
  const otherLine = signNote(crypto, TEXT, "someone.example", other).slice(TEXT.length + 1);
  const falseLine = signNote(crypto, "other\n", "PeterNeumann", signer).slice("other\n".length + 1);
  assert.ok(opens(`${TEXT}\n${otherLine}${LINE}`));
  assert.not(opens(`${TEXT}\n${otherLine}`));
  assert.not(opens(`${TEXT}\n${LINE}${falseLine}`));
});

test("a text may hold empty lines: the last one divides", () => {
  const text = "a\n\nb\n";
  assert.equal(openNote(crypto, signNote(crypto, text, "PeterNeumann", signer), key), { ok: true, value: text });
  assert.throws(() => signNote(crypto, "no newline", "PeterNeumann", signer), /not the text/);
});

test("base64: the canonical form only", () => {
  const random = seeded(64);
  for (let length = 0; length < 100; length++) {
    const bytes = random.bytes(length);
    assert.is(toBase64(bytes), Buffer.from(bytes).toString("base64"));
    assert.equal(fromBase64(toBase64(bytes)), bytes);
  }
  for (const bad of ["A", "AA", "AA=", "AB==", "A===", "AAA=AAAA", "AA==\n", " AA=", "_-AA", "AAB="]) {
    assert.is(fromBase64(bad), undefined, bad);
  }
});

test("fuzz: spoiled notes and keys never throw and never open", () => {
  const random = seeded(11);
  for (let i = 0; i < 3000; i++) {
    const from = random.int(NOTE.length);
    const junk = String.fromCharCode(...Array.from({ length: random.int(4) }, () => random.int(0x2fff)));
    const note = NOTE.slice(0, from) + junk + NOTE.slice(from + random.int(4));
    if (note !== NOTE) assert.not(opens(note), JSON.stringify(note));
    parseVerifierKey(crypto, VKEY.slice(0, random.int(VKEY.length)) + junk);
  }
});
