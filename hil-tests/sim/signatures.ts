/** Signatures that one process makes and checks for many agents. */
import type { Crypto, Signer } from "../../models/crypto.ts";

const MOST_REMEMBERED = 20_000;

/**
 * One for all agents of this process: what one of them signed or verified, the others need not verify again. A cost
 * that agents on their own boards do not share.
 */
export class Signatures {
  readonly crypto: Crypto;
  readonly #known = new Map<string, { readonly message: Buffer; readonly good: boolean }>();

  constructor(crypto: Crypto) {
    this.crypto = { ...crypto, verify: (publicKey, message, signature) => {
      const before = this.#known.get(nameOf(publicKey, signature));
      if (before?.message.equals(message) === true) return before.good;
      return this.#remember(publicKey, message, signature, crypto.verify(publicKey, message, signature));
    } };
  }

  remembered({ publicKey, sign }: Signer): Signer {
    return { publicKey, sign: (message) => {
      const signature = sign(message);
      this.#remember(publicKey, message, signature, true);
      return signature;
    } };
  }

  #remember(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, good: boolean): boolean {
    this.#known.set(nameOf(publicKey, signature), { message: Buffer.from(message), good });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MOST_REMEMBERED) break;
      this.#known.delete(oldest);
    }
    return good;
  }
}

function nameOf(publicKey: Uint8Array, signature: Uint8Array): string {
  return Buffer.concat([publicKey, signature]).toString("latin1");
}
