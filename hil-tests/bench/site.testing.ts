/** A zone over a site's Mosquitto, set up by the commands that the help teaches: keys, a signed roster, the broker. */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Mosquitto, RUN_AS_ROOT } from "../../edge-agent/adapters/mosquitto.testing.ts";
import { ran } from "../../edge-agent/cli/io.testing.ts";
import type { StationId } from "../../models/units.ts";
import { freePort } from "./street-ports.ts";

export const HOST = "127.0.0.1";

export interface Site {
  readonly folder: string;
  readonly port: number;
  /** The operator's public key. */
  readonly operator: string;
  readonly start: () => Promise<Mosquitto>;
}

export interface SiteOptions {
  readonly host?: string;
  readonly f?: number;
  readonly epochS?: number;
}

async function done(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await ran(args);
  if (code !== 0) throw new Error(err);
  return out;
}

/** Keys on each device, a signed roster, and the broker's files. `addresses`: of embedded brokers. */
export async function enrol(
  folder: string, stations: readonly StationId[], addresses: Readonly<Record<string, string>>,
  { host = HOST, f = 1, epochS = 1 }: SiteOptions = {},
): Promise<Site> {
  const at = (name: string): string => join(folder, name);
  const printed = await done("keygen", "--operator", at("alice.key"), "--json");
  const { publicKey: operator } = JSON.parse(printed) as { publicKey: string };
  writeFileSync(at("operators.json"), JSON.stringify({ threshold: 1, keys: [operator] }));
  mkdirSync(at("members"));
  for (const station of stations) {
    const advertise = addresses[station] === undefined ? [] : ["--advertise", addresses[station]];
    await done("keygen", "--state", at(station), "--station", station, ...advertise,
      "--member", at(`members/${station}.member.json`));
  }
  writeFileSync(at("region.json"), JSON.stringify({ version: 1, region: "town", zones: [{
    id: "street", liarsTolerated: f, stations: stations.map((id) => ({ id, ratedW: 22_000 })),
  }] }));
  const [members, operators] = [["--members", at("members")], ["--operators", at("operators.json")]];
  await done("roster", "create", "--region", at("region.json"), ...members!, ...operators!, "--epoch", `${epochS}`,
    "--out", at("roster.kwu"));
  await done("roster", "sign", at("roster.kwu"), "--key", at("alice.key"));
  const port = await freePort();
  await done("roster", "mosquitto", at("roster.kw"), ...members!, ...operators!, "--out", at("site"), "--host", host,
    "--listen", `${host}:${port}`);
  const conf = at("site/mosquitto.conf");
  appendFileSync(conf, ["", ...RUN_AS_ROOT, "log_type information", ""].join("\n"));
  return { folder, port, operator, start: () => Mosquitto.start(conf) };
}
