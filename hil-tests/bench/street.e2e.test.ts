/** Four agents with their own brokers, over mutual TLS: what no station says alone, all of them certify alike. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { askStatus } from "../../edge-agent/adapters/agent-client.ts";
import { memoryPath } from "../../edge-agent/adapters/memory-file.ts";
import type { RunningAgent } from "../../edge-agent/agent.ts";
import type { Check } from "../../edge-agent/cli/checks/check.ts";
import { ran } from "../../edge-agent/cli/io.testing.ts";
import { statusText } from "../../edge-agent/status-text.ts";
import type { Alert } from "../../models/terms.ts";
import { systemClock } from "./bench-clock.ts";
import { BenchCsms } from "./csms.ts";
import { alertsOf, fourHouses, type NewHouse, startAgentOf } from "./four-houses.testing.ts";
import { BenchStation } from "./station.ts";
import { Waiters } from "./waiters.ts";

const GUESSES = 6;
const TIME_OUT_MS = 20_000;
/** Start, and statements of two epochs: growth is counted from what was stated before. */
const ENTRIES_BEFORE = 4;

/** The agent's own status has the incident of its alert, and everybody else. */
async function assertTold({ folder }: NewHouse, alert: Alert): Promise<void> {
  const asked = await askStatus(folder, TIME_OUT_MS);
  const mesh = asked.kind === "status" ? asked.status.mesh : undefined;
  if (asked.kind !== "status" || mesh === undefined) throw new Error(`no street: ${JSON.stringify(asked)}`);
  assert.equal([mesh.network, mesh.zone, mesh.n, mesh.f, mesh.quorum], ["town", "street", 4, 1, 3]);
  assert.is(mesh.members.filter(({ suspected, guilty }) => !suspected && !guilty).length, 4);
  assert.equal(mesh.links.map(({ up }) => up), [true, true, true]);
  assert.is(mesh.broker?.connected.length, 3);
  const incident = mesh.incidents.find(({ incidentId }) => incidentId === alert.incidentId);
  assert.is(incident?.threat, alert.threat);
  for (const station of alert.stations) assert.ok(incident?.stations.includes(station), `${station}, or more since`);
  assert.ok(mesh.traffic.sent.bytesPerEpoch > 0 && mesh.traffic.received.messagesPerEpoch > 0);
  assert.match(statusText(asked.status), /^zone {8}CERTIFIED authorization-abuse since .*$/m);
}

/** What doctor says of the street beside the running agent. */
async function assertWell({ folder }: NewHouse): Promise<void> {
  const { out } = await ran(["doctor", "--config", join(folder, "kerbwatch.json"), "--json"]);
  const { checks } = JSON.parse(out) as { checks: Check[] };
  const found = checks.filter(({ name }) => ["roster", "broker", "advertise", "neighbours"].includes(name));
  assert.equal(found.map(({ name, state }) => `${state} ${name}`),
    ["ok roster", "ok broker", "ok advertise", "ok neighbours"]);
}

/**
 * Stopped, and begun again from the log as it was while it ran, as after SIGKILL: the agent knows the incident at once.
 * @param copy a folder to make
 */
async function beginAgain(house: NewHouse, agent: RunningAgent, csms: string, copy: string): Promise<RunningAgent> {
  const log = join(house.folder, "log");
  const before = agent.status().mesh?.incidents.map(({ incidentId, since }) => [incidentId, since]);
  cpSync(log, copy, { recursive: true });
  await agent.stop();
  for (const gone of [log, memoryPath(house.folder)]) rmSync(gone, { recursive: true });
  cpSync(copy, log, { recursive: true });
  const again = await startAgentOf(house, csms);
  assert.equal(again.status().mesh?.incidents.map(({ incidentId, since }) => [incidentId, since]), before);
  assert.ok(before !== undefined && before.length > 0);
  return again;
}

/** Whether all logs list the same certificates, as an operator would compare them. */
async function holdTheSame(houses: readonly NewHouse[]): Promise<boolean> {
  const lists = await Promise.all(houses.map(async ({ folder }) => {
    const { out } = await ran(["ledger", "verify", "--json", "--state", folder]);
    return JSON.stringify((JSON.parse(out) as { certificates: readonly unknown[] }).certificates);
  }));
  return lists[0] !== "[]" && new Set(lists).size === 1;
}

test("refused idTokens, too few at each station: the zone says it, with one certificate at all four", async () => {
  const street = await fourHouses();
  const { houses } = street;
  const csms = await BenchCsms.listen({ tokens: [] });
  const heard = new Waiters<void>();
  const agents: RunningAgent[] = [];
  const stations: BenchStation[] = [];
  try {
    for (const house of houses) {
      agents.push(await startAgentOf(house, csms.url, {
        out: (text) => void (text.includes("on street") && heard.tell(house.station, undefined)),
      }));
    }
    for (const [index, { station }] of houses.entries()) {
      const url = `ws://127.0.0.1:${agents[index]!.listening.port}`;
      stations.push(new BenchStation({ id: station, ocppVersion: index % 2 ? "2.0.1" : "1.6", url }));
    }
    await Promise.all(stations.map((station) => station.connect()));
    await Promise.all(stations.map((station) => station.boot()));
    while (agents.some((agent) => agent.status().log.entries < ENTRIES_BEFORE)) await systemClock.wait(50);
    const raised = houses.map(({ station }) => heard.next(station));
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
    for (const [index, house] of houses.entries()) await assertTold(house, alerts[index]![0]!);
    await assertWell(houses[0]!);
    agents[3] = await beginAgain(houses[3]!, agents[3]!, csms.url, join(street.folder, "copy"));
    const ids = alertsOf(houses[3]!).filter(({ state }) => state === "raised").map(({ incidentId }) => incidentId);
    assert.is(new Set(ids).size, ids.length, "nothing is raised again");
    while (!await holdTheSame(houses)) await systemClock.wait(50);
  } finally {
    await Promise.all(stations.map((station) => station.close()));
    await Promise.all(agents.map((agent) => agent.stop()));
    await csms.close();
    street.remove();
  }
});
