/** Spans of text with a tint, cut to a width and painted. Pure. */

export type Tint = "dim" | "bold" | "good" | "warn" | "bad" | "live";
export type Span = readonly [text: string, tint?: Tint | undefined];

const SGR: Record<Tint, string> = { dim: "2", bold: "1", good: "32", warn: "33", bad: "1;31", live: "36" };

/** Wide by Unicode's East Asian Width, the blocks that occur; combining marks take no room. */
const WIDE = new RegExp("[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f"
  + "\\uff00-\\uff60\\uffe0-\\uffe6\\u{1f300}-\\u{1faff}\\u{20000}-\\u{3fffd}]", "u");
const MARK = /\p{M}/u;
const COLOURS = /\u001b\[[0-9;]*m/g;

/** Columns that a text takes on a terminal, colours not counted. */
export function widthOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const one of text.replace(COLOURS, "")) width += MARK.test(one) ? 0 : WIDE.test(one) ? 2 : 1;
  return width;
}

/** At most `width` columns; what is longer ends in `mark`, which takes one. */
export function cut(text: string, width: number, mark: string): string {
  if (widthOf(text) <= width) return text;
  let [kept, used] = ["", 0];
  for (const one of text) {
    used += widthOf(one);
    if (used >= width) break;
    kept += one;
  }
  return width > 0 ? kept + mark : "";
}

/** Exactly `width` columns: cut, or filled with spaces on the right (`start`) or the left (`end`). */
export function fit(text: string, width: number, mark: string, side: "start" | "end" = "start"): string {
  const short = cut(text, width, mark);
  const fill = " ".repeat(Math.max(0, width - widthOf(short)));
  return side === "start" ? short + fill : fill + short;
}

/** One line of at most `width` columns. */
export function rendered(spans: readonly Span[], width: number, mark: string, colour: boolean): string {
  let left = width;
  let line = "";
  for (const [text, tint] of spans) {
    const part = cut(text, left, mark);
    left -= widthOf(part);
    line += colour && tint !== undefined && part.trim() !== "" ? `\u001b[${SGR[tint]}m${part}\u001b[0m` : part;
  }
  return line.trimEnd();
}
