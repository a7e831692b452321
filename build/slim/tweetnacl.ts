/**
 * tweetnacl: Ed25519 for a Node whose OpenSSL has none, and the arithmetic for edge-agent/adapters/prime-order.ts. Left
 * out: Salsa20, Poly1305, X25519 and what is made of them, its chance, and SHA-512, which every Node has.
 */
import type { Slimming } from "./edit.ts";

const NATIVE_SHA512 = `function crypto_hash(out, m, n) {
  out.set(require("node:crypto").createHash("sha512").update(m.subarray(0, n)).digest());
  return 0;
}

`;

export const TWEETNACL: Slimming = {
  version: "1.0.3",
  files: {
    "nacl-fast.js": [
      { cut: "function ts64(x, i, h, l)", to: "function vn(" },
      { cut: "function crypto_verify_16(", to: "function crypto_verify_32(" },
      { cut: "function core_salsa20(", to: "function set25519(" },
      { cut: "function crypto_scalarmult(q, n, p) {", to: "function add(p, q) {", put: NATIVE_SHA512 },
      { cut: "  crypto_core_hsalsa20: crypto_core_hsalsa20,", to: "  gf: gf,\n" },
      { cut: "function checkLengths(", to: "function checkArrayTypes(" },
      { cut: "function cleanup(arr) {", to: "nacl.sign = function" },
      { cut: "nacl.sign.open = function", to: "nacl.sign.detached = function" },
      { cut: "nacl.sign.keyPair = function() {", to: "nacl.sign.keyPair.fromSeed", put: "nacl.sign.keyPair = {};\n" },
      { cut: "nacl.hash = function(msg) {", to: "})(typeof module" },
    ],
  },
};
