/**
 * Messages that one process reads for many agents: what the bytes say, their names, and whether a key signed them is
 * found out once. A cost that agents on their own boards do not share.
 */
import { sameBytes } from "../../gossip/bytes.ts";
import type { DecodeProblem, Kind } from "../../gossip/message.ts";
import { type Read, type Reader, readerOf } from "../../gossip/reading.ts";
import type { Crypto } from "../../models/crypto.ts";

type Found = Read | DecodeProblem | "bad-certificate";

interface Known {
  readonly kind: Kind;
  readonly found: Found;
}

/** Nearly always one key is asked for: its author's. */
interface Shared extends Read {
  judged?: { readonly publicKey: Uint8Array; readonly isGood: boolean };
}

/** After so many new ones the older half is forgotten: most messages are delivered within two epochs. */
const GENERATION = 4_096;

/** By identity: in one process a message that is passed on is the same object. */
export class SharedReader implements Reader {
  readonly #plain: Reader;
  #known = new Map<Uint8Array, Known>();
  #before = new Map<Uint8Array, Known>();

  constructor(crypto: Crypto) {
    this.#plain = readerOf(crypto);
  }

  read(kind: Kind, whole: Uint8Array): Found {
    const known = this.#known.get(whole) ?? this.#before.get(whole);
    if (known?.kind === kind) return known.found;
    const found = this.#plain.read(kind, whole);
    if (this.#known.size >= GENERATION) this.#forget();
    this.#known.set(whole, { kind, found });
    return found;
  }

  isSigned(read: Shared, publicKey: Uint8Array): boolean {
    const { judged } = read;
    // Members' keys are objects of a roster, and each agent has read a later one for itself.
    const isSame = judged !== undefined && (judged.publicKey === publicKey || sameBytes(judged.publicKey, publicKey));
    if (isSame) return judged.isGood;
    const isGood = this.#plain.isSigned(read, publicKey);
    read.judged = { publicKey, isGood };
    return isGood;
  }

  #forget(): void {
    [this.#before, this.#known] = [this.#known, new Map()];
  }
}
