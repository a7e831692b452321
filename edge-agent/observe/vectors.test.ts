/** Every action of every version, and every quirk: frames in, observations out, as the vector files say. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createHash, createHmac } from "node:crypto";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import type { Crypto } from "../../models/crypto.ts";
import type { Observation, OcppVersion } from "../../models/terms.ts";
import { rfc3339, SECOND_MS } from "../../models/units.ts";
import type { MonotonicMs, Now, StationId, WallMs } from "../../models/units.ts";
import type { AgentEvent } from "../ports.ts";
import { createObserve, observe } from "./observe.ts";
import { createTokens, pseudonymOf } from "./tokens.ts";

type Step = readonly [">" | "<", unknown] | readonly ["tick", number] | readonly ["link", "connect" | "disconnect"];

interface Vector {
  readonly name: string;
  readonly version?: OcppVersion;
  readonly steps: readonly Step[];
  readonly expect: readonly Record<string, unknown>[];
}

const START = Date.UTC(2024, 0, 15, 10) as WallMs;
const SECRET = new Uint8Array(32).fill(7);
const crypto: Crypto = {
  sha256: (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest(),
  hmacSha256: (key, data) => createHmac("sha256", key).update(data).digest(),
  verify: () => false,
};

function eventOf(step: Step, version: OcppVersion | undefined): AgentEvent {
  if (step[0] === "tick") return { kind: "tick" };
  if (step[0] === "link") return { kind: "link", state: step[1] };
  const text = typeof step[1] === "string" ? step[1] : JSON.stringify(step[1]);
  const direction = step[0] === ">" ? "cp-to-csms" : "csms-to-cp";
  return { kind: "frame", direction, text, ...(version !== undefined && { ocppVersion: version }) };
}

/** The observations of a vector's steps; the first comes at `START`, each later one a second on, or at its tick. */
function play({ steps, version }: Vector): Observation[] {
  const state = createObserve({ station: "CP-1" as StationId, crypto, tokenSecret: SECRET });
  let passedS = 0;
  return steps.flatMap((step, index) => {
    if (index > 0) passedS += step[0] === "tick" ? step[1] : 1;
    const now: Now = { wallMs: (START + passedS * SECOND_MS) as WallMs, monoMs: (passedS * SECOND_MS) as MonotonicMs };
    return observe(state, eventOf(step, version), now);
  });
}

/** As the vector files write it: without `at`, `frameNo` and what a tick counts, times as text. */
function written({ at: _at, frameNo: _frameNo, ...rest }: Observation): Record<string, unknown> {
  const { traffic: _traffic, ...shown }: Record<string, unknown> = { ...rest };
  for (const time of ["saidAt", "csmsTime"]) {
    if (shown[time] !== undefined) shown[time] = rfc3339(shown[time] as WallMs);
  }
  return shown;
}

function withPseudonym(expected: Record<string, unknown>): Record<string, unknown> {
  if (typeof expected.token !== "string") return expected;
  const token = pseudonymOf(createTokens(crypto, SECRET), expected.token.replace("of:", ""), START);
  return { ...expected, token };
}

/** `String` throws at it, though JSON can say it. */
const NO_PRIMITIVE = { toString: 1, valueOf: 1 };

/** The value with one of its members, at any depth, in turn replaced by one that has no text. */
function* withOneReplaced(value: unknown): Generator<unknown> {
  yield NO_PRIMITIVE;
  yield [NO_PRIMITIVE];
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    for (const other of withOneReplaced(member)) {
      yield Array.isArray(value) ? [...value.slice(0, Number(key)), other, ...value.slice(Number(key) + 1)] as unknown[]
        : { ...value, [key]: other };
    }
  }
}

for (const file of ["frames", "ocpp16", "ocpp201"]) {
  const path = join(repoRoot, "edge-agent/observe/vectors", `${file}.json`);
  const { vectors } = JSON.parse(readFileSync(path, "utf8")) as { vectors: readonly Vector[] };
  for (const vector of vectors) {
    test(`${file}: ${vector.name}`, () => {
      assert.equal(play(vector).map(written), vector.expect.map(withPseudonym));
    });
  }
  test(`${file}: nothing throws, whichever member is an object that has no text`, () => {
    let played = 0;
    for (const { steps, ...vector } of vectors) {
      for (const [at, step] of steps.entries()) {
        if (step[0] === "tick" || step[0] === "link" || typeof step[1] !== "object") continue;
        for (const message of withOneReplaced(step[1])) {
          play({ ...vector, steps: steps.map((one, i): Step => (i === at ? [step[0], message] : one)) });
          played += 1;
        }
      }
    }
    assert.ok(played > vectors.length, `${played} played`);
  });
}
