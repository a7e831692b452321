/** What `npm start` shows while it plays: lines first, then a picture of the street, redrawn in place on a terminal. */
import { systemClock } from "./bench-clock.ts";
import { awayRow, type Row, rowOf } from "./live-row.ts";
import type { Panel, Size } from "./live-panel.ts";
import { LiveTable } from "./live-table.ts";
import type { Act } from "./acts/act.ts";
import type { Notes, Street } from "./street.ts";

const REFRESH_MS = 1_000;
const NARROWEST = 80;

export interface Terminal {
  readonly tty: boolean;
  readonly colour: boolean;
  size(): Size;
  write(text: string): void;
}

/** Standard output, as it is. */
export function standardOutput(): Terminal {
  const { stdout, env } = process;
  const plain = env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "";
  return {
    tty: stdout.isTTY === true, colour: stdout.isTTY === true && !plain,
    size: () => ({ columns: stdout.columns ?? NARROWEST, ...(stdout.rows !== undefined && { rows: stdout.rows }) }),
    write: (text) => void stdout.write(text),
  };
}

type PlayedAct = NonNullable<Panel["act"]>;

export class Screen implements Notes {
  readonly #terminal: Terminal;
  readonly #table: LiveTable;
  readonly #events: string[] = [];
  readonly #rows = new Map<string, Row>();
  #shown = -1;
  #act: PlayedAct | undefined;
  #drawing: Promise<void> | undefined;
  #over = new AbortController();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#table = new LiveTable({ tty: terminal.tty, colour: terminal.colour });
  }

  /** A line of its own, before and after the acts; one of the picture's events between. */
  note(text: string): void {
    if (this.#drawing !== undefined) this.#events.push(text);
    else this.#terminal.write(`${text}\n`);
  }

  /** A bar that grows in place on a terminal; elsewhere a line for each quarter. */
  learning(share: number): void {
    const tenths = Math.floor(share * 20);
    if (tenths === this.#shown) return;
    const bar = `learning [${"#".repeat(tenths)}${" ".repeat(20 - tenths)}] ${Math.round(share * 100)} %`;
    if (this.#terminal.tty) this.#terminal.write(`\r${bar}${share === 1 ? "\n" : ""}`);
    else if (Math.floor(tenths / 5) !== Math.floor(this.#shown / 5)) this.#terminal.write(`${bar}\n`);
    this.#shown = tenths;
  }

  /** Draws the street from now on, until `end`. */
  draw(street: Street): void {
    this.#over = new AbortController();
    this.#drawing = this.#keepDrawing(street);
  }

  /** The act that is being played, or how it ended, with the street as it is now. */
  async act(
    street: Street, { name, told }: Pick<Act, "name" | "told">, where: Pick<PlayedAct, "no" | "of" | "state">,
  ): Promise<void> {
    await this.#look(street);
    this.#act = { ...where, name, told };
    this.#show();
  }

  /** The last picture; what is written afterwards stands below it. */
  async end(): Promise<void> {
    if (this.#drawing === undefined) return;
    this.#over.abort();
    await this.#drawing;
    this.#drawing = undefined;
    if (this.#terminal.tty) this.#terminal.write(this.#table.end(this.#panel(), this.#terminal.size()));
  }

  async #keepDrawing(street: Street): Promise<void> {
    while (!this.#over.signal.aborted && !street.stop.aborted) {
      await this.#look(street);
      this.#show();
      await systemClock.wait(REFRESH_MS, this.#over.signal);
    }
  }

  async #look(street: Street): Promise<void> {
    for (const [house, status] of await street.statuses()) {
      const row = status === undefined ? awayRow(house.id, house.zone, this.#rows.get(house.id)) : rowOf(status);
      this.#rows.set(house.id, row);
    }
  }

  #show(): void {
    if (this.#rows.size > 0) this.#terminal.write(this.#table.show(this.#panel(), this.#terminal.size()));
  }

  #panel(): Panel {
    return {
      title: "kerbwatch: one street, two zones, twelve agents", time: new Date().toISOString(),
      ...(this.#act !== undefined && { act: this.#act }), rows: [...this.#rows.values()], events: [...this.#events],
    };
  }
}
