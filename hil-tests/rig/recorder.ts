/** Plays acts one after the other, says what happens when, and writes the results. */
import { writeFileSync } from "node:fs";
import type { Outcome } from "../bench/acts/act.ts";
import { junitXml, type Result, resultTable, type TraceEvent, traceJson } from "./results.ts";

export interface Files {
  readonly xml?: string;
  readonly json?: string;
}

export type Told = Pick<Result, "id" | "name" | "told">;

export class Recorder {
  readonly #suite: string;
  readonly #results: Result[] = [];
  readonly #events: TraceEvent[] = [];
  readonly #begun = performance.now();

  constructor(suite: string) {
    this.#suite = suite;
  }

  say(text: string): void {
    const atS = Math.round((performance.now() - this.#begun) / 100) / 10;
    this.#events.push({ atS, says: text });
    console.log(`${atS.toFixed(0).padStart(5)} s  ${text}`);
  }

  add(result: Result): void {
    this.#results.push(result);
    this.say(`${result.id}: ${result.state}: ${result.observed}`);
  }

  skip(told: Told, why: string): void {
    this.add({ ...told, observed: why, state: "skipped", tookS: 0 });
  }

  /** Never rejects: an act that throws has failed. */
  async play({ id, name, told }: Told, act: () => Promise<Outcome>): Promise<void> {
    this.say(`${id}: ${name}`);
    const begun = performance.now();
    const outcome = await act().catch((error: Error): Outcome =>
      ({ observed: `failed: ${error.message}`, asTold: false }));
    const tookS = (performance.now() - begun) / 1000;
    this.add({ id, name, told, observed: outcome.observed, state: outcome.asTold ? "passed" : "failed", tookS });
  }

  /** Table and files; the exit code. What was only skipped has not passed. */
  end({ xml, json }: Files): number {
    const count = (state: Result["state"]): number => this.#results.filter((one) => one.state === state).length;
    if (this.#results.length === 0) console.error("hil: no act was played; --act names none of those that are here");
    console.log(`\n${resultTable(this.#results)}`);
    if (xml !== undefined) writeFileSync(xml, junitXml(this.#suite, this.#results));
    if (json !== undefined) writeFileSync(json, traceJson(this.#suite, this.#results, this.#events));
    console.log(`\n${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`);
    return count("failed") > 0 || count("passed") === 0 ? 1 : 0;
  }
}
