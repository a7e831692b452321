/** Is the log whole, or can it be recovered? Reads it as the agent does at its start, and changes nothing. */
import { nodeCrypto } from "../../adapters/crypto.ts";
import { readLog } from "../../adapters/ledger-read.ts";
import type { LogFound } from "../../adapters/ledger-read.ts";
import { parseCheckpoint } from "../../record/checkpoint.ts";
import { parseNote } from "../../record/note.ts";
import { counted } from "../../plain-text.ts";
import { codeOf, failed, passed, warned } from "./check.ts";
import type { Check } from "./check.ts";

const KEEP_IT = "keep the files as they are for whoever examines them; the agent goes on, and signs nothing";

/** What the checkpoint claims of the log; its signature is for `ledger verify`. */
function contradiction({ checkpoint, checkpointRoot, frontier }: LogFound): string | undefined {
  if (checkpoint === undefined) return undefined;
  const note = parseNote(checkpoint);
  const parsed = note.ok ? parseCheckpoint(note.value.text) : note;
  if (!parsed.ok) return `its checkpoint is malformed: ${parsed.problem}`;
  const { size, root } = parsed.value;
  const has = frontier.size;
  if (size > has) return `it has ${has} entries, and its checkpoint attests ${size}: some were lost`;
  const same = checkpointRoot?.every((byte, i) => byte === root[i]) ?? false;
  return same ? undefined : `its first ${size} entries are not those that its checkpoint attests`;
}

/** `isRunning`: an agent writes to it meanwhile, so that a batch may be half there. */
export function checkLog(stateDir: string, isRunning: boolean): Check {
  try {
    const found = readLog(stateDir, nodeCrypto());
    const wrong = found.damage ?? contradiction(found);
    if (wrong !== undefined) return failed("log", `the log in ${stateDir} is not whole: ${wrong}`, KEEP_IT);
    const entries = found.frontier.size;
    const has = counted(entries, "entry", "entries");
    if (found.tornBytes > 0 && !isRunning) {
      return warned("log", `${has}, and ${found.tornBytes} bytes of a write that a crash cut short`,
        "nothing: the agent cuts them off at its next start, and nothing acknowledged is lost");
    }
    return passed("log", entries === 0 ? "no entries yet" : `${has}, whole`);
  } catch (error) {
    return failed("log", `the log in ${stateDir} cannot be read (${codeOf(error)})`, "run doctor as the agent's user");
  }
}
