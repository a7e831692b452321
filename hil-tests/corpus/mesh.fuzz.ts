/** The fuzzers of all that the mesh and the ledger read, by name: each takes one input of a seed, and says its cost. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seeded, type Seeded } from "../../build/seeded.ts";
import { makeEvidence, operator } from "../foreign-verifiers/made-evidence.ts";
import { evidence, type GoodEvidence } from "./evidence.fuzz.ts";
import { intake } from "./intake.fuzz.ts";
import {
  cbor, type Cost, entry, memberFile, message, mqttFraming, note, rosters, segment, topic,
} from "./protocol.fuzz.ts";

export const MESH_FUZZERS = {
  "CBOR": (random) => cbor(random),
  "topics": (random) => topic(random),
  "messages": (random) => message(random),
  "signed notes": (random) => note(random),
  "log entries": (random) => entry(random),
  "MQTT framing": (random) => mqttFraming(random),
  "log segments": (random) => segment(random),
  "roster files": (random) => rosters(random),
  "member files": (random) => memberFile(random),
  "evidence files": (random, good) => evidence(random, good),
  "intake": (random) => intake(random),
} as const satisfies Record<string, (random: Seeded, good: GoodEvidence) => Cost>;

export type MeshFuzzerName = keyof typeof MESH_FUZZERS;
export const MESH_FUZZER_NAMES = Object.keys(MESH_FUZZERS) as readonly MeshFuzzerName[];

/** What the fuzzers of evidence begin from. */
export async function goodEvidence(): Promise<GoodEvidence> {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-fuzz-"));
  try {
    const made = await makeEvidence(folder);
    return { text: readFileSync(made.evidence, "utf8"), operators: { threshold: 1, keys: [operator.publicKey] } };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Tries one input; what it throws names fuzzer and seed, which give it again. */
export function tryMeshInput(name: MeshFuzzerName, seed: number, good: GoodEvidence): Cost {
  try {
    return MESH_FUZZERS[name](seeded(seed), good);
  } catch (error) {
    throw new Error(`${name}, seed ${seed}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
  }
}
