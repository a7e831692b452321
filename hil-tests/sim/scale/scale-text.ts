/** What the scale bench found, for people: a table and a picture. */

export interface ScaleRow {
  readonly asked: number;
  readonly agents: number;
  readonly rosters: number;
  readonly zonesEach: number;
  readonly epochs: number;
  readonly seconds: number;
  /** Processor time of an agent and epoch, ms. */
  readonly cpuMs: number;
  /** Agent-epochs a second of wall time, both processes and their start together. */
  readonly perSecond: number;
  /** Of an agent, KB, after the last epoch; what agents share is dealt out among them. */
  readonly heapKb: number;
  /** Deliveries of a statement for each member that is to have it. */
  readonly copies: number;
  /** Sent by an agent, with MQTT, TLS, TCP and IP around each message, kbit/s: statements, and everything. */
  readonly statementKbits: number;
  readonly allKbits: number;
  /** Zone alerts, over all agents. */
  readonly raised: number;
  /** From the statement with which an attacked zone raises to its certificate, seconds: median and longest. */
  readonly certifiedS: readonly [median: number, longest: number] | undefined;
}

type Column = readonly [head: string, of: (row: ScaleRow) => string];

const COLUMNS: readonly Column[] = [
  ["agents", ({ agents }) => `${agents}`],
  ["rosters x zones", ({ rosters, zonesEach }) => `${rosters} x ${zonesEach}`],
  ["epochs", ({ epochs }) => `${epochs}`],
  ["ms an agent-epoch", ({ cpuMs }) => cpuMs.toFixed(2)],
  ["agent-epochs/s", ({ perSecond }) => perSecond.toFixed(0)],
  ["KB an agent", ({ heapKb }) => heapKb.toFixed(0)],
  ["copies", ({ copies }) => copies.toFixed(2)],
  ["statements kbit/s", ({ statementKbits }) => statementKbits.toFixed(1)],
  ["all kbit/s", ({ allKbits }) => allKbits.toFixed(1)],
  ["zone alerts", ({ raised }) => `${raised}`],
  ["certified s", ({ certifiedS }) => certifiedS?.map((one) => one.toFixed(1)).join("/") ?? "-"],
  ["s", ({ seconds }) => seconds.toFixed(0)],
];

/** One row on a line of its own. */
export function rowText(row: ScaleRow): string {
  return COLUMNS.map(([head, of]) => `${head} ${of(row)}`).join(", ");
}

export function scaleTable(rows: readonly ScaleRow[], mostZones: number): string {
  const cells = [COLUMNS.map(([head]) => head), ...rows.map((row) => COLUMNS.map(([, of]) => of(row)))];
  const widths = COLUMNS.map((_, at) => Math.max(...cells.map((line) => line[at]!.length)));
  return [...cells.map((line) => line.map((cell, at) => cell.padStart(widths[at]!)).join("  ")), "",
    `One zone in ten is attacked. A roster has at most ${mostZones} zones here; rosters do not know of one another.`,
    "Certified: from the statement with which a zone raises to its certificate, median/longest of the attacked zones.",
    "Shared by the agents of a process, not on boards: reading messages, checking signatures, links, directories.",
  ].join("\n");
}

const WIDTH = 760;
const HEIGHT = 420;
const PLOT = { left: 70, top: 50, right: 700, bottom: 350 };
const DECADES = { from: 1, to: 5 };

/** Processor time and memory of an agent against the region's size: flat, or not. */
export function costPicture(rows: readonly ScaleRow[]): string {
  const x = (agents: number): number => PLOT.left
    + (PLOT.right - PLOT.left) * (Math.log10(agents) - DECADES.from) / (DECADES.to + 0.1 - DECADES.from);
  const line = (of: (row: ScaleRow) => number, colour: string, name: string, place: number): string => {
    const most = 1.2 * Math.max(...rows.map(of));
    const y = (value: number): number => PLOT.bottom - (PLOT.bottom - PLOT.top) * value / most;
    const points = rows.map((row) => `${x(row.agents).toFixed(1)},${y(of(row)).toFixed(1)}`);
    return `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`
      + rows.map((row, at) => {
        const [left, top] = points[at]!.split(",").map(Number) as [number, number];
        return `<circle cx="${left}" cy="${top}" r="4" fill="${colour}"/>`
          + `<text x="${left}" y="${place === 0 ? top - 10 : top + 20}" fill="${colour}" text-anchor="middle">`
          + `${of(row).toFixed(of(row) < 10 ? 2 : 0)}</text>`;
      }).join("")
      + `<text x="${PLOT.left + 300 * place}" y="40" fill="${colour}">${name}</text>`;
  };
  const decades = Array.from({ length: DECADES.to - DECADES.from + 1 }, (_, i) => 10 ** (DECADES.from + i));
  const ticks = decades.map((agents) =>
    `<path d="M${x(agents)} ${PLOT.top}V${PLOT.bottom}" stroke="#ddd"/>`
    + `<text x="${x(agents)}" y="${PLOT.bottom + 20}" text-anchor="middle">${agents}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" `
    + `font-size="12"><rect width="100%" height="100%" fill="#fff"/>`
    + `<text x="20" y="22" font-size="15">What an agent costs, by the size of its region</text>${ticks.join("")}`
    + `<path d="M${PLOT.left} ${PLOT.bottom}H${PLOT.right}" stroke="#444"/>`
    + line(({ cpuMs }) => cpuMs, "#0072b2", "processor time of an agent-epoch, ms", 0)
    + line(({ heapKb }) => heapKb, "#d55e00", "memory of an agent, KB", 1)
    + `<text x="${(PLOT.left + PLOT.right) / 2}" y="${HEIGHT - 20}" text-anchor="middle">agents, in zones of 30</text>`
    + "</svg>\n";
}
