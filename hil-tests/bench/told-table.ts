/** A table of words for a terminal of 80 columns: cells are broken between words, so that no line of it wraps. */

const GAP = "  ";

/** The lines that a cell takes at `width`; a word that is longer than that is cut. */
function cellLines(text: string, width: number): string[] {
  const words = text.split(" ").flatMap((word) => word.match(new RegExp(`.{1,${width}}`, "gu")) ?? []);
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function rowLines(cells: readonly string[], widths: readonly number[]): string[] {
  const columns = cells.map((cell, i) => cellLines(cell, widths[i]!));
  const height = Math.max(1, ...columns.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    columns.map((lines, i) => (lines[line] ?? "").padEnd(widths[i]!)).join(GAP).trimEnd());
}

/** `head` and `rows` in columns of `widths` characters, a rule under the head; a newline after each line. */
export function wordTable(
  head: readonly string[], rows: readonly (readonly string[])[], widths: readonly number[],
): string {
  const rule = widths.map((width) => "-".repeat(width)).join(GAP);
  return [...rowLines(head, widths), rule, ...rows.flatMap((row) => rowLines(row, widths))]
    .map((line) => `${line}\n`).join("");
}
