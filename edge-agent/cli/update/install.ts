/** `kerbwatch update check` and `update install`: whether a release may run here, and putting it there for a trial. */
import { nodeCrypto } from "../../adapters/crypto.ts";
import { releaseFolder } from "../../adapters/release-folder.ts";
import { fetchPart } from "../../adapters/release-source.ts";
import { install as put, programIn } from "../../update/install.ts";
import { PROGRAM_FILE } from "../../update/manifest.ts";
import { type Io, parseOptions, type Positionals, UsageError } from "../command.ts";
import { boardOf, CONFIG_OPTION, type Offer, offerAt, offerText } from "./source.ts";

const SOURCE: Positionals = { max: 1, what: "the release's file or its URL", files: true };

function sourceIn([source]: readonly string[]): string {
  if (source !== undefined) return source;
  throw new UsageError("found no release; allowed: the path or URL of the file that `update sign` wrote");
}

const nowS = (): number => Math.floor(Date.now() / 1000);

function failed(io: Io, why: string): number {
  io.err(`kerbwatch: ${why}\n`);
  return 1;
}

/** What stands in the way, in words; undefined when nothing does. */
function obstacle({ refused, itsTurn }: Offer, isForced: boolean): string | undefined {
  if (refused !== undefined) return `not for this board: ${refused}`;
  return itsTurn || isForced ? undefined : "not yet: it goes to a few stations first, and this is not one of them";
}

export async function check(args: readonly string[], io: Io): Promise<number> {
  const { options, positionals } = parseOptions(args, CONFIG_OPTION, SOURCE);
  const offer = await offerAt(sourceIn(positionals), boardOf(options.config, io), nowS());
  if (!offer.ok) return failed(io, offer.problem);
  io.out(offerText(offer.value));
  const hindrance = obstacle(offer.value, false);
  io.out(`here      ${hindrance ?? "may be installed"}\n`);
  return offer.value.refused === undefined ? 0 : 1;
}

export async function install(args: readonly string[], io: Io): Promise<number> {
  const { options, positionals } = parseOptions(args, { ...CONFIG_OPTION, now: { type: "boolean" } }, SOURCE);
  const source = sourceIn(positionals);
  const board = boardOf(options.config, io);
  const offer = await offerAt(source, board, nowS());
  if (!offer.ok) return failed(io, offer.problem);
  const { verified, manifest, signedBy, refused } = offer.value;
  const hindrance = obstacle(offer.value, options.now);
  if (hindrance !== undefined) {
    io.out(`${offerText(offer.value)}here      ${hindrance}\n`);
    return refused === undefined ? 0 : 1;
  }
  const { bytes } = programIn(verified);
  const program = await fetchPart(source, PROGRAM_FILE, bytes);
  if (!program.ok) return failed(io, program.problem);
  const folder = releaseFolder(board.config.stateDir);
  const done = put(folder, nodeCrypto(), { manifest, verified, program: program.value, signedBy });
  if (!done.ok) return failed(io, done.problem);
  io.out(`${offerText(offer.value)}installed for a trial: the agent takes it when no car charges, keeps it once the\n`
    + "log is open, neighbours are reached and frames pass both ways, and otherwise goes back.\n");
  return 0;
}
