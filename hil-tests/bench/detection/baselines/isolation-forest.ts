/** Isolation forest (Liu, Ting, Zhou, ICDM 2008): strange rows are cut off from the rest by few random cuts. */
import { type Dice, dice } from "../../../sim/dice.ts";
import type { Row } from "../features.ts";
import type { Baseline } from "./scorer.ts";

/** The paper's own figures, section 4: 100 trees of 256 rows each, no deeper than log2 of that. */
const TREES = 100;
const SAMPLE = 256;

export type Tree =
  | { readonly rows: number }
  | { readonly feature: number; readonly cut: number; readonly below: Tree; readonly above: Tree };

/** Mean length of an unsuccessful search in a binary tree of n leaves (equation 1). */
export function meanPath(n: number): number {
  if (n <= 1) return 0;
  if (n === 2) return 1;
  return 2 * (Math.log(n - 1) + 0.5772156649) - (2 * (n - 1)) / n;
}

export function growTree(rows: readonly (readonly number[])[], chance: Dice, depth: number): Tree {
  const varied = (rows[0] ?? []).flatMap((_, i) => {
    const [low, high] = rangeOf(rows, i);
    return high > low ? [{ feature: i, low, high }] : [];
  });
  if (rows.length <= 1 || depth <= 0 || varied.length === 0) return { rows: rows.length };
  const { feature, low, high } = chance.pick(varied);
  const cut = chance.uniform(low, high);
  return {
    feature, cut,
    below: growTree(rows.filter((row) => (row[feature] as number) < cut), chance, depth - 1),
    above: growTree(rows.filter((row) => (row[feature] as number) >= cut), chance, depth - 1),
  };
}

function rangeOf(rows: readonly (readonly number[])[], i: number): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const row of rows) {
    low = Math.min(low, row[i] as number);
    high = Math.max(high, row[i] as number);
  }
  return [low, high];
}

/** Cuts that it takes to come to a row's leaf, with what the leaf would still need. */
export function pathLength(tree: Tree, values: readonly number[]): number {
  let [node, cuts] = [tree, 0];
  while ("cut" in node) {
    node = (values[node.feature] as number) < node.cut ? node.below : node.above;
    cuts += 1;
  }
  return cuts + meanPath(node.rows);
}

function forest(rows: readonly Row[], chance: Dice): (values: readonly number[]) => number {
  if (rows.length < 2) return () => 0;
  const size = Math.min(SAMPLE, rows.length);
  const trees = Array.from({ length: TREES }, () => {
    const sample = Array.from({ length: size }, () => chance.pick(rows).values);
    return growTree(sample, chance, Math.ceil(Math.log2(size)));
  });
  const usual = meanPath(size);
  return (values) => 2 ** (-trees.reduce((sum, tree) => sum + pathLength(tree, values), 0) / TREES / usual);
}

export const isolationForest: Baseline = {
  name: "isolation forest",
  fit: ({ hours, sessions }, seed) => ({
    hour: forest(hours, dice(seed, "forest of hours")), session: forest(sessions, dice(seed, "forest of sessions")),
  }),
};
