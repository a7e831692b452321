/** Four agents with their own brokers, over mutual TLS: what no station says alone, all of them certify alike. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { nodeCrypto, signerFromSeed, systemRandom } from "../../edge-agent/adapters/crypto.ts";
import { loadConfig } from "../../edge-agent/adapters/config-file.ts";
import { loadOrCreateKeys } from "../../edge-agent/adapters/keys.ts";
import { type RunningAgent, startAgent } from "../../edge-agent/agent.ts";
import { formatOperatorKey } from "../../edge-agent/operators.ts";
import { encodeRoster, type Member, type Roster } from "../../gossip/roster.ts";
import { encodeRosterFile, signRoster } from "../../gossip/roster-file.ts";
import type { Alert } from "../../models/terms.ts";
import type { Epoch, StationId, ZoneId } from "../../models/units.ts";
import { systemClock } from "./bench-clock.ts";
import { BenchCsms } from "./csms.ts";
import { freePort } from "./street-ports.ts";
import { BenchStation } from "./station.ts";
import { Waiters } from "./waiters.ts";

const STATIONS = ["CP-1", "CP-2", "CP-3", "CP-4"] as StationId[];
const GUESSES = 6;
/** Start, and statements of two epochs: growth is counted from what was stated before. */
const ENTRIES_BEFORE = 4;
const crypto = nodeCrypto();
const operator = signerFromSeed(new Uint8Array(32).fill(7));

interface House {
  readonly station: StationId;
  readonly folder: string;
  readonly member: Member;
}

async function build(folder: string): Promise<House[]> {
  const houses: House[] = [];
  for (const [index, station] of STATIONS.entries()) {
    const own = join(folder, station);
    const { signers } = loadOrCreateKeys(own, systemRandom);
    const keys = {
      statement: signers.statement.publicKey, log: signers.log.publicKey, witness: signers.witness.publicKey,
      tls: signers.tls.publicKey,
    };
    houses.push({ station, folder: own, member: {
      station, zone: "street" as ZoneId, keys, address: `127.0.0.1:${await freePort()}`,
      latE6: 36_720_000 + 200 * index, lonE6: -4_420_000, ratedW: 22_000,
    } });
  }
  const roster: Roster = {
    network: "town", version: 1, previous: new Uint8Array(0), fromEpoch: 0 as Epoch, epochS: 1, threshold: 1,
    operators: [operator.publicKey], zones: [{ id: "street" as ZoneId, ratingW: 100_000, f: 1 }],
    members: houses.map(({ member }) => member), revoked: [], events: [],
  };
  const bytes = encodeRoster(roster);
  writeFileSync(join(folder, "roster.kw"), encodeRosterFile({ bytes, signatures: [signRoster(bytes, operator)] }));
  return houses;
}

function configure({ station, folder, member }: House, csms: BenchCsms): string {
  const path = join(folder, "kerbwatch.json");
  writeFileSync(path, JSON.stringify({
    station, listen: "ws://127.0.0.1:0", csms: csms.url, stateDir: ".", epochS: 1, alerts: { jsonl: "alerts.jsonl" },
    operators: { threshold: 1, keys: [formatOperatorKey(crypto, { label: "town", publicKey: operator.publicKey })] },
    mesh: { roster: "../roster.kw", listen: `mqtts://${member.address}` },
  }));
  return path;
}

function alertsOf({ folder }: House): Alert[] {
  return readFileSync(join(folder, "alerts.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line) as Alert);
}

test("refused idTokens, too few at each station: the zone says it, with one certificate at all four", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-street-"));
  const csms = await BenchCsms.listen({ tokens: [] });
  const heard = new Waiters<void>();
  const agents: RunningAgent[] = [];
  const stations: BenchStation[] = [];
  try {
    const houses = await build(folder);
    for (const house of houses) {
      agents.push(await startAgent(loadConfig(configure(house, csms), {}), {
        notice: () => undefined, colour: false, env: {},
        out: (text) => text.includes("on street") && heard.tell(house.station, undefined),
      }));
    }
    for (const [index, { station }] of houses.entries()) {
      const url = `ws://127.0.0.1:${agents[index]!.listening.port}`;
      stations.push(new BenchStation({ id: station, ocppVersion: index % 2 ? "2.0.1" : "1.6", url }));
    }
    await Promise.all(stations.map((station) => station.connect()));
    await Promise.all(stations.map((station) => station.boot()));
    while (agents.some((agent) => agent.status().log.entries < ENTRIES_BEFORE)) await systemClock.wait(50);
    const raised = STATIONS.map((station) => heard.next(station));
    for (let guess = 0; guess < GUESSES; guess++) {
      await Promise.all(stations.map((station, index) => station.authorize(`BAD${index}${guess}`)));
    }
    await Promise.all(raised);
    const alerts = houses.map((house) => alertsOf(house));
    for (const own of alerts) {
      assert.ok(own.every(({ scope }) => scope === "zone"), "no station says it alone");
      assert.is(own[0]?.threat, "authorization-abuse");
      assert.is(own[0]?.certificate?.quorum, 3);
    }
    assert.is(new Set(alerts.map(([first]) => first?.incidentId)).size, 1, "one incident");
  } finally {
    await Promise.all(stations.map((station) => station.close()));
    await Promise.all(agents.map((agent) => agent.stop()));
    await csms.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
