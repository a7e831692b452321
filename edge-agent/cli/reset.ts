/** `kerbwatch reset`: a device leaves its street, and its past is erased once neighbours know where it ended. */
import { setTimeout as pause } from "node:timers/promises";
import { type Answered, askAgent } from "../adapters/agent-client.ts";
import { systemClock } from "../adapters/clock.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { errorCode } from "../adapters/durable-file.ts";
import { proveEntry } from "../adapters/evidence-read.ts";
import { beginErasing, goOnErasing, isErasing, lastEntry } from "../adapters/factory-reset.ts";
import { readKey } from "../adapters/keys.ts";
import { openLedger } from "../adapters/ledger-file.ts";
import { checkpointPath, claimedSize, cosignedPath, readNote } from "../adapters/ledger-read.ts";
import { LockHeldError } from "../adapters/lock-file.ts";
import { writePublicFile } from "../adapters/roster-file.ts";
import { plainText } from "../plain-text.ts";
import { parseCheckpoint } from "../record/checkpoint.ts";
import { encodeEntry } from "../record/entry.ts";
import { parseNote } from "../record/note.ts";
import { appendEntries, checkpoint, createRecord } from "../record/record.ts";
import type { Command, Io } from "./command.ts";
import { parseOptions, UsageError } from "./command.ts";
import { tlogProof } from "./ledger/prove.ts";
import { STATE_HELP, STATE_OPTIONS, stateDirOf } from "./state-dir.ts";
import { whoAmI } from "./who.ts";

const TIME_OUT_MS = 5_000;
/** A checkpoint is signed once a minute and cosigned two epochs later. */
const COSIGNED_WITHIN_MS = 180_000;
const ENDED_WITHIN_MS = 30_000;
const LOOK_MS = 500;

const OPTIONS = {
  ...STATE_OPTIONS, factory: { type: "boolean" }, receipt: { type: "string", required: true, value: "FILE" },
  reason: { type: "string", required: true, value: "TEXT" }, by: { type: "string", value: "NAME" },
  now: { type: "boolean" },
} as const;

/** Says why in words; never leaves this file. */
class Failed extends Error {}

interface Asked {
  readonly stateDir: string;
  readonly by: string;
  readonly reason: string;
  readonly now: boolean;
}

const whyNot = (answered: Answered): string => (answered.kind === "answer" ? String(answered.body["error"])
  : answered.kind === "problem" ? answered.why : "no agent is running");

/** Waits until `holds` says something; undefined when it did not in time. */
async function within<T>(ms: number, holds: () => Promise<T | undefined>): Promise<T | undefined> {
  for (const end = performance.now() + ms; performance.now() < end; await pause(LOOK_MS)) {
    const found = await holds();
    if (found !== undefined) return found;
  }
  return undefined;
}

/** How many neighbours cosigned the log up to there; undefined as long as too few have. */
async function cosignedBy(stateDir: string, size: number): Promise<number | undefined> {
  const note = readNote(cosignedPath(stateDir), nodeCrypto());
  const parsed = parseNote(note ?? "");
  return parsed.ok && (claimedSize(note) ?? 0) >= size ? parsed.value.signatures.length - 1 : undefined;
}

/** The last entry of an agent that runs, cosigned; how many entries there are, and by how many it was. */
async function leave({ stateDir, by, reason, now }: Asked, io: Io): Promise<{ size: number; by: number } | undefined> {
  const answered = await askAgent(stateDir, "/reset", { by, reason, now }, TIME_OUT_MS);
  if (answered.kind === "none" && !now) {
    throw new Failed("no agent is running, so no neighbour would learn of it; start it, or --now");
  }
  if (answered.kind === "none") return undefined;
  if (answered.kind !== "answer" || answered.code !== 200) throw new Failed(whyNot(answered));
  const size = Number(answered.body["size"]);
  io.err("kerbwatch: logged; waits for neighbours to cosign it\n");
  const cosigners = answered.body["witnesses"] === 0 ? 0
    : await within(COSIGNED_WITHIN_MS, () => cosignedBy(stateDir, size));
  if (cosigners === undefined && !now) {
    throw new Failed(`too few neighbours cosigned it within ${COSIGNED_WITHIN_MS / 1_000} s; nothing is erased, and `
      + "the agent goes on; again when they are there, or --now");
  }
  return { size, by: cosigners ?? 0 };
}

/** The last entry of an agent that does not run. */
function logAlone({ stateDir, by, reason }: Asked): number {
  const crypto = nodeCrypto();
  const signer = readKey(stateDir, "log");
  const note = parseNote(readNote(checkpointPath(stateDir), crypto) ?? "");
  const parsed = note.ok ? parseCheckpoint(note.value.text) : note;
  if (signer === undefined || !parsed.ok) throw new Failed(`there is no log of this device's in ${stateDir}`);
  const { store, recovered } = openLedger(stateDir, crypto);
  try {
    const record = createRecord({ origin: parsed.value.origin, crypto, signer, recovered });
    const entry = encodeEntry({ kind: "notice", at: systemClock.wallMs(), text: lastEntry(by, reason) });
    appendEntries(record, [entry]);
    store.append([entry]);
    for (const effect of checkpoint(record)) if (effect.kind === "checkpoint") store.writeCheckpoint(effect.note);
    return record.frontier.size;
  } finally {
    store.close();
  }
}

/** Its agent ends, and whoever comes first erases: this command, or the agent when it is started again. */
async function erase(stateDir: string): Promise<void> {
  beginErasing(stateDir);
  await askAgent(stateDir, "/reset/end", {}, TIME_OUT_MS);
  const done = await within(ENDED_WITHIN_MS, async () => {
    try {
      goOnErasing(stateDir);
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw error;
    }
    return isErasing(stateDir) ? undefined : true;
  });
  if (done === undefined) throw new Failed("the agent does not end: stop it; at its next start its past is erased");
}

async function run(args: string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, OPTIONS);
  if (!options.factory) throw new UsageError("--factory: missing; allowed: --factory, which erases this device's past");
  const stateDir = await stateDirOf(options, io);
  const { reason, now, receipt } = options;
  const asked: Asked = { stateDir, by: options.by ?? whoAmI(io.env), reason, now };
  try {
    const left = await leave(asked, io);
    const size = left?.size ?? logAlone(asked);
    const proven = proveEntry(stateDir, nodeCrypto(), String(size - 1));
    if (!proven.ok) throw new Failed(proven.problem);
    writePublicFile(receipt, tlogProof(proven.value));
    await erase(stateDir);
    io.out(`erased    keys, log and what was learned in ${stateDir}\n`
      + `receipt   ${receipt}: the log's last entry, ${size - 1}, ${left === undefined || left.by === 0
        ? "signed by this device alone" : `cosigned by ${left.by} neighbours`}\n`
      + "next      the operator takes the station out: roster create --previous roster.kw --last "
      + `${receipt}\n`
      + "way back  keygen makes new keys at the next start; enrol them as a new member (roster --help)\n");
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const why = error instanceof Failed ? error.message : `${(error as Error).message} (${errorCode(error)})`;
    io.err(`kerbwatch: ${plainText(why, 400)}\n`);
    return 1;
  }
}

export const reset: Command = {
  name: "reset",
  summary: "erases this device's keys and past, after neighbours know",
  help: `
Usage: kerbwatch reset --factory --receipt FILE --reason TEXT [--by NAME]
                       [--now] [--state DIR | --config FILE]

For a board that is given away or begins anew. A last entry is logged and
cosigned by neighbours first, so that nothing can be signed with these keys
later and be taken for this device's. Then the agent ends, and its keys, its log
and what it learned are erased. Not while a car charges.

  --receipt FILE  where a proof of that last entry is written, with neighbours'
                  signatures: the operator revokes the keys with it
  --reason TEXT   why; it is in the last entry
  --by NAME       who (default: the user at this console)
  --now           although a car charges, too few neighbours cosign, or no agent
                  is running to tell them
${STATE_HELP}

There is a way back as a new member: the agent makes new keys when it is started
next, and the operator enrols them ("kerbwatch roster --help"). What flash has
written once may be read from it with tools for a while.

Example
  kerbwatch reset --factory --receipt CP-001.reset --reason "sold"

Exit codes: 0 erased; 1 nothing erased, and why; 2 wrong usage.
`,
  run,
};
