/** Keys, member files and the roster, made by the product's own commands, as an operator would. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AGENT_FILE, runFile } from "./agent-process.ts";
import type { House } from "./street-house.ts";
import { demand } from "./street-learning.ts";
import { PLOTS, regionFile } from "./street-plan.ts";

export interface Enrolled {
  /** The operator's public key, as agents' configurations take it. */
  readonly operator: string;
  readonly roster: string;
}

const membersIn = (folder: string): string => join(folder, "members");

async function kerbwatch(words: readonly string[], signal: AbortSignal): Promise<string> {
  return demand(`kerbwatch ${words.slice(0, 2).join(" ")}`, await runFile(AGENT_FILE, words, { signal })).out;
}

/** A device's keys, made on the device; the member file goes to the operator. */
export async function enrol(house: House, folder: string, signal: AbortSignal): Promise<void> {
  mkdirSync(membersIn(folder), { recursive: true });
  await kerbwatch([
    "keygen", "--state", house.state, "--station", house.id, "--advertise", house.relay.address,
    "--member", join(membersIn(folder), `${house.id}.member.json`),
  ], signal);
}

/** The operator's key and a roster of all members of `folder`, signed, and verified as an agent would. */
export async function signedRoster(
  folder: string, timezone: string, epochS: number, signal: AbortSignal,
): Promise<Enrolled> {
  const [key, operators, region] = ["alice.key", "operators.json", "region.json"].map((name) => join(folder, name));
  const [unsigned, roster] = [join(folder, "roster.kwu"), join(folder, "roster.kw")];
  const printed = await kerbwatch(["keygen", "--operator", key!, "--json"], signal);
  const operator = (JSON.parse(printed) as { publicKey: string }).publicKey;
  writeFileSync(operators!, JSON.stringify({ threshold: 1, keys: [operator] }));
  writeFileSync(region!, regionFile(PLOTS, timezone));
  await kerbwatch([
    "roster", "create", "--region", region!, "--members", membersIn(folder), "--operators", operators!,
    "--epoch", `${epochS}`, "--out", unsigned,
  ], signal);
  await kerbwatch(["roster", "sign", unsigned, "--key", key!], signal);
  await kerbwatch(["roster", "verify", roster, "--operators", operators!], signal);
  return { operator, roster };
}
