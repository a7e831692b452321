/** What a soak tried, counted, and how a failure is told: with all that it takes to see it again. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { FULL_MESH } from "../../../gossip/membership.ts";
import { VERSION } from "../../../edge-agent/version.ts";
import type { Failed, Outcome } from "./run-one.ts";
import type { Scenario } from "./scenario.ts";

/** What `--json` prints, and what the processes of `--jobs` hand over. */
export interface TallyJson {
  readonly seeds: number;
  readonly epochs: number;
  readonly agentEpochs: number;
  readonly messages: number;
  readonly bytes: number;
  readonly certified: number;
  readonly named: number;
  readonly starts: number;
  readonly realSignatures: number;
  readonly leastKinds: number;
  readonly broken: number;
  readonly withFrames: number;
  readonly large: number;
  readonly severalZones: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly liars: Readonly<Record<string, number>>;
}

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
  /** Zones that are not fully meshed. */
  large = 0;
  /** Seeds with several zones. */
  severalZones = 0;

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
    if (scenario.agents / scenario.zones > FULL_MESH && scenario.topology === "mesh") this.large += 1;
    if (scenario.zones > 1) this.severalZones += 1;
    if (scenario.signatures === "ed25519") this.realSignatures += 1;
    const kinds = new Set(scenario.faults.map(({ kind }) => kind));
    this.leastKinds = Math.min(this.leastKinds, kinds.size);
    for (const { kind } of scenario.faults) count(this.faults, kind);
    for (const { behaviour, from } of scenario.liars) {
      count(this.liars, behaviour);
      if (from > 0) count(this.liars, PATIENT);
    }
  }

  /** Adds what another process counted. */
  join(other: TallyJson): void {
    for (const name of SUMS) this[name] += other[name];
    this.leastKinds = Math.min(this.leastKinds, other.leastKinds);
    for (const [kind, times] of Object.entries(other.faults)) count(this.faults, kind, times);
    for (const [behaviour, times] of Object.entries(other.liars)) count(this.liars, behaviour, times);
  }

  json(): TallyJson {
    const sums = Object.fromEntries(SUMS.map((name) => [name, this[name]])) as Record<(typeof SUMS)[number], number>;
    return {
      ...sums, leastKinds: Math.min(this.leastKinds, Number.MAX_SAFE_INTEGER),
      faults: Object.fromEntries(this.faults), liars: Object.fromEntries(this.liars),
    };
  }

  text(seconds: number): string {
    const each = this.agentEpochs === 0 ? 0 : this.bytes / this.agentEpochs;
    return `${this.seeds} seeds, ${this.epochs} epochs, ${this.agentEpochs} agent-epochs in ${seconds.toFixed(0)} s ` +
      `(${(this.agentEpochs / Math.max(seconds, 1e-3)).toFixed(0)} a second); ` +
      `${this.realSignatures} seeds with Ed25519, the others with a keyed hash in its place; ` +
      `${this.large} in zones that are not fully meshed, ${this.severalZones} with several zones\n` +
      `faults, at least ${this.leastKinds} kinds a seed: ${listOf(this.faults)}\n` +
      `liars: ${listOf(this.liars)}; broken chargers: ${this.broken}; seeds with real frames: ${this.withFrames}; ` +
      `starts after the first: ${this.starts}\n` +
      `${this.certified} incidents certified, ${this.named} liars named; ${this.messages} messages, ` +
      `${each.toFixed(0)} bytes an agent and epoch\n`;
  }
}

const SUMS = [
  "seeds", "epochs", "agentEpochs", "messages", "bytes", "certified", "named", "starts", "realSignatures", "broken",
  "withFrames", "large", "severalZones",
] as const;

function count(of: Map<string, number>, what: string, times = 1): void {
  of.set(what, (of.get(what) ?? 0) + times);
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
