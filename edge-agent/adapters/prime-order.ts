/**
 * Whether a public key is a point of the prime-order group. A key with a small-order part makes engines disagree about
 * signatures that its owner crafts; the rule in front of verification (gossip/ed25519.ts) cannot see it, since it takes
 * a multiplication by L. Checked once, when a key is enrolled: 6 to 8 ms.
 */
import nacl from "tweetnacl";

/** An element of the field, 16 limbs. */
type Gf = Float64Array;
type Point = readonly [Gf, Gf, Gf, Gf];

/** tweetnacl's own arithmetic (nacl.lowlevel), which its types leave out. */
interface Field {
  gf(init?: readonly number[]): Gf;
  readonly D: Gf;
  unpack25519(to: Gf, bytes: Uint8Array): void;
  pack25519(to: Uint8Array, from: Gf): void;
  A(to: Gf, a: Gf, b: Gf): void;
  Z(to: Gf, a: Gf, b: Gf): void;
  M(to: Gf, a: Gf, b: Gf): void;
  S(to: Gf, a: Gf): void;
  pow2523(to: Gf, a: Gf): void;
  set25519(to: Gf, from: Gf): void;
  scalarmult(to: Point, point: Point, scalar: Uint8Array): void;
}
const field = (nacl as unknown as { readonly lowlevel: Field }).lowlevel;

const { gf } = field;
const ONE = gf([1]);
/** The square root of -1 (RFC 8032, 5.1.3: 2^((p-1)/4)). */
const ROOT = gf([
  0xa0b0, 0x4a0e, 0x1b27, 0xc4ee, 0xe478, 0xad2f, 0x1806, 0x2f43,
  0xd7a7, 0x3dfb, 0x0099, 0x2b4d, 0xdf0b, 0x4fc1, 0x2480, 0x2b83,
]);
/** L, the order of the base point, little-endian. */
const L = Uint8Array.from("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010".match(/../g) ?? [],
  (pair) => Number.parseInt(pair, 16));

function packed(element: Gf): Uint8Array {
  const bytes = new Uint8Array(32);
  field.pack25519(bytes, element);
  return bytes;
}

const same = (a: Gf, b: Gf): boolean => packed(a).join() === packed(b).join();

/** A point with this y, of either sign: both have one order. Undefined when y is of no point. RFC 8032, 5.1.3. */
function pointOf(publicKey: Uint8Array): Point | undefined {
  const [y, u, v, v3, x, check] = [gf(), gf(), gf(), gf(), gf(), gf()];
  field.unpack25519(y, publicKey); // leaves the sign bit out
  field.S(u, y);
  field.M(v, u, field.D);
  field.Z(u, u, ONE); // u = y^2 - 1
  field.A(v, v, ONE); // v = d y^2 + 1
  field.S(v3, v);
  field.M(v3, v3, v);
  field.S(x, v3);
  field.M(x, x, v);
  field.M(x, x, u); // u v^7
  field.pow2523(x, x);
  field.M(x, x, v3);
  field.M(x, x, u); // x = u v^3 (u v^7)^((p-5)/8)
  const fits = (): boolean => {
    field.S(check, x);
    field.M(check, check, v);
    return same(check, u);
  };
  if (!fits()) {
    field.M(x, x, ROOT);
    if (!fits()) return undefined;
  }
  const t = gf();
  field.M(t, x, y);
  return [x, y, gf([1]), t];
}

/** `publicKey`: 32 bytes that gossip/ed25519.ts accepts as a key. */
export function isPrimeOrderKey(publicKey: Uint8Array): boolean {
  const point = pointOf(publicKey);
  if (point === undefined) return false;
  const product: Point = [gf(), gf(), gf(), gf()];
  field.scalarmult(product, point, L);
  // The neutral element: x = 0 and y = z.
  return same(product[0], gf()) && same(product[1], product[2]);
}
