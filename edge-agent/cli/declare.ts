/** `kerbwatch declare`: what an operator foresees, signed offline, and brought to an agent. */
import { MAX_WORD_BYTES, signWord, type WordKind } from "../../gossip/word.ts";
import { askAgent } from "../adapters/agent-client.ts";
import { readSmallFile } from "../adapters/roster-file.ts";
import { CHANGES, declaredOf } from "../alert/declared.ts";
import { plainText, shown } from "../plain-text.ts";
import { declaredText } from "../words.ts";
import { type Command, type Io, oneOf, parseOptions, UsageError } from "./command.ts";
import { must, written } from "./roster/files.ts";
import { readKeyOption } from "./roster/sign.ts";
import { STATE_HELP, STATE_OPTIONS, stateDirOf } from "./state-dir.ts";

const TIME_OUT_MS = 5_000;
const SIGNED = {
  key: { type: "string", required: true, value: "FILE" },
  region: { type: "string", required: true, value: "NAME" },
  name: { type: "string", value: "NAME" },
  out: { type: "string", required: true, value: "FILE" },
} as const;
const CREATE = {
  ...SIGNED,
  changes: { type: "string", multiple: true, required: true, value: CHANGES.join("|") },
  stations: { type: "string", multiple: true, value: "STATION..." },
  from: { type: "string", required: true, value: "TIME" },
  to: { type: "string", required: true, value: "TIME" },
  reason: { type: "string", required: true, value: "TEXT" },
} as const;

interface By {
  readonly key: string;
  readonly region: string;
  readonly name: string | undefined;
  readonly out: string;
}

/** Signs and writes; what is printed ends with the way on. */
function say({ key, region, name, out }: By, kind: WordKind, body: Readonly<Record<string, unknown>>, io: Io): number {
  const { label, signer, warning } = readKeyOption(key);
  if (warning !== undefined) io.err(`kerbwatch: ${warning}\n`);
  const atS = Math.floor(Date.now() / 1000);
  let file: Uint8Array;
  try {
    file = signWord(region, name ?? label, { kind, atS, body }, signer);
  } catch (error) {
    throw new UsageError(`${kind}: ${(error as Error).message}; allowed: fewer stations, a shorter reason`);
  }
  if (!written(out, file, io.err)) return 1;
  io.out(`written   ${out}, signed as ${name ?? label}\n`
    + `next      kerbwatch declare send ${out} --config FILE, at each agent, or on its page\n`);
  return 0;
}

async function create(args: readonly string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, CREATE);
  const { changes, stations, from, to, reason } = options;
  const body = {
    changes: changes.flatMap((some) => some.split(",")), from, to, reason, ...(stations.length > 0 && { stations }),
  };
  const declared = must(declaredOf({ by: options.name ?? "the key's own name", word: "", body }), "declare");
  io.out(`declares  ${declaredText(declared)}\n`);
  return say(options, "declare", body, io);
}

async function withdraw(args: readonly string[], io: Io): Promise<number> {
  const { options, positionals } = parseOptions(args, SIGNED, { max: 1, what: "the name of a declaration" });
  const [word] = positionals;
  if (word === undefined || !/^[0-9a-f]{64}$/.test(word)) {
    throw new UsageError(`${shown(word)}: not a declaration's name; allowed: 64 hexadecimal digits (status --json)`);
  }
  return say(options, "withdraw", { word }, io);
}

async function send(args: readonly string[], io: Io): Promise<number> {
  const { options, positionals } = parseOptions(args, STATE_OPTIONS, { max: 1, what: "one file" });
  const [path] = positionals;
  if (path === undefined) throw new UsageError("found no file; allowed: what `declare create` or `withdraw` wrote");
  const file = must(readSmallFile(path, MAX_WORD_BYTES), "file");
  const stateDir = await stateDirOf(options, io);
  const word = Buffer.from(file).toString("base64");
  const answered = await askAgent(stateDir, "/word", { word }, TIME_OUT_MS);
  if (answered.kind === "answer" && answered.code === 200) {
    io.out(`taken: ${plainText(String(answered.body["says"]), 400)}; it is in the log\n`);
    return 0;
  }
  const why = answered.kind === "answer" ? String(answered.body["error"]) : answered.kind === "problem" ? answered.why
    : `no agent is running on this state directory (${stateDir})`;
  io.err(`kerbwatch: ${plainText(why, 400)}\n`);
  return 1;
}

const HELP = `
Usage: kerbwatch declare create   --changes KIND... --from TIME --to TIME
                                  --reason TEXT [--stations STATION...]
                                  --region NAME --key FILE --out FILE
       kerbwatch declare withdraw WORD --region NAME --key FILE --out FILE
       kerbwatch declare send     FILE [--state DIR | --config FILE]

Says beforehand what will be done, so that no alert comes of it: signed by
somebody whom the roster lists with the role operator (a lone agent: one of the
operators of its configuration), on any machine, and brought to each agent by
file or on its page. While the window lasts, alerts that such a change explains
are held: they are in the log, the digest, status and page, and ring no bell.
Everything else is told as ever, theft among it, and so is what goes on after
the window. Nothing holds for more than seven days.

  --changes    firmware: orders to update, and new versions
               configuration: settings
               reboot: lost links, and resets
               set-points: charging limits
               certificate: of the CSMS, renewed or of another machine
  --from, --to RFC 3339, UTC: 2026-03-01T22:00:00Z
  --stations   only there (default: wherever the signer's word counts)
  --region     the roster's name, or the lone agent's region
  --key FILE   as "keygen --operator" makes it
  --name NAME  the signer's name in the roster (default: the key's own)
  --out FILE   where to write
${STATE_HELP}

Example
  kerbwatch declare create --changes firmware reboot --from 2026-03-01T22:00:00Z
    --to 2026-03-02T02:00:00Z --reason "quarterly update" --region town
    --key alice.key --out update.word
  kerbwatch declare send update.word --config kerbwatch.yaml

Exit codes: 0 done, 1 not taken, or no agent is running there, 2 wrong usage.
`;

const run = oneOf("declare", { create, withdraw, send });

export const declare: Command = {
  name: "declare", summary: "signed maintenance windows: what is foreseen raises no alarm", help: HELP, run,
};
