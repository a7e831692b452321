/** What a soak tried, counted, and how a failure is told: with all that it takes to see it again. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { VERSION } from "../../../edge-agent/version.ts";
import type { Failed, Outcome } from "./run-one.ts";
import type { Scenario } from "./scenario.ts";

/** A liar who was honest before is a patient one as well. */
const PATIENT = "patient";

export class Tally {
  seeds = 0;
  epochs = 0;
  agentEpochs = 0;
  messages = 0;
  bytes = 0;
  certified = 0;
  named = 0;
  starts = 0;
  realSignatures = 0;
  leastKinds = Infinity;
  readonly faults = new Map<string, number>();
  readonly liars = new Map<string, number>();
  broken = 0;
  withFrames = 0;

  add(scenario: Scenario, { counts, certified, named }: Outcome): void {
    this.seeds += 1;
    this.epochs += scenario.epochs;
    this.agentEpochs += counts.agentEpochs;
    this.messages += counts.messages;
    this.bytes += counts.bytes;
    this.starts += counts.starts - scenario.agents;
    this.certified += certified;
    this.named += named;
    if (scenario.guessing.length > 0) this.withFrames += 1;
    this.broken += scenario.broken.length;
    if (scenario.signatures === "ed25519") this.realSignatures += 1;
    const kinds = new Set(scenario.faults.map(({ kind }) => kind));
    this.leastKinds = Math.min(this.leastKinds, kinds.size);
    for (const { kind } of scenario.faults) count(this.faults, kind);
    for (const { behaviour, from } of scenario.liars) {
      count(this.liars, behaviour);
      if (from > 0) count(this.liars, PATIENT);
    }
  }

  text(seconds: number): string {
    const each = this.agentEpochs === 0 ? 0 : this.bytes / this.agentEpochs;
    return `${this.seeds} seeds, ${this.epochs} epochs, ${this.agentEpochs} agent-epochs in ${seconds.toFixed(0)} s ` +
      `(${(this.agentEpochs / Math.max(seconds, 1e-3)).toFixed(0)} a second); ` +
      `${this.realSignatures} seeds with Ed25519, the others with a keyed hash in its place\n` +
      `faults, at least ${this.leastKinds} kinds a seed: ${listOf(this.faults)}\n` +
      `liars: ${listOf(this.liars)}; broken chargers: ${this.broken}; seeds with real frames: ${this.withFrames}; ` +
      `starts after the first: ${this.starts}\n` +
      `${this.certified} incidents certified, ${this.named} liars named; ${this.messages} messages, ` +
      `${each.toFixed(0)} bytes an agent and epoch\n`;
  }
}

function count(of: Map<string, number>, what: string): void {
  of.set(what, (of.get(what) ?? 0) + 1);
}

function listOf(counts: ReadonlyMap<string, number>): string {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, n]) => `${n} ${what}`).join(", ") || "none";
}

/** Which code this is: the running file's own hash says it exactly, committed or not. */
export function codeName(file = process.argv[1]): string {
  const contents = file === undefined ? undefined : readFileSync(file);
  const hash = contents && createHash("sha256").update(contents).digest("hex").slice(0, 16);
  return `kerbwatch-sim ${VERSION}, SHA-256 of the file ${hash ?? "not known"}`;
}

/** @param again the command that plays it again */
export function failureText(failed: Failed, seed: number, scenario: Scenario, again: string): string {
  return `FAILED at epoch ${failed.at.toFixed(2)} of seed ${seed}: ${failed.text}\ncode: ${codeName()}\n` +
    `parameters: ${JSON.stringify({ version: 1, ...scenario })}\nagain: ${again}\n`;
}
