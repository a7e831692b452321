/**
 * The panel of `npm start`, redrawn in place on a terminal. Pure: `show` and `end` give the text to write. Only lines
 * that changed are written anew, and all of a picture in one text, so that nothing flickers. Where there is no
 * terminal, `show` tells what is new in plain lines, and `end` prints the whole panel once.
 */
import { columnsOf, newsLines, NOTHING_TOLD, type Panel, panelLines, type Size } from "./live-panel.ts";
import { widthOf } from "./live-text.ts";

export interface LiveTableOptions {
  /** False: plain lines, without a cursor that moves. */
  readonly tty: boolean;
  readonly colour: boolean;
  /** No characters beyond ASCII in the table's own drawing. */
  readonly ascii?: boolean;
}

const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

export class LiveTable {
  readonly #options: LiveTableOptions;
  #before: readonly string[] = [];
  #size: Size = { columns: 0 };
  #told = NOTHING_TOLD;

  constructor(options: LiveTableOptions) {
    this.#options = options;
  }

  /** What to write now: empty when nothing changed. `size`: of the terminal, now. */
  show(panel: Panel, size: Size): string {
    const { tty, ...style } = this.#options;
    if (!tty) {
      const { lines, told } = newsLines(this.#told, panel);
      this.#told = told;
      return text(lines);
    }
    return this.#redraw(panelLines(panel, { ...style, ...size }), size);
  }

  /** The last picture in full, whatever the height, with the cursor below it. Other output may follow. */
  end(panel: Panel, size: Pick<Size, "columns">): string {
    const { tty, ...style } = this.#options;
    const lines = panelLines(panel, { ...style, columns: size.columns });
    const last = tty ? this.#redraw(lines, size) : text(lines);
    this.#before = [];
    return last;
  }

  #redraw(lines: readonly string[], size: Size): string {
    const [before, { columns, rows }] = [this.#before, this.#size];
    const resized = size.columns !== columns || size.rows !== rows;
    this.#before = lines;
    this.#size = size;
    if (before.length === 0) return text(lines);
    if (!resized && lines.length === before.length && lines.every((line, i) => line === before[i])) return "";
    // A terminal that became narrower has broken the lines that stand there.
    const height = before.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columnsOf(size))), 0);
    const up = `\u001b[${height}A\r`;
    const body = lines.map((line, i) => (!resized && line === before[i] ? "\n" : `${line}\u001b[K\n`)).join("");
    return up + (resized ? "\u001b[J" : "") + body + (lines.length < before.length ? "\u001b[J" : "");
  }
}
