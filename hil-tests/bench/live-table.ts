/**
 * The panel of `npm start`, redrawn in place on a terminal. Pure: `show` and `end` give the text to write. Only lines
 * that changed are written anew, and all of a picture in one text, so that nothing flickers. Where there is no
 * terminal, `show` tells what is new in plain lines, and `end` prints the whole panel once.
 */
import { newsLines, type Panel, panelLines, type Size } from "./live-panel.ts";
import { widthOf } from "./live-text.ts";

export interface LiveTableOptions {
  /** False: plain lines, without a cursor that moves. */
  readonly tty: boolean;
  readonly colour: boolean;
  /** No characters beyond ASCII in the table's own drawing. */
  readonly ascii?: boolean;
}

export class LiveTable {
  readonly #options: LiveTableOptions;
  #before: readonly string[] = [];
  #columns = 0;
  #last: Panel | undefined;

  constructor(options: LiveTableOptions) {
    this.#options = options;
  }

  /** What to write now: empty when nothing changed. `size`: of the terminal, now. */
  show(panel: Panel, size: Size): string {
    const { tty, ...style } = this.#options;
    const last = this.#last;
    this.#last = panel;
    if (!tty) return newsLines(last, panel).map((line) => `${line}\n`).join("");
    return this.#redraw(panelLines(panel, { ...style, ...size }), size.columns);
  }

  /** The last picture in full, whatever the height, with the cursor below it. Other output may follow. */
  end(panel: Panel, size: Pick<Size, "columns">): string {
    const { tty, ...style } = this.#options;
    const lines = panelLines(panel, { ...style, columns: size.columns });
    if (!tty) return lines.map((line) => `${line}\n`).join("");
    const text = this.#redraw(lines, size.columns);
    this.#before = [];
    return text;
  }

  #redraw(lines: readonly string[], columns: number): string {
    const before = this.#before;
    const resized = columns !== this.#columns;
    this.#before = lines;
    this.#columns = columns;
    if (before.length === 0) return lines.map((line) => `${line}\n`).join("");
    if (!resized && lines.length === before.length && lines.every((line, i) => line === before[i])) return "";
    // A terminal that became narrower has broken the lines that stand there.
    const height = before.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
    const up = `\u001b[${height}A\r`;
    const body = lines.map((line, i) => (!resized && line === before[i] ? "\n" : `${line}\u001b[K\n`)).join("");
    return up + (resized ? "\u001b[J" : "") + body + (lines.length < before.length ? "\u001b[J" : "");
  }
}
