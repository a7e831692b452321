/**
 * `npm run bench single-fault [-- --quick]`: the control that a zone must pass. Every kind of fault, odd habit and
 * attack that the simulator can do to one station comes to one station of a zone of six (f = 1), and of its first three
 * (f = 0), while the others live honest days of their own; counted is how often the zone would raise. It may never.
 * `--part 2/5` plays the second fifth of them, for who has no hour at a time.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { judge, live, type Lived, type Plan, singleFaults } from "./single-fault.ts";

const ZONE = { n: 6, f: 1 };
const SMALL = { n: 3, f: 0 };
/** Index of the station that it comes to: one of each version in turn, in both zones. */
const STRUCK = [0, 1];

interface Row {
  readonly kind: string;
  readonly fault: string;
  readonly "at the station": string;
  readonly "zone of 6": string;
  readonly "zone of 3": string;
}

const told = (raises: ReadonlyMap<string, number>): string =>
  [...raises].map(([key, epochs]) => `${key} in ${epochs} epochs`).join(", ") || "silent";

type Fault = ReturnType<typeof singleFaults>[number];

function rowOf(plan: Plan, fault: Fault, place: number, honest: readonly Lived[]): Row {
  const struck = STRUCK[place % STRUCK.length]!;
  const named = { kind: fault.kind, fault: fault.name };
  try {
    const broken = live(plan, struck, fault);
    const members = honest.map((one, index) => (index === struck ? broken : one));
    return {
      ...named, "at the station": [...broken.raised].join(", ") || "silent",
      "zone of 6": told(judge(plan, members, ZONE.f).raises),
      "zone of 3": told(judge(plan, members.slice(0, SMALL.n), SMALL.f).raises),
    };
  } catch (error) {
    const why = `not tried: ${(error as Error).message}`;
    return { ...named, "at the station": why, "zone of 6": "", "zone of 3": "" };
  }
}

const hasRaised = (row: Row): boolean =>
  [row["zone of 6"], row["zone of 3"]].some((told) => told !== "silent" && told !== "");

function main(): void {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { json: text, part: text, quick: { type: "boolean" } } });
  const [part = 1, parts = 1] = values.part?.split("/").map(Number) ?? [];
  const plan: Plan = values.quick === true ? { days: 2.5, faultAt: 1.5, seed: 1 } : { days: 9, faultAt: 2, seed: 1 };
  const honest = Array.from({ length: ZONE.n }, (_, index) => live(plan, index, { kind: "honest", name: "nothing" }));
  const began = performance.now();
  const faults = [...singleFaults().entries()].filter(([place]) => place % parts === part - 1);
  const rows = faults.map(([place, fault], done) => {
    const row = rowOf(plan, fault, place, honest);
    if (hasRaised(row)) console.error(`a zone raised: ${JSON.stringify(row)}`);
    const left = (performance.now() - began) * (faults.length / (done + 1) - 1) / 1_000;
    if (done % 8 === 7) console.error(`${done + 1} of ${faults.length}, ${Math.ceil(left)} s left`);
    return row;
  });
  console.table(rows);
  const tried = rows.filter((row) => row["zone of 6"] !== "");
  const raised = tried.filter(hasRaised);
  console.log(`${tried.length} of ${rows.length} tried; a zone raised in ${raised.length} of them`);
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ plan, rows }));
  if (raised.length > 0) process.exitCode = 1;
}

main();
