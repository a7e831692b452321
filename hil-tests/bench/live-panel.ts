/**
 * What the street looks like now, as lines for a terminal of 80 columns or more: each zone with its headline and map,
 * each agent with what it measures, leans to and holds. Pure. Every line is narrower than the terminal, so that none
 * wraps, and the panel is never higher than it.
 */
import { plainText } from "../../edge-agent/plain-text.ts";
import { SUSPECT_AFTER_EPOCHS } from "../../gossip/membership.ts";
import type { EvidenceKey } from "../../models/terms.ts";
import { MINUTE_MS } from "../../models/units.ts";
import type { Row } from "./live-row.ts";
import { fit, rendered, type Span, widthOf } from "./live-text.ts";

export interface Act {
  readonly no: number;
  readonly of: number;
  readonly name: string;
  /** What is foretold. */
  readonly told: string;
  readonly state: "playing" | "as told" | "NOT AS TOLD";
}

export interface Panel {
  readonly title: string;
  /** Now, RFC 3339. */
  readonly time: string;
  readonly act?: Act;
  /** Zones stand in the order of their first row, agents in the order that they have here. */
  readonly rows: readonly Row[];
  /** All so far, oldest first: only ever appended to. The last few are shown. */
  readonly events: readonly string[];
}

export interface Size {
  readonly columns: number;
  /** Absent: as high as it needs. */
  readonly rows?: number;
}

/** A terminal that does not know its own size says 0. */
export const columnsOf = ({ columns }: Size): number => (columns > 0 ? columns : 80);

export interface Style {
  readonly colour: boolean;
  readonly ascii?: boolean;
}

interface Glyphs {
  readonly rule: string;
  readonly full: string;
  readonly empty: string;
  readonly quiet: string;
  readonly provisional: string;
  readonly certified: string;
  readonly affected: string;
  readonly spared: string;
  readonly away: string;
  readonly guilty: string;
  readonly none: string;
  readonly cut: string;
}

const DRAWN: Glyphs = {
  rule: "─", full: "━", empty: "─", quiet: "○", provisional: "◐", certified: "●", affected: "■", spared: "□",
  away: "·", guilty: "×", none: "–", cut: "…",
};
const TYPED: Glyphs = {
  rule: "-", full: "=", empty: "-", quiet: "o", provisional: "?", certified: "!", affected: "#", spared: ".",
  away: "_", guilty: "x", none: "-", cut: "~",
};

/** Names that fit beside a bar. */
const SHORT: Record<EvidenceKey, string> = {
  "authorization-abuse": "auth", "credential-cloning": "cloning", "session-spoofing": "spoofing",
  "energy-theft": "theft", "billing-inflation": "overbill", "load-manipulation": "load",
  "profile-tampering": "profile", "configuration-tampering": "config", "firmware-tampering": "firmware",
  "remote-command-abuse": "commands", "denial-of-service": "denial", "channel-tampering": "channel",
  "data-exfiltration": "exfiltr.", "reverse-power": "reverse", "reconnaissance": "recon",
  "physical-tampering": "physical", "agent-misbehaviour": "agent", "starts": "starts", "stops": "stops",
  "refusals": "refusals", "power-step": "power", "setpoint-step": "setpoint", "delivered-less-billed": "unbilled",
  "billed-less-delivered": "overbill", "settings": "settings", "firmware-orders": "fw orders",
  "commands": "commands", "link-losses": "links", "uploads": "uploads", "probes": "probes", "export": "export",
  "clones": "clones",
};


interface Pen {
  readonly glyphs: Glyphs;
  readonly colour: boolean;
  /** Columns that a line may take: one less than there are, since some terminals wrap at the last. */
  readonly width: number;
}

interface Layout {
  readonly gap: string;
  /** Bars beside each other. */
  readonly bars: number;
  readonly station: number;
}

const BAR = 4;
const LABEL = 8;
const OPINION = BAR + 1 + LABEL;
/** Columns of the cells beside station and opinions: OCPP, power, heard, here, zone, links, memory. */
const CELLS = { ocpp: 5, power: 9, heard: 5, here: 11, zone: 6, links: 5, memory: 3 };
const LEAST_STATION = 10;
const MOST_STATION = 20;

/** The roomiest one that fits; the last for whatever is narrower, where lines are cut. */
function layoutFor(width: number): Layout {
  const cells = Object.values(CELLS);
  const fixed = 1 + cells.reduce((sum, one) => sum + one, 0);
  for (const [bars, gap] of [[2, 2], [1, 2], [1, 1]] as const) {
    const left = width - fixed - (cells.length + 1) * gap - bars * OPINION - (bars - 1) * 2;
    if (left >= LEAST_STATION) return { bars, gap: " ".repeat(gap), station: Math.min(left, MOST_STATION) };
  }
  return { bars: 1, gap: " ", station: LEAST_STATION };
}

const clock = (time: string): string => (Number.isNaN(Date.parse(time)) ? "?" : time.slice(11, 19));
/** Seconds of the day say little about yesterday. */
const since = (then: string, now: string): string =>
  Date.parse(now) - Date.parse(then) > 12 * 60 * MINUTE_MS ? `${then.slice(5, 10)} ${clock(then)}` : clock(then);

/** `11.0 kW`, `1.3 MW`, and so on: never more than eight characters. */
export function powerText(powerW: number): string {
  for (const [unit, size] of [["kW", 1e3], ["MW", 1e6], ["GW", 1e9]] as const) {
    if (Math.abs(powerW) < 999.95 * size) return `${(powerW / size).toFixed(1)} ${unit}`;
  }
  return "? GW";
}

/** Less is what a charger takes for itself. */
const IDLE_BELOW_W = 100;

function powerSpan({ powerW, charger }: Row): Span {
  if (!charger) return ["unplugged", "warn"];
  if (powerW === undefined) return ["no meter", "dim"];
  return Math.abs(powerW) < IDLE_BELOW_W ? ["idle", "dim"] : [powerText(powerW), "live"];
}

function heardSpan({ silentEpochs: epochs }: Row, { none }: Glyphs): Span {
  if (epochs === undefined) return [none, "dim"];
  return [epochs === 0 ? "now" : String(epochs), epochs > SUSPECT_AFTER_EPOCHS ? "warn" : undefined];
}

function opinionSpans({ opinions }: Row, bars: number, { full, empty, cut: mark }: Glyphs): Span[] {
  return Array.from({ length: bars }, (_, i): Span[] => {
    const gap: Span[] = i === 0 ? [] : [["  "]];
    const one = opinions[i];
    if (one === undefined) return [...gap, [" ".repeat(OPINION)]];
    const share = Math.min(1, Math.max(0, one.opinion));
    // Something is never nothing, and all is only what is a verdict.
    const cells = share >= 1 ? BAR : Math.min(BAR - 1, Math.ceil(share * BAR));
    const tint = share >= 1 ? "bad" : share >= 0.5 ? "warn" : "live";
    return [...gap, [full.repeat(cells), tint], [empty.repeat(BAR - cells), "dim"],
      [` ${fit(SHORT[one.key], LABEL, mark)}`, share >= 0.5 ? undefined : "dim"]];
  }).flat();
}

function hereSpan({ incidents: [first, ...more] }: Row, { none }: Glyphs): Span {
  if (first === undefined) return [none, "dim"];
  const urgent = first.severity === "high" || first.severity === "critical";
  return [SHORT[first.threat] + (more.length > 0 ? ` +${more.length}` : ""), urgent ? "bad" : "warn"];
}

function zoneSpan({ certified: { length: n }, provisional: { length: m } }: Row, glyphs: Glyphs): Span {
  if (n + m === 0) return [glyphs.none, "dim"];
  const parts = [...(n > 0 ? [glyphs.certified + n] : []), ...(m > 0 ? [glyphs.provisional + m] : [])];
  return [parts.join(" "), n > 0 ? "bad" : "warn"];
}

function memoryText(bytes: number): string {
  const mb = Math.round(bytes / 1024 / 1024);
  return mb > 999 ? `${Math.round(mb / 1024)}G` : String(mb);
}

function rowSpans(row: Row, layout: Layout, { glyphs }: Pen): Span[] {
  const { gap } = layout;
  const cell = ([text, tint]: Span, width: number, side: "start" | "end" = "start"): Span[] =>
    [[gap], [fit(text, width, glyphs.cut, side), tint]];
  const name = ` ${fit(plainText(row.station), layout.station, glyphs.cut)}`;
  const station: Span = [name, row.answers ? undefined : "dim"];
  if (!row.answers) return [station, [gap], ["does not answer", "warn"]];
  const { up, all } = row.links;
  return [
    station,
    ...cell([plainText(row.ocppVersion ?? glyphs.none), "dim"], CELLS.ocpp),
    ...cell(powerSpan(row), CELLS.power, "end"),
    ...cell(heardSpan(row, glyphs), CELLS.heard, "end"),
    [gap], ...opinionSpans(row, layout.bars, glyphs),
    ...cell(hereSpan(row, glyphs), CELLS.here),
    ...cell(zoneSpan(row, glyphs), CELLS.zone),
    ...cell([`${up}/${all}`, up < all ? "warn" : "dim"], CELLS.links, "end"),
    ...cell([memoryText(row.residentBytes), "dim"], CELLS.memory, "end"),
  ];
}

function headSpans({ gap, station, bars }: Layout, { cut: mark }: Glyphs): Span[] {
  const opinions = bars * OPINION + (bars - 1) * 2;
  const names = [
    ["station", station], ["OCPP", CELLS.ocpp], ["power", CELLS.power, "end"], ["heard", CELLS.heard, "end"],
    ["leans to", opinions], ["here", CELLS.here], ["zone", CELLS.zone], ["links", CELLS.links, "end"],
    ["MB", CELLS.memory, "end"],
  ] as const;
  return [[` ${names.map(([name, width, side]) => fit(name, width, mark, side)).join(gap)}`, "dim"]];
}

interface ZonePicture {
  readonly id: string;
  readonly state: "quiet" | "provisional" | "certified";
  /** The oldest thing that stands, in words; how many more do. */
  readonly says: string;
  readonly affected: ReadonlySet<string>;
  readonly guilty: readonly string[];
  readonly rows: readonly Row[];
}

const oldest = <T extends { readonly since: string }>(all: readonly T[]): T | undefined =>
  all.reduce<T | undefined>((best, one) => (best === undefined || one.since < best.since ? one : best), undefined);

/** What the zone's agents hold together. */
function pictureOf(id: string, rows: readonly Row[], now: string): ZonePicture {
  const live = rows.filter(({ answers }) => answers);
  const certified = live.flatMap((row) => row.certified);
  const guilty = [...new Set(live.flatMap((row) => row.guilty))];
  const picture = { id, rows, guilty };
  const first = oldest(certified);
  if (first !== undefined) {
    const same = certified.filter(({ threat }) => threat === first.threat);
    const newest = same.reduce((best, one) => (one.certificateEpoch > best.certificateEpoch ? one : best));
    const more = new Set(certified.map(({ threat }) => threat)).size - 1;
    const held = same.length < live.length ? `, held by ${same.length}/${live.length}` : "";
    const affected = new Set(newest.stations);
    return { ...picture, state: "certified", affected, says:
      `${first.threat} since ${since(first.since, now)}, ${affected.size}/${rows.length} affected${held}`
        + (more > 0 ? `, ${more} more` : "") };
  }
  const waiting = live.flatMap((row) => row.provisional);
  const wait = oldest(waiting);
  if (wait === undefined) return { ...picture, state: "quiet", affected: new Set(), says: "" };
  const seen = waiting.filter(({ key }) => key === wait.key).length;
  return { ...picture, state: "provisional", affected: new Set(), says:
    `${wait.threat} since ${since(wait.since, now)}, seen by ${seen}/${live.length}` };
}

function picturesOf({ rows, time }: Panel): ZonePicture[] {
  const zones = [...new Set(rows.map(({ zone }) => zone))];
  return zones.map((id) => pictureOf(id, rows.filter(({ zone }) => zone === id), time));
}

const STATE_WORDS = { quiet: "quiet", provisional: "provisional:", certified: "CERTIFIED" } as const;
const STATE_TINTS = { quiet: "good", provisional: "warn", certified: "bad" } as const;

function guiltText(guilty: readonly string[]): string {
  return guilty.length === 0 ? "" : `; ${guilty.map((id) => plainText(id, 48)).join(", ")} contradicted itself`;
}

function headlineSpans({ id, state, says, affected, guilty, rows }: ZonePicture, { glyphs }: Pen): Span[] {
  const tint = STATE_TINTS[state];
  const map = rows.map((row): Span => {
    if (guilty.includes(row.station)) return [glyphs.guilty, "bad"];
    if (affected.has(row.station)) return [glyphs.affected, "bad"];
    return row.answers ? [glyphs.spared, "dim"] : [glyphs.away, "warn"];
  });
  return [
    [` ${glyphs[state]} `, tint], [fit(plainText(id), Math.min(16, widthOf(id)), glyphs.cut), "bold"], [" "], ...map,
    ["  "], [STATE_WORDS[state], tint], [says === "" ? "" : ` ${says}`], [guiltText(guilty), "bad"],
  ];
}

/** How much of the panel is shown. */
interface Extent {
  readonly events: number;
  /** With blank lines between the parts. */
  readonly airy: boolean;
  readonly told: boolean;
  /** Agents of each zone. */
  readonly each: number;
}

const ALL = Infinity;
/** From everything to the headlines alone; the first that fits is taken. */
const EXTENTS: readonly Extent[] = [
  ...[5, 4, 3].map((events) => ({ events, airy: true, told: true, each: ALL })),
  ...[5, 4, 3, 2, 1, 0].map((events) => ({ events, airy: false, told: true, each: ALL })),
  ...Array.from({ length: 64 }, (_, i) => ({ events: 1, airy: false, told: true, each: 64 - i })),
  ...[3, 2, 1].map((each) => ({ events: 0, airy: false, told: true, each })),
  { events: 0, airy: false, told: true, each: 0 },
  { events: 0, airy: false, told: false, each: 0 },
];

const weight = ({ answers, incidents, certified, opinions }: Row): number =>
  (answers ? 0 : 4) + 2 * incidents.length + certified.length + (opinions[0]?.opinion ?? 0);

/** Those with the most to tell, in the order in which they stand. */
function chosen(rows: readonly Row[], each: number): readonly Row[] {
  if (rows.length <= each) return rows;
  const best = new Set([...rows].sort((a, b) => weight(b) - weight(a)).slice(0, each));
  return rows.filter((row) => best.has(row));
}

/** Lines that `compose` makes of it. */
function heightOf({ act, events }: Panel, pictures: readonly ZonePicture[], extent: Extent): number {
  const { airy, told, each } = extent;
  const air = airy ? 1 : 0;
  const table = each > 0 ? 1 : 0;
  const zones = pictures.reduce((sum, { rows: { length } }) =>
    sum + air + 1 + Math.min(length, each) + (length > each ? table : 0), 0);
  const shown = Math.min(events.length, extent.events);
  return 1 + (act === undefined ? 0 : told ? 2 : 1) + 2 * table + zones + (shown > 0 ? air + table + shown : 0);
}

function topSpans({ title, time, act }: Panel, { told }: Extent, { glyphs, width }: Pen): Span[][] {
  const now = `${clock(time)} UTC `;
  const lines: Span[][] = [[
    [fit(` ${plainText(title)}`, Math.max(0, width - widthOf(now)), glyphs.cut), "bold"], [now, "dim"],
  ]];
  if (act === undefined) return lines;
  const tint = { "playing": "live", "as told": "good", "NOT AS TOLD": "bad" } as const;
  lines.push([[` Act ${act.no} of ${act.of}  `, "dim"], [plainText(act.name)], ["  "], [act.state, tint[act.state]]]);
  if (told) lines.push([["   told: ", "dim"], [plainText(act.told)]]);
  return lines;
}

function compose(panel: Panel, pictures: readonly ZonePicture[], extent: Extent, pen: Pen): Span[][] {
  const layout = layoutFor(pen.width);
  const blank: Span[][] = extent.airy ? [[]] : [];
  const rule: Span[][] = extent.each > 0 ? [[[pen.glyphs.rule.repeat(pen.width), "dim"]]] : [];
  const zones = pictures.flatMap((picture) => {
    const rows = chosen(picture.rows, extent.each);
    const left = picture.rows.length - rows.length;
    const more: Span[][] = left > 0 && extent.each > 0 ? [[[`   and ${left} more`, "dim"]]] : [];
    return [...blank, headlineSpans(picture, pen), ...rows.map((row) => rowSpans(row, layout, pen)), ...more];
  });
  const last = extent.events === 0 ? [] : panel.events.slice(-extent.events);
  const events = last.map((event): Span[] => [[` ${plainText(event)}`, "dim"]]);
  return [
    ...topSpans(panel, extent, pen), ...rule, ...(extent.each > 0 ? [headSpans(layout, pen.glyphs)] : []), ...zones,
    ...(events.length > 0 ? [...blank, ...rule, ...events] : []),
  ];
}

/** The panel, a line each, without newlines. At most one less than `rows`, where the cursor stands. */
export function panelLines(panel: Panel, { columns, rows, colour, ascii = false }: Size & Style): string[] {
  const glyphs = ascii ? TYPED : DRAWN;
  const pen: Pen = { glyphs, colour, width: Math.max(1, columnsOf({ columns }) - 1) };
  const most = rows === undefined ? Infinity : Math.max(1, rows - 1);
  const pictures = picturesOf(panel);
  const extent = EXTENTS.find((one) => heightOf(panel, pictures, one) <= most) ?? EXTENTS.at(-1)!;
  return compose(panel, pictures, extent, pen).slice(0, most)
    .map((spans) => rendered(spans, pen.width, glyphs.cut, colour));
}

const headlineText = ({ id, state, says, guilty }: ZonePicture): string =>
  `zone ${plainText(id, 48)}: ${STATE_WORDS[state]}${says === "" ? "" : ` ${says}`}${guiltText(guilty)}`;

/** What of a panel was told in plain lines. */
export interface Told {
  readonly act: Act | undefined;
  readonly headlines: readonly string[];
  readonly events: number;
}

export const NOTHING_TOLD: Told = { act: undefined, headlines: [], events: 0 };

/** What is new since `before`, in plain lines: acts, headlines and events; and what is told with them. */
export function newsLines(before: Told, panel: Panel): { readonly lines: string[]; readonly told: Told } {
  const { act, time, events } = panel;
  const headlines = picturesOf(panel).map(headlineText);
  const begins = act !== undefined && act.no !== before.act?.no;
  const ended = act !== undefined && act.state !== "playing" && (begins || act.state !== before.act?.state);
  const lines = [
    ...(begins ? [`Act ${act.no} of ${act.of}: ${plainText(act.name)}`, `  told: ${plainText(act.told)}`] : []),
    ...headlines.filter((text) => !before.headlines.includes(text)).map((text) => `${clock(time)} ${text}`),
    ...events.slice(before.events).map((event) => plainText(event)),
    ...(ended ? [`Act ${act.no}: ${act.state}`] : []),
  ];
  return { lines, told: { act, headlines, events: events.length } };
}
