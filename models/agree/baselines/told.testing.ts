/**
 * Only for benches and tests: what a hearer knows of one key at one epoch, the same for every rule. Evidence in nats.
 */

/** The first `members` of the list lie as they like, towards alarm (1) or towards quiet (-1). */
export interface Lie {
  readonly members: number;
  readonly claim: 1 | -1;
}

export interface Told {
  readonly f: number;
  readonly clip: number;
  /** The zone's own clip, which is narrower. */
  readonly zoneClip: number;
  /** One row an onset, one column a member: growth since then, within [-clip, clip], liars' at their claim. */
  readonly growths: readonly Float64Array[];
  /** The same rows, each ascending. */
  readonly sorted: readonly Float64Array[];
  /** Each member's largest growth, at least 0: its own CUSUM over the same onsets. */
  readonly cusums: Float64Array;
  readonly lie?: Lie | undefined;
  /** How much a score vote trusts each member; absent: all alike. */
  readonly weights?: readonly number[];
}

export type Statistic = (told: Told) => number;

/**
 * Clips true growths, puts the liars' claims in, and sorts. Works on the rows in place.
 * @param into where the sorted rows go, at least as many: for whoever tells often
 */
export function tell(
  rows: readonly Float64Array[], asked: Omit<Told, "growths" | "sorted" | "cusums">, into: readonly Float64Array[] = [],
): Told {
  const { clip, lie } = asked;
  const n = rows[0]?.length ?? 0;
  const cusums = new Float64Array(n);
  const order = Int32Array.from({ length: n }, (_, member) => member);
  const sorted = rows.map((row, at) => {
    for (let member = 0; member < n; member++) {
      const lies = lie !== undefined && member < lie.members;
      const found = row[member] as number;
      const growth = lies ? lie.claim * clip : found > clip ? clip : found < -clip ? -clip : found;
      row[member] = growth;
      if (growth > (cusums[member] as number)) cusums[member] = growth;
    }
    return inOrder(row, order, into[at] ?? new Float64Array(n));
  });
  return { ...asked, growths: rows, sorted, cusums };
}

/** Sorts by insertion, beginning with the last row's order: rows of neighbouring onsets are nearly alike. */
function inOrder(row: Float64Array, order: Int32Array, sorted: Float64Array): Float64Array {
  for (let at = 0; at < order.length; at++) {
    const member = order[at] as number;
    const value = row[member] as number;
    let to = at;
    for (; to > 0 && (sorted[to - 1] as number) > value; to--) {
      sorted[to] = sorted[to - 1] as number;
      order[to] = order[to - 1] as number;
    }
    sorted[to] = value;
    order[to] = member;
  }
  return sorted;
}

/** The sum of sorted[from..to). */
export function sumOf(sorted: Float64Array, from = 0, to = sorted.length): number {
  let sum = 0;
  for (let at = from; at < to; at++) sum += sorted[at] as number;
  return sum;
}

/** The largest of a function of the rows; 0 when there is none or all are below. */
export function largestOver(rows: readonly Float64Array[], of: (row: Float64Array) => number): number {
  let largest = 0;
  for (const row of rows) {
    const value = of(row);
    if (value > largest) largest = value;
  }
  return largest;
}

export const ascending = (values: ArrayLike<number>): Float64Array => Float64Array.from(values).sort();

/** The lower of the two middle values, where there are two. */
export function median(values: ArrayLike<number>): number {
  return ascending(values)[Math.floor((values.length - 1) / 2)] ?? 0;
}
