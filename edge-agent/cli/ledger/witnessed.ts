/** `kerbwatch ledger witnessed`: what this device cosigned of a neighbour's log, for when that neighbour's key goes. */
import type { StationId, WallMs } from "../../../models/units.ts";
import { ID_RULE, isStationId, rfc3339 } from "../../../models/units.ts";
import { nodeCrypto } from "../../adapters/crypto.ts";
import { errorCode } from "../../adapters/durable-file.ts";
import { readLog } from "../../adapters/ledger-read.ts";
import { refuse } from "../../refuse.ts";
import { originOf } from "../../record/checkpoint.ts";
import { decodeEntry } from "../../record/entry.ts";
import { type Io, parseOptions } from "../command.ts";
import { STATE_OPTIONS, stateDirOf } from "../state-dir.ts";

const OPTIONS = { ...STATE_OPTIONS, before: { type: "string", value: "TIME" } } as const;

function timeOf(text: string | undefined): WallMs {
  if (text === undefined) return Infinity as WallMs;
  const at = /T.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? refuse("--before", text, "a time like 2026-03-01T17:00:00.000Z") : at as WallMs;
}

/** Neighbours do not cosign at the same moments: of several, some are the same. */
const MOST_NOTES = 16;

/** The newest that were cosigned before a time; each with the log's own line and the witness's. */
function cosignedBefore(stateDir: string, station: StationId, before: WallMs): string[] {
  const begin = `${originOf(station)}\n`;
  const notes: string[] = [];
  readLog(stateDir, nodeCrypto(), ({ entry: bytes }) => {
    const decoded = decodeEntry(bytes);
    if (!decoded.ok || decoded.value.kind !== "witness" || decoded.value.at >= before) return;
    const { note, cosignature } = decoded.value;
    if (note.startsWith(begin)) notes.push(`${note}${cosignature}\n`);
    if (notes.length > MOST_NOTES) notes.shift();
  });
  return notes;
}

export async function witnessed(args: readonly string[], io: Io): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS, { max: 1, what: "one station" });
  const [station = ""] = positionals;
  if (!isStationId(station)) refuse("station", station, ID_RULE);
  const before = timeOf(options.before);
  const stateDir = await stateDirOf(options, io);
  try {
    const notes = cosignedBefore(stateDir, station, before);
    if (notes.length === 0) {
      const when = options.before === undefined ? "" : ` before ${rfc3339(before)}`;
      io.err(`kerbwatch: the log in ${stateDir} holds no checkpoint of ${station} that was cosigned here${when}\n`);
      return 1;
    }
    io.out(notes.join(""));
    return 0;
  } catch (error) {
    io.err(`kerbwatch: the log in ${stateDir} cannot be read (${errorCode(error)})\n`);
    return 1;
  }
}
