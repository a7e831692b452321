/**
 * QR codes (ISO/IEC 18004:2015), for a terminal: byte mode, error correction level L, versions 1 to 25. So what a
 * device has to say at its enrolment is carried by a phone where no file can be.
 *
 * No library: this is 4 KB of the board's text, where uqr 0.1.3 is 10 and qrcode-generator 2.0.4 is 21 (minified by
 * esbuild), and what it draws is read back by a decoder of others (qr.test.ts).
 */

/** Rows of modules, true is dark. */
export type Modules = readonly (readonly boolean[])[];

const MOST_VERSION = 25;
/** Table 9, level L: codewords of correction in a block, and blocks; by version, from 1. */
const CORRECTION = [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28, 28, 28, 30, 30, 26];
const BLOCKS = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12];
const LEVEL_L = 1;
const BYTE_MODE = 4;
const MASK_BITS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0, (_, y) => y % 2 === 0, (x) => x % 3 === 0, (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0, (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

const sizeOf = (version: number): number => 17 + 4 * version;
const bitOf = (value: number, index: number): boolean => ((value >>> index) & 1) === 1;

/** Annex E: centres of alignment patterns, on both axes. */
function centresOf(version: number): number[] {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((sizeOf(version) - 13) / (2 * count - 2)) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, index) => sizeOf(version) - 7 - (count - 2 - index) * step)];
}

/** Codewords that a symbol carries, of data and correction. */
function codewordsOf(version: number): number {
  const count = centresOf(version).length;
  const aligned = count === 0 ? 0 : (25 * count - 10) * count - 55;
  return Math.floor(((16 * version + 128) * version + 64 - aligned - (version >= 7 ? 36 : 0)) / 8);
}

function dataOf(version: number): number {
  return codewordsOf(version) - CORRECTION[version - 1]! * BLOCKS[version - 1]!;
}

const countBytes = (version: number): number => (version < 10 ? 1 : 2);

/** 7.4: mode, count, the bytes, terminator and padding. */
function dataCodewords(bytes: Uint8Array, version: number): number[] {
  const count = countBytes(version) === 1 ? [bytes.length] : [bytes.length >>> 8, bytes.length & 0xff];
  const whole = [...count, ...bytes, 0];
  // Four bits of mode come first, so everything lies across two codewords; the last four bits are the terminator.
  const shifted = whole.map((byte, index) =>
    (((index === 0 ? BYTE_MODE : whole[index - 1]!) << 4) | (byte >>> 4)) & 0xff);
  const room = dataOf(version) - shifted.length;
  return [...shifted, ...Array.from({ length: room }, (_, index) => (index % 2 === 0 ? 0xec : 0x11))];
}

/** In GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) product = (product << 1) ^ ((product >>> 7) * 0x11d) ^ (bitOf(b, bit) ? a : 0);
  return product;
}

/** Annex A: without the leading 1. */
function generatorOf(degree: number): number[] {
  const found = [...Array.from({ length: degree - 1 }, () => 0), 1];
  let root = 1;
  for (let i = 0; i < degree; i++) {
    for (let j = 0; j < degree; j++) found[j] = multiply(found[j]!, root) ^ (found[j + 1] ?? 0);
    root = multiply(root, 2);
  }
  return found;
}

function correctionOf(data: readonly number[], generator: readonly number[]): number[] {
  const rest = generator.map(() => 0);
  for (const one of data) {
    const factor = one ^ rest.shift()!;
    rest.push(0);
    generator.forEach((coefficient, index) => (rest[index]! ^= multiply(coefficient, factor)));
  }
  return rest;
}

/** 7.6: blocks, their correction, and all of it interleaved. */
function interleaved(data: readonly number[], version: number): number[] {
  const [count, generator] = [BLOCKS[version - 1]!, generatorOf(CORRECTION[version - 1]!)];
  const short = Math.floor(data.length / count);
  const longOnes = data.length % count;
  const blocks = Array.from({ length: count }, (_, index) => {
    const from = index * short + Math.max(0, index - (count - longOnes));
    return data.slice(from, from + short + (index >= count - longOnes ? 1 : 0));
  });
  const across = (parts: readonly number[][]): number[] => Array.from({ length: parts.at(-1)!.length }, (_, index) =>
    parts.flatMap((part) => (index < part.length ? [part[index]!] : []))).flat();
  return [...across(blocks), ...across(blocks.map((block) => correctionOf(block, generator)))];
}

/** A symbol in the making: its modules, and which of them are patterns and no data. */
class QrSymbol {
  readonly size: number;
  readonly dark: boolean[][];
  readonly fixed: boolean[][];
  readonly version: number;

  constructor(version: number) {
    this.version = version;
    this.size = sizeOf(version);
    const blank = (): boolean[][] => Array.from({ length: this.size }, () => Array<boolean>(this.size).fill(false));
    [this.dark, this.fixed] = [blank(), blank()];
    this.#patterns();
  }

  #set(x: number, y: number, dark: boolean): void {
    if (x < 0 || y < 0 || x >= this.size || y >= this.size) return;
    this.dark[y]![x] = dark;
    this.fixed[y]![x] = true;
  }

  /** Rings around a centre: dark at each distance that is listed. */
  #rings(x: number, y: number, reach: number, darkAt: readonly number[]): void {
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        this.#set(x + dx, y + dy, darkAt.includes(Math.max(Math.abs(dx), Math.abs(dy))));
      }
    }
  }

  #patterns(): void {
    for (let i = 0; i < this.size; i++) {
      this.#set(6, i, i % 2 === 0);
      this.#set(i, 6, i % 2 === 0);
    }
    const end = this.size - 4;
    for (const [x, y] of [[3, 3], [end, 3], [3, end]] as const) this.#rings(x, y, 4, [0, 1, 3]);
    const centres = centresOf(this.version);
    const last = centres.length - 1;
    centres.forEach((x, i) => centres.forEach((y, j) => {
      const isFinder = (i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0);
      if (!isFinder) this.#rings(x, y, 2, [0, 2]);
    }));
    this.setFormat(0);
    this.#versionBits();
  }

  /** 7.9: level and mask, BCH (15, 5), twice. */
  setFormat(mask: number): void {
    const data = LEVEL_L * 8 + mask;
    let rest = data;
    for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
    const bits = ((data << 10) | rest) ^ 0x5412;
    for (let i = 0; i < 15; i++) {
      const bit = bitOf(bits, i);
      if (i < 8) this.#set(8, i < 6 ? i : i + 1, bit);
      else this.#set(i === 8 ? 7 : 14 - i, 8, bit);
      if (i < 8) this.#set(this.size - 1 - i, 8, bit);
      else this.#set(8, this.size - 15 + i, bit);
    }
    this.#set(8, this.size - 8, true);
  }

  /** 7.10: BCH (18, 6), twice, from version 7 on. */
  #versionBits(): void {
    if (this.version < 7) return;
    let rest = this.version;
    for (let i = 0; i < 12; i++) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25);
    const bits = (this.version << 12) | rest;
    for (let i = 0; i < 18; i++) {
      const [a, b] = [this.size - 11 + (i % 3), Math.floor(i / 3)];
      this.#set(a, b, bitOf(bits, i));
      this.#set(b, a, bitOf(bits, i));
    }
  }

  /** 7.7.3: two columns at a time, from the right, up and down by turns. */
  fill(codewords: readonly number[]): void {
    let next = 0;
    for (let right = this.size - 1; right > 0; right -= right === 8 ? 3 : 2) {
      const isUp = ((right + (right < 6 ? 2 : 1)) & 2) === 0;
      for (let step = 0; step < this.size; step++) {
        const y = isUp ? this.size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (this.fixed[y]![x]! || next >= 8 * codewords.length) continue;
          this.dark[y]![x] = bitOf(codewords[next >>> 3]!, 7 - (next & 7));
          next += 1;
        }
      }
    }
  }

  mask(mask: number): void {
    const flips = MASK_BITS[mask]!;
    this.dark.forEach((row, y) => row.forEach((dark, x) => {
      if (!this.fixed[y]![x]!) row[x] = dark !== flips(x, y);
    }));
  }
}

/** 7.8.3.1, table 11: how hard a symbol is to read. */
function penaltyOf(modules: Modules): number {
  const columns = modules.map((_, x) => modules.map((row) => row[x]!));
  let penalty = 0;
  for (const line of [...modules, ...columns].map((one) => one.map((dark) => (dark ? "1" : "0")).join(""))) {
    for (const run of line.match(/0{5,}|1{5,}/g) ?? []) penalty += run.length - 2;
    penalty += 40 * [...line.matchAll(/(?=00001011101|10111010000)/g)].length;
  }
  let darkOnes = 0;
  modules.forEach((row, y) => row.forEach((dark, x) => {
    if (dark) darkOnes += 1;
    const isBlock = dark === row[x + 1] && dark === modules[y + 1]?.[x] && dark === modules[y + 1]?.[x + 1];
    if (isBlock) penalty += 3;
  }));
  return penalty + 10 * Math.floor(Math.abs(20 * darkOnes / modules.length ** 2 - 10));
}

/** The smallest symbol that holds the bytes. Throws RangeError on more than 1,273. */
export function qrOf(bytes: Uint8Array): Modules {
  let version = 1;
  // Mode and terminator are a byte together.
  while (version <= MOST_VERSION && dataOf(version) < bytes.length + countBytes(version) + 1) version += 1;
  if (version > MOST_VERSION) throw new RangeError(`${bytes.length} bytes are too many for a QR code`);
  const codewords = interleaved(dataCodewords(bytes, version), version);
  const made = MASK_BITS.map((_, mask) => {
    const symbol = new QrSymbol(version);
    symbol.setFormat(mask);
    symbol.fill(codewords);
    symbol.mask(mask);
    return { modules: symbol.dark, penalty: penaltyOf(symbol.dark) };
  });
  return made.reduce((best, one) => (one.penalty < best.penalty ? one : best)).modules;
}

const QUIET_MODULES = 4;

/** For a terminal with light text on a dark ground: two rows a line, light modules drawn. */
export function qrText(modules: Modules): string {
  const isLight = (x: number, y: number): boolean => modules[y]?.[x] !== true;
  const lines: string[] = [];
  for (let y = -QUIET_MODULES; y < modules.length + QUIET_MODULES; y += 2) {
    let line = "";
    for (let x = -QUIET_MODULES; x < modules.length + QUIET_MODULES; x++) {
      const [above, below] = [isLight(x, y), isLight(x, y + 1)];
      line += above ? (below ? "\u2588" : "\u2580") : (below ? "\u2584" : " ");
    }
    lines.push(line);
  }
  return `${lines.join("\n")}\n`;
}
