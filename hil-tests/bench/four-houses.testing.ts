/** Neighbours under one roster, for tests: their folders and keys, and the configurations of their agents. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeCrypto, signerFromSeed, systemRandom } from "../../edge-agent/adapters/crypto.ts";
import { ifThere } from "../../edge-agent/adapters/durable-file.ts";
import { loadConfig } from "../../edge-agent/adapters/config-file.ts";
import { type DeviceKeys, loadOrCreateKeys } from "../../edge-agent/adapters/keys.ts";
import { type AgentOutput, type RunningAgent, startAgent } from "../../edge-agent/agent.ts";
import type { Config } from "../../edge-agent/config.ts";
import { formatOperatorKey } from "../../edge-agent/operators.ts";
import { encodeRoster, type Member, type Roster } from "../../gossip/roster.ts";
import { encodeRosterFile, signRoster } from "../../gossip/roster-file.ts";
import type { Alert } from "../../models/terms.ts";
import type { Epoch, StationId, ZoneId } from "../../models/units.ts";
import { freePort } from "./street-ports.ts";

/** Who signs the roster. */
export const operator = signerFromSeed(new Uint8Array(32).fill(7));

export interface NewHouse {
  readonly station: StationId;
  readonly folder: string;
  readonly keys: DeviceKeys;
  readonly member: Member;
}

export interface Houses {
  readonly folder: string;
  readonly houses: readonly NewHouse[];
  readonly roster: Roster;
  remove(): void;
}

/** A zone of four, of which one may lie, with epochs of a second. */
export const fourHouses = (): Promise<Houses> => housesOf(4, 1, 1);

/** A zone of n, of which f may lie; `host`: where they listen. The last `undialled` have no address. */
export async function housesOf(
  n: number, f: number, epochS: number, host = "127.0.0.1", undialled = 0,
): Promise<Houses> {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-street-"));
  const houses: NewHouse[] = [];
  const digits = String(n).length;
  const stations = Array.from({ length: n }, (_, i) => `CP-${String(i + 1).padStart(digits, "0")}` as StationId);
  for (const [index, station] of stations.entries()) {
    const own = join(folder, station);
    const keys = loadOrCreateKeys(own, systemRandom);
    const { statement, log, witness, tls } = keys.signers;
    houses.push({ station, folder: own, keys, member: {
      station, zone: "street" as ZoneId, address: index < n - undialled ? `${host}:${await freePort()}` : "",
      keys: { statement: statement.publicKey, log: log.publicKey, witness: witness.publicKey, tls: tls.publicKey },
      latE6: 36_720_000 + 200 * index, lonE6: -4_420_000, ratedW: 22_000,
    } });
  }
  const roster: Roster = {
    network: "town", version: 1, previous: new Uint8Array(0), fromEpoch: 0 as Epoch, epochS, threshold: 1,
    operators: [operator.publicKey], zones: [{ id: "street" as ZoneId, ratingW: 100_000, f }],
    members: houses.map(({ member }) => member), revoked: [], events: [],
  };
  writeFileSync(join(folder, "roster.kw"), signed(roster));
  return { folder, houses, roster, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The file of a roster, signed by the operator of the street. */
export function signed(roster: Roster): Uint8Array {
  const bytes = encodeRoster(roster);
  return encodeRosterFile({ bytes, signatures: [signRoster(bytes, operator)] });
}

/** Writes the configuration of a house's agent; its path. */
export function configure({ station, folder, member }: NewHouse, csms: string, epochS = 1): string {
  const path = join(folder, "kerbwatch.json");
  const key = formatOperatorKey(nodeCrypto(), { label: "town", publicKey: operator.publicKey });
  writeFileSync(path, JSON.stringify({
    station, listen: "ws://127.0.0.1:0", csms, stateDir: ".", epochS, alerts: { jsonl: "alerts.jsonl" },
    operators: { threshold: 1, keys: [key] }, mesh: { roster: "../roster.kw", listen: `mqtts://${member.address}` },
  }));
  return path;
}

export function configOf(house: NewHouse, csms: string): Config {
  return loadConfig(configure(house, csms), {});
}

/** The agent of a house, in this process; silent unless told otherwise. */
export async function startAgentOf(
  house: NewHouse, csms: string, output: Partial<AgentOutput> = {},
): Promise<RunningAgent> {
  return await startAgent(configOf(house, csms), {
    notice: () => undefined, out: () => undefined, colour: false, env: {}, ...output,
  });
}

/** What a house's agent wrote to its outlet so far, oldest first. */
export function alertsOf({ folder }: NewHouse): Alert[] {
  const lines = ifThere(() => readFileSync(join(folder, "alerts.jsonl"), "utf8"))?.split("\n") ?? [];
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Alert);
}
