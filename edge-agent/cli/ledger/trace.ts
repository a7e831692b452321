/** `kerbwatch ledger trace`: the frames that the log holds as evidence, as Open OCPP Trace for others' tools. */
import { nodeCrypto } from "../../adapters/crypto.ts";
import { errorCode } from "../../adapters/durable-file.ts";
import { findIncidents, readFrames, readStory } from "../../adapters/incident-log.ts";
import { TraceFile } from "../../adapters/trace-file.ts";
import type { EvidenceFrame } from "../../explain-text.ts";
import { parseRfc3339 } from "../../observe/time-stamp.ts";
import { counted, shown } from "../../plain-text.ts";
import type { Direction } from "../../../models/terms.ts";
import type { WallMs } from "../../../models/units.ts";
import { type Io, parseOptions, UsageError } from "../command.ts";
import { STATE_OPTIONS, stateDirOf } from "../state-dir.ts";
import { onlyIncident } from "./export.ts";

const OPTIONS = {
  ...STATE_OPTIONS, out: { type: "string", required: true, value: "FILE" }, incident: { type: "string", value: "ID" },
} as const;

type Take = (frame: EvidenceFrame) => void;

/** The station whose log it is; undefined where no incident is in it. Throws UsageError, and the system's error. */
function eachFrame(stateDir: string, incident: string | undefined, take: Take): string | undefined {
  const crypto = nodeCrypto();
  if (incident === undefined) return readFrames(stateDir, crypto, take);
  const id = onlyIncident(stateDir, crypto, incident.toLowerCase());
  const summary = id === undefined ? undefined
    : findIncidents(stateDir, crypto, id).incidents.find(({ incidentId }) => incidentId === id);
  if (summary === undefined) throw new UsageError(`--incident: found ${shown(incident)}; allowed: one in the log`);
  readStory(stateDir, crypto, summary).frames.forEach(take);
  return summary.last.agent;
}

export async function exportTrace(args: readonly string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, OPTIONS);
  const stateDir = await stateDirOf(options, io);
  try {
    const frames: EvidenceFrame[] = [];
    const station = eachFrame(stateDir, options.incident, (frame) => void frames.push(frame));
    if (station === undefined || frames.length === 0) {
      io.err(`kerbwatch: the log in ${stateDir} holds no frames\n`);
      return 1;
    }
    const file = new TraceFile(options.out);
    for (const { time, direction, text, hash } of frames) {
      file.frame({ at: parseRfc3339(time) ?? 0 as WallMs, station, direction: direction as Direction, text,
        entry: hash });
    }
    file.close();
    io.out(`${options.out}: ${counted(file.written, "frame", "frames")}`
      + `${file.leftOut === 0 ? "" : `, ${file.leftOut} that were cut or no message left out`}\n`);
    return file.written > 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    io.err(`kerbwatch: ${stateDir} cannot be read, or ${options.out} not be written (${errorCode(error)})\n`);
    return 1;
  }
}
