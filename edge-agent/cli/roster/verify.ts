/** `kerbwatch roster verify`: whether an agent with these operators would believe a roster. */
import { hex } from "../../../gossip/bytes.ts";
import { chainProblem, verifyRosterFile } from "../../../gossip/roster-file.ts";
import { nodeCrypto } from "../../adapters/crypto.ts";
import { readRosterFile } from "../../adapters/roster-file.ts";
import { plainText } from "../../plain-text.ts";
import { type Io, parseOptions } from "../command.ts";
import { must, nameOf, readOperatorsOption, readRoster } from "./files.ts";
import { ONE_FILE, onlyFile } from "./only-file.ts";

const OPTIONS = {
  operators: { type: "string", required: true, value: "FILE" },
  previous: { type: "string", value: "FILE" },
  json: { type: "boolean" },
} as const;

/** What was found; the JSON output. */
interface Report {
  readonly version: 1;
  readonly ok: boolean;
  readonly problem?: string;
  readonly network?: string;
  readonly rosterVersion?: number;
  readonly hash?: string;
  readonly signedBy?: readonly string[];
  readonly threshold: number;
}

function asText(report: Report): string {
  if (!report.ok) return `NOT GOOD\n  ${report.problem ?? ""}\n`;
  return `Good: version ${report.rosterVersion} of ${report.network}, signed by ${report.signedBy?.join(" and ")} `
    + `(${report.threshold} needed).\nhash      ${report.hash}\n`;
}

export async function verify(args: readonly string[], io: Io): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS, ONE_FILE);
  const crypto = nodeCrypto();
  const file = must(readRosterFile(onlyFile(positionals)), "roster");
  const operators = readOperatorsOption(crypto, options.operators);
  const previous = options.previous === undefined ? undefined : readRoster(crypto, options.previous, "--previous");
  const verified = verifyRosterFile(crypto, file, operators);
  const problem = verified.ok ? previous && chainProblem(previous, verified.value.roster) : verified.problem;
  const report: Report = {
    version: 1, ok: problem === undefined, ...(problem !== undefined && { problem: plainText(problem) }),
    ...(verified.ok && {
      network: verified.value.roster.network, rosterVersion: verified.value.roster.version,
      hash: hex(verified.value.hash), signedBy: verified.value.signedBy.map((key) => nameOf(operators, key)),
    }),
    threshold: operators.threshold,
  };
  io.out(options.json ? `${JSON.stringify(report)}\n` : asText(report));
  return report.ok ? 0 : 1;
}
