/** Rows, panels and a terminal for the tests of the live table. */
import type { Panel } from "./live-panel.ts";
import type { Row } from "./live-row.ts";

export const TIME = "2026-11-01T12:04:31.000Z";

export const CERTIFIED: Row["certified"][number] = {
  key: "refusals", threat: "authorization-abuse", since: "2026-11-01T12:03:50.000Z", stations: ["CP-001", "CP-002"],
  certificateEpoch: 9,
};

export function row(station: string, more: Partial<Row> = {}): Row {
  return {
    station, zone: "feeder-7", answers: true, ocppVersion: "1.6", charger: true, powerW: 11_040, silentEpochs: 0,
    opinions: [], incidents: [], certified: [], provisional: [], guilty: [], links: { up: 5, all: 5 },
    residentBytes: 61 * 1024 * 1024, ...more,
  };
}

/** Two zones of six, as in the demonstration. */
export function panel(more: Partial<Panel> = {}): Panel {
  const zone = (id: string, first: number): Row[] => Array.from({ length: 6 }, (_, i) =>
    row(`CP-${first + i}`, { zone: id, ocppVersion: i % 2 === 0 ? "1.6" : "2.0.1", powerW: i * 3_700 }));
  return {
    title: "kerbwatch: a street", time: TIME, rows: [...zone("feeder-7", 101), ...zone("feeder-8", 201)], events: [],
    ...more,
  };
}

/** What a terminal shows after what was written to it: lines, and where the cursor is. Knows what the table uses. */
export class Screen {
  readonly #rows: number;
  /** All lines so far; the last `rows` of them are the screen. */
  readonly lines: string[] = [""];
  #row = 0;
  #column = 0;

  constructor(rows: number) {
    this.#rows = rows;
  }

  write(text: string): void {
    for (const [part] of text.matchAll(/\u001b\[[\d;]*[A-Za-z]|[^\u001b]/gsu)) this.#take(part);
  }

  /** Without the empty line that the cursor stands in. */
  shown(): string[] {
    return this.lines.slice(0, this.#row).map((line) => line.trimEnd());
  }

  #take(part: string): void {
    const line = this.lines[this.#row]!;
    if (part === "\n") {
      this.#row += 1;
      this.#column = 0;
      if (this.#row === this.lines.length) this.lines.push("");
    } else if (part === "\r") {
      this.#column = 0;
    } else if (part.endsWith("A")) {
      const top = Math.max(0, this.lines.length - this.#rows);
      this.#row = Math.max(top, this.#row - Number(part.slice(2, -1)));
    } else if (part.endsWith("K") && part.startsWith("\u001b")) {
      this.lines[this.#row] = line.slice(0, this.#column);
    } else if (part.endsWith("J") && part.startsWith("\u001b")) {
      this.lines.splice(this.#row + 1);
      this.lines[this.#row] = line.slice(0, this.#column);
    } else if (!part.startsWith("\u001b")) {
      this.lines[this.#row] = line.slice(0, this.#column).padEnd(this.#column) + part + line.slice(this.#column + 1);
      this.#column += 1;
    }
  }
}
