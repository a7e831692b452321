/** A street of three real agents, for tests: keys, a roster that one operator signs, their meshes over real TLS. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { encodeRoster, type Member, type Roster } from "../gossip/roster.ts";
import { encodeRosterFile, rosterHash, signRoster } from "../gossip/roster-file.ts";
import type { Epoch, StationId, ZoneId } from "../models/units.ts";
import { type RunningAgent, startAgent } from "./agent.ts";
import {
  type Csms, entriesOf, freshFolder, Heard, startCsms, statementsOf, within, writeConfig,
} from "./agent.testing.ts";
import { loadConfig } from "./adapters/config-file.ts";
import { nodeCrypto, signerFromSeed, systemRandom } from "./adapters/crypto.ts";
import { loadOrCreateKeys } from "./adapters/keys.ts";
import { formatOperatorKey } from "./operators.ts";
import type { Clock } from "./ports.ts";

export const crypto = nodeCrypto();
export const operator = signerFromSeed(new Uint8Array(32).fill(7));
export const ZONE = "street" as ZoneId;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A charging place: keys, folder, and the agent that runs there. */
export class House {
  readonly folder = freshFolder();
  readonly stateDir = join(this.folder, "state");
  readonly notices = new Heard<string>();
  readonly member: Member;
  #agent: RunningAgent | undefined;

  constructor(station: string, port: number) {
    mkdirSync(this.stateDir);
    const { statement, log, witness, tls } = loadOrCreateKeys(this.stateDir, systemRandom).signers;
    this.member = {
      station: station as StationId, zone: ZONE, address: `127.0.0.1:${port}`, latE6: 0, lonE6: 0, ratedW: 0, keys: {
        statement: statement.publicKey, log: log.publicKey, witness: witness.publicKey, tls: tls.publicKey,
      },
    };
  }

  get agent(): RunningAgent {
    return this.#agent!;
  }

  /** Replaces the roster's file in one step, as an operator should. */
  put(roster: Roster): void {
    const bytes = encodeRoster(roster);
    const path = join(this.folder, "roster.kw");
    writeFileSync(`${path}.new`, encodeRosterFile({ bytes, signatures: [signRoster(bytes, operator)] }));
    renameSync(`${path}.new`, path);
  }

  /** `more`: of the configuration. */
  async start(csms: Csms, more: Readonly<Record<string, unknown>> = {}, clock?: Clock): Promise<void> {
    const { station, address } = this.member;
    const file = writeConfig(this.folder, {
      ...more, station, csms: `ws://127.0.0.1:${csms.port}`,
      mesh: { roster: "roster.kw", listen: `mqtts://${address}` },
      operators: { threshold: 1, keys: [formatOperatorKey(crypto, { label: "town", publicKey: operator.publicKey })] },
    });
    this.#agent = await startAgent(loadConfig(file, {}), {
      notice: (text) => this.notices.add(text), out: () => undefined, colour: false, env: {},
      leave: () => void this.stop(), ...(clock !== undefined && { clock }),
    });
  }

  async stop(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = undefined;
  }

  says(pattern: RegExp): Promise<string> {
    return this.notices.next((text) => pattern.test(text));
  }

  /** Roster version and epoch of what it stated, as its log tells. */
  stated(): [version: number, epoch: number][] {
    return statementsOf(entriesOf(this.stateDir)).map(({ rosterVersion, epoch }) => [rosterVersion, epoch]);
  }

  hears(other: House): boolean {
    const { members, epoch } = this.agent.status().mesh!;
    const seen = members.find(({ station }) => station === other.member.station)?.lastEpoch;
    return seen !== undefined && seen >= epoch - 2;
  }
}

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}

export function rosterOf(members: readonly Member[], before?: Roster, more: Partial<Roster> = {}): Roster {
  return {
    network: "town", version: (before?.version ?? 0) + 1, fromEpoch: 0 as Epoch, epochS: 1, threshold: 1,
    previous: before === undefined ? new Uint8Array(0) : rosterHash(crypto, encodeRoster(before)),
    operators: [operator.publicKey], zones: [{ id: ZONE, ratingW: 0, f: 0 }],
    members: [...members].sort((a, b) => (a.station < b.station ? -1 : 1)), revoked: [], events: [], ...more,
  };
}

/** Three houses with keys and free ports, no agent running; all of it ends with `use`. */
export async function onStreet(use: (houses: readonly House[], csms: Csms) => Promise<void>): Promise<void> {
  const csms = await startCsms();
  const houses: House[] = [];
  for (const station of ["CP-001", "CP-002", "CP-003"]) houses.push(new House(station, await freePort()));
  try {
    await within(use(houses, csms), () => houses.flatMap(({ notices }) => notices.all).join("\n"));
  } finally {
    for (const house of houses) await house.stop().catch(() => undefined);
    await csms.close();
  }
}
