/**
 * MQTT 3.1.1 at QoS 0 and 1 without memory, which is all that edge-agent/adapters/broker.ts and mqtt-session.ts admit.
 * Left out: MQTT 5, QoS 2 (edge-agent/adapters/mqtt-guard.ts ends connections that try), debug printing, stored
 * messages (edge-agent/adapters/broker-memory.ts is the store), and what qlobber has beside matching topics.
 */
import type { Edit, Slimming } from "./edit.ts";

const DEBUG_CALL = /^ *debug\(.*\)\n/gm;

/** A CONNECT of MQTT 5 is handed on with no more than its version, by which it is refused. */
const VERSION_5_UNREAD = "    if (packet.protocolVersion === 5) return packet\n";

const PARSER: readonly Edit[] = [
  { swap: "const debug = require('debug')('mqtt-packet:parser')\n", by: "" },
  { swap: DEBUG_CALL, by: "", times: 46 },
  { cut: "    // parse properties\n", to: "    // Parse clientId\n", put: VERSION_5_UNREAD },
  { cut: "      if (packet.protocolVersion === 5) {\n        const will", to: "      // Parse will topic\n" },
  { swap: "this.settings.protocolVersion === 5", by: "false", times: 12 },
  { cut: "        case 'auth':", to: "        default:" },
  { cut: "  // parse auth packet\n", to: "  _parseMessageId () {" },
  { cut: "  _parseStringPair () {", to: "  _parseBuffer () {" },
  { cut: "  _parse4ByteNum () {", to: "  _parseVarByteNum (" },
  { cut: "  _parseByType (type) {", to: "  _newPacket () {" },
];

const WRITER: readonly Edit[] = [
  { swap: "const debug = require('debug')('mqtt-packet:writeToStream')\n", by: "" },
  { swap: DEBUG_CALL, by: "", times: 12 },
  { swap: " && protocolVersion !== 5", by: "" },
  { swap: /\b(?:version|protocolVersion) === 5/g, by: "false", times: 24 },
  { cut: "    case 'auth':", to: "    default:" },
  { cut: "function auth (packet, stream, opts) {", to: "const varByteIntCache = {}" },
  { cut: "function write4ByteNumber (", to: "/**\n * writeStringOrBuffer" },
  { cut: "function writeStringPair (", to: "/**\n * writeNumber" },
  { cut: "function getProperties (stream, properties) {", to: "function byteLength (" },
];

const AEDES: Readonly<Record<string, readonly Edit[]>> = {
  "aedes.js": [
    { swap: "import memory from 'aedes-persistence'\n", by: "" },
    { swap: "opts.persistence || memory()", by: "opts.persistence" },
    { swap: "import pkg from './package.json' with { type: 'json' }\n", by: "" },
    { swap: "const version = pkg.version", by: "const version = '1.2.0'" },
    // The messages that clients leave for after their death are refused, and so none is looked for.
    { cut: "    async function _clearWills () {", to: "    this.mq.on($SYS_PREFIX + '+/heartbeat'" },
  ],
  "lib/handlers/index.js": [
    { cut: "import handlePuback from", to: "import handlePing from" },
    { cut: "    case 'pubcomp':", to: "    case 'pingreq':" },
  ],
  "lib/handlers/publish.js": [
    { cut: "class PubRec {", to: "const publishActions" },
    { cut: "    case 2:\n", to: "    case 1:\n" },
  ],
};

export const MQTT: Readonly<Record<string, Slimming>> = {
  "aedes": { version: "1.2.0", files: AEDES },
  "mqtt-packet": {
    version: "9.0.2",
    files: {
      "parser.js": PARSER,
      "writeToStream.js": WRITER,
      "constants.js": [
        { cut: "/* Properties */", to: "function genHeader (type) {" },
        { cut: "protocol.MQTT5_PUBACK_PUBREC_CODES" },
      ],
    },
  },
  // The list of buffers without the stream around it, which brings a second streams library.
  "bl": {
    version: "6.1.6",
    files: {
      "bl.js": [{ cut: "const DuplexStream =", put: "module.exports = require('./BufferList')\n" }],
      "BufferList.js": [
        { cut: "BufferList.prototype._reverseOffset", to: "BufferList.prototype.getBuffers" },
        { cut: "BufferList.prototype.shallowSlice", to: "BufferList.prototype.toString" },
        { cut: "BufferList.prototype.indexOf", to: ";(function () {" },
        { cut: "    readDoubleBE: 8,", to: "    readUInt16BE: 2," },
      ],
    },
  },
  "process-nextick-args": {
    version: "2.0.1",
    files: { "index.js": [{ cut: "if (typeof process === 'undefined'", put: "module.exports = process\n" }] },
  },
  // The messages of mqemitter: a list of listeners, without results.
  "fastparallel": {
    version: "2.4.1",
    files: {
      "parallel.js": [
        { swap: "options.results ? ResultsHolder : NoResultsHolder", by: "NoResultsHolder" },
        { swap: "  var queueSingleCaller = reusify(SingleCaller)\n", by: "" },
        { swap: "options.results ? goResultsArray : goNoResultsArray", by: "goNoResultsArray" },
        { swap: "options.results ? goResultsFunc : goNoResultsFunc", by: "goNoResultsFunc" },
        { cut: "  function singleCallerRelease (", to: "  function goNoResultsFunc (" },
        { cut: "function SingleCaller () {", to: "function nop () { }" },
      ],
    },
  },
  // Four checks of arguments, for which Node's whole assert module is 0.5 MB of memory.
  "mqemitter": {
    version: "7.1.0",
    files: {
      "mqemitter.js": [{
        swap: "const assert = require('assert')\n",
        by: "const assert = (given) => { if (!given) throw new Error('an argument is missing') }\n",
      }],
    },
  },
  "qlobber": {
    version: "8.0.1",
    files: {
      "lib/qlobber.js": [
        { cut: "Qlobber.prototype._test_some = ", to: "Qlobber.prototype._split_words = " },
        { swap: "var util = require('util');\n", by: "" },
        { cut: "/**\nMatch a topic, returning the matches one at a time.", put: "exports.Qlobber = Qlobber;\n" },
      ],
    },
  },
};
