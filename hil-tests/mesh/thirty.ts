/** A zone of agents as processes, with the file that ships: how soon all hold a certificate, and what it takes. */
import { agentCommand, AgentProcess } from "../bench/agent-process.ts";
import { BenchCsms } from "../bench/csms.ts";
import { alertsOf, configure, housesOf, type NewHouse } from "../bench/four-houses.testing.ts";
import { BenchStation } from "../bench/station.ts";
import { usageOf } from "../bench/street-figures.ts";
import { freePort } from "../bench/street-ports.ts";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const EPOCH_S = 5;
/** Growth is counted from what was stated before. */
const EPOCHS_BEFORE = 5;
const GUESSES = 4;
const HUNG_MS = 180_000;

export interface Reached {
  readonly agents: number;
  readonly quorum: number;
  /** From the first refused idToken: until the first, half and all of the agents hold the zone's certificate. */
  readonly firstS: number;
  readonly halfS: number;
  readonly allS: number;
  readonly epochS: number;
  readonly residentMb: number;
  readonly cpuShare: number;
  /** Distinct incidents over all agents: one. */
  readonly incidents: number;
}

const nap = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? NaN;

/** Where chargers connect; `configure` lets the system choose, which a process does not tell. */
async function listening(house: NewHouse, csms: string): Promise<{ path: string; url: string }> {
  const path = configure(house, csms, EPOCH_S);
  const url = `ws://127.0.0.1:${await freePort()}`;
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")) as object, listen: url }));
  return { path, url };
}

export async function reachCertificate(n: number, f: number): Promise<Reached> {
  const street = await housesOf(n, f, EPOCH_S);
  const csms = await BenchCsms.listen({ tokens: [] });
  const agents: AgentProcess[] = [];
  const stations: BenchStation[] = [];
  const began = performance.now();
  const until = async (holds: () => boolean, what: string): Promise<void> => {
    for (const end = performance.now() + HUNG_MS; !holds(); await nap(50)) {
      if (performance.now() > end) throw new Error(`still waiting: ${what}`);
    }
  };
  try {
    for (const house of street.houses) {
      const { path, url } = await listening(house, csms.url);
      const agent = new AgentProcess(agentCommand(path), join(house.folder, "agent.log"));
      await agent.start();
      agents.push(agent);
      stations.push(new BenchStation({ id: house.station, ocppVersion: "1.6", url }));
    }
    await Promise.all(stations.map((station) => station.connect()));
    await Promise.all(stations.map((station) => station.boot()));
    console.log(`  ${n} processes after ${((performance.now() - began) / 1_000).toFixed(0)} s`);
    await nap(1_000 * EPOCH_S * EPOCHS_BEFORE);
    const used = agents.map(({ pid }) => usageOf(pid!)!.cpuS);
    const from = performance.now();
    for (let guess = 0; guess < GUESSES; guess++) {
      await Promise.all(stations.map((station, i) => station.authorize(`BAD${i}x${guess}`)));
    }
    const told = street.houses.map(() => NaN);
    const isTold = (house: NewHouse): boolean => alertsOf(house).some(({ scope }) => scope === "zone");
    await until(() => {
      street.houses.forEach((house, i) => {
        if (Number.isNaN(told[i]) && isTold(house)) told[i] = (performance.now() - from) / 1_000;
      });
      return told.every((at) => !Number.isNaN(at));
    }, "all certify");
    const seconds = (performance.now() - from) / 1_000;
    const sorted = [...told].sort((a, b) => a - b);
    const first = street.houses.map((house) => alertsOf(house).find(({ scope }) => scope === "zone")!);
    return {
      agents: n, quorum: first[0]!.certificate!.quorum, epochS: EPOCH_S, firstS: sorted[0]!, halfS: median(told),
      allS: sorted.at(-1)!, residentMb: median(agents.map(({ pid }) => usageOf(pid!)!.residentMb)),
      cpuShare: median(agents.map(({ pid }, i) => (usageOf(pid!)!.cpuS - used[i]!) / seconds)),
      incidents: new Set(first.map(({ incidentId }) => incidentId)).size,
    };
  } finally {
    await Promise.all(stations.map((station) => station.close()));
    await Promise.all(agents.map((agent) => agent.stop()));
    await csms.close();
    street.remove();
  }
}
