/**
 * `npm run bench schema [-- --quick]`: what a verdict by OCPP's schemas costs a frame, beside parsing the frame at all
 * and beside ajv with the same schemas; and what the first message of a version and of each action costs.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { repoRoot } from "../../build/paths.ts";
import { packedSchemas } from "../../build/schemas.ts";
import { seeded } from "../../build/seeded.ts";
import { ajvFaults, type Json, sample, type Subject, SUBJECTS } from "../../hil-tests/corpus/schemas.testing.ts";
import type { OcppVersion } from "../../models/terms.ts";
import { schemasFrom } from "../adapters/shipped-schemas.ts";
import { breachOf, type SchemaOf } from "./schema.ts";

const PAYLOADS_EACH = 20;
const VERSIONS: readonly OcppVersion[] = ["1.6", "2.0.1", "2.1"];

/** Of `run`, whose result is used, microseconds each: the least of the rounds. */
function usEach(count: number, rounds: number, run: () => number): number {
  let least = Infinity;
  for (let n = 0; n < rounds; n += 1) {
    const began = performance.now();
    if (run() < 0) throw new Error("nothing ran");
    least = Math.min(least, performance.now() - began);
  }
  return (least * 1000) / count;
}

function firstUs(version: OcppVersion, schemaOf: SchemaOf, subjects: readonly Subject[]) {
  const timed = (run: () => unknown): number => {
    const began = performance.now();
    run();
    return (performance.now() - began) * 1000;
  };
  const unpack = timed(() => schemaOf(version, "Heartbeat", "call"));
  const all = timed(() => subjects.map(({ action, kind }) => schemaOf(version, action, kind)));
  return { unpackUs: unpack, eachRuleUs: all / subjects.length };
}

function measure(version: OcppVersion, rounds: number) {
  const subjects = SUBJECTS.filter((one) => one.version === version);
  const schemaOf = schemasFrom(packedSchemas(repoRoot));
  const first = firstUs(version, schemaOf, subjects);
  const random = seeded(7);
  const cases = subjects.flatMap((subject) => Array.from({ length: PAYLOADS_EACH }, () => {
    const payload = sample(random, subject.original, Infinity);
    return { subject, payload, text: JSON.stringify(payload), rule: schemaOf(version, subject.action, subject.kind)! };
  }));
  const each = (run: (one: (typeof cases)[number]) => unknown): number => usEach(cases.length, rounds, () =>
    cases.reduce((sum, one) => sum + (run(one) === undefined ? 1 : 0), 0));
  return {
    version, frames: cases.length,
    bytes: Math.round(cases.reduce((sum, { text }) => sum + text.length, 0) / cases.length),
    ...first, verdictUs: each(({ rule, payload }) => breachOf(rule, payload)),
    parseUs: each(({ text }) => JSON.parse(text) as Json),
    ajvUs: each(({ subject, payload }) => ajvFaults(subject, payload)[0]),
  };
}

function main(): void {
  const { values } = parseArgs({ options: { json: { type: "string" }, quick: { type: "boolean" } } });
  const rows = VERSIONS.map((version) => measure(version, values.quick === true ? 5 : 40));
  console.log("version    frames  bytes  verdict µs  JSON.parse µs  ajv µs  unpacking, once µs  a rule, once µs");
  for (const { version, frames, bytes, verdictUs, parseUs, ajvUs, unpackUs, eachRuleUs } of rows) {
    console.log(`${version.padEnd(9)}${String(frames).padStart(8)}${String(bytes).padStart(7)}`
      + `${verdictUs.toFixed(2).padStart(12)}${parseUs.toFixed(2).padStart(15)}${ajvUs.toFixed(2).padStart(8)}`
      + `${unpackUs.toFixed(0).padStart(20)}${eachRuleUs.toFixed(0).padStart(17)}`);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ rows }, null, 2)}\n`);
}

main();
