/**
 * cbor-x: the encoder, for what gossip/cbor.ts hands it: integers of 32 bits, texts, byte strings and arrays. Left out:
 * the decoder (ours has to refuse what CBOR allows), everything that an option which is off would do, and every other
 * kind of value, which is now an error.
 */
import type { Edit, Slimming } from "./edit.ts";

/** All that the encoder takes from the decoder which it extends. */
const OPTIONS_ALONE = "class Decoder { constructor(options) { Object.assign(this, options) } }\n";
const REFUSED = "throw new Error('not in the subset')\n";

/** Records, shared structures, references, packed and bundled strings. */
const OPTIONS: readonly Edit[] = [
  { cut: "import { Decoder, mult10, Tag", to: "let textEncoder", put: OPTIONS_ALONE },
  { cut: "\t\tlet hasSharedStructures = options", to: "\t\tthis.encode = function(value, encodeOptions)" },
  { cut: "\t\t\tif (encoder.useSelfDescribedHeader) {", to: "\t\t\tthrowOnIterable = encodeOptions" },
  { cut: "\t\t\t\tif (bundledStrings && bundledStrings.pos", to: "\t\t\t\tencoder.offset = position" },
  { cut: "\t\t\t\tif (referenceMap && referenceMap.ids", to: "\t\t\t\tif (encodeOptions & REUSE_BUFFER_MODE) {" },
  { cut: "\t\t\t\tif (sharedStructures) {\n\t\t\t\t\tif (ser", to: "\t\t\t\tif (encodeOptions & RESET_BUFFER_MODE)" },
  { cut: "\t\tthis.findCommonStringsToPack = () => {", to: "\t\tconst encode = (value) => {" },
  { cut: "\t\t\t\tif (packedObjectMap) {", to: "\t\t\t\tlet strLength = value.length" },
  { cut: "\t\t\t\tif (bundledStrings && strLength >= 4", to: "\t\t\t\tlet headerSize" },
];

/** Floats, big integers, maps, objects, tags, and encoding piece by piece. */
const KINDS: readonly Edit[] = [
  { cut: "\t\t\t\t\tlet useFloat32\n", to: "\t\t\t\t}\n\t\t\t} else if (type === 'object') {", put: REFUSED },
  { cut: "\t\t\t\t\tif (referenceMap) {", to: "\t\t\t\t\tlet constructor = value.constructor" },
  { cut: "if (constructor === Object) {\n\t\t\t\t\t\tif (this", to: "if (constructor === Array) {" },
  { cut: "} else if (constructor === Map) {", to: "} else {\n\t\t\t\t\t\tfor (let i = 0, l = extensions.length" },
  { cut: "\t\t\t\t\t\tif (value[Symbol.iterator]) {\n\t\t\t\t\t\t\tif (throwOnIterable)",
    to: "\t\t\t\t\t}\n\t\t\t\t}\n\t\t\t} else if (type === 'boolean') {", put: REFUSED },
  { cut: "} else if (type === 'boolean') {", to: "} else {\n\t\t\t\tthrow new Error('Unknown type: '" },
  { cut: "\t\tconst writeObject = this.useRecords", to: "\t\tconst makeRoom = (end) => {" },
  { cut: "\t\tlet chunkThreshold = 100;", to: "function writeArrayHeader(length) {", put: "\t}\n}\n" },
  { cut: "const BlobConstructor = ", to: "extensionClasses = [" },
  { cut: "extensionClasses = [", to: "//Object.getPrototypeOf", put: "extensionClasses = [ Uint8Array ]\n" },
  { cut: "extensions = [{ // Date", to: "{ // Uint8Array", put: "extensions = [" },
  { cut: "},\n\ttypedArrayEncoder(68, 1),", to: "function writeBuffer(buffer, makeRoom) {", put: "}]\n" },
  { cut: "function insertIds(", to: "export const REUSE_BUFFER_MODE" },
];

export const CBOR_X: Slimming = {
  version: "1.6.9",
  files: {
    "index.js": [{ cut: "export { Encoder,", put: "export { Encoder } from './encode.js'\n" }],
    "encode.js": [...OPTIONS, ...KINDS],
  },
};
