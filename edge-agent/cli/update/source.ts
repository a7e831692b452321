/** What the commands of an agent's updates have in common: its configuration, and a release that was fetched. */
import { isItsTurn, MAX_MANIFEST_BYTES, refusal, type VerifiedRelease, verifyRelease } from "../../update/manifest.ts";
import { readPointer } from "../../update/install.ts";
import type { Config } from "../../config.ts";
import { loadConfig } from "../../adapters/config-file.ts";
import { nodeCrypto } from "../../adapters/crypto.ts";
import { releaseFolder } from "../../adapters/release-folder.ts";
import { fetchPart } from "../../adapters/release-source.ts";
import { type NamedOperators, readOperators } from "../../operators.ts";
import { RELEASED } from "../../version.ts";
import { hex } from "../../../gossip/bytes.ts";
import { problem, type Result, ok } from "../../../models/result.ts";
import { type Io, type OptionSpec, UsageError } from "../command.ts";
import { nameOf } from "../roster/files.ts";

export const CONFIG_OPTION = {
  config: { type: "string", required: true, value: "FILE" },
} as const satisfies Record<string, OptionSpec>;

export interface Board {
  readonly config: Config;
  readonly operators: NamedOperators;
}

/** The agent's configuration, with the operators that it trusts. */
export function boardOf(file: string, io: Io): Board {
  const config = loadConfig(file, io.env);
  if (config.operators === undefined) {
    throw new UsageError(`${file}: operators: missing; allowed: threshold and keys of those who sign releases`);
  }
  const operators = readOperators(nodeCrypto(), config.operators.threshold, config.operators.keys);
  if (!operators.ok) throw new UsageError(`${file}: operators.${operators.problem}`);
  return { config, operators: operators.value };
}

export interface Offer {
  readonly manifest: Uint8Array;
  readonly verified: VerifiedRelease;
  readonly signedBy: readonly string[];
  /** Why it may not be installed here at all; undefined when it may. */
  readonly refused: string | undefined;
  /** Whether this station is among those that may have it already. */
  readonly itsTurn: boolean;
}

/** Fetches and checks a release's manifest. */
export async function offerAt(source: string, { config, operators }: Board, nowS: number): Promise<Result<Offer>> {
  const fetched = await fetchPart(source, undefined, MAX_MANIFEST_BYTES);
  if (!fetched.ok) return fetched;
  const crypto = nodeCrypto();
  const verified = verifyRelease(crypto, fetched.value, operators);
  if (!verified.ok) return problem(`${source}: ${verified.problem}`);
  // Whether a release has expired cannot be told by a clock that was never set.
  if (nowS * 1000 < Date.parse(RELEASED)) return problem("this board's clock was never set: set it first");
  const { newest } = readPointer(releaseFolder(config.stateDir));
  return ok({
    manifest: fetched.value, verified: verified.value,
    signedBy: verified.value.signedBy.map((key) => nameOf(operators, key)),
    refused: refusal(verified.value.release, newest, nowS),
    itsTurn: isItsTurn(crypto, verified.value, config.station, nowS),
  });
}

export const offerText = ({ verified: { release, hash }, signedBy }: Offer): string =>
  `Release ${release.sequence} (${release.name}), signed by ${signedBy.join(" and ")}.\n`
  + `hash      ${hex(hash)}\n`
  + `expires   ${new Date(release.expiresS * 1000).toISOString()}\n`;
