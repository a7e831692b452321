/** Keys, member files and the roster, made by the product's own commands, as an operator would. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AGENT_FILE, runFile } from "./agent-process.ts";
import { demand } from "./street-learning.ts";

export interface Enrolled {
  /** The operator's public key, as agents' configurations take it. */
  readonly operator: string;
  readonly roster: string;
  /** The file of the operator's own key. */
  readonly key: string;
}

const membersIn = (folder: string): string => join(folder, "members");

async function kerbwatch(words: readonly string[], signal: AbortSignal): Promise<string> {
  return demand(`kerbwatch ${words.slice(0, 2).join(" ")}`, await runFile(AGENT_FILE, words, { signal })).out;
}

export interface Device {
  readonly id: string;
  /** Its state directory. */
  readonly state: string;
  /** Where its neighbours dial it, `host:port`. */
  readonly address: string;
}

/** A device's keys, made on the device; the member file goes to the operator. */
export async function enrol({ id, state, address }: Device, folder: string, signal: AbortSignal): Promise<void> {
  mkdirSync(membersIn(folder), { recursive: true });
  await kerbwatch([
    "keygen", "--state", state, "--station", id, "--advertise", address,
    "--member", join(membersIn(folder), `${id}.member.json`),
  ], signal);
}

export interface RosterWish {
  /** With the member files; everything that is made lies there afterwards. */
  readonly folder: string;
  /** The region file's text. */
  readonly region: string;
  readonly epochS: number;
}

/** The operator's key and a roster of all members of `folder`, signed, and verified as an agent would. */
export async function signedRoster({ folder, region, epochS }: RosterWish, signal: AbortSignal): Promise<Enrolled> {
  const at = (name: string): string => join(folder, name);
  const [key, operators, regionAt] = [at("alice.key"), at("operators.json"), at("region.json")];
  const [unsigned, roster] = [at("roster.kwu"), at("roster.kw")];
  const printed = await kerbwatch(["keygen", "--operator", key, "--json"], signal);
  const operator = (JSON.parse(printed) as { publicKey: string }).publicKey;
  writeFileSync(operators, JSON.stringify({ threshold: 1, keys: [operator] }));
  writeFileSync(regionAt, region);
  await kerbwatch([
    "roster", "create", "--region", regionAt, "--members", membersIn(folder), "--operators", operators,
    "--epoch", `${epochS}`, "--out", unsigned,
  ], signal);
  await kerbwatch(["roster", "sign", unsigned, "--key", key], signal);
  await kerbwatch(["roster", "verify", roster, "--operators", operators], signal);
  return { operator, roster, key };
}
