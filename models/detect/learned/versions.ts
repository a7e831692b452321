/**
 * Order of firmware versions as makers write them: runs of digits compare as numbers, other runs as text, shorter
 * first. Returns a negative number, 0 or a positive one.
 */
export function compareVersions(left: string, right: string): number {
  const split = (version: string) => version.slice(0, 64).match(/\d+|[A-Za-z]+/g) ?? [];
  const [a, b] = [split(left), split(right)];
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const order = compareParts(a[index], b[index]);
    if (order !== 0) return order;
  }
  return 0;
}

function compareParts(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const [x, y] = [Number(a), Number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  return a < b ? -1 : a > b ? 1 : 0;
}
